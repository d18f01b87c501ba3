"""Two texts of one address, and of two."""

import pytest

from ledgerkit.addresses import same_address

EVM = "0xdAC17F958D2ee523a2206206994597C13D831ec7"
BECH32 = "bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq"
BASE58 = "1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2"


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (EVM, EVM.lower(), True),
        (EVM, EVM.replace("0xd", "0xe"), False),
        (EVM, EVM.replace("0x", "0X"), False),
        (BECH32, BECH32.upper(), True),
        (BECH32, BECH32.capitalize(), False),
        (BASE58, BASE58, True),
        (BASE58, BASE58.lower(), False),
    ],
)
def test_case_counts_where_it_has_a_meaning(one: str, other: str, same: bool) -> None:
    assert same_address(one, other) is same
    assert same_address(other, one) is same


def test_a_whitelist_that_holds_the_address_in_capitals_holds_it() -> None:
    from ledgerkit.rules import listed_in

    class Whitelists:
        def whitelist(self, number: int) -> dict[str, object]:
            entry = {"currency": "bitcoin", "address": BECH32.upper(), "name": "Exchange"}
            return {"name": f"list {number}", "addresses": [entry]}

    held, unseen = listed_in(Whitelists(), [{"whitelist": 1}], "bitcoin", BECH32)  # type: ignore[arg-type]  # only what is asked of lookups is played
    assert (held, unseen) == ("list 1 as Exchange", False)
