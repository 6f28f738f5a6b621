"""Simpler shapes for low zooms: of which tables and zooms; which properties go into tiles."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from shanhai.db.features.entity import Entity, Property

LONG = frozenset(
    {
        *("summary_zh", "summary_en", "requirement_zh", "requirement_en", "cause", "legal_basis"),
        *("stand_in_note_zh", "stand_in_note_en", "source", "licence", "document", "issuer"),
        *("checksum", "source_sha256"),
    }
)
"""Texts of a sentence or more, and digests: a map asks for them feature by feature."""


def drawn_properties(entity: Entity) -> tuple[Property, ...]:
    """Those with one value that is no long text; a tile knows neither lists nor objects."""
    return tuple(
        item
        for item in entity.properties
        if item.schema["type"] not in {"array", "object"} and item.name not in LONG
    )


PIXEL_DEGREES = 360 / 256
"""How much of the equator a pixel of web mercator's zoom 0 covers."""
PART_OF_PIXEL = 1 / 8
"""What a shape may be simpler by; well below half a pixel, for corners that add up."""
COLUMN = re.compile(r"([a-z_]+)\.[a-z_]+")
LABEL = 99
"""The number under which the point is kept that an object's name is put at."""
POINT_SIZE = "'Infinity'::float8"
"""Points have no size, and are never too small to be drawn."""


@dataclass(frozen=True, slots=True)
class ZoomBand:
    """Zooms that share shapes, by the deepest of them, which is its number."""

    deepest: int

    @property
    def pixel(self) -> float:
        """Degrees of a pixel at its deepest zoom: what is smaller is left out."""
        return float(PIXEL_DEGREES / 2**self.deepest)

    @property
    def tolerance(self) -> float:
        """Degrees by which a shape may be simpler."""
        return self.pixel * PART_OF_PIXEL


BANDS = (ZoomBand(4), ZoomBand(6), ZoomBand(8), ZoomBand(10), ZoomBand(12))


def band_of(pixel: float) -> ZoomBand | None:
    """The band with the simplest shapes that are fine enough for pixels of so many degrees.

    None where only the exact shapes are.
    """
    return next((band for band in BANDS if band.pixel <= pixel * (1 + 1e-9)), None)


@dataclass(frozen=True, slots=True)
class Shaped:
    """A table whose shapes are kept simpler.

    Attributes:
        geometry: The column of the shape.
        cover: The column that is the same for rows that lie side by side without gaps: their common
            edges are simplified once. None where each lies for itself.
        collections: The collections drawn from it.
    """

    table: str
    geometry: str = "geom"
    cover: str | None = None
    collections: tuple[str, ...] = ()

    @property
    def kept(self) -> str:
        """The table of its shapes."""
        return f"{self.table}_shape"


SHAPED: Mapping[str, Shaped] = MappingProxyType(
    {
        shaped.table: shaped
        for shaped in (
            Shaped("region", cover="level", collections=("regions", "plans", "zone_schemes")),
            Shaped("zone", cover="scheme_id", collections=("zones",)),
            Shaped("control_area", cover="kind", collections=("control_areas",)),
            Shaped("pattern_component", collections=("pattern_components",)),
            Shaped("corridor", collections=("corridors",)),
            Shaped("corridor_node", collections=("corridor_nodes",)),
            Shaped("problem", collections=("problems",)),
            Shaped("project", collections=("projects",)),
            Shaped("dataset", "footprint", collections=("datasets",)),
        )
    }
)


@dataclass(frozen=True, slots=True)
class Shapes:
    """Where the simpler shapes of an entity are: those of its table, or of its region's."""

    shaped: Shaped
    alias: str

    @classmethod
    def of(cls, entity: Entity) -> "Shapes | None":
        """None for entities that are points, and for those whose shape is no column's own."""
        column = COLUMN.fullmatch(entity.geometry or "")
        if column is None:
            return None
        alias = column[1]
        table = entity.table if alias == entity.alias else "region"
        shaped = SHAPED.get(table)
        return None if shaped is None else cls(shaped, alias)

    def beside(self, band: str, near: str) -> str:
        """SQL that follows the source: the stored shapes near a box as `shape`, null without."""
        return (
            f" LEFT JOIN {self.shaped.kept} AS shape ON shape.id = {self.alias}.id"
            f" AND {_of_band('shape.band', band)} AND shape.geom && {near}"
        )

    @property
    def drawn(self) -> tuple[str, str]:
        """SQL of the shape of `beside`, else the exact one, and of its size."""
        exact = f"{self.alias}.{self.shaped.geometry}"
        return f"coalesce(shape.geom, {exact})", f"coalesce(shape.size, {_size_of(exact)})"

    def known(self, unseen: str) -> str:
        """SQL that holds where `drawn` is right: the stored shape is near, or there is none yet.

        A stored shape that is not near while the exact one is lacks the parts that are. Objects of
        a size that is `unseen` are only counted.
        """
        return (
            f"(shape.id IS NOT NULL OR {_size_of(f'{self.alias}.{self.shaped.geometry}')} {unseen}"
            f" OR EXISTS (SELECT FROM tile_pending q WHERE q.source = '{self.shaped.table}'"
            f" AND q.id = {self.alias}.id))"
        )

    def point_of(self, number: str) -> str:
        """SQL of where the name of an object is put; nothing without."""
        return (
            f"SELECT label.geom FROM {self.shaped.kept} AS label"  # noqa: S608
            f" WHERE label.id = {number} AND {_of_band('label.band', str(LABEL))}"
        )

    def joined_to(self, chosen: str, band: str, near: str, *, sized: str) -> str:
        """SQL that follows the source: the shapes of `chosen`, which `largest` has made, and the
        exact ones of objects that wait, as `shape` with `geom` and `size`."""
        # Ordered here, so that rows are looked up from the largest on, no more than are drawn.
        return (
            f" JOIN (SELECT id, size, geom FROM {chosen}"  # noqa: S608
            f" UNION ALL {self._exact(band, near, sized)} ORDER BY size DESC, id) AS shape"
            f" ON shape.id = {self.alias}.id"
        )

    def largest(self, band: str, near: str, *, sized: str, most: str) -> str:
        """SQL of the largest stored shapes near a box."""
        return f"{self._stored(band, near, sized)} ORDER BY size DESC, id LIMIT {most}"

    def number(self, source: str, conditions: str, near: str, *, sized: str, most: str) -> str:
        """SQL of how many rows of a source of a size lie near a box, counted up to `most`.

        Points of names are gone through as they lie and the row of each is looked up, so that
        nothing is sorted or read beyond the last that counts. It suits conditions most rows meet.
        """

        def number_of(shapes: str, order: str = "") -> str:
            return (
                f"(SELECT count(*) FROM (SELECT FROM ({shapes}) AS shape"  # noqa: S608
                f" CROSS JOIN LATERAL (SELECT FROM {source}"
                f" WHERE {self.alias}.id = shape.id AND {conditions} OFFSET 0) AS met"
                f"{order} LIMIT {most}) AS counted)"
            )

        # Counted apart: of a union PostgreSQL would make the whole list before it looks at any. All
        # are at no distance from the box, but only the index of places gives them in that order:
        # else the whole table may be read in the hope to meet enough of them early.
        label = str(LABEL)
        stored = number_of(self._stored(label, near, sized), f" ORDER BY shape.geom <#> {near}")
        return f"least({most}, {stored} + {number_of(self._exact(label, near, sized))})"

    def _stored(self, band: str, near: str, sized: str) -> str:
        return (
            f"SELECT id, size, geom FROM {self.shaped.kept}"  # noqa: S608
            f" WHERE {_of_band('band', band)} AND geom && {near} AND size {sized}"
        )

    def _exact(self, band: str, near: str, sized: str) -> str:
        """Objects that wait, found one by one, for nobody knows how many there are."""
        table, column = self.shaped.table, self.shaped.geometry
        point = f"ST_PointOnSurface({column})" if band == str(LABEL) else column
        return (
            "SELECT w.id, w.size, w.geom FROM tile_pending q CROSS JOIN LATERAL (SELECT id,"  # noqa: S608
            f" {_size_of(column)} AS size, {point} AS geom FROM {table} WHERE id = q.id OFFSET 0) w"
            f" WHERE q.source = '{table}' AND w.geom && {near} AND w.size {sized}"
        )


def _size_of(geometry: str) -> str:
    """The diagonal of the box of an exact shape; points have no size and are always drawn."""
    return (
        f"CASE WHEN ST_Dimension({geometry}) = 0 THEN {POINT_SIZE}"
        f" ELSE ST_Length(ST_BoundingDiagonal({geometry})) END"
    )


def _of_band(column: str, number: str) -> str:
    """The index knows the column's own type only: with another it would give every band."""
    return f"{column} = {number}::smallint"
