"""Limits of files: room for what GDAL writes, and what zips somebody has sent may hold."""

import lzma
import os
import stat
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from shanhai.errors import LimitExceeded
from shanhai.vocabulary import Label

PROBE_BYTES = 64 * 1024


@contextmanager
def proving_room(path: Path, *, copied: Path | None = None) -> Iterator[None]:
    """Have a file written in this context, and ask for a little more room behind it.

    GDAL tells a full disk like any write that failed, without the reason; and not at all when the
    disk fills up while the file is closed, which leaves a damaged one that looks finished.

    Args:
        path: The file that is written.
        copied: The file it is made from, which is larger. GDAL removes a copy that failed, so that
            there is room again: then room for all of it is asked for.

    Raises:
        OSError: ENOSPC, EDQUOT or EFBIG: the file is not whole.
    """
    try:
        yield
    except Exception:
        _ask(path, PROBE_BYTES if copied is None else copied.stat().st_size)
        raise
    _ask(path, PROBE_BYTES)


def _ask(path: Path, room: int) -> None:
    """Have the system find so many bytes more, or say why not; the file stays as it is."""
    made = not path.exists()
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        size = os.fstat(file).st_size
        try:
            os.posix_fallocate(file, size, room)
        finally:
            os.ftruncate(file, size)
    finally:
        os.close(file)
        if made:
            path.unlink()


@contextmanager
def draft_of(whole: Path, draft: Path | None = None) -> Iterator[Path]:
    """Where to write a file, whose name it gets once it is whole; beside it unless told otherwise.

    Raises:
        OSError: it cannot be written; told of the file, which a full disk does not name.
    """
    draft = draft or whole.with_name(f".{whole.name}.part")
    try:
        yield draft
        draft.replace(whole)
    except OSError as error:
        if error.filename in {None, str(draft)}:
            error.filename = str(whole)
        raise
    finally:
        draft.unlink(missing_ok=True)


BLOCK = 1024**2
ENCRYPTED = 0x1
UPLOAD = "/inputs/upload"
BROKEN_ZIP = (
    *(zipfile.BadZipFile, NotImplementedError, EOFError, OSError),
    *(zlib.error, lzma.LZMAError),
)
"""What `zipfile` raises of a zip that is damaged, or packed in a way it does not know."""


class Digest(Protocol):
    """What learns of each block that is unpacked."""

    def update(self, data: bytes, /) -> None:
        """Take in a block."""


@dataclass(frozen=True, slots=True)
class ZipLimits:
    """How much a zip may hold.

    Attributes:
        members: Entries of its directory.
        bytes: All its members unpacked.
        ratio: Bytes unpacked for each byte of the zip; a first block is always allowed.
    """

    members: int = 20_000
    bytes: int = 8 * 1024**3
    ratio: int = 200

    def room(self, zipped: int) -> int:
        """The bytes that a zip of so many bytes may unpack to."""
        return min(self.bytes, max(self.ratio * zipped, BLOCK))


def list_members(archive: zipfile.ZipFile, limits: ZipLimits) -> list[zipfile.ZipInfo]:
    """What the directory of a zip lists.

    Raises:
        LimitExceeded: it lists more than allowed.
    """
    listed = archive.infolist()
    if len(listed) > limits.members:
        raise LimitExceeded(
            f"the zip has {len(listed)} members; at most {limits.members} are taken",
            message_zh=f"压缩包有 {len(listed)} 个成员，上限为 {limits.members}",
            pointer=UPLOAD,
        )
    return listed


def why_not_plain(member: zipfile.ZipInfo) -> Label | None:
    """Why a member is no plain file or folder, if it is none."""
    if stat.S_ISLNK(member.external_attr >> 16):
        return Label("是链接", "is a link")
    if member.flag_bits & ENCRYPTED:
        return Label("已加密", "is encrypted")
    return None


def unpack_member(
    archive: zipfile.ZipFile,
    member: zipfile.ZipInfo,
    target: Path,
    room: int,
    digest: Digest | None = None,
) -> int:
    """Unpack a member to a new file; its size.

    What really comes out is counted, whatever the header promises.

    Raises:
        LimitExceeded: it unpacks to more than there is room for.
    """
    size = 0
    with archive.open(member) as packed, target.open("xb") as file:
        while block := packed.read(BLOCK):
            size += len(block)
            if size > room:
                raise LimitExceeded(
                    "the zip unpacks to more than is allowed for its size",
                    message_zh="压缩包解压后超出允许的大小",
                    pointer=UPLOAD,
                )
            if digest is not None:
                digest.update(block)
            file.write(block)
    return size
