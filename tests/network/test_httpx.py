"""What the kit relies on of httpx and httpcore: where a newer version changes it, these fail and say what."""

import inspect
from collections.abc import Callable
from typing import Any

import httpcore
import httpx
import pytest
from serving import Reply, Server, in_turn

import ledgerkit as lk
from ledgerkit import streams, wire
from ledgerkit.wire import Attempt
from network.authorities_made import Authority
from network.in_between import Talking, tunnel_to

Serve = Callable[..., Server]
Talks = Callable[..., Talking]

HEADS = {"http11.receive_response_headers.started", "http11.receive_response_headers.complete"}
# By what is in between: the steps that `Attempt` knows by their names.
STEPS = {
    "nothing": {"connection.connect_tcp.started", "connection.connect_tcp.complete", "connection.start_tls.complete"},
    "a proxy": {
        "connection.connect_tcp.started",
        "connection.connect_tcp.complete",
        "proxy.start_tls.started",
        "proxy.start_tls.complete",
    },
    "an https proxy": {"connection.start_tls.complete", "proxy.start_tls.started", "proxy.start_tls.complete"},
}


@pytest.mark.parametrize("between", list(STEPS))
def test_httpcore_tells_of_each_step_by_the_name_that_is_known_here(
    serve: Serve, talking: Talks, authority: Authority, monkeypatch: pytest.MonkeyPatch, between: str
) -> None:
    told: list[str] = []
    take_note = Attempt.__call__

    def watched(self: Attempt, event: str, info: Any) -> None:
        told.append(event)
        take_note(self, event, info)

    monkeypatch.setattr(Attempt, "__call__", watched)
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.bundle))
    server = serve(in_turn(Reply({"name": "Acme"})), tls=authority.server("localhost"), host="localhost")
    url = server.url
    if between != "nothing":
        tls = authority.server("localhost") if between == "an https proxy" else None
        server = serve(in_turn(Reply({"name": "Acme"})), tls=authority.server("lam.example.com"))
        proxy, url = talking(tunnel_to(server.port), tls=tls), "https://lam.example.com"
        monkeypatch.setenv("HTTPS_PROXY", f"http{'s' if tls else ''}://localhost:{proxy.port}")
    with lk.Session(lk.ReportingKey("acme", "key"), base_url=url) as session:
        assert session.raw("GET", "/organization") == {"name": "Acme"}
    assert set(told) >= STEPS[between] | HEADS


def test_every_error_of_httpcore_is_one_of_httpx_of_the_same_name() -> None:
    kinds = [
        kind
        for name in httpcore.__all__
        if isinstance(kind := getattr(httpcore, name), type) and issubclass(kind, Exception)
    ]
    assert len(kinds) > 10
    # That one never leaves httpcore: it means that another connection is taken.
    for kind in set(kinds) - {httpcore.ConnectionNotAvailable}:
        with pytest.raises(getattr(httpx, kind.__name__), match="why") as caught, streams._errors_of_httpx():
            raise kind("why")
        assert isinstance(caught.value, httpx.TransportError)
        assert type(caught.value.__cause__) is kind


def test_the_transport_is_made_of_what_httpx_and_httpcore_publish() -> None:
    made = [wire.Wire, wire._Bounded, streams._Body, streams._Backend, streams._Stream]
    bases = {base for cls in made for base in cls.__bases__}
    assert bases == {httpx.BaseTransport, httpx.SyncByteStream, httpcore.NetworkBackend, httpcore.NetworkStream}
    # A method that is asked for by a newer one is not left to a base that raises.
    for cls in made:
        (base,) = cls.__bases__
        asked = {name for name, value in vars(base).items() if inspect.isfunction(value) and name[0] != "_"}
        assert asked - vars(cls).keys() <= {"connect_unix_socket"}
