"""The process that computes one job: it may be killed, run out of memory or crash, alone."""

import json
import os
import resource
import sys
from pathlib import Path
from typing import TextIO

import structlog

from shanhai.jobs.failures import classify
from shanhai.processes.catalogue import compute_of
from shanhai.processes.kit.task import Outcome
from shanhai.settings import LogSettings
from shanhai.telemetry import configure_logging
from shanhai_worker.child_protocol import (
    FAILURE,
    ORDER,
    OUTCOME,
    RESERVE,
    WORK,
    ChildOrder,
    ProgressReport,
    UploadLimits,
    write_durably,
)

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

GRACE_S = 5


class ProgressLines:
    """Progress as lines of JSON, one for every new per cent or stage."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._told: tuple[int, str] | None = None

    def __call__(self, percent: float, stage: str) -> None:
        """Tell how far the computation is."""
        if self._told == (int(percent), stage):
            return
        self._told = (int(percent), stage)
        print(
            ProgressReport(percent=percent, stage=stage).model_dump_json(),
            file=self._stream,
            flush=True,
        )


def main(workspace: Path) -> int:
    """Carry out the order that lies in the workspace and leave the outcome or the failure there."""
    order = ChildOrder.model_validate_json((workspace / ORDER).read_text(encoding="utf-8"))
    configure_logging(LogSettings())
    structlog.contextvars.bind_contextvars(**order.log_context)
    progress = ProgressLines(_keep_stdout_for_progress())
    try:
        limit_memory(order.memory_limit_mb)
        if order.upload_limits is not None:
            limit_upload(order.upload_limits)
        outcome = _compute(order, workspace / WORK, progress)
        write_durably(workspace / OUTCOME, outcome.model_dump_json())
    except Exception as error:
        failure = classify(error, memory_limit_mb=order.memory_limit_mb, memory_mb=most_held_mb())
        log.exception("computation failed", failure=failure.kind)
        # The disk may be full: the reason takes the room that was kept for it.
        (workspace / RESERVE).unlink(missing_ok=True)
        write_durably(workspace / FAILURE, json.dumps(failure.document(), ensure_ascii=False))
        return 1
    return 0


def limit_memory(limit_mb: int) -> None:
    """Make allocations beyond the limit fail here instead of exhausting the machine."""
    limit = limit_mb * 1024**2
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


def most_held_mb() -> float:
    """The most memory this process ever held, MB.

    Not what `getrusage` tells, which begins with what the process held that this one came from.
    """
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def limit_upload(limits: UploadLimits) -> None:
    """Bound what a file from outside can make its reader do: compute on and on, or fill the disk.

    The first ends this process by a signal, the second fails the write.
    """
    cpu_s = limits.cpu_s
    resource.setrlimit(resource.RLIMIT_CPU, (cpu_s, cpu_s + GRACE_S))
    resource.setrlimit(resource.RLIMIT_FSIZE, (limits.file_bytes, limits.file_bytes))


def _compute(order: ChildOrder, work: Path, progress: ProgressLines) -> Outcome:
    work.mkdir(exist_ok=True)
    return compute_of(order.task.process)(order.task, work, progress)


def _keep_stdout_for_progress() -> TextIO:
    """Send what libraries print to the log; only progress goes where the worker reads."""
    lines = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    return lines
