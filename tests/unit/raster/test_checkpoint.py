"""Finished windows of a former attempt: used where they are right, computed anew where not."""

import hashlib
import os
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from shanhai.raster.store import ScratchStore
from shanhai.raster.windows import (
    DIGEST_BYTES,
    CheckpointFolder,
    CheckpointingRunner,
    PooledRunner,
    WindowRunner,
    pooled_runner,
)
from shanhai.science.grid import Grid, Window

GRID = Grid(4548, 0.0, 0.0, 10.0, 20, 20)
WINDOWS = list(GRID.windows(10))


def rise(store: ScratchStore, calls: Path, window: Window) -> float:
    """Write a window, note the call, and tell a figure of it."""
    with calls.open("a") as file:
        file.write("x")
    values = np.full((window.height, window.width), 100.0 * window.row + window.col)
    store.write("height", window, values)
    store.write("height", window, values + 1)  # the last one counts
    store.write_classes("kind", window, np.full(values.shape, 7, np.uint8))
    return float(values[0, 0])


def fall(store: ScratchStore, calls: Path, window: Window) -> float:
    """Another function with the same arguments."""
    return -rise(store, calls, window)


Work = Callable[[ScratchStore, Path, Window], float]


class Attempt:
    """One attempt in a workspace of its own, with the memory of all."""

    def __init__(self, tmp_path: Path, name: str, *, least_s: float = 0.0) -> None:
        self.workspace = tmp_path / name
        self.store = ScratchStore(self.workspace / "scratch" / "grid", GRID)
        self.store.create("height")
        self.store.create_classes("kind")
        self.calls = self.workspace / "calls"
        self.calls.touch()
        self.memory = CheckpointFolder(
            tmp_path / "kept" / "job" / "digest", self.workspace, least_s
        )
        self.found = self.memory.open()

    def run(self, function: Work = rise, runner: WindowRunner | None = None) -> list[float]:
        remembering = CheckpointingRunner(runner or WindowRunner(), self.memory).remembered()
        work = partial(function, self.store, self.calls)
        return list(remembering.run(work, WINDOWS))

    @property
    def computed(self) -> int:
        return self.calls.stat().st_size

    @property
    def layers(self) -> tuple[bytes, ...]:
        return tuple(path.read_bytes() for path in sorted(self.store.folder.iterdir()))


@pytest.fixture
def first(tmp_path: Path) -> Attempt:
    attempt = Attempt(tmp_path, "first")
    assert attempt.run() == [0.0, 10.0, 1000.0, 1010.0]
    assert attempt.computed == 4
    return attempt


def kept_files(tmp_path: Path) -> list[Path]:
    return sorted((tmp_path / "kept" / "job" / "digest").glob("*.window"))


def test_another_attempt_computes_nothing_and_writes_the_same(
    first: Attempt, tmp_path: Path
) -> None:
    second = Attempt(tmp_path, "second")
    assert second.found == 4
    assert second.run() == [0.0, 10.0, 1000.0, 1010.0]
    assert second.computed == 0
    assert second.layers == first.layers


@pytest.mark.parametrize("damage", ["cut", "changed", "empty"])
def test_what_is_not_whole_is_computed_anew(first: Attempt, tmp_path: Path, damage: str) -> None:
    broken = kept_files(tmp_path)[2]
    content = bytearray(broken.read_bytes())
    if damage == "changed":
        content[-20] ^= 1
    broken.write_bytes(bytes({"cut": content[:-1], "changed": content, "empty": b""}[damage]))
    second = Attempt(tmp_path, "second")
    assert second.run() == [0.0, 10.0, 1000.0, 1010.0]
    assert second.computed == 1
    assert second.layers == first.layers


def test_what_another_function_or_window_left_is_not_used(first: Attempt, tmp_path: Path) -> None:
    one, other, *_ = kept_files(tmp_path)
    one.write_bytes(other.read_bytes())
    second = Attempt(tmp_path, "second")
    assert second.run() == [0.0, 10.0, 1000.0, 1010.0]
    assert second.computed == 1
    third = Attempt(tmp_path, "third")
    assert third.run(fall) == [0.0, -10.0, -1000.0, -1010.0]
    assert third.computed == 4


def test_steps_are_told_apart_by_their_number(tmp_path: Path) -> None:
    attempt = Attempt(tmp_path, "first")
    runner = CheckpointingRunner(WindowRunner(), attempt.memory)
    work = partial(rise, attempt.store, attempt.calls)
    for _ in range(2):
        assert len(list(runner.remembered().run(work, WINDOWS))) == 4
    assert attempt.computed == 8
    assert list(runner.run(work, WINDOWS[:1])) == [0.0]  # this side remembers nothing
    assert len(kept_files(tmp_path)) == 8


def measure(calls: Path) -> np.ndarray:
    """A step of the whole raster; notes the call."""
    with calls.open("a") as file:
        file.write("x")
    return np.array([[1.5, np.nan]])


def weigh(calls: Path) -> np.ndarray:
    """Another step with the same arguments."""
    return -measure(calls)


def test_a_step_of_the_whole_is_kept_like_a_window(tmp_path: Path) -> None:
    for name, computed in (("first", 1), ("second", 0)):
        attempt = Attempt(tmp_path, name)
        runner = CheckpointingRunner(WindowRunner(), attempt.memory)
        found = runner.remembered().step(partial(measure, attempt.calls))
        found += 1.0  # what is done to it afterwards is not kept
        np.testing.assert_array_equal(found, [[2.5, np.nan]])
        assert attempt.computed == computed
    another = Attempt(tmp_path, "third")
    runner = CheckpointingRunner(WindowRunner(), another.memory)
    assert runner.step(partial(weigh, another.calls))[0, 0] == -1.5  # this side keeps nothing
    assert runner.remembered().step(partial(weigh, another.calls))[0, 0] == -1.5
    assert another.computed == 2


def test_a_step_that_is_not_whole_is_computed_anew(tmp_path: Path) -> None:
    for name in ("first", "second"):
        attempt = Attempt(tmp_path, name)
        runner = CheckpointingRunner(WindowRunner(), attempt.memory)
        runner.remembered().step(partial(measure, attempt.calls))
        assert attempt.computed == 1
        (kept,) = kept_files(tmp_path)
        kept.write_bytes(kept.read_bytes()[:-1])


class Renamed:
    """What a step returns whose class has another name by the next attempt."""


def make_renamed(calls: Path) -> object:
    """A step that returns one; notes the call."""
    with calls.open("a") as file:
        file.write("x")
    return Renamed()


def test_what_nothing_can_read_any_more_is_computed_anew(tmp_path: Path) -> None:
    first = Attempt(tmp_path, "first")
    CheckpointingRunner(WindowRunner(), first.memory).remembered().step(
        partial(make_renamed, first.calls)
    )
    (path,) = kept_files(tmp_path)
    kept = path.read_bytes()
    payload = kept[DIGEST_BYTES:].replace(b"\x07Renamed", b"\x07Removed")
    assert payload != kept[DIGEST_BYTES:]
    path.write_bytes(hashlib.sha256(payload).digest() + payload)
    second = Attempt(tmp_path, "second")
    CheckpointingRunner(WindowRunner(), second.memory).remembered().step(
        partial(make_renamed, second.calls)
    )
    assert second.computed == 1
    assert path.read_bytes() == kept


def test_what_took_no_time_is_not_kept(tmp_path: Path) -> None:
    Attempt(tmp_path, "first", least_s=60).run()
    assert kept_files(tmp_path) == []


@pytest.fixture
def pool() -> Iterator[PooledRunner]:
    with pooled_runner(1) as runner:
        yield runner


def test_other_processes_keep_and_recall_too(tmp_path: Path, pool: PooledRunner) -> None:
    first, second = Attempt(tmp_path, "first"), Attempt(tmp_path, "second")
    work = partial(np.full, (2, 2))  # a function the other process can load; it writes nothing
    for attempt in (first, second):
        remembering = CheckpointingRunner(pool, attempt.memory).remembered()
        found = list(remembering.run(work, [1.0, 2.0]))
        assert [values.sum() for values in found] == [4.0, 8.0]
    assert len(kept_files(tmp_path)) == 2


def test_the_folder_is_ours_alone_whatever_the_mask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        CheckpointFolder(tmp_path / "a" / "kept" / "job" / "digest", tmp_path, 0).open()
    finally:
        os.umask(before)
    for place in ("kept", "kept/job", "kept/job/digest"):
        assert (tmp_path / "a" / place).stat().st_mode & 0o777 == 0o700


def test_a_folder_others_may_write_to_is_not_trusted(first: Attempt, tmp_path: Path) -> None:
    folder = tmp_path / "kept" / "job" / "digest"
    os.chmod(folder, 0o770)  # noqa: S103
    with pytest.raises(PermissionError, match="can be written by others"):
        Attempt(tmp_path, "second")
