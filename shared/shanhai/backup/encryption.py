"""Files of backups, encrypted for a public key, whole or not there at all.

Who makes backups needs the public key alone, so a machine that is broken into gives away nothing
that was backed up before. For a key `age1…` files are in the format age
(https://age-encryption.org/v1), which the program `age` reads, too. For a key `sm2-…` they are of
this form, made of SM2 and SM4-GCM as age is of its parts:

    shanhai-sm4\\n           12 bytes
    length of the next        2 bytes, big-endian
    key of the file           16 bytes, encrypted by SM2 (DER)
    portions of 64 KiB        SM4-GCM, each with its tag of 16 bytes; the last may be shorter

The nonce of a portion is its number (11 bytes, from 0) and a byte that is 1 in the last one alone;
all before the portions is told again with each of them.
"""

import base64
import hashlib
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Protocol, TypeAlias

import pyrage
from cryptography.exceptions import InvalidTag

from shanhai import crypto
from shanhai.backup.place import P, Place, writing
from shanhai.errors import InvalidInput, ShanhaiError, Unavailable
from shanhai.settings import Suite
from shanhai.vocabulary import Label

AGE, SM4 = ".age", ".sm4"
SUFFIXES = (AGE, SM4)
"""What the names of encrypted files end with."""
SM2_NAME = "sm2-"
_MAGIC = b"shanhai-sm4\n"
_PORTION = 64 * 1024
_KEY_BYTES = 16
Recipient: TypeAlias = pyrage.x25519.Recipient | crypto.Sm2PublicKey
"""Whom files are encrypted for."""


class BackupBroken(ShanhaiError):
    """A backup is not as it was written, not whole, or of another key."""

    title = Label("备份无法使用", "Backup cannot be used")


@dataclass(frozen=True, slots=True)
class Sealed:
    """An encrypted file as it was written: where it lies, its SHA-256 and size there."""

    path: Place
    sha256: str
    size: int


class PlaintextSink(Protocol):
    """What decrypted bytes are written to."""

    def write(self, data: bytes, /) -> int:
        """Take bytes; how many."""
        ...

    def flush(self) -> None:
        """Pass on what was taken."""
        ...


@dataclass(slots=True)
class Digesting:
    """A writer that notes the SHA-256 and the number of what passes, and may pass it on."""

    target: IO[bytes] | None = None
    digest: "hashlib._Hash" = field(default_factory=hashlib.sha256)
    size: int = 0

    def write(self, data: bytes, /) -> int:
        """Pass bytes on."""
        self.digest.update(data)
        self.size += len(data)
        if self.target is not None:
            self.target.write(data)
        return len(data)

    def flush(self) -> None:
        """Pass on what was taken."""
        if self.target is not None:
            self.target.flush()


@dataclass(frozen=True, slots=True)
class BackupIdentity:
    """Secret keys of each kind; several where a key was replaced and the former one is kept."""

    age: Sequence[pyrage.x25519.Identity] = ()
    sm2: Sequence[crypto.Sm2PrivateKey] = ()


def make_identity(path: Path, suite: Suite | None = None) -> str:
    """Write a new secret key to a file that only its owner can read; the public key.

    Args:
        suite: What the key is for; None: the suite chosen.

    Raises:
        FileExistsError: there is such a file: the key of earlier backups is never overwritten.
    """
    if (suite or crypto.chosen_suite()) == "commercial":
        key = crypto.Sm2PrivateKey.generate()
        public, secret = name_of_key(key.public_key()), key.pem().decode()
    else:
        identity = pyrage.x25519.Identity.generate()
        public, secret = str(identity.to_public()), f"{identity}\n"
    crypto.write_new(path, f"# public key: {public}\n{secret}".encode())
    return public


def name_of_key(key: crypto.Sm2PublicKey) -> str:
    """A public key in one word: `sm2-` and both coordinates in base64 for URLs."""
    return SM2_NAME + base64.urlsafe_b64encode(key.point).decode().rstrip("=")


def read_recipient(public: str) -> Recipient:
    """The public key that files are encrypted for.

    Raises:
        InvalidInput: it is none.
    """
    try:
        if public.startswith(SM2_NAME):
            given = public.removeprefix(SM2_NAME) + "=="
            return crypto.Sm2PublicKey(base64.b64decode(given, altchars=b"-_", validate=True))
        return pyrage.x25519.Recipient.from_str(public)
    except (pyrage.RecipientError, ValueError, crypto.NoKey) as error:
        raise InvalidInput(
            "SHANHAI_BACKUP_RECIPIENT must be a public key `age1…` or `sm2-…`, as"
            " `shanhai db key` prints it",
            message_zh="SHANHAI_BACKUP_RECIPIENT 须为 `shanhai db key` 给出的公钥 `age1…` 或"
            " `sm2-…`",
            pointer="SHANHAI_BACKUP_RECIPIENT",
        ) from error


_SM2_KEY = re.compile(r"-----BEGIN PRIVATE KEY-----.*?-----END PRIVATE KEY-----", re.DOTALL)


def read_identity(path: Path) -> BackupIdentity:
    """The secret keys in a file, whatever else is in it, as what `db key` printed.

    Raises:
        InvalidInput: the file holds none, or is closed to us. What it holds is not told.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except PermissionError as error:
        raise InvalidInput(
            f"{path} may not be read by account {os.geteuid()}, which this runs as: let it",
            message_zh=f"{path} 不允许账户 {os.geteuid()}（本进程）读取：请将文件属主改为该账户",
            pointer="SHANHAI_BACKUP_IDENTITY_FILE",
        ) from error
    sm2 = [crypto.parse_private_key(found.encode()) for found in _SM2_KEY.findall(text)]
    lines = (line.strip() for line in _SM2_KEY.sub("", text).splitlines())
    secrets = [line for line in lines if line.startswith("AGE-SECRET-KEY-")]
    try:
        age = [pyrage.x25519.Identity.from_str(secret) for secret in secrets]
    except pyrage.IdentityError:
        age, sm2 = [], []
    found = BackupIdentity(age, [key for key in sm2 if isinstance(key, crypto.Sm2PrivateKey)])
    if not (found.age or found.sm2):
        raise InvalidInput(
            f"{path} does not hold a secret key `AGE-SECRET-KEY-…`, nor one of SM2 in PEM",
            message_zh=f"{path} 中没有私钥 `AGE-SECRET-KEY-…`，也没有 PEM 格式的 SM2 私钥",
            pointer="SHANHAI_BACKUP_IDENTITY_FILE",
        )
    return found


def seal(source: IO[bytes], target: Place, recipient: Recipient) -> Sealed:
    """Encrypt a stream into a file, durably; the file appears when it is whole.

    Its name is that of `target`, with the suffix of what the recipient reads in place of another.

    Whatever must be known before the file counts (that the program whose output is read ended
    well, say) is to be checked by sealing to another name first.
    """
    target = target.with_suffix(SM4 if isinstance(recipient, crypto.Sm2PublicKey) else AGE)
    with writing(target) as file:
        digesting = Digesting(file)
        if isinstance(recipient, crypto.Sm2PublicKey):
            _encrypt(source, digesting, recipient)
        else:
            try:
                pyrage.encrypt_io(source, digesting, [recipient])
            except pyrage.EncryptError as error:
                raise Unavailable(
                    f"{target} cannot be written: {error}", message_zh=f"无法写入 {target}：{error}"
                ) from error
    return Sealed(target, digesting.digest.hexdigest(), digesting.size)


def stored(target: P) -> P:
    """Where a file lies that may have either suffix; `target` where there is none."""
    found = (target.with_suffix(suffix) for suffix in SUFFIXES)
    return next((path for path in found if path.exists()), target)


def unseal(path: Place, target: PlaintextSink, identity: BackupIdentity) -> None:
    """Decrypt a file into a stream; what was written before an error must be thrown away.

    Raises:
        BackupBroken: the file was changed or cut short, or is for another key.
    """
    try:
        with path.open("rb") as file:
            if path.suffix == SM4:
                _decrypt(file, target, identity.sm2)
            elif not identity.age:
                raise _not_given("age1…")
            else:
                pyrage.decrypt_io(file, target, identity.age)
    except (pyrage.DecryptError, _Unreadable, OSError) as error:
        # age tells what it does not read without an error of the system, and in English.
        reason = getattr(error, "message_zh", getattr(error, "strerror", None)) or _CHANGED.zh
        raise BackupBroken(
            f"{path} cannot be decrypted with the key of SHANHAI_BACKUP_IDENTITY_FILE: {error}",
            message_zh=f"无法用 SHANHAI_BACKUP_IDENTITY_FILE 的密钥解密 {path}：{reason}",
        ) from error


class _Unreadable(ShanhaiError):
    """Not of this form, changed, cut short, or for another key."""


_CHANGED = Label(
    "已被改动、不完整，或以其他密钥加密", "it was changed or cut short, or is for another key"
)


def _not_given(key: str) -> _Unreadable:
    return _Unreadable(
        f"it is for a key `{key}`, whose secret key is not given",
        message_zh=f"以公钥 `{key}` 加密，但未给出对应的私钥",
    )


def _encrypt(source: IO[bytes], target: Digesting, recipient: crypto.Sm2PublicKey) -> None:
    key = os.urandom(_KEY_BYTES)
    wrapped = recipient.encrypt(key)
    head = _MAGIC + len(wrapped).to_bytes(2, "big") + wrapped
    target.write(head)
    for nonce, portion in _portions(source, _PORTION):
        target.write(crypto.sm4_close(key, nonce, portion, head))


def _decrypt(
    source: IO[bytes], target: PlaintextSink, keys: Sequence[crypto.Sm2PrivateKey]
) -> None:
    if not keys:
        raise _not_given("sm2-…")
    head = source.read(len(_MAGIC) + 2)
    wrapped = source.read(int.from_bytes(head[-2:], "big"))
    if not head.startswith(_MAGIC):
        raise _Unreadable("it is not of this form", message_zh="不是这种格式的文件")
    file_key = b""  # refused below, where no key fits
    for key in keys:
        with suppress(InvalidTag, ValueError):
            file_key = key.decrypt(wrapped)
    try:
        for nonce, portion in _portions(source, _PORTION + crypto.TAG_BYTES):
            target.write(crypto.sm4_open(file_key, nonce, portion, head + wrapped))
    except (InvalidTag, ValueError):
        raise _Unreadable(_CHANGED.en, message_zh=_CHANGED.zh) from None
    target.flush()


def _portions(source: IO[bytes], size: int) -> Iterator[tuple[bytes, bytes]]:
    """The portions of a stream, each with its nonce; at least one, which may be empty."""
    number, portion = 0, _read(source, size)
    while True:
        following = _read(source, size) if len(portion) == size else b""
        yield number.to_bytes(11, "big") + bytes([not following]), portion
        if not following:
            return
        number, portion = number + 1, following


def _read(source: IO[bytes], size: int) -> bytes:
    """So many bytes, or what there is to the end: pipes give less at a time."""
    parts: list[bytes] = []
    left = size
    while left and (part := source.read(left)):
        parts.append(part)
        left -= len(part)
    return b"".join(parts)
