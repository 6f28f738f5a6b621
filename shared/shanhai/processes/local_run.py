"""Run a process on local files: a region as GeoJSON, rasters by theme; no server in sight."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import orjson
from pydantic import ValidationError
from shapely.geometry import shape

from shanhai.cartography import style_of
from shanhai.errors import Fault, InvalidInput
from shanhai.processes.catalogue import CONTRACTS, compute_of
from shanhai.processes.import_dataset.compute import import_raster, stored_unit
from shanhai.processes.import_dataset.contract import DESCRIBED, ImportDatasetInputs
from shanhai.processes.kit.contract import Inputs, ProcessContract
from shanhai.processes.kit.dataset_description import read_description
from shanhai.processes.kit.lookups import refuse
from shanhai.processes.kit.reference import FROM_FILE, require_reference
from shanhai.processes.kit.region_files import RegionChoice, read_region
from shanhai.processes.kit.report_pdf import leaving_room, with_pdf
from shanhai.processes.kit.resolution import check_grid
from shanhai.processes.kit.task import (
    AreaTask,
    DatasetTask,
    DistrictTask,
    Outcome,
    Progress,
    ReferenceTask,
    RegionTask,
)
from shanhai.processes.run_scenario.contract import RunScenarioInputs
from shanhai.processes.run_scenario.edit_checks import judge_edits
from shanhai.processes.run_scenario.files import FormerAssessment, judge_former, judge_inputs_of
from shanhai.processes.select_sites.place_lookup import RATIO
from shanhai.processes.select_sites.task import SelectionTask
from shanhai.raster.themes import THEME_RULES
from shanhai.raster.windows import Cluster
from shanhai.science.flags import ResultFlag
from shanhai.storage.artifacts import sha256_of
from shanhai.validation import rule_in_chinese, rule_in_english
from shanhai.vocabulary import label_of

RUNNABLE = tuple(one.id for one in CONTRACTS.values() if one.runs_on_files)
"""Processes that need nothing but files."""

REPEATABLE = tuple(one.id for one in CONTRACTS.values() if one.repeatable)
"""Processes whose manifest holds all that a run needs, apart from files."""
SUPPLY = "supply."
_NO_UPLOAD = "00000000-0000-0000-0000-000000000000"


def run_on_files(
    process_id: str,
    *,
    region: Path,
    rasters: Mapping[str, Path],
    inputs: Mapping[str, Any],
    workspace: Path,
    progress: Progress,
    processes: int = 1,
    cluster: Cluster | None = None,
    options: Mapping[str, Mapping[str, Any]] | None = None,
    areas: Sequence[AreaTask] = (),
    units: Sequence[DistrictTask] = (),
    selection: SelectionTask | None = None,
    assessed: FormerAssessment | None = None,
    choice: RegionChoice | None = None,
    reference: ReferenceTask | None = None,
) -> Outcome:
    """Import the rasters and compute; results lie in `workspace` afterwards.

    Args:
        process_id: Id of the process, one of `RUNNABLE`.
        region: GeoJSON with the region and, if any, its districts.
        rasters: GeoTIFF per theme; a description `<name>.json` beside it is honoured. A computed
            supply comes as `supply.<service>`, a comprehensive ratio as `ratio`.
        inputs: Inputs of the process as over HTTP; `region` may be left out.
        workspace: Folder for the results; made when missing.
        progress: Hears how far it is.
        processes: Processes that share the windows.
        cluster: Where windows are computed instead.
        options: Inputs of the import by theme, such as `scale` or `legend`.
        areas: Control areas that zones are held to or compared with.
        units: Polygons that are the zoning units.
        selection: Places and money that sites are selected from and paid with.
        assessed: Assessment whose ratio and zones a scenario compares with those after its edits.
        choice: Which features of the file are the region, and its name.
        reference: Run whose numbers of the whole area are taken over, and its zones where the
            inputs say so.

    Raises:
        InvalidInput: the process cannot be run so, or an input breaks a rule; pointers are those
            of a request.
    """
    contract = contract_of(process_id, RUNNABLE)
    place = read_region(region, choice, inputs.get("crs"))
    supplies = {
        theme.removeprefix(SUPPLY): theme for theme in sorted(rasters) if theme.startswith(SUPPLY)
    }
    asked = {"region": place.code, **inputs, **({"supplies": supplies} if supplies else {})}
    if reference is not None:
        asked["normalisation"] = {"from": FROM_FILE, **asked.get("normalisation", {})}
    accepted = check_inputs(contract.inputs, asked)
    cell_m = getattr(accepted, "cell_m", None)
    if cell_m is not None:
        # Before any raster is read.
        crs = getattr(accepted, "crs", None) or f"EPSG:{place.epsg}"
        check_grid(place.geometry, epsg=int(crs.removeprefix("EPSG:")), cell_m=cell_m)
    require_reference(accepted, reference)
    if isinstance(accepted, RunScenarioInputs):
        refuse(
            [
                *judge_edits(accepted, place.geometry, list(rasters)),
                *judge_former(accepted, assessed, place),
            ]
        )
        if assessed is not None:
            place = assessed.region
    workspace = workspace.resolve()  # windows may be computed by processes of another folder
    workspace.mkdir(parents=True, exist_ok=True)
    noted: list[ResultFlag] = []
    taken = _take(rasters, options or {}, workspace, place, noted)
    if assessed is not None:
        refuse(
            judge_inputs_of(assessed, {theme: one.checksum for theme, (one, _) in taken.items()})
        )
    members = {"selection": selection, "assessed": None if assessed is None else assessed.task}
    task = contract.task(
        process=process_id,
        inputs=accepted.model_dump(mode="json"),
        seed=getattr(accepted, "seed", 0),
        region=place,
        plan=getattr(accepted, "plan", None),
        datasets={theme: dataset for theme, (dataset, _) in taken.items()},
        files={dataset.uri: str(path) for dataset, path in taken.values()},
        areas=list(areas),
        units=list(units),
        reference=reference,
        **members,  # a task takes those it has
        processes=processes,
        cluster=cluster,
    )
    outcome = compute_of(process_id)(task, workspace, leaving_room(progress, contract))
    outcome = with_pdf(outcome, contract, workspace, progress)
    told = [flag.document() for flag in noted]
    return outcome.model_copy(update={"warnings": [*told, *outcome.warnings]})


def contract_of(process_id: str, of: Sequence[str]) -> ProcessContract:
    """The contract of a process of `RUNNABLE` or `REPEATABLE`.

    Raises:
        InvalidInput: there is none of this name.
    """
    if process_id not in of:
        names = ", ".join(of)
        known = process_id in CONTRACTS
        reason, reason_zh = (", it needs a server", "，须由服务器执行") if known else ("", "")
        raise InvalidInput(
            f"process {process_id!r} does not run on files{reason}; these do: {names}",
            message_zh=f"进程 {process_id!r} 不能用本地文件运行{reason_zh}；可用：{names}",
            pointer="/process",
        )
    return CONTRACTS[process_id]


def check_inputs(model: type[Inputs], given: Mapping[str, Any]) -> Inputs:
    """Inputs as the API takes them: JSON types strictly, unknown members refused.

    Raises:
        InvalidInput: every broken rule, with the pointer a request would have.
    """
    try:
        return model.model_validate_json(orjson.dumps(given), strict=True)
    except ValidationError as error:
        faults = [
            Fault(f"/inputs{_pointer(one['loc'])}", rule_in_english(one), rule_in_chinese(one))
            for one in error.errors(include_url=False)
        ]
    raise InvalidInput("the inputs break the rules", message_zh="输入不符合规则", faults=faults)


def _pointer(location: tuple[str | int, ...]) -> str:
    return "".join(f"/{str(part).replace('~', '~0').replace('/', '~1')}" for part in location)


def _take(
    rasters: Mapping[str, Path],
    options: Mapping[str, Mapping[str, Any]],
    workspace: Path,
    place: RegionTask,
    noted: list[ResultFlag],
) -> dict[str, tuple[DatasetTask, Path]]:
    """The datasets by theme, each with the file that is computed from; what was remarkable is
    noted."""
    taken = {}
    for theme, path in sorted(rasters.items()):
        if theme.startswith(SUPPLY) or theme == RATIO:
            taken[theme] = (_computed(theme, path), path)
            continue
        cleaned = workspace / "inputs" / f"{theme}.tif"
        cleaned.parent.mkdir(exist_ok=True)
        try:
            dataset = take_raster(theme, path, cleaned, place, options.get(theme, {}), noted)
        except InvalidInput as error:
            raise _of_raster(error, theme, path) from error
        taken[theme] = (dataset, cleaned)
    return taken


def _of_raster(error: InvalidInput, theme: str, path: Path) -> InvalidInput:
    """The refusal of one of several rasters, which says of which."""
    message = f"{theme} ({path}): {error.message}"
    name_zh = label_of(theme).zh if theme in THEME_RULES else theme
    message_zh = f"{name_zh}（{path}）：{error.message_zh}"
    dataset = f"/inputs/datasets/{theme}"
    faults = []
    for fault in error.faults:
        own = fault.detail == error.message
        option = fault.pointer.removeprefix("/inputs/")
        faults.append(
            Fault(
                dataset if option == "upload" else f"{dataset}/{option}",
                message if own else fault.detail,
                message_zh if own else fault.detail_zh,
            )
        )
    return type(error)(message, message_zh=message_zh, faults=faults)


def _computed(theme: str, path: Path) -> DatasetTask:
    """A raster that an assessment made: it is taken as it is."""
    return DatasetTask(
        id=0,
        code=theme,
        theme=theme,
        uri=f"file/{theme}",
        checksum=sha256_of(path),
        name_zh=style_of(theme).title.zh,
        name_en=style_of(theme).title.en,
    )


def take_raster(
    theme: str,
    path: Path,
    cleaned: Path,
    place: RegionTask,
    options: Mapping[str, Any],
    noted: list[ResultFlag] | None = None,
) -> DatasetTask:
    """Import a raster to `cleaned` as the platform would, and describe it.

    What was remarkable is added to `noted`.

    Raises:
        InvalidInput: the theme is none, an option breaks a rule, or the file is not what the theme
            needs.
    """
    sidecar = path.with_suffix(".json")
    described = read_description(sidecar) if sidecar.exists() else None
    stated = described.import_inputs() if described else {}
    inputs = cast(
        "ImportDatasetInputs",
        check_inputs(
            ImportDatasetInputs,
            {**stated, "upload": _NO_UPLOAD, "region": place.code, "theme": theme, **options},
        ),
    )
    imported = import_raster(
        path, inputs, shape(place.geometry), cleaned, progress=lambda _percent, _stage: None
    )
    if noted is not None:
        noted += imported.warnings
    return DatasetTask(
        id=0,
        code=inputs.code or path.stem,
        theme=theme,
        uri=f"file/{theme}",
        checksum=sha256_of(cleaned),
        unit=stored_unit(inputs, imported.rule),
        **_description(inputs),
    )


def _description(inputs: ImportDatasetInputs) -> dict[str, Any]:
    """What is said of a dataset, by its description or by the options of a run."""
    label = label_of(inputs.theme)
    members = DESCRIBED | {"native_resolution_m", "relative_error"}
    return {
        "name_zh": inputs.name_zh or label.zh,
        "name_en": inputs.name_en or label.en,
        **inputs.model_dump(include=members),
    }
