"""The kernels of zones and networks compiled ahead, by small ones on land made in code.

A clone compiles each kernel when it is first called, which takes a core ten seconds. While data
are fetched and imported there is time for that.
"""

import os
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

import shanhai.science
from shanhai.raster.windows import die_with_parent

CELLS = 48
NICENESS = 10
COMPILED = "*.nbi"
"""What numba leaves beside a module whose kernels it has compiled."""


class Enough(Exception):
    """Nothing that comes now is compiled."""


def start_warming() -> None:
    """Compile in a process of its own, unless something was compiled here before."""
    if is_cold(Path(str(shanhai.science.__file__)).parent):
        subprocess.Popen(
            [sys.executable, "-m", "shanhai.local.kernel_warmup"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
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
