"""What the service sends is shown as text: no name, note or message becomes an element, a link or a line."""

import html
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import ipywidgets as widgets
import pandas as pd
import pytest

import ledgerkit as lk

from .shown_workspace import CANARY, UNSEEN, faults, has_attack, hostile_workspace

REPORTS: dict[str, Callable[[lk.Session], Any]] = {
    "portfolio": lambda session: lk.reports.portfolio(session),
    "statement": lambda session: lk.reports.statement(session, "2026-10-01", "2026-11-01"),
    "governance": lambda session: lk.reports.governance(session),
    "approvals": lambda session: lk.reports.approvals(session, "2026-10-01"),
    "whitelists": lambda session: lk.reports.whitelists(session),
    "compliance": lambda session: lk.reports.compliance(session, "2026-06-01"),
    "staking": lambda session: lk.reports.staking(session, "2026-06-01"),
    "pledges": lambda session: lk.reports.pledges(session),
    "api_users": lambda session: lk.reports.api_users(session),
    "trace": lambda session: lk.trace(session, "account 1"),
}
CARDS = ["account", "transaction", "request", "user", "whitelist", "group", "entity"]
SECTIONS = {one: "entities" if one == "entity" else f"{one}s" for one in CARDS}


@pytest.fixture(scope="module")
def session() -> Iterator[lk.Session]:
    with hostile_workspace(transactions=150) as session:
        yield session


@pytest.fixture(scope="module")
def reports(session: lk.Session) -> Callable[[str], Any]:
    made: dict[str, Any] = {}

    def report(name: str) -> Any:
        if name not in made:
            made[name] = REPORTS[name](session)
        return made[name]

    return report


def plain_faults(text: str) -> list[str]:
    """Return what in a text could turn, hide or forge what stands around it."""
    return sorted(one for one in UNSEEN if one in text)


def test_the_attacks_arrive_as_they_were_sent(session: lk.Session) -> None:
    names = " ".join(session.accounts.search()["name"])
    assert f"onerror='{CANARY}=1'" in names
    assert "\u202e" in names
    assert "\x1b" in names


@pytest.mark.parametrize("kind", CARDS)
def test_a_card_shows_texts_alone(session: lk.Session, kind: str) -> None:
    section = getattr(session, SECTIONS[kind])
    found = section.search(limit=8)
    shown = [section.get(int(one)) for one in found["id"]]
    pages = [one._repr_html_() for one in shown]
    assert [faults(page) for page in pages] == [[] for _ in pages]
    assert any(map(has_attack, pages)) or kind == "request"  # it has no text of its own
    assert [plain_faults(repr(one)) for one in shown] == [[] for _ in shown]
    assert all(page.startswith("<div class='lk-card mathjax_ignore tex2jax_ignore'") for page in pages)


def test_a_session_and_its_sections_show_texts_alone(session: lk.Session) -> None:
    session.whoami() if hasattr(session, "whoami") else None
    assert faults(session._repr_html_()) == []
    assert plain_faults(repr(session)) == []


@pytest.mark.parametrize("name", REPORTS)
def test_a_report_and_its_page_show_texts_alone(reports: Callable[[str], Any], name: str, tmp_path: Path) -> None:
    report = reports(name)
    shown = report._repr_html_()
    assert faults(shown) == []
    assert shown.startswith("<div class='lk-report mathjax_ignore tex2jax_ignore'")
    assert plain_faults(repr(report).replace("\n", "")) == []
    page = report.to_html(tmp_path / "report.html").read_text()
    body = page.partition("<body>")[2]
    drawings = body.split("<figure>")
    rest = "".join([drawings[0], *(one.partition("</figure>")[2] for one in drawings[1:])])
    assert faults(rest.replace("</body></html>", "")) == []
    for drawing in drawings[1:]:
        svg = drawing.partition("</figure>")[0]
        assert "<script" not in svg
        assert "<a " not in svg
        assert "<image" not in svg
        assert "<foreignObject" not in svg


def expressions(spec: Any, key: str = "") -> Iterator[str]:
    """Give what Vega runs as an expression, and what names a field, a file or a link of it."""
    if isinstance(spec, dict):
        for name, one in spec.items():
            if name in ("datasets", "values", "domain"):
                continue
            yield from expressions(one, name)
    elif isinstance(spec, list):
        for one in spec:
            yield from expressions(one, key)
    elif isinstance(spec, str) and key in (
        "expr",
        "labelExpr",
        "calculate",
        "filter",
        "test",
        "signal",
        "url",
        "href",
        "field",
        "as",
        "update",
    ):
        yield spec


@pytest.mark.parametrize("name", REPORTS)
def test_no_text_of_the_service_is_an_expression_of_a_chart(reports: Callable[[str], Any], name: str) -> None:
    report = reports(name)
    for chart in report.drawings:
        drawn = report.chart(chart)
        for one in expressions(drawn.spec()):
            assert CANARY not in one
            assert "approved" not in one
        assert plain_faults(json.dumps(drawn.spec(), ensure_ascii=False)) == []
        assert plain_faults(repr(drawn)) == []


def every(widget: Any, seen: set[int] | None = None) -> Iterator[Any]:
    """Give a widget and all that is in it."""
    seen = set() if seen is None else seen
    if isinstance(widget, widgets.Widget) and id(widget) not in seen:
        seen.add(id(widget))
        yield widget
        for name in widget.trait_names():
            if name not in ("comm", "layout", "style", "log", "parent"):
                yield from every(getattr(widget, name, None), seen)
    elif isinstance(widget, list | tuple):
        for one in widget:
            yield from every(one, seen)


def texts(value: Any, key: str = "") -> Iterator[str]:
    """Give the texts that are shown of a trait; what a cell is copied as is the text itself."""
    if isinstance(value, str) and key != "copy":
        yield value
    elif isinstance(value, dict):
        for name, one in value.items():
            yield from texts(one, name)
    elif isinstance(value, list | tuple):
        for one in value:
            yield from texts(one)


def widget_faults(form: Any) -> list[str]:
    """Return what of the widgets of a form is more than the kit's own elements around text."""
    found: list[str] = []
    for one in every(form):
        if isinstance(one, widgets.HTML | widgets.HTMLMath):
            found += faults(one.value)
            if any(sign in one.value for sign in ("$", "\\(")) and "mathjax_ignore" not in one.value:
                found.append(f"mathematics in {one.value[:80]!r}")
        if getattr(one, "description_allow_html", False):
            found.append(f"HTML in the description of {one!r}"[:120])
        for name in ("description", "tooltip", "options", "titles", "rows", "columns", "status", "empty"):
            signs = plain_faults("".join(texts(getattr(one, name, ""))))
            found += [f"{type(one).__name__}.{name} has {sign!r}" for sign in signs]
        if not isinstance(one, widgets.Button):
            # The letters beside a field are set as mathematics where they have dollar signs.
            found += (
                [f"mathematics beside a field: {one.description!r}"]
                if "$" in str(getattr(one, "description", ""))
                else []
            )
    return found


def shown_in(form: Any) -> bool:
    said = [one.value for one in every(form) if isinstance(one, widgets.HTML)]
    tables = [json.dumps(one.rows) for one in every(form) if hasattr(one, "rows") and isinstance(one.rows, list)]
    options = [str(getattr(one, "options", "")) + str(getattr(one, "description", "")) for one in every(form)]
    return any(map(has_attack, said)) or any(CANARY in one or "approved" in one for one in [*tables, *options])


@pytest.mark.parametrize(
    "section", ["accounts", "transactions", "requests", "users", "whitelists", "groups", "entities", "labels"]
)
def test_a_search_form_and_its_table_show_texts_alone(session: lk.Session, section: str) -> None:
    form = getattr(session, section).form().wait()
    form.search.click()
    form.wait()
    assert form.frame is not None
    assert widget_faults(form) == []
    assert shown_in(form)
    assert plain_faults(form.text().replace("\n", "")) == []
    form.close()


@pytest.mark.parametrize("kind", CARDS)
def test_a_detail_shows_texts_alone(session: lk.Session, kind: str) -> None:
    from ledgerkit.forms.detail import Detail

    form = Detail.on(session.accounts._connection)
    for one in getattr(session, SECTIONS[kind]).search(limit=3)["id"]:
        form.open(kind, int(one))
        form.wait()
        assert form.state == "done", form.message
        assert widget_faults(form) == []
        assert plain_faults(form.text().replace("\n", "")) == []
    form.close()


@pytest.mark.parametrize("make", ["explorer", "panel", "inbox", "payment", "new request"])
def test_other_forms_show_texts_alone(session: lk.Session, make: str) -> None:
    form: Any = {
        "explorer": lambda: lk.explorer(session),
        "panel": lambda: lk.panel(session),
        "inbox": lambda: session.requests.inbox_form(),
        "payment": lambda: session.transactions.payment_form(),
        "new request": lambda: session.requests.new_form(),
    }[make]()
    if hasattr(form, "wait"):
        form.wait()
    if make == "payment":
        form.entries["account"].write(1)
        form.wait()
        assert shown_in(form)
    assert widget_faults(form) == []
    if hasattr(form, "text"):
        assert plain_faults(form.text().replace("\n", "")) == []
    form.close()


def test_a_draft_and_what_it_asks_for_show_texts_alone(session: lk.Session) -> None:
    listed = session.whitelists.get(1)["addresses"].iloc[0]
    recipient = next(one["address"] for one in listed if one["currency"] == "bitcoin")
    draft = session.transactions.send(1, recipient, "0.1 BTC", note="<b>Invoice</b> $42$")
    assert faults(draft._repr_html_()) == []
    assert has_attack(draft._repr_html_())
    assert plain_faults(repr(draft).replace("\n", "")) == []
    assert plain_faults("".join(draft.warnings + draft.problems)) == []


def test_a_frame_that_pandas_draws_sets_no_mathematics_and_no_elements(session: lk.Session) -> None:
    frame = session.accounts.search()
    assert type(frame) is pd.DataFrame
    shown = str(frame._repr_html_())  # type: ignore[operator]  # the stubs leave it out
    assert "tex2jax_ignore mathjax_ignore" in shown.partition(">")[0] or "mathjax_ignore" in shown
    assert "<script>" not in shown
    assert "<img" not in shown


def test_an_error_of_the_service_is_told_on_lines_that_it_can_not_make(session: lk.Session) -> None:
    with pytest.raises(lk.LedgerError) as caught:
        session.accounts.get(999_999_999)
    assert plain_faults(str(caught.value)) == []
    assert has_attack(html.escape(str(caught.value)))
