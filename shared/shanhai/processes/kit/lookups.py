"""What inputs refer to, looked up and judged; every fault is noted so that all are told at once."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.collections.catalogue import ENTITIES
from shanhai.db.features.sql_write import ids_of
from shanhai.db.identity import Identity, Viewer
from shanhai.db.observations.aggregation import DailyAir
from shanhai.db.queries import files, jobs
from shanhai.db.tables.dataset import Dataset
from shanhai.db.tables.job import Job
from shanhai.errors import Fault, InvalidInput, NotFound
from shanhai.processes.kit.contract import Alternatives, Theme
from shanhai.processes.kit.task import RELATIVE_ERROR, DatasetTask, DistrictTask, RegionTask
from shanhai.science.air_quality import DAILY
from shanhai.vocabulary import JobStatus, Label, label_of

REGION = "/inputs/region"
_DATASETS = "/inputs/datasets/"


async def find_usable_region(session: AsyncSession, code: str) -> tuple[jobs.RegionRow, RegionTask]:
    """A region that has a geometry and a metric CRS, with its districts.

    Raises:
        InvalidInput: There is none of that code, or it lacks one of the two.
    """
    row = await jobs.find_region(session, code)
    if row is None:
        raise InvalidInput(
            f"there is no region {code!r}", message_zh=f"没有区域 {code!r}", pointer=REGION
        )
    if row.geometry is None or row.metric_srid is None:
        missing, missing_zh = (
            ("geometry", "几何图形") if row.geometry is None else ("metric CRS", "投影坐标系")
        )
        raise InvalidInput(
            f"region {code!r} has no {missing}, so nothing can be computed for it",
            message_zh=f"区域 {code!r} 没有{missing_zh}，无法计算",
            pointer=REGION,
        )
    districts = await jobs.find_districts(session, row.id)
    task = RegionTask(
        code=row.code,
        name_zh=row.name_zh,
        name_en=row.name_en,
        epsg=row.metric_srid,
        geometry=row.geometry,
        districts=[_as_district(district) for district in districts],
    )
    return row, task


async def find_units(session: AsyncSession, code: str, level: str | None) -> list[DistrictTask]:
    """The regions of a level in a region, which are to be zoning units; none without a level.

    Raises:
        InvalidInput: there are fewer than two.
    """
    if level is None:
        return []
    region = await jobs.find_region(session, code)
    found = [] if region is None else await jobs.find_regions_within(session, region.id, level)
    if len(found) < 2:
        raise InvalidInput(
            f"region {code!r} has {len(found)} regions of level {level} with a geometry; zoning "
            "units need two or more",
            message_zh=f"区域 {code!r} 内有几何的 {level} 级区域为 {len(found)} 个，至少需要两个",
            pointer="/inputs/parameters/unit_regions",
        )
    return [_as_district(one) for one in found]


def _as_district(row: jobs.RegionRow) -> DistrictTask:
    return DistrictTask(
        code=row.code, name_zh=row.name_zh, name_en=row.name_en, geometry=row.geometry or {}
    )


async def find_successful(
    session: AsyncSession, job_id: UUID, reader: Identity | None, pointer: str
) -> Job | Fault:
    """A job that succeeded, of those the reader may know of; else what is wrong with the input."""
    job = await jobs.find_job(session, job_id, reader=reader)
    if job is None:
        return Fault(
            pointer, f"there is no job {job_id} that may be used here", f"没有可用的作业 {job_id}"
        )
    if job.status != JobStatus.SUCCESSFUL:
        return Fault(
            pointer,
            f"job {job_id} is {job.status}; wait until it is successful",
            f"作业 {job_id} 的状态为 {job.status}，须已成功完成",
        )
    return job


async def demand_known(session: AsyncSession, inputs: object, viewer: Viewer) -> None:
    """Refuse inputs that name a plan or datasets of which who asks may not know.

    Raises:
        InvalidInput: They do, in the words for what is not there.
    """
    plan = getattr(inputs, "plan", None)
    if plan is not None and plan not in await ids_of(session, "plans", [plan], viewer):
        refuse([_no_plan(plan)])
    named = {
        f"/inputs/{field}/{name}": code
        for field in ("datasets", "supplies")
        if isinstance(codes := getattr(inputs, field, None), dict)
        for name, code in codes.items()
    }
    seen = await ids_of(session, "datasets", named.values(), viewer) if named else ()
    refuse(
        [
            Fault(pointer, f"there is no dataset {code!r}", f"没有数据集 {code!r}")
            for pointer, code in named.items()
            if code not in seen
        ]
    )


def _no_plan(code: str) -> Fault:
    return Fault("/inputs/plan", f"there is no plan {code!r}", f"没有规划 {code!r}")


async def judge_plan(
    session: AsyncSession, code: str | None, region: jobs.RegionRow
) -> Sequence[Fault]:
    """What is wrong with the plan named, if one is."""
    if code is None:
        return ()
    plan = await jobs.find_plan(session, code)
    if plan is None:
        return (_no_plan(code),)
    regions = {plan.region_id, *plan.region_ids}
    if plan.region_id is not None and regions.isdisjoint(jobs.places_of(region)):
        fault = Fault(
            "/inputs/plan",
            f"plan {code!r} is not a plan of region {region.code!r}",
            f"规划 {code!r} 不属于区域 {region.code!r}",
        )
        return (fault,)
    return ()


async def find_themes(
    session: AsyncSession,
    region: jobs.RegionRow,
    *,
    named: Mapping[Any, str],
    themes: Collection[str],
) -> tuple[dict[str, Dataset], list[Fault]]:
    """A dataset for every theme: the one named, else the newest of the region.

    Returns:
        The datasets by theme as far as there are any, and a fault per named one that does not fit.
    """
    by_code = await jobs.find_datasets(session, named.values())
    faults = [
        Fault(f"{_DATASETS}{theme}", misfit.en, misfit.zh)
        for theme, code in named.items()
        for misfit in _misfits(by_code.get(code), code=code, theme=theme, region=region)
    ]
    newest = await jobs.find_newest_datasets(session, region, set(themes) - named.keys())
    chosen = {theme: by_code[code] for theme, code in named.items() if code in by_code}
    return newest | chosen, faults


async def judge_upload(
    session: AsyncSession, upload_id: UUID, *, owner: str
) -> tuple[str | None, Sequence[Fault]]:
    """The SHA-256 of an upload that is complete, and what is wrong with any other."""
    try:
        upload = await files.find(session, upload_id, owner=owner, lock=True)
    except NotFound:
        detail = "there is no such upload of yours, or it has expired"
        return None, (Fault("/inputs/upload", detail, "没有该上传，或已过期"),)
    if upload.sha256 is None:
        detail = (
            f"the upload is not complete: {upload.received_bytes} of"
            f" {upload.total_bytes or 'unknown'} bytes have arrived"
        )
        return None, (Fault("/inputs/upload", detail, "上传尚未完成"),)
    return upload.sha256, ()


def judge_collection(name: str, mapping: Mapping[str, str]) -> Sequence[Fault]:
    """What is wrong with the collection rows shall be imported into, and with their properties."""
    entity = next((item for item in ENTITIES if item.name == name), None)
    if entity is None or entity.editing is None:
        known = ", ".join(item.name for item in ENTITIES if item.editing is not None)
        detail = f"is not a collection that can be written; those are: {known}"
        return (Fault("/inputs/collection", detail, f"不是可写入的集合；可写入：{known}"),)
    return [
        Fault(
            f"/inputs/mapping/{field}", f"{name} has no property {target!r}", f"没有属性 {target!r}"
        )
        for field, target in mapping.items()
        if entity.declared(target) is None
    ]


async def judge_new_code(
    session: AsyncSession, code: str | None, *, theme: Theme, region: jobs.RegionRow
) -> Sequence[Fault]:
    """What is wrong with the code a dataset shall have; one of its kind may be replaced."""
    if code is None:
        return ()
    former = (await jobs.find_datasets(session, [code])).get(code)
    own = (theme, region.id, "imported")
    if former is None or (former.theme, former.region_id, former.origin) == own:
        return ()
    fault = Fault(
        "/inputs/code",
        f"code {code!r} is in use for another dataset",
        f"代码 {code!r} 已被其他数据集占用",
    )
    return (fault,)


def refuse(faults: Sequence[Fault]) -> None:
    """Raise when there are faults.

    Raises:
        InvalidInput: There is at least one.
    """
    if faults:
        raise InvalidInput.placed(faults)


def describe_dataset(dataset: Dataset) -> DatasetTask:
    """The dataset as the computation gets it."""
    return DatasetTask(
        id=dataset.id,
        code=dataset.code,
        theme=dataset.theme,
        uri=dataset.uri,
        checksum=dataset.checksum,
        epsg=dataset.grid.get("epsg"),
        unit=dataset.unit,
        native_resolution_m=dataset.native_resolution_m,
        relative_error=dataset.attrs.get(RELATIVE_ERROR),
        stand_in=dataset.stand_in,
        stand_in_note_zh=dataset.stand_in_note_zh,
        stand_in_note_en=dataset.stand_in_note_en,
        source=dataset.source,
        licence=dataset.licence,
        observed_from=dataset.observed_from,
        observed_to=dataset.observed_to,
        name_zh=dataset.name_zh,
        name_en=dataset.name_en,
    )


def _misfits(
    dataset: Dataset | None, *, code: str, theme: str, region: jobs.RegionRow
) -> Sequence[Label]:
    if dataset is None:
        return (Label(f"没有数据集 {code!r}", f"there is no dataset {code!r}"),)
    if dataset.theme != theme:
        zh = f"数据集 {code!r} 的专题是 {dataset.theme}，不是 {theme}"
        return (Label(zh, f"dataset {code!r} is about {dataset.theme}, not {theme}"),)
    if dataset.region_id not in jobs.places_of(region):
        zh = f"数据集 {code!r} 不属于区域 {region.code!r}"
        return (Label(zh, f"dataset {code!r} is of another region than {region.code!r}"),)
    return ()


def themes_missed(faults: Iterable[Fault]) -> list[tuple[str]]:
    """The themes that faults find missing, each by itself."""
    pointers = (fault.pointer for fault in faults)
    return [(one.removeprefix(_DATASETS),) for one in pointers if one.startswith(_DATASETS)]


def missing_faults(
    needs: Iterable[tuple[str, Alternatives]], available: Collection[str]
) -> list[Fault]:
    """A fault for every layer that is needed and not there, naming what needs it."""
    missing: dict[Alternatives, list[str]] = {}
    for reason, alternatives in needs:
        if not any(theme in available for theme in alternatives):
            missing.setdefault(alternatives, []).append(reason)
    return [_lacking(themes, reasons) for themes, reasons in missing.items()]


def _lacking(themes: Alternatives, reasons: Sequence[str]) -> Fault:
    by = ", ".join(dict.fromkeys(reasons))
    named = Label(
        " 或 ".join(label_of(theme).zh for theme in themes), " or ".join(map(str, themes))
    )
    return Fault(
        f"/inputs/datasets/{themes[0]}",
        f"{by} needs a dataset of {named.en}; none was given or found",
        f"{by} 缺少必需的数据集：{named.zh}",
    )


async def find_evaluated(
    session: AsyncSession,
    region: jobs.RegionRow,
    *,
    named: Mapping[Any, str],
    supplies: Mapping[Any, str],
    themes: Sequence[str],
    needs: Sequence[tuple[str, Alternatives]],
) -> tuple[dict[str, DatasetTask], list[Fault]]:
    """Datasets by theme, and what is wrong: misfits, and layers that are needed and not there.

    Args:
        session: Where to look.
        region: The region.
        named: Datasets asked for.
        supplies: Computed supply by service; they come as the themes `supply.<service>`.
        themes: What is read where it exists.
        needs: What must be there, with what needs it.
    """
    computed = {f"supply.{service}": code for service, code in supplies.items()}
    found, faults = await find_themes(session, region, named={**named, **computed}, themes=themes)
    faults = [
        replace(one, pointer=one.pointer.replace("/datasets/supply.", "/supplies/"))
        for one in faults
    ]
    faults += missing_faults(needs, found)
    return {theme: describe_dataset(one) for theme, one in found.items()}, faults


def days_of(
    daily: Sequence[DailyAir], by_property: Mapping[str, str], first: date, last: date
) -> dict[str, list[float | None]]:
    """Concentrations of each day from one to another by pollutant, None where not valid."""
    length = (last - first).days + 1
    days: dict[str, list[float | None]] = {code: [None] * length for code in DAILY}
    for one in daily:
        days[by_property[one.property]][(one.day - first).days] = one.mean
    return days
