"""From what people pass to what is sent: every kind of value, and what is refused before it is sent."""

import warnings
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from serving import Server, in_turn, page

import ledgerkit as lk
from ledgerkit.filters import Day, Exact, Filter, Many, Time, filters, query

Serve = Callable[..., Server]
Connect = Callable[..., lk.Session]

PARIS = ZoneInfo("Europe/Paris")


def search(
    *,
    account: Many[int] | None = None,
    amount: Exact | None = None,
    at: Time | None = None,
    day: Day | None = None,
    flag: bool | None = None,
    kind: Literal["EIP-191", "EIP191", "EIP-712"] | None = None,
    label: Many[str] | None = None,
    name: str | None = None,
    status: Many[Literal["ACTIVE", "PENDING_APPROVAL", "REJECTED"]] | None = None,
) -> pd.DataFrame:
    """Stand for a search of the kit; only its signature counts."""
    raise NotImplementedError


def sent(**values: Any) -> dict[str, Any]:
    return query(search, values, PARIS)


def test_the_signature_says_what_each_filter_takes() -> None:
    assert list(filters(search)) == ["account", "amount", "at", "day", "flag", "kind", "label", "name", "status"]
    assert filters(search)["account"] == Filter("account", "integer", many=True)
    assert filters(search)["name"] == Filter("name", "text", many=False)
    assert filters(search)["status"].choices == ("ACTIVE", "PENDING_APPROVAL", "REJECTED")
    kinds = {name: one.kind for name, one in filters(search).items()}
    assert (kinds["amount"], kinds["at"], kinds["day"], kinds["flag"]) == ("exact", "time", "day", "flag")


def test_what_is_none_is_not_sent() -> None:
    assert sent(account=None, name=None, flag=False) == {"flag": "false"}


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (7, "7"),
        ("7", "7"),
        (" 007 ", "7"),
        (-7, "-7"),
        (np.int64(7), "7"),
        (np.uint8(7), "7"),
        (2**64 + 1, "18446744073709551617"),
        ([1, 2], ["1", "2"]),
        ((2, 1, 2), ["2", "1"]),
        (range(2), ["0", "1"]),
        ({5}, ["5"]),
        ((one for one in (1, 2)), ["1", "2"]),
        (np.array([1, 2]), ["1", "2"]),
        (pd.Series([1, 2], dtype="Int64"), ["1", "2"]),
        (pd.Series([3, 3, 4]).unique(), ["3", "4"]),
        (pd.Index([7]), ["7"]),
        (pd.DataFrame({"id": [8, 9]})["id"], ["8", "9"]),
    ],
)
def test_integers_of_every_library(value: Any, text: Any) -> None:
    assert sent(account=value) == {"account": text}


@pytest.mark.parametrize(
    "value",
    [
        True,
        np.True_,
        7.0,
        np.float64(7),
        np.float32(7),
        Decimal(7),
        float("nan"),
        pd.NA,
        pd.NaT,
        "seven",
        "7.0",
        "٧",
        "",
        b"7",
        {7: 8},
        [1, None],
        [1, True],
        [[1]],
        pd.Series([1, None], dtype="Int64"),
        "9" * 5000,
        pytest.param(10**5000, id="5001 digits"),
        date(2026, 1, 1),
    ],
)
def test_what_is_no_integer_is_refused(value: Any) -> None:
    with pytest.raises(lk.InvalidRequest, match=r"`account` = .* was not sent") as caught:
        sent(account=value)
    assert caught.value.details["field"] == "account"
    assert len(str(caught.value)) < 300


def test_a_float_is_refused_because_it_may_have_lost_digits() -> None:
    with pytest.raises(lk.InvalidRequest, match="a float may have lost digits"):
        sent(account=float(2**53 + 1))


@pytest.mark.parametrize("values", [[], (), set(), pd.Series([], dtype="Int64"), np.array([])])
@pytest.mark.parametrize("name", ["account", "label", "status"])
def test_an_empty_list_does_not_mean_everything(values: Any, name: str) -> None:
    with pytest.raises(lk.InvalidRequest, match="an empty list selects nothing; leave the filter out for everything"):
        sent(**{name: values})


@pytest.mark.parametrize("name", ["amount", "at", "day", "flag", "kind", "name"])
def test_a_filter_that_takes_one_value_says_so(name: str) -> None:
    with pytest.raises(lk.InvalidRequest, match="it takes one value; for several, search once each and concat"):
        sent(**{name: ["a", "b"]})


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("wallet", "wallet"),
        ("ethereum:0xdAC1", "ethereum:0xdAC1"),
        (" a & b ", " a & b "),
        (5, "5"),
        (np.int64(5), "5"),
        (["a", "b", "a"], ["a", "b"]),
        (pd.Series(["a", "b"], dtype="str"), ["a", "b"]),
        (np.array([1, 2]), ["1", "2"]),
    ],
)
def test_texts_and_ids_where_a_text_belongs(value: Any, text: Any) -> None:
    assert sent(label=value) == {"label": text}


@pytest.mark.parametrize("value", ["", True, 1.5, pd.NA, float("nan"), b"wallet", ["a", None], [""]])
def test_what_is_no_text_is_refused(value: Any) -> None:
    with pytest.raises(lk.InvalidRequest, match="it takes a text"):
        sent(label=value)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (10**77, "1" + "0" * 77),
        (np.int64(5), "5"),
        (Decimal("1E+21"), "1" + "0" * 21),
        ("12345678901234567890123", "12345678901234567890123"),
        ("5.0", "5"),
    ],
)
def test_amounts_keep_every_digit(value: Any, text: str) -> None:
    assert sent(amount=value) == {"amount": text}


def test_a_fraction_of_a_base_unit_is_sent_with_a_warning_since_the_unit_is_documented_nowhere() -> None:
    with pytest.warns(lk.UnknownValue, match=r"1\.5 BTC is 150000000"):
        assert sent(amount=Decimal("0.50")) == {"amount": "0.50"}


def test_a_frame_where_a_column_belongs_is_refused() -> None:
    # Iterated, a frame gives the names of its columns: the risk of an address called "address" was asked for.
    with pytest.raises(lk.InvalidRequest, match=r"one column of a frame"):
        sent(label=pd.DataFrame({"address": ["bc1q"]}))


def test_the_same_unknown_value_is_warned_of_at_each_line_that_sends_it() -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("default")
        query(search, {"status": "QUARANTINED"}, PARIS)
        query(search, {"status": "QUARANTINED"}, PARIS)
    assert [Path(warning.filename) for warning in caught] == [Path(__file__)] * 2


@pytest.mark.parametrize(
    ("value", "why"),
    [
        (1.5, "floats are not exact"),
        (1e21, "floats are not exact"),
        (np.float64(1), "floats are not exact"),
        (True, "floats are not exact"),
        (-1, "not negative"),
        (Decimal("-0.1"), "not negative"),
        (Decimal("NaN"), "number of base units"),
        (Decimal("Infinity"), "number of base units"),
        (Decimal("1e999999999"), "number of base units"),  # written out, it would fill the memory
        ("1_000", "number of base units"),
        ("1,000", "number of base units"),
        ("1 ETH", "number of base units"),
        (pd.NA, "number of base units"),
        ("", "number of base units"),
    ],
)
def test_what_is_no_exact_amount_is_refused(value: Any, why: str) -> None:
    with pytest.raises(lk.InvalidRequest, match=why):
        sent(amount=value)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("2026-01-31", "2026-01-30T23:00:00Z"),
        (date(2026, 1, 31), "2026-01-30T23:00:00Z"),
        ("2026-07-31", "2026-07-30T22:00:00Z"),
        ("2026-01-31T14:00:00Z", "2026-01-31T14:00:00Z"),
        ("2026-01-31T14:00:00", "2026-01-31T13:00:00Z"),
        ("2026-01-31 14:00:00.000001+02:00", "2026-01-31T12:00:00.000001Z"),
        (datetime(2026, 1, 31, 14), "2026-01-31T13:00:00Z"),  # noqa: DTZ001 - naive: of the session's zone
        (datetime(2026, 1, 31, 14, tzinfo=UTC), "2026-01-31T14:00:00Z"),
        (datetime(2026, 1, 31, 14, tzinfo=timezone(timedelta(hours=5, minutes=30))), "2026-01-31T08:30:00Z"),
        (pd.Timestamp("2026-01-31"), "2026-01-30T23:00:00Z"),
        (pd.Timestamp("2026-01-31T14:00:00.123456789Z"), "2026-01-31T14:00:00.123456Z"),
        # The hour that comes twice when summer time ends, the second time.
        (pd.Timestamp("2025-10-26T01:30:00.5Z").tz_convert("Europe/Paris"), "2025-10-26T01:30:00.500000Z"),
        (pd.Series(pd.to_datetime(["2026-01-31T14:00:00Z"]))[0], "2026-01-31T14:00:00Z"),
    ],
)
def test_times_of_every_kind(value: Any, text: str) -> None:
    assert sent(at=value) == {"at": text}


@pytest.mark.parametrize(
    "value",
    [pd.NaT, pd.NA, 1767225600, 1.5, True, "yesterday", "2026-13-01", "31/01/2026", "", date.min, b"2026"],
)
def test_what_is_no_time_is_refused(value: Any) -> None:
    with pytest.raises(lk.InvalidRequest, match=r"`at` = .* was not sent"):
        sent(at=value)


@pytest.mark.parametrize("value", ["2026-01-31", date(2026, 1, 31)])
def test_days(value: Any) -> None:
    assert sent(day=value) == {"day": "2026-01-31"}


@pytest.mark.parametrize(
    "value",
    [
        datetime(2026, 1, 31, tzinfo=UTC),
        pd.Timestamp("2026-01-31"),
        pd.NaT,
        "2026-01-31T00:00:00Z",
        20260131,
        "today",
    ],
)
def test_what_is_no_day_is_refused(value: Any) -> None:
    with pytest.raises(lk.InvalidRequest, match="it takes a day: a date, or a text such as '2026-01-31'"):
        sent(day=value)


@pytest.mark.parametrize("value", [1, 0, "true", "yes", None.__class__, pd.NA])
def test_a_flag_is_true_or_false(value: Any) -> None:
    assert sent(flag=True) == {"flag": "true"}
    with pytest.raises(lk.InvalidRequest, match="it takes True or False"):
        sent(flag=value)


# --- closed sets ----------------------------------------------------------------------------------------------------


def test_known_values_are_sent_each_once() -> None:
    assert sent(status="ACTIVE") == {"status": "ACTIVE"}
    assert sent(status=["ACTIVE", "REJECTED", "ACTIVE"]) == {"status": ["ACTIVE", "REJECTED"]}
    assert sent(status=pd.Series(["ACTIVE", "ACTIVE"])) == {"status": ["ACTIVE"]}


@pytest.mark.parametrize(
    ("value", "meant"),
    [
        ("active", "ACTIVE"),
        (" ACTIVE", "ACTIVE"),
        ("ACTVE", "ACTIVE"),
        ("pending approval", "PENDING_APPROVAL"),
        ("PENDING-APPROVAL", "PENDING_APPROVAL"),
        ("PENDING_APROVAL", "PENDING_APPROVAL"),
        ("REJECTD", "REJECTED"),
        (["ACTIVE", "Rejected"], "REJECTED"),
    ],
)
def test_a_near_miss_is_refused_with_what_was_meant(value: Any, meant: str) -> None:
    with pytest.raises(lk.InvalidRequest, match=f"did you mean .*{meant}.*\\?") as caught:
        sent(status=value)
    assert meant in caught.value.details["near"]


def test_an_unknown_value_is_sent_with_a_warning_because_the_lists_lag() -> None:
    with pytest.warns(lk.UnknownValue, match=r"'QUARANTINED' is not among the documented values.*sent as it is"):
        assert sent(status=["ACTIVE", "QUARANTINED"]) == {"status": ["ACTIVE", "QUARANTINED"]}


@pytest.mark.parametrize("value", [None.__class__, 5, True, "", "  ", [None], pd.NA])
def test_what_is_no_text_is_none_of_a_closed_set(value: Any) -> None:
    with pytest.raises(lk.InvalidRequest, match="it takes one of: ACTIVE, PENDING_APPROVAL, REJECTED"):
        sent(status=value)


# --- as the sections use them ---------------------------------------------------------------------------------------


@pytest.fixture
def server(serve: Serve) -> Server:
    return serve(in_turn(page([])))


@pytest.mark.parametrize("spelling", ["EIP-191", "EIP191"])
def test_the_type_of_a_message_may_be_spelt_as_objects_or_as_the_filter_do(
    server: Server, connect_to: Connect, spelling: Any
) -> None:
    connect_to(server).messages.search(message_type=spelling)
    assert server.seen[0].query["message_type"] == ["EIP191"]


@pytest.mark.parametrize("name", ["state", "status"])
def test_the_state_of_a_pledge_may_be_called_status_as_everywhere_else(
    server: Server, connect_to: Connect, name: str
) -> None:
    filters: dict[str, Any] = {name: ["PLEDGE_READY", "PLEDGE_CONSUMED"]}
    connect_to(server).pledges.search(**filters)
    assert server.seen[0].query["state"] == ["PLEDGE_READY", "PLEDGE_CONSUMED"]
    assert "status" not in server.seen[0].query


def test_both_names_at_once_are_refused(server: Server, connect_to: Connect) -> None:
    with pytest.raises(lk.InvalidRequest, match="give one of them"):
        connect_to(server).pledges.search(state="PLEDGE_READY", status="PLEDGE_READY")
    assert server.seen == []


@pytest.mark.parametrize("status", ["ABORTED", ["ABORTED", "REJECTED"]])
def test_an_aborted_request_is_searched_as_a_rejected_one(server: Server, connect_to: Connect, status: Any) -> None:
    connect_to(server).requests.search(status=status)
    assert server.seen[0].query["status"] == ["REJECTED"]


def test_bounds_in_time_are_asked_a_second_wider_and_cut_here(serve: Serve, connect_to: Connect) -> None:
    # Whether they are in or out is documented nowhere.
    times = ["2025-12-31T22:59:59.5Z", "2025-12-31T23:00:00Z", "2026-01-31T22:59:59.9Z", "2026-01-31T23:00:00Z"]
    rows = [{"id": number, "created_on": text} for number, text in enumerate(times)]
    server = serve(in_turn(page(rows)))
    frame = connect_to(server, tz="Europe/Paris").transactions.search(
        created_after="2026-01-01", created_before=date(2026, 2, 1)
    )
    assert server.seen[0].query["created_after"] == ["2025-12-31T22:59:59Z"]
    assert server.seen[0].query["created_before"] == ["2026-01-31T23:00:01Z"]
    assert sorted(frame["id"]) == [1, 2]


@pytest.mark.parametrize("limit", [0, -1, 1.5, True, "10", float("nan")])
def test_a_limit_is_a_number_of_rows(server: Server, connect_to: Connect, limit: Any) -> None:
    with pytest.raises(lk.InvalidRequest, match="it takes a number of rows, 1 or more"):
        connect_to(server).accounts.search(limit=limit)
    assert server.seen == []


def test_a_misspelt_filter_is_pythons_own_error(server: Server, connect_to: Connect) -> None:
    with pytest.raises(TypeError, match="acount"):
        connect_to(server).transactions.search(acount=7)  # type: ignore[call-arg]  # the mistake


ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.decimals()
    | st.text()
    | st.binary()
    | st.dates()
    | st.datetimes(timezones=st.none() | st.timezones())
    | st.sampled_from([pd.NA, pd.NaT, object()]),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)


@pytest.mark.filterwarnings("ignore::ledgerkit.UnknownValue")
@given(name=st.sampled_from(list(filters(search))), value=ANYTHING)
def test_anything_is_either_sent_as_text_or_refused_in_words(name: str, value: Any) -> None:
    try:
        texts = sent(**{name: value})
    except lk.InvalidRequest:
        return
    for text in texts.values():
        assert isinstance(text, str) or (isinstance(text, list) and all(isinstance(one, str) for one in text))
