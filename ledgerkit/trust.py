"""Whose certificates are trusted, and why one was refused. There is no way to leave a certificate unverified."""

import os
import ssl
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from ledgerkit import surroundings
from ledgerkit.surroundings import HASHED

# What verifies certificates there is the system itself, which `truststore` asks; elsewhere it is OpenSSL, with files.
BY_ITS_OWN_CALLS: Final = ("win32", "darwin")
# Where systems keep their bundle for OpenSSLs that were built to look elsewhere; truststore looks there too.
BUNDLES: Final = (
    "/etc/ssl/cert.pem",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/pki/tls/cert.pem",
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/ssl/ca-bundle.pem",
)
# What the default of this Python has and a bare context has not: from 3.13 on a chain must be as RFC 5280 asks, and
# may end at any certificate that is trusted.
FLAGS: Final = (
    ssl.VERIFY_X509_STRICT | ssl.VERIFY_X509_PARTIAL_CHAIN if sys.version_info >= (3, 13) else ssl.VERIFY_DEFAULT
)


def authorities() -> str:
    """Say in words whose certificates are trusted."""
    if own := surroundings.chosen_authorities():
        return f"those that {' and '.join(own)} name{'s' if len(own) == 1 else ''}"
    if has_system_store():
        return "those of this system"
    return "those of the package certifi, since this system has none (install ca-certificates)"


def has_system_store() -> bool:
    """Say whether the system knows authorities: Windows and macOS always, others where they are installed."""
    return sys.platform in BY_ITS_OWN_CALLS or _files_of_the_system() is not None


def _files_of_the_system() -> tuple[str | None, str | None] | None:
    """Return the bundle and the folder of a system that keeps its authorities as files, or None where it has none."""
    known = ssl.get_default_verify_paths()
    bundle = known.cafile if known.cafile and _is_filled(known.cafile) else None
    folder = known.capath if known.capath and _is_hashed(known.capath) else None
    if bundle is None and folder is None:
        bundle = next((path for path in BUNDLES if _is_filled(path)), None)
    return None if bundle is None and folder is None else (bundle, folder)


def _is_filled(path: str) -> bool:
    try:
        return Path(path).stat().st_size > 0
    except OSError:
        return False


def _is_hashed(folder: str) -> bool:
    try:
        return any(HASHED.fullmatch(one.name) for one in Path(folder).iterdir())
    except OSError:
        return False


def context(*, local: bool = False) -> ssl.SSLContext:
    """Return what verifies every certificate that is shown.

    Parameters
    ----------
    local
        For plain http on loopback, where none is shown: nothing is trusted, and nothing has to be read.

    Raises
    ------
    ConfigurationError
        SSL_CERT_FILE or SSL_CERT_DIR can't be used.
    """
    # Not ssl.create_default_context(): it writes the keys of every connection to where SSLKEYLOGFILE says.
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    file, folder = os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR")
    if not local:
        surroundings.refuse_wrong_authorities()
        if file or folder:
            made.load_verify_locations(cafile=file or None, capath=folder or None)
        elif sys.platform in BY_ITS_OWN_CALLS:
            import truststore  # when a session is made, not with the package

            made = truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        elif (files := _files_of_the_system()) is not None:
            # Once: truststore reads them anew for every connection, which takes 20 ms each.
            made.load_verify_locations(*files)
        else:
            import certifi  # httpx brings it

            made.load_verify_locations(cafile=certifi.where())
    made.verify_flags |= FLAGS
    # A configuration of OpenSSL may ask for less.
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    if made.security_level < 2:
        made.set_ciphers("DEFAULT:@SECLEVEL=2")
    return made


def reason(error: BaseException | None) -> str | None:
    """Return why TLS refused a connection, in the words of the library, or None where TLS did not refuse it."""
    for one in _causes(error):
        # The other side hung up in the middle: it is a connection that broke, as without TLS.
        if isinstance(one, ssl.SSLEOFError | ssl.SSLZeroReturnError | ssl.SSLSyscallError):
            return None
        if isinstance(one, ssl.SSLError):
            return str(getattr(one, "verify_message", None) or one.reason or "no reason given")
    return None


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def advice(said: str, who: str) -> str:
    """Return the way out of a refusal.

    Parameters
    ----------
    said
        What :func:`reason` gave.
    who
        Whose certificate it is: ``"https://lam.example.com"``, or a proxy.
    """
    lowered = said.lower().replace("_", " ")
    for words, way in WAYS_OUT:
        if any(word in lowered for word in words):
            return way.format(who=who, authorities=authorities())
    return UNTRUSTED.format(authorities=authorities())


UNTRUSTED: Final = (
    "Trusted are {authorities}. If a corporate proxy inspects traffic, have its certificate authority installed in "
    "this system, or point SSL_CERT_FILE at a file with it."
)
# By what is in the reason; the first that fits.
WAYS_OUT: Final = (
    (("expired",), "Look whether the clock of this machine is right; if it is, {who} needs a new certificate."),
    (("not yet valid",), "Set the clock of this machine; if it is right, {who} shows a certificate of the future."),
    (
        ("hostname mismatch", "ip address mismatch", "not valid for", "does not match", "name mismatch"),
        "Another than {who} answers, or it is known by another name: check the address that is set.",
    ),
    (
        ("too weak", "too small", "dh key", "md too"),
        "{who} needs a certificate with a stronger key or signature: RSA of 2048 bits or more, SHA-256.",
    ),
    (
        ("wrong version number", "http request", "unknown protocol", "record layer"),
        "{who} does not speak TLS there: check the port.",
    ),
    (
        ("unsupported protocol", "protocol version", "no protocols", "no shared cipher", "handshake failure"),
        "{who} and this machine share no version of TLS from 1.2 on: it needs to be set up for one.",
    ),
    (
        ("missing authority key", "missing subject key", "key usage extension", "basic constraints"),
        "The certificate of {who} or of its authority is not as RFC 5280 asks: from 3.13 on, Python does too.",
    ),
    (
        ("purpose", "invalid ca", "path length", "ca cert"),
        "{who} shows a certificate of an authority that may not sign it. Trusted are {authorities}.",
    ),
    (("certificate required",), "{who} wants a certificate of the caller, which the kit can't show."),
)
