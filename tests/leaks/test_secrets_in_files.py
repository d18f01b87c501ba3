"""What is kept on disk and shown in forms: archives, journals, reports, exports, notebooks."""

import json
import os
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import canaries
import ipywidgets
import nbformat
import pandas as pd
import pytest
from canaries import Searcher, described
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from evidence import gathered
from nbclient import NotebookClient
from serving import Act, Reply, Seen, Server, page
from workspace import tokens
from writes.conftest import recipient as recipient

import ledgerkit as lk
from ledgerkit.saving import save


@pytest.fixture(scope="module")
def session() -> Iterator[lk.Session]:
    with lk.connect("sandbox", transactions=60, writes=True) as session:
        yield session


def secrets_of(session: lk.Session) -> Searcher:
    """Look for what this sandbox gave to the session."""
    given: Any = session._credentials
    held: Any = session._keeper._held if session._keeper else None
    key: Any = load_pem_private_key(given.private_key.reveal().encode(), None)
    return Searcher(
        {
            "key_id": given.key_id.reveal().removeprefix("sandbox-").encode(),
            "key_secret": given.key_secret.reveal().removeprefix("sandbox-").encode(),
            "private scalar": key.private_numbers().private_value.to_bytes(32),
            "access token": held.access.reveal().rpartition(".")[2].encode(),
            "refresh token": held.refresh.reveal().rpartition(".")[2].encode(),
        }
    )


def test_archives_journals_reports_and_exports_hold_no_secret(
    session: lk.Session, recipient: str, tmp_path: Path
) -> None:
    session.transactions.archive(tmp_path / "archive")
    session.requests.archive(tmp_path / "archive")
    known = session.transactions.search(limit=50)
    rows = pd.DataFrame({"account": [1, 1], "recipient": [recipient] * 2, "amount": ["0.001 BTC", "0.002 BTC"]})
    with gathered() as evidence:
        plan = session.transactions.plan(rows, journal=tmp_path / "plan.jsonl")
        evidence.thing(plan, "plan", steps=0)
        evidence.thing(plan.run(plan.phrase), "result", steps=0)
        report = lk.reports.api_users(session)
        report.to_excel(tmp_path / "report.xlsx")
        report.to_html(tmp_path / "report.html")
        evidence.thing(report, "report", steps=0)
        evidence.thing(known, "frame", steps=0)
        known.to_pickle(tmp_path / "frame.pkl")
        known.to_csv(tmp_path / "frame.csv")
        evidence.thing(lk.read_archive(tmp_path / "archive"), "archive", steps=0)
    searcher = secrets_of(session)
    assert len(list(tmp_path.rglob("*.parquet"))) > 1
    for name in ("plan.jsonl", "report.xlsx", "report.html"):
        assert (tmp_path / name).stat().st_mode & 0o077 == 0
    hits = searcher.find_in_files(tmp_path) + evidence.hits(searcher)
    assert hits == [], described(hits)


@pytest.mark.parametrize("mask", [0o022, 0o000], ids=["usual", "none"])
def test_a_file_that_is_saved_is_for_its_owner_alone_while_it_is_written_and_afterwards(
    tmp_path: Path, mask: int
) -> None:
    modes: list[int] = []

    def write(part: Path) -> None:
        part.write_text("1")
        modes.extend(one.stat().st_mode & 0o777 for one in tmp_path.iterdir())

    before = os.umask(mask)
    try:
        for _ in range(2):
            path, _ = save(tmp_path, "holdings", "csv", write)
            modes.append(path.stat().st_mode & 0o777)
    finally:
        os.umask(before)
    assert path.name == "holdings-2.csv"
    assert set(modes) == {0o600}


def test_a_payment_from_draft_to_approval_shows_no_secret(session: lk.Session, recipient: str) -> None:
    with gathered() as evidence:
        draft = session.transactions.send(1, recipient, 300_000, note="canary")
        evidence.thing(draft, "draft", steps=1)
        request = draft.submit()
        evidence.thing(request, "request", steps=0)
        number = draft.request_id or 0
        # Refused, since it is another amount; refused, since nobody types the phrase; signed; signed before.
        refused = evidence.call(partial(session.requests.approve, number, amount=1, recipient_end=recipient[-8:]))
        evidence.call(partial(session.requests.approve, number, intent=draft, confirm="something else"))
        done = session.requests.approve(number, intent=draft, confirm=f"approve {number}")
        evidence.thing(done, "approval", steps=1)
        evidence.call(partial(session.requests.approve, number, intent=draft, confirm=f"approve {number}"))
        evidence.thing(session, "session")
    assert isinstance(refused, lk.ReviewFailed)
    hits = evidence.hits(secrets_of(session))
    assert hits == [], described(hits)


def test_the_state_of_forms_that_a_notebook_saves_holds_no_secret(session: lk.Session) -> None:
    made = [
        lk.explorer(session),
        lk.panel(session),
        session.transactions.form(),
        session.transactions.payment_form(),
        session.requests.new_form(),
        session.requests.inbox_form(),
    ]
    state = ipywidgets.Widget.get_manager_state(widgets=None)
    assert len(state["state"]) > 200
    searcher = secrets_of(session)
    shown = json.dumps(state, default=str) + "".join(f"{one!r}" for one in made)
    hits = searcher.find(shown, "widgets")
    assert hits == [], described(hits)


CELLS = (
    "import logging\nlogging.basicConfig(level=logging.DEBUG, force=True)",
    "import ledgerkit as lk\nsession = lk.connect(writes=True)",
    "session",
    "session.accounts.search()",
    "vars(session), vars(session._transport), vars(session._keeper), session._credentials",
    "lk.panel(session)",
    "lk.explorer(session)",
    "session.accounts.get(404)",
    "%tb",
    "%xmode Verbose",
    "session.accounts.get(404)",
    "session.notifications.configuration()",
    "session.raw('GET', '/notifications/configuration')",
    "lk.connect(api_key_id=session._credentials.key_id, workspace='acme')",
    "def stop(*_, **__):\n    raise KeyboardInterrupt\nsession._transport._client.send = stop",
    "session.raw('POST', '/requests', json={})",
    "session.close()\nsession.accounts.search()",
)


def test_a_notebook_that_ran_with_real_credentials_is_saved_without_them(
    serve: Callable[..., Server], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def answer(seen: Seen) -> Act:
        if seen.path.startswith("/auth/"):
            return tokens()
        if seen.path.startswith("/notifications"):
            return Reply({"all": {"webhook": {"url": "https://x.example", "secret": canaries.WEBHOOK_SECRET}}})
        if seen.path.endswith("/404"):
            return Reply({"message": f"none for {canaries.KEY_SECRET}: {dict(seen.headers)}"}, 404)
        return page([{"id": 7, "name": "Treasury", "currency": "bitcoin"}])

    server = serve(answer)
    values = {
        "API_URL": server.url,
        "WORKSPACE": "acme",
        "API_KEY_ID": canaries.KEY_ID,
        "API_KEY_SECRET": canaries.KEY_SECRET,
        "GATEWAY_API_KEY": canaries.GATEWAY_KEY,
        "API_PRIVATE_KEY": canaries.PEM.encode().hex(),
    }
    for name, value in values.items():
        monkeypatch.setenv(f"LEDGER_ENTERPRISE_{name}", value)
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(one) for one in CELLS])  # type: ignore[no-untyped-call]  # nbformat has no types
    where = {"metadata": {"path": str(tmp_path)}}
    NotebookClient(notebook, timeout=60, allow_errors=True, store_widget_state=True, resources=where).execute()
    saved = nbformat.writes(notebook)  # type: ignore[no-untyped-call]  # nbformat has no types
    errors = [one.ename for cell in notebook.cells for one in cell.outputs if one.output_type == "error"]
    assert errors.count("NotFound") >= 2
    assert {"KeyboardInterrupt", "SessionClosed"} <= set(errors)
    assert "httpcore.http11" in saved  # the logs are there
    assert notebook.metadata.widgets
    hits = Searcher().find(saved, "notebook") + Searcher().find_in_files(tmp_path)
    assert hits == [], described(hits)
