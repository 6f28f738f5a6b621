"""Folders that outlive an attempt at a job."""

import uuid
from pathlib import Path

from shanhai.storage.artifacts import KeptFolders

JOB, OTHER = uuid.uuid4(), uuid.uuid4()


def test_a_job_has_a_folder_once_it_makes_it(tmp_path: Path) -> None:
    kept = KeptFolders(tmp_path)
    assert kept.jobs() == []
    assert not kept.of(JOB).exists()
    (kept.of(JOB) / "parts").mkdir(parents=True)
    assert kept.jobs() == [JOB]
    assert kept.of(JOB).is_relative_to(tmp_path)


def test_a_folder_is_dropped_with_all_that_is_in_it(tmp_path: Path) -> None:
    kept = KeptFolders(tmp_path)
    for job in (JOB, OTHER):
        kept.of(job).mkdir(parents=True)
        (kept.of(job) / "0.part").write_bytes(b"tiles")
    kept.drop(JOB)
    kept.drop(JOB)  # twice is no mistake
    assert kept.jobs() == [OTHER]


def test_what_is_no_jobs_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "kept" / "lost+found").mkdir(parents=True)
    (tmp_path / "kept" / str(JOB)).write_text("a file")
    assert KeptFolders(tmp_path).jobs() == []
