"""Make the simpler shapes of objects that wait for them, a portion at a time.

A portion is one transaction: whoever is stopped in the middle leaves its objects waiting. Rows are
locked only while shapes are written, and what somebody else is writing is passed over.
"""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
import shapely
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
_TAKE = text("""
  DELETE FROM tile_pending p USING (
    SELECT t.id FROM tile_pending t
      JOIN unnest(CAST(:ids AS bigint[]), CAST(:tickets AS bigint[])) AS asked(id, ticket)
        ON asked.id = t.id AND asked.ticket = t.ticket
     WHERE t.source = :source FOR UPDATE OF t SKIP LOCKED) AS mine
   WHERE p.source = :source AND p.id = mine.id RETURNING p.id
""")
_AWAIT = text(
    "INSERT INTO tile_pending (source, id) SELECT :source, unnest(CAST(:ids AS bigint[]))"
    " ON CONFLICT DO NOTHING"
)
_NOTE = text(
    "SELECT note_tile_change(CAST(name AS text), ST_MakeBox2D(ST_Point(:west, :south),"
    " ST_Point(:east, :north))) FROM unnest(CAST(:names AS text[])) AS name"
)


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
    shapes = await asyncio.to_thread(_make, rows)
    await session.execute(_BRIEF)
    mine = await _take(session, shaped, waiting)
    beside = {row.id: row.version for row in rows if row.beside}
    held = await _hold(session, shaped, beside)
    still = {number for number, same in held.items() if same}
    await _await_again(session, shaped, held.keys() - still)
    await _write(session, shaped, mine | still, shapes)
    await _note(session, shaped, [row for row in rows if row.id in mine | still])
    return len(mine)


def _waiting(shaped: Shaped) -> str:
    """The first that wait, with no more corners than can be held."""
    return f"""
      SELECT id, ticket FROM (
        SELECT q.id, q.ticket, sum(n) OVER (ORDER BY q.id) - n AS before
          FROM (SELECT q.id, q.ticket, coalesce(ST_NPoints(t.{shaped.geometry}), 0) AS n
                  FROM (SELECT id, ticket FROM tile_pending WHERE source = :source
                         ORDER BY id LIMIT :most) AS q
                       LEFT JOIN {shaped.table} t ON t.id = q.id) AS q) AS w
       WHERE before < :points"""  # noqa: S608


def _objects(shaped: Shaped) -> str:
    """Those objects; those that touch them, whose common edges change too; and those around these,
    whose edges hold the others in place."""
    table, geometry = shaped.table, shaped.geometry
    members = f"t.id, ST_AsBinary(t.{geometry}) AS wkb, t.xmin::text AS version"
    mine = f"t.id = ANY (CAST(:ids AS bigint[])) AND t.{geometry} IS NOT NULL"
    if shaped.cover is None:
        return (
            f"SELECT {members}, NULL AS cover, false AS beside"  # noqa: S608
            f" FROM {table} t WHERE {mine}"
        )
    cover = shaped.cover
    return f"""
      WITH mine AS (SELECT t.id, t.{geometry} AS geom, t.{cover} AS cover FROM {table} t
                     WHERE {mine}),
           beside AS (SELECT DISTINCT ON (t.id) t.id, t.{geometry} AS geom, m.cover
                        FROM mine m JOIN {table} t ON t.{cover} = m.cover
                         AND t.{geometry} && m.geom AND ST_Intersects(t.{geometry}, m.geom)
                       WHERE t.deleted_at IS NULL AND t.id NOT IN (SELECT id FROM mine)
                       ORDER BY t.id),
           around AS (SELECT DISTINCT t.id FROM beside b JOIN {table} t ON t.{cover} = b.cover
                         AND t.{geometry} && b.geom
                       WHERE t.deleted_at IS NULL)
      SELECT {members}, t.{cover} AS cover,
             t.id IN (SELECT id FROM beside) AND NOT EXISTS (
               SELECT FROM tile_pending p WHERE p.source = '{table}' AND p.id = t.id) AS beside
        FROM {table} t
       WHERE t.id IN (SELECT id FROM mine UNION SELECT id FROM beside UNION SELECT id FROM around)
       ORDER BY t.id"""  # noqa: S608


def _make(rows: Sequence[Any]) -> list[Shape]:
    if not rows:
        return []
    geometries = shapely.from_wkb(np.array([bytes(row.wkb) for row in rows], dtype=object))
    covers = [row.cover for row in rows]
    return simpler_shapes([row.id for row in rows], geometries, covers)


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
        f"SELECT t.id, seen.version = t.xmin::text AS same FROM {shaped.table} t"  # noqa: S608
        " JOIN unnest(CAST(:ids AS bigint[]), CAST(:versions AS text[])) AS seen(id, version)"
        " ON seen.id = t.id FOR SHARE OF t SKIP LOCKED"
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


async def _note(session: AsyncSession, shaped: Shaped, rows: Sequence[Any]) -> None:
    """Tiles now show the simpler shapes."""
    if rows:
        shapes = shapely.from_wkb(np.array([bytes(row.wkb) for row in rows], dtype=object))
        west, south, east, north = map(float, shapely.total_bounds(shapes))
        sides = {"west": west, "south": south, "east": east, "north": north}
        await session.execute(_NOTE, {"names": list(shaped.collections), **sides})
