"""A manifest holds all of its datasets; windows are taken where the same source computed them."""

from datetime import date
from functools import partial
from pathlib import Path

import orjson
import pytest

from shanhai.processes.kit.manifest import dataset_record, resumed_runner
from shanhai.processes.kit.task import DatasetTask, Task
from shanhai.processes.reproduction import Input


def finish(calls: Path) -> int:
    """A step; notes the call."""
    with calls.open("a") as file:
        file.write("x")
    return 1


def test_another_source_computes_its_windows_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    windows = tmp_path / "windows" / "kept" / "job"
    task = Task(process="echo", inputs={}, windows=str(windows), keep_from_s=0)
    computed = []
    for source in ("one", "one", "another"):
        monkeypatch.setattr("shanhai.processes.kit.manifest.source_digest", lambda: source)  # noqa: B023
        calls = tmp_path / "calls"
        calls.write_text("")
        with resumed_runner(task, tmp_path, lambda *_: None) as (runner, _):
            runner.remembered().step(partial(finish, calls))
        computed.append(len(calls.read_text()))
    assert computed == [1, 0, 1]


DATASET = DatasetTask(
    id=7,
    code="watershed.rainfall",
    theme="rainfall",
    uri="objects/aa/aa",
    checksum="a" * 64,
    epsg=4490,
    unit="mm",
    native_resolution_m=1000,
    relative_error=0.4,
    stand_in=True,
    stand_in_note_zh="替代",
    stand_in_note_en="Stand-in",
    source="Source",
    licence="CC-BY-4.0",
    observed_from=date(2020, 1, 1),
    observed_to=date(2020, 12, 31),
    name_zh="降水",
    name_en="Rainfall",
)


def test_a_run_again_has_all_that_was_told_of_its_datasets() -> None:
    assert all(DATASET.model_dump().values())
    again = Input.model_validate_json(orjson.dumps(dataset_record(DATASET))).dataset()
    # The number of the row and the system of its file are of the place it was computed at.
    told = {"id", "epsg"}
    assert again.model_dump(exclude=told) == DATASET.model_dump(exclude=told)


def test_a_manifest_that_tells_no_error_is_read() -> None:
    record = dataset_record(DATASET)
    del record["relative_error"]
    assert Input.model_validate_json(orjson.dumps(record)).dataset().relative_error is None
