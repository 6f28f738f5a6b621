"""Vector tiles and identification, written by PostGIS."""

from typing import Any

from sqlalchemy import TextClause, text
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.features.entity import Property
from shanhai_tiles.grids import CGCS2000, Bounds, TileGrid
from shanhai_tiles.vector_layers import Collection, Selection

EXTENT = 4096
BUFFER = 64
MOST_FEATURES = 20_000
MOST_AT_POINT = 50
LABELS = "_labels"
"""Suffix of the layer, inside a tile, that holds where to write each feature's name."""

_CASTS = {"number": "float8", "integer": "bigint"}


async def draw_tile(
    session: AsyncSession,
    collection: Collection,
    selection: Selection,
    grid: TileGrid,
    bounds: Bounds,
) -> bytes:
    """The tile in Mapbox Vector Tile format; empty when nothing lies in it."""
    values = {**selection.values, **_box(grid, bounds), "most": MOST_FEATURES}
    tile = await session.scalar(_tile_query(collection, selection, grid), values)
    if not collection.labelled:
        return bytes(tile or b"")
    labels = await session.scalar(_labels_query(collection, selection, grid), values)
    # A tile is a protobuf message of repeated layers: two tiles one after the other are one.
    return bytes(tile or b"") + bytes(labels or b"")


async def features_at(
    session: AsyncSession, collection: Collection, selection: Selection, lon: float, lat: float
) -> list[dict[str, Any]]:
    """Properties of the visible features at a point in degrees, smallest first."""
    entity = collection.entity
    query = text(
        f"""SELECT {_columns(collection.columns)} FROM {entity.source}
             WHERE {selection.sql(collection)}
               AND ST_Intersects({collection.geometry},
                                 ST_SetSRID(ST_MakePoint(:lon, :lat), {CGCS2000}))
             ORDER BY ST_Area({collection.geometry}), {entity.code} LIMIT :most"""  # noqa: S608
    )
    values = {**selection.values, "lon": lon, "lat": lat, "most": MOST_AT_POINT}
    return [dict(row) for row in (await session.execute(query, values)).mappings()]


def _columns(properties: tuple[Property, ...]) -> str:
    return ", ".join(f'{_typed(item)} AS "{item.name}"' for item in properties)


def _typed(item: Property) -> str:
    """The column as a type that a tile's attributes can have.

    Numbers may lie in JSON, whose null PostgreSQL 15 refuses to cast; as text it becomes NULL.
    """
    cast = _CASTS.get(item.schema["type"])
    if cast is None:
        return f"({item.sql})"
    return f"(to_jsonb({item.sql}) #>> '{{}}')::{cast}"


def _box(grid: TileGrid, bounds: Bounds) -> dict[str, float]:
    """The tile in its grid, and with its buffer in degrees for the spatial index."""
    west, south, east, north = bounds
    margin_x = (east - west) * BUFFER / EXTENT
    margin_y = (north - south) * BUFFER / EXTENT
    around = grid.lonlat_bounds(
        (west - margin_x, south - margin_y, east + margin_x, north + margin_y)
    )
    names = ("west", "south", "east", "north", "min_lon", "min_lat", "max_lon", "max_lat")
    return dict(zip(names, (*bounds, *around), strict=True))


def _in_grid(geometry: str, grid: TileGrid) -> str:
    return geometry if grid.srid == CGCS2000 else f"ST_Transform({geometry}, {grid.srid})"


def _envelope(grid: TileGrid) -> str:
    corners = ", ".join(f"CAST(:{side} AS float8)" for side in ("west", "south", "east", "north"))
    return f"ST_MakeEnvelope({corners}, {grid.srid})"


def _nearby(geometry: str) -> str:
    sides = ("min_lon", "min_lat", "max_lon", "max_lat")
    corners = ", ".join(f"CAST(:{side} AS float8)" for side in sides)
    return f"{geometry} && ST_MakeEnvelope({corners}, {CGCS2000})"


def _tile_query(collection: Collection, selection: Selection, grid: TileGrid) -> TextClause:
    """Large features first, so that a capped tile loses the specks."""
    entity = collection.entity
    return text(
        f"""WITH cut AS (
              SELECT {entity.key} AS fid, {_columns(collection.columns)},
                     ST_AsMVTGeom({_in_grid(collection.geometry, grid)}, {_envelope(grid)},
                                  {EXTENT}, {BUFFER}, true) AS geom
                FROM {entity.source}
               WHERE {selection.sql(collection)}
                 AND {_nearby(collection.geometry)}
               ORDER BY ST_Area({collection.geometry}) DESC, {entity.key} LIMIT :most
            )
            SELECT ST_AsMVT(cut.*, '{entity.name}', {EXTENT}, 'geom', 'fid')
              FROM cut WHERE geom IS NOT NULL"""  # noqa: S608
    )


def _labels_query(collection: Collection, selection: Selection, grid: TileGrid) -> TextClause:
    """One point inside each feature, in the one tile it falls in, so that no name is repeated."""
    entity = collection.entity
    return text(
        f"""WITH place AS (
              SELECT {entity.key} AS fid, {_columns(collection.columns)},
                     ST_PointOnSurface({collection.geometry}) AS point
                FROM {entity.source}
               WHERE {selection.sql(collection)}
                 AND {_nearby(collection.geometry)}
               LIMIT :most
            ), cut AS (
              SELECT place.*, ST_AsMVTGeom({_in_grid("point", grid)}, {_envelope(grid)},
                                           {EXTENT}, 0, true) AS geom
                FROM place
            )
            SELECT ST_AsMVT(labels.*, '{entity.name}{LABELS}', {EXTENT}, 'geom', 'fid')
              FROM (SELECT fid, {_names(collection)}, geom FROM cut) AS labels
             WHERE geom IS NOT NULL"""  # noqa: S608
    )


def _names(collection: Collection) -> str:
    return ", ".join(f'"{name}"' for name in collection.properties)
