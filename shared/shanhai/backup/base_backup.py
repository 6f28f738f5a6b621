"""Base backups: taken, verified, and pruned when they are old enough."""

import gzip
import io
import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from shanhai import __version__
from shanhai.backup.encryption import (
    BackupBroken,
    BackupIdentity,
    Digesting,
    Recipient,
    Sealed,
    seal,
    unseal,
)
from shanhai.backup.place import PARTIAL, Place, alone, remove_tree, writing
from shanhai.backup.repository import (
    BASE,
    MANIFEST,
    NAME_FORMAT,
    SEGMENT,
    AnyFolder,
    BackupManifest,
    copy_objects,
    open_object,
    segment_number,
    timeline_at,
)
from shanhai.backup.server import (
    RIGHT,
    Mark,
    PostgresServer,
    ServerPosition,
    find_program,
    note,
    read_position,
)
from shanhai.errors import Conflict, Unavailable
from shanhai.storage.artifacts import BLOCK, ArtifactStore
from shanhai.vocabulary import Label

# One stream, and in it the log the files need, so that a base can be restored by itself.
OPTIONS = (
    *("--pgdata=-", "--format=tar", "--wal-method=fetch", "--checkpoint=fast"),
    *("--compress=client-gzip:1", "--no-password", "--label=shanhai"),
)
TASK = "backup"


async def take_backup(
    folder: AnyFolder, *, url: str, store: ArtifactStore, recipient: Recipient
) -> BackupManifest:
    """Back up the database and the result files it refers to; only what is new of the latter.

    Args:
        folder: Where to.
        url: The database, with an account that may replicate.
        store: Where result files are.
        recipient: Whom everything is encrypted for.

    Raises:
        Conflict: another backup is being made there, the folder is of another cluster, or the store
            is empty and was not before.
        Unavailable: the database does not answer, or `pg_basebackup` failed.
    """
    with alone(folder.root, TASK):
        _clear_partial(folder)
        before = await read_position(url)
        folder.claim(before.system_identifier)
        if not any(store.files()) and any(one.objects for one in folder.manifests()):
            raise Conflict(
                "the store of result files is empty, and was not at an earlier backup: is it"
                " there? An empty one is backed up into a new folder",
                message_zh="结果文件存储为空，而以前的备份中有文件：存储是否已挂载？"
                "确要备份空的存储，请换一个备份文件夹",
            )
        place = folder.base(before.at.astimezone(UTC).strftime(NAME_FORMAT))
        try:
            base = _copy_database(url, place / BASE, recipient)
            after = await read_position(url)
            # After the database: files are stored before the rows that name them.
            objects, damaged = copy_objects(store, folder, recipient, {})
            manifest = _manifest(place.name, before, after, base, objects)
            manifest = manifest.model_copy(update={"damaged": frozenset(damaged)})
            _write(place / MANIFEST, manifest)
        except BaseException:
            _drop(place)
            raise
    await note(url, Mark("base", manifest.ended_at, {"name": manifest.name}))
    return manifest


def _manifest(
    name: str, before: ServerPosition, after: ServerPosition, base: Sealed, objects: dict[str, int]
) -> BackupManifest:
    if before.system_identifier != after.system_identifier:
        raise BackupBroken(
            "the server was exchanged while it was backed up", message_zh="备份期间服务器被更换"
        )
    return BackupManifest(
        name=name,
        began_at=before.at,
        ended_at=after.at,
        database_version=after.version,
        system_identifier=after.system_identifier,
        revision=after.revision,
        software=__version__,
        first_segment=before.segment,
        last_segment=after.segment,
        segment_bytes=after.segment_bytes,
        sha256=base.sha256,
        bytes=base.size,
        objects=objects,
        settings=before.settings,
    )


def _write(path: Place, manifest: BackupManifest) -> None:
    with writing(path) as file:
        # A release that knows of no damaged files reads a manifest without any.
        unsaid = None if manifest.damaged else {"damaged"}
        file.write(manifest.model_dump_json(indent=1, exclude=unsaid).encode())


def _copy_database(url: str, target: Place, recipient: Recipient) -> Sealed:
    server = PostgresServer.at(url)
    command = [find_program("pg_basebackup"), f"--dbname={server.address}", *OPTIONS]
    with (
        tempfile.TemporaryFile() as said,
        subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=said, env=server.environment
        ) as program,
    ):
        assert program.stdout is not None  # noqa: S101  (opened as a pipe)
        try:
            sealed = seal(program.stdout, target, recipient)
        except BaseException:
            program.kill()
            raise
        if program.wait() != 0:
            said.seek(0)
            reason = " ".join(said.read().decode(errors="replace").split())
            need = RIGHT if re.search("(?i)replication|walsender|复制", reason) else Label("", "")
            raise Unavailable(
                f"pg_basebackup failed: {reason}{need.en}",
                message_zh=f"pg_basebackup 失败：{reason}{need.zh}",
            )
    return sealed


def _clear_partial(folder: AnyFolder) -> None:
    """Remove what a backup left that was killed: a base without manifest is none.

    Before this release bases were made, and removed, under another name.
    """
    whole = {path.parent.name for path in folder.bases.glob(f"*/{MANIFEST}")}
    for name in {path.parent.name for path in folder.bases.glob("*/*")}:
        if name not in whole or name.endswith(PARTIAL):
            remove_tree(folder.base(name))


@dataclass(frozen=True, slots=True)
class Pruned:
    """How much was removed of each kind."""

    bases: int
    segments: int
    objects: int


def prune(folder: AnyFolder, *, store: ArtifactStore, keep_days: float, now: datetime) -> Pruned:
    """Remove bases that no moment of the last `keep_days` is restored from, and what they needed.

    The newest base that is older than that stays, for the first of those days need it. Of the log
    goes what lies before the oldest base kept; of the result files those that are in no base kept,
    not in the store any more, and were backed up before the oldest base kept began.

    Raises:
        NotFound: there is no backup at all.
        Conflict: a backup is being made there.
    """
    folder.choose(None)
    with alone(folder.root, TASK):
        manifests = folder.manifests()
        oldest = _oldest_kept(manifests, now - timedelta(days=keep_days))
        kept = [one for one in manifests if one.ended_at >= oldest.ended_at]
        dropped = [one for one in manifests if one.ended_at < oldest.ended_at]
        for manifest in dropped:
            _drop(folder.base(manifest.name))
        return Pruned(
            len(dropped), _prune_log(folder, oldest), _prune_objects(folder, store, oldest, kept)
        )


def _oldest_kept(manifests: list[BackupManifest], since: datetime) -> BackupManifest:
    before = [one for one in manifests if one.ended_at <= since]
    return before[-1] if before else manifests[0]


def _drop(place: Place) -> None:
    """Remove a base; one whose manifest is gone is none, so nobody restores half of it."""
    (place / MANIFEST).unlink(missing_ok=True)
    remove_tree(place)


def _prune_log(folder: AnyFolder, oldest: BackupManifest) -> int:
    first = segment_number(oldest.first_segment, oldest.segment_bytes)
    old = [name for name in folder.segments() if segment_number(name, oldest.segment_bytes) < first]
    for name in old:
        folder.segment(name).unlink()
    for name, path in folder.begun().items():
        if segment_number(name, oldest.segment_bytes) < first:
            path.unlink()
    return len(old)


def _prune_objects(
    folder: AnyFolder, store: ArtifactStore, oldest: BackupManifest, kept: list[BackupManifest]
) -> int:
    needed = {uri for manifest in kept for uri in manifest.objects}
    needed |= {file.uri for file in store.files()}
    number = 0
    for uri in sorted(folder.object_uris() - needed):
        path = folder.object(uri)
        if path.stat().st_mtime < oldest.began_at.timestamp():
            path.unlink()
            number += 1
    return number


@dataclass(frozen=True, slots=True)
class Verified:
    """What was looked at.

    Attributes:
        left_out: By base how many result files it lacks, as they were damaged in the store.
        gaps: Segments of the log that are missing after the newest base, up to the newest timeline.
        lost: From when to when no moment can be restored, as log was missing until the next base.
        opened: Whether all was decrypted, too.
    """

    bases: int
    segments: int
    objects: int
    left_out: dict[str, int]
    gaps: int
    lost: list[tuple[datetime, datetime]]
    opened: bool


def verify(folder: AnyFolder, identity: BackupIdentity | None) -> Verified:
    """Check every base by its digest, files by their presence; with the key all by its content.

    Raises:
        NotFound: there is no base backup.
        BackupBroken: names the first file that is missing or not as it was written.
    """
    folder.choose(None)
    manifests, objects = folder.manifests(), folder.object_uris()
    for manifest in manifests:
        _verify_base(folder, manifest, objects, identity)
    if identity is not None:
        for uri in sorted(objects):
            open_object(folder, uri, identity, Digesting())
        for name in folder.wal_files():
            _verify_log(folder, name, identity)
    segments, timeline = folder.segments(), timeline_at(folder, None, identity)
    size = manifests[0].segment_bytes
    names = {segment_number(name, size): name for name in filter(timeline.holds, segments)}
    firsts = [segment_number(one.first_segment, size) for one in manifests]
    missing = sorted(set(range(firsts[0], max([firsts[-1], *names]))) - names.keys())
    lost = []
    for (former, first), (later, end) in pairwise(zip(manifests, firsts, strict=True)):
        gap = next((number for number in missing if first <= number < end), None)
        if gap is not None:
            ended = folder.segment(names[gap - 1]).stat().st_mtime if gap - 1 in names else 0
            lost.append((max(former.ended_at, datetime.fromtimestamp(ended, UTC)), later.ended_at))
    gaps = sum(number >= firsts[-1] for number in missing)
    left_out = {one.name: len(lacking) for one in manifests if (lacking := one.damaged - objects)}
    numbers = len(manifests), len(segments), len(objects)
    return Verified(*numbers, left_out, gaps, lost, identity is not None)


def _verify_base(
    folder: AnyFolder,
    manifest: BackupManifest,
    objects: set[str],
    identity: BackupIdentity | None,
) -> None:
    base = folder.database(manifest.name)
    if not base.is_file() or _digest(base) != manifest.sha256:
        raise BackupBroken(f"{base} is not as it was written", message_zh=f"{base} 与写入时不同")
    missing = sorted(set(manifest.objects) - objects)
    if missing:
        raise BackupBroken(
            f"{len(missing)} result files of backup {manifest.name} are missing: {missing[0]} …",
            message_zh=f"备份 {manifest.name} 缺少 {len(missing)} 个结果文件：{missing[0]} …",
        )
    if identity is not None:
        unseal(base, Digesting(), identity)


def _digest(path: Place) -> str:
    digesting = Digesting()
    with path.open("rb") as file:
        shutil.copyfileobj(file, digesting, BLOCK)
    return digesting.digest.hexdigest()


def _verify_log(folder: AnyFolder, name: str, identity: BackupIdentity) -> None:
    path = folder.segment(name)
    with tempfile.SpooledTemporaryFile(max_size=2**25) as packed:
        unseal(path, packed, identity)
        packed.seek(0)
        try:
            with gzip.open(packed) as file:
                size = file.seek(0, io.SEEK_END)
        except (OSError, EOFError) as error:
            raise BackupBroken(f"{path} is not whole", message_zh=f"{path} 不完整") from error
    if SEGMENT.fullmatch(name) and size & (size - 1):
        raise BackupBroken(f"{path} is not a segment", message_zh=f"{path} 不是日志段")
