"""What sites are, and what a selection looks at, as it was when the job was accepted."""

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel, Field

from shanhai.processes.kit.task import NamedTask, Task
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
    "deficit": (
        Label("供给低于需求程度加权面积", "area weighted by how far supply is below demand"),
        "ha",
    ),
    "pinch_points": (Label("夹点得分加权面积", "area weighted by pinch score"), "ha"),
    "barriers": (Label("障碍点得分", "barriers opened"), "1"),
    "connectivity": (Label("等效连通面积增量", "gain in equivalent connected area"), "ha"),
    "problems": (Label("生态问题（按程度计）", "problems acted on, by severity"), "1"),
}
"""What is measured of every site, with units; sites may bring gains of their own besides."""

FEATURE_NAMES: Mapping[str, Label] = {name: label for name, (label, _) in FEATURES.items()}

COMPONENTS: Mapping[str, Label] = {
    "pinch_points": Label("夹点", "pinch points"),
    "barriers": Label("障碍点", "barriers"),
    "deficit": Label("供给低于需求", "supply below demand"),
    "problems": Label("生态问题", "problems"),
}
"""What a priority is made up of."""

Component = Literal["pinch_points", "barriers", "deficit", "problems"]


PlaceKind = Literal["source", "barrier", "pinch_point", "problem", "project"]


class PlaceTask(BaseModel):
    """A source, barrier, pinch point, problem or project; the geometry is GeoJSON."""

    kind: PlaceKind
    code: str
    version: int = 0
    name_zh: str
    name_en: str
    checksum: str
    geometry: dict[str, Any]
    score: float | None = Field(None, description="by which pinch points or barriers are compared")
    quality: dict[str, Any] = Field(default_factory=dict, description="what a network tells of it")
    severity: str | None = None
    cost: float | None = Field(None, description="of a project, yuan")
    measures: list[str] = []
    problems: list[str] = Field(default_factory=list, description="codes a project acts on")


class LinkTask(BaseModel):
    """A corridor of the network; codes are those within it."""

    code: str
    source_a: str
    source_b: str
    length_m: float
    lcd_cost_m: float
    dpc_link_percent: float


class FundTask(NamedTask):
    """Money that is left to allocate; `measures` of None may be spent on anything."""

    amount: float
    measures: list[str] | None = None


class SelectionTask(BaseModel):
    """All a selection reads besides its inputs and rasters."""

    network: str | None = Field(None, description="code of the network, or the file it is from")
    places: list[PlaceTask] = []
    links: list[LinkTask] = []
    funds: list[FundTask] = []

    def of_kind(self, *kinds: PlaceKind) -> list[PlaceTask]:
        """The places of some kinds, in their order."""
        return [one for one in self.places if one.kind in kinds]


class SelectSitesTask(Task):
    """What a selection of sites is given."""

    selection: SelectionTask | None = Field(
        None, description="what sites are selected from and paid with"
    )
