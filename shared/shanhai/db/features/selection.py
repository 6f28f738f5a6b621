"""Which features are meant: what a request may ask, as conditions over an entity's rows."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

from sqlalchemy import ColumnElement, Double, TextClause, bindparam, literal_column, or_, text
from sqlalchemy.dialects.postgresql import DATE
from sqlalchemy.sql.elements import ColumnClause

from shanhai.db.base import STORAGE_SRID
from shanhai.db.features.entity import Entity

Value = str | int | float | bool
Condition = ColumnElement[bool] | TextClause


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


def conditions(entity: Entity, selection: Selection) -> list[Condition]:
    """The conditions a row must meet, every value bound."""
    found: list[Condition] = [text(entity.live)]
    if selection.published_only:
        found.append(text(entity.published))
    found += state_conditions(entity, selection)
    if selection.code is not None:
        found.append(column(entity.code) == selection.code)
    found += [equality(entity, name, value) for name, value in selection.filters.items()]
    if selection.box is not None:
        found.append(touches(entity, selection.box))
    if selection.during is not None:
        found += overlap_conditions(entity, selection.during)
    return found


def column(sql: str) -> ColumnClause[str]:
    """An expression of an entity's declaration."""
    return literal_column(f"({sql})")


def state_conditions(entity: Entity, selection: Selection) -> list[Condition]:
    """The state of the day asked for, or of today unless a filter looks into history."""
    if selection.as_of is not None:
        return [text(entity.as_of).bindparams(bindparam("as_of", selection.as_of, DATE()))]
    if entity.history.intersection(selection.filters):
        return []
    return [text(entity.current)]


def equality(entity: Entity, name: str, value: Value) -> Condition:
    """A property equal to a value; `name` is a queryable of the entity."""
    declared = entity.declared(name)
    if declared is None:
        raise LookupError(f"{entity.name} has no property {name}")
    return column(declared.sql) == value


def touches(entity: Entity, box: Box) -> Condition:
    """Geometry that meets the box; `&&` is spelled out so that the spatial index serves it."""
    parts = enumerate(box.parts())
    return or_(*(_touches_part(entity, number, part) for number, part in parts))


def _touches_part(
    entity: Entity, number: int, part: tuple[float, float, float, float]
) -> TextClause:
    names = [f"{side}_{number}" for side in ("west", "south", "east", "north")]
    envelope = f"ST_MakeEnvelope({', '.join(':' + name for name in names)}, {STORAGE_SRID})"
    geometry = entity.geometry
    clause = text(f"({geometry} && {envelope} AND ST_Intersects({geometry}, {envelope}))")
    values = zip(names, part, strict=True)
    return clause.bindparams(*(bindparam(name, value, Double()) for name, value in values))


def overlap_conditions(entity: Entity, during: Interval) -> list[Condition]:
    """Features whose period meets the interval; those without one always do, as OGC has it."""
    if entity.interval is None:
        return []
    starts, ends = entity.interval
    found: list[Condition] = []
    if during.end is not None:
        latest = bindparam("during_end", during.end.date(), DATE())
        found.append(or_(column(starts).is_(None), column(starts) <= latest))
    if during.start is not None:
        earliest = bindparam("during_start", during.start.date(), DATE())
        found.append(or_(column(ends).is_(None), column(ends) >= earliest))
    return found
