from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from shanhai.jobs.contracts import Outcome, Task
from shanhai.processes.registry import PROCESSES
from shanhai.testing.watershed import Watershed, build_watershed


@dataclass
class Run:
    workspace: Path
    outcome: Outcome
    told: list[tuple[float, str]] = field(default_factory=list)


def compute(task: Task, workspace: Path) -> Run:
    workspace.mkdir()
    told: list[tuple[float, str]] = []
    outcome = PROCESSES[task.process].compute(
        task, workspace, lambda percent, stage: told.append((percent, stage))
    )
    return Run(workspace, outcome, told)


@pytest.fixture(scope="session")
def watershed(tmp_path_factory: pytest.TempPathFactory) -> Watershed:
    return build_watershed(tmp_path_factory.mktemp("watershed"), cells=64)


@pytest.fixture(scope="session")
def zoned(watershed: Watershed, tmp_path_factory: pytest.TempPathFactory) -> Run:
    return compute(watershed.task(), tmp_path_factory.mktemp("zoned") / "work")


@pytest.fixture
def zone(watershed: Watershed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    # Setting thirteen pages takes as long as the zoning; `zoned` holds a report as it is made.
    monkeypatch.setattr("shanhai.reporting.report.write_pdf", lambda path, html: path.touch())

    def run(inputs: Mapping[str, Any] | None = None, **more: Any) -> Run:
        return compute(watershed.task(inputs, **more), tmp_path / "work")

    return run
