"""Two texts of one address, and of two."""

import pytest

from ledgerkit.addresses import same_address

EVM = "0xdAC17F958D2ee523a2206206994597C13D831ec7"
BECH32 = "bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq"
OSMOSIS = "osmo1qqzrlz3yfwvvn6kxfjc3pyd3jcn7yhh7g67mzd"
REGTEST = "bcrt1q0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq7c"
CASH = "bitcoincash:qpm2qsznhks23z7629mms6s4cwef74vcwvy22gdx6a"
BASE58 = "1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2"


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (EVM, EVM.lower(), True),
        (EVM, EVM.replace("0xd", "0xe"), False),
        (EVM, EVM.replace("0x", "0X"), True),
        (EVM, EVM.removeprefix("0x"), True),
        (EVM + "0" * 24, (EVM + "0" * 24).lower(), True),
        (EVM, EVM.replace("0x", "1x"), False),
        (BECH32, BECH32.upper(), True),
        (OSMOSIS, OSMOSIS.upper(), True),
        (REGTEST, REGTEST.upper(), True),
        (CASH, CASH.upper(), True),
        (CASH, CASH.removeprefix("bitcoincash:"), True),
        (CASH, CASH.removeprefix("bitcoincash:").upper(), True),
        (CASH, CASH.replace("bitcoincash:", "BitcoinCash:"), True),
        (CASH, CASH.replace("bitcoincash:", "bchtest:"), False),
        (CASH, CASH.replace("qpm2", "qpM2"), False),
        (CASH, CASH.replace("qpm2", "qpm3"), False),
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
