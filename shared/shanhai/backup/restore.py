"""Put a cluster of PostgreSQL and the result files back, as they were at a moment.

What is written is a data directory that any PostgreSQL of the same major version starts from: it
reads the archived log up to the moment, and then serves. Nothing but `gzip` and `cp` is needed.
"""

import errno
import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

from shanhai.backup import repository
from shanhai.backup.encryption import BackupBroken, BackupIdentity, unseal
from shanhai.backup.place import Place
from shanhai.backup.server import find_program
from shanhai.errors import InvalidInput, NotFound, StorageFull, Unavailable
from shanhai.storage.artifacts import ArtifactStore

LOG_FOLDER = "restored_wal"
SETTINGS = f"""
# Written by `shanhai db restore`; of no effect once the server has recovered.
restore_command = 'gzip -dc < "{LOG_FOLDER}/%f.gz" > "%p"'
recovery_target_time = '{{moment}}'
recovery_target_timeline = '{{timeline}}'
recovery_target_action = 'promote'
"""


@dataclass(frozen=True, slots=True)
class Restored:
    """What was put back.

    Attributes:
        segments: Files of the log the server will read.
        objects: Result files the store lacked, and their bytes.
        checked: Whether the database's files were compared with the checksums of the server.
        missing: Result files of the base that are neither in the backup nor in the store, and such
            as are damaged in the backup.
    """

    manifest: repository.BackupManifest
    segments: int
    objects: int
    object_bytes: int
    checked: bool
    missing: list[str]


def restore(
    folder: repository.AnyFolder,
    data: Path,
    *,
    store: ArtifactStore,
    identity: BackupIdentity,
    to: datetime | None = None,
) -> Restored:
    """Fill an empty data directory so that PostgreSQL started there recovers to a moment.

    Args:
        folder: The backups.
        data: The data directory, empty or not there; it keeps its owner.
        store: The artifact store; only what it lacks is written.
        identity: The secret key.
        to: The moment, with an offset; None: all that was archived.

    Raises:
        InvalidInput: the directory is not empty, or the moment cannot be restored.
        NotFound: there is no base backup that leads to what was written then.
        BackupBroken: a file is not as it was written. The data directory is then empty again.
    """
    if to is not None and to.tzinfo is None:
        raise InvalidInput(
            "the moment needs an offset, as in 2026-05-01T12:00:00+08:00",
            message_zh="时刻须带时区，如 2026-05-01T12:00:00+08:00",
            pointer="--to",
        )
    timeline = repository.timeline_at(folder, to, identity)
    number = max(timeline.begins)
    bases = [one for one in folder.choose(to) if timeline.holds(one.first_segment)]
    if not bases:
        raise NotFound(
            f"there is no base backup that leads to timeline {number}",
            message_zh=f"没有可恢复到时间线 {number} 的基础备份",
        )
    manifest = bases[-1]
    files = _log_files(folder, manifest, timeline)
    if to is not None:
        _demand_reach(folder, manifest, files, to)
    made = _demand_empty(data)
    # Empty, too: the cluster may have been restored before, to another moment.
    moment = "" if to is None else to.astimezone(UTC).isoformat(sep=" ")
    target = SETTINGS.format(moment=moment, timeline=number)
    try:
        checked = _fill(folder, manifest, files, data, identity, target)
        objects, size, broken = repository.put_back_objects(folder, store, identity)
    except BaseException:
        _clear(data, remove=made)
        raise
    gone = {*manifest.objects, *manifest.damaged} - folder.object_uris()
    missing = sorted({*broken, *(uri for uri in gone if not store.has(uri))})
    return Restored(manifest, len(files), objects, size, checked, missing)


def _fill(
    folder: repository.AnyFolder,
    manifest: repository.BackupManifest,
    files: list[str],
    data: Path,
    identity: BackupIdentity,
    target: str,
) -> bool:
    # First: no server starts in what is left of this if it is killed, until it has its log.
    (data / "recovery.signal").touch()
    _unpack(folder.database(manifest.name), data, identity)
    checked = _verify(data)
    log = data / LOG_FOLDER
    shutil.rmtree(log, ignore_errors=True)  # in a base of a server that was restored itself
    log.mkdir(mode=0o700)
    for name in files:
        with (log / f"{name}.gz").open("xb") as file:
            unseal(_file_of(folder, name), file, identity)
    with (data / "postgresql.auto.conf").open("a", encoding="utf-8") as settings:
        # With less a server that reads this log does not start; of effect later, too.
        settings.writelines(f"{name} = {value}\n" for name, value in manifest.settings.items())
        settings.write(target)
    _give(data)
    return checked


def _log_files(
    folder: repository.AnyFolder,
    manifest: repository.BackupManifest,
    timeline: repository.Timeline,
) -> list[str]:
    """What of the log the server may need: from the base's start to the first gap, and histories.

    Beyond a gap nothing can be used, nor what other timelines wrote: the server would read that in
    place of what is missing. All histories, so that it takes a number that no timeline has.
    """
    size, whole = manifest.segment_bytes, filter(timeline.holds, folder.segments())
    numbers = {repository.segment_number(name, size) for name in whole}
    first = repository.segment_number(manifest.first_segment, size)
    # The first that is not there whole is needed, too, if what was received of it was archived.
    last = next(number for number in count(first) if number not in numbers)
    names = set(filter(timeline.holds, folder.segments() | folder.begun().keys()))
    needed = (one for one in names if first <= repository.segment_number(one, size) <= last)
    return [*needed, *filter(repository.HISTORY.fullmatch, folder.wal_files())]


def _file_of(folder: repository.AnyFolder, name: str) -> Place:
    whole = folder.segment(name)
    return whole if whole.exists() else folder.begun()[name]


def _demand_reach(
    folder: repository.AnyFolder,
    manifest: repository.BackupManifest,
    files: list[str],
    to: datetime,
) -> None:
    """Refuse a moment after the end of what was archived, when the files tell.

    Copies may have lost the times of the files, which are those of the segments' ends; the server
    then says so itself when it starts.
    """
    segments = filter(repository.SEGMENT.fullmatch, files)
    ends = [_file_of(folder, name).stat().st_mtime for name in segments]
    reached = datetime.fromtimestamp(max(ends), UTC) if ends else manifest.ended_at
    if to > max(reached, manifest.ended_at):
        told = max(reached, manifest.ended_at).isoformat()
        raise InvalidInput(
            f"what was archived reaches to {told}",
            message_zh=f"归档日志只到 {told}",
            pointer="--to",
        )


def _demand_empty(data: Path) -> bool:
    """Make sure the data directory is empty; whether it had to be made."""
    if data.exists():
        if not data.is_dir() or any(data.iterdir()):
            raise InvalidInput(
                f"{data} is not an empty directory: nothing there is overwritten",
                message_zh=f"{data} 不是空目录，不会覆盖其中内容",
                pointer="DATA",
            )
        return False
    data.mkdir(parents=True, mode=0o700)
    return True


def _unpack(base: Place, data: Path, identity: BackupIdentity) -> None:
    data.chmod(0o700)
    command = ["tar", "--extract", "--gzip", "--no-same-owner", f"--directory={data}"]
    with (
        tempfile.TemporaryFile() as complaints,  # a pipe that nobody reads would stop the program
        subprocess.Popen(
            command, stdin=subprocess.PIPE, stderr=complaints, env={"PATH": os.defpath}
        ) as program,
    ):
        assert program.stdin is not None  # noqa: S101  (opened as a pipe)
        try:
            unseal(base, program.stdin, identity)
        except BaseException:
            program.kill()
            raise
        program.stdin.close()
        if program.wait() != 0:
            complaints.seek(0)
            said = complaints.readline().decode(errors="replace").strip()
            told = f"{base} cannot be unpacked into {data}: {said}"
            kind = StorageFull if os.strerror(errno.ENOSPC) in said else BackupBroken
            raise kind(told, message_zh=f"无法将 {base} 解开到 {data}：{said}")


def _verify(data: Path) -> bool:
    """Compare the files with the checksums the server wrote beside them, where a program can."""
    try:
        verify = find_program("pg_verifybackup")
    except Unavailable:
        return False
    command = [verify, "--quiet", str(data)]
    # The log in the backup is read by a program that comes with the server alone.
    if not Path(verify).with_name("pg_waldump").exists():
        command.append("--no-parse-wal")
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    if answer.returncode != 0:
        reason = answer.stderr.strip()
        raise BackupBroken(f"pg_verifybackup: {reason}", message_zh=f"pg_verifybackup：{reason}")
    return True


def _give(data: Path) -> None:
    """Give all of it to the directory's owner, which the server runs as."""
    owner = data.stat()
    if owner.st_uid == os.geteuid():
        return
    for folder, _, names in os.walk(data):
        for path in (folder, *(os.path.join(folder, name) for name in names)):
            os.chown(path, owner.st_uid, owner.st_gid, follow_symlinks=False)


def _clear(data: Path, *, remove: bool) -> None:
    for path in data.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
    if remove:
        data.rmdir()
