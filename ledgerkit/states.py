"""What the states of the API mean to whoever waits for them: one table for all that shows them."""

from collections.abc import Mapping
from typing import Final

from ledgerkit.showing import visible

_CAPITALS: Final = {"api": "API", "hsm": "HSM", "nft": "NFT", "lam": "LAM", "id": "ID"}
WAITING: Final = "waiting"
DONE: Final = "done"
REFUSED: Final = "refused"
NEUTRAL: Final = "neutral"

# What each state means to whoever waits for it; one that is not listed has no colour, for nothing is guessed.
STATES: Final[Mapping[str, str]] = {
    **dict.fromkeys(
        # what was approved or submitted is under way: no money has arrived yet
        [
            "APPROVED",
            "PENDING",
            "PENDING_ACTIVATION",
            "PENDING_APPROVAL",
            "PENDING_CREATE_IN_HSM",
            "PENDING_FIRST_APPROVAL",
            "PENDING_REGISTRATION",
            "PENDING_REVOCATION",
            "PENDING_SECRET",
            "PENDING_VIEW_ONLY",
            "HSM_COIN_UPDATED",
            "SIGNED",
            "SUBMITTED",
            "ACTIVATING",
            "DEACTIVATING",
            "SYNCING",
            "NOT_SYNC",
            "ASSIGNED_TO_SETTLEMENT",
            "PLEDGE_APPROVED",
            "PLEDGE_INCREMENT_PENDING_APPROVAL",
            "RECOVERING_FROM_FAILURE",
            "REPLEDGE_APPROVED",
            "REPLEDGE_PENDING_APPROVAL",
            "UNPLEDGE_APPROVED",
            "UNPLEDGE_PENDING_APPROVAL",
            "OUTBOUND_TRANSACTION_PENDING_APPROVAL",
            "OUTBOUND_TRANSACTION_SUBMITTED",
            "INBOUND_TRANSACTION_PENDING",
        ],
        WAITING,
    ),
    **dict.fromkeys(
        ["ACTIVE", "ACTIVATED", "COMPLETE", "CONFIRMED", "OUTBOUND_TRANSACTION_CONFIRMED", "PLEDGE_READY", "SETTLED"],
        DONE,
    ),
    **dict.fromkeys(
        [
            "ABORTED",
            "ACTIVATION_ABORTED",
            "BLOCKED",
            "DROPPED",
            "FAILED",
            "FAILED_TO_BROADCAST",
            "FAILED_TO_CRAFT",
            "FAILED_TO_SIGN",
            "OUTBOUND_TRANSACTION_FAILED",
            "OUTBOUND_TRANSACTION_REJECTED",
            "PLEDGE_REJECTED",
            "REJECTED",
            "REPLEDGE_REJECTED",
            "UNPLEDGE_REJECTED",
        ],
        REFUSED,
    ),
    **dict.fromkeys(
        [
            "ACCESS_SUSPENDED",
            "CANCELLED",
            "DEACTIVATED",
            "DELETED",
            "EXPIRED",
            "INACTIVE",
            "PLEDGE_CONSUMED",
            "REPLACED",
            "REVOKED",
            "SUSPENDED",
            "UNKNOWN",
            "VIEW_ONLY",
        ],
        NEUTRAL,
    ),
}
# The same word at another end: nothing more happens to a message that is signed, nor to a request that was approved.
STATES_OF: Final[Mapping[str, Mapping[str, str]]] = {
    "message": {"SIGNED": DONE},
    "digest": {"SIGNED": DONE},
    "request": {"APPROVED": DONE, "SIGNED": DONE, "SUBMITTED": DONE},
}


def words(value: str) -> str:
    """Return a word of the API in sentence case: ``PENDING_APPROVAL`` is "Pending approval"."""
    shown = visible(value)
    if shown != shown.upper():
        return shown
    first, *others = (_CAPITALS.get(one, one) for one in shown.lower().split("_"))
    return " ".join([first[:1].upper() + first[1:], *others])


def meaning(table: str, state: str) -> str:
    """Return what a state means, ``"waiting"``, ``"done"``, ``"refused"`` or ``"neutral"``; empty where unknown."""
    name = state.upper()
    return STATES_OF.get(table, {}).get(name) or STATES.get(name, "")
