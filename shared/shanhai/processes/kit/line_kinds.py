"""The kinds of control areas that processes read."""

from typing import Literal

from shanhai.processes.kit.task import Task
from shanhai.science.flags import ResultFlag
from shanhai.vocabulary import CONTROL_KINDS, Label

LineKind = Literal["red_line", "protected_area", "permanent_basic_farmland", "urban_boundary"]
"""Kinds of control areas that may hold sources, or keep them out."""

LINE_KINDS = ("red_line", "permanent_basic_farmland", "urban_boundary")
"""Kinds of control areas whose overlap with the zones is told."""

RESERVE, CORE = "protected_area", "core"
"""Kind and class of the cores of reserves, which an overlay holds to strict protection."""

PROTECTED = ("red_line", RESERVE)
"""Kinds within which nature is protected by law."""

OVERLAYS = "/inputs/parameters/overlays"


def left_out_flags(task: Task) -> tuple[ResultFlag, ...]:
    """A warning where lines were too detailed to be compared with the zones."""
    if not task.areas_left_out:
        return ()
    names = [term.label for term in CONTROL_KINDS if term.code in task.areas_left_out]
    text = Label(
        f"{'、'.join(name.zh for name in names)}顶点过多，未统计与分区的重叠。",
        f"The overlap with {', '.join(name.en.lower() for name in names)} is not told: the lines "
        "have too many vertices.",
    )
    return (ResultFlag("lines_left_out", text),)
