"""Look through a folder of backups for what is missing or was changed."""

import gzip
import io
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass

import pyrage

from shanhai.backup.folder import (
    BASE,
    SEGMENT,
    BackupFolder,
    Manifest,
    last_without_gap,
    segment_number,
)
from shanhai.backup.objects import open_object
from shanhai.backup.sealing import BackupBroken, Digesting, unseal
from shanhai.storage.artifacts import sha256_of


@dataclass(frozen=True, slots=True)
class Verified:
    """What was looked at.

    Attributes:
        gaps: Segments of the log that are missing after the first base.
        opened: Whether all was decrypted, too.
    """

    bases: int
    segments: int
    objects: int
    gaps: int
    opened: bool


def verify(folder: BackupFolder, identity: pyrage.x25519.Identity | None) -> Verified:
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
    segments = folder.segments()
    gaps = sum(1 for _ in missing_segments(manifests[0], segments))
    return Verified(len(manifests), len(segments), len(objects), gaps, identity is not None)


def missing_segments(manifest: Manifest, segments: set[str]) -> Iterator[int]:
    """Numbers of segments that are missing between a base and the end of the archive."""
    numbers = {segment_number(name, manifest.segment_bytes) for name in segments}
    reached = last_without_gap(manifest, segments)
    last = max(numbers, default=reached)
    yield from (number for number in range(reached + 1, last) if number not in numbers)


def _verify_base(
    folder: BackupFolder,
    manifest: Manifest,
    objects: set[str],
    identity: pyrage.x25519.Identity | None,
) -> None:
    base = folder.base(manifest.name) / BASE
    if not base.is_file() or sha256_of(base) != manifest.sha256:
        raise BackupBroken(f"{base} is not as it was written", message_zh=f"{base} 与写入时不同")
    missing = sorted(set(manifest.objects) - objects)
    if missing:
        raise BackupBroken(
            f"{len(missing)} result files of backup {manifest.name} are missing: {missing[0]} …",
            message_zh=f"备份 {manifest.name} 缺少 {len(missing)} 个结果文件：{missing[0]} …",
        )
    if identity is not None:
        unseal(base, Digesting(), identity)


def _verify_log(folder: BackupFolder, name: str, identity: pyrage.x25519.Identity) -> None:
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
