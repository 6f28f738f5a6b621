"""What must be whole: told before it begins, and refused where a job has not the room."""

import os
import resource
from pathlib import Path

from shanhai.errors import LimitExceeded
from shanhai.processes.build_network.context import Scene
from shanhai.vocabulary import Label

_MIB = 2**20
_STATM = Path("/proc/self/statm")


def memory_left() -> int:
    """Bytes this process may still take: of its limit, or else of what the machine has free."""
    page = os.sysconf("SC_PAGE_SIZE")
    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    if limit == resource.RLIM_INFINITY:
        return os.sysconf("SC_AVPHYS_PAGES") * page
    taken = int(_STATM.read_text().split()[0]) * page
    return max(limit - taken, 0)


def require_room(scene: Scene, step: Label, needed: int) -> None:
    """Refuse a step that cannot fit.

    Raises:
        LimitExceeded: names the step, the cells, what it needs and what there is.
    """
    left = memory_left()
    if needed <= left:
        return
    height, width = scene.grid.shape
    has, needs = f"{left / _MIB:.0f} MiB", f"{needed / _MIB:.0f} MiB"
    raise LimitExceeded(
        f"{step.en}: the grid of {width} × {height} = {width * height} cells needs {needs} at "
        f"once, and the job has {has} left; use a larger cell_m (now {scene.cell_m:g}) or a "
        "smaller region",
        message_zh=f"{step.zh}：{width} × {height} = {width * height} 个像元需一次性占用 {needs}，"
        f"作业剩余 {has}；请增大 cell_m（现为 {scene.cell_m:g}）或缩小区域",
        pointer="/inputs/cell_m",
    )
