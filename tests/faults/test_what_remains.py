"""After all of it: every file a row names is whole, and a sweep leaves no other."""

import hashlib

from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.engine import Sessions
from shanhai.db.queries.files import read_references
from shanhai.storage.artifacts import LocalArtifacts, find_orphans, missing_files, remove
from tests.faults.breakable import Breakable


async def references(sessions: Sessions) -> set[str]:
    session: AsyncSession
    async with sessions() as session:
        return await read_references(session)


def test_files_are_whole_and_no_orphan_outlives_the_sweep(platform: Breakable) -> None:
    root = platform.workers.folder / "artifacts"
    named = platform.beside.ask(platform.with_sessions(references))
    assert named
    assert missing_files(LocalArtifacts(root), named) == []
    for uri in named:
        path = root / uri
        assert hashlib.sha256(path.read_bytes()).hexdigest() == path.name.partition(".")[0]
    orphans, number = find_orphans(LocalArtifacts(root), named, grace_s=0)
    removed, _ = remove(LocalArtifacts(root), orphans)
    assert removed == len(orphans)
    left, number_left = find_orphans(LocalArtifacts(root), named, grace_s=0)
    assert (left, number_left) == ([], number - removed)
    assert missing_files(LocalArtifacts(root), named) == []
