"""A stop at any line, in the kit or in the libraries below it, leaves no secret in the frames of its traceback."""

import random
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import canaries
import httpx
import pytest
from canaries import described
from evidence import Evidence, gathered
from serving import Reply, Seen, Server, page
from workspace import credentials, tokens

import ledgerkit as lk
from ledgerkit import signing
from ledgerkit.secret import Secret

SITE = str(Path(httpx.__file__).parents[1])
KIT = str(Path(lk.__file__).parent)
# Not those of pandas and the like, which see no secret.
LOOKED_AT = (
    *(f"{SITE}/{name}/" for name in ("httpx", "httpcore", "h11", "dotenv", "joserfc")),
    KIT,
    str(Path(sys.modules["json"].__file__ or "").parent),
    sys.modules["base64"].__file__ or "",
)
RUNS = 24


@contextmanager
def interrupted(at: int) -> Iterator[list[int]]:
    """Raise as the stop button does, at so many lines from here; the list counts the lines."""
    passed = [0]

    def trace(frame: FrameType, event: str, argument: Any) -> Any:
        if not frame.f_code.co_filename.startswith(LOOKED_AT):
            return None
        if event == "line":
            passed[0] += 1
            if passed[0] == at:
                raise KeyboardInterrupt
        return trace

    sys.settrace(trace)
    try:
        yield passed
    finally:
        sys.settrace(None)


def stopped_everywhere(call: Callable[[], Any], runs: int, first: int) -> tuple[Evidence, int]:
    """Stop a call at many of its lines, one in each run, and gather what the tracebacks show."""
    call()  # the first time it imports more
    with interrupted(0) as lines:
        call()
    # Where most of the lines are is where little happens: drawn, and the same ones in each process.
    chosen = random.Random(first).sample(range(1, lines[0]), min(runs, lines[0] - 1))
    stopped = 0
    with gathered() as evidence:
        for at in sorted(chosen):
            with interrupted(at):
                try:
                    call()
                except BaseException as error:  # noqa: BLE001 - the interrupt, or what it was made into
                    seen = error
                    stopped += 1
                else:
                    continue
            evidence.error(seen)
    return evidence, stopped


def answer(seen: Seen) -> Reply:
    return tokens() if seen.path.startswith("/auth/") else page([{"id": 7}])


@pytest.mark.parametrize("family", ["api_user", "reporting_key", "lam"])
def test_a_call_that_is_stopped_at_any_line_shows_no_secret(
    serve: Callable[..., Server], family: str, pytestconfig: pytest.Config
) -> None:
    server = serve(answer)

    def call() -> None:
        with lk.Session(credentials(family), base_url=server.url, writes=True) as session:
            session.raw("POST", "/accounts", json={"name": "x"})

    runs, first = pytestconfig.getoption("--seeds") or RUNS, pytestconfig.getoption("--first")
    evidence, stopped = stopped_everywhere(call, runs, first)
    assert stopped > runs // 2
    hits = evidence.hits()
    assert hits == [], described(hits)


def test_settings_that_are_read_when_it_stops_show_no_secret(tmp_path: Path, pytestconfig: pytest.Config) -> None:
    path = tmp_path / ".env"
    path.write_text(
        f"LEDGER_ENTERPRISE_WORKSPACE=acme\nLEDGER_ENTERPRISE_API_KEY_ID={canaries.KEY_ID}\n"
        f"LEDGER_ENTERPRISE_API_KEY_SECRET={canaries.KEY_SECRET}\n"
        f'LEDGER_ENTERPRISE_API_PRIVATE_KEY="{canaries.PEM}"\n'
    )
    from ledgerkit import credentials as reading

    runs, first = pytestconfig.getoption("--seeds") or RUNS, pytestconfig.getoption("--first")
    evidence, stopped = stopped_everywhere(lambda: reading.load(env_file=path), runs, first)
    assert stopped > runs // 2
    hits = evidence.hits()
    assert hits == [], described(hits)


def test_a_signature_that_is_stopped_shows_no_secret(pytestconfig: pytest.Config) -> None:
    key = Secret(canaries.PEM.encode().hex())
    runs, first = pytestconfig.getoption("--seeds") or RUNS, pytestconfig.getoption("--first")
    evidence, stopped = stopped_everywhere(
        lambda: signing.sign_challenge(signing.load_private_key(key), b'{"a": 1}'), runs, first
    )
    assert stopped > runs // 2
    hits = evidence.hits()
    assert hits == [], described(hits)
