"""Vector tiles and identification, written by PostGIS."""

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, NamedTuple

from sqlalchemy import TextClause, text

from shanhai.db.engine import PLAN_ANEW, Executor
from shanhai.db.features.entity import Property
from shanhai.db.features.selection import SURELY_DEGREES
from shanhai.db.features.statements import shown
from shanhai.db.tiles.simplified_shapes import Shapes, ZoomBand, band_of
from shanhai_tiles.grids import (
    CGCS2000,
    DEGREE_M,
    EARTH_RADIUS_M,
    TILE_SIZE,
    Bounds,
    TileGrid,
)
from shanhai_tiles.vector.collections import Collection, LayerQuery, LayerSelection

EXTENT = 4096
BUFFER = 64
EVENLY = 0.8
"""By how much of a unit a corner may lie off; rounding to units takes half of one. It is less than
that from zoom 12 on."""
MOST_FEATURES = 10_000
MOST_LABELS = 128
"""More names than a tile has room for, at zooms that clients do not enlarge."""
MOST_BYTES = 500_000
FEATURE_BYTES, MEMBER_BYTES = 40, 16
"""About what a feature, and each of its members, takes in a tile that is full."""
SPARE = 2
"""How many times as many stored shapes are looked at as are drawn, for some may not be seen."""
MOST_COUNTED = 1_000
"""Where the features that were left out are counted no further."""
WIDE = 8
"""Down to this zoom a tile may hold any share of a layer, so that no one plan serves all tiles."""
MOST_AT_POINT = 50
LABELS = "_labels"
"""Suffix of the layer, inside a tile, that holds where to write each feature's name."""

_CASTS = {"number": "float8", "decimal": "float8", "integer": "bigint"}
_SIZE = "ST_Length(ST_BoundingDiagonal({geometry}))"


class DrawnTile(NamedTuple):
    """A tile, how many features it holds, and how many that lie in it were left out.

    The latter is counted up to `MOST_COUNTED`.
    """

    data: bytes
    features: int = 0
    dropped: int = 0

    @property
    def notes(self) -> tuple[tuple[str, str], ...]:
        """What its reader must be told."""
        if not self.dropped:
            return ()
        more = "+" if self.dropped >= MOST_COUNTED else ""
        told = f"features={self.features}, dropped={self.dropped}{more}"
        return (("Shanhai-Tile-Truncated", told),)


@dataclass(frozen=True, slots=True)
class TileQueryShape:
    """What a tile's statement is composed for, besides the question.

    Attributes:
        band: The zooms whose simpler shapes are drawn; None for exact shapes.
        largest: Only the largest of the stored shapes are looked at, and rows for these alone.
    """

    srid: int
    band: ZoomBand | None
    largest: bool = False


async def draw_tile(
    database: Executor,
    collection: Collection,
    selection: LayerSelection,
    grid: TileGrid,
    bounds: Bounds,
) -> DrawnTile:
    """The tile in Mapbox Vector Tile format; without bytes when nothing lies in it.

    Of more features than fit, the largest are drawn.
    """
    question = LayerQuery.of(collection, selection)
    pixel = pixel_degrees(grid, bounds)
    band = _band(question, pixel)
    largest = band is not None and band.deepest <= WIDE and not selection.chooses
    srid, corners = _cut_in(grid, bounds)
    form = TileQueryShape(srid, band, largest)
    sides = dict(zip(("west", "south", "east", "north"), corners, strict=True))
    values = {**selection.values, **_box(grid, bounds), **sides, "pixel": pixel}
    most = _most(question)
    while True:
        beyond = most + MOST_COUNTED
        first = max(SPARE * most, beyond)
        labels = most if band is None else min(most, MOST_LABELS)
        asked = {**values, "most": most, "beyond": beyond, "first": first, "labels": labels}
        row = (await database.execute(_tile_query(question, form), asked)).all()[0]
        if form.largest and row.found < beyond and row.seen == first:
            # Many of the largest are not for this viewer.
            form = replace(form, largest=False)
            continue
        # A tile is a protobuf message of repeated layers: two tiles one after the other are one.
        data = bytes(row.tile or b"") + bytes(row.labels or b"")
        if len(data) <= MOST_BYTES or most == 1:
            break
        most = max(int(0.9 * row.met * MOST_BYTES / len(data)), 1)
    dropped = row.found - row.met + (row.specks or 0)
    return DrawnTile(data, row.features, min(dropped, MOST_COUNTED))


def _most(question: LayerQuery) -> int:
    """About as many features as a full tile can hold."""
    one = FEATURE_BYTES + MEMBER_BYTES * len(question.columns)
    return min(MOST_FEATURES, MOST_BYTES // one)


def pixel_degrees(grid: TileGrid, bounds: Bounds) -> float:
    """How many degrees of the equator a pixel of a tile covers."""
    side = (bounds[2] - bounds[0]) / TILE_SIZE
    return side if grid.geographic else side / DEGREE_M


def _band(question: LayerQuery, pixel: float) -> ZoomBand | None:
    """Former states have no simpler shapes."""
    kept = Shapes.of(question.collection.entity)
    return None if question.former or kept is None else band_of(pixel)


async def features_at(
    database: Executor, collection: Collection, selection: LayerSelection, lon: float, lat: float
) -> list[dict[str, Any]]:
    """Properties of the visible features at a point in degrees, smallest first."""
    question = LayerQuery.of(collection, selection)
    values = {**selection.values, "lon": lon, "lat": lat, "most": MOST_AT_POINT}
    whole = selection.properties is None
    found = (await database.execute(_point_query(question, whole), values)).all()
    names = [item.name for item in _told_at_points(question, whole)]
    return [dict(zip(names, row, strict=True)) for row in found]


def _told_at_points(question: LayerQuery, whole: bool) -> tuple[Property, ...]:
    return question.collection.point_columns if whole else question.columns


def area_of(grid: TileGrid, zoom: int, column: int, row: int) -> Bounds:
    """The box in degrees of all that a tile can show, with its buffer."""
    return _around(grid, grid.bounds(zoom, column, row))


def _cut_in(grid: TileGrid, bounds: Bounds) -> tuple[int, Bounds]:
    """The system that shapes are cut in, and the tile in it.

    Web mercator's parallels lie nearly evenly within a small tile: cut in degrees, where shapes are
    stored, none of their corners lies further off than `EVENLY` allows, and none is projected.
    """
    if grid.kind == "mercator" and _unevenness(bounds) < EVENLY:
        return CGCS2000, grid.lonlat_bounds(bounds)
    return grid.srid, bounds


def _unevenness(bounds: Bounds) -> float:
    """How far from its place, at most, a point of a web mercator tile is drawn that is cut in
    degrees, in units of the tile; towards the poles: it shrinks with the sine of the latitude.

    The secant of y over the latitude is off by an eighth of the square of the tile's height times
    the second derivative, which is the tangent times the first; the height is the width times the
    cosine.
    """
    return EXTENT / 8 * (bounds[2] - bounds[0]) / EARTH_RADIUS_M


def _box(grid: TileGrid, bounds: Bounds) -> dict[str, Any]:
    """The tile with its buffer in degrees for the spatial index."""
    names = ("min_lon", "min_lat", "max_lon", "max_lat")
    return dict(zip(names, _around(grid, bounds), strict=True))


@lru_cache(maxsize=65_536)
def _around(grid: TileGrid, bounds: Bounds) -> Bounds:
    """More than the tile's buffer by what boxes are rounded to."""
    west, south, east, north = bounds
    margin_x = (east - west) * BUFFER / EXTENT
    margin_y = (north - south) * BUFFER / EXTENT
    left, low, right, high = grid.lonlat_bounds(
        (west - margin_x, south - margin_y, east + margin_x, north + margin_y)
    )
    more = SURELY_DEGREES
    return (left - more, low - more, right + more, high + more)


def _columns(properties: tuple[Property, ...]) -> str:
    return "".join(f', {_typed(item)} AS "{item.name}"' for item in properties)


def _typed(item: Property) -> str:
    """The column as a type that a tile's attributes can have.

    Numbers may lie in JSON, whose null PostgreSQL 15 refuses to cast; as text it becomes NULL.
    """
    cast = _CASTS.get(item.schema.get("format", item.schema["type"]))
    if cast is None:
        return f"({item.sql})::text" if item.schema.get("format") == "date" else f"({shown(item)})"
    if "->" not in item.sql:
        return f"({item.sql})::{cast}"
    return f"(to_jsonb({item.sql}) #>> '{{}}')::{cast}"


def _in_grid(geometry: str, srid: int) -> str:
    return geometry if srid == CGCS2000 else f"ST_Transform({geometry}, {srid})"


def _envelope(srid: int) -> str:
    corners = ", ".join(f"CAST(:{side} AS float8)" for side in ("west", "south", "east", "north"))
    return f"ST_MakeEnvelope({corners}, {srid})"


_SIDES = ", ".join(
    f"CAST(:{side} AS float8)" for side in ("min_lon", "min_lat", "max_lon", "max_lat")
)
AT = f"ST_SetSRID(ST_MakePoint(:lon, :lat), {CGCS2000})"
NEAR = f"ST_MakeEnvelope({_SIDES}, {CGCS2000})"
"""The box of the tile in degrees, with its buffer."""
PIXEL = "CAST(:pixel AS float8)"
SEEN, UNSEEN = f">= {PIXEL}", f"< {PIXEL}"
"""Sizes of what is drawn, and of what is too small to be."""


@lru_cache(maxsize=512)
def _tile_query(question: LayerQuery, form: TileQueryShape) -> TextClause:
    """Features and the points of their names, in one statement that finds each row once."""
    collection = question.collection
    chosen, seen, specks = "", "0", "0"
    shapes = Shapes.of(collection.entity)
    if form.largest and form.band is not None and shapes is not None:
        largest = shapes.largest(_number(form.band), NEAR, sized=SEEN, most=":first")
        chosen, seen = f"WITH chosen AS MATERIALIZED ({largest}) ", "(SELECT count(*) FROM chosen)"
        # Asked for where it tells anything only: a tile that is full lacks more than specks.
        specks = f"CASE WHEN count(*) < :beyond THEN {_specks(question, shapes)} END"
    name, labels = collection.entity.name, NO_LABELS
    if collection.labelled:
        labels = _layer(f"{name}{LABELS}", collection.label_columns, "_point", "labels")
    tile = _layer(name, question.columns, "_cut", "tile")
    query = text(
        f"{chosen}SELECT {tile.encoded}, {labels.encoded}, count(cut._cut) AS features,"  # noqa: S608
        " count(*) FILTER (WHERE cut._drawn) AS met, count(*) AS found,"
        f" {seen} AS seen, {specks} AS specks"
        f" FROM ({_cut(question, form)}) AS cut{tile.rows}{labels.rows}"
    )
    return query.execution_options(**{PLAN_ANEW: True}) if _wide(question, form) else query


def _wide(question: LayerQuery, form: TileQueryShape) -> bool:
    """Whether no one plan serves all tiles; points have no bands, and may all lie in one tile."""
    return question.collection.of_points if form.band is None else form.band.deepest <= WIDE


def _number(band: ZoomBand) -> str:
    return str(band.deepest)


def _found(question: LayerQuery, form: TileQueryShape) -> str:
    """Rows with members and shape, large ones first, so that a tile cut short loses the specks.

    Beyond those that are drawn there are some that are only counted, specks among them.
    """
    collection = question.collection
    entity, geometry = collection.entity, collection.geometry
    # PostgreSQL keeps a plan if it seems no dearer than one for the very values: it sees none.
    box = NEAR if _wide(question, form) else f"(SELECT {NEAR})"
    size, joined, near = _SIZE.format(geometry=geometry), "", collection.near(box)
    shapes = Shapes.of(entity)
    if form.band is not None and shapes is not None:
        number = _number(form.band)
        if form.largest:
            joined = shapes.joined_to("chosen", number, NEAR, sized=SEEN)
            geometry, size = "shape.geom", "shape.size"
            # A simpler shape reaches less than a pixel beyond the exact one.
            near = collection.near(f"ST_Expand({NEAR}, {PIXEL})")
        else:
            joined = shapes.beside(number, box)
            geometry, size = shapes.drawn
            near = f"{near} AND {shapes.known(UNSEEN)}"
    members = _columns(_members(question))
    kept = "" if shapes is None else f", {shapes.alias}.id AS _shape"
    measured, order = f", {size} AS _size", "_size DESC, "
    if collection.of_points and form.band is None:
        # They are all of one size, and an index has their numbers.
        measured = order = ""
    return f"""
      SELECT {entity.key} AS fid{members}, {geometry} AS geom{measured}{kept}
        FROM {question.source}{joined} WHERE {question.conditions} AND {near}
       ORDER BY {order}fid LIMIT :beyond"""  # noqa: S608


def _members(question: LayerQuery) -> tuple[Property, ...]:
    """The members of features, and those that only their names carry."""
    collection = question.collection
    more = collection.label_columns if collection.labelled else ()
    return (*question.columns, *(item for item in more if item not in question.columns))


def _names(properties: tuple[Property, ...]) -> str:
    return "".join(f', "{item.name}"' for item in properties)


class TileLayer(NamedTuple):
    """A layer of a tile in SQL: what encodes it, and its rows, made of those of `cut`."""

    encoded: str
    rows: str


NO_LABELS = TileLayer("NULL::bytea AS labels", "")


def _layer(name: str, columns: tuple[Property, ...], shape: str, result: str) -> TileLayer:
    members = "".join(f', cut."{item.name}"' for item in columns)
    return TileLayer(
        f"ST_AsMVT({result}.*, '{name}', {EXTENT}, 'geom', 'fid')"
        f" FILTER (WHERE {result}.geom IS NOT NULL) AS {result}",
        f", LATERAL (SELECT cut.fid{members}, cut.{shape} AS geom) AS {result}",
    )


def _cut(question: LayerQuery, form: TileQueryShape) -> str:
    """The rows that were found, with their shapes and the points of their names in the tile.

    Features, names and counts are made of this one list, which is read once, in its order.
    """
    # An envelope in a query of its own is made once, not for each row.
    box = f"(SELECT {_envelope(form.srid)})"
    sized = "" if form.band is None else f" AND _size {SEEN}"
    shape, point = _in_grid("geom", form.srid), _in_grid(_point(question), form.srid)
    named = f"""CASE WHEN _place <= :labels{sized}
                  THEN ST_AsMVTGeom({point}, {box}, {EXTENT}, 0, true) END"""
    return f"""
      SELECT fid{_names(_members(question))}, _place <= :most{sized} AS _drawn,
             CASE WHEN _place <= :most{sized}
                  THEN ST_AsMVTGeom({shape}, {box}, {EXTENT}, {BUFFER}, true) END AS _cut,
             {named if question.collection.labelled else "NULL"} AS _point
        FROM (SELECT *, row_number() OVER () AS _place FROM ({_found(question, form)}) AS found)
          AS placed OFFSET 0"""  # noqa: S608


def _point(question: LayerQuery) -> str:
    """One point inside each feature, in the one tile it falls in, so that no name is repeated."""
    shapes = Shapes.of(question.collection.entity)
    made = "ST_PointOnSurface(placed.geom)"
    if shapes is None or question.former:
        return made
    # Of what waits for its shapes there is no point yet.
    return f"coalesce(({shapes.point_of('placed._shape')}), {made})"


def _specks(question: LayerQuery, shapes: Shapes) -> str:
    """How many features of the tile are too small to be seen; the points of names know."""
    return shapes.number(
        question.source, question.conditions, NEAR, sized=UNSEEN, most=str(MOST_COUNTED)
    )


@lru_cache(maxsize=256)
def _point_query(question: LayerQuery, whole: bool) -> TextClause:
    entity, geometry = question.collection.entity, question.collection.geometry
    columns = _columns(_told_at_points(question, whole))[1:] or " NULL"
    return text(
        f"""SELECT{columns} FROM {question.source}
             WHERE {question.conditions}
               AND {question.collection.near(AT)} AND ST_Intersects({geometry}, {AT})
             ORDER BY ST_Area({geometry}), {entity.code} LIMIT :most"""
    )
