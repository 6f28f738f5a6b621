"""Each image holds what its command, its service and their file formats need."""

import os
import subprocess
import sys
from collections.abc import Set
from importlib.metadata import distributions
from pathlib import Path

import pytest

from tests.contract.test_deploy import DEPLOY, ROOT, pinned

LOADED_BY_REQUESTS = [
    "shanhai.processes.assess_ecoservices.request",
    "shanhai.vector.observation_file",
    "shanhai.vector.shapefile",
    "shanhai.vector.tables",
    "shanhai.vector.writer",
    "weasyprint",
]
"""What the API imports when a request first needs it."""
PACKAGES = Path(pytest.__file__).parents[1]
PATTERNS = {
    pattern: instead
    for line in (DEPLOY / "images/unneeded.txt").read_text("utf-8").splitlines()
    if line and not line.startswith("#")
    for pattern, *instead in [line.split()]
}
"""By pattern of what is taken away, that of the library a link stands for instead, if any."""
SOURCES = [ROOT / name for name in ("shared", "services/api", "services/worker", "services/tiles")]
USING_FORMATS = [
    *("unit/vector", "unit/tiles", "unit/reporting", "unit/science/corridors/circuit"),
    *(f"unit/science/zoning/test_{name}.py" for name in ("clustering", "diagnostics", "features")),
]
"""Tests that read and write files, draw tiles and maps, set type and compute with each library."""


def as_in_image(folder: Path, packages: Set[str] | None = None) -> Path:
    """Links to the files of the packages named, or of all, that an image would hold."""
    unneeded = {
        path: instead for pattern, instead in PATTERNS.items() for path in PACKAGES.glob(pattern)
    }
    for one in distributions(path=[str(PACKAGES)]):
        if packages is None or one.name.lower().replace("_", "-").replace(".", "-") in packages:
            for file in (PACKAGES / name for name in one.files or [] if ".." not in name.parts):
                taken_away = next((p for p in [file, *file.parents] if p in unneeded), None)
                if taken_away is None:
                    _link(folder / file.relative_to(PACKAGES), file)
                elif unneeded[taken_away]:
                    [target] = PACKAGES.glob(*unneeded[taken_away])
                    _link(folder / file.relative_to(PACKAGES), target)
    return folder


def _link(path: Path, target: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.is_symlink():  # packages of one namespace bring the same empty files
        path.symlink_to(target)


def run_with(packages: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run Python where nothing but these packages and our own sources exists."""
    return subprocess.run(
        [sys.executable, "-S", *words],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(map(str, [packages, *SOURCES]))},
        timeout=600,
    )


@pytest.mark.parametrize(
    ("service", "modules"),
    [
        ("api", ["shanhai.cli", "shanhai_api.app", *LOADED_BY_REQUESTS]),
        ("worker", ["shanhai.cli", "shanhai_worker.app", "weasyprint"]),
        ("tiles", ["shanhai.cli", "shanhai_tiles.app"]),
    ],
)
def test_an_image_starts_with_what_it_holds(
    tmp_path: Path, service: str, modules: list[str]
) -> None:
    """The command and the service are imported where nothing but the locked packages exists."""
    locked = {name.lower() for name in pinned(DEPLOY / f"locks/{service}.lock")}
    done = run_with(as_in_image(tmp_path, locked), "-c", f"import {', '.join(modules)}")
    assert done.returncode == 0, done.stderr[-2000:]


@pytest.fixture(scope="module")
def every_package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return as_in_image(tmp_path_factory.mktemp("packages"))


@pytest.mark.timeout(600)
@pytest.mark.parametrize("folder", USING_FORMATS)
def test_nothing_that_is_taken_away_is_missed(every_package: Path, folder: str) -> None:
    done = run_with(every_package, "-m", "pytest", "-q", f"tests/{folder}")
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]


def test_what_is_taken_away_was_there() -> None:
    assert [pattern for pattern in PATTERNS if not any(PACKAGES.glob(pattern))] == []
