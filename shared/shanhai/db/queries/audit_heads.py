"""Signed heads of the audit chain, kept outside the database: a file with one JSON object a line.

Who can change the database can make a whole new chain, but neither the signatures of the heads that
were written nor the hashes in them.
"""

import base64
import os
from datetime import UTC, datetime
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from pydantic import BaseModel, ValidationError

from shanhai.db.queries.audit_chain import AuditBroken, Head
from shanhai.errors import InvalidInput

Pem = serialization.Encoding.PEM


class SignedHead(BaseModel, frozen=True, extra="forbid"):
    """A head of the chain at a moment, and the signature of both (Ed25519, base64)."""

    at: datetime
    seq: int
    rows: int
    hash: str
    signature: str = ""

    @property
    def head(self) -> Head:
        """The link itself."""
        return Head(self.seq, self.hash, self.rows)

    def signed_bytes(self) -> bytes:
        """What the signature is made of."""
        at = self.at.astimezone(UTC).isoformat()
        return f"shanhai audit head\n{at}\n{self.seq}\n{self.rows}\n{self.hash}".encode()


def make_signing_key(path: Path) -> str:
    """Write a new private key to a file for its owner alone; the public key as PEM.

    Raises:
        FileExistsError: there is such a file.
    """
    key = Ed25519PrivateKey.generate()
    private = key.private_bytes(
        Pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(private)
    public = serialization.PublicFormat.SubjectPublicKeyInfo
    return key.public_key().public_bytes(Pem, public).decode()


def read_signing_key(path: Path) -> Ed25519PrivateKey:
    """The private key in a file.

    Raises:
        InvalidInput: the file holds none of that kind.
    """
    try:
        key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    except ValueError:
        key = None
    if not isinstance(key, Ed25519PrivateKey):
        raise _no_key(path, "SHANHAI_AUDIT_KEY_FILE")
    return key


def read_public_key(path: Path) -> Ed25519PublicKey:
    """The public key in a file.

    Raises:
        InvalidInput: the file holds none of that kind.
    """
    try:
        key = serialization.load_pem_public_key(path.read_bytes())
    except ValueError:
        key = None
    if not isinstance(key, Ed25519PublicKey):
        raise _no_key(path, "--public-key")
    return key


def add_head(path: Path, head: Head, key: Ed25519PrivateKey) -> SignedHead:
    """Sign a head and add it to a file, durably."""
    bare = SignedHead(at=datetime.now(UTC), seq=head.seq, rows=head.rows, hash=head.hash)
    signature = base64.b64encode(key.sign(bare.signed_bytes())).decode()
    signed = bare.model_copy(update={"signature": signature})
    path.parent.mkdir(parents=True, exist_ok=True)
    # In one write at the end of the file: several workers may add to it.
    with path.open("ab", buffering=0) as file:
        file.write(signed.model_dump_json().encode() + b"\n")
        os.fsync(file.fileno())
    return signed


def read_heads(path: Path, key: Ed25519PublicKey) -> list[SignedHead]:
    """The heads in a file, each with a right signature; none when there is no file.

    Raises:
        AuditBroken: a line is no head, or was not signed with the key.
    """
    if not path.exists():
        return []
    heads = []
    for number, line in enumerate(path.read_bytes().splitlines(), start=1):
        try:
            head = SignedHead.model_validate_json(line)
            key.verify(base64.b64decode(head.signature), head.signed_bytes())
        except (ValidationError, InvalidSignature, ValueError):
            raise AuditBroken(
                f"{path}, line {number}: is no head signed with the key",
                message_zh=f"{path} 第 {number} 行不是以该密钥签名的链头",
            ) from None
        heads.append(head)
    return heads


def _no_key(path: Path, pointer: str) -> InvalidInput:
    return InvalidInput(
        f"{path} does not hold an Ed25519 key in PEM",
        message_zh=f"{path} 中没有 PEM 格式的 Ed25519 密钥",
        pointer=pointer,
    )
