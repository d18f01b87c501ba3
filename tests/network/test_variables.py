"""Variables of proxies and certificates that are set wrongly: each is named as it is set, and no value is shown."""

import codecs
import os
import traceback
from collections.abc import Callable
from itertools import count
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, pkcs7, pkcs12
from serving import LeapingClock, Reply, Server, in_turn

import ledgerkit as lk
from ledgerkit import doctor, surroundings
from ledgerkit.surroundings import proxy_for
from network.authorities_made import Authority
from network.in_between import Talking, answering, hang_up, tunnel_to

Serve = Callable[..., Server]
Talks = Callable[..., Talking]

GOOD = Reply({"name": "Acme"})
SERVICE = "https://lam.example.com"


def refused() -> lk.LedgerError:
    try:
        lk.Session(lk.ReportingKey("acme", "key"), base_url=SERVICE)
    except lk.LedgerError as error:
        return error
    raise AssertionError("nothing failed")


def all_of(error: BaseException) -> str:
    return "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())


# --- proxies that can't be one --------------------------------------------------------------------------------------

WRONG = {
    "a blank": ("http://canary proxy:8080", "holds a blank"),
    "a line break": ("http://me:canary\n@proxy:8080", "holds a blank"),
    "a dash that is none": ("http://canary\u2013proxy:8080", "a character that no address has"),
    "an unknown scheme": ("ftp://me:canary@proxy:8080", "http://, https://, socks5://, socks5h://"),
    "a mistyped scheme": ("htp://me:canary@proxy:8080", "begins with another scheme"),
    "no host": ("http://me:canary@:8080", "names no host"),
    "nothing but a scheme": ("http://", "names no host"),
    "port 0": ("http://me:canary@proxy:0", "no port from 1 to 65535"),
    "port 70000": ("http://me:canary@proxy:70000", "no port from 1 to 65535"),
    "a port in words": ("http://me:canary@proxy:port", "no port from 1 to 65535"),
    "no address": ("http://me:canary@10.0.0.999:8080", "names no host"),
    "a slash in the password": ("http://me:can/ary@proxy:8080", "write %2F"),
    "a hash in the password": ("http://me:can#ary@proxy:8080", "%23"),
    "a question mark in the password": ("http://me:can?ary@proxy:8080", "%3F"),
    "a file that configures": ("http://canary.example/proxy.pac", "which is not read: name the proxy itself"),
    "a password and no host": ("me:canary", "no port from 1 to 65535"),
    "SOCKS without its package": ("socks5://me:canary@proxy:1080", "pip install 'httpx[socks]'"),
    "one slash": ("http:/canary-proxy:8080", "has one slash behind its scheme, and needs two"),
    "one slash and a name": ("HTTPS:/me:canary@proxy", "has one slash behind its scheme, and needs two"),
    "a backslash": ("http:\\canary:8080", "has one slash behind its scheme, and needs two"),
    "a scheme alone": ("http:", "no port from 1 to 65535"),
    "an empty port": ("http://me:canary@proxy:", "no port from 1 to 65535"),
    "an empty port before a path": ("proxy:/canary", "no port from 1 to 65535"),
    "none": ("none", "to use none, unset it"),
    "DIRECT": ("DIRECT", "to use none, unset it"),
    "direct as a scheme": ("direct://", "to use none, unset it"),
    "off": ("off", "to use none, unset it"),
    "false": ("False", "to use none, unset it"),
    "a bracket": ("http://me:canary@[::1:8080", "no port from 1 to 65535"),
}


@pytest.mark.parametrize(
    ("variable", "kind"),
    [
        *(("HTTPS_PROXY", kind) for kind in WRONG),
        *((name, "a slash in the password") for name in ("https_proxy", "ALL_PROXY", "all_proxy")),
    ],
)
def test_a_proxy_that_can_be_none_is_named_by_its_variable_and_its_value_is_not_shown(
    monkeypatch: pytest.MonkeyPatch, variable: str, kind: str
) -> None:
    value, said = WRONG[kind]
    monkeypatch.setenv(variable, value)
    if kind.startswith("SOCKS"):
        monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    error = refused()
    assert isinstance(error, lk.ConfigurationError)
    assert str(error).startswith(f"{variable} ")
    assert said in str(error)
    assert not any(part in all_of(error) for part in ("canary", "can/", "can#", "can?", "ary@"))
    # The doctor says the same, of the same table.
    assert [str(one) for one in doctor._proxy(SERVICE)] == [f"proxy: PROBLEM: {error}"]


READ = {
    "http://proxy:8080": ("http", "proxy", 8080, None, None),
    "proxy:8080": ("http", "proxy", 8080, None, None),
    "proxy": ("http", "proxy", 80, None, None),
    "HTTPS://Proxy.Corp": ("https", "proxy.corp", 443, None, None),
    "http://[2001:db8::1]:3128/": ("http", "2001:db8::1", 3128, None, None),
    "http://me:s%40%2F%3Acret@proxy:8080": ("http", "proxy", 8080, "me", "s@/:cret"),
    "http://me:p@ss:word@proxy:8080": ("http", "proxy", 8080, "me", "p@ss:word"),
    "http://me@proxy:8080": ("http", "proxy", 8080, "me", ""),
    " http://proxy:8080 ": ("http", "proxy", 8080, None, None),
}


@pytest.mark.parametrize("value", list(READ))
def test_a_proxy_is_read_in_every_way_that_people_write_one(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("HTTPS_PROXY", value)
    proxy = proxy_for(SERVICE)
    assert proxy is not None
    user, password = (None if one is None else one.reveal() for one in (proxy.user, proxy.password))
    assert (proxy.scheme, proxy.host, proxy.port, user, password) == READ[value]
    assert repr(proxy) == "Proxy(HTTPS_PROXY)"


@pytest.mark.parametrize(
    ("settings", "variable"),
    [
        ({"https_proxy": "http://a", "HTTPS_PROXY": "http://b"}, "https_proxy"),
        ({"ALL_PROXY": "http://a", "HTTPS_PROXY": "http://b"}, "HTTPS_PROXY"),
        ({"ALL_PROXY": "http://a"}, "ALL_PROXY"),
        ({"https_proxy": "", "HTTPS_PROXY": "http://b"}, None),
        ({"HTTP_PROXY": "http://a"}, None),
        ({}, None),
    ],
)
def test_of_several_variables_one_counts(
    monkeypatch: pytest.MonkeyPatch, settings: dict[str, str], variable: str | None
) -> None:
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    proxy = proxy_for(SERVICE)
    assert (proxy and proxy.variable) == variable


def test_where_no_variable_is_set_the_settings_of_the_system_count(monkeypatch: pytest.MonkeyPatch) -> None:
    # Of Windows and macOS: calls went through it, and the doctor said that there is none.
    monkeypatch.setattr(surroundings, "getproxies", lambda: {"https": "http://proxy.corp:8080"})
    monkeypatch.setattr(surroundings, "proxy_bypass", lambda host: host == "inside.example")
    proxy = proxy_for(SERVICE)
    assert proxy is not None
    assert (proxy.variable, proxy.host) == ("the proxy settings of this system", "proxy.corp")
    assert proxy_for("https://inside.example") is None
    assert "the proxy settings of this system" in str(doctor._proxy(SERVICE)[0])


@pytest.mark.parametrize(
    ("exceptions", "host", "reached_without"),
    [
        ("lam.example.com", "lam.example.com", True),
        ("example.com", "lam.example.com", True),
        (".example.com", "lam.example.com", True),
        ("*.example.com", "lam.example.com", True),
        ("LAM.Example.COM", "lam.example.com", True),
        ("ample.com", "lam.example.com", False),
        ("lam.example.com.evil.example", "lam.example.com", False),
        ("a.example, lam.example.com", "lam.example.com", True),
        ("a.example lam.example.com", "lam.example.com", True),
        ("*", "lam.example.com", True),
        ("https://lam.example.com", "lam.example.com", True),
        ("lam.example.com:443", "lam.example.com", True),
        ("lam.example.com:8443", "lam.example.com", False),
        ("10.0.0.0/8", "10.1.2.3", True),
        ("10.0.0.0/8", "11.1.2.3", False),
        ("10.1.2.3", "10.1.2.3", True),
        ("10.1.2.3", "10.1.2.30", False),
        ("2001:db8::/32", "[2001:db8::1]", True),
        ("[2001:db8::1]:443", "[2001:db8::1]", True),
        ("", "lam.example.com", False),
        (",,", "lam.example.com", False),
    ],
)
def test_no_proxy_takes_out_the_hosts_that_it_names_and_no_others(
    monkeypatch: pytest.MonkeyPatch, exceptions: str, host: str, reached_without: bool
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy:8080")
    monkeypatch.setenv("no_proxy", exceptions)
    assert (proxy_for(f"https://{host}") is None) is reached_without


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"HTTP_PROXY": "http://me:canary@proxy"}, "HTTP_PROXY is for addresses with http://"),
        (
            {"https_proxy": "http://a", "HTTPS_PROXY": "http://canary"},
            "https_proxy goes before HTTPS_PROXY, which says otherwise",
        ),
        (
            {"HTTPS_PROXY": "http://a", "ALL_PROXY": "ftp://canary"},
            "ALL_PROXY is not used, and begins with another scheme",
        ),
        (
            {"NO_PROXY": "10.0.0.0/99,b.example"},
            "NO_PROXY holds 1 entry that can't be one (number 1 of 2): write hosts",
        ),
        (
            {"no_proxy": "10.0.*, <local>, a.example, canary/x"},
            "no_proxy holds 3 entries that can't be one (numbers 1, 2, 4 of 4): a * stands alone",
        ),
        ({"NO_PROXY": "canary.example;b.example"}, "(number 1 of 1): semicolons are no separators; write"),
        ({"NO_PROXY": '"a.example,canary.example"'}, "(numbers 1, 2 of 2): quotes are taken literally; write"),
        ({"NO_PROXY": "a.example,*.canary.*"}, "(number 2 of 2): a * stands alone, or before a dot; write"),
    ],
)
def test_what_is_set_and_has_no_effect_is_told_by_the_doctor_and_by_the_error_of_a_connection(
    talking: Talks, monkeypatch: pytest.MonkeyPatch, settings: dict[str, str], said: str
) -> None:
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    found = "\n".join(str(one) for one in doctor._proxy(SERVICE))
    assert said in found
    assert "WARNING" in found
    assert "canary" not in found


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({}, "none is set"),
        ({"https_proxy": "http://me:canary@proxy.example:3128"}, "https_proxy names the proxy that calls go through"),
        (
            {"HTTPS_PROXY": "http://me:canary@proxy.example:3128", "NO_PROXY": ".example.com"},
            "HTTPS_PROXY is set, and NO_PROXY takes this address out",
        ),
        ({"all_proxy": "http://proxy.example:3128"}, "all_proxy names the proxy"),
    ],
)
def test_the_way_to_the_service_is_said_without_the_address_of_a_proxy(
    monkeypatch: pytest.MonkeyPatch, settings: dict[str, str], said: str
) -> None:
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    (found,) = doctor._proxy(SERVICE)
    assert said in found.text
    assert found.level == "ok"
    assert "canary" not in found.text
    assert "proxy.example" not in found.text


@pytest.mark.parametrize("exceptions", ["a.example;lam.example.com", "*.example.*", "'lam.example.com'"])
def test_a_session_that_goes_through_a_proxy_in_spite_of_odd_exceptions_says_so_when_it_is_opened(
    monkeypatch: pytest.MonkeyPatch, exceptions: str
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://me:canary@proxy:8080")
    monkeypatch.setenv("NO_PROXY", exceptions)
    with pytest.warns(UserWarning, match="This session goes through the proxy of HTTPS_PROXY") as caught:
        lk.Session(lk.ReportingKey("acme", "key"), base_url=SERVICE).close()
    (told,) = [str(one.message) for one in caught]
    assert "NO_PROXY holds 1 entry that can't be one" in told
    assert "canary" not in told
    assert "example.com" not in told
    # Where it is reached without the proxy, whatever is odd changes nothing.
    monkeypatch.setenv("NO_PROXY", f"{exceptions},{SERVICE}")
    lk.Session(lk.ReportingKey("acme", "key"), base_url=SERVICE).close()


def test_the_loopback_of_this_machine_is_never_asked_through_a_proxy_with_tls_neither(
    serve: Serve, talking: Talks, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Over https it was, and a proxy can't reach it.
    proxy = talking(hang_up)
    monkeypatch.setenv("HTTPS_PROXY", f"http://{proxy.address}")
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.bundle))
    server = serve(in_turn(GOOD), tls=authority.server(), host="localhost")
    with lk.Session(lk.ReportingKey("acme", "key"), base_url=server.url) as session:
        assert session.raw("GET", "/organization") == {"name": "Acme"}
    assert proxy.heard == []


# --- proxies that do not do it --------------------------------------------------------------------------------------


def through_it(call: str = "POST", *, read_timeout: float = 20.0) -> lk.LedgerError:
    """Return the error of a call through the proxy that is set."""
    with lk.Session(
        lk.LAM("robot"),
        base_url=SERVICE,
        writes=True,
        clock=LeapingClock(),
        retry_seconds=2,
        read_timeout=read_timeout,
    ) as session:
        try:
            session.raw(call, "/transactions", json={} if call == "POST" else None)
        except lk.LedgerError as error:
            return error
    raise AssertionError("nothing failed")


def reply(status: str, body: bytes = b"") -> bytes:
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


FAILING = {
    "wants authentication": (
        answering(reply("407 Proxy Authentication Required", b"<html>canary</html>")),
        "http://{address}",
        r"wants to be signed in to \(407\).*write user name and password into it",
    ),
    "refuses authentication": (
        answering(reply("407 Proxy Authentication Required")),
        "http://me:canary@{address}",
        r"wants to be signed in to \(407\).*does not take the user name and password.*%40",
    ),
    "refuses the host": (answering(reply("403 Forbidden")), "http://{address}", r"answered 403\..*NO_PROXY"),
    "can't reach it": (
        answering(reply("502 Bad Gateway")),
        "http://{address}",
        r"answered 502\. It could not reach .* the right address",
    ),
    "redirects": (
        answering(b"HTTP/1.1 302 Found\r\nLocation: http://login.canary.example\r\nContent-Length: 0\r\n\r\n"),
        "http://{address}",
        r"answered 302\.",
    ),
    "is a web page": (answering(b"<html>canary</html>\r\n\r\n"), "http://{address}", "what answers is no proxy"),
    "hangs up": (hang_up, "http://me:canary@{address}", "what answers is no proxy, or it hung up"),
    "says nothing": (lambda connection, _: connection.recv(1) and None, "http://{address}", "no answer came in time"),
}


@pytest.mark.parametrize("kind", list(FAILING))
@pytest.mark.parametrize("call", ["GET", "POST"])
def test_a_proxy_that_does_not_lead_on_is_named_and_the_write_was_never_sent(
    talking: Talks, monkeypatch: pytest.MonkeyPatch, kind: str, call: str
) -> None:
    talk, value, said = FAILING[kind]
    proxy = talking(talk)
    monkeypatch.setenv("HTTPS_PROXY", value.format(address=proxy.address))
    error = through_it(call, read_timeout=0.3 if kind == "says nothing" else 20.0)
    assert isinstance(error, lk.ConnectionFailed)
    assert "HTTPS_PROXY" in str(error)
    assert "canary" not in str(error)
    with pytest.raises(lk.ConnectionFailed, match=said):
        raise error
    assert {begun.split()[0] for begun in proxy.heard} == {b"CONNECT"}


def test_a_proxy_where_nobody_listens_is_named(talking: Talks, monkeypatch: pytest.MonkeyPatch) -> None:
    with talking(hang_up) as proxy:
        address = proxy.address
    monkeypatch.setenv("all_proxy", f"http://me:canary@{address}")
    error = through_it()
    assert isinstance(error, lk.ConnectionFailed)
    assert "no connection could be made to the proxy of all_proxy. Check its host and port there" in str(error)
    assert "canary" not in str(error)


WRONG_FOR_GOOD = {
    "refuses": b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n",
    "speaks SSH": b"SSH-2.0-OpenSSH_9.6\r\n",
    "speaks TLS": b"\x15\x03\x01\x00\x02\x02\x0a",
    "hangs up": b"",
}


@pytest.mark.parametrize("kind", [*WRONG_FOR_GOOD, "is not there", "says nothing"])
def test_a_proxy_that_never_led_anywhere_is_tried_a_few_times_and_not_for_two_minutes(
    talking: Talks, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    clock = LeapingClock()
    silent = kind == "says nothing"
    proxy = talking(
        (lambda connection, _: connection.recv(1) and None) if silent else answering(WRONG_FOR_GOOD.get(kind, b""))
    )
    monkeypatch.setenv("HTTPS_PROXY", f"http://{proxy.address}")
    if kind == "is not there":
        proxy.__exit__()
    with (
        lk.Session(lk.LAM("robot"), base_url=SERVICE, clock=clock, read_timeout=0.3 if silent else 60.0) as session,
        pytest.raises(lk.ConnectionFailed, match="HTTPS_PROXY"),
    ):
        session.raw("GET", "/organization")
    assert len(clock.waits) == (0 if silent else 2)
    assert sum(clock.waits) < 2


def test_a_proxy_that_has_led_to_the_service_before_may_be_away_for_a_while(
    serve: Serve, talking: Talks, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = serve(
        in_turn(Reply({"name": "Acme"}, headers={"Connection": "close"})), tls=authority.server("lam.example.com")
    )
    leads, away, asked = tunnel_to(server.port), answering(WRONG_FOR_GOOD["refuses"]), count(1)
    proxy = talking(lambda connection, begun: (leads if next(asked) in (1, 9) else away)(connection, begun))
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.bundle))
    monkeypatch.setenv("HTTPS_PROXY", f"http://{proxy.address}")
    with lk.Session(lk.LAM("robot"), base_url=SERVICE, clock=LeapingClock()) as session:
        for _ in range(2):
            assert session.raw("GET", "/organization") == {"name": "Acme"}
    assert len(proxy.heard) == 9


def test_a_password_with_any_character_reaches_the_proxy_and_nobody_else(
    serve: Serve, talking: Talks, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = serve(in_turn(GOOD), tls=authority.server("lam.example.com"))
    proxy = talking(tunnel_to(server.port))
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.bundle))
    monkeypatch.setenv("HTTPS_PROXY", f"http://me:p%40ss%2F%3Aw%0d%0aX-Evil:1@{proxy.address}")
    with lk.Session(lk.ReportingKey("acme", "key"), base_url=SERVICE) as session:
        assert session.raw("GET", "/organization") == {"name": "Acme"}
    (begun,) = proxy.heard
    assert b"Proxy-Authorization: Basic bWU6cEBzcy86dw0KWC1FdmlsOjE=\r\n" in begun  # me:p@ss/:w, CR, LF, X-Evil:1
    assert b"\r\nX-Evil" not in begun
    assert b"acme" not in begun  # what signs in to the service goes through the tunnel
    assert server.seen[0].headers["Proxy-Authorization"] is None


# --- authorities ----------------------------------------------------------------------------------------------------


def made(folder: Path, authority: Authority, kind: str) -> str:
    path = folder / "canary.pem"
    pem = authority.bundle.read_bytes()
    contents = {
        "empty": b"",
        "blank": b" \n\n",
        "DER": authority.certificate.public_bytes(Encoding.DER),
        "text": b"-- the certificates of our company --\n",
        "HTML": b"<!DOCTYPE html><html>Sign in</html>",
        "a private key": authority.private_key(),
        "cut off": pem[: len(pem) // 2],
        "changed": pem.replace(b"M", b"!", 9),
        "one good, one cut off": pem + pem[: len(pem) // 2],
        "a store of keys": pkcs12.serialize_key_and_certificates(
            b"x", authority.key, authority.certificate, None, BestAvailableEncryption(b"x")
        ),
        "PKCS #7": pkcs7.serialize_certificates([authority.certificate], Encoding.DER),
        "UTF-16": pem.decode().encode("utf-16"),
        "UTF-16 without a mark": pem.decode().encode("utf-16-le"),
        "a mark before its first": codecs.BOM_UTF8 + pem + pem,
        "a public key": b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n",
    }
    if kind in contents:
        path.write_bytes(contents[kind])
    elif kind == "a folder":
        path.mkdir()
    elif kind == "a pipe":
        os.mkfifo(path)
    elif kind in LITERALLY:
        path.write_bytes(pem)
        return LITERALLY[kind].format(path)
    elif kind == "the certificate itself":
        return pem.decode()
    return str(path)


LITERALLY = {
    "a home folder": "~/canary.pem",
    "quotes": '"{}"',
    "a blank at its end": "{} ",
    "a variable": "$HOME/canary.pem",
    "a variable of Windows": "%USERPROFILE%\\canary.pem",
}
FILES = {
    "a home folder": "the ~ in it is taken as it stands",
    "quotes": "the quote in it is taken as it stands",
    "a blank at its end": "the blank at its beginning or end in it is taken as it stands",
    "a variable": "the name of a variable in it is taken as it stands",
    "a variable of Windows": "the name of a variable in it is taken as it stands",
    "a store of keys": "(.p12 or .pfx): make PEM of it with `openssl pkcs12",
    "PKCS #7": "(.p7b): make PEM of it with `openssl pkcs7",
    "UTF-16": "save it as plain text",
    "UTF-16 without a mark": "save it as plain text",
    "a mark before its first": "hides its first certificate",
    "missing": "names a file that is not there",
    "a folder": "set SSL_CERT_DIR to it instead",
    "a pipe": "is no file",
    "empty": "names an empty file",
    "blank": "names an empty file",
    "DER": "openssl x509 -inform der",
    "text": "is not PEM",
    "HTML": "is not PEM",
    "a private key": "a private key and no certificate",
    "cut off": "can't be read: it may be cut off",
    "changed": "can't be read: it may be cut off",
    "one good, one cut off": "can't be read: it may be cut off",
    "a public key": "without a certificate in it",
    "the certificate itself": "write that into a file",
}


@pytest.mark.parametrize("kind", list(FILES))
def test_a_file_of_authorities_that_can_not_be_used_is_named_by_its_variable_with_the_way_out(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, authority: Authority, kind: str
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", made(tmp_path, authority, kind))
    error = refused()
    assert isinstance(error, lk.ConfigurationError)
    assert str(error).startswith("SSL_CERT_FILE ")
    assert FILES[kind] in str(error)
    assert "canary" not in str(error)
    assert "PRIVATE KEY-----" not in all_of(error)
    (found,) = [one for one in doctor.installed() if one.name == "TLS authorities"]
    assert str(found) == f"TLS authorities: PROBLEM: {error}"


def test_a_file_that_may_not_be_read_is_said_so(monkeypatch: pytest.MonkeyPatch, authority: Authority) -> None:
    def forbidden(*args: object, **options: object) -> None:
        raise PermissionError(13, "Permission denied", "/canary")

    monkeypatch.setenv("SSL_CERT_FILE", str(authority.bundle))
    monkeypatch.setattr(Path, "open", forbidden)
    error = refused()
    assert str(error).startswith("SSL_CERT_FILE names something that you may not read")


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("missing", "names no folder that is there"),
        ("a file", "set SSL_CERT_FILE to it instead"),
        ("empty", "without certificates under the names that OpenSSL looks for"),
        ("plain names", "openssl rehash"),
        ("a link to nothing", "openssl rehash"),
    ],
)
def test_a_folder_of_authorities_that_can_not_be_used_is_named_by_its_variable_with_the_way_out(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, authority: Authority, kind: str, said: str
) -> None:
    folder = tmp_path / "canary"
    if kind == "a file":
        folder.write_bytes(authority.bundle.read_bytes())
    elif kind != "missing":
        folder.mkdir()
    if kind == "plain names":
        (folder / "corporate.pem").write_bytes(authority.bundle.read_bytes())
    if kind == "a link to nothing":
        (folder / "5ed36f99.0").symlink_to(tmp_path / "gone.pem")
    monkeypatch.setenv("SSL_CERT_DIR", str(folder))
    error = refused()
    assert str(error).startswith("SSL_CERT_DIR ")
    assert said in str(error)
    assert "canary" not in str(error)


def test_variables_that_are_not_read_are_told_and_the_error_of_a_certificate_names_them(
    serve: Serve, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(authority.bundle))
    monkeypatch.setenv("SSLKEYLOGFILE", "/canary")
    monkeypatch.delenv("NODE_EXTRA_CA_CERTS", raising=False)
    found = "\n".join(str(one) for one in doctor.installed() if one.name == "TLS authorities")
    assert "REQUESTS_CA_BUNDLE" not in found  # where all works, nothing is missing
    assert "SSLKEYLOGFILE asks programs to write down the keys" in found
    assert "canary" not in found
    server = serve(in_turn(GOOD), tls=authority.server(), host="localhost")
    with (
        lk.Session(lk.ReportingKey("acme", "key"), base_url=server.url) as session,
        pytest.raises(
            lk.ConnectionFailed, match=r"REQUESTS_CA_BUNDLE is not read.*set SSL_CERT_FILE to the same file"
        ),
    ):
        session.raw("GET", "/organization")


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["PIP_CERT"], "PIP_CERT is not read: set SSL_CERT_FILE to the same file."),
        (
            ["PIP_CERT", "CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE"],
            "REQUESTS_CA_BUNDLE, CURL_CA_BUNDLE and PIP_CERT are not read: set SSL_CERT_FILE to the file with",
        ),
        (
            ["PIP_CERT", "NODE_EXTRA_CA_CERTS"],
            "What NODE_EXTRA_CA_CERTS names is trusted beside the system's, and what SSL_CERT_FILE names in",
        ),
        (
            ["REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"],
            "REQUESTS_CA_BUNDLE is not read, but SSL_CERT_FILE: have SSL_CERT_FILE name one file with",
        ),
    ],
)
def test_variables_of_other_programs_are_named_after_a_refusal_alone_and_no_file_is_read_for_it(
    serve: Serve,
    authority: Authority,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    names: list[str],
    said: str,
) -> None:
    for name in surroundings.OTHER_AUTHORITIES:
        monkeypatch.delenv(name, raising=False)
    for name in names:
        monkeypatch.setenv(name, str(Authority(tmp_path / name, name).bundle))
    found = [one for one in doctor.installed() if one.name == "TLS authorities"]
    assert [one.level for one in found] == ["ok"]
    server = serve(in_turn(GOOD), tls=authority.server(), host="localhost")
    with lk.Session(lk.ReportingKey("acme", "key"), base_url=server.url) as session:
        read: list[str] = []
        monkeypatch.setattr(surroundings, "unusable_authorities", read.append)
        monkeypatch.setattr(surroundings, "_content", read.append)
        with pytest.raises(lk.ConnectionFailed) as caught:
            session.raw("GET", "/organization")
    assert said in str(caught.value)
    assert read == []


def test_the_same_file_by_another_name_is_not_missing(authority: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SSL_CERT_FILE", *surroundings.OTHER_AUTHORITIES):
        monkeypatch.setenv(name, str(authority.bundle))
    assert list(surroundings.not_read()) == []


def test_a_file_with_no_authority_in_it_is_warned_about(
    monkeypatch: pytest.MonkeyPatch, authority: Authority
) -> None:
    authority.server()
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.folder / "server.pem"))
    found = [one for one in doctor.installed() if one.name == "TLS authorities"]
    assert [one.level for one in found] == ["ok", "warning"]
    assert "holds no certificate of an authority" in found[1].text


def test_a_key_beside_the_certificates_is_warned_about(monkeypatch: pytest.MonkeyPatch, authority: Authority) -> None:
    authority.bundle.write_bytes(authority.bundle.read_bytes() + authority.private_key())
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.bundle))
    found = [one for one in doctor.installed() if one.name == "TLS authorities"]
    assert [one.level for one in found] == ["ok", "warning"]
    assert "those that SSL_CERT_FILE names" in found[0].text
    lk.Session(lk.ReportingKey("acme", "key"), base_url=SERVICE).close()


def test_an_empty_variable_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SSL_CERT_FILE", "SSL_CERT_DIR", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.setenv(name, "")
    lk.Session(lk.ReportingKey("acme", "key"), base_url=SERVICE).close()


def test_the_loopback_needs_none_of_it(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SSL_CERT_FILE", "SSL_CERT_DIR"):
        monkeypatch.setenv(name, "/not/there")
    for name in ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "ftp://x:y:z")
    with lk.Session(lk.ReportingKey("acme", "key"), base_url=serve(in_turn(GOOD)).url) as session:
        assert session.raw("GET", "/organization") == {"name": "Acme"}
