"""The files of a city: what its plans print, in a form of our own, one model per block.

A figure that no source prints is absent here. `source` names the document and provision of a block.
"""

import json
from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal
from importlib import resources
from typing import Annotated, Any, Literal

from pydantic import Field

from shanhai.errors import InvalidInput
from shanhai.validation import Code, StrictModel

CITIES = ("xiamen", "banan")
"""The cities whose plans are known."""

Order = Annotated[int, Field(ge=1)]
Comparator = Literal["ge", "gt", "le", "lt", "eq", "none"]
Sense = Literal["at_least", "at_most", "track"]


class NamedItem(StrictModel):
    """Anything with a code and a name in both languages.

    `forgotten` names members of `attrs` that earlier files gave and this one no longer does.
    """

    code: Code
    name_zh: str
    name_en: str
    attrs: dict[str, Any] = Field(default_factory=dict)
    forgotten: tuple[str, ...] = ()


class PlanSeed(NamedItem):
    """A plan; `period` holds the first and the last year, the last None while in force."""

    kind: str
    level: str
    region: Code | None
    upper_plan: Code | None = None
    spatial_plan: Code | None = None
    period: tuple[int, int | None]
    base_year: int | None = None
    status: Literal["draft", "submitted", "approved", "superseded", "withdrawn"]
    version: Order = 1
    valid_from: date | None = None


class RegionEntry(NamedItem):
    """A region a plan names; its polygon comes from elsewhere."""

    level: str
    parent: Code | None = None
    members: tuple[Code, ...] = ()
    metric_epsg: int | None = None


class PartySeed(NamedItem):
    """Who answers for which articles of a plan."""

    kind: str = "department"
    articles: tuple[str, ...] = ()
    role: str | None = None


class ComponentSeed(NamedItem):
    """A part of a pattern, perhaps of another part."""

    order: Order
    type: str
    certainty: Literal["stated", "inferred"]
    parent: Code | None = None
    label_zh: str | None = None
    label_en: str | None = None
    covers: tuple[str, ...] = ()


class PatternSeed(NamedItem):
    """A pattern and its parts."""

    plan: Code
    region: Code
    level: str
    components: tuple[ComponentSeed, ...]


class CorridorSeed(NamedItem):
    """A corridor known by name only."""

    order: Order
    type: str
    connects: tuple[str, ...]


class RuleSeed(StrictModel):
    """What a class of zone says about an activity."""

    activity: str
    name_zh: str
    name_en: str
    decision: str
    conditions: tuple[str, ...] = ()


class ClassSeed(StrictModel):
    """What a plan says of a class of zone."""

    code: str
    relation: str
    requirement_zh: str
    requirement_en: str
    traits_zh: tuple[str, ...]
    traits_en: tuple[str, ...]
    restoration_modes: tuple[str, ...]
    activity_rules: tuple[RuleSeed, ...]
    forgotten: tuple[str, ...] = ()


class SchemeSeed(NamedItem):
    """A plan's own zoning."""

    kind: str
    valid_from: date
    gap_reason: str


class ZoneSeed(NamedItem):
    """A zone of a plan's own zoning, with the towns printed for it and their stated number."""

    order: Order
    color: str
    requirement_zh: str
    requirement_en: str
    towns: tuple[Code, ...]
    functions: tuple[str, ...]
    problems: tuple[str, ...]


class FigureSeed(StrictModel):
    """A base or target; `value` None where the source prints none."""

    year: int | None
    value: Decimal | None
    comparator: Comparator = "none"


class IndicatorSeed(NamedItem):
    """An indicator in a plan's list."""

    order: Order
    category: str
    unit: str
    property: Literal["binding", "expected"]
    direction: Literal["higher", "lower"]
    least: int | None = None
    most: int | None = None
    sense: Sense
    cumulative_from: int | None = None
    revisable: bool = False
    base: FigureSeed | None = None
    targets: tuple[FigureSeed, ...] = ()


class CategorySeed(StrictModel):
    """A group of indicators."""

    code: str
    name_zh: str
    name_en: str


class ListedSeed(StrictModel):
    """An indicator of the dictionary in the list of another plan than the block's."""

    plan: Code
    indicator: Code
    order: Order
    category: str
    property: Literal["binding", "expected"]


class TargetSeed(FigureSeed):
    """A figure another document gives for an indicator; a reference judges nothing."""

    plan: Code
    indicator: Code
    sense: Sense
    role: Literal["target", "reference"] = "target"
    source: str


class ProvisionSeed(NamedItem):
    """An article, task, objective or other provision under its official heading."""

    kind: str
    order: Order
    article: str | None = None
    form: Literal["state", "deliverable"] | None = None
    level: str | None = None
    start_year: int | None = None
    end_year: int | None = None
    places: tuple[str, ...] = ()
    regions: tuple[Code, ...] = ()
    text_zh: str | None = None
    text_en: str | None = None


class DutySeed(NamedItem):
    """What an article makes parties do; `named` are those whose part the source does not print."""

    order: Order
    article: str | None = None
    text_zh: str | None = None
    text_en: str | None = None
    success_zh: str | None = None
    success_en: str | None = None
    start_year: int | None = None
    end_year: int | None = None
    due_on: date | None = None
    lead: tuple[Code, ...] = ()
    cooperating: tuple[Code, ...] = ()
    supervising: tuple[Code, ...] = ()
    named: tuple[Code, ...] = ()


class PrintedSeed(NamedItem):
    """A figure a plan prints beside its indicators; `untold` is what it does not print of it."""

    kind: str
    aspect: str | None = None
    order: Order
    indicator: Code | None = None
    computed_by: str | None = None
    computed_of: tuple[str, ...] = ()
    class_zh: str | None = None
    class_en: str | None = None
    comparator: str | None = None
    value: Decimal
    unit: str | None = None
    share_percent: Decimal | None = None
    trend: str | None = None
    start_year: int | None = None
    end_year: int | None = None
    places: tuple[str, ...] = ()
    untold: tuple[str, ...] = ()
    article: str | None = None
    note_zh: str | None = None
    note_en: str | None = None


class NamedFeatureSeed(NamedItem):
    """What a plan calls by a name of its own."""

    kind: str
    article: str | None = None
    note_zh: str | None = None
    note_en: str | None = None


class ControlSeed(NamedItem):
    """A control line of which only the size is printed."""

    kind: str
    plan: Code
    level: str | None = None
    legal_basis: str | None = None
    delimitation: str | None = None
    approved_area_km2: Decimal


class ProblemSeed(NamedItem):
    """A diagnosed problem; no quantity where none is printed."""

    type: str
    level: Literal["region", "city", "district"]
    element: str
    quantity: Decimal | None = None
    unit: str | None = None
    places: tuple[str, ...] = ()


class MineSeed(NamedItem):
    """An entry of an inventory of mines; what its source does not print is not there."""

    kind: Literal["legacy", "producing"]
    state: Literal["open", "planned"]
    area_ha: Decimal | None = None
    listed_year: int | None = None
    minerals: tuple[str, ...] = ()
    hazards: tuple[str, ...] = ()
    towns: tuple[Code, ...] = ()
    problem: Code | None = None
    project: Code | None = None


class IslandSeed(NamedItem):
    """An island of a register; its class only where a source prints it."""

    waters: Literal["sea", "river"]
    feature: Code | None = None
    problem: Code | None = None


class WaySeed(NamedItem):
    """A place on the way of the water, and the next one below it."""

    kind: str
    region: Code
    flows_to: Code | None = None


class MemberSeed(NamedItem):
    """A place of a demonstration area."""

    region: Code
    order: Order
    section: str | None = None
    member: Code | None = None
    place: Code | None = None
    text_zh: str | None = None
    text_en: str | None = None


class CriterionSeed(NamedItem):
    """What demonstration areas are judged by."""

    order: Order
    text_zh: str | None = None
    text_en: str | None = None


class TitleSeed(NamedItem):
    """A title that is striven for; `region` where it is not that of the block."""

    series: str
    level: str | None = None
    region: Code | None = None
    feature: Code | None = None
    article: str | None = None
    target_year: int | None = None


class ProjectSeed(NamedItem):
    """A key project with its inclusive years; `towns_complete` is false after "and others"."""

    start_year: int
    end_year: int
    towns: tuple[Code, ...]
    measures: tuple[str, ...]
    problems: tuple[Code, ...] = ()


class ProgrammeSeed(NamedItem):
    """A key programme, or a group of project types."""

    order: Order
    projects: tuple[ProjectSeed, ...] = ()


class CityFile(StrictModel):
    """One file: some lists, and what holds for all of them.

    `retired` names rows by table and code that earlier files gave and this one no longer does.
    """

    source: str | None = None
    plan: Code | None = None
    region: Code | None = None
    pattern: Code | None = None
    scheme: SchemeSeed | None = None
    scheme_kind: str | None = None
    plans: tuple[PlanSeed, ...] = ()
    regions: tuple[RegionEntry, ...] = ()
    parties: tuple[PartySeed, ...] = ()
    patterns: tuple[PatternSeed, ...] = ()
    corridors: tuple[CorridorSeed, ...] = ()
    classes: tuple[ClassSeed, ...] = ()
    zones: tuple[ZoneSeed, ...] = ()
    categories: tuple[CategorySeed, ...] = ()
    indicators: tuple[IndicatorSeed, ...] = ()
    targets: tuple[TargetSeed, ...] = ()
    listed: tuple[ListedSeed, ...] = ()
    provisions: tuple[ProvisionSeed, ...] = ()
    duties: tuple[DutySeed, ...] = ()
    figures: tuple[PrintedSeed, ...] = ()
    named_features: tuple[NamedFeatureSeed, ...] = ()
    control_areas: tuple[ControlSeed, ...] = ()
    problems: tuple[ProblemSeed, ...] = ()
    programmes: tuple[ProgrammeSeed, ...] = ()
    mines: tuple[MineSeed, ...] = ()
    islands: tuple[IslandSeed, ...] = ()
    ways: tuple[WaySeed, ...] = ()
    members: tuple[MemberSeed, ...] = ()
    criteria: tuple[CriterionSeed, ...] = ()
    titles: tuple[TitleSeed, ...] = ()
    totals: dict[str, int] = Field(default_factory=dict)
    retired: dict[str, tuple[Code, ...]] = Field(default_factory=dict)

    @property
    def known_plan(self) -> str:
        """The plan of a block that must name one."""
        return _given(self.plan, "plan")

    @property
    def known_region(self) -> str:
        """The region of a block that must name one."""
        return _given(self.region, "region")


def _given(value: str | None, name: str) -> str:
    if value is None:
        raise InvalidInput(f"a block names no {name}", pointer=name)
    return value


def read_blocks(city: str) -> tuple[CityFile, ...]:
    """The files of a city.

    Raises:
        InvalidInput: nothing is known of it.
    """
    if city not in CITIES:
        raise InvalidInput(f"city {city!r} is not one of {', '.join(CITIES)}", pointer="city")
    return tuple(CityFile.model_validate(document) for document in _documents(city))


def _documents(city: str) -> Iterator[Mapping[str, Any]]:
    folder = resources.files("shanhai.db") / "seeds" / city
    for file in sorted(folder.iterdir(), key=lambda item: item.name):
        yield json.loads(file.read_bytes())


def read_retired(city: str) -> dict[str, tuple[str, ...]]:
    """The codes by table that the files gave once and no longer do."""
    return {table: codes for block in read_blocks(city) for table, codes in block.retired.items()}


def read_totals(city: str) -> dict[str, int]:
    """How many of each the sources have."""
    return {name: count for block in read_blocks(city) for name, count in block.totals.items()}
