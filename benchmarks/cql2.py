"""Filters in CQL2, from their text on, beside the same conditions written by hand in SQL."""

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from pydantic import SecretStr

from benchmarks.features import CELLS
from benchmarks.million import Box as Sides
from benchmarks.million import boxes, lay_million
from benchmarks.report import Row, Setup, Table
from benchmarks.shaping import wait_for_shapes
from benchmarks.timing import alternate
from benchmarks.workbench import Workbench
from shanhai.db.collections.catalogue import entity_named
from shanhai.db.engine import open_quick_reader
from shanhai.db.features.cql2.compiler import compile_filter
from shanhai.db.features.order import PageStart
from shanhai.db.features.query import read_page
from shanhai.db.features.selection import Box, Filter, Selection
from shanhai.db.features.statements import PageOptions
from shanhai.db.identity import EVERYTHING
from shanhai.settings import DatabaseSettings

ROUNDS = 5
REQUESTS = 60
TARGET = 0.83
"""A fifth more time than the condition written by hand."""
REGIONS = entity_named("regions")
UNCOUNTED = PageOptions(counting="none")
ENVELOPE = "ST_MakeEnvelope(:w, :s, :e, :n, 4490)"
CONDITIONS = {
    "a comparison and a list": (
        "level = 'town' AND adcode IN ('100001', '100002', '100003', '100004')",
        "r.level = 'town' AND r.attrs->>'adcode' IN ('100001', '100002', '100003', '100004')",
    ),
    "a pattern": ("name_en LIKE 'Cell %7'", "r.name_en LIKE 'Cell %7'"),
    "a shape": (
        "S_INTERSECTS(geometry, BBOX({0}, {1}, {2}, {3}))",
        f"r.geom && {ENVELOPE} AND ST_Intersects(r.geom, {ENVELOPE})",
    ),
    "a shape and a comparison": (
        "S_WITHIN(geometry, BBOX({0}, {1}, {2}, {3})) AND level <> 'bay'",
        f"ST_Within(r.geom, {ENVELOPE}) AND r.level <> 'bay'",
    ),
}


@dataclass(frozen=True, slots=True)
class ByHand:
    """A condition somebody wrote."""

    sql: str
    values: Mapping[str, object]
    properties: frozenset[str] = field(default=frozenset())


Write = Callable[[Sides], Filter]
SETUP = Setup(
    settings="filters from their text to the rows, inside this process",
    warm="plans of statements; each filter is another",
    connections=(1, 1),
)


def run(bench: Workbench) -> Table:
    """Each condition both ways, each a page of a hundred features in a box."""
    table = Table(
        "cql2", f"filters over {CELLS:,} polygons, from text to rows", "by hand", setup=SETUP
    )
    with asyncio.Runner() as loop:
        loop.run(lay_million(bench.stack.database_url, CELLS))
        loop.run(wait_for_shapes(bench.stack.database_url))
        for name, (cql2, sql) in CONDITIONS.items():
            table.rows.append(_compare(loop, bench.stack.database_url, name, cql2, sql))
    return table


def _compare(loop: asyncio.Runner, url: str, name: str, cql2: str, sql: str) -> Row:
    placed = "{0}" in cql2

    def compiled(sides: Sides) -> Filter:
        return compile_filter(cql2.format(*sides), entity=REGIONS)

    def by_hand(sides: Sides) -> Filter:
        return ByHand(sql, dict(zip("wsen", sides, strict=True)) if placed else {})

    samples = alternate(
        lambda number: loop.run(_ask(url, number, compiled, placed=placed)),
        lambda number: loop.run(_ask(url, number, by_hand, placed=placed)),
        rounds=ROUNDS,
    )
    return Row(name, *samples, target=TARGET)


async def _ask(url: str, number: int, write: Write, *, placed: bool) -> float:
    """Seconds per page."""
    given = boxes(number, REQUESTS, CELLS)
    settings = DatabaseSettings(url=SecretStr(url))
    async with open_quick_reader(settings, application="benchmark") as reader:
        started = time.perf_counter()
        for sides in given:
            box = None if placed else Box(*sides)
            selection = Selection(EVERYTHING, box=box, filter=write(sides))
            await read_page(
                reader, REGIONS, selection, limit=100, position=PageStart(), ask=UNCOUNTED
            )
        return (time.perf_counter() - started) / len(given)
