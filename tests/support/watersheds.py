"""pytest plugin: synthetic watersheds, built once a run; no test changes their files.

What builds them is imported when it is asked for: it takes a second, and most tests need none.
"""

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from shanhai.data.synthetic_watershed import Watershed


def _build(kind: str, folder: Path, cells: int, **more: bool) -> "Watershed":
    module, name = {
        "plain": ("shanhai.data.synthetic_watershed", "build_watershed"),
        "linked": ("shanhai.data.synthetic_watershed", "build_linked_watershed"),
        "evaluated": ("tests.support.evaluation_rasters", "build_evaluated_watershed"),
    }[kind]
    built: Watershed = getattr(import_module(module), name)(folder, cells=cells, **more)
    return built


@pytest.fixture(scope="session")
def watershed(tmp_path_factory: pytest.TempPathFactory) -> "Watershed":
    """Sixty-four cells wide, with what the index methods read."""
    return _build("plain", tmp_path_factory.mktemp("watershed"), 64)


@pytest.fixture(scope="session")
def full_watershed(tmp_path_factory: pytest.TempPathFactory) -> "Watershed":
    """The same, with what every method reads."""
    return _build("plain", tmp_path_factory.mktemp("full"), 64, biophysical=True)


@pytest.fixture(scope="session")
def small_watershed(tmp_path_factory: pytest.TempPathFactory) -> "Watershed":
    """Thirty-two cells wide."""
    return _build("plain", tmp_path_factory.mktemp("small"), 32)


@pytest.fixture(scope="session")
def linked_watershed(tmp_path_factory: pytest.TempPathFactory) -> "Watershed":
    """With woods, roads and the supplies that networks are computed from."""
    return _build("linked", tmp_path_factory.mktemp("linked"), 64)


@pytest.fixture(scope="session")
def evaluated_watershed(tmp_path_factory: pytest.TempPathFactory) -> "Watershed":
    """With what evaluations of ecosystems read."""
    return _build("evaluated", tmp_path_factory.mktemp("evaluated"), 48)


@pytest.fixture(scope="session")
def small_evaluated_watershed(tmp_path_factory: pytest.TempPathFactory) -> "Watershed":
    """The same, thirty-two cells wide."""
    return _build("evaluated", tmp_path_factory.mktemp("small-evaluated"), 32)
