"""What can be asked for of the effect of a project."""

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel, Field

from shanhai.processes.kit.contract import Inputs, Limits, OutputSpec, ProcessContract
from shanhai.processes.kit.task import NamedTask, Task
from shanhai.validation import Code, Rfc3339Date
from shanhai.vocabulary import Label

EffectTheme = Literal["ndvi", "npp", "lai", "lst", "land_cover"]
"""What can be compared; of land cover it is the sealed (built-up) share."""


class EvaluateEffectInputs(Inputs):
    """A project, and what is compared inside and beside it."""

    project: Code = Field(description="Code of a project / 项目代码")
    themes: list[EffectTheme] = Field(
        ["ndvi", "land_cover"],
        min_length=1,
        max_length=5,
        description="Rasters to compare / 对比的栅格专题",
    )
    cell_m: float = Field(30.0, ge=1, le=1000, description="Analysis cell, m / 分析像元")


class EffectLayer(BaseModel):
    """One time of a theme.

    Attributes:
        dataset: Key of its raster in the task's datasets.
        on: The day it was observed on; of a year of a series, the last one.
        band: The band it is of, from 1; a series has one a year.
    """

    theme: EffectTheme
    dataset: str
    on: Rfc3339Date
    band: int = 1


class EffectSubject(NamedTask):
    """The project; geometries are GeoJSON in longitude, latitude.

    Attributes:
        others: Perimeters of other projects nearby, which are no part of the control area.
        missing: Themes without rasters of both times.
    """

    first_year: int
    last_year: int
    geometry: dict[str, Any]
    others: list[dict[str, Any]] = Field(default_factory=list)
    layers: list[EffectLayer] = Field(default_factory=list)
    missing: list[EffectTheme] = Field(default_factory=list)


class EvaluateEffectTask(Task):
    """The task of the effect of a project."""

    effect: EffectSubject | None = None


SERIES: Mapping[EffectTheme, str] = {"ndvi": "ndvi_series", "npp": "npp_series"}
"""Themes whose years may be the bands of one raster; that is one method all along."""

EVALUATE_EFFECT = ProcessContract(
    "evaluate-effect",
    Label("评估项目成效", "Evaluate the effect of a project"),
    Label(
        "对比项目范围内与等面积对照环带在实施前后的栅格均值（植被指数、不透水面等），给出双重差分与线索。",
        "Compares rasters of times before and after a project inside its perimeter and in a ring of"
        " the same area: means, sealed share, difference in differences, and signs for a person.",
    ),
    EvaluateEffectInputs,
    (
        OutputSpec("effect", Label("成效", "Effect"), "application/json"),
        OutputSpec("pictures", Label("前后对照图", "Before and after"), "image/png"),
    ),
    limits=Limits(memory_mb=4096, time_s=3600),
    task=EvaluateEffectTask,
    acts_for_caller=lambda inputs: True,
    stages={
        "compare": Label("对比前后栅格", "Comparing before and after"),
        "draw": Label("绘制前后对照图", "Drawing before and after"),
    },
)
