"""What the environment says of the way to the service: proxies, and whose certificates are trusted.

One table of findings serves both: the transport refuses to start with what is wrong, and adds to its errors what is
set and not used; the doctor shows all of it. A value is never quoted: a password may stand in it, or a whole key.
"""

import codecs
import importlib.util
import os
import re
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Final, Literal
from urllib.parse import unquote, urlsplit
from urllib.request import getproxies, getproxies_environment, proxy_bypass

from ledgerkit.errors import ConfigurationError, warn
from ledgerkit.hosts import is_host, is_loopback
from ledgerkit.secret import Secret

# Where a proxy comes from that no variable names: the registry of Windows, the network settings of macOS.
OF_THE_SYSTEM: Final = "the proxy settings of this system"
SCHEMES: Final = ("http", "https", "socks5", "socks5h")
ONE_SLASH: Final = re.compile(rf"({'|'.join(SCHEMES)}):[/\\](?![/\\])", re.IGNORECASE)
# What people write who want none.
NO_PROXY_AT_ALL: Final = frozenset({"none", "direct", "off", "no", "false", "null", "disabled", "0", "-"})
PORTS: Final = {"http": 80, "https": 443, "socks5": 1080, "socks5h": 1080}
# What other programs read, and the kit does not.
OTHER_AUTHORITIES: Final = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "PIP_CERT", "NODE_EXTRA_CA_CERTS")
# The one of them that adds to the authorities of a program.
ADDING: Final = "NODE_EXTRA_CA_CERTS"
# What OpenSSL looks for in a folder of authorities: the hash of a name, and a number.
HASHED: Final = re.compile(r"[0-9a-fA-F]{8}\.\d+")
# The bundle of a system has a quarter of a MB.
LARGEST_BUNDLE: Final = 16 * 2**20


@dataclass(frozen=True)
class Remark:
    """What is said of one variable.

    Parameters
    ----------
    variable
        Its name as it is set: proxies are read in lower and in upper case.
    level
        ``"ok"``; ``"warning"`` where it is not used, or not as whoever set it may think; ``"problem"`` where nothing
        can be reached because of it.
    text
        What is so, and the way out.
    """

    variable: str
    level: Literal["ok", "warning", "problem"]
    text: str

    def __str__(self) -> str:
        return f"{self.variable} {self.text}"


@dataclass(frozen=True, repr=False)
class Proxy:
    """A proxy on the way to the service, and the variable that names it."""

    variable: str
    scheme: str
    host: str
    port: int
    user: Secret | None = None
    password: Secret | None = None

    def __repr__(self) -> str:
        return f"Proxy({self.variable})"


# --- proxies --------------------------------------------------------------------------------------------------------


def proxy_for(base_url: str) -> Proxy | None:
    """Return the proxy that calls to an address go through, or None.

    Raises
    ------
    ConfigurationError
        The variable that names it can't be used; the message names it, and the way out.
    """
    address = urlsplit(base_url)
    chosen = _chosen(address.hostname or "", address.port)
    if chosen is None:
        return None
    name, value = chosen
    if wrong := _unusable_proxy(value):
        raise ConfigurationError(f"{name} {wrong}", field=name)
    if odd := _odd_exceptions():
        warn(f"{odd}. This session goes through the proxy of {name}.", UserWarning)
    return _read_proxy(name, value)


def _chosen(host: str, port: int | None) -> tuple[str, Secret] | None:
    """Return what names the proxy for a host, unless none is used for it."""
    if is_loopback(host):
        return None  # a proxy can't reach the loopback of this machine, and must not see what is said there
    found = _set("https_proxy") or _set("all_proxy")
    if found is not None:
        return None if _taken_out(host, port) else found
    if getproxies_environment():
        return None
    settings = getproxies()
    of_system = settings.get("https") or settings.get("all")
    return (OF_THE_SYSTEM, Secret(of_system)) if of_system and not proxy_bypass(host) else None


def _set(name: str) -> tuple[str, Secret] | None:
    """Return a variable of proxies as it is set; in lower case it goes first, as everywhere, and empty it is none."""
    spelled = sorted((one for one in os.environ if one.lower() == name), key=lambda one: one != name)
    if not spelled or not os.environ[spelled[0]]:
        return None
    return spelled[0], Secret(os.environ[spelled[0]].strip())


def _split(text: str) -> tuple[str, str]:
    """Return the scheme and the rest; without a scheme it is ``http``, as other programs take it."""
    scheme, separator, rest = text.partition("://")
    return (scheme.lower(), rest) if separator else ("http", text)


def _unusable_proxy(value: Secret) -> str | None:
    text = value.reveal()
    example = "write it as http://host:port"
    if not text.isascii() or any(ord(char) <= 32 or ord(char) == 127 for char in text):
        return f"holds a blank, or a character that no address has: {example}"
    if text.lower().partition(":")[0] in NO_PROXY_AT_ALL:
        return "names no proxy: to use none, unset it"
    if ONE_SLASH.match(text):
        return f"has one slash behind its scheme, and needs two: {example}"
    scheme, rest = _split(text)
    if scheme not in SCHEMES:
        return f"begins with another scheme than {', '.join(f'{one}://' for one in SCHEMES)}: {example}"
    netloc = re.split(r"[/?#\\]", rest, maxsplit=1)[0]
    beyond = rest[len(netloc) :]
    if "@" in beyond:
        return (
            "holds a user name or password with one of / ? # or a backslash in it: write %2F, %3F, %23 or %5C in its "
            "place"
        )
    if beyond.lower().endswith((".pac", ".dat")):
        return f"names a file that configures proxies, which is not read: name the proxy itself, and {example}"
    try:
        parts = urlsplit(f"//{netloc}")
        host, port = parts.hostname, parts.port
    except ValueError:
        return f"names no port from 1 to 65535 behind the host: {example}"
    if port == 0 or netloc.endswith(":"):
        return f"names no port from 1 to 65535 behind the host: {example}"
    if not host or not is_host(host):
        return f"names no host: {example}"
    if scheme.startswith("socks") and importlib.util.find_spec("socksio") is None:
        return "names a SOCKS proxy, which needs one package more: pip install 'httpx[socks]', or name an http:// one"
    return None


def _read_proxy(name: str, value: Secret) -> Proxy:
    scheme, rest = _split(value.reveal())
    parts = urlsplit("//" + re.split(r"[/?#\\]", rest, maxsplit=1)[0])
    signed_in = "@" in parts.netloc
    return Proxy(
        name,
        scheme,
        parts.hostname or "",
        parts.port or PORTS[scheme],
        Secret(unquote(parts.username or "")) if signed_in else None,
        Secret(unquote(parts.password or "")) if signed_in else None,
    )


def _exceptions() -> list[str]:
    found = _set("no_proxy")
    return re.split(r"[\s,]+", found[1].reveal().lower()) if found else []


def _taken_out(host: str, port: int | None) -> bool:
    """Say whether NO_PROXY names a host: itself, a domain above it, a network that it is in, or all."""
    return any(entry == "*" or _names(entry, host.rstrip("."), port or 443) for entry in _exceptions() if entry)


def _names(entry: str, host: str, port: int) -> bool:
    name, entry_port = _entry(entry)
    if entry_port is not None and entry_port != port:
        return False
    try:
        return ip_address(host) in ip_network(name, strict=False)
    except ValueError:
        pass
    domain = name.removeprefix("*").strip(".")
    return bool(domain) and (host == domain or host.endswith(f".{domain}"))


def _entry(entry: str) -> tuple[str, int | None]:
    """Return the name or network of an entry of NO_PROXY, and its port."""
    entry = entry.partition("://")[2] or entry
    bracketed = re.fullmatch(r"\[(.*)\](?::(\d+))?", entry)
    if bracketed:
        return bracketed[1], int(bracketed[2]) if bracketed[2] else None
    name, separator, port = entry.partition(":")
    if separator and port.isdecimal():
        return name, int(port)
    return entry, None


def _is_entry(entry: str) -> bool:
    name, _ = _entry(entry)
    try:
        return bool(ip_network(name, strict=False))
    except ValueError:
        domain = name.removeprefix("*").strip(".")
        return "/" not in name and is_host(domain) if domain else entry == "*"


def proxies(base_url: str) -> Iterator[Remark]:
    """Say of each variable of proxies whether it is used for an address, and what is amiss with it."""
    address = urlsplit(base_url)
    host = address.hostname or ""
    if is_loopback(host):
        return
    chosen = _chosen(host, address.port)
    named = _set("https_proxy") or _set("all_proxy")
    if chosen is not None:
        wrong = _unusable_proxy(chosen[1])
        if wrong:
            yield Remark(chosen[0], "problem", wrong)
        else:
            yield Remark(chosen[0], "ok", "names the proxy that calls go through")
    elif named is not None and (out := _set("no_proxy")):
        yield Remark(named[0], "ok", f"is set, and {out[0]} takes this address out")
    elif plain := _set("http_proxy"):
        yield Remark(
            plain[0], "warning", "is for addresses with http://, and the service has https://: set HTTPS_PROXY too"
        )
    for name in ("https_proxy", "all_proxy", "no_proxy"):
        values = {one: os.environ[one] for one in sorted(os.environ) if one.lower() == name}
        if len(set(values.values())) > 1:
            others = ", ".join(one for one in values if one != name)
            yield Remark(name, "warning", f"goes before {others}, which says otherwise: unset one of them")
    everything = _set("all_proxy")
    if everything is not None and everything != named and (wrong := _unusable_proxy(everything[1])):
        yield Remark(everything[0], "warning", f"is not used, and {wrong}")
    if odd := _odd_exceptions():
        yield odd


# By what stands in an entry that can't be one.
WHY_ODD: Final = (
    (";", "semicolons are no separators"),
    ("\"'", "quotes are taken literally"),
    ("*", "a * stands alone, or before a dot"),
)


def _odd_exceptions() -> Remark | None:
    """Say which entries of NO_PROXY can't be one: whoever wrote them wants hosts to be reached without the proxy."""
    exceptions = _set("no_proxy")
    entries = [entry for entry in _exceptions() if entry]
    odd = {place: entry for place, entry in enumerate(entries, 1) if not _is_entry(entry)}
    if exceptions is None or not odd:
        return None
    which = f"{'number' if len(odd) == 1 else 'numbers'} {', '.join(map(str, odd))} of {len(entries)}"
    why = "".join(f"{said}; " for marks, said in WHY_ODD if any(mark in "".join(odd.values()) for mark in marks))
    return Remark(
        exceptions[0],
        "warning",
        f"holds {len(odd)} {'entry' if len(odd) == 1 else 'entries'} that can't be one ({which}): {why}write hosts, "
        "domains with a dot before them, or networks such as 10.0.0.0/8, with commas between",
    )


# --- authorities ----------------------------------------------------------------------------------------------------


def chosen_authorities() -> list[str]:
    """Return the variables that choose the authorities, of those that are set."""
    return [name for name in ("SSL_CERT_FILE", "SSL_CERT_DIR") if os.environ.get(name)]


def authorities() -> Iterator[Remark]:
    """Say of each variable of certificates that is read whether it is used, and what is amiss with it."""
    for name in chosen_authorities():
        wrong = unusable_authorities(name)
        if wrong:
            yield Remark(name, "problem", wrong)
        else:
            yield Remark(name, "ok", "names the authorities that are trusted, in place of those of the system")
            if name == "SSL_CERT_FILE":
                yield from _doubts(os.environ[name])
    if os.environ.get("SSLKEYLOGFILE"):
        yield Remark(
            "SSLKEYLOGFILE",
            "warning",
            "asks programs to write down the keys of their connections: the kit does not, and others here may",
        )
    if os.environ.get("PYTHONHTTPSVERIFY") == "0":
        yield Remark("PYTHONHTTPSVERIFY", "warning", "is not read: certificates are always verified")


def _doubts(text: str) -> Iterator[Remark]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(cafile=text)
    if context.cert_store_stats()["x509_ca"] == 0:
        yield Remark(
            "SSL_CERT_FILE",
            "warning",
            "holds no certificate of an authority: name that of the authority which signs those of the servers",
        )
    if b"PRIVATE KEY-----" in _content(text):
        yield Remark(
            "SSL_CERT_FILE",
            "warning",
            "holds a private key beside certificates: keep keys in files of their own",
        )


def not_read() -> Iterator[Remark]:
    """Say which variables other programs take authorities from and the kit does not; reads no file.

    It is said where a certificate was refused, and not before: where all works, nothing is missing.
    """
    own = chosen_authorities()
    taken = [os.environ[name] for name in own]
    others = [name for name in OTHER_AUTHORITIES if os.environ.get(name) and os.environ[name] not in taken]
    if not others:
        return
    names = " and ".join(filter(None, [", ".join(others[:-1]), others[-1]]))
    are, them = (
        ("is", "the same file") if len(others) == 1 else ("are", "the file with the authority that is missing")
    )
    way = f"{are} not read: set SSL_CERT_FILE to {them}"
    if own:
        way = f"{are} not read, but {' and '.join(own)}: have SSL_CERT_FILE name one file with the authorities of all"
    elif ADDING in others:
        way += f". What {ADDING} names is trusted beside the system's, and what SSL_CERT_FILE names in their place"
    yield Remark(names, "warning", way)


def unusable_authorities(name: str) -> str | None:
    """Say what is wrong with what SSL_CERT_FILE or SSL_CERT_DIR names, and the way out; None where it can be used."""
    text = os.environ[name]
    folder = name == "SSL_CERT_DIR"
    example = "/etc/ssl/certs" if folder else "/etc/ssl/certs/ca-certificates.crt"
    if "-----BEGIN" in text:
        return "holds a certificate or a key itself: write that into a file, and name the file"
    try:
        wrong = _unusable_folders(text) if folder else _unusable_bundle(text)
        if wrong and (literally := _taken_literally(text)):
            return f"names nothing that is there, and {literally} in it is taken as it stands: write the whole path"
        return wrong
    except PermissionError:
        return "names something that you may not read: have it made readable, or name another"
    except (OSError, ValueError):
        return f"names something that can't be read: name a {'folder' if folder else 'file'} such as {example}"


def _taken_literally(text: str) -> str | None:
    """Return what a shell or a person reads otherwise in a path that leads nowhere."""
    if any(Path(one).exists() for one in (text, *text.split(os.pathsep)) if one):
        return None
    if text.startswith("~"):
        return "the ~"
    if text[0] in "\"'" or text[-1] in "\"'":
        return "the quote"
    if text != text.strip():
        return "the blank at its beginning or end"
    return "the name of a variable" if re.search(r"\$\w|\$\{|%\w+%", text) else None


def _unusable_folders(text: str) -> str | None:
    folders = [Path(one) for one in text.split(os.pathsep) if one]
    there = [one for one in folders if one.is_dir()]
    if not there:
        if any(one.is_file() for one in folders):
            return "names a file, and stands for a folder: set SSL_CERT_FILE to it instead"
        return "names no folder that is there: mend it, or unset it to trust those of the system"
    if any(HASHED.fullmatch(one.name) and one.exists() for folder in there for one in folder.iterdir()):
        return None
    return (
        "names a folder without certificates under the names that OpenSSL looks for (such as 5ed36f99.0): run "
        "`openssl rehash` on it, or set SSL_CERT_FILE to one file with all of them"
    )


def _content(text: str) -> bytes:
    with Path(text).open("rb") as file:
        return file.read(LARGEST_BUNDLE + 1)


def _unusable_bundle(text: str) -> str | None:
    path = Path(text)
    if path.is_dir():
        return "names a folder, and stands for a file: set SSL_CERT_DIR to it instead"
    if not path.exists():
        return "names a file that is not there: mend it, or unset it to trust those of the system"
    if not path.is_file():
        return "names something that is no file: name a file of certificates"
    content = _content(text)
    if not content.strip():
        return "names an empty file: name one with certificates in it"
    if len(content) > LARGEST_BUNDLE:
        return f"names a file of more than {LARGEST_BUNDLE // 2**20} MB, which is no bundle of certificates"
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) or b"-\0-\0-" in content:
        return "names a file in UTF-16, as some editors of Windows save it: save it as plain text (ASCII or UTF-8)"
    if content.startswith(codecs.BOM_UTF8 + b"-----BEGIN"):
        return "names a file that begins with a mark that hides its first certificate: save it as UTF-8 without BOM"
    if b"-----BEGIN" not in content:
        return _of_binary(content)
    if not re.search(rb"-----BEGIN (X509 |TRUSTED )?CERTIFICATE-----", content):
        if b"PRIVATE KEY-----" in content:
            return (
                "names a file with a private key and no certificate: name the certificate of the authority, and keep "
                "the key where only its owner can read it"
            )
        return "names a file of PEM without a certificate in it"
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        context.load_verify_locations(cafile=text)
    except ssl.SSLError:
        return "names a file with a certificate that can't be read: it may be cut off, or changed by an editor"
    return None


def _of_binary(content: bytes) -> str:
    # DER: a sequence, its length in one or more bytes, and what it begins with.
    begun = re.match(rb"\x30(?:[\x00-\x80]|\x81.|\x82..|\x83...)(.{2})", content, re.DOTALL)
    if begun is None:
        return "names a file that is not PEM: its certificates begin with -----BEGIN CERTIFICATE-----"
    if begun[1] == b"\x02\x01":  # a version
        kind, way = "a store of keys (.p12 or .pfx)", "openssl pkcs12 -in FILE -cacerts -nokeys -out FILE.pem"
    elif begun[1] == b"\x06\x09":  # the kind of what it holds
        kind, way = "certificates in PKCS #7 (.p7b)", "openssl pkcs7 -inform der -print_certs -in FILE -out FILE.pem"
    else:
        kind, way = "a certificate in DER", "openssl x509 -inform der -in FILE -out FILE.pem"
    return f"names {kind}: make PEM of it with `{way}`"


def refuse_wrong_authorities() -> None:
    """Raise where a variable of certificates can't be used: otherwise nothing, or something else, would be trusted.

    Raises
    ------
    ConfigurationError
        The message names the variable, and the way out.
    """
    for name in chosen_authorities():
        if wrong := unusable_authorities(name):
            raise ConfigurationError(f"{name} {wrong}", field=name)
