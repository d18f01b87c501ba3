"""When two texts are one address."""

import re
from typing import Final

EVM_ADDRESS: Final = re.compile(r"0x[0-9a-fA-F]{40}")
# Names of networks whose addresses are Bech32: one address in lower or in upper case, never in both.
_BECH32: Final = re.compile(r"(bc|tb|ltc|addr|addr_test|cosmos)1[ac-hj-np-z02-9]+")


def same_address(one: str, other: str) -> bool:
    """Say whether two texts are the same address: case is a checksum to some chains, and has a meaning to others."""
    if one == other:
        return True
    if EVM_ADDRESS.fullmatch(one) and EVM_ADDRESS.fullmatch(other):
        return one.lower() == other.lower()
    return one.lower() == other.lower() and all(
        text in (text.lower(), text.upper()) and _BECH32.fullmatch(text.lower()) for text in (one, other)
    )
