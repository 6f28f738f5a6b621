"""Steps that serve other jobs: found where they are right and whole, bounded, safe to share."""

import os
from pathlib import Path

import numpy as np
import pytest

from shanhai.raster.kept_steps import KeptSteps
from shanhai.raster.store import ScratchStore
from shanhai.science.grid import Grid

GRID = Grid(4548, 0.0, 0.0, 10.0, 700, 600)
PLENTY = 10**9


def filled(workspace: Path, seed: int = 0) -> ScratchStore:
    """A quantity and classes, over several blocks."""
    random, store = np.random.default_rng(seed), ScratchStore(workspace / "grid", GRID)
    store.create("height")
    store.create_classes("kind")
    store.write("height", store.whole, random.normal(size=GRID.shape))
    store.write_classes("kind", store.whole, random.integers(0, 9, GRID.shape).astype(np.uint8))
    return store


@pytest.fixture(name="kept")
def steps_of_jobs(tmp_path: Path) -> KeptSteps:
    steps = KeptSteps(tmp_path / "steps", PLENTY)
    steps.open()
    return steps


def keep(kept: KeptSteps, tmp_path: Path, key: str = "a", seed: int = 0) -> ScratchStore:
    store = filled(tmp_path / f"first-{key}", seed)
    kept.keep(key, {"of": key}, [store], tmp_path / f"first-{key}")
    return store


def test_another_job_has_the_same_layers_and_result(kept: KeptSteps, tmp_path: Path) -> None:
    store = keep(kept, tmp_path)
    assert kept.recall("a", tmp_path / "second") == {"of": "a"}
    again = ScratchStore(tmp_path / "second" / "grid", GRID)
    for (one, _), (other, _) in zip(store.files(), again.files(), strict=True):
        assert one.name == other.name
        assert one.read_bytes() == other.read_bytes()


def test_what_was_not_kept_is_lost(kept: KeptSteps, tmp_path: Path) -> None:
    keep(kept, tmp_path)
    assert kept.recall("b", tmp_path / "second") is None


@pytest.mark.parametrize("cut", [0, 10, 32, 5_000])
def test_a_file_that_is_not_whole_is_lost_and_writes_nothing(
    kept: KeptSteps, tmp_path: Path, cut: int
) -> None:
    keep(kept, tmp_path)
    (path,) = kept.folder.iterdir()
    path.write_bytes(path.read_bytes()[:cut])
    assert kept.recall("a", tmp_path / "second") is None
    assert not (tmp_path / "second").exists()


def test_a_changed_bit_is_noticed(kept: KeptSteps, tmp_path: Path) -> None:
    keep(kept, tmp_path)
    (path,) = kept.folder.iterdir()
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    assert kept.recall("a", tmp_path / "second") is None


def test_what_was_asked_for_longest_ago_goes_first(tmp_path: Path) -> None:
    kept = KeptSteps(tmp_path / "steps", 5_000_000)  # room for two
    kept.open()
    for age, key in ((300, "a"), (200, "b")):
        keep(kept, tmp_path, key)
        os.utime(kept.folder / f"{key}.step", (1e9 - age, 1e9 - age))
    assert kept.recall("a", tmp_path / "second") is not None
    keep(kept, tmp_path, "c")
    assert {path.stem for path in kept.folder.iterdir()} == {"a", "c"}


def test_what_alone_takes_too_much_is_not_kept(tmp_path: Path) -> None:
    kept = KeptSteps(tmp_path / "steps", 1_000)
    kept.open()
    keep(kept, tmp_path)
    assert not list(kept.folder.iterdir())


def test_the_leftover_of_a_killed_writer_goes_and_a_living_one_stays(
    kept: KeptSteps, tmp_path: Path
) -> None:
    killed, living = kept.folder / "x.1.part", kept.folder / "x.2.part"
    killed.write_bytes(b"half")
    living.write_bytes(b"half")
    os.utime(killed, (1e9, 1e9))
    keep(kept, tmp_path)
    assert not killed.exists()
    assert living.exists()


def test_a_folder_others_may_write_to_is_refused(tmp_path: Path) -> None:
    kept = KeptSteps(tmp_path / "steps", PLENTY)
    kept.open()
    kept.folder.chmod(0o777)
    with pytest.raises(PermissionError, match="written by others"):
        kept.open()


def test_another_job_has_the_same_files(kept: KeptSteps, tmp_path: Path) -> None:
    """Large ones come in parts, and one that lay there before is written anew."""
    first, second = tmp_path / "first", tmp_path / "second"
    contents = {"empty.tif": b"", "small.png": b"a picture", "large.tif": os.urandom(9 * 2**20)}
    for folder in (first, second):
        folder.mkdir()
        for name in contents:
            (folder / name).write_bytes(b"left by an earlier attempt" * 10)
    for name, content in contents.items():
        (first / name).write_bytes(content)
    kept.keep("a", {"of": "a"}, (), first, [first / name for name in contents])
    assert kept.recall("a", second) == {"of": "a"}
    assert {path.name: path.read_bytes() for path in second.iterdir()} == contents


def test_files_that_take_more_than_all_may_are_not_kept(tmp_path: Path) -> None:
    kept, path = KeptSteps(tmp_path / "steps", 1000), tmp_path / "large.tif"
    kept.open()
    path.write_bytes(bytes(1001))
    kept.keep("a", None, (), tmp_path, [path])
    assert list(kept.folder.iterdir()) == []
