"""An object on two days, as it is answered."""

from collections.abc import Mapping
from datetime import date
from typing import Any, Self
from urllib.parse import quote

from pydantic import Field

from shanhai.db.changes.comparison import DayState, ObjectComparison, Size
from shanhai.db.features.entity import Entity
from shanhai_api.features import documents
from shanhai_api.kit.answers import Answered, Document, Link
from shanhai_api.view import View

M2_IN_KM2, M_IN_KM = 1e6, 1e3


class DayVersion(Answered):
    """A day, and the version the object had on it: null where it was not there."""

    day: date
    row_version: int | None

    @classmethod
    def of(cls, state: DayState | None, day: date) -> Self:
        """The state of a day."""
        return cls(day=day, row_version=None if state is None else state.row_version)


class MemberChange(Answered):
    """A member that differs, with both values."""

    property: str
    title: str
    former: Any = Field(alias="from")
    later: Any = Field(alias="to")


class SizeChange(Answered):
    """A size on both days, and what came and went."""

    former: float = Field(alias="from")
    later: float = Field(alias="to")
    added: float
    removed: float

    @classmethod
    def of(cls, size: Size, unit: float) -> Self:
        """A size in a unit."""
        return cls(
            former=round(size.former / unit, 6),
            later=round(size.later / unit, 6),
            added=round(size.added / unit, 6),
            removed=round(size.removed / unit, 6),
        )


class GeometryChange(Answered):
    """Whether the geometry differs, and by how much."""

    changed: bool
    area_km2: SizeChange | None
    length_km: SizeChange | None

    @classmethod
    def of(cls, comparison: ObjectComparison) -> Self:
        """What became of the geometry."""
        area, length = comparison.area, comparison.length
        return cls(
            changed=comparison.geometry_changed,
            area_km2=None if area is None else SizeChange.of(area, M2_IN_KM2),
            length_km=None if length is None else SizeChange.of(length, M_IN_KM),
        )


class DayComparison(Document):
    """What differs of an object between two days."""

    template = "compare.html"

    collection: str
    id: str
    former: DayVersion = Field(alias="from")
    later: DayVersion = Field(alias="to")
    changed: list[MemberChange]
    geometry: GeometryChange
    links: list[Link]

    @classmethod
    def of(
        cls,
        comparison: ObjectComparison,
        entity: Entity,
        code: str,
        days: tuple[date, date],
        view: View,
    ) -> Self:
        """The comparison of the object of this code."""
        return cls(
            collection=entity.name,
            id=code,
            former=DayVersion.of(comparison.former, days[0]),
            later=DayVersion.of(comparison.later, days[1]),
            changed=_members(comparison, entity, view),
            geometry=GeometryChange.of(comparison),
            links=_links(entity, code, days, view),
        )


def _links(entity: Entity, code: str, days: tuple[date, date], view: View) -> list[dict[str, str]]:
    item = f"{documents.list_path(entity, {})}/{quote(code, safe='')}"
    asked = f"&from={days[0].isoformat()}&to={days[1].isoformat()}"
    return [
        *({**link, "href": link["href"] + asked} for link in view.self_links(f"{item}/compare")),
        view.link(item, "item", documents.data_format(entity).media_type),
    ]


def _members(comparison: ObjectComparison, entity: Entity, view: View) -> list[MemberChange]:
    former, later = _properties(comparison.former), _properties(comparison.later)
    titles = {item.name: item.title.in_(view.lang) for item in entity.properties}
    return [
        MemberChange(
            property=name, title=titles[name], former=former.get(name), later=later.get(name)
        )
        for name in comparison.changed
    ]


def _properties(state: DayState | None) -> Mapping[str, Any]:
    return {} if state is None else state.properties
