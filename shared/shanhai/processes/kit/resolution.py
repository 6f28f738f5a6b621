"""From the inputs of a caller to the task of a job: its grid, its ground, its control lines."""

import hashlib
import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import orjson
from pyproj import CRS, Proj, Transformer
from pyproj.exceptions import CRSError, ProjError
from shapely.geometry import shape
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.base import STORAGE_SRID
from shanhai.db.collections.controls import CONTROL_AREAS
from shanhai.db.engine import read_today
from shanhai.db.features.columns import source_of
from shanhai.db.features.selection import Selection, bound_values, conditions
from shanhai.db.identity import PUBLIC, Identity
from shanhai.db.queries.jobs import COORDINATE_DIGITS, RegionRow
from shanhai.errors import Fault, InvalidInput, LimitExceeded
from shanhai.processes.kit.contract import Inputs, PlaceInputs, ProcessContract
from shanhai.processes.kit.lookups import find_usable_region, judge_plan
from shanhai.processes.kit.publication import demand_right, with_rights
from shanhai.processes.kit.task import CORE, RESERVE, AreaTask, DatasetTask, RegionTask, Task

MAX_CELLS = 400_000_000
MAX_AREA_DISTORTION = 0.02
"""A grid's cells are counted as areas: 3-degree Gauss-Krüger stays below 0.001, UTM below 0.002."""
CRS_POINTER = "/inputs/crs"
CELL_POINTER = "/inputs/cell_m"
ANY = "any"
"""Stands for the region where what is needed anywhere is asked."""


def check_grid(geometry: dict[str, Any], *, epsg: int, cell_m: float) -> None:
    """Refuse a CRS that does not measure the region in metres, and grids beyond the limit.

    Args:
        geometry: The region, GeoJSON in longitude and latitude.
        epsg: Code of the CRS of the grid.
        cell_m: Side of a cell, m.

    Raises:
        InvalidInput: The CRS is unknown, not projected, not in metres, or distorts areas there.
        LimitExceeded: The region's box holds too many cells.
    """
    crs = _projected(epsg)
    region = shape(geometry)
    _check_distortion(crs, epsg, *region.representative_point().coords[0])
    cells = estimate_cells(region.bounds, epsg=epsg, cell_m=cell_m)
    if cells > MAX_CELLS:
        raise LimitExceeded(
            f"cells of {cell_m:g} m make a grid of {cells:,} cells; at most {MAX_CELLS:,}"
            " are allowed: use larger cells",
            message_zh=f"{cell_m:g} 米像元将产生 {cells:,} 个格网单元，上限为 {MAX_CELLS:,}，"
            "请增大像元",
            pointer=CELL_POINTER,
        )


def estimate_cells(bounds: tuple[float, float, float, float], *, epsg: int, cell_m: float) -> int:
    """Cells of the grid over a box of longitudes and latitudes (west, south, east, north)."""
    transformer = Transformer.from_crs(STORAGE_SRID, epsg, always_xy=True)
    west, south, east, north = transformer.transform_bounds(*bounds)
    return math.ceil((east - west) / cell_m) * math.ceil((north - south) / cell_m)


def _projected(epsg: int) -> CRS:
    try:
        crs = CRS.from_epsg(epsg)
    except CRSError:
        raise _refused(
            f"EPSG:{epsg} is not a known coordinate reference system",
            f"EPSG:{epsg} 不是已知的坐标系",
        ) from None
    if not crs.is_projected:
        raise _refused(
            f"EPSG:{epsg} ({crs.name}) is not projected; the analysis grid needs a projected CRS"
            " in metres, such as the region's 3-degree Gauss-Krüger zone",
            f"EPSG:{epsg}（{crs.name}）不是投影坐标系；分析格网需要以米为单位的投影坐标系",
        )
    if any(axis.unit_conversion_factor != 1 for axis in crs.axis_info):
        raise _refused(
            f"EPSG:{epsg} ({crs.name}) is not measured in metres",
            f"EPSG:{epsg}（{crs.name}）不以米为单位",
        )
    return crs


def _check_distortion(crs: CRS, epsg: int, longitude: float, latitude: float) -> None:
    distortion = _area_distortion(crs, longitude, latitude)
    if not distortion <= MAX_AREA_DISTORTION:
        raise _refused(
            f"EPSG:{epsg} ({crs.name}) is not made for this region: it distorts areas there by"
            f" {distortion:.0%}, more than {MAX_AREA_DISTORTION:.0%}",
            f"EPSG:{epsg}（{crs.name}）不适用于该区域：面积变形 {distortion:.0%}，"
            f"超过 {MAX_AREA_DISTORTION:.0%}",
        )


def _area_distortion(crs: CRS, longitude: float, latitude: float) -> float:
    try:
        scale = Proj(crs).get_factors(longitude, latitude).areal_scale
    except ProjError:
        return math.inf
    return abs(float(scale) - 1)


def _refused(message: str, message_zh: str) -> InvalidInput:
    return InvalidInput(message, message_zh=message_zh, pointer=CRS_POINTER)


MOST_VERTICES = 200_000
"""Vertices of one kind that a task carries; a kind with more is left out."""

# Constants of the declarations; callers' values are bound.
_FOUND = """
SELECT ca.code, ca.row_version AS version, ca.name_zh, ca.name_en, ca.kind,
       ca.class_code, ST_NPoints({geometry}) AS vertices, {shape} AS geometry
  FROM {source}
 WHERE {conditions}
   AND ca.kind = ANY(CAST(:kinds AS text[]))
   AND (:whole_reserves OR ca.kind <> '{reserve}' OR ca.class_code = '{core}')
   AND ST_Dimension({geometry}) = 2
   AND ST_Intersects({geometry}, (SELECT place.geom FROM region place
                                   WHERE place.code = :place AND place.deleted_at IS NULL))
 ORDER BY ca.kind, ca.code
"""


@dataclass(frozen=True, slots=True)
class ControlAreaQuery:
    """The control areas a task reads.

    Attributes:
        kinds: Of which kinds.
        publish: Whether what comes of it is for everybody: then it rests on what everyone may
            see, else on what the caller may.
        whole_reserves: Whether all of a reserve counts, or its core only.
    """

    kinds: tuple[str, ...]
    publish: bool
    whole_reserves: bool


async def with_control_areas(
    session: AsyncSession, task: Task, identity: Identity | None, wanted: ControlAreaQuery
) -> Task:
    """The task with the control areas of its region that are in force today.

    A kind with too many vertices is left out, and named.
    """
    if task.region is None:
        return task
    viewer = PUBLIC if wanted.publish or identity is None else identity.viewer
    selection = Selection(viewer)
    values = {
        **bound_values(selection),
        "place": task.region.code,
        "whole_reserves": wanted.whole_reserves,
    }
    counted = await session.execute(
        _statement(selection, "NULL"), {**values, "kinds": list(wanted.kinds)}
    )
    vertices = Counter[str]()
    for row in counted:
        vertices[row.kind] += row.vertices
    kept = [kind for kind, count in vertices.items() if count <= MOST_VERTICES]
    left_out = sorted(vertices.keys() - kept)
    shape = f"ST_AsGeoJSON({CONTROL_AREAS.geometry}, {COORDINATE_DIGITS}, 0)"
    rows = await session.execute(_statement(selection, shape), {**values, "kinds": kept})
    return task.model_copy(
        update={
            "areas": [*task.areas, *map(_area, rows)],
            "areas_left_out": left_out,
            "areas_as_of": await read_today(session),
        }
    )


def _statement(selection: Selection, shape: str) -> Any:
    met = (
        *conditions(CONTROL_AREAS, selection),
        CONTROL_AREAS.published,
        "ca.valid_from IS NULL OR ca.valid_from <= current_date",
    )
    return text(
        _FOUND.format(
            geometry=CONTROL_AREAS.geometry,
            shape=shape,
            source=source_of(CONTROL_AREAS, former=False),
            conditions=" AND ".join(f"({one})" for one in met),
            reserve=RESERVE,
            core=CORE,
        )
    )


def _area(row: Any) -> AreaTask:
    return AreaTask(
        kind=row.kind,
        code=row.code,
        version=row.version,
        name_zh=row.name_zh,
        name_en=row.name_en,
        class_code=row.class_code,
        checksum=checksum_of(geometry := orjson.loads(row.geometry)),
        geometry=geometry,
    )


def checksum_of(geometry: dict[str, Any]) -> str:
    """SHA-256 of a geometry as it is written in a task."""
    return hashlib.sha256(orjson.dumps(geometry, option=orjson.OPT_SORT_KEYS)).hexdigest()


class Resolve(Protocol):
    """Looks up every code of the inputs, once.

    What is found is written into the task, so that a job computes on the state of the moment it
    was accepted, whatever is imported while it waits.
    """

    async def __call__(  # noqa: D102
        self, session: AsyncSession, inputs: Any, *, requested_by: str
    ) -> Task: ...


class Complete(Protocol):
    """Adds to a task what depends on what its caller may see; None sees what everybody may."""

    async def __call__(  # noqa: D102
        self, session: AsyncSession, task: Any, identity: Identity | None
    ) -> Task: ...


class Authorise(Protocol):
    """Gives a task the rights of its caller, or refuses a caller who lacks those it takes."""

    async def __call__(  # noqa: D102
        self, session: AsyncSession, task: Any, identity: Identity
    ) -> Task: ...


class DemandPublishable(Protocol):
    """Refuses a job that wishes to publish what its caller may not, or not now."""

    async def __call__(  # noqa: D102
        self, session: AsyncSession, task: Task, identity: Identity
    ) -> None: ...


async def _nothing_more(session: AsyncSession, task: Task, identity: Identity | None) -> Task:
    return task


async def keep_rights(session: AsyncSession, task: Task, identity: Identity) -> Task:
    """The task with the rights its caller has now."""
    return with_rights(task, identity)


@dataclass(frozen=True, slots=True)
class Resolution:
    """How a request becomes a task, in the order in which it is done.

    Attributes:
        contract: The process.
        resolve: Makes the task.
        authorise: Judges and keeps the rights of the caller.
        complete: Adds what depends on the caller.
        obstacles: What else keeps a job from publishing, besides the caller's rights.
        needs: The themes of datasets that usual inputs cannot do without, one of each group.
    """

    contract: ProcessContract
    resolve: Resolve
    authorise: Authorise = _nothing_more
    complete: Complete = _nothing_more
    obstacles: DemandPublishable | None = None
    needs: Callable[[], Iterable[Sequence[str]]] = tuple

    async def demand_publishable(
        self, session: AsyncSession, task: Task, identity: Identity
    ) -> None:
        """Refuse a job that wishes to publish what may not be published.

        Raises:
            Unauthenticated, Forbidden: The caller is no approver of the region.
            Conflict: What is there may not be overtaken.
        """
        await demand_right(session, self.contract, task.inputs, identity)
        if self.obstacles is not None and self.contract.wishes_to_publish(task.inputs):
            await self.obstacles(session, task, identity)

    async def authorised(self, session: AsyncSession, task: Task, identity: Identity) -> Task:
        """The task with the rights of its caller, where its process uses them.

        Raises:
            Unauthenticated, Forbidden: They may not write, or publish, what the job would.
            Conflict: What the job would publish overtakes what waits for that.
        """
        await self.demand_publishable(session, task, identity)
        if self.contract.wishes_to_publish(task.inputs):
            task = with_rights(task, identity)
        return await self.authorise(session, task, identity)

    async def task_of(
        self, session: AsyncSession, inputs: Inputs, *, requested_by: str, identity: Identity | None
    ) -> Task:
        """The whole task of a request.

        Raises:
            InvalidInput: The inputs name what does not exist or does not fit; names every fault.
            Unauthenticated, Forbidden, Conflict: As `authorised`.
        """
        task = await self.resolve(session, inputs, requested_by=requested_by)
        if identity is not None:
            task = await self.authorised(session, task, identity)
        return await self.complete(session, task, identity)


async def find_ground(session: AsyncSession, inputs: PlaceInputs) -> tuple[RegionRow, RegionTask]:
    """The region of a computation, in the reference system asked for."""
    row, region = await find_usable_region(session, inputs.region)
    if inputs.crs is None:
        return row, region
    epsg = int(inputs.crs.removeprefix("EPSG:"))
    return row, region.model_copy(update={"epsg": epsg})


async def judge_ground(
    session: AsyncSession, inputs: PlaceInputs, row: RegionRow, region: RegionTask
) -> list[Fault]:
    """What is wrong with the plan and the grid of a computation."""
    return [*await judge_plan(session, inputs.plan, row), *judge_grid(region, inputs.cell_m)]


def judge_grid(region: RegionTask, cell_m: float) -> Sequence[Fault]:
    """What is wrong with a cell size in a region."""
    try:
        check_grid(region.geometry, epsg=region.epsg, cell_m=cell_m)
    except InvalidInput as error:
        return error.faults
    return ()


def task_on(
    contract: ProcessContract,
    inputs: PlaceInputs,
    region: RegionTask,
    datasets: Mapping[str, DatasetTask],
    **members: Any,
) -> Task:
    """The task of a computation over a region."""
    return contract.task(
        process=contract.id,
        inputs=inputs.model_dump(mode="json"),
        region=region,
        plan=inputs.plan,
        datasets=dict(datasets),
        **members,
    )
