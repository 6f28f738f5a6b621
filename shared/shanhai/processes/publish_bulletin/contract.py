"""What can be asked for of a bulletin, and what it is made of when the job is accepted."""

from datetime import date
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, StringConstraints, model_validator

from shanhai.db.bulletins.template import Template
from shanhai.processes.kit.contract import WORD_TYPE, Inputs, OutputSpec, ProcessContract
from shanhai.processes.kit.task import NamedTask, Task
from shanhai.validation import Code, Rfc3339Date, broken_at
from shanhai.vocabulary import Label

Point = tuple[date, float]


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
    means: list[ObservedMean] = Field(default_factory=list)


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
    property_zh: str | None = None
    property_en: str | None = None
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


class BalanceTask(BaseModel):
    """What was taken and given back of a kind in the period, with all below the region.

    Amounts are decimals in the unit of the kind. `opening` and `closing` are what is given back
    beyond what the rule asks; below 0 it lacks. `short` is what lacks at the end, with the pool.
    """

    kind: str
    opening: str
    taken: str
    given: str
    closing: str
    short: str


class SettlementTask(NamedTask):
    """The settlement of a year of an agreement, which had a step in the period, or lacks one.

    `amount` is in yuan, of whom `payer` says; None of both while nothing is proposed.
    """

    year: int
    upstream_zh: str
    upstream_en: str
    downstream_zh: str
    downstream_en: str
    state: str
    amount: str | None
    payer: Literal["upstream", "downstream"] | None
    paid_on: date | None


class MineTask(NamedTask):
    """A mine whose restoration was accepted in the period, and its area in hectares."""

    area_ha: str
    accepted_on: date


class LandTask(NamedTask):
    """Land whose use ended by the last day and that is not accepted, or was in the period."""

    state: str
    end_on: date
    accepted_on: date | None


class ArrearsTask(NamedTask):
    """What a producing mine lacks: reports of years, and money in its fund, in yuan."""

    years: list[int]
    missing: str


class MinesTask(BaseModel):
    """Mines and land in the period; `arrears` are None for readers who may not know them."""

    accepted: list[MineTask] = []
    lands: list[LandTask] = []
    arrears: list[ArrearsTask] | None = None


class ZoningTask(NamedTask):
    """The zoning in force, with what its computation says of how robust the zones are."""

    headline_zh: str | None = None
    headline_en: str | None = None


class ZoneTask(NamedTask):
    """A class of the zoning in force, with its area and a shape to be drawn."""

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
    balances: list[BalanceTask] = []
    settlements: list[SettlementTask] = []
    mines: MinesTask = MinesTask()
    scheme: ZoningTask | None = None
    zones: list[ZoneTask] = []
    corridors: list[CorridorTask] = []


class PublishBulletinTask(Task):
    """What the computation of a bulletin is given."""

    bulletin: BulletinTask | None = Field(None, description="what a bulletin is made of")


EARLIEST = date(2016, 1, 1)
"""From then on there is a standard in force of all that is judged."""
LONGEST_DAYS = 366
MOST_CHARTS = 6
PropertyCode = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
BulletinCode = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,159}$")]


class PublishBulletinInputs(Inputs):
    """Inputs of a bulletin."""

    region: Code = Field(description="Region it tells of / 区域")
    first: Rfc3339Date = Field(description="First day of the period / 起始日")
    last: Rfc3339Date = Field(
        description="Last day of the period, which must be over / 截止日，须已过"
    )
    plan: Code | None = Field(
        None, description="Plan whose indicators and projects it tells of / 规划"
    )
    template: Code = Field("default", description="Template, see /bulletin-templates / 模板")
    template_version: int | None = Field(
        None,
        ge=0,
        le=1_000_000,
        description="Version of the template; default the newest / 模板版本",
    )
    issue: int | None = Field(
        None, ge=1, le=10_000, description="Number within the year; default the next / 期号"
    )
    issued_on: Rfc3339Date | None = Field(
        None, description="Day it is dated; default the day it is asked for / 发布日期"
    )
    public: bool = Field(
        True,
        description="Made of what everybody may see, and shown to everybody once published; else"
        " of what who asks may see, for those who work in the region / 公开",
    )
    corrects: BulletinCode | None = Field(
        None, description="Code of the published bulletin it takes the place of / 更正的公报"
    )
    properties: list[PropertyCode] | None = Field(
        None,
        min_length=1,
        max_length=MOST_CHARTS,
        description="Properties drawn as charts; default those observed most / 绘制曲线的观测项目",
    )
    lakes: list[Code] = Field(
        default_factory=list,
        max_length=2000,
        description="Stations on lakes and reservoirs, which have limits of their own / 湖库站点",
    )
    left_out: list[PropertyCode] = Field(
        default_factory=list,
        max_length=50,
        description="Items left out of the assessment of water / 不参评的水质项目",
    )

    @model_validator(mode="after")
    def check_period(self) -> "PublishBulletinInputs":
        """A period has days, not too many, and standards to judge it by."""
        if self.first < EARLIEST:
            raise broken_at("first", rule=f"first is before {EARLIEST} / 起始日不得早于 {EARLIEST}")
        days = (self.last - self.first).days + 1
        if days < 1:
            raise broken_at("last", rule="last is before first / 截止日早于起始日")
        if days > LONGEST_DAYS:
            rule = f"the period has {days} days; at most {LONGEST_DAYS}"
            raise broken_at("last", rule=f"{rule} / 时段不得超过 {LONGEST_DAYS} 天")
        return self


PUBLISH_BULLETIN = ProcessContract(
    "publish-bulletin",
    Label("编制公报", "Publish a bulletin"),
    Label(
        "按时段与区域编制生态保护修复监测公报：指标进展、监测概况与水、气、海水类别、地图、曲线、预警、"
        "红线线索统计、项目进展、占补平衡、补偿结算与矿山，按可编辑的模板生成中英文 HTML、PDF 与"
        " DOCX；草稿经批准后发布。",
        "Makes a bulletin of a region and period: indicators, what was observed with classes of"
        " water and air, maps, charts, alerts, red-line leads, progress of projects, balances,"
        " settlements and mines, by a template that can be edited, as HTML, PDF and DOCX in Chinese"
        " and English. It is a draft until an approver publishes it.",
    ),
    PublishBulletinInputs,
    (
        OutputSpec("bulletin", Label("公报代码", "Code of the bulletin"), "application/json"),
        OutputSpec("content", Label("公报内容", "Content"), "application/json"),
        OutputSpec(
            "pictures", Label("公报中的图（PNG）", "Pictures of the bulletin"), "application/zip"
        ),
        *(
            OutputSpec(f"{kind}_{lang}", Label(f"公报（{kind.upper()}，{zh}）", en), media_type)
            for kind, media_type in (
                ("html", "text/html"),
                ("pdf", "application/pdf"),
                ("docx", WORD_TYPE),
            )
            for lang, zh, en in (
                ("zh", "中文", f"Bulletin ({kind.upper()}, Chinese)"),
                ("en", "英文", f"Bulletin ({kind.upper()}, English)"),
            )
        ),
    ),
    keywords=("bulletin", "report", "公报"),
    task=PublishBulletinTask,
    repeatable=True,
)
