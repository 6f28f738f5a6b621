"""Make simpler shapes for low zooms, a portion at a time, and keep the log of changes short."""

import asyncio
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.base import STORAGE_SRID
from shanhai.db.engine import Sessions
from shanhai.db.tiles.simplified_shapes import BANDS, LABEL, SHAPED, Shaped, ZoomBand

Geometries = NDArray[Any]
AREAS = (shapely.GeometryType.POLYGON, shapely.GeometryType.MULTIPOLYGON)


class GeneralisedShape(NamedTuple):
    """A shape of an object for a band of zooms, as well-known binary."""

    id: int
    band: int
    size: float
    wkb: bytes


def simpler_shapes(
    numbers: Sequence[int], geometries: Geometries, covers: Sequence[object]
) -> list[GeneralisedShape]:
    """The shapes of objects in every band in which they are a pixel wide, and where names go.

    Args:
        numbers: The numbers of the objects.
        geometries: Their exact shapes in degrees.
        covers: What is the same for those that lie side by side; None for those by themselves.
    """
    ids = np.asarray(numbers, dtype=np.int64)
    found = list(_labels(ids, geometries))
    for cover in dict.fromkeys(covers):
        of_cover = np.array([one == cover for one in covers])
        exact = geometries[of_cover]
        sizes = sizes_of(exact)
        for band in BANDS:
            seen = sizes >= band.pixel
            # Most objects of a large layer are in few bands; what none is in is not worked out.
            if seen.any():
                simpler = _simplify(exact, band, together=cover is not None)
                found += _visible(ids[of_cover][seen], sizes[seen], simpler[seen], band)
    return found


def sizes_of(geometries: Geometries) -> NDArray[np.float64]:
    """The diagonal of each box in degrees; infinite for points, which have no size to be seen."""
    west, south, east, north = shapely.bounds(geometries).T
    sizes = np.hypot(east - west, north - south)
    return np.where(shapely.get_dimensions(geometries) == 0, np.inf, sizes)


def _simplify(geometries: Geometries, band: ZoomBand, *, together: bool) -> Geometries:
    """Areas of a cover are made simpler edge by edge, all else one by one."""
    simpler = geometries.copy()
    covering = np.isin(shapely.get_type_id(geometries), AREAS) & together
    if covering.any():
        simpler[covering] = shapely.coverage_simplify(geometries[covering], band.tolerance)
    alone = ~covering
    simpler[alone] = shapely.simplify(geometries[alone], band.tolerance, preserve_topology=True)
    return simpler


def _visible(
    ids: NDArray[np.int64], sizes: NDArray[np.float64], shapes: Geometries, band: ZoomBand
) -> Iterator[GeneralisedShape]:
    """Those a pixel wide, without the parts that are not."""
    several = shapely.get_num_geometries(shapes) > 1
    shapes[several] = [_without_specks(shape, band) for shape in shapes[several]]
    for number, size, wkb in zip(ids, sizes, shapely.to_wkb(shapes), strict=True):
        yield GeneralisedShape(int(number), band.deepest, float(size), wkb)


def _without_specks(geometry: shapely.Geometry, band: ZoomBand) -> shapely.Geometry:
    """The parts of an area that are a pixel wide, or the largest if none is."""
    if not isinstance(geometry, shapely.MultiPolygon):
        return geometry
    parts = shapely.get_parts(geometry)
    sizes = sizes_of(parts)
    return shapely.MultiPolygon(list(parts[sizes >= min(band.pixel, sizes.max())]))


def _labels(ids: NDArray[np.int64], geometries: Geometries) -> Iterator[GeneralisedShape]:
    points = shapely.to_wkb(shapely.point_on_surface(geometries))
    for number, size, point in zip(ids, sizes_of(geometries), points, strict=True):
        yield GeneralisedShape(int(number), LABEL, float(size), point)


MOST_OBJECTS = 2_000
"""Objects of a portion; so many, with their neighbours, are held in memory."""
MOST_POINTS = 2_000_000
"""Corners of a portion, unless its first object alone has more."""
_BANDS = ", ".join(str(number) for number in (*(band.deepest for band in BANDS), LABEL))

# Whoever else makes shapes would make the same; nothing else asks for this lock.
_ALONE = text("SELECT pg_try_advisory_xact_lock(hashtext('tile_shapes'))")
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


class GeneralisedRows(NamedTuple):
    """What is made of rows: simpler shapes of all, and around each exact one a box in degrees."""

    shapes: list[GeneralisedShape]
    boxes: NDArray[np.float64]


class MadePortion(NamedTuple):
    """What was made of objects that wait, by their numbers and tickets, and of those beside them.

    Rows and tickets tell later whether an object is still as it was.
    """

    shaped: Shaped
    waiting: Mapping[int, int]
    rows: Sequence[Any]
    made: GeneralisedRows


async def fill_portions(
    sessions: Sessions, *, most: int = MOST_OBJECTS, points: int = MOST_POINTS
) -> int:
    """Make the shapes of all objects that wait; how many wait no longer.

    While a portion is written the next is made.
    """
    async with sessions.begin() as session:
        if not await session.scalar(_ALONE):
            return 0
    done = 0
    for shaped in SHAPED.values():
        portion = await _make_portion(sessions, shaped, 0, most, points)
        while portion is not None:
            ahead = _make_portion(sessions, shaped, max(portion.waiting), most, points)
            written, portion = await asyncio.gather(_write_portion(sessions, portion), ahead)
            if written is None:
                return done
            done += written
    return done


async def _make_portion(
    sessions: Sessions, shaped: Shaped, after: int, most: int, points: int
) -> MadePortion | None:
    asked = {"source": shaped.table, "after": after, "most": most, "points": points}
    async with sessions.begin() as session:
        waiting = {
            row.id: row.ticket for row in await session.execute(text(_waiting(shaped)), asked)
        }
        if not waiting:
            return None
        found = await session.execute(text(_objects(shaped)), {"ids": list(waiting)})
        rows = found.all()
    return MadePortion(shaped, waiting, rows, await asyncio.to_thread(_make, rows))


async def _write_portion(sessions: Sessions, portion: MadePortion) -> int | None:
    """How many wait no longer; None where somebody else is writing."""
    shaped, waiting, rows, made = portion
    async with sessions.begin() as session:
        if not await session.scalar(_ALONE):
            return None
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
    """The first that wait beyond a number, with no more corners than can be held."""
    return f"""
      SELECT id, ticket FROM (
        SELECT q.id, q.ticket, sum(n) OVER (ORDER BY q.id) - n AS before
          FROM (SELECT q.id, q.ticket, coalesce(ST_NPoints(t.{shaped.geometry}), 0) AS n
                  FROM (SELECT id, ticket FROM tile_pending
                         WHERE source = :source AND id > :after
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


def _make(rows: Sequence[Any]) -> GeneralisedRows:
    geometries = shapely.from_wkb(np.array([bytes(row.wkb) for row in rows], dtype=object))
    covers = [row.cover for row in rows]
    shapes = simpler_shapes([row.id for row in rows], geometries, covers)
    return GeneralisedRows(shapes, shapely.bounds(geometries))


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
    session: AsyncSession, shaped: Shaped, ids: Collection[int], shapes: Sequence[GeneralisedShape]
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


MOST = 4096
"""Changes of a collection that are kept; beyond it the older half is forgotten."""
KEPT = MOST // 2

# Whoever forgets raises the floor in the same transaction: it is part of every key, so a process
# that has not seen what was forgotten makes none that was in use before.
_PRUNE = text("""
  WITH long AS (
    SELECT collection FROM tile_change GROUP BY collection HAVING count(*) > :most
  ), gone AS (
    DELETE FROM tile_change c USING (
      SELECT id, row_number() OVER (PARTITION BY collection ORDER BY id DESC) AS place
        FROM tile_change JOIN long USING (collection)) AS ranked
     WHERE ranked.id = c.id AND ranked.place > :kept
    RETURNING c.collection, c.id
  ), raised AS (
    INSERT INTO tile_floor AS f (collection, id)
    SELECT collection, max(id) FROM gone GROUP BY collection
    ON CONFLICT (collection) DO UPDATE SET id = greatest(f.id, excluded.id), at = excluded.at
  )
  SELECT count(*), pg_notify('shanhai_tiles', '') FROM gone HAVING count(*) > 0
""")


async def prune_changes(session: AsyncSession, *, most: int = MOST, kept: int = KEPT) -> int:
    """Forget the older changes of collections that have many; how many were forgotten.

    Keys of all tiles of such a collection change, once in `most - kept` changes.
    """
    found = (await session.execute(_PRUNE, {"most": most, "kept": kept})).first()
    return 0 if found is None else int(found[0])
