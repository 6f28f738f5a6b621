"""The document of an object on two days."""

from collections.abc import Mapping
from datetime import date
from typing import Any
from urllib.parse import quote

from shanhai.db.changes.comparison import DayState, ObjectComparison, Size
from shanhai.db.features.entity import Entity
from shanhai_api.features import documents
from shanhai_api.view import View

M2_IN_KM2, M_IN_KM = 1e6, 1e3


def comparison_document(
    comparison: ObjectComparison, entity: Entity, code: str, days: tuple[date, date], view: View
) -> dict[str, Any]:
    """What differs between the two days."""
    item = f"{documents.list_path(entity, {})}/{quote(code, safe='')}"
    media_type = documents.data_format(entity).media_type
    asked = {"from": days[0].isoformat(), "to": days[1].isoformat()}
    links = [
        *(
            {**link, "href": f"{link['href']}&from={asked['from']}&to={asked['to']}"}
            for link in view.self_links(f"{item}/compare")
        ),
        view.link(item, "item", media_type),
    ]
    return {
        "collection": entity.name,
        "id": code,
        "from": _state(comparison.former, days[0]),
        "to": _state(comparison.later, days[1]),
        "changed": _members(comparison, entity, view),
        "geometry": _geometry(comparison),
        "links": links,
    }


def _state(state: DayState | None, day: date) -> dict[str, Any]:
    """A day, and the version the object had on it: null where it was not there."""
    return {"day": day.isoformat(), "row_version": None if state is None else state.row_version}


def _members(comparison: ObjectComparison, entity: Entity, view: View) -> list[dict[str, Any]]:
    former, later = _properties(comparison.former), _properties(comparison.later)
    titles = {item.name: item.title.in_(view.lang) for item in entity.properties}
    return [
        {"property": name, "title": titles[name], "from": former.get(name), "to": later.get(name)}
        for name in comparison.changed
    ]


def _properties(state: DayState | None) -> Mapping[str, Any]:
    return {} if state is None else state.properties


def _geometry(comparison: ObjectComparison) -> dict[str, Any]:
    return {
        "changed": comparison.geometry_changed,
        "area_km2": _sizes(comparison.area, M2_IN_KM2),
        "length_km": _sizes(comparison.length, M_IN_KM),
    }


def _sizes(size: Size | None, unit: float) -> dict[str, float] | None:
    if size is None:
        return None
    told = {
        "from": size.former,
        "to": size.later,
        "added": size.added,
        "removed": size.removed,
    }
    return {name: round(value / unit, 6) for name, value in told.items()}
