"""What can be asked for of a bulletin."""

from datetime import date
from typing import Annotated

from pydantic import Field, StringConstraints, model_validator

from shanhai.processes.kit.contract import WORD_TYPE, Inputs, OutputSpec, ProcessContract
from shanhai.processes.publish_bulletin.task import PublishBulletinTask
from shanhai.validation import Code, Rfc3339Date
from shanhai.vocabulary import Label

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
            raise ValueError(f"first is before {EARLIEST} / 起始日不得早于 {EARLIEST}")
        days = (self.last - self.first).days + 1
        if days < 1:
            raise ValueError("last is before first / 截止日早于起始日")
        if days > LONGEST_DAYS:
            raise ValueError(
                f"the period has {days} days; at most {LONGEST_DAYS}"
                f" / 时段不得超过 {LONGEST_DAYS} 天"
            )
        return self


PUBLISH_BULLETIN = ProcessContract(
    "publish-bulletin",
    Label("编制公报", "Publish a bulletin"),
    Label(
        "按时段与区域编制生态保护修复监测公报：指标进展、监测概况与水、气、海水类别、地图、曲线、预警、"
        "红线线索统计与项目进展，按可编辑的模板生成中英文 HTML、PDF 与 DOCX；草稿经批准后发布。",
        "Makes a bulletin of a region and period: indicators, what was observed with classes of"
        " water and air, maps, charts, alerts, red-line leads and progress of projects, by a"
        " template that can be edited, as HTML, PDF and DOCX in Chinese and English. It is a draft"
        " until an approver publishes it.",
    ),
    PublishBulletinInputs,
    (
        OutputSpec("bulletin", Label("公报代码", "Code of the bulletin"), "application/json"),
        OutputSpec("content", Label("公报内容", "Content"), "application/json"),
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
