"""Which features are meant: what a request may ask, as conditions over an entity's rows.

The text of a condition depends on what is asked about, never on the values: those are bound. So a
few statements serve all requests, and each is composed and planned once.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Protocol, Self

import shapely

from shanhai.db.base import STORAGE_SRID
from shanhai.db.features.columns import holds_on
from shanhai.db.features.crs import Crs, edges_of
from shanhai.db.features.entity import Entity
from shanhai.db.features.order import sql_type
from shanhai.db.identity import PUBLIC, Viewer

Corner = tuple[float, float]
Sides = tuple[float, float, float, float]
"""West, south, east, north."""
SURELY_DEGREES = 1e-4
"""Further than PostGIS rounds boxes outwards, which it keeps in single precision: 1.5e-5 at 180."""
WIDE_SQUARE_DEGREES = 0.04
"""Some 400 km²: less holds few of what plans are made of, more may hold any share of a layer."""
Value = str | int | float | bool | Decimal
Period = tuple[str | None, str | None]
"""The ends of a closed interval, days or instants as PostgreSQL reads them; None is open."""
IN_ZONE = "CAST(CAST(CAST(:{} AS text) AS timestamptz) AS {})"
"""SQL of a bound day or instant; cast to a date it is the day of the session's time zone."""
ESCAPED = re.compile(r"[%_\\]")
BEHIND_BACKSLASH = r"\\\g<0>"


@dataclass(frozen=True, slots=True)
class Box:
    """A box in longitude and latitude; `west > east` crosses the antimeridian."""

    west: float
    south: float
    east: float
    north: float

    def parts(self) -> tuple[Sides, ...]:
        """The box as one, or two at the antimeridian, with west below east."""
        if self.west <= self.east:
            return ((self.west, self.south, self.east, self.north),)
        return (
            (self.west, self.south, 180.0, self.north),
            (-180.0, self.south, self.east, self.north),
        )

    @property
    def square_degrees(self) -> float:
        """How much of the world it covers, in square degrees."""
        return sum(_square_degrees(part) for part in self.parts())


def _square_degrees(sides: Sides) -> float:
    west, south, east, north = sides
    return (east - west) * (north - south)


def inside(sides: Sides) -> Sides | None:
    """A box so far inside another that what seems to lie in it lies in the other; None if small."""
    west, south, east, north = sides
    if min(east - west, north - south) < 4 * SURELY_DEGREES:
        return None
    return (
        west + SURELY_DEGREES,
        south + SURELY_DEGREES,
        east - SURELY_DEGREES,
        north - SURELY_DEGREES,
    )


@dataclass(frozen=True, slots=True)
class Outline:
    """A box of a projected system: its shape in longitude and latitude, as well-known binary."""

    wkb: bytes

    @classmethod
    def of(cls, crs: Crs, low: Corner, high: Corner) -> Self:
        """The box between two corners, in the order of the system's axes.

        Raises:
            ValueError: it does not lie where the system is defined.
        """
        ring = edges_of(crs, low, high)
        if low == high:
            return cls(shapely.Point(ring[0]).wkb)
        flat = low[0] == high[0] or low[1] == high[1]
        return cls((shapely.LineString(ring) if flat else shapely.Polygon(ring)).wkb)

    @property
    def square_degrees(self) -> float:
        """How much of the world the box around it covers, in square degrees."""
        return _square_degrees(shapely.from_wkb(self.wkb).bounds)


@dataclass(frozen=True, slots=True)
class TimeInterval:
    """A closed time interval; None is open."""

    start: datetime | None
    end: datetime | None


class Filter(Protocol):
    """A condition made from a filter expression, with binds that no other condition uses.

    Attributes:
        properties: The properties it asks about.
    """

    @property
    def sql(self) -> str:
        """The condition."""

    @property
    def values(self) -> Mapping[str, object]:
        """The values of its binds."""

    @property
    def properties(self) -> frozenset[str]:
        """The names of the properties it reads."""


@dataclass(frozen=True, slots=True)
class Selection:
    """What is asked of an entity, and by whom; without identity only what is public.

    Attributes:
        search: A text that the code or a name has in it.
    """

    viewer: Viewer = PUBLIC
    filters: Mapping[str, Value] = field(default_factory=dict)
    box: Box | Outline | None = None
    during: Period | None = None
    as_of: date | None = None
    code: str | None = None
    filter: Filter | None = None
    search: str | None = None

    @property
    def wide(self) -> bool:
        """Whether its box may hold any share of the rows, so that no one plan serves all values."""
        return self.box is not None and self.box.square_degrees >= WIDE_SQUARE_DEGREES

    @property
    def narrow(self) -> bool:
        """Whether its box holds so little that all of it is read at once."""
        return self.box is not None and not self.wide


def reads_former(entity: Entity, selection: Selection) -> bool:
    """Whether the rows are also looked for among former states."""
    return selection.as_of is not None and entity.historic


def conditions(entity: Entity, selection: Selection) -> tuple[str, ...]:
    """The conditions a row must meet, in SQL that reads the binds of `bound_values`."""
    return (
        # What was deleted since was there on the day asked for.
        *([] if reads_former(entity, selection) else [entity.live]),
        *visibility(entity, selection.viewer),
        *_state_conditions(entity, selection),
        *([] if selection.code is None else [f"{entity.code} = :code"]),
        *(_equality(entity, name, selection) for name in selection.filters),
        *([] if selection.box is None else [_touches(entity, selection.box)]),
        *([] if selection.during is None else _overlap_conditions(entity, selection.during)),
        *([] if selection.filter is None else [f"({selection.filter.sql})"]),
        *([] if selection.search is None else [_names_hold(entity)]),
    )


@dataclass(frozen=True, slots=True)
class QueryShape:
    """The conditions of a selection without their values, and where they are asked.

    Attributes:
        wide: The best way to the rows depends on the values, so it is looked for each time.
        narrow: There are few rows enough to be held at once.
    """

    conditions: tuple[str, ...]
    former: bool = False
    wide: bool = False
    narrow: bool = False

    @classmethod
    def of(cls, entity: Entity, selection: Selection) -> "QueryShape":
        """The question a selection asks."""
        former = reads_former(entity, selection)
        # The smallest box meets a whole cell of what is masked.
        wide = selection.wide or (selection.box is not None and entity.exact is not None)
        return cls(conditions(entity, selection), former, wide, selection.narrow)


VIEWER_REGIONS = "CAST(:viewer_regions AS bigint[])"
"""SQL of the regions whose drafts a reader may see."""
MEMBER_REGIONS = "CAST(:member_regions AS bigint[])"
"""SQL of the regions in which a reader has a role."""
EXACT_REGIONS = "CAST(:exact_regions AS bigint[])"
"""SQL of the regions of whose rows a reader may know all."""


def visibility(entity: Entity, viewer: Viewer) -> list[str]:
    """The conditions of what a reader may see; `viewer_values` binds what they read."""
    return [*_published(entity, viewer), *_not_hidden(entity, viewer)]


def _not_hidden(entity: Entity, viewer: Viewer) -> list[str]:
    """The condition that keeps rows away of whose place others may know nothing."""
    if entity.masking is None or viewer.exact is None:
        return []
    met = f"NOT ({entity.masking.hidden})"
    knows = entity.region is not None and viewer.exact
    return [f"({met} OR {entity.region} = ANY({EXACT_REGIONS}))" if knows else f"({met})"]


def _published(entity: Entity, viewer: Viewer) -> list[str]:
    if viewer.sees_all:
        return []
    if not viewer.known:
        return [f"({entity.published})", f"({entity.public})"]
    met = entity.published
    if entity.signed_in != "true" and viewer.members is not None:
        members = _works_on(entity, MEMBER_REGIONS) if viewer.members else ""
        met = f"({entity.published}) AND ({entity.signed_in}{members})"
    return [f"({met}{_works_on(entity, VIEWER_REGIONS) if viewer.regions else ''})"]


def _works_on(entity: Entity, regions: str) -> str:
    """SQL that adds the rows of some regions, and those on which they work with others."""
    if entity.region is None:
        return ""
    shared = "" if entity.partners is None else f" OR {entity.partners} && {regions}"
    return f" OR {entity.region} = ANY({regions}){shared}"


def viewer_values(viewer: Viewer) -> dict[str, object]:
    """The values of the binds in the conditions of `visibility`, and in masked entities."""
    listed = {
        "viewer_regions": viewer.regions,
        "exact_regions": viewer.exact,
        "member_regions": viewer.members,
    }
    return {name: sorted(regions) for name, regions in listed.items() if regions}


def bound_values(selection: Selection) -> dict[str, object]:
    """The values of the binds in a selection's conditions."""
    start, end = selection.during or (None, None)
    found: dict[str, object] = {
        "code": selection.code,
        "as_of": selection.as_of,
        "search": selection.search and f"%{ESCAPED.sub(BEHIND_BACKSLASH, selection.search)}%",
        "during_start": start,
        "during_end": end,
        # As they were written: 0.1 is a tenth, not the double nearest to it.
        **{
            f"is_{name}": Decimal(repr(value)) if isinstance(value, float) else value
            for name, value in selection.filters.items()
        },
        **viewer_values(selection.viewer),
        **_box_values(selection.box),
        **({} if selection.filter is None else selection.filter.values),
    }
    return {name: value for name, value in found.items() if value is not None}


def _box_values(box: Box | Outline | None) -> dict[str, object]:
    if box is None:
        return {}
    if isinstance(box, Outline):
        return {"outline": box.wkb}
    found: dict[str, object] = {}
    for number, part in enumerate(box.parts()):
        found.update(zip(_sides(number), part, strict=True))
        inner = inside(part)
        if inner is not None:
            found.update(zip(_sides(number, "inner_"), inner, strict=True))
    return found


def _state_conditions(entity: Entity, selection: Selection) -> list[str]:
    """The state of the day asked for, or of today unless a filter looks into history."""
    asked = set(selection.filters)
    if selection.filter is not None:
        asked |= selection.filter.properties
    named = selection.code is not None or not asked.isdisjoint({"plan", "code"})
    waits = entity.in_force is not None and not named
    in_force = [holds_on(str(entity.in_force), _day(selection))] if waits else []
    if "plan" in asked and entity.of_plan is not None and not entity.history & asked:
        return [entity.state_of_plan(former=selection.as_of is not None)]
    if selection.as_of is not None:
        return [entity.as_of, *in_force]
    if entity.history.intersection(asked):
        return in_force
    return [entity.current, *in_force]


def _day(selection: Selection) -> str:
    """SQL of the day asked for."""
    return "current_date" if selection.as_of is None else "CAST(:as_of AS date)"


def _knows_drafts(viewer: Viewer) -> str:
    """SQL of whether a reader may know of drafts of the plan `edition`."""
    if viewer.sees_all:
        return "true"
    within = "(edition.region_ids || edition.region_id) && CAST(:viewer_regions AS bigint[])"
    return within if viewer.known and viewer.regions else "false"


def _equality(entity: Entity, name: str, selection: Selection) -> str:
    """A property equal to a value, or a list that has it; `name` is a queryable of the entity."""
    declared = entity.declared(name)
    if declared is None:
        raise LookupError(f"{entity.name} has no property {name}")
    matches = declared.matches
    if selection.as_of is not None and declared.matches_former is not None:
        matches = declared.matches_former
    if matches is not None:
        return matches.format(day=_day(selection), drafts=_knows_drafts(selection.viewer))
    if declared.schema["type"] == "array":
        return f"CAST(:is_{name} AS text) = ANY({declared.sql})"
    kind = sql_type(declared.schema)
    if kind in {"date", "timestamptz"}:
        return f"({declared.sql}) = {IN_ZONE.format(f'is_{name}', kind)}"
    return f"({declared.sql}) = :is_{name}"


def _names_hold(entity: Entity) -> str:
    """The code, a name or a text that has that of the bind `search` in it, whatever its case."""
    # Lists of words are looked through as they are written: nothing in them is escaped but quotes.
    texts = (
        item.sql if item.schema["type"] == "string" else f"({item.sql})::text"
        for item in entity.searched
    )
    return f"({' OR '.join(f'{text} ILIKE :search' for text in texts)})"


def _touches(entity: Entity, box: Box | Outline) -> str:
    """Geometry that meets the box; `&&` is spelled out so that the spatial index serves it."""
    geometry = entity.geometry
    if isinstance(box, Outline):
        shape = f"ST_GeomFromWKB(CAST(:outline AS bytea), {STORAGE_SRID})"
        return f"({near_box(entity, shape)} AND ST_Intersects({geometry}, {shape}))"
    parts = (_touches_part(entity, number, part) for number, part in enumerate(box.parts()))
    return f"({' OR '.join(parts)})"


def near_box(entity: Entity, box: str) -> str:
    """SQL that holds for rows whose geometry may meet that of `box`, found by a spatial index."""
    met = f"{entity.geometry} && {box}"
    return met if entity.near is None else f"{entity.near} && {box} AND {met}"


def _touches_part(entity: Entity, number: int, part: Sides) -> str:
    """Only what lies at the edge of a box needs the exact test, which takes ten times as long."""
    geometry, shape = entity.geometry, _envelope(_sides(number))
    meets = f"ST_Intersects({geometry}, {shape})"
    if inside(part) is not None:
        # No disjunction, for which PostgreSQL would look into the index twice.
        inner = _envelope(_sides(number, "inner_"))
        meets = f"CASE WHEN {geometry} @ {inner} THEN true ELSE {meets} END"
    return f"({near_box(entity, shape)} AND {meets})"


def _envelope(sides: Sequence[str]) -> str:
    return f"ST_MakeEnvelope({', '.join(f':{side}' for side in sides)}, {STORAGE_SRID})"


def _sides(number: int, prefix: str = "") -> tuple[str, ...]:
    return tuple(f"{prefix}{side}_{number}" for side in ("west", "south", "east", "north"))


def _overlap_conditions(entity: Entity, during: Period) -> list[str]:
    """Features whose period meets the interval; those without one always do, as OGC has it."""
    if entity.interval is None:
        return []
    starts, ends = entity.interval
    begins = f"({starts} IS NULL OR {starts} <= {IN_ZONE.format('during_end', 'date')})"
    lasts = f"({ends} IS NULL OR {ends} >= {IN_ZONE.format('during_start', 'date')})"
    start, end = during
    return [*([] if end is None else [begins]), *([] if start is None else [lasts])]
