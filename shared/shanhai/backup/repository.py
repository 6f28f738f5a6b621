"""The folder or bucket a backup lies in, and the result files in it, each copied once.

    bases/<name>/base.tar.gz.age   the database's files, as of the end of the base backup
    bases/<name>/manifest.json     what belongs to it; written last: without it there is none
    wal/<segment>.gz.age           write-ahead log
    wal/<segment>.begun.gz.age     its last file, as far as it was received; written anew
    objects/ab/<sha256>….age       result files, named as in the artifact store
    cluster                        which cluster of PostgreSQL all this is of

Files for a key of SM2 end with `.sm4` in place of `.age`; a folder may have both.

Nothing else is ever changed in place, so the folder can be copied elsewhere at any moment by
whatever copies files, objects and wal first.
"""

import gzip
import io
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Generic, Literal, TypeAlias

import structlog
from pydantic import BaseModel, ValidationError

from shanhai.backup.encryption import (
    AGE,
    SUFFIXES,
    BackupBroken,
    BackupIdentity,
    Digesting,
    Recipient,
    seal,
    stored,
    unseal,
)
from shanhai.backup.place import BucketPath, P, Place, writing
from shanhai.errors import Conflict, InvalidInput, NotFound
from shanhai.storage.artifacts import BLOCK, URI, ArtifactStore, suffix_of
from shanhai.storage.fetched import Damaged

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

SEGMENT = re.compile(r"[0-9A-F]{24}")
HISTORY = re.compile(r"[0-9A-F]{8}\.history")
FORMER = re.compile(r"^\s*(\d+)\s+([0-9A-F]+)/([0-9A-F]+)", re.MULTILINE)
"""A line of a history: a former timeline, and the place where the next one leaves it."""
NAME_FORMAT = "%Y%m%dT%H%M%S.%fZ"
"""Of a base backup, by the moment it began (UTC)."""
BASE, MANIFEST = "base.tar.gz.age", "manifest.json"
WAL_SUFFIX = f".gz{AGE}"
WAL_FILE = re.compile(r"([0-9A-F]{24}|[0-9A-F]{8}\.history)\.gz(\.age|\.sm4)")
BEGUN = ".begun"
BEGUN_FILE = re.compile(r"([0-9A-F]{24})\.begun\.gz(\.age|\.sm4)")


class BackupManifest(BaseModel, frozen=True, extra="forbid"):
    """What a base backup consists of.

    Attributes:
        began_at: Time of the database before the backup.
        ended_at: After it: the earliest moment that can be restored from it.
        first_segment: A segment of the log at or before the first that is needed.
        last_segment: One at or after the last that is needed.
        segment_bytes: Size of a segment.
        sha256: Of the encrypted base.
        objects: Result files there were, with the size of each before it was encrypted.
        damaged: Those left out, as their content was not what their names say.
        settings: Of the server, those that one that reads its log must have at least.
    """

    format: Literal[1] = 1
    name: str
    began_at: datetime
    ended_at: datetime
    database_version: str
    system_identifier: str
    revision: str | None
    software: str
    first_segment: str
    last_segment: str
    segment_bytes: int
    sha256: str
    bytes: int
    objects: Mapping[str, int]
    damaged: frozenset[str] = frozenset()
    settings: Mapping[str, str] = {}


class BackupFolder(Generic[P]):
    """A folder of backups, or a prefix of a bucket."""

    def __init__(self, root: P) -> None:
        self.root: P = root
        self.bases: P = root / "bases"
        self.wal: P = root / "wal"
        self.objects: P = root / "objects"

    def base(self, name: str) -> P:
        """Where a base backup lies."""
        return self.bases / name

    def database(self, name: str) -> P:
        """Where its files of the database lie."""
        return stored(self.base(name) / BASE)

    def object(self, uri: str) -> P:
        """Where a result file lies, by its address in the artifact store (`objects/ab/…`)."""
        return stored(self.root / f"{uri}{AGE}")

    def segment(self, name: str) -> P:
        """Where a file of the write-ahead log lies."""
        return stored(self.wal / f"{name}{WAL_SUFFIX}")

    def begun(self) -> dict[str, P]:
        """Segments that were not whole when they were archived, by name; the newest file of each.

        After a change of the key there is one for either key, until the segment is whole.
        """
        files = sorted(self.wal.glob(f"*{BEGUN}.gz.*"), key=lambda path: path.stat().st_mtime)
        named = ((BEGUN_FILE.fullmatch(path.name), path) for path in files)
        return {match[1]: path for match, path in named if match is not None}

    def forget_begun(self, name: str) -> None:
        """Remove what there was of a segment before it was whole."""
        for suffix in SUFFIXES:
            (self.wal / f"{name}{BEGUN}.gz{suffix}").unlink(missing_ok=True)

    def manifests(self) -> list[BackupManifest]:
        """The base backups, the oldest first.

        Raises:
            BackupBroken: a manifest cannot be read.
        """
        found = [_read(path) for path in self.bases.glob(f"*/{MANIFEST}")]
        return sorted(found, key=lambda manifest: manifest.ended_at)

    def segments(self) -> set[str]:
        """Names of the archived segments, histories of timelines left out."""
        return {name for name in self.wal_files() if SEGMENT.fullmatch(name)}

    def wal_files(self) -> list[str]:
        """Names of all that was archived of the log, segments and histories."""
        found = (WAL_FILE.fullmatch(path.name) for path in self.wal.glob("*"))
        return sorted({match[1] for match in found if match is not None})

    def object_uris(self) -> set[str]:
        """Addresses of the result files that were backed up."""
        found = (path for path in self.objects.glob("*/*") if path.suffix in SUFFIXES)
        return {path.relative_to(self.root).with_suffix("").as_posix() for path in found}

    def choose(self, to: datetime | None) -> list[BackupManifest]:
        """The base backups that ended before a moment, the oldest first.

        Raises:
            NotFound: there is none at all.
            InvalidInput: the moment lies before the first.
        """
        manifests = self.manifests()
        if not manifests:
            raise NotFound(
                f"there is no base backup in {self.root}", message_zh=f"{self.root} 中没有基础备份"
            )
        fitting = [one for one in manifests if to is None or one.ended_at <= to]
        if not fitting:
            first = manifests[0].ended_at.isoformat()
            raise InvalidInput(
                f"the first backup ended at {first}: no earlier moment can be restored",
                message_zh=f"最早的备份完成于 {first}，无法恢复到更早的时刻",
                pointer="--to",
            )
        return fitting

    def claim(self, system_identifier: str) -> None:
        """Note which cluster the folder is of, the first time; segments of two have equal names.

        Raises:
            Conflict: it is of another one.
        """
        note = self.root / "cluster"
        if not note.exists():
            with writing(note) as file:
                file.write(f"{system_identifier}\n".encode())
        if note.read_bytes().decode().strip() != system_identifier:
            raise Conflict(
                f"{self.root} holds the backups of another cluster of PostgreSQL",
                message_zh=f"{self.root} 中是另一个 PostgreSQL 集群的备份",
            )


AnyFolder: TypeAlias = BackupFolder[Path] | BackupFolder[BucketPath]


def segment_number(name: str, segment_bytes: int) -> int:
    """The place of a segment in the log, whatever its timeline."""
    per_file = 2**32 // segment_bytes
    return int(name[8:16], 16) * per_file + int(name[16:24], 16)


@dataclass(frozen=True, slots=True)
class Timeline:
    """A timeline, the last of `begins`, with those it came of.

    Attributes:
        begins: The number of the first segment of each.
    """

    begins: Mapping[int, int]
    segment_bytes: int

    def holds(self, name: str) -> bool:
        """Whether a segment leads to it; what others wrote after they parted does not."""
        number, own = segment_number(name, self.segment_bytes), int(name[:8], 16)
        begun = (one for one, first in self.begins.items() if first <= number)
        return own == max(begun, default=own)


def timeline_at(
    folder: AnyFolder, to: datetime | None, identity: BackupIdentity | None
) -> Timeline:
    """The newest timeline that had begun at a moment; None: of all that wrote log or have a base.

    One begins when its history is archived or, without that, with its first base. Histories are
    encrypted: without the key each timeline is taken to leave the others at its first file.
    """
    bases, files = folder.choose(to), set(folder.wal_files())
    size = bases[0].segment_bytes
    written = [name for name in files | folder.begun().keys() if SEGMENT.fullmatch(name)]
    firsts = {int(name[:8], 16): segment_number(name, size) for name in sorted(written)[::-1]}
    begun = {int(one.first_segment[:8], 16) for one in bases}
    for one in firsts:
        history = folder.segment(f"{one:08X}.history")
        if history.exists() and (to is None or history.stat().st_mtime <= to.timestamp()):
            begun.add(one)
    newest = max(begun)
    if identity is None:
        return Timeline({one: at for one, at in firsts.items() if one <= newest}, size)
    begins, first, history = dict[int, int](), 0, folder.segment(f"{newest:08X}.history")
    if history.exists():
        packed = io.BytesIO()
        unseal(history, packed, identity)
        for former, high, low in FORMER.findall(gzip.decompress(packed.getvalue()).decode()):
            begins[int(former)] = first
            first = (int(high, 16) << 32 | int(low, 16)) // size
    return Timeline({**begins, newest: first}, size)


def _read(path: Place) -> BackupManifest:
    try:
        return BackupManifest.model_validate_json(path.read_bytes())
    except ValidationError as error:
        raise BackupBroken(
            f"{path} is not the manifest of a backup", message_zh=f"{path} 不是备份清单"
        ) from error


def copy_objects(
    store: ArtifactStore,
    folder: AnyFolder,
    recipient: Recipient,
    known: dict[str, float],
) -> tuple[dict[str, int], set[str]]:
    """Back up the files that are not there yet; all that there are, with sizes, and the damaged.

    A file removed from the store meanwhile is left out: nothing referred to it. So is one whose
    content is not what its name says: a restore would break on it.

    Args:
        store: Where they are.
        folder: Where to.
        recipient: Whom they are encrypted for.
        known: When each file was stored last that has been looked for in the folder; it grows.
            A file that was pruned and is stored again is looked for again.
    """
    found, damaged = dict[str, int](), set[str]()
    for file in store.files():
        if known.get(file.uri) != file.modified:
            target = folder.object(file.uri)
            try:
                if not target.exists():
                    with store.open(file.uri) as source:
                        shutil.copyfileobj(source, seen := Digesting(), BLOCK)
                        if seen.digest.hexdigest() not in file.uri:
                            raise Damaged.named(file.uri, "its content is not what its name says")
                        source.seek(0)
                        seal(source, target, recipient)
            except (FileNotFoundError, NotFound):
                continue
            except Damaged:
                damaged.add(file.uri)
            known[file.uri] = file.modified
        if file.uri not in damaged:
            found[file.uri] = file.bytes
    return found, damaged


def put_back_objects(
    folder: AnyFolder, store: ArtifactStore, identity: BackupIdentity
) -> tuple[int, int, list[str]]:
    """Restore the files an artifact store lacks, each checked against its name.

    Returns:
        How many, their bytes, and those that are not what their names say, which are left out.
    """
    number = total = 0
    broken = []
    for uri in sorted(folder.object_uris()):
        if store.has(uri):
            continue
        aside = store.scratch()
        try:
            with aside.open("xb") as file:
                size = open_object(folder, uri, identity, Digesting(file))
            store.put(aside, suffix=suffix_of(uri))
        except BackupBroken as error:
            broken.append(uri)
            log.error("a result file is not restored", reason=error.message)
            continue
        finally:
            aside.unlink(missing_ok=True)
        number, total = number + 1, total + size
    return number, total, broken


def open_object(folder: AnyFolder, uri: str, identity: BackupIdentity, target: Digesting) -> int:
    """Decrypt a file and compare it with its name; its size.

    Raises:
        BackupBroken: it is not what its name says.
    """
    unseal(folder.object(uri), target, identity)
    match = URI.fullmatch(uri)
    if match is None or target.digest.hexdigest() != match[2]:
        raise BackupBroken(
            f"{folder.object(uri)} does not hold the file of that name",
            message_zh=f"{folder.object(uri)} 的内容与名称不符",
        )
    return target.size
