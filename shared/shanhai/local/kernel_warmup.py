"""The kernels of zones and networks compiled ahead, by small ones on land made in code.

A new clone and a new container hold none, and the first job to call a kernel would wait for it: a
minute and more of a core for all of them. A worker that was just started has time for that.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import shanhai
from shanhai.raster.windows import die_with_parent

CELLS = 48
NICENESS = 19
COMPILED = "*.nbc"
"""What is left beside a module whose kernels it has compiled."""


class Enough(Exception):
    """Nothing that comes now is compiled."""


def start_warming(environment: Mapping[str, str]) -> subprocess.Popen[bytes] | None:
    """Compile in a process of its own, unless something was compiled here before.

    Args:
        environment: The variables of the processes that compute; they say where compiled kernels
            are kept, and that process learns no other.
    """
    given = environment.get("NUMBA_CACHE_DIR")
    if not is_cold(Path(given) if given else Path(shanhai.__path__[0]) / "science"):
        return None
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "shanhai.local.kernel_warmup"],
        env=environment,
        stdout=subprocess.DEVNULL,  # what goes wrong is told
        preexec_fn=die_with_parent,  # it serves who started it and nobody else
    )


def is_cold(folder: Path) -> bool:
    """Whether no kernel of the modules in a folder was ever compiled."""
    return next(folder.rglob(COMPILED), None) is None


def warm_up() -> None:
    """Zone a small watershed, then link its woods, up to the pictures."""
    # Here, because who only starts this needs none of it.
    from shanhai.data.synthetic_watershed import (
        build_linked_watershed,
        build_watershed,
        network_task,
    )
    from shanhai.processes.catalogue import compute_of

    with tempfile.TemporaryDirectory(prefix="shanhai-") as folder:
        watershed = build_watershed(Path(folder) / "given", cells=CELLS)
        linked = build_linked_watershed(Path(folder) / "linked", cells=CELLS)
        for task in (watershed.task(), network_task(linked)):
            workspace = Path(folder) / task.process
            workspace.mkdir()
            with suppress(Enough):
                compute_of(task.process)(task, workspace, _until_pictures)


def _until_pictures(percent: float, stage: str) -> None:
    if stage == "maps":
        raise Enough


if __name__ == "__main__":
    os.nice(NICENESS)
    warm_up()
