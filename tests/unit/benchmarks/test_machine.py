"""What the machine did beside a measurement."""

import subprocess
import sys
import time

import pytest

from benchmarks import machine
from benchmarks.machine import Moment, family, processor_seconds, share_of_others

BURN = "import time\nwhile time.process_time() < 0.3: pass"


def test_time_that_neither_we_nor_nobody_took_is_that_of_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Ten seconds of two cores; 9 s were worked, 5 of them by us: 4 of 20."""
    monkeypatch.setattr(machine, "_CORES", 2)
    began = Moment(load=0.0, at_s=100.0, busy_s=50.0, own_s=7.0)
    ended = Moment(load=1.0, at_s=110.0, busy_s=59.0, own_s=12.0)
    assert share_of_others(began, ended) == pytest.approx(0.2)


def test_a_moment_tells_nothing_of_others() -> None:
    began = Moment(load=0.0, at_s=100.0, busy_s=50.0, own_s=7.0)
    assert share_of_others(began, began) == 0.0


def test_a_process_that_ended_is_counted_with_its_parent() -> None:
    before = processor_seconds()
    subprocess.run([sys.executable, "-c", BURN], check=True)
    assert processor_seconds() - before >= 0.25


def test_a_process_that_runs_is_counted_too() -> None:
    before = processor_seconds()
    command = [sys.executable, "-c", BURN + "\nprint(flush=True); import sys; sys.stdin.read()"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        child.stdout.readline()
        assert child.pid in family(machine.root())
        assert processor_seconds() - before >= 0.25
        child.communicate()


def test_a_machine_never_works_less_than_before() -> None:
    began = Moment()
    time.sleep(0.02)
    ended = Moment()
    assert ended.busy_s >= began.busy_s
    assert ended.own_s >= began.own_s
    assert 0.0 <= share_of_others(began, ended) <= 1.0
