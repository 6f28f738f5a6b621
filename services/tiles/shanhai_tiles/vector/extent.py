"""Extent and sources of a vector layer, found without reading all its rows."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import orjson
from sqlalchemy import TextClause, text

from shanhai.db.base import STORAGE_SRID
from shanhai.db.engine import Executor
from shanhai_tiles.grids import Bounds
from shanhai_tiles.layers.sources import SOURCE_JSON, SourceDataset
from shanhai_tiles.vector.collections import Collection, LayerQuery, LayerSelection

WORLD: Bounds = (-180.0, -85.0, 180.0, 85.0)
FAR = 1000
SIDES = {
    "west": (f"-{FAR}, -{FAR}, -{FAR}, {FAR}", "ST_XMin"),
    "south": (f"-{FAR}, -{FAR}, {FAR}, -{FAR}", "ST_YMin"),
    "east": (f"{FAR}, -{FAR}, {FAR}, {FAR}", "ST_XMax"),
    "north": (f"-{FAR}, {FAR}, {FAR}, {FAR}", "ST_YMax"),
}
"""A line beyond everything on each side: the box nearest to it reaches furthest there."""


@dataclass(frozen=True, slots=True)
class LayerExtent:
    """What a vector layer is at this moment: its box in degrees, and what it rests on."""

    bounds: Bounds
    sources: tuple[SourceDataset, ...]


async def read_state(
    database: Executor, collection: Collection, selection: LayerSelection
) -> LayerExtent:
    """Extent and sources of the visible rows."""
    question = LayerQuery.of(collection, selection)
    query = _state_query(question, chooses=selection.chooses)
    row = (await database.execute(query, selection.values)).all()[0]
    return LayerExtent(_bounds(row), tuple(map(SourceDataset.of, orjson.loads(row.sources))))


def _bounds(row: Any) -> Bounds:
    if row.west is None:
        return WORLD
    return (row.west, row.south, row.east, row.north)


@lru_cache(maxsize=256)
def _state_query(question: LayerQuery, *, chooses: bool) -> TextClause:
    return text((_of_rows if chooses else _of_edges)(question))


def _of_rows(question: LayerQuery) -> str:
    """The extent of a part, from its rows."""
    members = ", ".join(f"{member}(b) AS {side}" for side, (_, member) in SIDES.items())
    geometry = question.collection.geometry
    return (
        f"SELECT {members}, {_sources(question)} AS sources"  # noqa: S608
        f" FROM (SELECT ST_Extent({geometry}) AS b FROM {question.source}"
        f" WHERE {question.conditions}) AS box"
    )


def _of_edges(question: LayerQuery) -> str:
    """The extent of all, by the four rows the spatial index gives first from each side.

    The index keeps boxes in single precision, so a row may reach a metre further.
    """
    sides = ", ".join(
        f"({_furthest(question, line, member)}) AS {side}" for side, (line, member) in SIDES.items()
    )
    return f"SELECT {sides}, {_sources(question)} AS sources"


def _furthest(question: LayerQuery, line: str, member: str) -> str:
    geometry = question.collection.geometry
    return (
        f"SELECT {member}({geometry}) FROM {question.source}"  # noqa: S608
        f" WHERE {question.conditions} AND {geometry} IS NOT NULL"
        f" ORDER BY {geometry} <#> ST_MakeEnvelope({line}, {STORAGE_SRID}) LIMIT 1"
    )


def _sources(question: LayerQuery) -> str:
    """The inputs of the jobs that visible rows were computed by, job by job."""
    jobs = question.collection.jobs
    if jobs is None:
        return "'[]'"
    seen = f"SELECT FROM {question.source} WHERE {question.conditions} AND {jobs} = jd.job_id"
    return (
        f"(SELECT coalesce(jsonb_agg({SOURCE_JSON} ORDER BY i.code), '[]')::text"  # noqa: S608
        " FROM dataset i WHERE i.id IN (SELECT jd.dataset_id FROM job_dataset jd"
        f" WHERE jd.role = 'input' AND EXISTS ({seen})))"
    )
