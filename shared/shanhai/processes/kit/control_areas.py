"""The control lines of a zoning or a network, as they were when the job was accepted."""

import hashlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.features.control_areas import CONTROL_AREAS
from shanhai.db.features.history import source_of
from shanhai.db.features.selection import Selection, bound_values, conditions
from shanhai.db.identity import PUBLIC, Identity
from shanhai.db.queries.job_inputs import COORDINATE_DIGITS
from shanhai.db.today import read_today
from shanhai.errors import InvalidInput
from shanhai.processes.build_network.contract import BUILD_NETWORK, BuildNetworkInputs
from shanhai.processes.delineate_zones.contract import DELINEATE_ZONES, DelineateZonesInputs
from shanhai.processes.kit.line_kinds import CORE, LINE_KINDS, OVERLAYS, PROTECTED, RESERVE
from shanhai.processes.kit.task import AreaTask, Task
from shanhai.processes.run_scenario.contract import RUN_SCENARIO, RunScenarioInputs
from shanhai.processes.select_sites.contract import SELECT_SITES, SelectSitesInputs

MOST_VERTICES = 200_000
"""Vertices of one kind that a task carries; a kind with more is left out."""

_NETWORKS: Mapping[str, type[BuildNetworkInputs]] = {
    BUILD_NETWORK.id: BuildNetworkInputs,
    RUN_SCENARIO.id: RunScenarioInputs,
}

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


async def with_control_lines(session: AsyncSession, task: Task, identity: Identity | None) -> Task:
    """The task of what reads control areas, with those in force today; others as they are.

    What shall be published rests on what everyone may see; the rest on what who asked may. A kind
    with too many vertices is left out, and named.

    Raises:
        InvalidInput: the overlay that was asked for has no red line, or one too large.
    """
    wanted = _wanted(task)
    if wanted is None or task.region is None:
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
    if wanted.zoning is not None:
        _judge_overlay(wanted.zoning, task.region.code, left_out, found="red_line" in vertices)
    shape = f"ST_AsGeoJSON({CONTROL_AREAS.geometry}, {COORDINATE_DIGITS}, 0)"
    rows = await session.execute(_statement(selection, shape), {**values, "kinds": kept})
    return task.model_copy(
        update={
            "areas": [*task.areas, *map(_area, rows)],
            "areas_left_out": left_out,
            "areas_as_of": await read_today(session),
        }
    )


@dataclass(frozen=True, slots=True)
class _Wanted:
    """The control areas a task reads.

    Attributes:
        kinds: Of which kinds.
        publish: Whether what comes of it is for everybody.
        whole_reserves: Whether all of a reserve counts, or its core only.
        zoning: Inputs of a zoning, whose overlay may need some of them.
    """

    kinds: tuple[str, ...]
    publish: bool
    whole_reserves: bool
    zoning: DelineateZonesInputs | None = None


def _wanted(task: Task) -> _Wanted | None:
    if task.process == DELINEATE_ZONES.id:
        zoning = DelineateZonesInputs.model_validate(task.inputs)
        lines = (*LINE_KINDS, RESERVE)
        return _Wanted(lines, zoning.publish, whole_reserves=False, zoning=zoning)
    if task.process in _NETWORKS:
        network = _NETWORKS[task.process].model_validate(task.inputs)
        choice = network.parameters.sources
        kinds = tuple(sorted({*PROTECTED, *choice.candidate_lines, *choice.excluded_lines}))
        return _Wanted(kinds, network.publish, whole_reserves=True)
    if task.process == SELECT_SITES.id:
        selection = SelectSitesInputs.model_validate(task.inputs)
        kept = tuple(selection.exclude.lines)
        # Lines keep sites out, which are told to who asked alone; the map does not rest on them.
        return _Wanted(kept, publish=False, whole_reserves=True) if kept else None
    return None


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


def _judge_overlay(
    inputs: DelineateZonesInputs, region: str, left_out: list[str], *, found: bool
) -> None:
    """Refuse an overlay that would do nothing, or not all it should."""
    if inputs.parameters.overlays == "none":
        return
    large = sorted({"red_line", RESERVE} & set(left_out))
    if large:
        raise InvalidInput(
            f"{', '.join(large)} of region {region!r} have more than {MOST_VERTICES} vertices, too "
            "many for an overlay; simplify them",
            message_zh=f"区域 {region!r} 的 {'、'.join(large)} 顶点超过 {MOST_VERTICES} 个，"
            "无法叠加，请先化简",
            pointer=OVERLAYS,
        )
    if not found:
        whose = "that everyone may see" if inputs.publish else "that you may see"
        raise InvalidInput(
            f"overlays is red_line, but region {region!r} has no published red line in force "
            f"{whose}",
            message_zh=f"overlays 为 red_line，但区域 {region!r} 没有现行且可见的生态保护红线",
            pointer=OVERLAYS,
        )
