"""Start, watch and stop the child that computes a job."""

import asyncio
import os
import signal
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import structlog
from pydantic import ValidationError

from shanhai.raster.environment import FIXED_COMPUTING
from shanhai_worker.orders import Report

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

PASSED_ON = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "PYTHONPATH", "LD_LIBRARY_PATH")
PASSED_ON_PREFIXES = ("SHANHAI_LOG_", "GDAL_", "CPL_", "PROJ_", "XDG_", "MPL", "COVERAGE_")


def child_environment(environment: Mapping[str, str], workspace: Path) -> dict[str, str]:
    """The variables a child may see: none that hold the addresses or secrets of the stores."""
    passed = {
        name: value
        for name, value in environment.items()
        if name in PASSED_ON or name.startswith(PASSED_ON_PREFIXES)
    }
    return {**passed, **FIXED_COMPUTING, "TMPDIR": str(workspace)}


class Child:
    """A computing process, leader of a group of its own so that its helpers end with it."""

    def __init__(self, process: asyncio.subprocess.Process, told: Callable[[Report], None]) -> None:
        self._process = process
        self._told = told
        self._listener = asyncio.create_task(self._listen())

    @classmethod
    async def start(cls, workspace: Path, told: Callable[[Report], None]) -> "Child":
        """Start a child on the order in `workspace`; `told` is called with each progress line."""
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-m", "shanhai_worker.child", str(workspace)),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            env=child_environment(os.environ, workspace),
            cwd=workspace,
            start_new_session=True,
        )
        return cls(process, told)

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    async def wait(self) -> int:
        """Wait for its end; the exit code, negative for a signal."""
        return await self._process.wait()

    async def stop(self) -> int:
        """Kill it with all it started, unless it has ended; nothing it holds is worth a delay."""
        if self._process.returncode is None:
            os.killpg(self._process.pid, signal.SIGKILL)
        code = await self._process.wait()
        await self._listener
        return code

    async def _listen(self) -> None:
        assert self._process.stdout is not None  # noqa: S101  (opened as a pipe)
        async for line in self._process.stdout:
            try:
                self._told(Report.model_validate_json(line))
            except ValidationError:
                log.warning("unreadable progress", line=line[:200])
