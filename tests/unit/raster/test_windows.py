"""Windows in this process and in others: same results, same order, errors told, nothing left."""

import os
import time
from functools import partial

import pytest

from shanhai.errors import InvalidInput
from shanhai.local.background import read_process
from shanhai.raster.windows import window_runner


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
