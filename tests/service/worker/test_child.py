"""The child alone: what it leaves behind, whatever the computation does."""

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from shanhai.processes.kit.task import Outcome, Task
from shanhai_worker.attempt import Failed, read_outcome
from shanhai_worker.child_process import Crashed, child_environment
from shanhai_worker.child_protocol import (
    FAILURE,
    ORDER,
    OUTCOME,
    ChildOrder,
    ProgressReport,
    UploadLimits,
)

PROCESS = """
import sys
from pathlib import Path

import shanhai_worker.fork_server as child
from shanhai.errors import InvalidInput
from shanhai.processes.kit.task import Outcome

def compute(task, workspace, progress):
    {body}

child.compute_of = {{"tried": compute}}.__getitem__
sys.exit(child.compute_jobs(Path(sys.argv[1])))
"""


def run_child(
    folder: Path,
    body: str,
    *,
    upload_limits: UploadLimits | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run a child whose computation is the Python line `body`."""
    order = ChildOrder(
        task=Task(process="tried", inputs={}),
        memory_limit_mb=1024,
        upload_limits=upload_limits,
        log_context={"job_id": "j-1"},
    )
    (folder / ORDER).write_text(order.model_dump_json())
    return subprocess.run(
        [sys.executable, "-c", PROCESS.format(body=body), str(folder)],
        env=child_environment(os.environ),
        capture_output=True,
        text=True,
        check=False,
    )


def failure_of(folder: Path) -> dict[str, Any]:
    failure: dict[str, Any] = json.loads((folder / FAILURE).read_text())
    assert not (folder / OUTCOME).exists()
    return failure


def test_an_outcome_is_left_and_only_progress_is_on_stdout(tmp_path: Path) -> None:
    ended = run_child(
        tmp_path,
        "print('chatter'); progress(10.2, 'a'); progress(10.9, 'a'); progress(50, 'b');"
        " return Outcome(values={'n': 1}, warnings=[{'code': 'w'}])",
    )
    assert ended.returncode == 0, ended.stderr
    assert Outcome.model_validate_json((tmp_path / OUTCOME).read_text()).values == {"n": 1}
    reports = [ProgressReport.model_validate_json(line) for line in ended.stdout.splitlines()]
    assert [(int(report.percent), report.stage) for report in reports] == [(10, "a"), (50, "b")]
    assert "chatter" in ended.stderr


def test_invalid_input_is_told_with_its_pointer(tmp_path: Path) -> None:
    ended = run_child(
        tmp_path, "raise InvalidInput('too few', message_zh='太少', pointer='/inputs/x')"
    )
    assert ended.returncode == 1
    failure = failure_of(tmp_path)
    assert (failure["class"], failure["detail"], failure["detail_zh"]) == (
        "invalid",
        "too few",
        "太少",
    )
    assert failure["faults"] == [{"pointer": "/inputs/x", "detail": "too few", "detail_zh": "太少"}]
    # No error of ours: whoever watches the log for these must not be called.
    assert "Traceback" not in ended.stderr
    assert '"level":"warning"' in ended.stderr


def test_too_much_memory_is_refused_with_the_limit_named(tmp_path: Path) -> None:
    run_child(tmp_path, "bytearray(4 * 1024**3)")
    failure = failure_of(tmp_path)
    assert failure["class"] == "resource"
    limit, held = re.findall(r"(\d+) MB", failure["detail"])
    assert int(limit) == 1024
    assert 10 < int(held) < 1024


def test_a_reader_of_an_upload_that_never_ends_is_ended(tmp_path: Path) -> None:
    body = "sum(iter(int, 1))"  # in C, where no handler of a signal would get a turn
    ended = run_child(tmp_path, body, upload_limits=UploadLimits(cpu_s=3))
    assert ended.returncode == -signal.SIGXCPU
    with pytest.raises(Failed) as caught:
        read_outcome(tmp_path, ended.returncode)
    assert caught.value.failure.kind == "resource"


def test_a_reader_of_an_upload_cannot_fill_the_disk(tmp_path: Path) -> None:
    body = "(workspace / 'big').write_bytes(bytes(200_000)); return Outcome()"
    run_child(tmp_path, body, upload_limits=UploadLimits(file_bytes=100_000))
    assert failure_of(tmp_path)["class"] == "resource"
    assert (tmp_path / "work" / "big").stat().st_size <= 100_000


def test_an_unforeseen_error_is_logged_and_not_told(tmp_path: Path) -> None:
    ended = run_child(tmp_path, "raise KeyError('secret path')")
    failure = failure_of(tmp_path)
    assert failure["class"] == "bug"
    assert "secret path" not in json.dumps(failure)
    assert "secret path" in ended.stderr
    assert "j-1" in ended.stderr


def test_a_crash_leaves_nothing(tmp_path: Path) -> None:
    ended = run_child(tmp_path, "__import__('os').abort()")
    assert ended.returncode < 0
    assert not (tmp_path / OUTCOME).exists()
    assert not (tmp_path / FAILURE).exists()


def test_the_environment_holds_no_secrets() -> None:
    given = {
        "PATH": "/bin",
        "SHANHAI_DATABASE_URL": "postgresql://u:secret@h/d",
        "SHANHAI_REDIS_URL": "redis://:secret@h",
        "PGPASSWORD": "secret",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "SHANHAI_LOG_LEVEL": "DEBUG",
        "GDAL_SKIP": "VRT",
        "OPENBLAS_CORETYPE": "Haswell",
        "OPENBLAS_NUM_THREADS": "8",
    }
    passed = child_environment(given)
    assert "secret" not in " ".join(passed.values())
    assert passed["GDAL_SKIP"] == "VRT"
    assert passed["SHANHAI_LOG_LEVEL"] == "DEBUG"
    assert passed["OPENBLAS_CORETYPE"] == "Haswell"
    assert passed["OPENBLAS_NUM_THREADS"] == "1"


def test_compiled_code_is_kept_where_the_worker_keeps_it() -> None:
    given = {"NUMBA_CACHE_DIR": "/tmp/numba"}  # noqa: S108 - a value that is passed on
    assert child_environment(given)["NUMBA_CACHE_DIR"] == given["NUMBA_CACHE_DIR"]


@pytest.mark.parametrize("name", ["OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"])
def test_libraries_compute_on_one_thread(name: str) -> None:
    assert child_environment({name: "8"})[name] == "1"


@pytest.mark.parametrize(
    ("code", "how"), [(3, "exit code 3"), (-9, "killed by SIGKILL"), (0, "exit code 0")]
)
def test_who_left_nothing_is_told_by_signal_or_exit_code(
    tmp_path: Path, code: int, how: str
) -> None:
    with pytest.raises(Crashed) as crashed:
        read_outcome(tmp_path, code)
    assert crashed.value.how.en == f"the process of the job ended: {how}"
