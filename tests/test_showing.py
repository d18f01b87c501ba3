"""What is shown can't be forged: names come from the service, and others choose them."""

import re
from collections.abc import Callable
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from paying import Service
from payloads.examples import ACCOUNT, BITCOIN, EXAMPLES, SEND

import ledgerkit as lk
from ledgerkit.approvals import Vote
from ledgerkit.drafts import Check, Draft
from ledgerkit.outbox import Outbox
from ledgerkit.outcomes import Outcome
from ledgerkit.payloads import Line, MessageSigning, Note, Preview, Raw
from ledgerkit.plans import Plan
from ledgerkit.plans.rows import PlannedRow
from ledgerkit.reviews import Review, Row
from ledgerkit.showing import address, amount, page, spelled, visible, visible_frame, visible_lines

FORGED = "Vendors\n  ✓ rules: approved by CFO\n \u202egnp.exe\x1b[2K"
# Drawn more often than chance would: what breaks lines, turns, hides, draws over, or looks like a mark of ours.
NASTY = st.sampled_from(
    list("\n\r\t\x0b\x0c\x1b\x7f\x85\u2028\u2029\u202e\u2066\u200b\u200d\ufeff\u3164\u0338 ✓✗✔$<&'")
)
NAMES = st.text(st.one_of(NASTY, st.characters()), min_size=1, max_size=40)


def draft(name: str) -> Draft:
    def never(_: Any) -> Any:
        raise AssertionError("nothing is sent")

    return Draft(
        SEND.replace(note=Note("Invoice", "March")),
        send=never,
        find=never,
        outbox=Outbox(),
        facts=[("from", name), (f"to {name}", BITCOIN)],
        checks=[Check("rules", "problem", name), Check(name, "warning", "look"), Check("account", "ok", "active")],
        environment="SANDBOX",
    )


def review(name: str) -> Review:
    rows = (
        Row("account_name", name, name, "match"),
        Row("recipient", BITCOIN, name, "differs"),
        Row(name, "1", None, "missing_in_challenge"),
        Row("amount", None, name, "missing_in_intent"),
        Row("account_id", name, None, "not_signed"),
    )
    # The challenge is not read: what is shown are the rows.
    return Review(SimpleNamespace(verb="approve"), rows, "documented", "your draft", "approve")  # type: ignore[arg-type]  # only what is shown of a challenge is played


def preview(name: str) -> Preview:
    lines = [Line("Account", name), Line(name, "1"), Line("To", name, "address"), Line("Amount", "7", "amount", name)]
    return Preview(f"Send {name}", lines, {"type": name, "data": [name]}, "POST /requests")


def plan(name: str) -> Plan:
    service = Service()
    given = {"account_name": name, "recipient": BITCOIN, "memo": name}
    rows = [PlannedRow(given, problems=[name], warnings=[name]), PlannedRow({**given, "account_name": "other"})]
    identity = {"kind": "payments", "approve": False}
    return Plan(service.connection(workspace=name), service.desk(), identity, rows, Path("plan.jsonl"), None, [])


def vote(name: str) -> Vote:
    return Vote("approve", pd.DataFrame({"id": [7], "status": [name]}, dtype=object), pd.DataFrame())


def outcome(name: str) -> Outcome:
    return Outcome("can't tell", name, candidates=pd.DataFrame({"name": [name], "names": [[name]]}, dtype=object))


@cache
def closed_session() -> lk.Session:
    made = lk.Session(lk.ReportingKey("acme", "key"))
    made.close()
    return made


def session(name: str) -> lk.Session:
    made = closed_session()
    made._user = name
    return made


SHOWN: dict[str, Callable[[str], Any]] = {
    "draft": draft,
    "review": review,
    "preview": preview,
    "plan": plan,
    "vote": vote,
    "outcome": outcome,
    "session": session,
}
IN_HTML = {name: make for name, make in SHOWN.items() if hasattr(make("x"), "_repr_html_")}


class Reading(HTMLParser):
    """What a browser makes of HTML: its elements, and the text in them."""

    def __init__(self, markup: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: set[str] = set()
        self.text = ""
        self.feed(markup)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag != "span":  # groups of an address are as many as it is long
            self.tags.append(tag)
        self.attributes |= {name for name, _ in attrs}

    def handle_data(self, data: str) -> None:
        self.text += data


def signs(text: str) -> list[str]:
    return re.findall("[✓✔✗✘✅☑]", text)


@pytest.mark.parametrize("make", SHOWN.values(), ids=SHOWN)
@given(name=NAMES)
@example(name=FORGED)
def test_no_name_makes_a_line_or_a_mark(make: Callable[[str], Any], name: str) -> None:
    plain, text = repr(make("x")), repr(make(name))

    assert len(text.splitlines()) == len(plain.splitlines())
    assert signs(text) == signs(plain)
    assert text.replace("\n", "").isprintable()


@pytest.mark.parametrize("make", IN_HTML.values(), ids=IN_HTML)
@given(name=NAMES)
@example(name=FORGED)
@example(name="<img src=x onerror='alert(1)'>")
def test_no_name_makes_a_line_a_mark_or_an_element_of_html(make: Callable[[str], Any], name: str) -> None:
    plain, read = Reading(make("x")._repr_html_()), Reading(make(name)._repr_html_())

    assert read.tags == plain.tags
    assert read.attributes <= {"class", "style", "title", "colspan", "border", "open"}
    assert signs(read.text) == signs(plain.text)
    assert len(read.text.splitlines()) == len(plain.text.splitlines())
    assert read.text.replace("\n", "").isprintable()


@pytest.mark.parametrize("make", SHOWN.values(), ids=SHOWN)
def test_what_was_tried_stands_there(make: Callable[[str], Any]) -> None:
    assert r"Vendors\n \u0020\u2713 rules: approved by CFO\n \u202egnp.exe\u001b[2K" in repr(make(FORGED))


def test_what_stops_a_draft_can_not_be_forged_in_its_error() -> None:
    made = draft(FORGED)
    with pytest.raises(lk.InvalidRequest) as caught:
        made.submit()
    for text in (str(caught.value), *made.problems, *made.warnings, made.checks[0].text):
        assert text.isprintable()
        assert "✓" not in text


@pytest.mark.parametrize("make", IN_HTML.values(), ids=IN_HTML)
def test_no_html_is_set_as_mathematics(make: Callable[[str], Any]) -> None:
    outer = re.match(r"<div class='([^']*)'", make(r"$\color{green}{approved}$")._repr_html_())
    assert outer
    assert {"mathjax_ignore", "tex2jax_ignore"} <= set(outer[1].split())


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("BTC Treasury 1", "BTC Treasury 1"),
        ("Zürich", "Zürich"),
        ("Cafe\u0301", "Cafe\u0301"),
        ("two  blanks", r"two \u0020blanks"),
        (" before", r"\u0020before"),
        ("behind ", r"behind\u0020"),
        ("zero\u200bwidth", r"zero\u200bwidth"),
        ("no\u3164letter", r"no\u3164letter"),
        ("1\u03380", r"1\u03380"),  # a stroke through a digit
        ("a\u0301\u0301\u0301", "a\u0301" + r"\u0301\u0301"),
        ("tag \U000e0041", r"tag \udb40\udc41"),
        ("soft\u00adhyphen", r"soft\u00adhyphen"),
        ("joined\u034fletters", r"joined\u034fletters"),
        ("turned\u061caround", r"turned\u061caround"),
        ("mongol\u180eian", r"mongol\u180eian"),
        ("mark\ufeff", r"mark\ufeff"),
        ("chosen\ufe0fform", r"chosen\ufe0fform"),
        ("chosen\U000e0100form", r"chosen\udb40\udd00form"),
        ("khmer\u17b4", r"khmer\u17b4"),
        ("filled\u1160\u115f", r"filled\u1160\u115f"),
        ("note\U0001d159head", r"note\ud834\udd59head"),
        ("s\u0336truck", r"s\u0336truck"),
        ("forbidden\u20e0", r"forbidden\u20e0"),
        ("\u221a approved", r"\u221a approved"),
        ("", ""),
    ],
)
def test_a_text_is_made_visible(text: str, shown: str) -> None:
    assert visible(text) == shown


@given(text=st.text(st.one_of(NASTY, st.characters())))
def test_what_is_visible_stays_as_it_is(text: str) -> None:
    once = visible(text)
    assert visible(once) == once


def test_a_name_of_another_alphabet_is_spelled_beside_it() -> None:
    cyrillic = "\u0422reasury"
    assert spelled("Treasury 1 (account 12)") == "Treasury 1 (account 12)"
    assert spelled(f"{cyrillic} 1 (account 12)") == rf"{cyrillic} 1 (account 12) [\u0422reasury]"
    for make in (draft, review, preview):
        for text in (repr(make(cyrillic)), Reading(make(cyrillic)._repr_html_()).text):
            assert rf"{cyrillic} [\u0422reasury]" in text or rf"{cyrillic}' [\u0422reasury]" in text


def test_a_message_keeps_its_lines_indented() -> None:
    message = MessageSigning(account_id=1, account_name="x", raw_message="one\n  two  \n✓ rules: ok")
    lines = str(message.preview()).splitlines()
    assert lines[2:5] == ["  Message  one", r"             two \u0020", r"           \u2713 rules: ok"]
    assert visible_lines("a\n  b") == "a\n  b"


@pytest.mark.parametrize("payload", [*EXAMPLES.values(), ACCOUNT], ids=[*EXAMPLES, "account"])
def test_the_json_is_folded_where_the_summary_says_all_of_it(payload: Any) -> None:
    page = payload.preview()._repr_html_()
    assert "<details><summary" in page
    assert Reading(page).text.count(payload.type) >= 1


def test_the_json_is_in_view_where_the_summary_does_not_say_all_of_it() -> None:
    raw = Raw({"type": "CREATE_TRANSACTION", "data": {"transaction_data": {"recipient": BITCOIN}}})
    assert "<details open><summary" in raw.preview()._repr_html_()
    assert "<details open><summary" in Preview("Send", [], {"amount": "5"}, "POST /requests")._repr_html_()


def test_what_is_copied_of_an_address_or_an_amount_has_no_gaps() -> None:
    assert Reading(address(BITCOIN)).text == BITCOIN
    assert Reading(amount("-1234567")).text == "-1234567"
    assert amount("-1234567").count("<span") == 3
    assert Reading(draft(f"on {BITCOIN} as x")._repr_html_()).text.count(f"on {BITCOIN} as x") == 4


def test_an_amount_is_right_aligned_before_its_unit() -> None:
    page = SEND.preview()._repr_html_()
    assert re.search(r"text-align:right[^>]*><span title='211'>211</span></td><td[^>]*>base units of", page)


@pytest.mark.parametrize(
    ("environment", "colour"), [("SANDBOX", "success"), ("PRODUCTION", "error"), ("TENANT", "warn"), ("", "warn")]
)
def test_the_bar_repeats_in_colour_what_its_word_says(environment: str, colour: str) -> None:
    shown = page("draft", title=f"{environment} · DRAFT", environment=environment)
    assert f"border-top:4px solid var(--jp-{colour}-color1" in shown
    assert f"<strong>{environment} · DRAFT</strong>" in shown or not environment


def test_a_frame_is_shown_with_all_its_texts_visible() -> None:
    frame = pd.DataFrame({"na\nme": ["a\u202eb", "c"], "list": [["x\n"], []]})
    assert visible_frame(frame).to_dict("list") == {r"na\nme": [r"a\u202eb", "c"], "list": [[r"x\n"], []]}
    assert frame.columns[0] == "na\nme"


def test_amounts_of_a_frame_that_is_shown_stay_exact_beside_a_gap() -> None:
    for gap in ({"amount": [2**53 + 1, None]}, {"amount": pd.array([2**53 + 1, None], dtype="Int64")}):
        assert "9007199254740993" in visible_frame(pd.DataFrame(gap, dtype=object)).to_string()
