"""The closed lists of the method, with Chinese and English labels; what a plan fixes is rows."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

Lang = Literal["zh", "en"]


@dataclass(frozen=True, slots=True)
class Label:
    """A name in the two languages of the platform."""

    zh: str
    en: str

    def in_(self, lang: Lang) -> str:
        """The name in `lang`."""
        return self.zh if lang == "zh" else self.en


@dataclass(frozen=True, slots=True)
class Term:
    """A code of a closed list and its label."""

    code: str
    label: Label


ECOSERVICES: tuple[Term, ...] = (
    Term("water_conservation", Label("水源涵养", "Water conservation")),
    Term("soil_retention", Label("土壤保持", "Soil retention")),
    Term("cooling", Label("降温效益", "Cooling")),
    Term("carbon_sink", Label("碳汇服务", "Carbon sink")),
    Term("stormwater_regulation", Label("雨洪调节", "Stormwater regulation")),
    Term("biodiversity", Label("生物多样性维护", "Biodiversity maintenance")),
    Term("recreation", Label("景观美学", "Landscape aesthetics and recreation")),
)


@dataclass(frozen=True, slots=True)
class ZoneClass:
    """One of the five classes of the supply–demand zoning; `value` is its code in class rasters."""

    value: int
    code: str
    group: Literal["protection", "restoration"]
    label: Label
    color: str


SUPPLY_DEMAND = "supply_demand"
"""The `scheme_kind` of the five-class zoning."""

ZONE_CLASSES: tuple[ZoneClass, ...] = (
    ZoneClass(
        1,
        "strict_protection",
        "protection",
        Label("严格保护与管控区", "Strict protection and control zone"),
        "#1b6e3c",
    ),
    ZoneClass(
        2,
        "key_protection",
        "protection",
        Label("重点保护与管控区", "Key protection and control zone"),
        "#5aa957",
    ),
    ZoneClass(
        3,
        "general_protection",
        "protection",
        Label("一般保护与管控区", "General protection and control zone"),
        "#c5dd8c",
    ),
    ZoneClass(
        4,
        "priority_restoration",
        "restoration",
        Label("优先修复与功能提升区", "Priority restoration and function enhancement zone"),
        "#c0392b",
    ),
    ZoneClass(
        5,
        "general_restoration",
        "restoration",
        Label("一般修复与功能提升区", "General restoration and function enhancement zone"),
        "#f0a35e",
    ),
)

THEMES: tuple[Term, ...] = (
    Term("dem", Label("数字高程模型", "Elevation")),
    Term("rainfall", Label("降雨", "Rainfall")),
    Term("temperature", Label("气温", "Air temperature")),
    Term("soil", Label("土壤", "Soil")),
    Term("npp", Label("净初级生产力", "Net primary productivity")),
    Term("ndvi", Label("植被指数", "Vegetation index")),
    Term("night_lights", Label("夜间灯光", "Night-time lights")),
    Term("land_cover", Label("土地覆盖", "Land cover")),
    Term("population", Label("人口", "Population")),
    Term("rain_intensity", Label("降雨强度", "Rain intensity")),
    Term("evapotranspiration", Label("实际蒸散发", "Actual evapotranspiration")),
    Term("reference_et", Label("参考蒸散发", "Reference evapotranspiration")),
    Term("roads", Label("道路", "Roads")),
    Term("protected_areas", Label("自然保护地", "Protected natural areas")),
)
"""What an imported dataset can be about."""


class JobStatus(StrEnum):
    """States of a job, in the words of OGC API - Processes."""

    ACCEPTED = "accepted"
    RUNNING = "running"
    SUCCESSFUL = "successful"
    FAILED = "failed"
    DISMISSED = "dismissed"

    @property
    def final(self) -> bool:
        """Whether nothing can follow."""
        return self in {JobStatus.SUCCESSFUL, JobStatus.FAILED, JobStatus.DISMISSED}


class Scope(StrEnum):
    """What an identity may do."""

    READ = "read"
    WRITE = "write"
    PROJECTS = "projects"
    OBSERVE = "observe"
    JOBS = "jobs"
    ADMIN = "admin"


class Role(StrEnum):
    """What a person or a feed is in the planning of a region."""

    VIEWER = "viewer"
    OWNER = "owner"
    PLANNER = "planner"
    APPROVER = "approver"
    SUPERVISOR = "supervisor"
    ANALYST = "analyst"
    AUDITOR = "auditor"
    FEED = "feed"
    ADMIN = "admin"


ROLE_SCOPES: Mapping[Role, frozenset[Scope]] = {
    Role.VIEWER: frozenset({Scope.READ}),
    Role.OWNER: frozenset({Scope.READ, Scope.PROJECTS}),
    Role.PLANNER: frozenset({Scope.READ, Scope.WRITE, Scope.PROJECTS, Scope.JOBS}),
    Role.APPROVER: frozenset({Scope.READ, Scope.WRITE, Scope.PROJECTS}),
    Role.SUPERVISOR: frozenset({Scope.READ, Scope.PROJECTS, Scope.OBSERVE}),
    Role.ANALYST: frozenset({Scope.READ, Scope.WRITE, Scope.JOBS}),
    Role.AUDITOR: frozenset({Scope.READ}),
    Role.FEED: frozenset({Scope.OBSERVE}),
    Role.ADMIN: frozenset({Scope.ADMIN}),
}
"""The scopes that come with a role."""
INSIDERS: frozenset[Role] = frozenset(Role) - {Role.VIEWER, Role.FEED}
"""The roles that see drafts and what is not public, within their regions."""


REGION_LEVELS = (
    "nation",
    "province",
    "city",
    "district",
    "street",
    "town",
    "basin",
    "bay",
    "island",
    "cooperation",
    "demonstration_area",
)

_LABELS = {term.code: term.label for term in (*ECOSERVICES, *THEMES)} | {
    zone.code: zone.label for zone in ZONE_CLASSES
}


def label_of(code: str) -> Label:
    """The label of an ecoservice, theme or zone class.

    Raises:
        KeyError: the code is in none of the closed lists.
    """
    return _LABELS[code]
