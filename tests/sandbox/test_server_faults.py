"""Faults on demand, the rate limit, lists that change under a reader, and the life of the server."""

import gc
import socket
import subprocess
import sys
import threading
import time
from base64 import urlsafe_b64decode
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from email.utils import parsedate_to_datetime

import httpx
import pytest

from ledgerkit.sandbox import Sandbox, SeenRequest

from .conftest import NOW, HandClock, ids, log_in

Start = Callable[..., tuple[Sandbox, httpx.Client]]


@pytest.fixture
def running(sandbox: Sandbox, client: httpx.Client) -> Iterator[tuple[Sandbox, httpx.Client]]:
    yield sandbox, client
    sandbox.faults.clear()


@pytest.fixture
def changing(start: Start) -> tuple[Sandbox, httpx.Client]:
    """A sandbox of one test's own, whose rows may come and go."""
    sandbox, client = start(transactions=300)
    log_in(client, sandbox)
    return sandbox, client


@pytest.mark.parametrize("status", [420, 429, 500, 502, 503, 504])
def test_a_status_strikes_as_often_as_asked(running: tuple[Sandbox, httpx.Client], status: int) -> None:
    sandbox, client = running
    fault = sandbox.faults.status(status, path="/accounts*", times=2, retry_after="7")
    answers = [client.get("/accounts") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [status, status, 200]
    assert answers[0].headers["retry-after"] == "7"
    assert answers[0].json()["status_code"] == status
    assert fault.struck == 2
    assert client.get("/organization").status_code == 200


def test_a_proxy_may_answer_html(running: tuple[Sandbox, httpx.Client]) -> None:
    sandbox, client = running
    sandbox.faults.status(502, content_type="text/html", body="<html>Bad gateway</html>", times=1)
    answer = client.get("/accounts")
    assert answer.headers["content-type"] == "text/html"
    assert answer.text == "<html>Bad gateway</html>"


def test_a_rate_strikes_the_same_calls_at_each_run(start: Start) -> None:
    runs = []
    for _ in range(2):
        sandbox, client = start()
        log_in(client, sandbox)
        sandbox.faults.status(503, rate=0.5)
        runs.append([client.get("/organization").status_code for _ in range(20)])
    assert runs[0] == runs[1]
    assert set(runs[0]) == {200, 503}


def test_a_dropped_connection_gives_no_answer(running: tuple[Sandbox, httpx.Client]) -> None:
    sandbox, client = running
    sandbox.faults.drop(times=1)
    with pytest.raises(httpx.TransportError):
        client.get("/organization")
    assert sandbox.requests_seen[-1] == SeenRequest("GET", "/organization", "", 0)
    assert client.get("/organization").status_code == 200


def test_a_connection_may_drop_after_the_call_was_carried_out(running: tuple[Sandbox, httpx.Client]) -> None:
    sandbox, client = running
    sandbox.faults.drop(times=1, method="PUT", answered=True)
    hook = {"all": {"webhook": {"url": "https://example.com/hook", "secret": "s"}}}
    with pytest.raises(httpx.TransportError):
        client.put("/notifications/configuration", json=hook)
    assert client.get("/notifications/configuration").json() == hook


def test_a_body_may_be_cut_short(running: tuple[Sandbox, httpx.Client]) -> None:
    sandbox, client = running
    sandbox.faults.truncate(times=1)
    with pytest.raises(httpx.RemoteProtocolError, match="body"):
        client.get("/accounts")
    assert client.get("/accounts").status_code == 200


def test_an_answer_may_be_no_json(running: tuple[Sandbox, httpx.Client]) -> None:
    sandbox, client = running
    sandbox.faults.invalid_json(times=1)
    answer = client.get("/accounts")
    assert answer.status_code == 200
    with pytest.raises(ValueError, match=r"Unterminated|Expecting"):
        answer.json()
    sandbox.faults.invalid_json(times=1, body="[]")
    assert client.get("/accounts").json() == []


def test_latency_is_added(running: tuple[Sandbox, httpx.Client]) -> None:
    sandbox, client = running
    sandbox.faults.latency(0.05, times=1)
    started = time.perf_counter()
    client.get("/organization")
    assert time.perf_counter() - started >= 0.05


def test_faults_are_switched_off(running: tuple[Sandbox, httpx.Client]) -> None:
    sandbox, client = running
    fault = sandbox.faults.status(500)
    assert client.get("/organization").status_code == 500
    sandbox.faults.stop(fault)
    assert client.get("/organization").status_code == 200
    sandbox.faults.status(500)
    sandbox.faults.clear()
    assert client.get("/organization").status_code == 200


def test_the_date_follows_a_shifted_clock(start: Start) -> None:
    clock = HandClock()
    sandbox, client = start(clock=clock)
    assert parsedate_to_datetime(client.get("/nowhere").headers["date"]) == NOW
    sandbox.faults.shift_clock(-120)
    assert parsedate_to_datetime(client.get("/nowhere").headers["date"]).timestamp() == clock.seconds - 120


def test_beyond_the_rate_limit_is_420(start: Start) -> None:
    clock = HandClock()
    sandbox, client = start(rate_limit=(3, 10.0), clock=clock)
    log_in(client, sandbox)
    clock.seconds += 4
    headers = [client.get("/organization").headers for _ in range(2)]
    assert [entry["x-ratelimit-remaining"] for entry in headers] == ["1", "0"]
    assert headers[0]["x-ratelimit-limit"] == "3"
    assert headers[0]["x-ratelimit-reset"] == "6"
    refused = client.get("/organization")
    assert refused.status_code == 420
    assert refused.headers["retry-after"] == "6"
    clock.seconds += 6
    assert client.get("/organization").status_code == 200


def test_a_row_that_leaves_makes_the_next_page_skip_one(changing: tuple[Sandbox, httpx.Client]) -> None:
    sandbox, client = changing
    before = ids(client, "/transactions", page_size=100, order="asc")
    sandbox.faults.between_pages("/transactions", change="leave")
    pages = [
        client.get("/transactions", params={"page_size": 100, "order": "asc", "page": page}).json()
        for page in (1, 2, 3)
    ]
    read = [edge["node"]["id"] for page in pages for edge in page["edges"]]
    assert [page["page_info"]["count"] for page in pages] == [300, 299, 299]
    assert sorted(set(before) - set(read)) == [before[100]]
    assert ids(client, "/transactions", page_size=100, order="asc") == before[1:]


def test_a_row_that_arrives_shows_one_twice(changing: tuple[Sandbox, httpx.Client]) -> None:
    sandbox, client = changing
    sandbox.faults.between_pages("/transactions", change="arrive")
    pages = [client.get("/transactions", params={"page_size": 50, "page": page}).json() for page in (1, 2)]
    rows = [[edge["node"]["id"] for edge in page["edges"]] for page in pages]
    assert rows[0][-1] == rows[1][0]
    newest = client.get("/transactions", params={"page_size": 1}).json()["edges"][0]["node"]
    assert newest["id"] == max(rows[0]) + 1
    assert newest["created_on"] > rows_created_on(sandbox, rows[0][0])
    assert client.get(f"/transactions/{newest['id']}").json() == newest


def rows_created_on(sandbox: Sandbox, identifier: int) -> str:
    text: str = next(node["created_on"] for node in sandbox.world.transactions if node["id"] == identifier)
    return text


def test_a_swap_keeps_the_count(changing: tuple[Sandbox, httpx.Client]) -> None:
    sandbox, client = changing
    before = ids(client, "/transactions", page_size=50)
    sandbox.faults.between_pages("/transactions", change="swap")
    pages = [client.get("/transactions", params={"page_size": 50, "page": page}).json() for page in (1, 2)]
    counts = {page["page_info"]["count"] for page in pages}
    assert counts == {len(before) - 1}
    after = ids(client, "/transactions", page_size=50)
    assert after == before[1:]
    read = {edge["node"]["id"] for page in pages for edge in page["edges"]}
    assert before[50] not in read


def test_a_change_may_happen_at_each_reading(changing: tuple[Sandbox, httpx.Client]) -> None:
    sandbox, client = changing
    change = sandbox.faults.between_pages("/transactions", change="leave", times=None)
    counts = [client.get("/transactions").json()["page_info"]["count"] for _ in range(3)]
    assert counts == [300, 299, 298]
    sandbox.faults.stop(change)
    assert client.get("/transactions").json()["page_info"]["count"] == 297


def test_rows_arrive_in_lists_of_every_kind(changing: tuple[Sandbox, httpx.Client]) -> None:
    sandbox, client = changing
    for path in ("/pledges", "/settlements", "/labels"):
        before = ids(client, path)
        sandbox.faults.between_pages(path, change="arrive")
        client.get(path, params={"page_size": 1})
        after = ids(client, path)
        assert after[1:] == before
        assert after[0] not in before


def test_each_page_is_one_snapshot_under_many_threads(changing: tuple[Sandbox, httpx.Client]) -> None:
    sandbox, client = changing
    sandbox.faults.between_pages("/transactions", change="arrive", times=None)

    def read(page: int) -> bool:
        parameters: dict[str, str | int] = {"page_size": 100, "page": page % 2 + 1}
        body = client.get("/transactions", params=parameters).raise_for_status().json()
        found = [edge["node"]["id"] for edge in body["edges"]]
        newest, first = body["page_info"]["count"], body["edges"][0]["cursor"]
        # ids are consecutive, so a page from one state of the list follows from the count that it reports
        return found == list(range(newest - first, max(newest - first - 100, 0), -1))

    with ThreadPoolExecutor(16) as pool:
        assert all(pool.map(read, range(64)))


def test_every_call_is_logged(running: tuple[Sandbox, httpx.Client]) -> None:
    sandbox, client = running
    client.get("/accounts?page=1&status=ACTIVE")
    client.get("/nowhere")
    assert list(sandbox.requests_seen)[-2:] == [
        SeenRequest("GET", "/accounts", "page=1&status=ACTIVE", 200),
        SeenRequest("GET", "/nowhere", "", 404),
    ]


def test_an_unknown_path_gets_the_answer_of_the_gateway(running: tuple[Sandbox, httpx.Client]) -> None:
    _, client = running
    assert set(client.get("/nowhere").json()) == {"code", "message"}
    wrong = client.post("/accounts")
    assert (wrong.status_code, wrong.json()["code"], wrong.headers["allow"]) == (405, 405, "GET, HEAD")


def test_a_tenant_has_a_prefix_before_every_path(start: Start) -> None:
    sandbox, client = start(path_prefix="/api-gateway")
    assert sandbox.url.endswith("/api-gateway")
    log_in(client, sandbox)
    assert client.get("/organization").status_code == 200
    assert sandbox.requests_seen[-1].path == "/organization"
    root = httpx.URL(sandbox.url).copy_with(path="/organization")
    assert client.get(root).json()["code"] == 404


def test_small_answers_do_not_stall(running: tuple[Sandbox, httpx.Client]) -> None:
    _, client = running
    client.get("/organization")
    started = time.perf_counter()
    for _ in range(50):
        client.get("/organization")
    # with Nagle's algorithm on, each answer waits some 40 ms for an acknowledgement: 2 s in all
    assert time.perf_counter() - started < 1.0


def test_several_sandboxes_live_side_by_side(start: Start) -> None:
    first, one = start(seed=1)
    second, two = start(seed=2)
    log_in(one, first)
    log_in(two, second)
    assert first.url != second.url
    assert one.get("/organization", headers={"Authorization": two.headers["Authorization"]}).status_code == 401


def test_stop_frees_the_port_and_the_thread() -> None:
    sandbox = Sandbox(transactions=20, now=NOW)
    with pytest.raises(RuntimeError, match="not running"):
        _ = sandbox.url
    with sandbox:
        port = httpx.URL(sandbox.url).port
        assert port is not None
    assert not [thread for thread in threading.enumerate() if thread.name == f"sandbox-{port}"]
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", port))
    with sandbox:
        assert httpx.get(f"{sandbox.url}/nowhere").status_code == 404


def test_a_forgotten_sandbox_ends_its_thread() -> None:
    sandbox = Sandbox(transactions=20, now=NOW).start()
    name = f"sandbox-{httpx.URL(sandbox.url).port}"
    assert name in [thread.name for thread in threading.enumerate()]
    del sandbox
    gc.collect()
    assert name not in [thread.name for thread in threading.enumerate()]


def test_a_taken_port_is_an_error() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(OSError, match=r"[Aa]ddress"):
        Sandbox(transactions=20, now=NOW, port=taken.getsockname()[1]).start()


def test_the_interpreter_ends_without_a_word() -> None:
    program = (
        "from ledgerkit.sandbox import Sandbox\n"
        "import httpx\n"
        "sandbox = Sandbox(transactions=20).start()\n"
        "assert httpx.get(sandbox.url + '/nowhere').status_code == 404\n"
    )
    ended = subprocess.run(  # noqa: S603 - this Python and a fixed line
        [sys.executable, "-W", "error", "-c", program], capture_output=True, text=True, timeout=30, check=False
    )
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")


@pytest.mark.parametrize("reset", [True, False])
def test_a_connection_is_reset_or_closed(running: tuple[Sandbox, httpx.Client], reset: bool) -> None:
    sandbox, _ = running
    sandbox.faults.drop(times=1, reset=reset)
    port = int(sandbox.url.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port)) as caller:
        caller.sendall(b"GET /organization HTTP/1.1\r\nHost: sandbox\r\n\r\n")
        if reset:
            with pytest.raises(ConnectionResetError):
                caller.recv(1)
        else:
            assert caller.recv(1) == b""


def test_idle_connections_are_ended_too(running: tuple[Sandbox, httpx.Client]) -> None:
    sandbox, _ = running
    port = int(sandbox.url.rpartition(":")[2])
    for reset in (True, False):
        with socket.create_connection(("127.0.0.1", port)) as idle:
            idle.sendall(b"GET /nowhere HTTP/1.1\r\nHost: sandbox\r\n\r\n")
            answer = b""
            while not answer.endswith(b"}"):
                answer += idle.recv(65536)
            assert answer.startswith(b"HTTP/1.1 404")
            sandbox.faults.hang_up(reset=reset)
            if reset:
                with pytest.raises(ConnectionResetError):
                    idle.recv(1)
            else:
                assert idle.recv(1) == b""


def test_a_good_answer_may_come_under_a_wrong_type_and_behind_much_white_space(
    running: tuple[Sandbox, httpx.Client],
) -> None:
    sandbox, client = running
    plain = client.get("/organization")
    sandbox.faults.content_type("text/html", times=1)
    sandbox.faults.padding(1_000_000, times=1)
    answer = client.get("/organization")
    assert answer.headers["content-type"] == "text/html"
    assert len(answer.content) == len(plain.content) + 1_000_000
    assert answer.json() == plain.json()


def test_a_sandbox_that_restarts_has_the_same_address_workspace_and_tokens(start: Start) -> None:
    sandbox, client = start()
    log_in(client, sandbox)
    before, url = ids(client, "/transactions"), sandbox.url
    sandbox.restart()
    assert sandbox.url == url
    assert ids(client, "/transactions") == before


def test_a_restart_waits_for_no_call(start: Start) -> None:
    sandbox, client = start()
    sandbox.faults.latency(30, path="/organization")
    with ThreadPoolExecutor() as pool:
        called = pool.submit(client.get, "/organization")
        while not sandbox.faults._faults[0].struck:
            time.sleep(0.001)
        started = time.perf_counter()
        sandbox.restart()
        assert time.perf_counter() - started < 5
        with pytest.raises(httpx.TransportError):
            called.result(timeout=5)


def test_a_secret_that_was_replaced_is_refused_and_its_tokens_with_it(start: Start) -> None:
    sandbox, client = start()
    tokens = log_in(client, sandbox)
    old = sandbox.credentials.api_users[0]
    secret = sandbox.faults.rotate_secret(old.key_id)
    assert secret == sandbox.credentials.api_users[0].key_secret != old.key_secret
    assert client.get("/organization").status_code == 401
    assert client.post("/auth/token/refresh", json={"refresh_token": tokens["refresh_token"]}).status_code == 401
    refused = client.post("/auth/token", json={"api_key_id": old.key_id, "api_key_secret": old.key_secret})
    assert refused.status_code == 401
    log_in(client, sandbox)
    assert client.get("/organization").status_code == 200


def test_another_key_pair_of_an_api_user_is_named_in_its_tokens_and_among_the_users(start: Start) -> None:
    sandbox, client = start()
    log_in(client, sandbox)
    [user, *_] = sandbox.credentials.api_users
    old = client.get(f"/users/{user.user_id}").json()["pub_key"]
    pem = sandbox.faults.rotate_private_key(user.user_id)
    assert pem == sandbox.credentials.api_users[0].private_key_pem != user.private_key_pem
    assert client.get("/organization").status_code == 401
    tokens = log_in(client, sandbox)
    new = client.get(f"/users/{user.user_id}").json()["pub_key"]
    assert new != old
    claims = tokens["access_token"].split(".")[1]
    assert new.encode() in urlsafe_b64decode(claims + "=" * (-len(claims) % 4))


@pytest.mark.parametrize("again", [True, False], ids=["restart", "stop"])
def test_a_server_that_ends_amid_calls_leaves_no_socket(start: Start, again: bool) -> None:
    # What was still being carried out kept its connection, which the garbage collector then complained of.
    sandbox, client = start()
    sandbox.faults.latency(30)
    with ThreadPoolExecutor() as pool:
        called = pool.submit(client.get, "/organization")
        while not sandbox.faults._faults[0].struck:
            time.sleep(0.001)
        sandbox.restart() if again else sandbox.stop()
        with pytest.raises(httpx.TransportError):
            called.result(timeout=5)
    gc.collect()  # an open socket that is collected is a warning, and so an error
