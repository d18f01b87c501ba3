"""Certificates are always verified, by the system's store or what was chosen instead; a refusal has a way out."""

import json
import os
import ssl
import subprocess
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

import pytest
import truststore
from cryptography.x509.oid import ExtendedKeyUsageOID
from serving import LeapingClock, Reply, Server, in_turn

import ledgerkit as lk
from ledgerkit import trust
from ledgerkit.doctor import installed
from network.authorities_made import FAR_AHEAD, LONG_AGO, Authority, weak_key
from network.in_between import Talking, answering, hang_up, tunnel_to

Serve = Callable[..., Server]
Connect = Callable[..., lk.Session]
Talks = Callable[..., Talking]

GOOD = Reply({"name": "Acme"})


class Refused(NamedTuple):
    """A server that must not be trusted, and what is said of it."""

    settings: dict[str, Any]
    reason: str
    way_out: str


def refusals() -> dict[str, Refused]:
    return {
        "expired": Refused({"until": LONG_AGO}, "certificate has expired", "whether the clock of this machine is"),
        "not yet valid": Refused({"since": FAR_AHEAD}, "is not yet valid", "Set the clock of this machine"),
        "of another host": Refused({"host": "other.example"}, "Hostname mismatch", "check the address that is set"),
        "self-signed": Refused({"own": True}, "self-signed certificate", "point SSL_CERT_FILE at a file with it"),
        "a weak key": Refused({"key": weak_key()}, "too weak|too small", "RSA of 2048 bits or more"),
        "for clients": Refused(
            {"purpose": ExtendedKeyUsageOID.CLIENT_AUTH}, "certificate purpose", "that may not sign it"
        ),
    }


@pytest.mark.parametrize(
    "kind", ["expired", "not yet valid", "of another host", "self-signed", "a weak key", "for clients"]
)
def test_a_certificate_that_proves_nothing_is_refused_with_a_reason_and_a_way_out(
    serve: Serve, connect_to: Connect, authority: Authority, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    refused = refusals()[kind]
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.bundle))  # it is trusted: the certificate alone is wrong
    server = serve(in_turn(GOOD), tls=authority.server(**refused.settings), host="localhost")
    clock = LeapingClock()
    with pytest.raises(lk.ConnectionFailed, match=refused.reason) as caught:
        connect_to(server, clock=clock).raw("GET", "/organization")
    assert refused.way_out in str(caught.value)
    assert server.seen == []
    assert clock.waits == []  # the same certificate would be there the next time


def test_an_authority_that_nobody_here_trusts_is_refused_and_those_that_are_trusted_are_named(
    serve: Serve, connect_to: Connect, authority: Authority
) -> None:
    server = serve(in_turn(GOOD), tls=authority.server(), host="localhost")
    with pytest.raises(lk.ConnectionFailed, match=r"unable to get local issuer.*Trusted are those of this system"):
        connect_to(server).raw("GET", "/organization")
    assert server.seen == []


def test_a_write_to_whom_is_not_trusted_was_never_sent(
    serve: Serve, connect_to: Connect, authority: Authority
) -> None:
    server = serve(in_turn(GOOD), tls=authority.server(), host="localhost")
    with pytest.raises(lk.ConnectionFailed):
        connect_to(server, lk.LAM("robot"), writes=True).raw("POST", "/transactions", json={})
    assert server.seen == []


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1])
def test_versions_of_tls_before_1_2_are_refused(
    serve: Serve, connect_to: Connect, authority: Authority, monkeypatch: pytest.MonkeyPatch, version: ssl.TLSVersion
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.bundle))
    context = authority.server()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # old versions are what is tested
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = version
    server = serve(in_turn(GOOD), tls=context, host="localhost")
    with pytest.raises(lk.ConnectionFailed, match=r"share no version of TLS from 1\.2 on"):
        connect_to(server).raw("GET", "/organization")


def test_a_port_that_speaks_no_tls_is_said_so(talking: Talks) -> None:
    plain = talking(answering(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"))
    with (
        lk.Session(lk.ReportingKey("acme", "key"), base_url=f"https://{plain.address}") as session,
        pytest.raises(lk.ConnectionFailed, match="does not speak TLS there: check the port"),
    ):
        session.raw("GET", "/organization")


def test_a_handshake_that_is_cut_off_is_repeated_and_nothing_was_sent(talking: Talks) -> None:
    # It was taken for a refused certificate, and given up at once.
    cut, clock = talking(hang_up), LeapingClock()
    with lk.Session(
        lk.LAM("robot"), base_url=f"https://{cut.address}", clock=clock, writes=True, retry_seconds=5
    ) as session:
        for method in ("GET", "POST"):
            with pytest.raises(lk.ConnectionFailed, match="no connection could be made"):
                session.raw(method, "/transactions", json={} if method == "POST" else None)
    assert len(cut.heard) > 2
    assert all(begun.startswith(b"\x16\x03") for begun in cut.heard)  # a handshake each, and no request


@pytest.mark.parametrize("variables", ["SSL_CERT_FILE", "SSL_CERT_DIR", "both"])
def test_an_authority_of_the_company_is_trusted_where_a_variable_names_it(
    serve: Serve,
    connect_to: Connect,
    authority: Authority,
    monkeypatch: pytest.MonkeyPatch,
    variables: str,
    tmp_path: Path,
) -> None:
    if variables != "SSL_CERT_FILE":
        monkeypatch.setenv(
            "SSL_CERT_DIR", os.pathsep.join([str(tmp_path / "not there"), str(authority.hashed_folder())])
        )
    if variables != "SSL_CERT_DIR":
        other = Authority(tmp_path / "other", "Other Root")
        monkeypatch.setenv("SSL_CERT_FILE", str(other.bundle if variables == "both" else authority.bundle))
    server = serve(in_turn(GOOD), tls=authority.server(), host="localhost")
    assert connect_to(server).raw("GET", "/organization") == {"name": "Acme"}


def no_store(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make a Linux without the package ca-certificates of this machine."""
    nothing = SimpleNamespace(cafile=None, capath=None)
    monkeypatch.setattr(ssl, "get_default_verify_paths", lambda: nothing)
    monkeypatch.setattr(trust, "BUNDLES", ())


on_linux = pytest.mark.skipif(sys.platform != "linux", reason="the stores of other systems can't be filled by a test")


@on_linux
def test_an_authority_that_the_company_put_into_the_systems_store_is_trusted(
    serve: Serve, connect_to: Connect, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    no_store(monkeypatch)
    # As update-ca-certificates writes it: one file with all of them.
    monkeypatch.setattr(trust, "BUNDLES", (str(authority.bundle),))
    server = serve(in_turn(GOOD), tls=authority.server(), host="localhost")
    assert connect_to(server).raw("GET", "/organization") == {"name": "Acme"}
    assert trust.authorities() == "those of this system"


@on_linux
def test_a_machine_without_a_store_trusts_those_of_certifi_and_the_doctor_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    no_store(monkeypatch)
    assert len(trust.context().get_ca_certs()) > 50
    found = next(one for one in installed() if one.name == "TLS authorities")
    assert "of the package certifi, since this system has none" in found.text


@on_linux
@pytest.mark.parametrize("place", ["bundle", "folder"])
def test_the_systems_store_is_where_the_systems_openssl_says(
    serve: Serve,
    connect_to: Connect,
    authority: Authority,
    monkeypatch: pytest.MonkeyPatch,
    place: str,
    tmp_path: Path,
) -> None:
    (tmp_path / "empty").touch()
    bundle, folder = (
        (authority.bundle, tmp_path) if place == "bundle" else (tmp_path / "empty", authority.hashed_folder())
    )
    places = SimpleNamespace(cafile=str(bundle), capath=str(folder))
    monkeypatch.setattr(ssl, "get_default_verify_paths", lambda: places)
    server = serve(in_turn(GOOD), tls=authority.server(), host="localhost")
    assert connect_to(server).raw("GET", "/organization") == {"name": "Acme"}


@pytest.mark.parametrize("system", ["win32", "darwin"])
def test_where_the_system_verifies_certificates_by_itself_it_is_asked(
    monkeypatch: pytest.MonkeyPatch, system: str
) -> None:
    monkeypatch.setattr(sys, "platform", system)
    assert type(trust.context()) is truststore.SSLContext
    assert trust.authorities() == "those of this system"


@pytest.mark.parametrize("chosen", ["nothing", "SSL_CERT_FILE", "local", "of Windows"])
def test_every_context_verifies_the_certificate_and_the_host(
    monkeypatch: pytest.MonkeyPatch, authority: Authority, chosen: str
) -> None:
    for name in ("PYTHONHTTPSVERIFY", "NODE_TLS_REJECT_UNAUTHORIZED"):
        monkeypatch.setenv(name, "0")
    if chosen == "SSL_CERT_FILE":
        monkeypatch.setenv("SSL_CERT_FILE", str(authority.bundle))
    if chosen == "of Windows":
        monkeypatch.setattr(sys, "platform", "win32")
    made = trust.context(local=chosen == "local")
    assert made.verify_mode == ssl.CERT_REQUIRED
    assert made.check_hostname
    assert made.minimum_version >= ssl.TLSVersion.TLSv1_2
    assert made.security_level >= 2


@pytest.mark.parametrize("chosen", ["the system's", "SSL_CERT_FILE", "local", "of Windows"])
def test_a_context_asks_no_less_than_the_default_of_this_python(
    monkeypatch: pytest.MonkeyPatch, authority: Authority, chosen: str
) -> None:
    # From 3.13 on the default is stricter than a bare context.
    default = ssl.create_default_context()
    if chosen == "SSL_CERT_FILE":
        monkeypatch.setenv("SSL_CERT_FILE", str(authority.bundle))
    if chosen == "of Windows":
        monkeypatch.setattr(sys, "platform", "win32")
    made = trust.context(local=chosen == "local")
    assert made.verify_flags == default.verify_flags
    assert made.options == default.options
    assert [one["name"] for one in made.get_ciphers()] == [one["name"] for one in default.get_ciphers()]
    assert made.keylog_filename is None


STRICT = ssl.VERIFY_X509_STRICT | ssl.VERIFY_X509_PARTIAL_CHAIN


def test_a_certificate_that_a_later_python_refuses_is_told_why_and_a_good_one_is_taken(
    serve: Serve, connect_to: Connect, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trust, "FLAGS", STRICT)  # as from 3.13 on, whichever this is
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.bundle))
    good = serve(in_turn(GOOD), tls=authority.server(), host="localhost")
    assert connect_to(good).raw("GET", "/organization") == {"name": "Acme"}
    lax = serve(in_turn(GOOD), tls=authority.server(lax=True), host="localhost")
    with pytest.raises(lk.ConnectionFailed, match=r"Missing Authority Key Identifier.*not as RFC 5280 asks"):
        connect_to(lax).raw("GET", "/organization")
    assert lax.seen == []


@pytest.mark.parametrize("name", ["verify", "cert", "ssl", "insecure", "trust_env", "proxy"])
def test_no_setting_switches_verification_off(name: str) -> None:
    settings: dict[str, Any] = {name: False}
    with pytest.raises(lk.ConfigurationError, match="there is no setting"):
        lk.Session(lk.ReportingKey("acme", "key"), **settings)


def test_no_variable_switches_verification_off(
    serve: Serve, connect_to: Connect, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("PYTHONHTTPSVERIFY", "NODE_TLS_REJECT_UNAUTHORIZED", "GIT_SSL_NO_VERIFY", "CURL_SSL_BACKEND"):
        monkeypatch.setenv(name, "0")
    monkeypatch.setattr(ssl, "_create_default_https_context", ssl._create_unverified_context)
    server = serve(in_turn(GOOD), tls=authority.server(), host="localhost")
    with pytest.raises(lk.ConnectionFailed, match="the TLS connection was refused"):
        connect_to(server).raw("GET", "/organization")
    assert server.seen == []


@pytest.mark.parametrize("through", ["directly", "through an https proxy"])
def test_the_keys_of_a_connection_are_written_nowhere(
    serve: Serve,
    talking: Talks,
    authority: Authority,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    through: str,
) -> None:
    log = tmp_path / "keys.log"
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.bundle))
    monkeypatch.setenv("SSLKEYLOGFILE", str(log))
    server = serve(in_turn(GOOD), tls=authority.server(), host="localhost")
    url = server.url
    if through != "directly":
        proxy = talking(tunnel_to(server.port), tls=authority.server("localhost"))
        monkeypatch.setenv("HTTPS_PROXY", f"https://localhost:{proxy.port}")
        server = serve(in_turn(GOOD), tls=authority.server("lam.example.com"))
        proxy._talk = tunnel_to(server.port)
        url = "https://lam.example.com"
    with lk.Session(lk.ReportingKey("acme", "key"), base_url=url) as session:
        assert session.raw("GET", "/organization") == {"name": "Acme"}
    assert not log.exists()
    # What other libraries start from would have written them.
    ssl.create_default_context()
    assert log.exists()


def test_the_certificate_of_an_https_proxy_is_verified_too(
    talking: Talks, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy = talking(tunnel_to(1), tls=authority.server("localhost"))
    monkeypatch.setenv("HTTPS_PROXY", f"https://me:canary@localhost:{proxy.port}")
    with (
        lk.Session(lk.ReportingKey("acme", "key"), base_url="https://lam.example.com") as session,
        pytest.raises(lk.ConnectionFailed, match="the TLS connection was refused") as caught,
    ):
        session.raw("GET", "/organization")
    assert "canary" not in str(caught.value)
    assert proxy.heard == []


def test_the_library_of_the_systems_store_is_loaded_with_the_first_session_alone() -> None:
    code = (
        "import json, sys, ledgerkit as lk; before = 'truststore' in sys.modules; sys.platform = 'win32'; "
        "session = lk.Session(lk.ReportingKey('a', 'b')); print(json.dumps([before, 'truststore' in sys.modules]))"
    )
    clean = {name: value for name, value in os.environ.items() if not name.startswith("SSL_CERT")}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=clean)  # noqa: S603 - the code is above
    assert json.loads(done.stdout) == [False, True]
