"""The exercises at the end of the tutorials: each checks an answer against the workspace, and says how to go on."""

from ledgerkit.exercises.administrator import administrator
from ledgerkit.exercises.forms import forms
from ledgerkit.exercises.operator import operator
from ledgerkit.exercises.register import register
from ledgerkit.exercises.start_here import start_here
from ledgerkit.exercises.verdict import Verdict

__all__ = ["Verdict", "administrator", "forms", "operator", "register", "start_here"]
