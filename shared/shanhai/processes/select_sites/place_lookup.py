"""The rasters, places and money a selection looks at, looked up as who asked may see them."""

from collections.abc import Mapping
from typing import Any

import orjson
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.collections.patterns import CORRIDOR_NODES, CORRIDORS
from shanhai.db.collections.programmes import FUND_SOURCES
from shanhai.db.collections.projects import PROJECTS, newest_of
from shanhai.db.collections.provisions import PROBLEMS
from shanhai.db.features.columns import source_of
from shanhai.db.features.entity import Entity
from shanhai.db.features.selection import Selection, bound_values, conditions
from shanhai.db.identity import PUBLIC, Identity, Viewer
from shanhai.db.queries.jobs import COORDINATE_DIGITS, RegionRow
from shanhai.db.tables.dataset import Dataset
from shanhai.errors import Fault
from shanhai.processes.kit.contract import Theme
from shanhai.processes.kit.lookups import describe_dataset, find_themes, refuse
from shanhai.processes.kit.resolution import MOST_VERTICES, checksum_of
from shanhai.processes.kit.task import DatasetTask, Task
from shanhai.processes.select_sites.contract import Fund, SelectSitesInputs
from shanhai.processes.select_sites.sites import judge_selection
from shanhai.processes.select_sites.task import FundTask, LinkTask, PlaceTask, SelectionTask
from shanhai.vocabulary import Visibility

RATIO = "ratio"
COVER: Theme = "land_cover"


async def find_ratio(
    session: AsyncSession, region: RegionRow, inputs: SelectSitesInputs
) -> tuple[dict[str, DatasetTask], list[Fault]]:
    """Land cover and the comprehensive ratio, as far as there are any, and misfits.

    A ratio that is not named is the newest one that everybody may see.
    """
    datasets, faults = await find_themes(session, region, named=inputs.datasets, themes=(COVER,))
    if RATIO not in inputs.datasets:
        newest = await session.scalar(
            select(Dataset)
            .where(
                Dataset.region_id == region.id,
                Dataset.theme == RATIO,
                Dataset.origin == "computed",
                Dataset.visibility == Visibility.PUBLIC,
                Dataset.deleted_at.is_(None),
            )
            .order_by(Dataset.created_at.desc(), Dataset.id.desc())
            .limit(1)
        )
        if newest is not None:
            datasets[RATIO] = newest
    return {theme: describe_dataset(one) for theme, one in datasets.items()}, faults


# Everything spliced in below is a constant of a declaration; callers' values are bound.
_NETWORK = """
SELECT n.attrs->>'network_version' AS version, n.job_id FROM {source}
 WHERE {met} AND r.code = :place AND n.origin = 'computed'
   AND (CAST(:job AS uuid) IS NULL AND n.status = 'published' OR n.job_id = CAST(:job AS uuid))
 ORDER BY (n.attrs->>'network_version')::int DESC LIMIT 1
"""
_NODES = """
SELECT n.code, n.row_version AS version, n.name_zh, n.name_en, n.kind, n.score,
       n.attrs->'quality' AS quality,
       ST_AsGeoJSON(coalesce(n.footprint, n.geom), {digits}, 0) AS geometry
  FROM {source}
 WHERE {met} AND n.job_id = :job AND n.kind IN ('source', 'pinch_point', 'barrier')
 ORDER BY n.code
"""
_LINKS = """
SELECT co.code, co.attrs->'quality' AS quality FROM {source}
 WHERE {met} AND co.job_id = :job ORDER BY co.code
"""
_WITHIN = """
   ST_Intersects({geometry}, (SELECT place.geom FROM region place
                               WHERE place.code = :place AND place.deleted_at IS NULL))
"""
_PROBLEMS = """
SELECT pb.code, pb.row_version AS version, pb.name_zh, pb.name_en, pb.severity,
       {shape} AS geometry
  FROM {source} WHERE {met} AND pb.status <> 'resolved' AND {within} ORDER BY pb.code
"""
_PROJECTS = """
SELECT pj.code, pj.row_version AS version, pj.name_zh, pj.name_en, pj.cost::float8 AS cost,
       ARRAY(SELECT m.measure FROM project_measure m WHERE m.project_id = pj.id
              ORDER BY m.order_no, m.measure) AS measures,
       ARRAY(SELECT b.code FROM project_problem pp JOIN problem b ON b.id = pp.problem_id
              WHERE pp.project_id = pj.id AND b.deleted_at IS NULL AND {newest}
              ORDER BY b.code) AS problems,
       {shape} AS geometry
  FROM {source} WHERE {met} AND pj.state IN ('draft', 'proposed', 'reserve') AND {within}
 ORDER BY pj.code
"""
_FUNDS = """
SELECT fs.code, fs.name_zh, fs.name_en, fs.allowed_measures,
       (fs.amount - (SELECT coalesce(sum(CASE e.kind WHEN 'return' THEN -e.amount
                                         ELSE e.amount END), 0)
                       FROM fund_entry e
                      WHERE e.source_id = fs.id AND e.kind <> 'payment'))::float8 AS amount
  FROM {source} WHERE {met} AND fs.code = ANY(CAST(:codes AS text[]))
"""


async def with_candidates(session: AsyncSession, task: Task, identity: Identity | None) -> Task:
    """The task of a selection with the places and funds it looks at.

    A map that shall be published rests on what everyone may see; the rest on what who asked may.

    Raises:
        InvalidInput: something that was asked for cannot be done; all faults are told.
    """
    if task.region is None:
        return task
    inputs = SelectSitesInputs.model_validate(task.inputs)
    own = PUBLIC if identity is None else identity.viewer
    viewer = PUBLIC if inputs.publish else own
    reading = _Reading(session, viewer, task.region.code)
    found = await reading.network(inputs)
    problems, projects = await reading.problems(), []
    if "projects" in inputs.candidates:
        # What is chosen of them is told to who asked alone; the map does not rest on them.
        projects = await _Reading(session, own, task.region.code).projects()
    funds, faults = await _funds(session, own, inputs.funds)
    selection = found.model_copy(
        update={"places": [*found.places, *problems, *projects], "funds": funds}
    )
    faults += _judge_found(inputs, task, found, selection)
    refuse([*faults, *judge_selection(inputs, task.region, list(task.datasets), selection)])
    return task.model_copy(update={"selection": selection})


def _judge_found(
    inputs: SelectSitesInputs, task: Task, found: SelectionTask, selection: SelectionTask
) -> list[Fault]:
    faults = []
    if inputs.network is not None and found.network is None:
        faults.append(
            Fault(
                "/inputs/network",
                f"job {inputs.network} left no network of the region that may be used here",
                f"作业 {inputs.network} 没有该区域可用的生态网络",
            )
        )
    if task.areas_left_out:
        listed = ", ".join(task.areas_left_out)
        faults.append(
            Fault(
                "/inputs/exclude/lines",
                f"{listed} have more than {MOST_VERTICES} vertices, too many to keep sites out of "
                "them; simplify them",
                f"{listed} 的顶点超过 {MOST_VERTICES} 个，无法用于排除，请先化简",
            )
        )
    vertices = sum(_positions(one.geometry["coordinates"]) for one in selection.places)
    if vertices > 2 * MOST_VERTICES:
        faults.append(
            Fault(
                "/inputs/candidates",
                f"the places of the region have {vertices} vertices; at most {2 * MOST_VERTICES} "
                "are taken",
                f"该区域的对象共有 {vertices} 个顶点，上限为 {2 * MOST_VERTICES}",
            )
        )
    return faults


def _positions(nested: Any) -> int:
    if not nested or not isinstance(nested[0], list):
        return 1
    return sum(_positions(one) for one in nested)


class _Reading:
    """Reads places of a region for a viewer."""

    def __init__(self, session: AsyncSession, viewer: Viewer, place: str) -> None:
        self._session, self._viewer, self._place = session, viewer, place

    async def network(self, inputs: SelectSitesInputs) -> SelectionTask:
        """The network asked for, else the newest published one; empty where there is none."""
        job = None if inputs.network is None else str(inputs.network)
        row = next(iter(await self._rows(CORRIDOR_NODES, _NETWORK, job=job)), None)
        if row is None:
            return SelectionTask()
        nodes = await self._rows(CORRIDOR_NODES, _NODES, job=row.job_id)
        links = await self._rows(CORRIDORS, _LINKS, job=row.job_id)
        return SelectionTask(
            network=f"{self._place}.network-{row.version}",
            places=[node_task(one.code, one._mapping, _geometry(one)) for one in nodes],
            links=[link_task(one.code, one.quality) for one in links],
        )

    async def problems(self) -> list[PlaceTask]:
        """Problems in the region that are not resolved and have a place."""
        return [
            _place(one, "problem", severity=one.severity)
            for one in await self._rows(PROBLEMS, _PROBLEMS)
        ]

    async def projects(self) -> list[PlaceTask]:
        """Projects in the region that are not approved yet and have a place."""
        return [
            _place(one, "project", cost=one.cost, measures=one.measures, problems=one.problems)
            for one in await self._rows(PROJECTS, _PROJECTS)
        ]

    async def _rows(self, entity: Entity, query: str, **values: Any) -> list[Any]:
        selection = Selection(self._viewer)
        statement = query.format(
            source=source_of(entity, former=False),
            met=" AND ".join(f"({one})" for one in conditions(entity, selection)),
            shape=f"ST_AsGeoJSON({entity.geometry}, {COORDINATE_DIGITS}, 0)",
            digits=COORDINATE_DIGITS,
            within=_WITHIN.format(geometry=entity.geometry),
            newest=newest_of("pj"),
        )
        bound = {**bound_values(selection), "place": self._place, **values}
        return list(await self._session.execute(text(statement), bound))


def local_code(code: str) -> str:
    """Code of a place or corridor within its network."""
    return code.rpartition(".")[2]


def node_task(code: str, row: Mapping[str, Any], geometry: dict[str, Any]) -> PlaceTask:
    """A node of a network; one without a name is called by its code."""
    words = {"source": ("源地", "Source"), "barrier": ("障碍点", "Barrier")}
    zh, en = words.get(row["kind"], ("夹点", "Pinch point"))
    local = local_code(code)
    return PlaceTask(
        kind=row["kind"],
        code=code,
        version=row.get("version") or 0,
        name_zh=row.get("name_zh") or f"{zh} {local}",
        name_en=row.get("name_en") or f"{en} {local}",
        checksum=checksum_of(geometry),
        geometry=geometry,
        score=row["score"],
        quality=dict(row["quality"] or {}),
    )


def link_task(code: str, quality: Mapping[str, Any]) -> LinkTask:
    """A corridor by what a network tells of it."""
    members = {name: quality[name] for name in LinkTask.model_fields if name != "code"}
    return LinkTask(code=local_code(code), **members)


def _geometry(row: Any) -> dict[str, Any]:
    found: dict[str, Any] = orjson.loads(row.geometry)
    return found


def _place(row: Any, kind: Any, **more: Any) -> PlaceTask:
    geometry = _geometry(row)
    return PlaceTask(
        kind=kind,
        code=row.code,
        version=row.version,
        name_zh=row.name_zh,
        name_en=row.name_en,
        checksum=checksum_of(geometry),
        geometry=geometry,
        **more,
    )


async def _funds(
    session: AsyncSession, viewer: Viewer, asked: list[Fund]
) -> tuple[list[FundTask], list[Fault]]:
    """The money asked for; of a source no more than is left to allocate."""
    selection = Selection(viewer)
    statement = _FUNDS.format(
        source=source_of(FUND_SOURCES, former=False),
        met=" AND ".join(f"({one})" for one in conditions(FUND_SOURCES, selection)),
    )
    codes = [one.source for one in asked if one.source is not None]
    values = {**bound_values(selection), "codes": codes}
    rows = {row.code: row for row in await session.execute(text(statement), values)}
    found, faults = list[FundTask](), list[Fault]()
    for number, fund in enumerate(asked):
        if fund.source is None:
            found.append(given_fund(fund, number))
            continue
        pointer, row = f"/inputs/funds/{number}", rows.get(fund.source)
        if row is None or codes.count(fund.source) > 1:
            faults.append(
                Fault(
                    f"{pointer}/source",
                    f"there is no source of funds {fund.source!r}, or it comes twice",
                    f"没有资金来源 {fund.source!r}，或其重复",
                )
            )
            continue
        if fund.amount is not None and fund.amount > row.amount:
            faults.append(
                Fault(
                    f"{pointer}/amount",
                    f"{fund.source!r} has {row.amount:.2f} left to allocate",
                    f"资金 {fund.source!r} 尚可分配 {row.amount:.2f}",
                )
            )
        found.append(
            FundTask(
                code=row.code,
                name_zh=row.name_zh,
                name_en=row.name_en,
                amount=row.amount if fund.amount is None else fund.amount,
                measures=row.allowed_measures,
            )
        )
    return found, faults


def given_fund(fund: Fund, number: int) -> FundTask:
    """Money that is told with the inputs."""
    name = fund.name_zh or ""
    return FundTask(
        code=f"fund-{number + 1}",
        name_zh=name,
        name_en=fund.name_en or name,
        amount=fund.amount or 0.0,
        measures=fund.measures,
    )
