"""Windows in this process and in others: same results, same order, errors told, nothing left."""

import os
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest

from shanhai.errors import InvalidInput
from shanhai.local.background import read_process
from shanhai.raster.environment import FIXED_COMPUTING
from shanhai.raster.windows import window_runner
from tests.support.serving import PATIENCE_S


def square(number: int) -> int:
    return number * number


def slow_when_even(number: int) -> int:
    time.sleep(0.02 if number % 2 == 0 else 0)
    return number


def process_id(_: int) -> int:
    return os.getpid()


def refuse(number: int, at: int) -> int:
    if number == at:
        raise InvalidInput(f"{number} is refused", message_zh="拒绝", pointer="/number")
    return number


def leave(number: int) -> int:
    if number == 3:
        os._exit(1)
    return number


@pytest.mark.parametrize("processes", [1, 2, 3])
def test_results_come_in_the_order_of_the_windows(processes: int) -> None:
    with window_runner(processes) as runner:
        assert list(runner.run(slow_when_even, range(25))) == list(range(25))
        assert list(runner.run(square, range(5))) == [0, 1, 4, 9, 16]


def test_every_process_works_and_none_is_this_one() -> None:
    with window_runner(2) as runner:
        pids = set(runner.run(process_id, range(20)))
    assert len(pids) == 2
    assert os.getpid() not in pids
    assert [read_process(pid) for pid in pids] == [None, None]


def test_no_windows_no_results() -> None:
    with window_runner(2) as runner:
        assert list(runner.run(square, [])) == []


def test_an_error_arrives_whole_and_the_pool_lives_on() -> None:
    with window_runner(2) as runner:
        with pytest.raises(InvalidInput, match="7 is refused") as caught:
            list(runner.run(partial(refuse, at=7), range(20)))
        assert caught.value.faults[0].pointer == "/number"
        assert caught.value.message_zh == "拒绝"
        assert list(runner.run(square, range(4))) == [0, 1, 4, 9]


def test_a_run_left_half_way_does_not_disturb_the_next() -> None:
    with window_runner(2) as runner:
        results = runner.run(slow_when_even, range(20))
        assert next(results) == 0
        results.close()  # type: ignore[attr-defined]  # a generator is closable
        assert list(runner.run(square, range(4))) == [0, 1, 4, 9]


def test_a_process_that_ends_is_noticed() -> None:
    with window_runner(2) as runner, pytest.raises(RuntimeError, match="ended without an answer"):
        list(runner.run(leave, range(10)))


def tell_process(number: int, marks: Path, processes: int) -> tuple[int, int]:
    """Number and process, once as many processes as there are have come to a piece."""
    (marks / str(os.getpid())).touch()
    while len(list(marks.iterdir())) < processes:
        time.sleep(0.01)
    return number, os.getpid()


@pytest.mark.parametrize("processes", [1, 2, 3])
def test_work_beside_comes_in_order_whatever_is_run_meanwhile(
    tmp_path: Path, processes: int
) -> None:
    work = partial(tell_process, marks=tmp_path, processes=processes)
    with window_runner(processes) as runner:
        collect = runner.beside(work, range(20))
        assert list(runner.run(square, range(5))) == [0, 1, 4, 9, 16]
        other = runner.beside(square, range(7))
        found = collect()
        assert other() == [number * number for number in range(7)]
    assert [number for number, _ in found] == list(range(20))
    assert len({pid for _, pid in found}) == processes


def wait_or_mark(number: int, mark: Path, at: int) -> int:
    """The first waits for the piece numbered `at`, which leaves a mark."""
    if number == at:
        mark.touch()
    while number == 0 and not mark.exists():
        time.sleep(0.01)
    return number


@pytest.mark.parametrize("at", [1, 2, 9])
def test_a_long_piece_keeps_none_of_the_others_waiting(tmp_path: Path, at: int) -> None:
    with window_runner(2) as runner:
        work = partial(wait_or_mark, mark=tmp_path / "mark", at=at)
        assert runner.beside(work, range(10))() == list(range(10))


def test_work_beside_of_processes_that_ended_is_refused_however_much_it_is() -> None:
    with window_runner(2) as runner:
        collect = runner.beside(leave, [3, 3])
        with pytest.raises((RuntimeError, BrokenPipeError)):
            collect()
        with pytest.raises(BrokenPipeError):
            runner.beside(square, range(20_000))


def test_less_work_beside_than_processes() -> None:
    with window_runner(3) as runner:
        assert runner.beside(square, [4])() == [16]
        assert runner.beside(square, [])() == []


def test_an_error_beside_is_raised_where_its_results_are_asked_for() -> None:
    with window_runner(2) as runner:
        collect = runner.beside(partial(refuse, at=7), range(20))
        assert list(runner.run(square, range(4))) == [0, 1, 4, 9]
        with pytest.raises(InvalidInput, match="7 is refused"):
            collect()
        assert list(runner.run(square, range(4))) == [0, 1, 4, 9]


def test_work_beside_that_nobody_asks_for_ends_with_the_pool() -> None:
    with window_runner(2) as runner:
        pids = set(runner.run(process_id, range(20)))
        runner.beside(slow_when_even, range(8_000))
    assert [read_process(pid) for pid in pids] == [None, None]


POOL = """
import os, sys, threading
from shanhai.raster.windows import window_runner

def loaded(_):
    return "marked" in sys.modules

if __name__ == "__main__":
    sys.modules["marked"] = sys
    stop = threading.Event()
    {before}
    with window_runner(2) as runner:
        print(sorted(set(map(str, runner.run(loaded, range(8))))))
    stop.set()
"""


@pytest.mark.parametrize(
    ("before", "copies"),
    [
        ("", True),
        ("threading.Thread(target=stop.wait).start()", False),
        ("import rasterio; rasterio.Env().__enter__()", False),
    ],
    ids=["alone", "with_a_thread", "gdal_used"],
)
def test_processes_are_copies_where_nothing_is_in_the_way(
    tmp_path: Path, before: str, copies: bool
) -> None:
    """A copy has loaded what its parent has; a thread or GDAL in use would not survive."""
    script = tmp_path / "pool.py"
    script.write_text(POOL.format(before=before), encoding="utf-8")
    told = subprocess.run(
        [sys.executable, script],
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=True,
        cwd=tmp_path,
        env={**os.environ, **FIXED_COMPUTING},
    )
    assert told.stdout.strip() == str([str(copies)])
