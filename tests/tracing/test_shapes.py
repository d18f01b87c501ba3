"""What a text may be, and what is nearly the same text."""

import pytest

from ledgerkit.tracing import shapes

EVM = "0x52908400098527886E0F7030069857D2E4169EE7"
HASH = "f38d5de8d686e51af5f0a006c0bbb7749352a66711d4ef4f813c0ad30783d704"


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("request 29", ("request", "29")),
        ("Request 29", ("request", "29")),
        ("account  BTC Treasury 1", ("account", "BTC Treasury 1")),
        ("requests 29", None),
        ("request", None),
        ("29", None),
    ],
)
def test_a_kind_may_stand_before_what_is_meant(text: str, meant: tuple[str, str] | None) -> None:
    assert shapes.prefixed(text) == meant


def test_one_hash_is_written_in_several_ways() -> None:
    assert shapes.same_hash(HASH, f"0x{HASH}")
    assert shapes.same_hash(HASH.upper(), HASH)
    assert not shapes.same_hash(HASH, HASH.replace("f", "e"))


def test_the_case_of_a_hash_in_base58_has_a_meaning() -> None:
    assert not shapes.same_hash("56yLQy3oNeWf" * 7, "56YLQy3oNeWf" * 7)


@pytest.mark.parametrize(
    "typed",
    [
        EVM[:-1] + "8",  # another character
        EVM[:10] + EVM[11:],  # one is missing
        EVM[:10] + "f" + EVM[10:],  # one too many
        EVM[:20] + EVM[21] + EVM[20] + EVM[22:],  # two swapped
        EVM[:8],
        EVM[-6:],
        f"{EVM[:6]}…{EVM[-4:]}",
        f"{EVM[:6]}...{EVM[-4:]}",
        EVM[:6].lower() + "..." + EVM[-4:].lower(),
    ],
)
def test_a_slip_or_the_ends_of_an_address_find_it(typed: str) -> None:
    assert shapes.near_texts(typed, [EVM, "0x" + "1" * 40]) == [EVM]


def test_two_slips_are_another_address() -> None:
    assert shapes.near_texts(EVM[:-2] + "00", [EVM]) == []


def test_an_address_with_the_same_ends_is_a_lookalike_and_the_same_in_another_case_is_not() -> None:
    poisoned = EVM[:6] + "0" * 32 + EVM[-4:]
    assert shapes.lookalikes(EVM, [EVM, EVM.lower(), poisoned, "0x" + "1" * 40]) == [poisoned]


def test_what_all_addresses_of_a_network_begin_with_makes_no_lookalike() -> None:
    assert shapes.lookalikes("bc1qaaaa" + "q" * 30 + "zzzz", ["bc1qbbbb" + "q" * 30 + "zzzz"]) == []


def test_names_one_letter_off_are_near_and_others_are_not() -> None:
    names = ["kate.sullivan", "karl.sun", "BTC Treasury 1"]
    assert shapes.near_names("kate.sulivan", names) == ["kate.sullivan"]
    assert shapes.near_names("btc treasury 1", names) == ["BTC Treasury 1"]
    assert shapes.near_names("nobody", names) == []


@pytest.mark.parametrize(
    ("name", "other", "alike"),
    [
        ("Treasury", "Tr\u0435asury", True),  # a Cyrillic letter
        ("Treasury", "treasury", True),
        ("Treasury", "Trea\u200bsury", True),  # a character without width
        ("Treasury 1", "Treasury 2", False),
        ("Treasury", "Treasury", False),
    ],
)
def test_names_that_try_to_be_read_as_others(name: str, other: str, alike: bool) -> None:
    assert shapes.looks_like(name, other) is alike
