"""The exercises at the end of the tutorials: each checks an answer against the workspace, and says how to go on."""

from ledgerkit.exercises.verdict import Verdict

__all__ = ["Verdict"]
