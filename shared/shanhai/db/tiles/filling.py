"""Make the simpler shapes of objects that wait for them, a portion at a time.

A portion is one transaction: whoever is stopped in the middle leaves its objects waiting. Rows are
locked only while shapes are written, and what somebody else is writing is passed over.
"""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.base import STORAGE_SRID
from shanhai.db.engine import Sessions
from shanhai.db.tiles.shapes import BANDS, LABEL, SHAPED, Shaped
from shanhai.db.tiles.simplifying import Shape, simpler_shapes

MOST_OBJECTS = 2_000
"""Objects of a portion; so many, with their neighbours, are held in memory."""
MOST_POINTS = 2_000_000
"""Corners of a portion, unless its first object alone has more."""
_BANDS = ", ".join(str(number) for number in (*(band.deepest for band in BANDS), LABEL))

# Whoever else makes shapes would make the same; nothing else asks for this lock.
_ALONE = text("SELECT pg_try_advisory_xact_lock(hashtext('tile_shapes'))")
_PATIENT = text("SET LOCAL idle_in_transaction_session_timeout = 0")
# Given up before PostgreSQL looks for deadlocks, so that none is ever solved at a writer's expense.
_BRIEF = text("SET LOCAL lock_timeout = '300ms'")
# Found one by one, as `_objects` does, and then by where they lie.
_TAKE = text("""
  DELETE FROM tile_pending p WHERE p.ctid = ANY (ARRAY(
    SELECT mine.place FROM unnest(CAST(:ids AS bigint[]), CAST(:tickets AS bigint[]))
             AS asked(id, ticket) CROSS JOIN LATERAL
      (SELECT t.ctid AS place FROM tile_pending t
        WHERE t.source = :source AND t.id = asked.id AND t.ticket = asked.ticket
          FOR UPDATE SKIP LOCKED) AS mine))
  RETURNING p.id
""")
_AWAIT = text(
    "INSERT INTO tile_pending (source, id) SELECT :source, unnest(CAST(:ids AS bigint[]))"
    " ON CONFLICT DO NOTHING"
)
_NOTE = text(
    "SELECT note_tile_change(CAST(name AS text), ST_MakeBox2D(ST_Point(:west, :south),"
    " ST_Point(:east, :north))) FROM unnest(CAST(:names AS text[])) AS name"
)


class Made(NamedTuple):
    """What is made of rows: simpler shapes of all, and around each exact one a box in degrees."""

    shapes: list[Shape]
    boxes: NDArray[np.float64]


async def fill_portion(
    sessions: Sessions, *, most: int = MOST_OBJECTS, points: int = MOST_POINTS
) -> int:
    """Make the shapes of some objects that wait; how many wait no longer."""
    for shaped in SHAPED.values():
        async with sessions.begin() as session:
            if not await session.scalar(_ALONE):
                return 0
            done = await _fill(session, shaped, most, points)
        if done:
            return done
    return 0


async def _fill(session: AsyncSession, shaped: Shaped, most: int, points: int) -> int:
    asked = {"source": shaped.table, "most": most, "points": points}
    waiting = {row.id: row.ticket for row in await session.execute(text(_waiting(shaped)), asked)}
    if not waiting:
        return 0
    await session.execute(_PATIENT)
    found = await session.execute(text(_objects(shaped)), {"ids": list(waiting)})
    rows = found.all()
    made = await asyncio.to_thread(_make, rows)
    await session.execute(_BRIEF)
    mine = await _take(session, shaped, waiting)
    beside = {row.id: row.version for row in rows if row.beside}
    held = await _hold(session, shaped, beside)
    still = {number for number, same in held.items() if same}
    await _await_again(session, shaped, held.keys() - still)
    done = mine | still
    await _write(session, shaped, done, made.shapes)
    await _note(session, shaped, made.boxes[[row.id in done for row in rows]])
    return len(mine)


def _waiting(shaped: Shaped) -> str:
    """The first that wait, with no more corners than can be held."""
    return f"""
      SELECT id, ticket FROM (
        SELECT q.id, q.ticket, sum(n) OVER (ORDER BY q.id) - n AS before
          FROM (SELECT q.id, q.ticket, coalesce(ST_NPoints(t.{shaped.geometry}), 0) AS n
                  FROM (SELECT id, ticket FROM tile_pending WHERE source = :source
                         ORDER BY id LIMIT :most) AS q
                       LEFT JOIN LATERAL (SELECT {shaped.geometry} FROM {shaped.table}
                         WHERE id = q.id OFFSET 0) AS t ON true) AS q) AS w
       WHERE before < :points"""  # noqa: S608


def _objects(shaped: Shaped) -> str:
    """Those objects; those that touch them, whose common edges change too; and those around these,
    whose edges hold the others in place.

    Each is looked up on its own, by its number or its place: statistics are old while a table is
    filled, and what is joined by them may go through the whole table for every portion.
    """
    table, geometry = shaped.table, shaped.geometry
    cover = "NULL" if shaped.cover is None else shaped.cover
    members = f"id, {geometry} AS geom, {cover} AS cover, xmin::text AS version, deleted_at"
    mine = f"""
      SELECT t.* FROM unnest(CAST(:ids AS bigint[])) AS asked(id) CROSS JOIN LATERAL
        (SELECT {members} FROM {table} WHERE id = asked.id OFFSET 0) AS t
       WHERE t.geom IS NOT NULL"""  # noqa: S608
    if shaped.cover is None:
        return (
            "SELECT id, ST_AsBinary(geom) AS wkb, version, cover, false AS beside"  # noqa: S608
            f" FROM ({mine}) AS mine"
        )
    near = f"(SELECT {members} FROM {table} WHERE {geometry} && {{0}}.geom OFFSET 0) AS t"  # noqa: S608
    return f"""
      WITH mine AS MATERIALIZED ({mine}),
           beside AS MATERIALIZED (
             SELECT DISTINCT ON (t.id) t.* FROM mine CROSS JOIN LATERAL {near.format("mine")}
              WHERE t.cover = mine.cover AND t.deleted_at IS NULL
                AND t.id NOT IN (SELECT id FROM mine) AND ST_Intersects(t.geom, mine.geom)
              ORDER BY t.id),
           around AS (
             SELECT t.* FROM beside CROSS JOIN LATERAL {near.format("beside")}
              WHERE t.cover = beside.cover AND t.deleted_at IS NULL),
           found AS (
             SELECT DISTINCT ON (id) * FROM (
               SELECT 1 AS distance, * FROM mine UNION ALL SELECT 2, * FROM beside
                UNION ALL SELECT 3, * FROM around) AS every
              ORDER BY id, distance)
      SELECT id, ST_AsBinary(geom) AS wkb, version, cover,
             distance = 2 AND NOT EXISTS (
               SELECT FROM tile_pending p WHERE p.source = '{table}' AND p.id = found.id OFFSET 0
             ) AS beside
        FROM found ORDER BY id"""  # noqa: S608


def _make(rows: Sequence[Any]) -> Made:
    geometries = shapely.from_wkb(np.array([bytes(row.wkb) for row in rows], dtype=object))
    covers = [row.cover for row in rows]
    shapes = simpler_shapes([row.id for row in rows], geometries, covers)
    return Made(shapes, shapely.bounds(geometries))


async def _take(session: AsyncSession, shaped: Shaped, waiting: Mapping[int, int]) -> set[int]:
    """Those that have not changed since they were looked at; they wait no longer."""
    asked = {"ids": list(waiting), "tickets": list(waiting.values()), "source": shaped.table}
    return set(await session.scalars(_TAKE, asked))


async def _hold(
    session: AsyncSession, shaped: Shaped, versions: Mapping[int, str]
) -> dict[int, bool]:
    """Neighbours nobody can change until the end, and whether they are as they were looked at.

    Those that somebody is writing are left out: they wait as soon as their shape has changed.
    """
    query = text(
        "SELECT t.id, seen.version = t.version AS same"  # noqa: S608
        " FROM unnest(CAST(:ids AS bigint[]), CAST(:versions AS text[])) AS seen(id, version)"
        f" CROSS JOIN LATERAL (SELECT id, xmin::text AS version FROM {shaped.table}"
        " WHERE id = seen.id FOR SHARE SKIP LOCKED) AS t"
    )
    asked = {"ids": list(versions), "versions": list(versions.values())}
    return {row.id: row.same for row in await session.execute(query, asked)}


async def _await_again(session: AsyncSession, shaped: Shaped, ids: Collection[int]) -> None:
    """Neighbours that did change have their turn later."""
    if ids:
        await session.execute(_AWAIT, {"source": shaped.table, "ids": list(ids)})
        await _forget(session, shaped, ids)


async def _write(
    session: AsyncSession, shaped: Shaped, ids: Collection[int], shapes: Sequence[Shape]
) -> None:
    await _forget(session, shaped, ids)
    query = text(
        f"INSERT INTO {shaped.kept} (id, band, size, geom)"  # noqa: S608
        f" SELECT id, band, size, ST_GeomFromWKB(wkb, {STORAGE_SRID}) FROM"
        " unnest(CAST(:ids AS bigint[]), CAST(:bands AS smallint[]), CAST(:sizes AS float8[]),"
        " CAST(:wkbs AS bytea[])) AS made(id, band, size, wkb)"
    )
    kept = [shape for shape in shapes if shape.id in ids]
    columns = zip(("ids", "bands", "sizes", "wkbs"), zip(*kept, strict=True), strict=True)
    if kept:
        await session.execute(query, {name: list(column) for name, column in columns})


async def _forget(session: AsyncSession, shaped: Shaped, ids: Collection[int]) -> None:
    query = f"DELETE FROM {shaped.kept} WHERE band IN ({_BANDS}) AND id = ANY (:ids)"  # noqa: S608
    await session.execute(text(query), {"ids": list(ids)})


async def _note(session: AsyncSession, shaped: Shaped, boxes: NDArray[np.float64]) -> None:
    """Tiles now show the simpler shapes."""
    if len(boxes):
        west, south = map(float, np.fmin.reduce(boxes[:, :2]))
        east, north = map(float, np.fmax.reduce(boxes[:, 2:]))
        sides = {"west": west, "south": south, "east": east, "north": north}
        await session.execute(_NOTE, {"names": list(shaped.collections), **sides})
