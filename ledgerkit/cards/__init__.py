"""One object as people read it: what matters in the order of reading, and all the rest folded under it."""

from ledgerkit.cards.known import Known
from ledgerkit.cards.layouts import KINDS, card, facts, look_alikes, title
from ledgerkit.cards.record import Record
from ledgerkit.cards.sections import rows_of, section, steps
from ledgerkit.cards.values import pill

__all__ = ["KINDS", "Known", "Record", "card", "facts", "look_alikes", "pill", "rows_of", "section", "steps", "title"]
