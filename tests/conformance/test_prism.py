"""Every read against Prism, which has never seen the kit: a right frame, or an error that names the field."""

import ast
import copy
import json
import re
import warnings
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import ledgerkit as lk
from conformance.calls import BY_OPERATION, Call
from conformance.conftest import NUMBERS
from conformance.contract import LAM_FILE, VAULT_FILE, document, needs_contract, parameters, reads, vault
from conformance.differences import NEVER_PARAMETERS, RENAMED_PARAMETERS, TEXT_IN_PATHS
from conformance.prism import Prism, needs_prism
from ledgerkit.frames import EXACT, TIME, Leaves

pytestmark = [needs_contract, needs_prism]

SEED = "7"
# What examples of the contract hold that can't be read: a date that Prism makes of a bare `type: string`, and UUIDs
# where the contract, and Prism, take numbers alone.
UNREADABLE_EXAMPLES = {
    "GET /accounts/{account_id}/balances/history": "date",
    "GET /pledges/{pledge_id}": "id",
    "GET /settlements/{settlement_id}": "id",
}
# Of drawn answers, those with amounts or times hold Latin words in their place: the others must give frames.
SHARE_OF_FRAMES = 0.6
# The columns that hold what was asked for, where they are called neither as the parameter nor `id`.
LEADS = {"currency_name": ("name", "parent_currency")}
ERRORS = {"400": lk.InvalidRequest, "404": lk.NotFound, "501": lk.Unsupported}


@dataclass(frozen=True)
class Servers:
    examples: Prism
    drawn: Prism
    lam: Prism


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    folder = tmp_path_factory.mktemp("prism")
    with ExitStack() as stack:
        started = Servers(
            stack.enter_context(Prism(VAULT_FILE, folder)),
            stack.enter_context(Prism(with_small_counts(folder), folder, "--dynamic", "--seed", SEED)),
            stack.enter_context(Prism(LAM_FILE, folder)),
        )
        for server in (started.examples, started.drawn, started.lam):
            server.wait()
        yield started


def with_small_counts(folder: Path) -> Path:
    """Write a copy of the contract in which lists are short: drawn counts go from minus to plus 100 million rows."""
    contract = copy.deepcopy(document(VAULT_FILE))
    contract["components"]["schemas"]["APISearchPageInfo"]["properties"]["count"] |= {"minimum": 0, "maximum": 12}
    path = folder / "contract-with-small-counts.json"
    path.write_text(json.dumps(contract), encoding="utf-8")
    return path


def session_with(server: Prism) -> lk.Session:
    # The contract declares no other credentials.
    return lk.Session(lk.LAM("api_lam_user", "api-key"), base_url=server.url, retry_seconds=5)


Outcome = pd.DataFrame | lk.ContractViolation


def make(call: Call, session: lk.Session, **given: Any) -> pd.DataFrame:
    """Make a call; where Prism answers for other ids than were asked for, as examples do, ask for those."""
    inside = list(parameters(call.operation, "path"))
    for _ in inside:
        try:
            return call.make(session, **given)
        except lk.ContractViolation as error:
            if "asked" not in error.details or TEXT_IN_PATHS & set(inside):
                raise
            column = error.details["field"]
            name = next(one for one in inside if column in (one, *LEADS.get(one, ("id",))))
            given[name] = ast.literal_eval(error.details["body"])
    return call.make(session, **given)


def read_everything(server: Prism) -> dict[str, Outcome]:
    outcomes: dict[str, Outcome] = {}
    with session_with(server) as session, warnings.catch_warnings():
        warnings.simplefilter("ignore", lk.IncompleteResult)  # drawn counts have nothing to do with drawn rows
        for operation in reads():
            call = BY_OPERATION[operation]
            limit = {"limit": 5} if "limit" in call.filters else {}
            try:
                outcomes[operation] = make(call, session, **limit)
            except lk.ContractViolation as error:
                outcomes[operation] = error
    return outcomes


@pytest.fixture(scope="module")
def of_examples(servers: Servers) -> dict[str, Outcome]:
    return read_everything(servers.examples)


@pytest.fixture(scope="module")
def of_drawn(servers: Servers) -> dict[str, Outcome]:
    return read_everything(servers.drawn)


def check(operation: str, outcome: Outcome) -> None:
    table = BY_OPERATION[operation].table
    if isinstance(outcome, pd.DataFrame):
        known = outcome[table.columns]
        assert outcome.columns[: len(table.columns)].tolist() == table.columns
        assert known.dtypes.equals(table.frame(Leaves()).dtypes)
        assert outcome.attrs["endpoint"] == operation
        assert len(outcome) == outcome.attrs["count"] > 0
    else:
        assert str(outcome).startswith("GET /")
        field, value = outcome.details["field"], outcome.details["body"]
        assert field in table.kinds
        if table.kinds[field] in EXACT:
            assert not re.fullmatch(r"'?-?\d+(\.\d+)?'?", value), "this is a number"
        if table.kinds[field] == TIME:
            assert not re.match(r"'\d{4}-\d\d-\d\d", value), "this is a time"


@pytest.mark.parametrize("operation", reads())
def test_the_examples_of_the_contract_give_frames(of_examples: Mapping[str, Outcome], operation: str) -> None:
    outcome = of_examples[operation]

    check(operation, outcome)
    field = outcome.details["field"] if isinstance(outcome, lk.ContractViolation) else None
    assert field == UNREADABLE_EXAMPLES.get(operation)


@pytest.mark.parametrize("operation", reads())
def test_a_drawn_answer_gives_a_frame_or_an_error_that_names_the_field(
    of_drawn: Mapping[str, Outcome], operation: str
) -> None:
    check(operation, of_drawn[operation])


def test_most_answers_give_frames(
    of_examples: Mapping[str, Outcome], of_drawn: Mapping[str, Outcome], pytestconfig: pytest.Config
) -> None:
    for name, outcomes in (("examples", of_examples), ("drawn answers", of_drawn)):
        frames = [outcome for outcome in outcomes.values() if isinstance(outcome, pd.DataFrame)]
        rows = sum(len(frame) for frame in frames)
        pytestconfig.stash[NUMBERS].append(
            f"Prism, {name}: {len(frames)} of {len(outcomes)} reads give frames ({rows} rows), "
            f"{len(outcomes) - len(frames)} name the field that can't be read"
        )
        assert len(frames) >= SHARE_OF_FRAMES * len(outcomes)


@pytest.mark.parametrize("operation", reads())
def test_prism_accepts_every_filter_of_every_read(servers: Servers, operation: str) -> None:
    # It answers 400 or 422 to a parameter that is not of the contract's type or not one of its values. Lists hold two
    # values, since one `state` of pledges it takes for a text and refuses.
    call = BY_OPERATION[operation]
    renamed = RENAMED_PARAMETERS.get(operation, {})
    names = [renamed.get(name, name) for name in parameters(operation, "query").keys() - NEVER_PARAMETERS]
    given = {name: call.samples(name) for name in names if name != "order_by"}
    with session_with(servers.examples) as session:
        if operation in UNREADABLE_EXAMPLES:
            with pytest.raises(lk.ContractViolation):
                call.make(session, **given)
        else:
            frame = make(call, session, **given)
            assert frame.columns[: len(call.table.columns)].tolist() == call.table.columns


@pytest.mark.parametrize(
    ("operation", "status"),
    [(operation, status) for operation in reads() for status in vault()[operation]["responses"] if status != "200"],
)
def test_every_declared_error_is_raised_as_its_kind(servers: Servers, operation: str, status: str) -> None:
    path = operation.removeprefix("GET ")
    for name in parameters(operation, "path"):
        path = path.replace(f"{{{name}}}", str(BY_OPERATION[operation].sample(name)))
    needed = {"type": "receive"} if operation.endswith("/address/{index}") else {}
    with session_with(servers.examples) as session, pytest.raises(ERRORS[status]) as raised:
        session.raw("GET", path, params={**needed, "__code": status})

    assert raised.value.status == int(status)
    assert raised.value.call == f"GET {path}"


def test_the_reads_of_a_lam(servers: Servers) -> None:
    with session_with(servers.lam) as session:
        users, user, health = (
            session.api_users.search(),
            session.api_users.get("api_lam_user"),
            session.api_users.health(),
        )

    assert users["device_id"].tolist() == ["1a24480566ce42c2"]
    assert user["role"].tolist() == ["OPERATOR"]
    # A 400 is what the document has for it: the LAM does not know the user yet, but it is there.
    assert health["reachable"].tolist() == [True]
