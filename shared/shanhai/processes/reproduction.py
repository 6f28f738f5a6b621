"""Compute a run again from its manifest, and tell whether the results are the same bytes."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from shanhai import __version__
from shanhai.errors import Fault, Forbidden, InvalidInput, NotFound, Unauthenticated
from shanhai.processes.catalogue import compute_of
from shanhai.processes.kit.contract import REPORTS
from shanhai.processes.kit.manifest import versions
from shanhai.processes.kit.report_pdf import leaving_room, with_pdf
from shanhai.processes.kit.task import (
    AreaTask,
    AssessedTask,
    DatasetTask,
    DistrictTask,
    Progress,
    ReferenceTask,
    RegionTask,
)
from shanhai.processes.local_run import REPEATABLE, check_inputs, contract_of, take_raster
from shanhai.processes.publish_bulletin.contract import BulletinTask
from shanhai.processes.select_sites.task import SelectionTask
from shanhai.raster.windows import Cluster
from shanhai.science.flags import ResultFlag
from shanhai.storage.artifacts import sha256_of
from shanhai.validation import rule_in_english
from shanhai.vocabulary import Label


class Input(BaseModel):
    """An input as a manifest names it; what else it tells is not needed."""

    model_config = ConfigDict(frozen=True)

    theme: str
    id: str
    uri: str
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    unit: str | None = None
    native_resolution_m: float | None = None
    relative_error: float | None = None
    stand_in: bool = False
    stand_in_note_zh: str | None = None
    stand_in_note_en: str | None = None
    source: str | None = None
    licence: str | None = None
    observed_from: date | None = None
    observed_to: date | None = None
    name_zh: str
    name_en: str

    def dataset(self) -> DatasetTask:
        """The dataset a task names."""
        members = self.model_dump(exclude={"id", "sha256"})
        return DatasetTask(id=0, code=self.id, checksum=self.sha256, **members)


class Output(BaseModel):
    """A result and the SHA-256 it had."""

    model_config = ConfigDict(frozen=True)

    name: str
    sha256: str


class ControlAreas(BaseModel):
    """The control areas a zoning was held to or compared with."""

    model_config = ConfigDict(frozen=True)

    as_of: date | None = None
    areas: list[AreaTask] = []
    left_out: list[str] = []


class ReproducibleManifest(BaseModel):
    """What a run can be repeated from."""

    model_config = ConfigDict(frozen=True)

    process: str
    job_id: str | None
    created_utc: str
    timezone: str = "UTC"
    code_version: str
    library_versions: dict[str, str]
    platform: str
    request: dict[str, Any]
    seed: int
    plan: str | None
    region: RegionTask
    inputs: list[Input]
    outputs: list[Output] = Field(min_length=1)
    control_areas: ControlAreas = Field(default_factory=ControlAreas)
    unit_polygons: list[DistrictTask] = []
    reference: ReferenceTask | None = None
    assessed: AssessedTask | None = None
    selection: SelectionTask | None = None
    bulletin: BulletinTask | None = None


@dataclass(frozen=True, slots=True)
class ReproducedResult:
    """A result of both runs; `expected` or `got` is None where that run has none."""

    name: str
    expected: str | None
    got: str | None

    @property
    def same(self) -> bool:
        """Whether both runs made the same bytes."""
        return self.expected == self.got


Fetch = Callable[[Input, Path], None]
"""Fetches the file of an input to a path; raises a `ShanhaiError` where it cannot be had."""

INPUTS = "inputs"
"""Folder beside the results of files that were fetched, or imported again."""


def read_manifest(path: Path) -> ReproducibleManifest:
    """A manifest as a run leaves it.

    Raises:
        InvalidInput: the file is none, or lacks what a run is repeated from.
    """
    try:
        return ReproducibleManifest.model_validate_json(path.read_bytes())
    except ValidationError as error:
        missing = ", ".join(
            ".".join(map(str, one["loc"])) or rule_in_english(one) for one in error.errors()
        )
        raise InvalidInput(
            f"{path.name} is no manifest a run can be repeated from; missing or wrong: {missing}",
            message_zh=f"{path.name} 不是可用于重现的清单；缺少或有误：{missing}",
            pointer="/manifest",
        ) from error


def differences(manifest: ReproducibleManifest) -> list[ResultFlag]:
    """How this program and machine differ from those of the first run, as far as it matters."""
    then = {"shanhai": manifest.code_version, **manifest.library_versions}
    now = {"shanhai": __version__, **versions()}
    changed = [
        f"{name} {then[name]} → {now.get(name, '–')}"
        for name in then
        if then[name] != now.get(name)
    ]
    if not changed:
        return []
    told = ", ".join(changed)
    text = Label(
        f"程序、库的版本或 BLAS 内核与原计算不同，浮点结果可能有细微差别：{told}",
        f"versions or BLAS kernel differ from the first run; results may differ slightly: {told}",
    )
    return [ResultFlag("other_versions", text)]


def reproduce(
    manifest: ReproducibleManifest,
    *,
    files: Path,
    workspace: Path,
    progress: Progress,
    fetch: Fetch | None = None,
    processes: int = 1,
    cluster: Cluster | None = None,
) -> list[ReproducedResult]:
    """Compute a run again into `workspace` and compare every result.

    Args:
        manifest: Of the first run.
        files: Folder that holds the inputs, under any name: they are told by their checksum.
            Files as they were before their import are imported again.
        workspace: Empty folder for the results; made when missing. Files of `INPUTS` in it are
            inputs that were not found as they are.
        progress: Hears how far it is.
        fetch: How an input is had that the folder does not hold.
        processes: Processes that share the windows.
        cluster: Where windows are computed instead.

    Raises:
        InvalidInput: an input is not there, or is another file than then.
    """
    contract = contract_of(manifest.process, REPEATABLE)
    check_inputs(contract.inputs, manifest.request)
    workspace = workspace.resolve()  # windows may be computed by processes of another folder
    workspace.mkdir(parents=True, exist_ok=True)
    found = find_inputs(manifest, files, workspace / INPUTS, fetch)
    members = {
        "assessed": manifest.assessed,
        "selection": manifest.selection,
        "bulletin": manifest.bulletin,
    }
    task = contract.task(
        job_id=manifest.job_id,
        created_utc=manifest.created_utc,
        timezone=manifest.timezone,
        process=manifest.process,
        inputs=manifest.request,
        seed=manifest.seed,
        region=manifest.region,
        plan=manifest.plan,
        datasets={one.theme: one.dataset() for one in manifest.inputs},
        files={one.uri: str(found[one.theme]) for one in manifest.inputs},
        areas=manifest.control_areas.areas,
        areas_as_of=manifest.control_areas.as_of,
        areas_left_out=manifest.control_areas.left_out,
        units=manifest.unit_polygons,
        reference=manifest.reference,
        **members,  # a task takes those it has
        processes=processes,
        cluster=cluster,
    )
    outcome = compute_of(contract.id)(task, workspace, leaving_room(progress, contract))
    outcome = with_pdf(outcome, contract, workspace, progress)
    made = {file.name: sha256_of(workspace / file.path) for file in outcome.files}
    then = {one.name: one.sha256 for one in manifest.outputs}
    # The PDF is made from the report when all else is there, and not by every machine.
    names = then | {name: "" for name in made if name != REPORTS[1].name}
    return [ReproducedResult(name, then.get(name), made.get(name)) for name in names]


def find_inputs(
    manifest: ReproducibleManifest, files: Path, spare: Path, fetch: Fetch | None = None
) -> dict[str, Path]:
    """The file of every input by theme; what was fetched or imported again lies in `spare`.

    Raises:
        InvalidInput: inputs are missing or other files than then; each is named.
    """
    by_checksum = _checksums(files, {one.sha256 for one in manifest.inputs})
    found, faults = dict[str, Path](), list[Fault]()
    for number, one in enumerate(manifest.inputs):
        had = by_checksum.get(one.sha256) or _imported_again(one, manifest.region, files, spare)
        if not isinstance(had, Path) and fetch is not None:
            had = _fetched(one, spare, fetch)
        if isinstance(had, Path):
            found[one.theme] = had
        else:
            text = had or _nowhere(one, files)
            faults.append(Fault(f"/inputs/{number}/sha256", text.en, text.zh))
    if faults:
        raise InvalidInput(
            "the inputs are not those of the first run",
            message_zh="输入与原计算不一致",
            faults=faults,
        )
    return found


def _checksums(files: Path, wanted: set[str]) -> dict[str, Path]:
    """The rasters of a folder by checksum; those of a store are named by it."""
    found: dict[str, Path] = {}
    for path in sorted(files.rglob("*.tif")):
        if len(path.stem) != 64 or path.stem in wanted:
            found.setdefault(sha256_of(path), path)
    return found


def _imported_again(one: Input, place: RegionTask, files: Path, spare: Path) -> Path | Label | None:
    """A file by the name of the input that becomes it when imported; what is wrong with others."""
    told, cleaned = None, spare / f"{one.theme}.tif"
    names = [f"{stem}{suffix}" for stem in (one.theme, one.id) for suffix in (".tif", ".tiff")]
    for path in (folder / name for folder in (files, files / INPUTS) for name in names):
        if not path.is_file() or path.resolve() == cleaned:
            continue
        told = told or _another(one, sha256_of(path))
        spare.mkdir(exist_ok=True)
        try:
            taken = take_raster(one.theme, path, cleaned, place, {})
        except InvalidInput:
            continue
        if taken.checksum == one.sha256:
            return cleaned
    return told


def _fetched(one: Input, spare: Path, fetch: Fetch) -> Path | Label:
    """The file as it was fetched; else why it cannot be had, or is not the one."""
    spare.mkdir(exist_ok=True)
    path = spare / f"{one.theme}.tif"
    try:
        fetch(one, path)
    except (NotFound, Unauthenticated, Forbidden) as error:
        return Label(
            f"{one.theme}（{one.id}）：{error.message_zh}",
            f"{one.theme} ({one.id}): {error.message}",
        )
    got = sha256_of(path)
    return path if got == one.sha256 else _another(one, got)


def _nowhere(one: Input, files: Path) -> Label:
    return Label(
        f"{one.theme}（{one.id}）：{files} 中没有 SHA-256 为 {one.sha256} 的文件",
        f"{one.theme} ({one.id}): no file in {files} has the SHA-256 {one.sha256}",
    )


def _another(one: Input, got: str) -> Label:
    return Label(
        f"{one.theme}（{one.id}）不是原来的文件：SHA-256 为 {got}，应为 {one.sha256}",
        f"{one.theme} ({one.id}) is another file: SHA-256 {got}, not {one.sha256}",
    )
