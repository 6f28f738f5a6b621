"""Forget backups that are old enough, and what only they needed."""

import shutil
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from shanhai.backup.folder import BackupFolder, Manifest, segment_number
from shanhai.backup.sealing import PARTIAL
from shanhai.backup.taking import TASK
from shanhai.storage.sweeping import stored_files


@dataclass(frozen=True, slots=True)
class Pruned:
    """How much was removed of each kind."""

    bases: int
    segments: int
    objects: int


def prune(folder: BackupFolder, *, store: Path, keep_days: float, now: datetime) -> Pruned:
    """Remove bases that no moment of the last `keep_days` is restored from, and what they needed.

    The newest base that is older than that stays, for the first of those days need it. Of the log
    goes what lies before the oldest base kept; of the result files those that are in no base kept,
    not in the store any more, and were backed up before the oldest base kept began.

    Raises:
        NotFound: there is no backup at all.
        Conflict: a backup is being made there.
    """
    with folder.alone(TASK):
        folder.choose(None)
        manifests = folder.manifests()
        oldest = _oldest_kept(manifests, now - timedelta(days=keep_days))
        kept = [one for one in manifests if one.ended_at >= oldest.ended_at]
        dropped = [one for one in manifests if one.ended_at < oldest.ended_at]
        for manifest in dropped:
            _drop(folder.base(manifest.name))
        return Pruned(
            len(dropped), _prune_log(folder, oldest), _prune_objects(folder, store, oldest, kept)
        )


def _oldest_kept(manifests: list[Manifest], since: datetime) -> Manifest:
    before = [one for one in manifests if one.ended_at <= since]
    return before[-1] if before else manifests[0]


def _drop(place: Path) -> None:
    """Remove a base; one whose manifest is gone is none, so nobody restores half of it."""
    aside = place.with_name(f"{place.name}{PARTIAL}")
    place.rename(aside)
    shutil.rmtree(aside)


def _prune_log(folder: BackupFolder, oldest: Manifest) -> int:
    first = segment_number(oldest.first_segment, oldest.segment_bytes)
    old = [name for name in folder.segments() if segment_number(name, oldest.segment_bytes) < first]
    for name in old:
        folder.segment(name).unlink()
    return len(old)


def _prune_objects(
    folder: BackupFolder, store: Path, oldest: Manifest, kept: list[Manifest]
) -> int:
    needed = {uri for manifest in kept for uri in manifest.objects}
    needed |= {file.uri for file in stored_files(store)}
    number = 0
    for uri in sorted(folder.object_uris() - needed):
        path = folder.object(uri)
        if path.stat().st_mtime < oldest.began_at.timestamp():
            path.unlink()
            number += 1
    return number
