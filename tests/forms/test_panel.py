"""The panel of a connection, and the doctor: what is said, what is not, and that nothing stays."""

import asyncio
import gc
from collections.abc import Iterator
from typing import Any

import ipywidgets as widgets
import pytest
from serving import LeapingClock

import ledgerkit as lk
from ledgerkit import doctor
from ledgerkit.forms import panel as module
from ledgerkit.forms.panel import Panel


@pytest.fixture(scope="module")
def session() -> Iterator[lk.Session]:
    with lk.connect("sandbox", transactions=200) as session:
        yield session


@pytest.fixture
def panel(session: lk.Session) -> Iterator[Panel]:
    panel = lk.panel(session)
    yield panel
    panel.close()


def levels(findings: Any) -> dict[str, str]:
    return {one.name: one.level for one in findings}


def states(root: widgets.Widget) -> str:
    """Return all that a saved notebook would hold of a form."""
    held = [str(one.get_state()) for one in widgets.widget._instances.values()]
    assert root.model_id in widgets.widget._instances
    return "\n".join(held)


def test_the_panel_says_where_one_is_in_words(panel: Panel) -> None:
    assert "lk-env-sandbox" in panel.head.value
    assert "SANDBOX" in panel.head.value
    assert "Nothing here is real" in panel.head.value
    assert "tidewell-sandbox" in panel.head.value
    shown = panel.text()
    assert "Rights: reads only" in shown
    assert "Credentials: an API user" in shown
    assert "Token: " in shown


def test_production_is_marked_red_and_in_words() -> None:
    with lk.Session(lk.ReportingKey("acme", "canary-reporting-key")) as session:
        panel = Panel.of(session)
        assert "lk-env-production" in panel.head.value
        assert ">PRODUCTION<" in panel.head.value
        assert "real" in panel.head.value
        assert "Credentials: a reporting key" in panel.text()
        assert "canary-reporting-key" not in states(panel)
        panel.close()


def test_the_user_is_looked_up_at_a_click(panel: Panel) -> None:
    assert "User: not looked up yet" in panel.text()
    panel.look_up.click()
    panel.wait()
    assert "User: api-operator (user 27, OPERATOR)" in panel.text()
    assert panel.state == "done"


def test_what_has_no_user_is_told_so_in_the_panel() -> None:
    with lk.connect("sandbox", family="reporting_key", transactions=50) as session:
        panel = Panel.of(session)
        panel.look_up.click()
        panel.wait()
        assert panel.message_kind == "error"
        assert "only an API user has" in panel.message
        panel.close()


def test_the_doctor_shows_what_it_finds(panel: Panel) -> None:
    panel.run_doctor.click()
    assert panel.state == "running"
    panel.wait()
    assert panel.message == "The doctor found nothing amiss."
    assert set(levels(panel.findings).values()) == {"ok"}
    assert {"address", "TLS", "token", "clock", "user", "private key", "rate limit"} <= levels(panel.findings).keys()
    assert "private key: it can be read, and is that of the user" in panel.text()


def test_no_credential_is_in_any_trait(session: lk.Session, panel: Panel) -> None:
    panel.look_up.click()
    panel.wait()
    panel.run_doctor.click()
    panel.wait()
    held = states(panel)
    assert session.sandbox is not None
    for name, value in session.sandbox.environment("api_user").items():
        if not name.endswith(("URL", "WORKSPACE")):
            assert value not in held, name
    assert session._keeper is not None
    assert session._keeper.token()[0].reveal() not in held


def test_a_closed_session_says_so(panel: Panel) -> None:
    with lk.connect("sandbox", transactions=50) as session:
        shown = Panel.of(session)
    shown.refresh()
    assert "State: closed" in shown.text()
    shown.run_doctor.click()
    shown.wait()
    assert shown.message_kind == "error"
    assert "service" in shown.message
    shown.close()


def test_the_life_of_the_token_counts_down_while_it_is_shown(
    session: lk.Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SECONDS_BETWEEN_LOOKS", 0.0)

    async def watch() -> None:
        panel = Panel.of(session)
        seen: list[str] = []
        panel._facts.observe(lambda change: seen.append(change["new"]), "value")
        panel._repr_mimebundle_()  # it is displayed
        task = panel._task
        assert task is not None
        seconds = iter(range(200, 100, -1))
        monkeypatch.setattr(module, "facts", lambda *_: [("Token", f"{next(seconds)} s left")])
        while len(seen) < 3:
            await asyncio.sleep(0)
        assert ["200 s left" in seen[0], "199 s left" in seen[1]] == [True, True]
        panel.close()
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert task.done()

    asyncio.run(watch())


def test_the_countdown_ends_with_the_session(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SECONDS_BETWEEN_LOOKS", 0.0)

    async def watch() -> None:
        session = lk.connect("sandbox", transactions=50)
        panel = Panel.of(session)
        panel.live()
        assert panel._task is not None
        await asyncio.sleep(0)
        session.close()
        await asyncio.wait_for(panel._task, 5)
        assert "closed" in panel._facts.value
        panel.close()

    asyncio.run(watch())


def test_a_panel_needs_no_loop_and_starts_no_thread(session: lk.Session) -> None:
    panel = Panel.of(session)
    panel.live()
    assert panel._task is None
    panel.close()


def test_closing_leaves_no_widget(session: lk.Session) -> None:
    Panel.of(session).close()  # the style sheet stays, and is shared
    gc.collect()
    before = set(widgets.widget._instances)
    panel = Panel.of(session)
    panel.run_doctor.click()
    panel.wait()
    panel.close()
    assert set(widgets.widget._instances) == before


# The doctor, where something is amiss


def test_a_clock_that_is_wrong_is_a_warning_with_the_way_out(session: lk.Session) -> None:
    connection = session.organization._connection
    right = doctor._clock(connection, connection.transport.clock.time() + 1)
    assert right.level == "ok"
    wrong = doctor._clock(connection, connection.transport.clock.time() + 120)
    assert wrong.level == "warning"
    assert "this machine is 120 s behind the service" in wrong.text
    assert "ahead of" in doctor._clock(connection, connection.transport.clock.time() - 120).text


def test_an_address_where_nobody_answers_is_a_problem() -> None:
    clock = LeapingClock()
    with lk.Session(
        lk.ReportingKey("acme", "canary-reporting-key"), base_url="http://127.0.0.1:9", clock=clock
    ) as one:
        found = doctor.examine(one.organization._connection)
    assert levels(found)["address"] == "problem"
    assert "can't be reached" in str(found[-1])
    assert "canary" not in "\n".join(map(str, found))


def test_a_key_that_is_not_taken_is_a_problem_of_the_sign_in() -> None:
    with lk.connect("sandbox", transactions=50) as session:
        other = lk.Session(lk.ReportingKey("tidewell-sandbox", "canary-reporting-key"), base_url=session.base_url)
        with other:
            found = doctor.examine(other.organization._connection)
    assert levels(found)["address"] == "ok"
    assert levels(found)["sign-in"] == "problem"
    assert "canary" not in "\n".join(map(str, found))


def test_a_private_key_of_somebody_else_is_a_problem(session: lk.Session) -> None:
    assert session.sandbox is not None
    mine = session.sandbox.environment("api_user", prefix="")
    theirs = session.sandbox.environment("api_user", prefix="", role="ADMIN")
    user = lk.ApiUser(
        mine["WORKSPACE"], mine["API_KEY_ID"], mine["API_KEY_SECRET"], private_key=theirs["API_PRIVATE_KEY"]
    )
    with lk.Session(user, base_url=session.base_url) as other:
        found = doctor.examine(other.organization._connection)
    assert levels(found)["private key"] == "problem"
    assert "not that of the user" in str(found[-2])


def test_without_a_private_key_one_is_told_that_one_cant_approve(session: lk.Session) -> None:
    assert session.sandbox is not None
    mine = session.sandbox.environment("api_user", prefix="")
    user = lk.ApiUser(mine["WORKSPACE"], mine["API_KEY_ID"], mine["API_KEY_SECRET"])
    with lk.Session(user, base_url=session.base_url) as other:
        panel = Panel.of(other)
        panel.run_doctor.click()
        panel.wait()
        assert panel.message_kind == "warning"
        assert "private key" in panel.message
        assert "can't approve" in panel.text()
        panel.close()


def test_what_a_service_says_is_one_harmless_line() -> None:
    finding = doctor.Finding("service", "ok", "one\ntwo \u202e<b>")
    assert str(finding) == "service: one two \\u202e<b>"
    assert "&lt;b&gt;" in module.findings_html([finding])


def test_the_home_folder_is_not_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/dana")
    assert str(doctor.Finding("X", "ok", "set in /home/dana/work/.env, line 3")) == "X: set in ~/work/.env, line 3"
