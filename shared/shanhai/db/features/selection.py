"""Which features are meant: what a request may ask, as conditions over an entity's rows.

The text of a condition depends on what is asked about, never on the values: those are bound. So a
few statements serve all requests, and each is composed and planned once.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

from shanhai.db.base import STORAGE_SRID
from shanhai.db.features.entity import Entity

Value = str | int | float | bool


@dataclass(frozen=True, slots=True)
class Box:
    """A box in longitude and latitude; `west > east` crosses the antimeridian."""

    west: float
    south: float
    east: float
    north: float

    def parts(self) -> tuple[tuple[float, float, float, float], ...]:
        """The box as one, or two at the antimeridian, with west below east."""
        if self.west <= self.east:
            return ((self.west, self.south, self.east, self.north),)
        return (
            (self.west, self.south, 180.0, self.north),
            (-180.0, self.south, self.east, self.north),
        )


@dataclass(frozen=True, slots=True)
class Interval:
    """A closed time interval; None is open."""

    start: datetime | None
    end: datetime | None


@dataclass(frozen=True, slots=True)
class Selection:
    """What is asked of an entity; without identity only what is published."""

    published_only: bool = True
    filters: Mapping[str, Value] = field(default_factory=dict)
    box: Box | None = None
    during: Interval | None = None
    as_of: date | None = None
    code: str | None = None


def conditions(entity: Entity, selection: Selection) -> tuple[str, ...]:
    """The conditions a row must meet, in SQL that reads the binds of `bound_values`."""
    return (
        entity.live,
        *([entity.published] if selection.published_only else []),
        *_state_conditions(entity, selection),
        *([] if selection.code is None else [f"{entity.code} = :code"]),
        *(_equality(entity, name) for name in selection.filters),
        *([] if selection.box is None else [_touches(entity, selection.box)]),
        *([] if selection.during is None else _overlap_conditions(entity, selection.during)),
    )


def bound_values(selection: Selection) -> dict[str, object]:
    """The values of the binds in a selection's conditions."""
    during = selection.during or Interval(None, None)
    found = {
        "code": selection.code,
        "as_of": selection.as_of,
        "during_start": during.start and during.start.date(),
        "during_end": during.end and during.end.date(),
        **{f"is_{name}": value for name, value in selection.filters.items()},
    }
    for number, part in enumerate(selection.box.parts() if selection.box else ()):
        found.update(zip(_sides(number), part, strict=True))
    return {name: value for name, value in found.items() if value is not None}


def _state_conditions(entity: Entity, selection: Selection) -> list[str]:
    """The state of the day asked for, or of today unless a filter looks into history."""
    if selection.as_of is not None:
        return [entity.as_of]
    return [] if entity.history.intersection(selection.filters) else [entity.current]


def _equality(entity: Entity, name: str) -> str:
    """A property equal to a value; `name` is a queryable of the entity."""
    declared = entity.declared(name)
    if declared is None:
        raise LookupError(f"{entity.name} has no property {name}")
    return f"({declared.sql}) = :is_{name}"


def _touches(entity: Entity, box: Box) -> str:
    """Geometry that meets the box; `&&` is spelled out so that the spatial index serves it."""
    parts = [_touches_part(entity.geometry, number) for number in range(len(box.parts()))]
    return f"({' OR '.join(parts)})"


def _touches_part(geometry: str, number: int) -> str:
    sides = ", ".join(f":{side}" for side in _sides(number))
    envelope = f"ST_MakeEnvelope({sides}, {STORAGE_SRID})"
    return f"({geometry} && {envelope} AND ST_Intersects({geometry}, {envelope}))"


def _sides(number: int) -> tuple[str, ...]:
    return tuple(f"{side}_{number}" for side in ("west", "south", "east", "north"))


def _overlap_conditions(entity: Entity, during: Interval) -> list[str]:
    """Features whose period meets the interval; those without one always do, as OGC has it."""
    if entity.interval is None:
        return []
    starts, ends = entity.interval
    begins = f"({starts} IS NULL OR {starts} <= :during_end)"
    lasts = f"({ends} IS NULL OR {ends} >= :during_start)"
    return [
        *([] if during.end is None else [begins]),
        *([] if during.start is None else [lasts]),
    ]
