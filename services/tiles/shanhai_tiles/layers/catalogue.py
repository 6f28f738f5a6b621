"""The layers there are: rasters registered as datasets, and collections of features.

Names: `{theme}.{region}` is the newest published result, `{theme}.{job}` that of one job,
`dataset.{code}` a registered raster, `zones` and `regions` the collections.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import MappingResult, text
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.cartography import ClassStyle, RampStyle, Style, style_of
from shanhai.db.base import STORAGE_SRID
from shanhai.db.identity import Identity, Viewer
from shanhai.db.queries.jobs import find_job
from shanhai.errors import NotFound
from shanhai.vocabulary import Label, Visibility
from shanhai_tiles.grids import EARTH_RADIUS_M, TILE_SIZE, Bounds
from shanhai_tiles.layers.sources import SOURCE_JSON, SourceDataset
from shanhai_tiles.raster.images import MEDIA_TYPES, ValueRange
from shanhai_tiles.raster.resampling import RasterFrame, metres_per_unit
from shanhai_tiles.vector.collections import Collection, LayerSelection
from shanhai_tiles.vector.extent import WORLD, LayerExtent

GIVEN = "dataset."
_JOB = re.compile(r"^(?P<theme>[a-z0-9_.]+)\.(?P<job>[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})$")

# Every member is a constant of this module; callers' text only ever arrives as a bound value.
# A job keeps its result once that is published; it still runs then while its PDF is set.
_SELECT = f"""
    SELECT d.code, d.name_zh, d.name_en, d.theme, d.uri, d.checksum, d.grid, d.unit,
           d.native_resolution_m, d.stand_in, d.stand_in_note_zh, d.stand_in_note_en,
           d.source, d.licence, d.visibility, d.region_id, d.origin, d.job_id, r.code AS region,
           d.attrs->>'compared' AS compared, d.crs, d.created_at, d.id,
           CASE WHEN d.grid->>'epsg' IS NULL
                THEN (SELECT ARRAY[ST_XMin(f), ST_YMin(f), ST_XMax(f), ST_YMax(f)]
                        FROM coalesce(d.footprint, r.geom) f) END AS extent,
           (SELECT coalesce(jsonb_agg({SOURCE_JSON} ORDER BY jd.name), '[]'::jsonb)
              FROM job_dataset jd JOIN dataset i ON i.id = jd.dataset_id
             WHERE jd.job_id = d.job_id AND jd.role = 'input') AS inputs
      FROM dataset d
      JOIN region r ON r.id = d.region_id
      LEFT JOIN job j ON j.id = d.job_id
     WHERE d.deleted_at IS NULL AND d.kind = 'raster'
       AND (d.job_id IS NULL OR j.status = 'successful' OR j.result IS NOT NULL)
"""  # noqa: S608
_BY_CODE = text(f"{_SELECT} AND d.code = :code")
_BY_JOB = text(f"{_SELECT} AND d.origin = 'computed' AND d.job_id = :job AND d.theme = :theme")
_NEWEST = text(
    f"""{_SELECT} AND d.origin = 'computed' AND d.visibility = 'public'
        AND (d.theme, r.code) IN
            (SELECT * FROM unnest(CAST(:themes AS text[]), CAST(:regions AS text[])))
        ORDER BY d.created_at DESC, d.id DESC LIMIT 1"""  # noqa: S608
)
_LISTED = text(
    f"""SELECT DISTINCT ON (theme, region, given) * FROM (
          SELECT *, CASE WHEN origin = 'computed' THEN '' ELSE code END AS given
            FROM ({_SELECT} AND (d.origin <> 'computed' OR d.visibility = 'public')) AS seen
        ) AS candidates ORDER BY theme, region, given, created_at DESC, id DESC"""  # noqa: S608
)


def _readings(layer: str) -> tuple[list[str], list[str]]:
    """Every way to read `a.b.c` as a theme and a region: both may contain dots."""
    parts = layer.split(".")
    cuts = range(1, min(len(parts), 12))
    return [".".join(parts[:n]) for n in cuts], [".".join(parts[n:]) for n in cuts]


_NAME = re.compile(r"^[A-Za-z0-9][A-Za-z0-9._-]{0,199}$")
VERSION_LENGTH = 16
SHARPER_THAN_CELLS = 2
VECTOR_MAXZOOM = 14
UNREAD = LayerExtent(WORLD, ())


@dataclass(frozen=True, slots=True)
class RasterLayer:
    """A stored raster with what is needed to draw and to describe it.

    Attributes:
        frame: Of the raster, or its box in degrees where its system has no number of EPSG's.
        draft_of: The job it is an unpublished result of; who may not know of the job may not know
            of the layer.
        licensed: Whether it was computed here or states a licence; else its cells are for readers
            with an identity.
    """

    name: str
    title: Label
    theme: str
    style: Style
    uri: str
    version: str
    frame: RasterFrame
    crs: str
    bands: tuple[Mapping[str, float | None], ...]
    unit: str
    native_resolution_m: float | None
    visibility: Visibility
    region_id: int
    stand_in: bool
    sources: tuple[SourceDataset, ...]
    job: str | None
    draft_of: UUID | None = None
    licensed: bool = True
    kind: Literal["raster"] = "raster"

    @property
    def public(self) -> bool:
        """Whether anybody may see it."""
        return self.visibility is Visibility.PUBLIC

    def seen_by(self, viewer: Viewer) -> bool:
        """Whether its visibility lets a reader see it."""
        if self.public or viewer.sees_all:
            return True
        if self.visibility is Visibility.SIGNED_IN:
            return viewer.known
        return viewer.members is None or self.region_id in viewer.members

    @property
    def bounds(self) -> Bounds:
        """West, south, east, north in degrees."""
        return self.frame.lonlat_bounds

    @property
    def cell_m(self) -> float:
        """Side of a cell in metres, at the middle of the raster when it is in degrees."""
        unit_m = metres_per_unit(self.frame.crs)
        if unit_m is not None:
            return abs(self.frame.transform[0]) * unit_m
        west, south, east, north = self.bounds
        height_m = math.radians(north - south) * EARTH_RADIUS_M
        width_m = (
            math.radians(east - west) * EARTH_RADIUS_M * math.cos(math.radians(south + north) / 2)
        )
        return max(min(height_m / self.frame.height, width_m / self.frame.width), 0.01)

    @property
    def maxzoom(self) -> int:
        """The zoom from which a client may enlarge pixels; cells are then four pixels wide."""
        equator = 2 * math.pi * EARTH_RADIUS_M / TILE_SIZE
        native = math.log2(equator / self.cell_m)
        return max(0, min(math.ceil(native) + SHARPER_THAN_CELLS, 22))

    def range_of(self, band: int) -> ValueRange | None:
        """The values at the ends of the ramp; None for a layer of classes."""
        if isinstance(self.style, ClassStyle):
            return None
        if self.style.low is not None and self.style.high is not None:
            return ValueRange(self.style.low, self.style.high)
        stored = self.bands[band - 1] if band <= len(self.bands) else {}
        # Without a valid cell they are null.
        found = {name: number for name, number in stored.items() if number is not None}
        low, high = found.get("p2", 0.0), found.get("p98", 1.0)
        if high <= low:
            low, high = found.get("min", low), found.get("max", high)
        # Values are drawn as float32, in which a large number plus 1 is itself.
        return ValueRange(low, high if high > low else low + max(1.0, 1e-6 * abs(low)))


@dataclass(frozen=True, slots=True)
class VectorLayer:
    """A collection of features, or the part of it that was asked for."""

    name: str
    title: Label
    collection: Collection
    selection: LayerSelection
    version: str
    bounds: Bounds
    sources: tuple[SourceDataset, ...]
    job: str | None = None
    maxzoom: int = VECTOR_MAXZOOM
    kind: Literal["vector"] = "vector"

    @property
    def public(self) -> bool:
        """Whether anybody may see it; who sees which of its rows is asked of each."""
        return True

    def seen_by(self, viewer: Viewer) -> bool:
        """Whether a reader may see it."""
        return True

    @property
    def stand_in(self) -> bool:
        """Whether what the features were computed from stands in for a measurement."""
        return any(source.stand_in for source in self.sources)


Layer = RasterLayer | VectorLayer


def band_count(layer: Layer) -> int:
    """How many bands a layer has; features count as one."""
    return max(len(layer.bands), 1) if isinstance(layer, RasterLayer) else 1


async def find_raster(session: AsyncSession, name: str) -> RasterLayer:
    """The raster layer of this name.

    Raises:
        NotFound: there is none.
    """
    row = (await _rows_of(session, name)).first() if _NAME.match(name) else None
    if row is None:
        raise no_layer(name)
    return _raster_layer(name, row)


async def _rows_of(session: AsyncSession, layer: str) -> MappingResult:
    """The dataset a layer's name stands for, if there is one."""
    if layer.startswith(GIVEN):
        code = layer.removeprefix(GIVEN)
        return (await session.execute(_BY_CODE, {"code": code})).mappings()
    if found := _JOB.match(layer):
        job = {"job": UUID(found["job"]), "theme": found["theme"]}
        return (await session.execute(_BY_JOB, job)).mappings()
    themes, regions = _readings(layer)
    return (await session.execute(_NEWEST, {"themes": themes, "regions": regions})).mappings()


async def list_rasters(session: AsyncSession) -> list[RasterLayer]:
    """The newest public result of each theme and region, and every raster that was given."""
    rows = (await session.execute(_LISTED)).mappings().all()
    names = [f"{GIVEN}{r['given']}" if r["given"] else f"{r['theme']}.{r['region']}" for r in rows]
    return list(map(_raster_layer, names, rows))


def vector_layer(
    collection: Collection, selection: LayerSelection, version: str, state: LayerExtent = UNREAD
) -> VectorLayer:
    """A collection in a version; tiles are drawn of it without a look at its extent and sources."""
    entity = collection.entity
    return VectorLayer(
        entity.name, entity.title, collection, selection, version, state.bounds, state.sources
    )


async def is_hidden(session: AsyncSession, layer: Layer, reader: Identity) -> bool:
    """Whether it is the draft of a job the reader may not know of."""
    if not isinstance(layer, RasterLayer) or layer.draft_of is None:
        return False
    return await find_job(session, layer.draft_of, reader=reader) is None


def no_layer(name: str) -> NotFound:
    """The error for a layer that does not exist, or that the caller may not know of."""
    return NotFound(
        f"there is no layer {name!r}; /layers lists those there are",
        message_zh=f"没有名为 {name!r} 的图层；可用图层见 /layers",
    )


def _raster_layer(name: str, row: Mapping[Any, Any]) -> RasterLayer:
    visibility, computed = Visibility(row["visibility"]), row["origin"] == "computed"
    style = style_of(row["theme"], row["unit"], row["compared"])
    sources = tuple(map(SourceDataset.of, row["inputs"] if computed else (row,)))
    draft = computed and visibility is not Visibility.PUBLIC
    return RasterLayer(
        name=name,
        title=Label(row["name_zh"], row["name_en"]),
        theme=row["theme"],
        style=style,
        uri=row["uri"],
        version=row["checksum"][:VERSION_LENGTH],
        frame=_frame(row),
        crs=row["crs"],
        bands=tuple(row["grid"].get("statistics", ())),
        unit=row["unit"] or (style.unit if isinstance(style, RampStyle) else ""),
        native_resolution_m=row["native_resolution_m"],
        visibility=visibility,
        region_id=row["region_id"],
        stand_in=row["stand_in"] or any(source.stand_in for source in sources),
        sources=sources,
        job=None if row["job_id"] is None else str(row["job_id"]),
        draft_of=row["job_id"] if draft else None,
        licensed=computed or bool(row["licence"]),
    )


def _frame(row: Mapping[Any, Any]) -> RasterFrame:
    grid, extent = row["grid"], row["extent"]
    if extent is not None:
        west, south, east, north = extent
        across, down = (east - west) / grid["width"], (south - north) / grid["height"]
        boxed = across, 0.0, west, 0.0, down, north
        return RasterFrame(f"EPSG:{STORAGE_SRID}", boxed, grid["width"], grid["height"])
    a, b, c, d, e, f = (float(number) for number in grid["transform"])
    return RasterFrame(f"EPSG:{grid['epsg']}", (a, b, c, d, e, f), grid["width"], grid["height"])


RASTER_FORMATS = {
    **MEDIA_TYPES,
    "npy": "application/x-npy",
    "tif": "image/tiff; application=geotiff",
}
MVT = "application/vnd.mapbox-vector-tile"
VECTOR_FORMATS = {"mvt": MVT, "pbf": MVT}
SHOWN_BY_DEFAULT = {"raster": "png", "vector": "mvt"}


def formats_of(layer: Layer) -> dict[str, str]:
    """Suffixes and media types a layer's tiles come in."""
    return RASTER_FORMATS if isinstance(layer, RasterLayer) else VECTOR_FORMATS
