"""What every process declares: its inputs and outputs, and how it may be asked for."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, ConfigDict, Field, field_validator

from shanhai.errors import InternalError
from shanhai.processes.kit.task import Outcome, OutputFile, Task
from shanhai.validation import Code, bounded
from shanhai.vocabulary import ECOSERVICES, THEMES, Label, Visibility, codes

if TYPE_CHECKING:
    Theme = str
    ServiceId = str
else:
    Theme = Literal[*codes(THEMES)]
    """What an imported dataset can be about."""
    ServiceId = Literal[*codes(ECOSERVICES)]
    """An ecosystem service."""


class Inputs(BaseModel):
    """Base of process inputs: unknown members are refused."""

    # Made ready when first used: services load all contracts, and use a few.
    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)
    _bounded = field_validator("*")(bounded)


@dataclass(frozen=True, slots=True)
class OutputSpec:
    """One member of a process's results."""

    name: str
    title: Label
    media_type: str
    schema: Mapping[str, Any] | None = None
    """Its JSON Schema, where the media type does not say enough."""

    def file(self, path: str) -> OutputFile:
        """The file of the workspace that it is."""
        return OutputFile.of(self.name, path, self.media_type, self.title)


WORD_TYPE = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
REPORTS = (
    OutputSpec("report", Label("报告", "Report"), "text/html"),
    OutputSpec("report_pdf", Label("报告（PDF）", "Report (PDF)"), "application/pdf"),
    OutputSpec("report_docx", Label("报告（DOCX）", "Report (DOCX)"), WORD_TYPE),
)
"""What a report is written as."""
QUALIFIED = frozenset({"value", "mediaType", "encoding"})
"""Members of a value in the standard's wrapping."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one attempt at a job may use; more ends the job, and nobody tries again.

    Attributes:
        memory_mb: Address space of each of its processes, and what all of them together hold in
            memory, MB.
        time_s: Seconds from the start of its process to the end.
    """

    memory_mb: int = 8192
    time_s: float = 6 * 3600.0


USUAL_LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class ProcessContract:
    """A process as the outside sees it.

    Attributes:
        sync: Who asks without a preference waits for the end.
        quick: It reads only, and what is small is answered without a job to whoever may read.
        schemas: `module:function` that gives, in a language, fuller schemas of some inputs; it is
            loaded when they are asked for.
        shares_process: Its computation is a function of the inputs alone that keeps nothing, starts
            nothing and opens no file: jobs of one caller may follow each other in one process. Its
            task needs nothing of the database, so that requests may be accepted together.
        limits: What an attempt may use, unless the worker's settings say otherwise.
        task: What its jobs are given; a process that needs more than all have adds members.
        stages: Stages of its own in words; those of several are in `shanhai.jobs.messages`.
        publish_input: The input that asks to show to everybody what is made, if there is one.
        acts_for_caller: By the inputs, whether the job reads or writes in the name of its caller,
            and not only publishes.
        runs_on_files: Whether it needs nothing but files, so that `shanhai run` can run it.
        repeatable: Whether its manifest holds all that a run needs, apart from files.
    """

    id: str
    title: Label
    description: Label
    inputs: type[Inputs]
    outputs: tuple[OutputSpec, ...]
    sync: bool = False
    quick: bool = False
    shares_process: bool = False
    schemas: str = ""
    keywords: tuple[str, ...] = field(default=())
    limits: Limits = USUAL_LIMITS
    task: type[Task] = Task
    stages: Mapping[str, Label] = field(default_factory=dict)
    publish_input: str | None = None
    acts_for_caller: Callable[[Mapping[str, Any]], bool] = lambda inputs: False
    runs_on_files: bool = False
    repeatable: bool = False

    def output(self, name: str) -> OutputSpec:
        """The output of a name, which is declared."""
        return {one.name: one for one in self.outputs}[name]

    def declared(self, outcome: Outcome) -> Outcome:
        """What came of a computation, where all its outputs are declared.

        Outputs are the files that are neither layers nor attachments, and wrapped values.

        Raises:
            InternalError: one is not declared: nobody could ask for it.
        """
        made = {file.name for file in outcome.files if file.kind == "output"}
        for name, value in outcome.values.items():
            if isinstance(value, dict) and "value" in value and value.keys() <= QUALIFIED:
                made.add(name)
        unknown = ", ".join(sorted(made - {output.name for output in self.outputs}))
        if unknown:
            raise InternalError(
                f"process {self.id!r} returned what it does not declare as an output: {unknown}",
                message_zh=f"处理流程 {self.id!r} 返回了未声明的输出：{unknown}",
            )
        return outcome

    def wishes_to_publish(self, inputs: Mapping[str, Any]) -> bool:
        """Whether a job shall show what it makes to everybody."""
        if self.publish_input is None:
            return False
        return inputs.get(self.publish_input) in {True, Visibility.PUBLIC}

    @property
    def draft_input(self) -> dict[str, Any]:
        """The input that asks to publish, as it is where nothing is to be shown to everybody."""
        if self.publish_input is None:
            return {}
        return {self.publish_input: self.inputs.model_fields[self.publish_input].default}

    def kinds_of(self, name: str) -> frozenset[Any]:
        """The types an input may have, without what they hold; none where there is no such one."""
        field_info = self.inputs.model_fields.get(name)
        return frozenset() if field_info is None else _kinds(field_info.annotation)


def _kinds(annotation: Any) -> frozenset[Any]:
    origin = get_origin(annotation)
    if origin is Annotated:
        return _kinds(get_args(annotation)[0])
    if origin in {Union, UnionType}:
        return frozenset().union(*(_kinds(one) for one in get_args(annotation)))
    return frozenset({origin or annotation}) - {NoneType}


class PlaceInputs(Inputs):
    """A region, the plan it is computed for, and its grid."""

    region: Code = Field(description="Region code / 区域代码")
    plan: Code | None = Field(None, description="Plan it is made for / 所属规划")
    cell_m: float = Field(100.0, ge=10, le=5000, description="Analysis cell, m / 分析像元")
    crs: str | None = Field(
        None,
        pattern=r"^EPSG:\d{4,6}$",
        description="Projected CRS of the grid; default: the region's / 分析坐标系",
    )


EvaluationTheme = Literal[
    "dem",
    "rainfall",
    "temperature",
    "soil",
    "npp",
    "ndvi",
    "land_cover",
    "population",
    "evapotranspiration",
    "reference_et",
    "soil_erodibility",
    "rain_erosivity",
    "hydrologic_group",
    "impervious",
    "lai",
    "gpp",
    "carbonate",
    "eco_region",
    "erosion_intensity",
    "rocky_desertification",
    "ndvi_series",
    "npp_series",
    "eqi_series",
]
"""Dataset themes the evaluations and the account read."""


Alternatives = tuple[EvaluationTheme, ...]
"""Themes of which one is needed."""


SERVICE_NEEDS: Mapping[str, tuple[Alternatives, ...]] = {
    "water_conservation": (("rainfall",), ("evapotranspiration", "reference_et"), ("land_cover",)),
    "soil_retention": (
        ("rain_erosivity", "rainfall"),
        ("soil_erodibility", "soil"),
        ("dem",),
        ("ndvi",),
        ("land_cover",),
    ),
    "biodiversity": (("npp",), ("rainfall",), ("temperature",), ("dem",)),
    "carbon_sink": (("npp",), ("temperature",), ("rainfall",)),
}
"""What the supply of a service is computed from, where it is not given."""


class EvaluatedPlaceInputs(PlaceInputs):
    """Where an evaluation takes place, and what it reads."""

    datasets: dict[EvaluationTheme, Code] = Field(
        default_factory=dict, description="Dataset per theme; default: the newest / 数据集"
    )
