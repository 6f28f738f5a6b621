"""What a selection of sites looks at, as it was when the job was accepted."""

from typing import Any, Literal

from pydantic import BaseModel, Field

from shanhai.processes.kit.task import Task

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


class FundTask(BaseModel):
    """Money that is left to allocate; `measures` of None may be spent on anything."""

    code: str
    name_zh: str
    name_en: str
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
