"""The exercises at the end of the tutorials: each checks an answer against the workspace, and says how to go on."""

from ledgerkit.exercises.administrator import administrator
from ledgerkit.exercises.archive import archive
from ledgerkit.exercises.forms import forms
from ledgerkit.exercises.operator import operator
from ledgerkit.exercises.rate_limits import rate_limits
from ledgerkit.exercises.register import register
from ledgerkit.exercises.reporting_keys import reporting_keys
from ledgerkit.exercises.start_here import start_here
from ledgerkit.exercises.tradelink import tradelink
from ledgerkit.exercises.verdict import Verdict
from ledgerkit.exercises.webhooks import webhooks

__all__ = [
    "Verdict",
    "administrator",
    "archive",
    "forms",
    "operator",
    "rate_limits",
    "register",
    "reporting_keys",
    "start_here",
    "tradelink",
    "webhooks",
]
