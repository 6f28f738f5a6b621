"""Files encrypted in the format age (https://age-encryption.org/v1), whole or not there at all.

Who makes backups needs the public key alone, so a machine that is broken into gives away nothing
that was backed up before. The program `age` reads the files, too.
"""

import hashlib
import os
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Protocol

import pyrage

from shanhai.errors import InvalidInput, ShanhaiError
from shanhai.storage.artifacts import sync_folder

SUFFIX = ".age"
PARTIAL = ".partial"


class BackupBroken(ShanhaiError):
    """A backup is not as it was written, or not whole."""

    title = "Backup broken"
    title_zh = "备份已损坏"


@dataclass(frozen=True, slots=True)
class Sealed:
    """An encrypted file as it was written: SHA-256 and size of what lies on the disk."""

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


def make_identity(path: Path) -> str:
    """Write a new secret key to a file that only its owner can read; the public key.

    Raises:
        FileExistsError: there is such a file: the key of earlier backups is never overwritten.
    """
    identity = pyrage.x25519.Identity.generate()
    public = str(identity.to_public())
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(f"# public key: {public}\n{identity}\n")
    return public


def read_recipient(public: str) -> pyrage.x25519.Recipient:
    """The public key that files are encrypted for.

    Raises:
        InvalidInput: it is none.
    """
    try:
        return pyrage.x25519.Recipient.from_str(public)
    except pyrage.RecipientError as error:
        raise InvalidInput(
            "SHANHAI_BACKUP_RECIPIENT must be a public key `age1…`, as `shanhai db key` prints it",
            message_zh="SHANHAI_BACKUP_RECIPIENT 须为 `shanhai db key` 给出的公钥 `age1…`",
            pointer="SHANHAI_BACKUP_RECIPIENT",
        ) from error


def read_identity(path: Path) -> pyrage.x25519.Identity:
    """The secret key in a file; lines that begin with `#` are comments.

    Raises:
        InvalidInput: the file holds none. What it holds is not told.
    """
    lines = (line.strip() for line in path.read_text(encoding="utf-8").splitlines())
    secret = next((line for line in lines if line and not line.startswith("#")), "")
    try:
        return pyrage.x25519.Identity.from_str(secret)
    except pyrage.IdentityError as error:
        raise InvalidInput(
            f"{path} does not hold a secret key `AGE-SECRET-KEY-…`",
            message_zh=f"{path} 中没有私钥 `AGE-SECRET-KEY-…`",
            pointer="SHANHAI_BACKUP_IDENTITY_FILE",
        ) from error


def seal(source: IO[bytes], target: Path, recipient: pyrage.x25519.Recipient) -> Sealed:
    """Encrypt a stream into a file, durably; the file appears when it is whole.

    Whatever must be known before the file counts (that the program whose output is read ended
    well, say) is to be checked by sealing to another name first.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    aside = target.with_name(f"{uuid.uuid4().hex}{PARTIAL}")
    try:
        with aside.open("xb") as file:
            digesting = Digesting(file)
            pyrage.encrypt_io(source, digesting, [recipient])
            file.flush()
            os.fsync(file.fileno())
        aside.rename(target)
    finally:
        aside.unlink(missing_ok=True)
    sync_folder(target.parent)
    return Sealed(digesting.digest.hexdigest(), digesting.size)


def unseal(path: Path, target: PlaintextSink, identity: pyrage.x25519.Identity) -> None:
    """Decrypt a file into a stream; what was written before an error must be thrown away.

    Raises:
        BackupBroken: the file was changed or cut short, or is for another key.
    """
    try:
        with path.open("rb") as file:
            pyrage.decrypt_io(file, target, [identity])
    except (pyrage.DecryptError, OSError) as error:
        raise BackupBroken(
            f"{path} cannot be decrypted: {error}", message_zh=f"无法解密 {path}：{error}"
        ) from error
