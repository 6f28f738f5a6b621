"""An authority of our own and certificates by it, for servers that have none of another's."""

import os
import re
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Self

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import (
    SECP256R1,
    EllipticCurvePrivateKey,
    generate_private_key,
)
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from shanhai.errors import InvalidInput
from shanhai.file_limits import draft_of

AUTHORITY_LASTS = timedelta(days=3650)
LASTS = timedelta(days=397)
"""Browsers take no certificate that lasts longer than 398 days."""
RENEWED_BEFORE = timedelta(days=90)
BACKDATED = timedelta(hours=1)
"""For clients whose clock is slow."""
HOST = re.compile(r"[\w*.-]+|[\da-f.]*:[\da-f.]*:[\da-f:.]*", re.ASCII | re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class CertifiedServer:
    """A server: the folder its files go to, who runs it, and the names it is reached by."""

    name: str
    owner: int
    hosts: tuple[str, ...]

    @classmethod
    def parse(cls, told: str) -> Self:
        """A server as `name:owner:host,host`, the owner by number.

        Raises:
            InvalidInput: it does not read so.
        """
        name, _, rest = told.partition(":")
        owner, _, hosts = rest.partition(":")
        try:
            named = tuple(host.encode("idna").decode() for host in hosts.split(",") if host)
        except UnicodeError:
            named = ()
        usable = named and all(map(HOST.fullmatch, named))
        if not (name.isidentifier() and owner.isdecimal() and usable):
            raise InvalidInput(
                f"{told!r} must read name:owner:host,host, as postgres:999:postgres",
                message_zh=f"{told!r} 须为 名称:属主编号:主机,主机，如 postgres:999:postgres",
                pointer="--server",
            )
        return cls(name, int(owner), named)


def make_certificates(folder: Path, servers: Sequence[CertifiedServer]) -> list[str]:
    """Make what is missing, ends within 90 days, or is for other names; leave the rest as it is.

    The authority's key is in `authority/key.pem`, its certificate, which clients need, in
    `ca/ca.pem`; each server has `cert.pem` and `key.pem` in the folder of its name, the key for its
    owner alone.

    Returns:
        The names of what was made, `ca` among them.
    """
    made = []
    for name in ("authority", "ca", *(server.name for server in servers)):
        (folder / name).mkdir(parents=True, exist_ok=True)
    key_file, ca_file = folder / "authority" / "key.pem", folder / "ca" / "ca.pem"
    authority = _read_certificate(ca_file)
    if authority is None or not key_file.exists() or _ends_soon(authority):
        key = generate_private_key(SECP256R1())
        authority = _authority(key)
        ca_file.unlink(missing_ok=True)
        _write(key_file, _as_pem(key), 0o600)
        _write(ca_file, authority.public_bytes(Encoding.PEM), 0o644)
        made.append("ca")
    key = _read_key(key_file)
    for server in servers:
        present = _read_certificate(folder / server.name / "cert.pem")
        if present is None or not _holds(present, authority, server):
            _certify(folder / server.name, server, key, authority)
            made.append(server.name)
    return made


def _authority(key: EllipticCurvePrivateKey) -> x509.Certificate:
    # Two authorities of the same name would be taken for one another.
    name = _named(f"Shanhai {secrets.token_hex(4)}")
    usage = dict.fromkeys(
        (
            *("digital_signature", "content_commitment", "key_encipherment", "data_encipherment"),
            *("key_agreement", "encipher_only", "decipher_only"),
        ),
        False,
    )
    builder = _builder(name, AUTHORITY_LASTS).issuer_name(name).public_key(key.public_key())
    return (
        builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.KeyUsage(**usage, key_cert_sign=True, crl_sign=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, SHA256())
    )


def _certify(
    folder: Path,
    server: CertifiedServer,
    authority_key: EllipticCurvePrivateKey,
    authority: x509.Certificate,
) -> None:
    key = generate_private_key(SECP256R1())
    builder = _builder(_named(server.hosts[0]), LASTS).issuer_name(authority.subject)
    certificate = (
        builder.public_key(key.public_key())
        .add_extension(x509.SubjectAlternativeName(list(_general_names(server))), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key()),
            critical=False,
        )
        .sign(authority_key, SHA256())
    )
    # Never a key beside the certificate of another: what breaks off here is made anew.
    (folder / "cert.pem").unlink(missing_ok=True)
    _write(folder / "key.pem", _as_pem(key), 0o600, server.owner)
    _write(folder / "cert.pem", certificate.public_bytes(Encoding.PEM), 0o644, server.owner)


def _builder(name: x509.Name, lasts: timedelta) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - BACKDATED)
        .not_valid_after(now + lasts)
    )


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name[:64])])


def _general_names(server: CertifiedServer) -> Iterator[x509.GeneralName]:
    for host in server.hosts:
        try:
            yield x509.IPAddress(ip_address(host))
        except ValueError:
            yield x509.DNSName(host)


def _holds(
    certificate: x509.Certificate, authority: x509.Certificate, server: CertifiedServer
) -> bool:
    """Whether it is by the authority, for the server's names, and lasts for a while."""
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return (
        certificate.issuer == authority.subject
        and set(names) == set(_general_names(server))
        and not _ends_soon(certificate)
    )


def _ends_soon(certificate: x509.Certificate) -> bool:
    return certificate.not_valid_after_utc - datetime.now(UTC) < RENEWED_BEFORE


def _read_certificate(path: Path) -> x509.Certificate | None:
    with suppress(FileNotFoundError), _ours(path):
        return x509.load_pem_x509_certificate(path.read_bytes())
    return None


def _read_key(path: Path) -> EllipticCurvePrivateKey:
    with _ours(path):
        key = load_pem_private_key(path.read_bytes(), None)
        if not isinstance(key, EllipticCurvePrivateKey):
            raise TypeError(type(key))
    return key


@contextmanager
def _ours(path: Path) -> Iterator[None]:
    try:
        yield
    except (TypeError, ValueError) as error:
        raise InvalidInput(
            f"{path} is nothing this command has made: remove it, and it is made anew",
            message_zh=f"{path} 不是本命令生成的文件：请将其移走，本命令会重新生成",
            pointer="DIR",
        ) from error


def _as_pem(key: EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _write(path: Path, content: bytes, mode: int, owner: int | None = None) -> None:
    """Write a file whole, or leave the one there is; nobody else reads it meanwhile."""
    with draft_of(path) as draft:
        draft.unlink(missing_ok=True)
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(content)
            os.fchmod(file.fileno(), mode)
            if owner is not None and owner != os.geteuid():
                os.fchown(file.fileno(), owner, -1)
            os.fsync(file.fileno())
