from collections.abc import Iterator, Mapping
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
def zoned_watershed(tmp_path_factory: pytest.TempPathFactory) -> Watershed:
    return build_watershed(tmp_path_factory.mktemp("watershed"), cells=64)


@pytest.fixture(scope="session")
def watershed(zoned_watershed: Watershed) -> Watershed:
    """The watershed of a module's tests; another one where a module has its own."""
    return zoned_watershed


@pytest.fixture(scope="session")
def zoned(zoned_watershed: Watershed, tmp_path_factory: pytest.TempPathFactory) -> Run:
    return compute(zoned_watershed.task(), tmp_path_factory.mktemp("zoned") / "work")


@pytest.fixture(scope="module")
def unpictured(zoned: Run) -> Iterator[None]:
    """Leaves the PDF and the small maps empty: they take longer than all a run computes.

    `zoned` holds a report as it is made, so it is made before.
    """
    with pytest.MonkeyPatch.context() as patch:
        for module in ("report", "pages"):
            patch.setattr(f"shanhai.reporting.{module}.write_pdf", lambda path, html: path.touch())
        patch.setattr(
            "shanhai.processes.assessment_pictures.draw_panels",
            lambda path, panels, frame, columns=3: path.touch(),
        )
        yield


@pytest.fixture
def zone(unpictured: None, watershed: Watershed, tmp_path: Path):
    def run(inputs: Mapping[str, Any] | None = None, **more: Any) -> Run:
        return compute(watershed.task(inputs, **more), tmp_path / "work")

    return run
