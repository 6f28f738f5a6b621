"""What sites are, what is measured of them, and what makes land urgent."""

from collections.abc import Mapping
from typing import Literal

from shanhai.vocabulary import Label

Candidates = Literal["barriers", "pinch_points", "problems", "projects", "priority_units"]
SiteKind = Literal["barrier", "pinch_point", "problem", "project", "priority_unit", "site"]

KINDS: Mapping[Candidates, SiteKind] = {
    "barriers": "barrier",
    "pinch_points": "pinch_point",
    "problems": "problem",
    "projects": "project",
    "priority_units": "priority_unit",
}
"""Kind of the sites that each choice of candidates gives."""

FEATURES: Mapping[str, tuple[Label, str]] = {
    "area": (Label("面积", "area"), "ha"),
    "priority": (Label("优先级加权面积", "area weighted by priority"), "ha"),
    "deficit": (Label("供需赤字加权面积", "area weighted by deficit"), "ha"),
    "pinch_points": (Label("夹点得分加权面积", "area weighted by pinch score"), "ha"),
    "barriers": (Label("障碍点得分", "barriers opened"), "1"),
    "connectivity": (Label("等效连通面积增量", "gain in equivalent connected area"), "ha"),
    "problems": (Label("生态问题（按程度计）", "problems acted on, by severity"), "1"),
}
"""What is measured of every site, with units; sites may bring gains of their own besides."""

COMPONENTS: Mapping[str, Label] = {
    "pinch_points": Label("夹点", "pinch points"),
    "barriers": Label("障碍点", "barriers"),
    "deficit": Label("供需赤字", "deficit"),
    "problems": Label("生态问题", "problems"),
}
"""What a priority is made up of."""

Component = Literal["pinch_points", "barriers", "deficit", "problems"]
