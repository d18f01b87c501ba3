"""The private key in all the forms that people keep it in, and what is signed with it."""

import base64
import hmac
import os
import sys
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType

import pytest
from bug_reports import shown
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from hypothesis import given
from hypothesis import strategies as st
from jose.samples import challenge_text, documented, new_key, sec1

import ledgerkit as lk
from ledgerkit import signing
from ledgerkit.challenges import decode
from ledgerkit.errors import ConfigurationError, InvalidRequest
from ledgerkit.secret import Secret
from ledgerkit.signing import load_private_key, public_point, sign_challenge, verify

KEY = new_key()
PEM = sec1(KEY)
POINT = public_point(KEY)
Key = ec.EllipticCurvePrivateKey


def pkcs8(key: Key) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def secret_parts(pem: str) -> set[str]:
    """Return every line of a PEM's body, and the same as hex: none may be shown."""
    lines = {line for line in pem.splitlines() if line and "-----" not in line}
    return lines | {line.encode().hex() for line in lines}


def written(folder: Path, content: str | bytes, mode: int = 0o600) -> Path:
    path = folder / "operator.pem"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    path.chmod(mode)
    return path


FORMS: dict[str, Callable[[str], str]] = {
    "as it is": lambda pem: pem,
    "line breaks written out": lambda pem: pem.replace("\n", "\\n"),
    "line breaks of Windows": lambda pem: pem.replace("\n", "\r\n"),
    "in one line with blanks": lambda pem: pem.replace("\n", " "),
    "hex of the PEM": lambda pem: pem.encode().hex(),
    "hex in several lines": lambda pem: "\n".join(
        pem.encode().hex()[at : at + 64] for at in range(0, 2 * len(pem), 64)
    ),
    "hex in upper case, with a prefix and a line break": lambda pem: f"0X{pem.encode().hex().upper()}\n",
    "after the parameters that openssl ecparam writes": lambda pem: (
        f"-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n{pem}"
    ),
}


@pytest.mark.parametrize("write", [sec1, pkcs8])
@pytest.mark.parametrize("form", FORMS)
def test_a_key_is_read_in_each_form_it_is_kept_in(write: Callable[[Key], str], form: str, tmp_path: Path) -> None:
    text = FORMS[form](write(KEY))
    assert public_point(load_private_key(Secret(text))) == POINT
    assert public_point(load_private_key(written(tmp_path, text))) == POINT


def test_the_mark_that_windows_puts_before_a_text_is_no_part_of_a_key(tmp_path: Path) -> None:
    for text in (PEM, PEM.encode().hex()):
        assert public_point(load_private_key(written(tmp_path, b"\xef\xbb\xbf" + text.encode()))) == POINT


def test_the_key_of_an_api_user_is_read_from_the_credentials_or_their_file(tmp_path: Path) -> None:
    held = lk.ApiUser("acme", "id", "secret", private_key=PEM)
    named = lk.ApiUser("acme", "id", "secret", private_key_file=written(tmp_path, PEM))
    assert public_point(load_private_key(held)) == public_point(load_private_key(named)) == POINT


def test_the_file_is_read_for_each_signature(tmp_path: Path) -> None:
    path, other = written(tmp_path, PEM), new_key()
    assert public_point(load_private_key(path)) == POINT
    written(tmp_path, sec1(other))
    assert public_point(load_private_key(path)) == public_point(other)


def test_without_a_key_the_error_says_what_to_set() -> None:
    with pytest.raises(
        ConfigurationError, match=r"set LEDGER_ENTERPRISE_PRIVATE_KEY_FILE or .*`ledgerkit keys new`"
    ) as refused:
        load_private_key(lk.ApiUser("acme", "id", "secret"))
    assert refused.value.details["field"] == "private_key"


def test_the_public_point_is_what_the_administrator_registers() -> None:
    uncompressed = KEY.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    assert bytes.fromhex(POINT) == uncompressed
    assert (len(POINT), POINT[:2], POINT) == (130, "04", POINT.upper())


ENCRYPTED = BestAvailableEncryption(b"passphrase")
OF_A_LAM = sec1(new_key(ec.SECP256K1()))
REFUSED = {
    "it is empty": "",
    "it is neither a PEM": "canary of a key that is none",
    "which begins with 2d2d2d": "ab" * 32,
    "protected by a passphrase": KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, ENCRYPTED).decode(),
    "by a passphrase, which": KEY.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, ENCRYPTED).decode(),
    "secp256k1, .* LAM's users": OF_A_LAM,
    r"secp384r1, and signatures need P-256 \(secp256r1\)\.$": sec1(new_key(ec.SECP384R1())),
    "RSAPrivateKey, and signatures need P-256": rsa.generate_private_key(65537, 2048)
    .private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    .decode(),
    "Ed25519PrivateKey, and signatures need": ed25519.Ed25519PrivateKey.generate()
    .private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    .decode(),
    "a public key or a certificate": KEY.public_key()
    .public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    .decode(),
    "it is a public key: ": POINT,
    "not its end: it was cut": PEM[:150],
    "it is damaged": PEM.replace(PEM[60:70], ""),
    "damaged, or of a kind that is not known": PEM[:60] + "*" + PEM[60:],  # which a reader of Base64 may leave out
    "is damaged, or of a kind": PEM[:60].encode().hex() + "ff" + PEM[60:].encode().hex(),  # no character of ASCII
    "not its end: it was": PEM.replace("END EC PRIVATE KEY", "END PRIVATE KEY"),
    "neither a PEM .* nor hex": "05" * 65,
    "neither a PEM .* nor hex of a PEM": "04" + "ab" * 40,
    "or a certificate: the private": "-----BEGIN X509 CERTIFICATE-----\nMIIB\n-----END X509 CERTIFICATE-----",
    "or a certificate: the private key is": "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----",
    "2 private keys": PEM + OF_A_LAM,
    "a PEM, but of no private key": "-----BEGIN X509 CRL-----\nMIIB\n-----END X509 CRL-----",
}


@pytest.mark.parametrize("message", REFUSED)
def test_what_is_no_key_on_p256_is_refused_and_never_shown(message: str, tmp_path: Path) -> None:
    text = REFUSED[message]
    for source in (
        Secret(text),
        written(tmp_path, text),
        lk.ApiUser("acme", "id", "secret", private_key=text or "-"),
    ):
        if text == "" and isinstance(source, lk.ApiUser):
            continue  # the credentials refuse it themselves
        with pytest.raises(ConfigurationError, match=message) as refused:
            load_private_key(source)
        name = f"the private key in {source}" if isinstance(source, Path) else "the private key"
        assert str(refused.value).startswith(f"{name} can't be used: it")
        assert refused.value.details["field"] == "private_key"
        report = shown(refused.value)
        assert not [part for part in secret_parts(text) | {text} if part and part in report]


def test_a_file_of_the_most_bytes_that_are_read_is_read(tmp_path: Path) -> None:
    assert public_point(load_private_key(written(tmp_path, PEM.ljust(65536, "\n")))) == POINT


def test_a_file_that_can_not_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"none\.pem: No such file") as refused:
        load_private_key(tmp_path / "none.pem")
    assert refused.value.details["field"] == "private_key_file"
    with pytest.raises(ConfigurationError, match="it is no name of a file"):
        load_private_key(tmp_path / "a\0b")
    with pytest.raises(ConfigurationError, match="is not a regular file"):
        load_private_key(tmp_path)
    with pytest.raises(ConfigurationError, match=r"has 65537 bytes.* another file"):
        load_private_key(written(tmp_path, b"x" * 65537))
    with pytest.raises(ConfigurationError, match="neither a PEM"):
        load_private_key(written(tmp_path, bytes(range(256))))


@pytest.mark.parametrize("text", [PEM, PEM.encode().hex()], ids=["PEM", "hex"])
def test_a_key_in_the_variable_for_its_file_is_not_shown(text: str) -> None:
    with pytest.raises(ConfigurationError, match="holds the key itself") as refused:
        load_private_key(lk.ApiUser("acme", "id", "secret", private_key_file=text))
    report = shown(refused.value)
    assert not [part for part in secret_parts(text) | {text} if part in report]


@pytest.mark.skipif(os.name != "posix", reason="rights of files are another thing here")
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620])
def test_a_file_that_others_may_use_is_warned_of(mode: int, tmp_path: Path) -> None:
    with pytest.warns(UserWarning, match="chmod 600"):
        assert public_point(load_private_key(written(tmp_path, PEM, mode))) == POINT


@pytest.mark.skipif(os.name != "posix", reason="rights of files are another thing here")
def test_the_warning_shows_no_key_where_warnings_are_errors(tmp_path: Path) -> None:
    with pytest.raises(UserWarning) as raised:
        load_private_key(written(tmp_path, PEM, 0o644))
    report = shown(raised.value)
    assert not [part for part in secret_parts(PEM) if part in report]


@pytest.mark.parametrize("missing", [("cryptography",), ("joserfc",), ("cryptography", "joserfc")])
def test_without_the_libraries_the_error_says_how_to_get_them(
    missing: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(signing, "find_spec", lambda name: None if name in missing else signing)
    with pytest.raises(ConfigurationError, match=r"pip install 'ledgerkit-enterprise\[signing\]'"):
        load_private_key(Secret(PEM))


def test_the_documented_challenge_is_signed_as_the_bytes_it_is() -> None:
    text = challenge_text(documented())
    header, middle, signature = sign_challenge(KEY, decode(text).raw).split(".")
    assert base64.urlsafe_b64decode(header + "==") == b'{"alg":"ES256","typ":"JWT"}'
    assert middle == text
    assert len(base64.urlsafe_b64decode(signature + "==")) == 64  # r and s, not DER


@given(challenge=st.binary(min_size=1, max_size=400))
def test_any_bytes_come_back_from_their_signature(challenge: bytes) -> None:
    signed = sign_challenge(KEY, challenge)
    assert signed.split(".")[1] == base64.urlsafe_b64encode(challenge).rstrip(b"=").decode()
    assert verify(signed, POINT) == challenge


def test_a_signature_is_refused_for_another_key_payload_or_algorithm() -> None:
    signed = sign_challenge(KEY, b'{"amount":"100"}')
    header, middle, signature = signed.split(".")
    other = sign_challenge(KEY, b'{"amount":"999"}').split(".")[1]
    none = base64.urlsafe_b64encode(b'{"alg":"none","typ":"JWT"}').rstrip(b"=").decode()
    for changed in (f"{header}.{other}.{signature}", f"{none}.{middle}.", f"{header}.{middle}.", "a.b", "", "ä.ö.ü"):
        with pytest.raises(
            InvalidRequest, match=f"no ES256 signature by the public key that ends in {POINT[122:]}\\."
        ) as bad:
            verify(changed, POINT)
        assert bad.value.details["field"] == "jws"
    with pytest.raises(InvalidRequest, match="no ES256 signature"):
        verify(signed, public_point(new_key()))


@pytest.mark.parametrize(
    "point",
    ["", "04ab", "04" + "ff" * 64, "02" + "ab" * 32, POINT[:-1] + "g"],
    ids=["nothing", "short", "off the curve", "compressed", "no hex"],
)
def test_a_public_key_that_is_no_point_on_the_curve_is_refused(point: str) -> None:
    with pytest.raises(InvalidRequest, match="no point on P-256") as refused:
        verify(sign_challenge(KEY, b"{}"), point)
    assert refused.value.details["field"] == "point"


def test_a_code_made_with_the_public_key_is_no_signature_of_its_holder() -> None:
    # Whoever lets the header choose the algorithm takes what everybody has for a shared secret.
    public = KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    for secret in (public, POINT.encode(), bytes.fromhex(POINT)):
        head, body = (base64.urlsafe_b64encode(part).rstrip(b"=") for part in (b'{"alg":"HS256","typ":"JWT"}', b"{}"))
        code = base64.urlsafe_b64encode(hmac.digest(secret, head + b"." + body, "sha256")).rstrip(b"=")
        with pytest.raises(InvalidRequest, match="no ES256 signature"):
            verify(b".".join((head, body, code)).decode(), POINT)


def test_what_a_notebook_shows_of_a_key_holds_nothing_of_it() -> None:
    key = load_private_key(Secret(PEM))
    assert not [part for part in secret_parts(PEM) if part in repr(key) + str(key)]
    try:
        sign_challenge(key, None)  # type: ignore[arg-type]  # no bytes at all, which the signature forbids
    except (TypeError, AttributeError) as error:
        report = "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())
        scalar = key.private_numbers().private_value
        assert not [text for text in (*secret_parts(PEM), str(scalar), f"{scalar:064x}") if text in report]
    else:
        pytest.fail("None was signed")


def interrupted_at_every_step(call: Callable[[], object]) -> Iterator[str]:
    """Interrupt a call at each call and return inside of it in turn, and give what all frames show then."""
    call()  # what is imported at the first call is not interrupted
    for step in range(10_000):
        left = step

        def interrupt(frame: FrameType, event: str, argument: object) -> None:
            nonlocal left
            left -= 1
            if left < 0:
                sys.setprofile(None)
                raise KeyboardInterrupt

        done = False
        try:
            sys.setprofile(interrupt)
            call()
            done = True
            sys.setprofile(None)
        except KeyboardInterrupt as error:
            if not done:
                yield "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())
        if done:
            assert step > 10
            return


@pytest.mark.parametrize("write", [sec1, pkcs8, lambda key: sec1(key).encode().hex()], ids=["SEC1", "PKCS#8", "hex"])
@pytest.mark.parametrize("kept", ["text", "file", "credentials"])
# An interrupt between the opening of a file and the `with` leaves closing it to the garbage collector.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_an_interrupt_while_a_key_is_read_shows_nothing_of_it(
    write: Callable[[Key], str], kept: str, tmp_path: Path
) -> None:
    text = write(KEY)
    sources: dict[str, Secret | Path | lk.ApiUser] = {
        "text": Secret(text),
        "file": written(tmp_path, text),
        "credentials": lk.ApiUser("acme", "id", "secret", private_key=text),
    }
    parts = {text, *secret_parts(PEM), *secret_parts(pkcs8(KEY)), "PRIVATE KEY-----", text[:40]}
    der = base64.b64decode("".join(line for line in PEM.splitlines() if "-----" not in line))
    parts |= {repr(der)[2:-1], repr(der)[2:60]}
    for report in interrupted_at_every_step(lambda: load_private_key(sources[kept])):
        assert not [part for part in parts if part in report]


def test_an_interrupt_while_a_challenge_is_signed_shows_nothing_of_the_key() -> None:
    scalar = KEY.private_numbers().private_value
    encoded = base64.urlsafe_b64encode(scalar.to_bytes(32, "big")).rstrip(b"=").decode()
    for report in interrupted_at_every_step(lambda: sign_challenge(KEY, b"{}")):
        assert not [part for part in (*secret_parts(PEM), str(scalar), f"{scalar:064x}", encoded) if part in report]


@pytest.mark.parametrize("what", ["load", "sign"])
def test_what_fails_leaves_the_frames_of_another_error_alone(what: str) -> None:
    def other() -> None:
        kept = "what the caller was doing"
        raise ValueError(len(kept))

    try:
        other()
    except ValueError as earlier:
        if what == "load":
            with pytest.raises(ConfigurationError):
                load_private_key(Secret("none"))
        else:
            with pytest.raises((TypeError, AttributeError)):
                sign_challenge(KEY, None)  # type: ignore[arg-type]  # no bytes at all, which can't be signed
        report = "".join(traceback.TracebackException.from_exception(earlier, capture_locals=True).format())
    assert "kept = 'what the caller was doing'" in report


def test_neither_the_cause_nor_the_context_of_an_error_shows_what_its_frames_held() -> None:
    def failed(error: BaseException, held: str) -> BaseException:
        assert held  # what its frame shows
        try:
            raise error
        except BaseException as raised:  # noqa: BLE001 - the test wants it with its frames
            return raised

    class Failing(Secret):
        def reveal(self) -> str:
            try:
                raise failed(KeyError("context"), f"context of {PEM}")
            except KeyError:
                raise failed(OSError("last"), f"last of {PEM}") from failed(ValueError("cause"), f"cause of {PEM}")

    with pytest.raises(OSError, match="last") as raised:
        load_private_key(Failing("none"))
    error: BaseException = raised.value
    assert error.__cause__ is not None
    assert error.__context__ is not None
    for one in (error, error.__cause__, error.__context__):
        report = "".join(traceback.TracebackException.from_exception(one, capture_locals=True).format())
        assert not [part for part in secret_parts(PEM) if part in report]


def test_only_the_file_that_the_setting_names_is_to_be_mended_there(tmp_path: Path) -> None:
    user = lk.ApiUser("acme", "id", "secret", private_key_file=tmp_path / "none.pem")
    with pytest.raises(ConfigurationError, match=r"No such file.* Mend LEDGER_ENTERPRISE_PRIVATE_KEY_FILE\.$"):
        load_private_key(user)
    with pytest.raises(ConfigurationError, match=r"No such file or directory\.$"):
        load_private_key(tmp_path / "none.pem")
