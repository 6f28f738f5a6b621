"""Files that rows name stay; those that no row has named for a while go."""

import os
import re
import time
from pathlib import Path

import pytest
from sqlalchemy import text

import shanhai.db.tables  # noqa: F401  (fills the metadata)
from shanhai.db.base import Base
from shanhai.db.queries.files import HOLDERS, read_references
from shanhai.storage.artifacts import (
    GRACE_S,
    LocalArtifacts,
    StoredArtifact,
    TooMany,
    demand_few,
    find_orphans,
    missing_files,
    remove,
)
from tests.support.job_rows import add_dataset, add_region, open_sessions, submit_echo

SUSPICIOUS = re.compile(
    r"(^|_)(uri|url|file|artifact|result|task|path|document|image|manifest|report|content"
    r"|provenance)s?$"
)
HOLD_NO_FILES = {
    ("bulletin", "content"),  # what its files were made of
    ("bulletin_template", "content"),  # texts
    ("case_event", "documents"),  # codes of documents
    ("case_event", "result"),  # a word
    ("evaluation_snapshot", "content"),  # a table of figures
    ("duty_review", "content"),  # what was reported and judged; files are named by document
    ("indicator_value", "provenance"),  # codes of datasets
    ("lead_case", "result"),  # a word
    ("notice", "documents"),  # codes of documents
    ("notice_summary", "content"),  # comments and what became of them
    ("plan_decision", "content"),  # a checksum of what was decided about
    ("project_event", "documents"),  # codes of documents
    ("sensor", "document"),  # what SensorThings told of it
    ("compensation_agreement", "document"),  # title and number of the agreement
    ("compensation_settlement", "content"),  # what was computed
    ("title", "document"),  # what a title was given by
    ("webhook", "url"),
}


def test_every_column_that_may_name_files_is_declared() -> None:
    found = {
        (table.name, column.name)
        for table in Base.metadata.sorted_tables
        for column in table.columns
        if SUSPICIOUS.search(column.name)
    }
    assert found == HOLD_NO_FILES | set(HOLDERS)


def put(store: LocalArtifacts, content: str, *, hours: float = 100) -> StoredArtifact:
    """A file in the store, stored some hours ago."""
    path = store.root / "given"
    path.write_text(content)
    stored = store.put(path, suffix=".tif")
    age(store, stored, hours)
    return stored


def age(store: LocalArtifacts, stored: StoredArtifact, hours: float) -> None:
    moment = time.time() - hours * 3600
    os.utime(store.root / stored.uri, (moment, moment))


@pytest.fixture
def store(tmp_path: Path) -> LocalArtifacts:
    return LocalArtifacts(tmp_path)


async def test_rows_keep_their_files(fresh_database_url: str, store: LocalArtifacts) -> None:
    dataset, result, orphan = (put(store, content) for content in ("dataset", "result", "orphan"))
    put(store, "new", hours=1)
    gone = put(store, "gone")
    (store.root / gone.uri).unlink()
    async with open_sessions(fresh_database_url) as sessions:
        job_id = await submit_echo(sessions)
        async with sessions.begin() as session:
            region = await add_region(session, "region")
            for code, stored in (("kept", dataset), ("lost", gone)):
                await add_dataset(session, region, "dem", code, uri=stored.uri)
            await session.execute(
                text(
                    "UPDATE job SET task = jsonb_build_object('a', CAST(:t AS text))"
                    " WHERE id = :job"
                ),
                {"t": f"see {result.uri}, please", "job": job_id},
            )
        async with sessions() as session:
            referenced = await read_references(session)
    assert referenced == {dataset.uri, result.uri, gone.uri}
    assert missing_files(store, referenced) == [gone.uri]
    orphans, number = find_orphans(store, referenced)
    assert [file.uri for file in orphans] == [orphan.uri]
    assert number == 4
    assert remove(store, orphans) == (1, len("orphan"))
    assert not (store.root / orphan.uri).exists()


def test_what_is_stored_again_is_not_removed(store: LocalArtifacts) -> None:
    stored = put(store, "same")
    orphans, _ = find_orphans(store, set())
    put(store, "same", hours=0)
    assert remove(store, orphans) == (0, 0)
    assert (store.root / stored.uri).exists()


def test_a_wrong_database_removes_nothing(store: LocalArtifacts) -> None:
    for number in range(21):
        put(store, str(number))
    orphans, number = find_orphans(store, set())
    with pytest.raises(TooMany, match="21 of 21"):
        demand_few(orphans, number)
    demand_few(orphans[:20], 21)


def test_files_are_given_two_days() -> None:
    assert GRACE_S == 172_800
