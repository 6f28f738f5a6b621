from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from shanhai.data import cli
from shanhai.data.cli import MANIFEST, build_demo, is_complete
from shanhai.data.download import Reporter, peak_memory_mb
from shanhai.data.regions import DEMO_REGIONS


@pytest.fixture
def stack(tmp_path: Path) -> Path:
    """A finished stack of one file per region."""
    made = []
    for region in DEMO_REGIONS:
        path = tmp_path / region.code / "dem.tif"
        path.parent.mkdir()
        path.write_text(region.code)
        made.append(path)
    cli._write_manifest(tmp_path, made)
    return tmp_path


def test_finished_stack_is_left_alone(stack: Path, tmp_path: Path) -> None:
    output = StringIO()
    assert build_demo(tmp_path / "cache", stack, Reporter(Console(file=output))) == stack
    assert not (tmp_path / "cache" / "packages").exists()
    assert str(stack) in output.getvalue().replace("\n", "")


def test_foreign_files_do_not_matter(stack: Path) -> None:
    (stack / "notes.txt").write_text("mine")
    assert is_complete(stack)


def test_missing_file_makes_it_incomplete(stack: Path) -> None:
    (stack / "banan" / "dem.tif").unlink()
    assert not is_complete(stack)


def test_changed_file_makes_it_incomplete(stack: Path) -> None:
    (stack / "xiamen" / "dem.tif").write_text("changed")
    assert not is_complete(stack)


@pytest.mark.parametrize("text", ["", "{}", '{"version": "0", "packages": {}, "files": {}}'])
def test_other_manifest_makes_it_incomplete(stack: Path, text: str) -> None:
    (stack / MANIFEST).write_text(text)
    assert not is_complete(stack)


def test_stack_of_another_version_is_incomplete(
    stack: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cli, "DEMO_VERSION", "next")
    assert not is_complete(stack)


def test_steps_are_timed_and_their_memory_told() -> None:
    output = StringIO()
    reporter = Reporter(Console(file=output))
    with reporter.step("hold 50 MB"):
        held = b"x" * 50_000_000
    assert len(held) == 50_000_000
    assert reporter.costs[0].peak_mb > 50
    assert peak_memory_mb() > 50
    reporter.summarise()
    assert output.getvalue().count("hold 50 MB") == 2


def test_transfer_prints_one_plain_line_without_a_terminal() -> None:
    output = StringIO()
    with Reporter(Console(file=output)).transfer("thing", 2_000_000, 500_000) as advance:
        advance(10)
    assert output.getvalue() == "thing: 2.0 MB, 0.5 here\n"


def test_transfer_shows_a_bar_on_a_terminal() -> None:
    output = StringIO()
    console = Console(file=output, force_terminal=True, width=100)
    with Reporter(console).transfer("thing", 2_000_000, 0) as advance:
        advance(2_000_000)
    assert "2.0/2.0 MB" in output.getvalue()
