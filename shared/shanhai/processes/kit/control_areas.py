"""The control lines of a zoning or a network, as they were when the job was accepted."""

import hashlib
from collections import Counter
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.collections.controls import CONTROL_AREAS
from shanhai.db.engine import read_today
from shanhai.db.features.columns import source_of
from shanhai.db.features.selection import Selection, bound_values, conditions
from shanhai.db.identity import PUBLIC, Identity
from shanhai.db.queries.jobs import COORDINATE_DIGITS
from shanhai.processes.kit.line_kinds import CORE, RESERVE
from shanhai.processes.kit.task import AreaTask, Task

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
