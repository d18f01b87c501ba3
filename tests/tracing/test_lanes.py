"""The chart of a timeline: where points stand, what is cut off, and what its title says."""

from typing import Any

import pandas as pd
import pytest

from ledgerkit.reports.rows import framed
from ledgerkit.tracing.lanes import LANE, draw, finding
from ledgerkit.tracing.tables import EVENTS

START = pd.Timestamp("2026-03-01", tz="UTC")


def event(hours: float, what: str, who: int | None = None, key: int = 29, kind: str = "request") -> dict[str, Any]:
    name = {7: "ada", 8: "grace", 9: "alan"}.get(who or 0)
    return {
        "time": START + pd.Timedelta(hours=hours),
        "event": what,
        "who_id": who,
        "who": name,
        "kind": kind,
        "id": key,
        "detail": "",
    }


def crowd() -> list[dict[str, Any]]:
    made = [event(at, "request created", 7, at) for at in range(10)]
    made += [event(at + 0.5, "approved", 7, at) for at in range(10)]
    made += [event(at + 0.7, "in a block", None, at, "transaction") for at in range(10)]
    return sorted(made, key=lambda row: row["time"])


def drawn(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    spec = draw("Request 29", framed(EVENTS, rows), ("request", "transaction")).spec()
    return [row for rows in spec["datasets"].values() for row in rows]


def test_in_a_crowd_a_lane_of_one_kind_of_event_has_its_points_in_the_middle() -> None:
    points = drawn(crowd())
    assert {row["shift"] for row in points if row["lane"] == "chain"} == {0}


def test_in_a_crowd_kinds_in_one_lane_stand_apart_and_inside_of_it() -> None:
    points = [row for row in drawn(crowd()) if row["lane"] == "ada · user 7"]
    shifts = {row["what"]: row["shift"] for row in points}
    assert shifts["created"] < 0 < shifts["approved"]
    assert max(abs(one) for one in shifts.values()) < LANE / 2
    assert len({(row["what"], row["shift"]) for row in points}) == 2


def test_every_event_is_drawn_once() -> None:
    spec = draw("Request 29", framed(EVENTS, crowd()), ("request", "transaction")).spec()
    points = [layer for layer in spec["layer"] if layer["mark"]["type"] == "point"]
    filters = [layer["transform"][0]["filter"] for layer in points]
    assert sorted(filters) == sorted({f"datum.shift == {row['shift']}" for row in drawn(crowd())})
    assert {layer["mark"]["yOffset"] for layer in points} == {row["shift"] for row in drawn(crowd())}


@pytest.mark.parametrize("name", ["ada", "a-name-that-is-as-long-as-names-of-users-may-be"])
def test_names_of_lanes_have_room_in_a_wider_font(name: str) -> None:
    rows = [{**event(0, "request created", 7), "who": name}, {**event(1, "approved", 7), "who": name}]
    spec = draw("Request 29", framed(EVENTS, rows), ("request",)).spec()
    lane = max(len(row["lane"]) for rows in spec["datasets"].values() for row in rows)
    # Of 11 pixels: Helvetica takes half of it for a character, and Verdana and DejaVu two thirds at most.
    assert spec["padding"]["left"] > lane * 11 * (2 / 3 - 1 / 2)
    assert spec["layer"][0]["encoding"]["y"]["axis"]["labelLimit"] > lane * 11 * 2 / 3


def test_the_title_says_what_was_found() -> None:
    rows = [event(0, "request created", 7), event(0, "transaction created", 7, 30, "transaction")]
    rows += [event(3, "approved", 7), event(53, "approved", 8), event(54, "in a block", None, 30, "transaction")]
    assert (
        finding(rows)
        == "1 transaction, in a block; approved by ada and grace; longest wait 2.2 days, of transaction 30"
    )
    title = draw("Hash 0xab", framed(EVENTS, rows), ("request", "transaction")).spec()["title"]
    assert " ".join(title["text"]) == finding(rows)
    assert title["subtitle"][0] == "Hash 0xab"


def test_a_wait_is_one_of_an_object_and_not_of_what_was_not_looked_through() -> None:
    rows = [event(0, "request created", 7, 1), event(9000, "request created", 7, 2), event(9005, "rejected", 8, 2)]
    assert finding(rows) == "2 requests; rejected by grace; longest wait 5.0 hours, of request 2"


def test_people_who_are_hidden_are_not_counted_in_the_title() -> None:
    hidden = {**event(1, "approved"), "who": "hidden from you"}
    several = [event(2, "approved", who) for who in (7, 8, 9)]
    assert "approved by people hidden from you" in finding([event(0, "request created", 7), hidden, hidden])
    assert "approved by 3 people and people hidden from you" in finding([hidden, *several])


def test_a_payment_without_a_block_is_not_said_to_be_in_one() -> None:
    rows = [event(0, "transaction created", 7, 30, "transaction")]
    assert finding(rows) == "1 transaction, without the time of a block"
    assert finding([]) == "Nothing here has a time"


def test_a_name_in_the_title_can_not_turn_it_around() -> None:
    rows = [event(0, "request created", 7), {**event(1, "approved", 8), "who": "gr\u202eeca\nada"}]
    assert "\u202e" not in finding(rows)
    assert "\n" not in finding(rows)
