"""Compiling ahead carries a job out up to its maps."""

from collections.abc import Callable
from pathlib import Path

import pytest

from shanhai.local import kernel_warmup
from shanhai.processes.delineate_zones import compute as zoning
from shanhai.processes.kit.task import Outcome, Task


def test_it_zones_and_draws_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    compute, seen = zoning.compute, list[str]()

    def heard(task: Task, workspace: Path, progress: Callable[[float, str], None]) -> Outcome:
        def tell(percent: float, stage: str) -> None:
            seen.append(stage)
            progress(percent, stage)

        return compute(task, workspace, tell)

    monkeypatch.setattr(zoning, "compute", heard)
    kernel_warmup.warm_up()
    assert {"cluster", "polygons", "statistics", "rasters"} <= set(seen)
    assert seen[-1] == "maps"
