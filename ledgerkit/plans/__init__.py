"""Many requests at once: checked together, confirmed once, sent in strict sequence, written down before each send."""

from ledgerkit.plans.plan import Plan, accounts, payments
from ledgerkit.plans.sheets import Source

__all__ = ["Plan", "Source", "accounts", "payments"]
