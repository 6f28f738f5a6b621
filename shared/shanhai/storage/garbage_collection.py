"""Remove result files that nobody refers to.

A file is stored before the row that names it is committed, so only what has been there for a
while is removed: longer than any transaction lasts, and longer than backups take. Storing the same
content again begins that while anew.
"""

import re
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from shanhai.errors import Conflict
from shanhai.storage.artifacts import LocalArtifacts

URI = re.compile(r"objects/([0-9a-f]{2})/(\1[0-9a-f]{62})(\.[a-z0-9.]{1,20})?")
GRACE_S = 48 * 3600.0
MOST_SHARE, FEW = 0.2, 20
"""Of more files than a few, a larger share is taken for a mistake."""


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file in the store."""

    uri: str
    bytes: int
    modified: float


class TooMany(Conflict):
    """So much would be removed that the database is more likely to be the wrong one."""

    title = "Too many files to remove"
    title_zh = "待删除文件过多"


def stored_files(store: Path) -> Iterator[StoredFile]:
    """The files in a store; what others put there is left out."""
    for folder in sorted((store / "objects").glob("[0-9a-f][0-9a-f]")):
        for path in folder.iterdir():
            uri = f"objects/{folder.name}/{path.name}"
            if not URI.fullmatch(uri):
                continue
            try:
                status = path.stat(follow_symlinks=False)
            except FileNotFoundError:
                continue
            yield StoredFile(uri, status.st_size, status.st_mtime)


def find_orphans(
    store: Path, referenced: set[str], *, grace_s: float = GRACE_S
) -> tuple[list[StoredFile], int]:
    """Files that no row names and that have been there for a while, and how many files there are.

    Args:
        store: The artifact store's folder.
        referenced: What rows name, read before.
        grace_s: For how long a file must have been there.
    """
    before, number, orphans = time.time() - grace_s, 0, []
    for file in stored_files(store):
        number += 1
        if file.uri not in referenced and file.modified < before:
            orphans.append(file)
    return orphans, number


def demand_few(orphans: list[StoredFile], number: int) -> None:
    """Refuse to remove a large part of a store.

    Raises:
        TooMany: More than a fifth of it would go.
    """
    if len(orphans) > FEW and len(orphans) > MOST_SHARE * number:
        raise TooMany(
            f"{len(orphans)} of {number} files are named by no row: is this the right database?"
            " `shanhai artifacts sweep --all` removes them",
            message_zh=f"{number} 个文件中有 {len(orphans)} 个无人引用：数据库是否正确？"
            "`shanhai artifacts sweep --all` 可强制删除",
        )


def remove(store: LocalArtifacts, orphans: Iterable[StoredFile]) -> tuple[int, int]:
    """Remove files unless they were stored again meanwhile; how many, and their bytes."""
    number = size = 0
    for file in orphans:
        if store.remove_unchanged(file.uri, file.modified):
            number, size = number + 1, size + file.bytes
    return number, size


def missing_files(store: Path, referenced: set[str]) -> list[str]:
    """What rows name and the store does not have."""
    return sorted(uri for uri in referenced if not (store / uri).is_file())
