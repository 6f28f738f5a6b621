"""The same zones, however the work is shared out."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.support.process_runs import require_same_files

Zone = Callable[..., Any]


def test_two_processes_give_the_same_bytes(zoned: Any, zone: Zone) -> None:
    other = zone(processes=2)
    require_same_files(zoned.workspace, other.workspace)
    names = ("aoi", "inputs", "normalization", "ratio", "clustering", "naming", "postprocess")
    assert {name: zoned.outcome.manifest[name] for name in names} == {
        name: other.outcome.manifest[name] for name in names
    }


def test_small_windows_give_the_bytes_of_one_window(
    zoned: Any, zone: Zone, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("kit.region", "delineate_zones.units"):
        monkeypatch.setattr(f"shanhai.processes.{module}.WINDOW_CELLS", 20)
    require_same_files(zoned.workspace, zone().workspace)
