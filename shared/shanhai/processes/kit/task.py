"""What a computation is given, tells on its way and gives back; the lines and errors of inputs."""

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

from pydantic import BaseModel, Field

from shanhai.errors import Fault, InvalidInput
from shanhai.raster.windows import Cluster
from shanhai.science.flags import ResultFlag
from shanhai.storage.artifacts import StoredArtifact
from shanhai.validation import Rfc3339Date
from shanhai.vocabulary import CONTROL_KINDS, Label, Role, Scope

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession


OutputKind = Literal["output", "raster", "attachment"]


class NamedTask(BaseModel):
    """What has a code and a name."""

    code: str
    name_zh: str
    name_en: str


class RegionTask(NamedTask):
    """The region of a task and its districts; geometries are GeoJSON in longitude, latitude."""

    epsg: int
    geometry: dict[str, Any]
    districts: list["DistrictTask"] = []


class DistrictTask(NamedTask):
    """A district of a task's region."""

    geometry: dict[str, Any]


class AreaTask(BaseModel):
    """A control area as it was when the job was accepted; the geometry is GeoJSON."""

    kind: str
    code: str
    version: int = 0
    name_zh: str
    name_en: str
    class_code: str | None = None
    checksum: str
    geometry: dict[str, Any]


RELATIVE_ERROR = "relative_error"
"""Attribute of a dataset: the standard error of a value, as a part of it."""


class DatasetTask(BaseModel):
    """An input dataset as it was when the job was accepted."""

    id: int
    code: str
    theme: str
    uri: str
    checksum: str
    epsg: int | None = None
    unit: str | None = None
    native_resolution_m: float | None = None
    relative_error: float | None = None
    stand_in: bool = False
    stand_in_note_zh: str | None = None
    stand_in_note_en: str | None = None
    source: str | None = None
    licence: str | None = None
    observed_from: Rfc3339Date | None = None
    observed_to: Rfc3339Date | None = None
    name_zh: str
    name_en: str


class GrantTask(BaseModel):
    """A role of who asked for a job, as it was when the job was accepted; None is everywhere."""

    role: Role
    regions: list[int] | None = None


class AuthorityTask(BaseModel):
    """What who asked for a job may do; `grants` of None act in every role the scopes allow.

    `groups` and `proofs` are what they had shown of themselves when they asked.
    """

    owner: str
    scopes: list[Scope]
    grants: list[GrantTask] | None = None
    groups: list[str] = []
    proofs: list[str] = []


class TilesTask(BaseModel):
    """Where tiles are drawn, and the right of who asked to the layers of the task."""

    url: str
    token: str | None = None
    socket: str | None = Field(
        None, description="socket in the workspace through which it is reached, where there is one"
    )


class AreaFigureTask(BaseModel):
    """A number of the whole area, as manifests have it."""

    of: str
    kind: Literal["sum", "mean", "max", "min", "sd", "count", "quantile"]
    probability: float | None = None
    where: str | None = None
    value: float


class ParameterTask(BaseModel):
    """A number, way or table of a layer, as manifests have it."""

    layer: str
    name: str
    value: Any


class ReferenceTask(BaseModel):
    """What a run takes over from the manifest of another, so that the two compare."""

    name: str = Field(description="what the manifest of the run calls it: a job, or a file")
    process: str
    profile: str
    methods: dict[str, str]
    derived: dict[str, str] = {}
    parameters: list[ParameterTask] = []
    figures: list[AreaFigureTask]
    zone_model: dict[str, Any] | None = None


class MethodTask(BaseModel):
    """How a service is calculated, known once the datasets are; `method` is None of one left out.

    `lacking` names the layers and numbers that the method first wanted lacks.
    """

    method: str | None = None
    profile: str | None = Field(None, description="`biophysical` or `index`; `any` serves in both")
    compared: Literal["amounts", "ranks"] | None = None
    lacking: list[str] = []


class AssessedTask(BaseModel):
    """The assessment a scenario is held against, as it was asked for.

    Its region and the datasets of `themes` are those of the scenario's own task.
    """

    process: str
    job_id: str | None = None
    inputs: dict[str, Any]
    seed: int = 0
    themes: list[str]
    areas: list[AreaTask] = []
    units: list[DistrictTask] = []
    reference: ReferenceTask | None = None


class Task(BaseModel):
    """All that a computation needs, resolved when the job was accepted; no database in sight."""

    job_id: str | None = None
    process: str
    inputs: dict[str, Any]
    seed: int = 0
    region: RegionTask | None = None
    plan: str | None = None
    datasets: dict[str, DatasetTask] = {}
    areas: list[AreaTask] = Field(
        default_factory=list, description="control areas that zones are held to or compared with"
    )
    areas_as_of: Rfc3339Date | None = Field(
        None, description="day on which the areas were in force"
    )
    areas_left_out: list[str] = Field(
        default_factory=list, description="kinds of areas with too many vertices to be carried"
    )
    units: list[DistrictTask] = Field(
        default_factory=list, description="regions that are the zoning units, by code"
    )
    reference: ReferenceTask | None = Field(
        None, description="run whose numbers of the whole area, and zones, are taken over"
    )
    methods: dict[str, MethodTask] = Field(
        default_factory=dict, description="how each service is calculated, by service"
    )
    upload_uri: str | None = None
    upload_sha256: str | None = None
    authority: AuthorityTask | None = None
    layers: list[str] = Field(
        default_factory=list, description="layers the tile service is asked for, for the caller"
    )
    tiles: TilesTask | None = Field(
        None, description="the tile service, filled before the computation where layers are named"
    )
    kept: str | None = Field(
        None, description="folder that outlives an attempt, for work that goes on where it stopped"
    )
    windows: str | None = Field(
        None, description="folder of this machine where finished windows outlive an attempt"
    )
    keep_from_s: float = Field(0.5, description="seconds a window must take to be kept there")
    steps: str | None = Field(
        None, description="folder of this machine where finished steps are kept for other jobs"
    )
    steps_mb: int = Field(0, description="MB that all steps kept there may take")
    files: dict[str, str] = Field(
        default_factory=dict, description="local path of each uri, filled before the computation"
    )
    created_utc: str | None = Field(
        None, description="moment the results tell, ISO 8601; of the computation when absent"
    )
    timezone: str = Field("Asia/Shanghai", description="IANA zone in which reports tell times")
    processes: int = 1
    cluster: Cluster | None = Field(
        None, description="where windows are computed instead of in processes of one machine"
    )


class OutputFile(BaseModel):
    """A file a computation made, relative to its workspace.

    A `raster` becomes a dataset with theme `name`, an `attachment` belongs to rows that are
    published, and all else is the output of that name; `meta` holds grid, unit and statistics.
    """

    name: str
    path: str
    kind: OutputKind
    media_type: str
    title_zh: str
    title_en: str
    meta: dict[str, Any] = {}

    @classmethod
    def of(
        cls, name: str, path: str, media_type: str, title: Label, kind: OutputKind = "output"
    ) -> "OutputFile":
        """A file whose title is given in both languages."""
        return cls(
            name=name,
            path=path,
            kind=kind,
            media_type=media_type,
            title_zh=title.zh,
            title_en=title.en,
        )


class Outcome(BaseModel):
    """What a computation gives back: files, plain values, the manifest and warnings.

    A warning has a `code`, and a sentence as `detail` (English) and `detail_zh`.
    """

    files: list[OutputFile] = []
    values: dict[str, Any] = {}
    manifest: dict[str, Any] = {}
    warnings: list[dict[str, str]] = []


class Progress(Protocol):
    """Called with per cent done (0–100, rising) and the stage in hand."""

    def __call__(self, percent: float, stage: str) -> None: ...  # noqa: D102


async def _stays(files: Sequence[OutputFile]) -> None:
    """Store nothing: what was computed stays where it is."""


@dataclass(frozen=True, slots=True)
class Publication:
    """What `publish` is given: the task, what was computed, and where its files were stored.

    Attributes:
        task: The task that was computed.
        outcome: What `compute` gave back.
        stored: Where each output file is kept, by the file's name.
        requested_by: Who asked for it, for the audit log.
        workspace: The folder `compute` worked in; its files are still there.
        store_again: Stores output files that `publish` has completed in the workspace.
    """

    task: Task
    outcome: Outcome
    stored: Mapping[str, StoredArtifact]
    requested_by: str
    workspace: Path
    store_again: Callable[[Sequence[OutputFile]], Awaitable[None]] = _stays


class Publish(Protocol):
    """The second half: writes the results' rows and returns the members of the results document."""

    async def __call__(  # noqa: D102
        self, session: "AsyncSession", publication: Publication
    ) -> dict[str, Any]: ...


class Compute(Protocol):
    """The first half, which runs in a process of its own."""

    def __call__(self, task: Any, workspace: Path, progress: Progress) -> Outcome:
        """Do the work with files only; idempotent, in a folder of its own."""
        ...


LineKind = Literal["red_line", "protected_area", "permanent_basic_farmland", "urban_boundary"]
"""Kinds of control areas that may hold sources, or keep them out."""

LINE_KINDS = ("red_line", "permanent_basic_farmland", "urban_boundary")
"""Kinds of control areas whose overlap with the zones is told."""

RESERVE, CORE = "protected_area", "core"
"""Kind and class of the cores of reserves, which an overlay holds to strict protection."""

PROTECTED = ("red_line", RESERVE)
"""Kinds within which nature is protected by law."""

OVERLAYS = "/inputs/parameters/overlays"


def left_out_flags(task: Task) -> tuple[ResultFlag, ...]:
    """A warning where lines were too detailed to be compared with the zones."""
    if not task.areas_left_out:
        return ()
    names = [term.label for term in CONTROL_KINDS if term.code in task.areas_left_out]
    text = Label(
        f"{'、'.join(name.zh for name in names)}顶点过多，未统计与分区的重叠。",
        f"The overlap with {', '.join(name.en.lower() for name in names)} is not told: the lines "
        "have too many vertices.",
    )
    return (ResultFlag("lines_left_out", text),)


@contextmanager
def pointing_at(prefix: str) -> Iterator[None]:
    """Put `prefix` before the pointers of an `InvalidInput` raised inside.

    Science names its own arguments (`/k`); the caller of a process knows them by where they stand
    in its inputs. An error without pointer gets `prefix` itself, one that begins so is left alone.
    """
    try:
        yield
    except InvalidInput as error:
        within = {one: one.pointer.removeprefix(prefix) for one in error.faults}
        faults = [replace(one, pointer=prefix + place) for one, place in within.items()]
        faults = faults or [Fault(prefix, error.message, error.message_zh)]
        raise type(error)(error.message, message_zh=error.message_zh, faults=faults) from error
