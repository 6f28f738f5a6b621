import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from shanhai.errors import Unavailable
from shanhai.local import background
from shanhai.local.background import BackgroundProcess, RunningProcess, read_process
from shanhai.local.places import current_account

POLITE_THEN_FORCED = ((signal.SIGTERM, 0.3), (signal.SIGKILL, 5.0))
SLEEP = ["sleep", "600"]
ENVIRONMENT = {"PATH": os.defpath}


def make_unit(base: Path, executable: str = "sleep") -> BackgroundProcess:
    directory = base / "work"
    directory.mkdir(exist_ok=True)
    pid_file, log = base / "unit.pid", base / "unit.log"
    return BackgroundProcess(
        "unit", directory.resolve(), (executable,), pid_file, log, current_account()
    )


@pytest.fixture
def unit(tmp_path: Path) -> Iterator[BackgroundProcess]:
    unit = make_unit(tmp_path)
    yield unit
    unit.stop(POLITE_THEN_FORCED)


def launch(unit: BackgroundProcess, command: list[str] = SLEEP) -> RunningProcess:
    unit.launch(command, environment=ENVIRONMENT)
    deadline = time.monotonic() + 5
    while (process := unit.process()) is None:
        assert time.monotonic() < deadline
    return process


def test_a_unit_is_found_by_another_program_through_its_pid_file(
    unit: BackgroundProcess, tmp_path: Path
) -> None:
    process = launch(unit)
    assert unit.pid_file.read_text() == f"{process.pid} {process.ticks}\n"
    found = make_unit(tmp_path).process()
    assert found is not None
    assert found.pid == process.pid


def test_a_unit_is_found_without_its_pid_file(unit: BackgroundProcess, tmp_path: Path) -> None:
    process = launch(unit)
    unit.pid_file.unlink()
    found = make_unit(tmp_path).process()
    assert found is not None
    assert found.pid == process.pid


def test_another_process_under_the_noted_number_is_left_alone(unit: BackgroundProcess) -> None:
    with subprocess.Popen(SLEEP, cwd="/") as foreign:
        found = read_process(foreign.pid)
        assert found is not None
        for noted in (f"{foreign.pid}\n", f"{foreign.pid} {found.ticks - 1}\n"):
            unit.pid_file.write_text(noted)
            assert unit.process() is None
            unit.stop(POLITE_THEN_FORCED)
            assert foreign.poll() is None
        foreign.kill()


def test_another_program_in_the_directory_is_left_alone(unit: BackgroundProcess) -> None:
    with subprocess.Popen(["/usr/bin/tail", "-f", "/dev/null"], cwd=unit.directory) as foreign:
        unit.pid_file.write_text(f"{foreign.pid} 1\n")
        unit.stop(POLITE_THEN_FORCED)
        assert foreign.poll() is None
        foreign.kill()


CLOSED = "from shanhai.isolation import hide_memory; hide_memory(); print(1, flush=True);"
LOOK = f"""
import sys, time
from pathlib import Path
from tests.unit.local.test_background import ENVIRONMENT, POLITE_THEN_FORCED, make_unit
base = Path(sys.argv[1])
unit = make_unit(base, "python")
command = [sys.executable, "-c", "{CLOSED} import time; time.sleep(60)"]
unit.launch(command, environment=ENVIRONMENT)
unit.wait_until(lambda: unit.log_file.read_text() != "", 30)
launched, found = unit.process(), make_unit(base, "python").process()
unit.stop(POLITE_THEN_FORCED)
print(launched.directory == "", launched == found, unit.process(), unit.pid_file.exists())
"""


def test_a_process_that_closes_its_memory_is_found_and_stopped(tmp_path: Path) -> None:
    # Root looks into every process, unless it gives up the right to.
    bare = ["setpriv", "--bounding-set=-sys_ptrace", "--"] if os.geteuid() == 0 else []
    looked = subprocess.run(
        [*bare, sys.executable, "-c", LOOK, str(tmp_path)], capture_output=True, text=True
    )
    assert looked.stdout == "True True None False\n", looked.stderr


def test_stopping_ends_the_process_and_removes_the_pid_file(unit: BackgroundProcess) -> None:
    process = launch(unit)
    unit.stop(POLITE_THEN_FORCED)
    assert read_process(process.pid) is None
    assert not unit.pid_file.exists()
    unit.stop(POLITE_THEN_FORCED)


def test_a_deaf_process_is_killed(tmp_path: Path) -> None:
    unit = make_unit(tmp_path, "python")
    deaf = (
        "import signal, time; signal.signal(15, signal.SIG_IGN); print(1, flush=1); time.sleep(9)"
    )
    unit.launch([sys.executable, "-c", deaf], environment=ENVIRONMENT)
    unit.wait_until(lambda: unit.log_file.read_text() != "", 5)
    process = unit.process()
    assert process is not None
    unit.stop(POLITE_THEN_FORCED)
    assert read_process(process.pid) is None


def test_orphans_of_a_killed_process_are_cleared(tmp_path: Path) -> None:
    unit = make_unit(tmp_path, "python")
    parent = (
        "import subprocess, sys, time;"
        "subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)']);"
        "print(1, flush=True); time.sleep(60)"
    )
    unit.launch([sys.executable, "-c", parent], environment=ENVIRONMENT)
    unit.wait_until(lambda: unit.log_file.read_text() != "", 5)
    unit.signal(signal.SIGKILL)
    unit.stop(POLITE_THEN_FORCED)
    assert unit.process() is None


def test_waiting_for_a_process_that_ends_shows_its_log(unit: BackgroundProcess) -> None:
    unit.launch(["sh", "-c", "echo no such thing; exit 1"], environment=ENVIRONMENT)
    with pytest.raises(Unavailable, match=r"ended instead of starting(.|\n)*no such thing"):
        unit.wait_until(lambda: False, 5)


def test_waiting_too_long_is_said(unit: BackgroundProcess) -> None:
    launch(unit)
    with pytest.raises(Unavailable, match="not ready after"):
        unit.wait_until(lambda: False, 0.1)


def test_standard_input_is_passed_on(unit: BackgroundProcess) -> None:
    unit.launch(["cat"], environment=ENVIRONMENT, standard_input=b"said in private")
    deadline = time.monotonic() + 5
    while unit.log_file.read_bytes() != b"said in private":
        assert time.monotonic() < deadline


def test_a_process_that_the_system_hides_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    def hidden(entry: Path) -> None:
        raise PermissionError(entry)

    # As with /proc mounted with hidepid.
    monkeypatch.setattr(background, "_read_stat", hidden)
    assert read_process(os.getpid()) is None


def test_a_process_is_described(unit: BackgroundProcess) -> None:
    process = launch(unit)
    assert process.executable == "sleep"
    assert process.directory == str(unit.directory)
    assert process.parent == os.getpid()
    assert abs(process.started_at - time.time()) < 5


@pytest.mark.parametrize("deaf", ["", "signal.signal(signal.SIGINT, signal.SIG_IGN);"])
def test_a_bound_unit_ends_with_its_starter(tmp_path: Path, deaf: str) -> None:
    starter = (
        f"import os, signal, sys; from pathlib import Path; {deaf} sys.path.insert(0, sys.argv[2]);"
        "import test_units as t; u = t.make_unit(Path(sys.argv[1])); u.dies_with_parent = True;"
        "t.launch(u); os.kill(os.getpid(), 9)"
    )
    command = [sys.executable, "-c", starter, str(tmp_path), str(Path(__file__).parent)]
    subprocess.run(command, check=False)
    unit = make_unit(tmp_path)
    deadline = time.monotonic() + 5
    while unit.process() is not None:
        assert time.monotonic() < deadline
