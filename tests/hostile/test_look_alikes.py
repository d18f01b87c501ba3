"""An address that begins and ends like a known one is marked wherever it may be paid, approved or read."""

import random
import time
from collections.abc import Callable, Iterator
from typing import Any

import pandas as pd
import pytest
from serving import Handler, LeapingClock, Reply, Server, listing, page, signed_in
from writes.conftest import listed_address, open_session

import ledgerkit as lk
from ledgerkit.addresses import KnownAddresses, apart, mark
from ledgerkit.checks import look_alike
from ledgerkit.drafts import Check
from ledgerkit.known_addresses import checked, listed, paid
from ledgerkit.lookups import Lookups
from ledgerkit.sandbox import Sandbox

BECH32_LETTERS = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
BASE58_LETTERS = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
EVM = "0xdAC17F958D2ee523a2206206994597C13D831ec7"
POISON = "0xdAC1" + "9" * 32 + "1ec7"
BECH32 = "bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq"
BASE58 = "1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2"
SOLANA = "7xKXtg2CW87d97TXJSDpbD5jBkheTqA83TZRuJosgAsU"
TRON = "TJCnKsPa7y5okkXvQAidZBzqx3QyQ6sxMW"
RIPPLE = "rEb8TK3gBgk5auZkwc6sHnwrGVJH8DuaLh"
STELLAR = "GAAZI4TCR3TY5OJHCTJC2A4QSY6CJWJH5IAJTGKIN2ER7LBNVKOCCWN7"
POLKADOT = "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY"
CASH = "bitcoincash:qpm2qsznhks23z7629mms6s4cwef74vcwvy22gdx6a"
CASH_ALIKE = "qpm2q" + "z" * 33 + "dx6a"


def alike(address: str, *known: str) -> list[tuple[str, bool]]:
    return [(one.address, one.nearly) for one in KnownAddresses((one, "known") for one in known).alike(address)]


@pytest.mark.parametrize(
    ("address", "known"),
    [
        (POISON, EVM),
        (POISON.lower(), EVM),
        (POISON, EVM.lower()),
        ("0x" + POISON[2:].upper(), EVM),
        ("bc1qar0s" + "p" * 30 + "5mdq", BECH32),
        ("BC1QAR0S" + "P" * 30 + "5MDQ", BECH32),
        ("1BvBM" + "x" * 25 + "NVN2", BASE58),
        ("7xKXmQzR5vYwP3nLhDs8cFjK2uGb6eN9tXa4yWiHgAsU", SOLANA),
        (TRON[:4] + "z" * 26 + TRON[-4:], TRON),
        (RIPPLE[:4] + "z" * 26 + RIPPLE[-4:], RIPPLE),
        (STELLAR[:4] + "Z" * 48 + STELLAR[-4:], STELLAR),
        (POLKADOT[:4] + "z" * 40 + POLKADOT[-4:], POLKADOT),
        ("1A1z" + "x" * 26 + "vfNa", "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"),
        ("tz1VSUr" + "x" * 25 + "Cjcj", "tz1VSUr8wwNhLAzempoch5d6hLRiTh8Cjcj"),
        (CASH_ALIKE, CASH),
        (f"bitcoincash:{CASH_ALIKE}", CASH),
        (f"bitcoincash:{CASH_ALIKE}".upper(), CASH),
        (f"bitcoincash:{CASH_ALIKE}", CASH.removeprefix("bitcoincash:")),
        (POISON.removeprefix("0x"), EVM),
        (POISON.replace("0x", "0X"), EVM.removeprefix("0x")),
        ("osmo1qqzr" + "q" * 30 + "7mzd", "osmo1qqzr" + "l" * 30 + "7mzd"),
        (BASE58.replace("Wet", "weT"), BASE58),
        (BASE58.replace("B", "\u0412"), BASE58),  # Cyrillic
        ("l" + BASE58[1:], BASE58),
        (EVM[:20] + "\u200b" + EVM[20:], EVM),
        (EVM.replace("0x", "0\u0445"), EVM),  # a Cyrillic letter in the place of the x
        ("\uff10" + EVM[1:], EVM),  # of full width
    ],
)
def test_an_address_that_people_take_for_a_known_one_is_found(address: str, known: str) -> None:
    assert alike(address, "0x" + "1" * 40, known, "bc1q" + "z" * 38) == [(known, False)]
    said = mark(address, KnownAddresses([(known, "Acme")]))
    assert said is not None
    assert said.label == "LOOK-ALIKE"


@pytest.mark.parametrize(
    ("address", "known"),
    [
        (EVM, EVM),
        (EVM.lower(), EVM),
        (BECH32.upper(), BECH32),
        (CASH.upper(), CASH),
        (CASH.removeprefix("bitcoincash:"), CASH),
        ("osmo1qqzr" + "l" * 30 + "7mzd", ("osmo1qqzr" + "l" * 30 + "7mzd").upper()),
        (EVM.replace("0x", "0X"), EVM),
        (EVM.removeprefix("0x"), EVM),
        ("tz1aaaa" + "x" * 25 + "Cjcj", "tz1bbbb" + "x" * 25 + "Cjcj"),
        (EVM, "0xdAC1" + "9" * 36),
        (EVM, "0x" + "9" * 36 + "1ec7"),
        ("bc1qaaaa" + "q" * 30 + "zzzz", "bc1qbbbb" + "q" * 30 + "zzzz"),
        ("osmo1aaaa" + "q" * 30 + "zzzz", "osmo1cccc" + "q" * 30 + "zzzz"),
        ("short", "shorn"),
    ],
)
def test_the_same_address_and_a_quite_different_one_are_not(address: str, known: str) -> None:
    assert alike(address, known) == []


def test_one_character_less_at_an_end_is_nearly_alike() -> None:
    assert alike("0xdAC" + "9" * 33 + "1ec7", EVM) == [(EVM, True)]
    assert alike("0xdAC1" + "9" * 33 + "ec7", EVM) == [(EVM, True)]


def test_an_address_of_one_character_less_is_told_in_quieter_words() -> None:
    said = mark("0xdAC" + "9" * 33 + "1ec7", KnownAddresses([(EVM, "Acme")]))
    assert said is not None
    assert str(said).startswith(f"Nearly alike: it begins and ends nearly like {EVM} (Acme)")
    both = KnownAddresses([("0xdAC" + "9" * 33 + "1ec8", "Nearly"), (POISON[:-8] + "88881ec7", "Acme")])
    sure = mark(POISON, both)
    assert sure is not None
    assert (sure.label, "Nearly" in sure.text) == ("LOOK-ALIKE", False)


# How much of what a network's addresses are made of stands in them, and what they begin with.
NETWORKS = {
    "ethereum": ("0x", "0123456789abcdef", 40),
    "bitcoin": ("bc1q", BECH32_LETTERS, 38),
    "bitcoin, old": ("1", BASE58_LETTERS, 33),
    "bitcoin_cash": ("bitcoincash:q", BECH32_LETTERS, 41),
    "cosmos": ("cosmos1", BECH32_LETTERS, 38),
    "solana": ("", BASE58_LETTERS, 44),
    "tron": ("T", BASE58_LETTERS, 33),
    "ripple": ("r", BASE58_LETTERS, 33),
    "polkadot": ("1", BASE58_LETTERS, 47),
    "tezos": ("tz1", BASE58_LETTERS, 33),
    "stellar": ("GA", "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", 54),
}


@pytest.mark.parametrize("network", NETWORKS)
def test_ten_thousand_addresses_of_chance_are_hardly_ever_taken_for_each_other(network: str) -> None:
    """With 10,000 known ones, none of 10,000 new ones is marked, and 6 at most (Stellar's) are told as nearly alike.

    Counted once for each network; what is run here is a hundredth of that.
    """
    start, letters, length = NETWORKS[network]
    chance = random.Random(network)
    known = KnownAddresses((start + "".join(chance.choices(letters, k=length)), "known") for _ in range(2_000))
    sure = nearly = 0
    for _ in range(500):
        said = mark(start + "".join(chance.choices(letters, k=length)), known)
        sure, nearly = sure + (said is not None and said.sure), nearly + (said is not None and not said.sure)
    assert sure == 0
    assert nearly <= 2


def test_it_is_said_in_words_where_they_differ() -> None:
    assert apart(POISON, EVM) == (
        "of its 42 characters the first 6 and the last 4 are the same, and those between are not"
    )
    assert apart("abcdefgh", "abcxefgh") == "of 8 characters they differ in that at 4 (“d” here, “x” there)"
    assert apart("ab\u0441d", "abcd") == "of 4 characters they differ in that at 3 (U+0441 here, “c” there)"


def test_ten_thousand_known_addresses_cost_no_more_than_a_few() -> None:
    many = [(f"0x{number:040x}"[:-4] + f"{number % 65536:04x}", "listed") for number in range(10_000)]

    def cost(known: KnownAddresses) -> float:
        best = float("inf")
        for _ in range(5):
            start = time.perf_counter()
            for _ in range(200):
                known.alike(POISON)
            best = min(best, time.perf_counter() - start)
        return best

    few, all_of_them = KnownAddresses([(EVM, "Acme")]), KnownAddresses([*many, (EVM, "Acme")])
    assert [one.address for one in all_of_them.alike(POISON)] == [EVM]
    assert cost(all_of_them) < 50 * cost(few)  # looked through, they would cost a thousandfold


# What pays


@pytest.fixture(scope="module")
def session() -> Iterator[lk.Session]:
    with Sandbox(transactions=250, pace=0) as server, open_session(server, sandbox=server) as session:
        yield session


def poisoned(address: str) -> str:
    """Return another address that begins and ends alike, of letters that addresses of its kind have."""
    middle = "q" * (len(address) - 12)
    return address[:8] + middle + address[-4:]


def verdict(draft: Any, name: str = "look-alike") -> tuple[str, str]:
    return next((one.verdict, one.text) for one in draft.checks if one.name == name)


def test_a_draft_that_pays_a_look_alike_stops_and_names_what_it_resembles(session: lk.Session) -> None:
    listed = listed_address(session, "bitcoin")
    draft = session.transactions.send(1, poisoned(listed), "0.1 BTC", max_fees=1000)
    said, text = verdict(draft)
    assert said == "problem"
    assert f"it begins and ends like {listed} (" in text
    assert "on whitelist" in text
    with pytest.raises(lk.InvalidRequest, match="look-alike: it begins and ends like"):
        draft.submit()
    assert draft.state == "draft"
    assert "✗ look-alike: it begins" in repr(draft)


def test_a_lam_is_asked_to_pay_a_look_alike_by_who_says_that_it_is_meant(session: lk.Session) -> None:
    assert session.sandbox is not None
    payload = lk.payloads.LamTransaction(
        account_name="BTC Treasury 1",
        amount=10_000,
        recipient=poisoned(listed_address(session, "bitcoin")),
        max_fees=2_101,
        speed="SLOW",
    )
    with open_session(session.sandbox, family="lam") as lam:
        before = len(session.sandbox.requests_seen)
        with pytest.raises(lk.InvalidRequest, match=r"nothing was sent: look-alike: it begins and ends like"):
            lam.transactions.create(payload)
        asked = [(seen.method, seen.path) for seen in list(session.sandbox.requests_seen)[before:]]
        assert "POST" not in dict(asked)
        with pytest.raises(lk.InvalidRequest, match="400"):  # the sandbox looks at checksums, which this one fails
            lam.transactions.create(payload, look_alike=True)


def test_who_can_not_pay_by_a_lam_is_told_so_before_anything_is_asked(session: lk.Session) -> None:
    assert session.sandbox is not None
    payload = lk.payloads.LamTransaction(
        account_name="BTC Treasury 1",
        amount=10_000,
        recipient=listed_address(session, "bitcoin"),
        max_fees=2_101,
        speed="SLOW",
    )
    before = len(session.sandbox.requests_seen)
    with pytest.raises(lk.PermissionDenied, match="a LAM can"):
        session.transactions.create(payload)
    assert len(session.sandbox.requests_seen) == before


def test_a_listed_address_is_none(session: lk.Session) -> None:
    address = listed_address(session, "bitcoin")
    said, text = verdict(session.transactions.send(1, address, "0.1 BTC"))
    lists = session.whitelists.search(status="ACTIVE")
    named = [
        f"“{entry['name']}” on whitelist {name}"
        for name, entries in zip(lists["name"], lists["addresses"], strict=True)
        for entry in entries
        if entry["address"] == address
    ]
    assert said == "ok"
    assert text.startswith(tuple(f"it is {one}" for one in named))
    assert (" and 1 more, and like none of the" in text) == (len(named) == 2)


def test_of_a_known_address_it_is_said_what_it_is_and_what_else_it_is_like() -> None:
    listed = KnownAddresses([(EVM, "“Acme” on whitelist Vendors"), (EVM.lower(), "the own account One"), (TRON, "x")])
    assert checked(EVM, listed) == Check(
        "look-alike",
        "ok",
        "it is “Acme” on whitelist Vendors, and the own account One, and like none of the 1 other addresses of "
        "whitelists and own accounts",
    )
    # Who was paid before is counted no second time, and is known by that to nobody.
    paid = KnownAddresses(resembled=[(EVM, "paid by transaction 7"), (BASE58, "paid by transaction 8")])
    assert "like none of the 2 other addresses" in checked(EVM, listed, paid).text
    assert checked(BASE58, listed, paid).text.startswith("like none of the 3 addresses of")


def test_an_address_on_several_lists_is_named_by_one_and_their_number(
    serve: Callable[..., Server], connect_to: Callable[..., lk.Session]
) -> None:
    # The first list that was read was named alone, whatever the payment had to do with it.
    lists = [whitelisted("ACTIVE", address) | {"id": 1 + at} for at, address in enumerate([EVM, EVM.lower(), EVM])]
    lists[0]["addresses"].append(lists[0]["addresses"][0] | {"currency": "polygon"})
    lists += [whitelisted("PENDING", TRON) | {"id": 7}, whitelisted("PENDING", TRON) | {"id": 8}]
    known = listed(connect_to(serve(workspace(BASE58, listing(lists)))).accounts._connection)
    assert f"{EVM} (“Acme” on whitelist Vendors and 2 more), and is another" in checked(POISON, known).text
    pending = checked(TRON[:4] + "z" * 26 + TRON[-4:], known).text
    assert f"{TRON} (“Acme” on whitelist Vendors, which is PENDING, and 1 more), and is" in pending


class Lists:
    """What lookups say of one workspace."""

    def __init__(self, listed: KnownAddresses | None, paid: KnownAddresses | None) -> None:
        self._listed, self._paid = listed, paid

    def listed(self) -> KnownAddresses:
        return KnownAddresses(missing=["whitelists"]) if self._listed is None else self._listed

    def paid(self, account: int, search: Any) -> KnownAddresses | None:
        return self._paid


@pytest.mark.parametrize(
    ("lists", "payees", "expected"),
    [
        ([EVM], [], "problem"),
        ([], [EVM], "problem"),
        ([EVM], [POISON], "problem"),  # that it was paid before may be the theft
        ([EVM, POISON], [], "warning"),
        ([POISON], [EVM], "warning"),
        ([], [], "ok"),
        (["0xdAC" + "9" * 33 + "1ec8"], [], "ok"),
        (None, [], "warning"),
        ([], None, "warning"),
        (None, [EVM], "problem"),
    ],
)
def test_what_is_known_decides(lists: list[str] | None, payees: list[str] | None, expected: str) -> None:
    known = [None if one is None else KnownAddresses((address, "Acme") for address in one) for one in (lists, payees)]
    check = look_alike(Lists(*known), 1, POISON, pd.DataFrame)  # type: ignore[arg-type]  # only what is asked of lookups is played
    assert check.verdict == expected
    assert check.allowed_by == ("look_alike" if expected == "problem" else "")


def whitelisted(status: str, address: str) -> dict[str, Any]:
    entry = {"id": 1, "name": "Acme", "currency": "ethereum", "address": address}
    return {"id": 1, "name": "Vendors", "status": status, "created_on": "2026-01-01T00:00:00Z", "addresses": [entry]}


@pytest.mark.parametrize("status", ["PENDING", "BEING_MADE_UP", None])
def test_what_anybody_may_ask_for_excuses_no_look_alike(
    serve: Callable[..., Server], connect_to: Callable[..., lk.Session], status: str
) -> None:
    lists = [whitelisted("ACTIVE", EVM), whitelisted(status, POISON) | {"id": 2}]
    connection = connect_to(serve(workspace(POISON, listing(lists)))).accounts._connection
    known = listed(connection)
    assert checked(POISON, known).verdict == "problem"
    said = mark(POISON, known)
    assert said is not None
    assert said.sure
    # What is in force is known for all that, and a third one may be taken for what is pending too.
    assert checked(EVM, known).verdict == "warning"
    assert mark(EVM, known) is None
    assert f", which is {status or 'of no known status'})" in checked("0xdAC1" + "8" * 32 + "1ec7", known).text


@pytest.mark.parametrize("status", ["REJECTED", "REVOKED"])
def test_a_list_that_is_dead_neither_excuses_nor_is_resembled(
    serve: Callable[..., Server], connect_to: Callable[..., lk.Session], status: str
) -> None:
    connection = connect_to(serve(workspace(POISON, listing([whitelisted(status, EVM)])))).accounts._connection
    assert checked(POISON, listed(connection)).text.startswith("like none of the 0 addresses")


@pytest.mark.parametrize(
    ("status", "said"),
    [
        ("CONFIRMED", "paid by transaction 7"),
        ("PENDING_APPROVAL", "to be paid, PENDING_APPROVAL, by transaction 7"),
        ("REJECTED", None),
        ("FAILED_TO_SIGN", None),
    ],
)
def test_who_was_paid_is_resembled_and_excuses_nothing(status: str, said: str | None) -> None:
    rows = {"id": [7], "type": ["SEND"], "status": [status], "recipient": [EVM]}
    found = list(paid(pd.DataFrame(rows)))
    assert found == ([] if said is None else [(EVM, said)])
    known = KnownAddresses(resembled=found)
    assert known.words(EVM) is None
    assert len(known.alike(POISON)) == len(found)


def test_own_accounts_are_looked_at_whatever_was_asked_before(session: lk.Session) -> None:
    accounts = session.accounts.search()
    own = accounts["address"].value_counts().index[0]
    names = accounts[accounts["address"] == own]["name"].tolist()
    assert session.sandbox is not None
    with open_session(session.sandbox) as fresh:
        check = look_alike(Lookups(fresh.accounts._connection), 1, poisoned(own), None)
    assert check.verdict == "problem"
    assert f"{own} (the own account {names[0]} and {len(names) - 1} more with it)" in check.text
    assert len(names) > 1


def test_a_draft_of_a_payload_is_looked_at_as_a_payment_is(session: lk.Session) -> None:
    made = session.transactions.send(1, listed_address(session, "bitcoin"), "0.1 BTC", max_fees=1000)
    assert verdict(session.requests.draft(made.payload))[0] == "ok"
    payload = made.payload.replace(recipient=poisoned(made.payload.recipient))
    for given in (payload, payload.to_json()):
        draft = session.requests.draft(given)
        assert verdict(draft)[0] == "problem"
        with pytest.raises(lk.InvalidRequest, match="look-alike: it begins and ends like"):
            session.requests.create(given)
        assert "draft.submit(look_alike=True)" in repr(draft)


def test_who_means_it_says_so_and_nothing_else_is_let_through(session: lk.Session) -> None:
    from test_showing import draft as made

    from ledgerkit.drafts import Check, Draft

    def draft(*checks: Check) -> Draft:
        plain = made("x")
        plain._checks = checks
        return plain

    alone = draft(Check("look-alike", "problem", "it looks like it", "look_alike"))
    assert "To send it all the same: draft.submit(look_alike=True)" in repr(alone)
    with pytest.raises(lk.InvalidRequest, match="it looks like it"):
        alone.submit(again=True)
    with pytest.raises(AssertionError, match="nothing is sent"):
        alone.submit(look_alike=True)
    both = draft(Check("look-alike", "problem", "it looks like it", "look_alike"), Check("rules", "problem", "none"))
    with pytest.raises(lk.InvalidRequest, match=r"nothing was sent: rules: none\.$"):
        both.submit(look_alike=True)


# What is approved, and what is read


def workspace(recipient: str, whitelists: Any = None) -> Handler:
    """Serve one transaction to an address, and a whitelist with another one."""
    row = {
        "id": 7,
        "type": "SEND",
        "status": "CONFIRMED",
        "account_id": 1,
        "currency": "ethereum",
        "amount": 5,
        "recipient": recipient,
        "senders": [EVM],
        "created_on": "2026-01-01T00:00:00Z",
    }
    entry = {"id": 1, "name": "Acme <b>", "currency": "ethereum", "address": EVM}
    whitelist = {
        "id": 1,
        "name": "Vendors",
        "status": "ACTIVE",
        "created_on": "2026-01-01T00:00:00Z",
        "addresses": [entry],
    }

    def handle(seen: Any) -> Any:
        if seen.path == "/whitelists":
            return whitelists(seen) if callable(whitelists) else whitelists or listing([whitelist])(seen)
        if seen.path == "/transactions/7":
            return Reply(row)
        if seen.path.startswith("/accounts/"):
            return Reply(
                {
                    "id": 1,
                    "name": "ETH",
                    "currency": "ethereum",
                    "status": "ACTIVE",
                    "created_on": "2026-01-01T00:00:00Z",
                }
            )
        return page([])

    return signed_in(handle)


def test_the_card_of_a_payment_to_a_look_alike_says_so(
    serve: Callable[..., Server], connect_to: Callable[..., lk.Session]
) -> None:
    from ledgerkit.forms.detail import Detail

    session = connect_to(serve(workspace(POISON)))
    form = Detail.on(session.transactions._connection)
    form.open("transaction", 7)
    form.wait()
    assert "LOOK-ALIKE: it begins and ends like" in form.card.value.replace("<span", "\n<span").replace("\n", "")
    assert "Acme &lt;b&gt;" in form.card.value
    assert f"LOOK-ALIKE: {POISON}: it begins and ends like {EVM} (“Acme <b>” on whitelist Vendors)" in form.text()
    assert "LOOK-ALIKE" in repr(session.transactions.get(7))
    form.close()


@pytest.mark.parametrize(
    ("recipient", "answer"),
    [(EVM, None), (EVM.lower(), None), ("0x" + "7" * 40, None), (POISON, Reply({}, status=403))],
)
def test_a_card_without_one_says_nothing(
    serve: Callable[..., Server], connect_to: Callable[..., lk.Session], recipient: str, answer: Any
) -> None:
    from ledgerkit.forms.detail import Detail

    session = connect_to(serve(workspace(recipient, answer)))
    form = Detail.on(session.transactions._connection)
    form.open("transaction", 7)
    form.wait()
    assert "LOOK-ALIKE" not in form.card.value
    # That nothing was compared is no silence.
    said = "No look-alike could be looked for: whitelists can't be read."
    assert (said in form.card.value.replace("&#x27;", "'")) is (answer is not None)
    assert (said in form.text()) is (answer is not None)
    form.close()


def test_what_an_approver_would_sign_is_marked_and_the_phrase_says_it(session: lk.Session) -> None:
    from ledgerkit.addresses import KnownAddresses
    from ledgerkit.approvals import phrase_for
    from ledgerkit.forms import voting

    listed = listed_address(session, "bitcoin")
    draft = session.transactions.send(1, listed, "0.123 BTC", note="look-alike")
    draft.submit()
    assert draft.request_id is not None
    connection = session.requests._connection
    plain = session.requests.review(draft.request_id, draft)
    assert plain.remarks == ()
    # As if the address that is paid were on no list, and one that it resembles were.
    connection.memory.known_addresses = (
        float("inf"),
        KnownAddresses([(poisoned(listed), "“Acme” on whitelist Vendors")]),
    )
    try:
        review = session.requests.review(draft.request_id, draft)
        assert review.remarks[0].startswith("LOOK-ALIKE: Recipient: it begins and ends like ")
        assert review.remarks[0] in repr(review)
        assert "LOOK-ALIKE: Recipient" in review._repr_html_()
        assert "--jp-error-color1" in review._repr_html_()
        assert phrase_for(review, 7) == f"{phrase_for(plain, 7)} look-alike"
        with pytest.raises(lk.ReviewFailed, match="look-alike'"):
            session.requests.approve(draft.request_id, draft, confirm=f"approve {draft.request_id}")
        found, refusal = voting.review_of(connection, draft.request_id, "approve", draft.to_json())
        assert (found.remarks, refusal) == (review.remarks, None)
    finally:
        connection.memory.known_addresses = (float("-inf"), KnownAddresses())


def test_payments_are_looked_at_though_whitelists_can_not_be_read(
    serve: Callable[..., Server], connect_to: Callable[..., lk.Session]
) -> None:
    for status in (403, 404, 501):
        session = connect_to(serve(workspace(POISON, Reply({"message": "no"}, status=status))), clock=LeapingClock())
        check = look_alike(Lookups(session.accounts._connection), 1, POISON, None)
        assert check.verdict == "warning"
        assert "whitelists can't be seen" in check.text


def review_of(text: str) -> Any:
    from ledgerkit.reviews import Review, Row

    row = Row("recipient", text, text, "match")
    return Review(None, (row,), "documented", "your draft", "approve")  # type: ignore[arg-type]  # what marks a review looks at its rows alone


@pytest.mark.parametrize(
    "around",
    [
        "{}",
        "{},",
        "({})",
        "{};",
        "“{}”",
        "ethereum:{}",
        "ethereum:{}@1?value=5",
        "to={}&x",
        "pay_{}",
        "{}\u3002",
        "a/{}/b",
    ],
)
def test_a_look_alike_is_marked_whatever_stands_around_it(
    serve: Callable[..., Server], connect_to: Callable[..., lk.Session], around: str
) -> None:
    from ledgerkit.approvals import marked, phrase_for

    connection = connect_to(serve(workspace(EVM))).accounts._connection
    review = marked(connection, review_of(around.format(POISON)))
    assert [one.split(":")[0] for one in review.remarks] == ["LOOK-ALIKE"]
    assert phrase_for(review, 7) == "approve 7 look-alike"
    assert marked(connection, review_of(around.format(EVM))).remarks == ()
    nearly = marked(connection, review_of(around.format("0xdAC" + "9" * 33 + "1ec7")))
    assert nearly.remarks[0].startswith("Nearly alike: Recipient: ")
    assert phrase_for(nearly, 7) == "approve 7"


def test_an_approver_is_told_that_nothing_could_be_compared_and_says_so(
    serve: Callable[..., Server], connect_to: Callable[..., lk.Session]
) -> None:
    from ledgerkit.approvals import marked, phrase_for

    refused = Reply({"message": "no"}, status=403)
    connection = connect_to(serve(workspace(POISON, refused))).accounts._connection
    review = marked(connection, review_of(POISON))
    assert review.remarks == (
        "No look-alike could be looked for: whitelists can't be read. Compare all of it yourself.",
    )
    assert phrase_for(review, 7) == "approve 7 uncompared"


def test_a_form_sends_what_only_looks_like_a_known_address_where_a_person_says_that_it_is_meant() -> None:
    from test_showing import draft as made

    from ledgerkit.drafts import Check
    from ledgerkit.forms.payment import PaymentForm
    from ledgerkit.forms.workspace import Workspace

    with Sandbox(transactions=0, pace=0) as server, open_session(server) as session:
        form = PaymentForm(Workspace(session.transactions._connection))
        draft = made("x")
        draft._checks = (Check("look-alike", "problem", "it looks like it", "look_alike"),)
        given: list[Any] = []
        draft.submit = lambda **said: given.append(said)  # type: ignore[method-assign, assignment]  # what it is told is looked at
        form._review({"account": 1, "recipient": POISON, "amount": "1 ETH"}, draft, {})
        assert "tick that this recipient is meant" in form.text()
        assert "draft.submit(look_alike=True)" in form.code
        form.agree.value = True
        before = bool(form.create.disabled)
        form.compared.value = True
        assert (before, bool(form.create.disabled)) == (True, False)
        form.send()
        form._post.wait()
        assert given == [{"again": False, "look_alike": True}]
        draft._checks = (*draft._checks, Check("rules", "problem", "none"))
        form.step, form.sending = "fields", False
        form._review({"account": 1, "recipient": POISON, "amount": "1 ETH"}, draft, {})
        form.agree.value = form.compared.value = True
        assert (bool(form.create.disabled), form.compared.layout.display) == (True, "none")
        form.close()
