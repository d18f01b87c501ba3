"""Reports: each is a function that reads a workspace and gives frames, charts, an Excel workbook and a page."""

from ledgerkit.reports.api_users import api_users
from ledgerkit.reports.approvals import approvals
from ledgerkit.reports.balance_history import balance_history
from ledgerkit.reports.compliance import compliance
from ledgerkit.reports.governance import governance
from ledgerkit.reports.pledges import pledges
from ledgerkit.reports.portfolio import portfolio
from ledgerkit.reports.reconciliation import reconciliation
from ledgerkit.reports.report import Report
from ledgerkit.reports.staking import staking
from ledgerkit.reports.statement import statement
from ledgerkit.reports.whitelists import whitelists

__all__ = [
    "Report",
    "api_users",
    "approvals",
    "balance_history",
    "compliance",
    "governance",
    "pledges",
    "portfolio",
    "reconciliation",
    "staking",
    "statement",
    "whitelists",
]
