"""Whether what a transaction moves comes into its account or leaves it: one answer for the whole kit."""

from collections.abc import Mapping
from typing import Any, Final, Literal

Direction = Literal["in", "out", "inside"]
# The contract names the types and says nothing of where their amounts go. Those of sends and receives are plain; the
# others go by what they do on their chains: a stake account of Solana and the deposit contract of Ethereum hold what
# the account no longer does.
INCOMING: Final = frozenset(
    {
        "RECEIVE",
        "RECEIVE_SPL_TOKEN_CHECKED",
        "RECEIVE_SPL_TOKEN_CHECKED_FUNDED",
        "REWARD",
        "STAKE_WITHDRAW",
        "STAKING_WITHDRAW",
    }
)
OUTGOING: Final = frozenset(
    {
        "CREATE_SPL_TOKEN_ACCOUNT",
        "DEPLOY_CONTRACT",
        "EXECUTE_CONTRACT",
        "SEND",
        "SEND_SPL_TOKEN_CHECKED",
        "SEND_SPL_TOKEN_CHECKED_FUNDED",
        "STAKE",
        "STAKE_CREATE_DELEGATE",
    }
)
# What stays with the account, bonded, delegated or split: only fees are paid.
INSIDE: Final = frozenset(
    {
        "ADDPROXY",
        "ANONYMOUSPROXY",
        "BOND",
        "BONDEXTRA",
        "CHILL",
        "DELEGATE",
        "DELEGATE_VOTE_TO_DREP",
        "KILLANONYMOUS",
        "PROXY",
        "REBOND",
        "REMOVEPROXY",
        "REVEAL",
        "SETCONTROLLER",
        "SETPAYEE",
        "STAKE_DEACTIVATE",
        "STAKE_DELEGATE",
        "STAKE_MERGE",
        "STAKE_SPLIT",
        "STAKE_SPLIT_DEACTIVATE",
        "STAKING_DELEGATE",
        "STAKING_DEREGISTER",
        "STAKING_REGISTER",
        "UNBOND",
        "UNDELEGATE",
        "WITHDRAWUNBONDED",
    }
)
_DIRECTIONS: Final[Mapping[str, Direction]] = {
    **dict.fromkeys(INCOMING, "in"),
    **dict.fromkeys(OUTGOING, "out"),
    **dict.fromkeys(INSIDE, "inside"),
}


def direction(transaction_type: Any) -> Direction | None:
    """Say which way the amount of a transaction of this type goes, as its account sees it.

    Parameters
    ----------
    transaction_type
        As the service names it, such as ``"SEND"``.

    Returns
    -------
    str or None
        ``in`` and ``out``; ``inside`` where it stays with the account, bonded or delegated; None where the type does
        not say, or is of a newer API: nothing is guessed.

    Examples
    --------
    >>> direction("RECEIVE")
    'in'
    """
    if not isinstance(transaction_type, str):
        return None
    return _DIRECTIONS.get(transaction_type)
