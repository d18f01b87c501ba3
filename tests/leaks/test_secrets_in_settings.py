"""Credentials in every place they are read from, right and wrong: no message, object, command or file shows them."""

import base64
import os
import stat
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import canaries
import pytest
from canaries import PEM, SCALAR, described
from evidence import Evidence, gathered
from serving import Bytes, Reply, Seen, Server

import ledgerkit as lk
from ledgerkit import cli, doctor, signing
from ledgerkit.families import check_base_url
from ledgerkit.secret import Secret

Serve = Callable[..., Server]
Write = Callable[[str | bytes], Path]
DER = base64.b64encode(canaries.PRIVATE_KEY.private_numbers().private_value.to_bytes(32)).decode()
BODY = "".join(PEM.splitlines()[1:-1])

API_USER = {
    "WORKSPACE": "acme",
    "API_KEY_ID": canaries.KEY_ID,
    "API_KEY_SECRET": canaries.KEY_SECRET,
    "GATEWAY_API_KEY": canaries.GATEWAY_KEY,
    "API_PRIVATE_KEY": PEM.encode().hex(),
}
REPORTER = {"WORKSPACE": "acme", "REPORTING_API_KEY": canaries.REPORTING_KEY}
LAM = {
    "LAM_USER": canaries.LAM_USER,
    "LAM_API_KEY": canaries.LAM_API_KEY,
    "LAM_STORE_TOKEN": canaries.LAM_STORE_TOKEN,
}


def lines(values: dict[str, str], prefix: str = "LEDGER_ENTERPRISE_") -> str:
    return "".join(f"{prefix}{name}={value}\n" for name, value in values.items())


def clean(evidence: Evidence) -> None:
    hits = evidence.hits()
    assert hits == [], described(hits)


def test_credentials_are_shown_masked_and_neither_pickled_nor_copied() -> None:
    given = (
        lk.ApiUser("acme", canaries.KEY_ID, canaries.KEY_SECRET, private_key=PEM, gateway_key=canaries.GATEWAY_KEY),
        lk.ReportingKey("acme", canaries.REPORTING_KEY),
        lk.LAM(canaries.LAM_USER, canaries.LAM_API_KEY, canaries.LAM_STORE_TOKEN),
        Secret(canaries.KEY_SECRET),
    )
    with gathered() as evidence:
        for one in given:
            evidence.thing(one)
            evidence.add("formatted", f"{one} {one!r} {one:>20}" if isinstance(one, Secret) else f"{one} {one!r}")
            evidence.call(partial(setattr, one, "workspace", canaries.KEY_ID))
    clean(evidence)


FILES: dict[str, str | bytes] = {
    "whole": lines(API_USER),
    "two families": lines(API_USER | LAM),
    "no workspace": lines({**API_USER, "WORKSPACE": ""}),
    "misspelt": lines({"API_KEY_SECERT": canaries.ENV_VALUE, "API_KEY_ID": canaries.KEY_ID}),
    "open quote": lines({"API_KEY_ID": f'"{canaries.KEY_ID}', "API_KEY_SECRET": canaries.KEY_SECRET}),
    "behind a quote": f'LEDGER_ENTERPRISE_API_KEY_ID="{canaries.KEY_ID}" {canaries.ENV_VALUE}\n',
    "no name": f"{canaries.KEY_SECRET}\n={canaries.ENV_VALUE}\nLEDGER {canaries.ENV_VALUE}\n",
    "name is the value": f"LEDGER_ENTERPRISE_API_KEY_ID\nexport LEDGER_X_SECRET {canaries.KEY_SECRET}\n",
    "twice": lines(REPORTER) + lines({"REPORTING_API_KEY": canaries.ENV_VALUE}),
    "a tab inside": lines({**REPORTER, "REPORTING_API_KEY": f'"{canaries.REPORTING_KEY}\\t{canaries.ENV_VALUE}"'}),
    "no ASCII": lines({**REPORTER, "REPORTING_API_KEY": f"{canaries.REPORTING_KEY}\u2013"}),
    "not UTF-8": lines(REPORTER).encode() + b"\xff\xfe" + canaries.ENV_VALUE.encode(),
    "UTF-16": lines(REPORTER).encode("utf-16"),
    "reference": lines({**REPORTER, "REPORTING_API_KEY": "${" + canaries.ENV_VALUE + "}"}),
    "password in the URL": lines({**REPORTER, "API_URL": f"https://me:{canaries.URL_PASSWORD}@x.example"}),
    "query in the URL": lines({**REPORTER, "API_URL": f"https://x.example/?key={canaries.URL_PASSWORD}"}),
    "URL is a key": lines({**REPORTER, "API_URL": canaries.URL_PASSWORD}),
    "misspelt URL": lines({**REPORTER, "BASE_URL": f"https://me:{canaries.URL_PASSWORD}@x.example"}),
    "http": lines({**REPORTER, "API_URL": f"http://{canaries.URL_PASSWORD}.example"}),
    "cut PEM": lines({**API_USER, "API_PRIVATE_KEY": PEM.splitlines()[0]}) + "\n".join(PEM.splitlines()[1:2]),
    "PEM without quotes": lines({**API_USER, "API_PRIVATE_KEY": PEM}),
    "PEM that runs on": lines({**API_USER, "API_PRIVATE_KEY": '"' + PEM}) + lines(LAM),
    "key as the name of a file": lines({**API_USER, "API_PRIVATE_KEY": "", "PRIVATE_KEY_FILE": f"{SCALAR:064x}"}),
    "LAM alone": lines(LAM),
    "LAM with a password": lines({**LAM, "LAM_URL": f"https://me:{canaries.URL_PASSWORD}@x.example"}),
}


@pytest.mark.parametrize("name", FILES)
def test_no_file_of_settings_makes_a_message_that_shows_a_secret(
    write: Write, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    path = write(FILES[name])
    # What is right is tried on an address at which nobody answers.
    monkeypatch.setenv("LEDGER_ENTERPRISE_OTHER_VALUE", canaries.ENV_VALUE)
    monkeypatch.setenv("HTTPS_PROXY", f"http://me:{canaries.PROXY_PASSWORD}@127.0.0.1:9")
    monkeypatch.setattr("ledgerkit.session.SECONDS_TO_SIGN_IN", 0.2)
    monkeypatch.chdir(path.parent)
    with gathered(capsys) as evidence:
        evidence.call(partial(lk.connect, env_file=str(path)))
        evidence.call(partial(lk.connect, "sandbox", api_key_secret=canaries.KEY_SECRET))
        evidence.call(partial(lk.connect, "other", env_file=str(path)))
        evidence.call(partial(doctor._settings, None))
        evidence.call(lambda: doctor._key_file(lk.connect.__globals__["credentials_module"].load().credentials))
    clean(evidence)


@pytest.mark.parametrize("name", ["misspelt", "key as the name of a file", "PEM that runs on", "password in the URL"])
def test_the_doctor_prints_no_secret(
    write: Write, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    path = write(FILES[name])
    monkeypatch.chdir(path.parent)
    monkeypatch.setenv("HTTPS_PROXY", f"http://me:{canaries.PROXY_PASSWORD}@127.0.0.1:9")
    monkeypatch.setattr("ledgerkit.session.SECONDS_TO_SIGN_IN", 0.2)
    with gathered(capsys) as evidence:
        evidence.add("code", str(cli.main(["doctor"])))
    assert any("settings" in str(what) for _, what in evidence.seen)
    clean(evidence)


@pytest.mark.parametrize(
    "given",
    [
        PEM[:-40],
        PEM[40:],
        PEM.replace("EC PRIVATE", "RSA PRIVATE"),
        PEM.encode().hex()[:-2],
        PEM.encode().hex()[2:],
        f"{SCALAR:064x}",
        str(SCALAR),
        BODY,
        DER,
        PEM + PEM,
        PEM.replace("A", "B", 1),
        PEM.replace("-----BEGIN EC", "-----BEGIN ENCRYPTED"),
        "Proc-Type: 4,ENCRYPTED\n" + PEM,
    ],
    ids=[
        "cut", "headless", "of another kind", "hex, cut", "hex, headless", "scalar", "number", "body", "base64",
        "two",
        "one letter wrong", "encrypted", "of an old kind",
    ],
)  # fmt: skip
def test_a_private_key_that_cannot_be_used_is_not_shown(tmp_path: Path, given: str) -> None:
    path = tmp_path / "key.pem"
    path.write_text(given)
    path.chmod(0o644)
    user = partial(lk.ApiUser, "acme", canaries.KEY_ID, canaries.KEY_SECRET)
    with gathered() as evidence:
        evidence.call(lambda: signing.load_private_key(Secret(given)))
        evidence.call(lambda: signing.load_private_key(path))
        # The key where the name of its file belongs.
        evidence.call(lambda: signing.load_private_key(user(private_key_file=given)))
        evidence.call(lambda: signing.load_private_key(user(private_key_file=tmp_path / given)))
        evidence.call(lambda: signing.load_private_key(user(private_key=given)))
        evidence.call(lambda: cli.main(["keys", "show", str(path)]))
    clean(evidence)


@pytest.mark.parametrize("status", [407, 403, 502])
def test_a_proxy_that_repeats_its_password_shows_none(
    serve: Serve, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    def refuse(seen: Seen) -> Bytes:
        said = f"{canaries.PROXY_PASSWORD} {seen.headers['Proxy-Authorization']}"
        return Bytes(f"HTTP/1.1 {status} {said}\r\nX-Echo: {said}\r\nContent-Length: 0\r\n\r\n".encode())

    proxy = serve(refuse)
    address = f"http://me:{canaries.PROXY_PASSWORD}@127.0.0.1:{proxy.port}"
    monkeypatch.setenv("HTTPS_PROXY", address)
    with (
        gathered() as evidence,
        lk.Session(
            lk.ReportingKey("acme", canaries.REPORTING_KEY), base_url="https://ledger.example", retry_seconds=0.1
        ) as session,
    ):
        evidence.call(session.accounts.search)
        evidence.call(session.organization.get)
        evidence.thing(session, "session")
        for finding in doctor.examine(session.organization._connection):
            evidence.thing(finding)
    assert proxy.seen[0].headers["Proxy-Authorization"].startswith("Basic ")
    clean(evidence)


@pytest.mark.parametrize(
    "proxy", ["socks5://me:{0}@127.0.0.1:9", "me:{0}", "http://me:{0}@127.0.0.1:nine", "http://[{0}"]
)
def test_a_proxy_variable_that_cannot_be_used_is_not_shown(monkeypatch: pytest.MonkeyPatch, proxy: str) -> None:
    monkeypatch.setenv("HTTPS_PROXY", proxy.format(canaries.PROXY_PASSWORD))
    with gathered() as evidence:
        found = evidence.call(
            partial(lk.Session, lk.ReportingKey("acme", "key"), base_url="https://ledger.example", retry_seconds=0.1)
        )
        if isinstance(found, lk.Session):
            evidence.call(found.organization.get)
            found.close()
        evidence.call(partial(doctor._proxy, "https://ledger.example"))
    clean(evidence)


@pytest.mark.parametrize(
    "url", ["https://me:{0}@x.example", "https://{0}@x", "{0}", "https://x/?k={0}", "ftp://{0}/"]
)
def test_a_base_url_with_a_password_is_refused_without_it(url: str) -> None:
    with gathered() as evidence:
        given = url.format(canaries.URL_PASSWORD)
        evidence.call(lambda: check_base_url(given))
        evidence.call(lambda: lk.Session(lk.ReportingKey("acme", "key"), base_url=given))
        evidence.call(lambda: lk.connect(base_url=given, workspace="acme", reporting_api_key=canaries.REPORTING_KEY))
    clean(evidence)


CRASH = """
import sys, faulthandler
faulthandler.enable()
import ledgerkit.{module} as module
def crash(*_, **__):
    raise RuntimeError("a fault of the kit")
module.{function} = crash
from ledgerkit import cli
sys.exit(cli.main({arguments}))
"""


@pytest.mark.parametrize(
    ("module", "function", "arguments"),
    [
        ("doctor", "_examined", ["doctor"]),
        ("credentials", "_build", ["doctor"]),
        ("session", "_signed_in", ["archive", "data"]),
        ("keys", "show", ["keys", "show", "key.pem"]),
    ],
    ids=["doctor", "settings", "archive", "keys"],
)
def test_a_command_that_crashes_prints_no_secret(
    tmp_path: Path, module: str, function: str, arguments: list[str]
) -> None:
    (tmp_path / "key.pem").write_text(PEM)
    (tmp_path / ".env").write_text(lines(API_USER | {"API_URL": "http://127.0.0.1:9"}))
    (tmp_path / ".env").chmod(0o600)
    code = CRASH.format(module=module, function=function, arguments=arguments)
    done = subprocess.run(  # noqa: S603 - this Python and a command of our own
        [sys.executable, "-X", "dev", "-c", code],
        cwd=tmp_path,
        env=os.environ | {f"LEDGER_ENTERPRISE_OTHER_{name}": value for name, value in LAM.items()},
        capture_output=True,
        check=False,
    )
    assert b"a fault of the kit" in done.stderr
    with gathered() as evidence:
        evidence.add("stdout", done.stdout)
        evidence.add("stderr", done.stderr)
    clean(evidence)


def test_a_new_key_is_in_its_file_alone_and_only_its_owner_reads_that(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "operator.pem"
    assert cli.main(["keys", "new", "--out", str(path)]) == 0
    assert cli.main(["keys", "show", str(path)]) == 0
    made = signing.load_private_key(path).private_numbers().private_value.to_bytes(32)
    searcher = canaries.Searcher({"made": made})
    printed = capsys.readouterr()
    assert searcher.find(printed.out + printed.err) == []
    assert {hit.where for hit in searcher.find_in_files(tmp_path)} == {"operator.pem"}
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_no_command_takes_a_secret_as_an_argument(capsys: pytest.CaptureFixture[str]) -> None:
    for command in (["sandbox"], ["doctor"], ["archive"], ["keys", "new"], ["keys", "show"]):
        with pytest.raises(SystemExit):
            cli.main([*command, "--help"])
        options = {word for word in capsys.readouterr().out.replace(",", " ").split() if word.startswith("--")}
        assert options.isdisjoint({"--secret", "--key", "--token", "--password", "--api-key", "--private-key"})


def test_reading_settings_writes_nothing_into_the_environment(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(lines(REPORTER | {"API_URL": "http://127.0.0.1:9"}))
    before = dict(os.environ)
    with gathered() as evidence, lk.connect(env_file=str(path)) as session:
        evidence.thing(session, "session")
    assert dict(os.environ) == before
    clean(evidence)


def test_what_git_is_run_with_holds_no_setting(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from ledgerkit import tracked

    handed: list[Any] = []

    def run(command: Any, **options: Any) -> Any:
        handed.append((command, options))
        raise KeyboardInterrupt

    for name, value in API_USER.items():
        monkeypatch.setenv(f"LEDGER_ENTERPRISE_{name}", value)
    monkeypatch.setenv("https_proxy", f"http://me:{canaries.PROXY_PASSWORD}@127.0.0.1:9")
    monkeypatch.setattr(tracked, "_program", lambda folder: "/bin/true")
    monkeypatch.setattr(subprocess, "run", run)
    with gathered() as evidence:
        evidence.call(partial(tracked.look, tmp_path))
        evidence.add("process", repr(handed))
    assert len(handed) == 1
    clean(evidence)


def test_an_answer_of_a_good_sign_in_is_kept_nowhere(serve: Serve, tmp_path: Path) -> None:
    given = {"access_token": canaries.ACCESS_TOKEN, "refresh_token": canaries.REFRESH_TOKEN, "expires_in": 300}
    server = serve(lambda seen: Reply(given))
    with gathered() as evidence:
        evidence.call(
            lambda: lk.connect(
                base_url=server.url, workspace="acme", api_key_id=canaries.KEY_ID, api_key_secret=canaries.KEY_SECRET
            )
        )
    clean(evidence)
