"""What a bulletin is made of, as it was when the job was accepted."""

from datetime import date
from typing import Any, Literal

from pydantic import BaseModel, Field

from shanhai.db.bulletins.template import Template

Point = tuple[date, float]


class NamedTask(BaseModel):
    """What has a code and a name."""

    code: str
    name_zh: str
    name_en: str


class ObservedMean(BaseModel):
    """A property at a station over the period: the mean of its monthly means."""

    property: str
    mean: float
    months: int
    number: int = Field(description="valid values")


class BulletinStation(NamedTask):
    """A station, what it observed, and where it is."""

    kind: str
    interval_s: int | None
    longitude: float | None
    latitude: float | None
    means: list[ObservedMean] = []


class SeriesTask(BaseModel):
    """The course of a property: means over the stations of a kind, by day or month."""

    kind: str
    property: str
    name_zh: str
    name_en: str
    unit: str
    stations: int
    every: Literal["day", "month"]
    points: list[Point]


class AirDaysTask(BaseModel):
    """Daily concentrations over a region's stations, None where not valid, by pollutant."""

    stations: int
    hours: int
    days: dict[str, list[float | None]]


class AlertTask(BaseModel):
    """An alert that was opened in the period, and what became of it."""

    level: str
    status: str
    outcome: str
    kind: str
    rule_zh: str
    rule_en: str
    station: str | None = Field(description="that it is about; else an indicator")
    subject_zh: str
    subject_en: str
    property: str | None
    unit: str | None
    measure: float
    began_on: date
    closed_on: date | None


class LeadsTask(BaseModel):
    """Figures over the red-line leads opened in the period; no places."""

    opened: int
    open: int
    overdue: int
    area_m2: float
    inside_m2: float
    by_state: dict[str, int] = {}
    by_kind: dict[str, int] = {}
    by_result: dict[str, int] = {}


class ProjectTask(NamedTask):
    """A project and how far it is.

    `progress_percent` is the mean of what is done of its measures, each at most all of it; `steps`
    are those it took in the period.
    """

    state: str
    state_zh: str
    state_en: str
    order: int
    first_year: int
    last_year: int
    cost: float | None
    allocated: float
    paid: float
    progress_percent: float | None
    steps: int


class ZoneTask(BaseModel):
    """A class of the zoning in force, with its area and a shape to be drawn."""

    code: str
    name_zh: str
    name_en: str
    color: str | None
    area_m2: float
    geometry: dict[str, Any] | None


class CorridorTask(BaseModel):
    """A published corridor as a line to be drawn."""

    type: str
    length_m: float
    geometry: dict[str, Any] | None


class BulletinTask(BaseModel):
    """All that a bulletin is made of but its region.

    Attributes:
        indicators: How the indicators of the plan stand, as its evaluation tells it.
        steps: Steps projects took in the period.
        scheme: The zoning in force on the last day.
        corrects: The bulletin it takes the place of; `version` counts those of one chain.
    """

    template: Template
    template_code: str
    template_version: int
    issue: int
    version: int = 1
    corrects: str | None = None
    issued_on: date
    plan: NamedTask | None = None
    indicators: list[dict[str, Any]] = []
    stations: list[BulletinStation] = []
    series: list[SeriesTask] = []
    air: AirDaysTask | None = None
    alerts: list[AlertTask] = []
    leads: LeadsTask
    projects: list[ProjectTask] = []
    scheme: NamedTask | None = None
    zones: list[ZoneTask] = []
    corridors: list[CorridorTask] = []
