"""pytest plugin: whole runs of processes on the synthetic watersheds.

What runs them is imported when it is asked for: it takes seconds, and most tests need none.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from shanhai.data.synthetic_watershed import Watershed
    from shanhai.processes.kit.task import Outcome, Task

TIMED = {"manifest.json", "report.html", "report.pdf", "report.docx"}
"""Files that tell the time."""


@dataclass
class Run:
    """Where a run left its files, and what it told."""

    workspace: Path
    outcome: "Outcome"
    told: list[tuple[float, str]] = field(default_factory=list)


def compute(task: "Task", workspace: Path) -> Run:
    """A run in a new folder."""
    from shanhai.processes.catalogue import CONTRACTS, compute_of
    from shanhai.processes.kit.report_pdf import leaving_room, with_pdf

    workspace.mkdir()
    told: list[tuple[float, str]] = []

    def tell(percent: float, stage: str) -> None:
        told.append((percent, stage))

    contract = CONTRACTS[task.process]
    outcome = compute_of(contract.id)(task, workspace, leaving_room(tell, contract))
    return Run(workspace, with_pdf(outcome, contract, workspace, tell), told)


def require_same_files(one: Path, other: Path, *, but: Collection[str] = TIMED) -> None:
    """Refuses folders whose files differ in a name or a byte."""
    names = {path.name for path in one.iterdir()}
    assert names == {path.name for path in other.iterdir()}
    for name in sorted(names.difference(but)):
        assert (one / name).read_bytes() == (other / name).read_bytes(), name


@pytest.fixture(scope="session")
def zoned(watershed: "Watershed", tmp_path_factory: pytest.TempPathFactory) -> Run:
    return compute(watershed.task(), tmp_path_factory.mktemp("zoned") / "work")


@pytest.fixture(scope="module")
def unpictured(zoned: Run) -> Iterator[None]:
    """Leaves the PDF, the DOCX and the small maps empty: they take longer than all a run computes.

    `zoned` holds a report as it is made, so it is made before.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("shanhai.processes.kit.report_pdf.write_pdf", lambda path, _: path.touch())
        patch.setattr("shanhai.processes.kit.outputs.word_of", lambda *_: b"")
        patch.setattr(
            "shanhai.processes.assess_ecoservices.pictures.draw_panels",
            lambda path, panels, frame, columns=3: path.touch(),
        )
        yield


@pytest.fixture
def zone(unpictured: None, watershed: "Watershed", tmp_path: Path) -> Callable[..., Run]:
    def run(inputs: Mapping[str, Any] | None = None, **more: Any) -> Run:
        return compute(watershed.task(inputs, **more), tmp_path / "work")

    return run


@pytest.fixture
def resume(tmp_path: Path) -> Callable[["Task", float, Path], None]:
    """Ends an attempt at some per cent and lets another go on; the files are those of `whole`."""
    from shanhai.processes.catalogue import compute_of

    windows = tmp_path / "windows"

    def kept() -> dict[Path, int]:
        return {path: path.stat().st_mtime_ns for path in windows.rglob("*.window")}

    def run(task: "Task", at: float, whole: Path) -> None:
        found: list[dict[Path, int]] = []
        stages: list[str] = []

        def end(percent: float, stage: str) -> None:
            if percent >= at:
                raise KeyboardInterrupt

        def look(percent: float, stage: str) -> None:
            stages.append(stage)
            if percent >= at:
                found.append(kept())

        compute = compute_of(task.process)
        task = task.model_copy(update={"windows": str(windows), "keep_from_s": 0.0})
        ended, resumed = tmp_path / "ended", tmp_path / "resumed"
        for workspace in (ended, resumed):
            workspace.mkdir()
        with pytest.raises(KeyboardInterrupt):
            compute(task, ended, end)
        finished = kept()
        assert finished
        compute(task, resumed, look)
        assert stages[0] == f"resumed:{len(finished)}"
        assert found[0] == finished  # nothing was computed once more, and nothing else
        # Reports, and the pictures in them, need not be made again.
        names = {path.name for path in whole.iterdir() if path.suffix != ".png"} - TIMED
        assert names <= {path.name for path in resumed.iterdir()}
        for name in sorted(names):
            assert (resumed / name).read_bytes() == (whole / name).read_bytes(), name

    return run
