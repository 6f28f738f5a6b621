"""Finished windows of a former attempt are taken where the same source computed them."""

from functools import partial
from pathlib import Path

import pytest

from shanhai.processes.kit.manifest import resumed_runner
from shanhai.processes.kit.task import Task


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
