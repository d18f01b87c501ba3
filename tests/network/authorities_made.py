"""Certificates as authorities make them, and as they should not: for real TLS servers on loopback."""

import hashlib
import ssl
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

# Fixed, since OpenSSL has the clock of the machine whatever a test's is.
LONG_AGO, FAR_AHEAD = datetime(2001, 1, 1, tzinfo=UTC), datetime(2101, 1, 1, tzinfo=UTC)
PRIVATE = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _signs_certificates() -> x509.KeyUsage:
    others = (
        "digital_signature content_commitment key_encipherment data_encipherment key_agreement encipher_only "
        "decipher_only"
    )
    return x509.KeyUsage(key_cert_sign=True, crl_sign=True, **dict.fromkeys(others.split(), False))


class Authority:
    """An authority of a company; ``bundle`` is the file that a machine of the company would trust."""

    def __init__(self, folder: Path, name: str = "Acme Corporate Root") -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = _name(name)
        self.certificate = (
            x509.CertificateBuilder(issuer_name=self.name, subject_name=self.name, public_key=self.key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(LONG_AGO)
            .not_valid_after(FAR_AHEAD)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            # RFC 5280 wants the rest, and Python from 3.13 on does too.
            .add_extension(_signs_certificates(), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(self.key.public_key()), critical=False)
            .sign(self.key, hashes.SHA256())
        )
        self.bundle = folder / "root.pem"
        self.bundle.write_bytes(self.certificate.public_bytes(serialization.Encoding.PEM))

    def private_key(self) -> bytes:
        return self.key.private_bytes(*PRIVATE)

    def hashed_folder(self) -> Path:
        """A folder as `openssl rehash` leaves it: the certificate under the hash of its subject."""
        folder = self.folder / "hashed"
        folder.mkdir()
        (folder / f"{_subject_hash(self.certificate):08x}.0").write_bytes(self.bundle.read_bytes())
        return folder

    def server(
        self,
        host: str = "localhost",
        *,
        since: datetime = LONG_AGO,
        until: datetime = FAR_AHEAD,
        key: Any = None,
        own: bool = False,
        lax: bool = False,
        purpose: x509.ObjectIdentifier = ExtendedKeyUsageOID.SERVER_AUTH,
    ) -> ssl.SSLContext:
        """Return what a server for a host shows; ``own``: signed by itself and not by the authority.

        ``lax``: without the name of the authority's key, as many companies' proxies make them.
        """
        key = key or ec.generate_private_key(ec.SECP256R1())
        signing = key if own else self.key
        builder = (
            x509.CertificateBuilder(
                issuer_name=_name(host) if own else self.name, subject_name=_name(host), public_key=key.public_key()
            )
            .serial_number(x509.random_serial_number())
            .not_valid_before(since)
            .not_valid_after(until)
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
            .add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
        )
        if not lax:
            named = x509.AuthorityKeyIdentifier.from_issuer_public_key(signing.public_key())
            builder = builder.add_extension(named, critical=False)
        certificate = builder.sign(signing, hashes.SHA256())
        chain, key_file = self.folder / "server.pem", self.folder / "server.key"
        chain.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        key_file.write_bytes(key.private_bytes(*PRIVATE))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.set_ciphers("ALL:@SECLEVEL=0")  # what the server would do is not what is tested
        context.load_cert_chain(chain, key_file)
        return context


def weak_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=1024)  # noqa: S505  # that it is refused is tested


def _subject_hash(certificate: x509.Certificate) -> int:
    """As X509_NAME_hash computes it: of the name in its canonical form, lower-case UTF-8, without the outer tag."""
    text = certificate.subject.rfc4514_string().removeprefix("CN=").lower().encode()
    value = b"\x0c" + bytes([len(text)]) + text
    pair = b"\x06\x03\x55\x04\x03" + value
    sequence = b"\x30" + bytes([len(pair)]) + pair
    canonical = b"\x31" + bytes([len(sequence)]) + sequence
    return int.from_bytes(hashlib.sha1(canonical).digest()[:4], "little")  # noqa: S324  # it is OpenSSL's name of a file
