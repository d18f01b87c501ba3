"""Many requests at once: checked together, confirmed once, sent in strict sequence, written down before each send."""

from ledgerkit.plans.making import accounts, payments
from ledgerkit.plans.plan import Plan
from ledgerkit.plans.sheets import Source

__all__ = ["Plan", "Source", "accounts", "payments"]
