"""An example of any entity, made from its declaration: a new entity is tested without new tests."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from shanhai.db.collections.catalogue import entity_named
from shanhai.db.features.entity import Entity, Property
from shanhai.vocabulary import SUPPLY_DEMAND

Body = dict[str, Any]
Make = Callable[[Entity, Body, Mapping[str, str]], Awaitable[None]]
"""Writes a body; the mapping holds the codes its path names."""


def _index_rule(allowed: str) -> Body:
    """A rule of compensation by the mean of COD beside what was agreed on, in mg/L."""
    steps = [{"up_to": "1", "amount": "100.00"}, {"amount": "-100.00"}]
    return {"kind": "index", "baseline": {"cod": allowed}, "weights": {"cod": "1"}, "steps": steps}


def _share(whole: str) -> Body:
    """A share as a text prints it."""
    said = {"name_zh": "占比", "name_en": "Share"}
    return {**said, "part": 1.5, "whole_of": whole, "printed_percent": 12.5}


LEFT_OUT = frozenset({"computed"})
"""Choices that only jobs make."""
CLASSIFIED = (
    "datasets",
    "stations",
    "problems",
    "documents",
    "control_areas",
    "projects",
    "reclamations",
)
"""Collections whose objects have a class of data."""
GIVEN: Mapping[tuple[str, str], tuple[Any, Any]] = {
    ("zone_schemes", "kind"): (SUPPLY_DEMAND, SUPPLY_DEMAND),
    ("zone_classes", "scheme_kind"): (SUPPLY_DEMAND, SUPPLY_DEMAND),
    ("zone_classes", "class_code"): ("example", "example"),
    # What everybody may see takes an approver.
    ("problems", "visibility"): ("region", "signed_in"),
    ("problems", "shares"): ([_share("quantity")], [_share("region")]),
    ("stations", "visibility"): ("region", "signed_in"),
    # The class bounds the visibility, and goes with the grade.
    **{(name, "data_class"): ("open", "open") for name in CLASSIFIED},
    **{(name, "data_grade"): (None, None) for name in CLASSIFIED},
    ("regions", "metric_epsg"): (4548, 4545),
    ("plans", "regions"): (None, None),
    ("figures", "computed_by"): ("region_area", "mine_restored"),
    ("figures", "computed_of"): ([], []),
    ("figures", "projects"): ([], []),
    ("plans", "period_start"): (2021, 2022),
    ("plans", "period_end"): (2030, 2035),
    ("projects", "start_year"): (2021, 2022),
    ("projects", "end_year"): (2030, 2035),
    ("balance_entries", "unit"): ("m", "mu"),
    ("balance_entries", "quality_grade"): (None, 6),
    **{
        (name, "evidence"): (None, None)
        for name in ("balance_entries", "demonstration_scores", "titles", "mines", "reclamations")
    },
    **{("duties", part): ([], []) for part in ("cooperating", "supervising", "named")},
    ("species", "accepted"): (None, None),
    ("occurrences", "evidence"): (None, None),
    ("occurrences", "judged_by"): (None, None),
    ("occurrences", "judged_on"): (None, None),
    ("islands", "allowed_uses"): (["tourism"], ["farming"]),
    ("control_rules", "scope"): ("control_area", "control_area"),
    ("outfalls", "limits"): ({"cod": 30}, {"cod": 40}),
    ("stations", "kind"): ("water_section", "sea"),
    ("compensation_agreements", "basis"): ("section", "section"),
    ("compensation_agreements", "rule"): (_index_rule("20"), _index_rule("30")),
    **{("compensation_agreements", name): (None, None) for name in ("service", "scheme")},
    ("compensation_agreements", "start_year"): (2021, 2022),
    ("compensation_agreements", "end_year"): (2030, 2035),
}
"""Members whose rules the schema does not tell, in the first and second example."""
ANOTHER = frozenset({("compensation_agreements", "downstream")})
"""References to another row than those beside them."""
CODES: Mapping[str, str] = {"zone_classes": f"{SUPPLY_DEMAND}.example"}
PAST = "2020-01-01"
"""The day from which the first example holds."""


def square(variant: int) -> list[list[list[float]]]:
    """The rings of a square in Xiamen."""
    west, south = 118.0 + variant / 10, 24.4
    east, north = west + 0.05, south + 0.05
    return [[[west, south], [east, south], [east, north], [west, north], [west, south]]]


def geometry_of(kind: str, variant: int) -> Body:
    """A geometry of the type a declaration names."""
    rings = square(variant)
    known: Mapping[str, Body] = {
        "geometry-point": {"type": "Point", "coordinates": rings[0][0]},
        "geometry-multilinestring": {"type": "MultiLineString", "coordinates": rings},
        "geometry-multipolygon": {"type": "MultiPolygon", "coordinates": [rings]},
    }
    return known.get(kind, {"type": "Polygon", "coordinates": rings})


def example_value(schema: Mapping[str, Any], variant: int) -> Any:
    """A value the schema allows; None when its rule cannot be guessed."""
    if "enum" in schema:
        choices = [item for item in schema["enum"] if item not in LEFT_OUT]
        return choices[(variant - 1) % len(choices)]
    match schema["type"]:
        case "string":
            return _example_text(schema, variant)
        case "integer":
            return max(schema.get("minimum", 1), 0) + variant
        case "number":
            return max(schema.get("minimum", 0), 0) + variant + 0.5
        case "boolean":
            return variant == 1
        case "array":
            return [example_value(schema["items"], variant)]
        case _:
            return {"example": variant}


def _example_text(schema: Mapping[str, Any], variant: int) -> str | None:
    known = {
        "decimal": f"{variant}.50",
        "date": f"2024-01-0{variant}",
        "date-time": f"2024-01-0{variant}T00:00:00Z",
        "uuid": f"00000000-0000-0000-0000-00000000000{variant}",
        None: f"示例 {variant}",
    }
    return None if "pattern" in schema else known.get(schema.get("format"))


@dataclass
class Examples:
    """Makes examples, and what they refer to before them."""

    make: Make
    codes: dict[str, str] = field(default_factory=dict)

    async def made(self, name: str, *, another: bool = False) -> str:
        """The code of an example of an entity, which is made when there is none yet."""
        key = f"{name}.another" if another else name
        if key not in self.codes:
            entity = entity_named(name)
            code = CODES.get(name, f"{entity.table.replace('_', '-')}.example")
            code = f"{code}.another" if another else code
            body, within = await self.body(entity, code)
            await self.make(entity, body, within)
            self.codes[key] = code
        return self.codes[key]

    async def body(
        self, entity: Entity, code: str, variant: int = 1
    ) -> tuple[Body, dict[str, str]]:
        """A body with every member that can be guessed, and the codes of its path."""
        members = {"code": code}
        for item in entity.receivables:
            value = await self._value(entity, item, variant)
            if value is not None and item.role != "id":
                members[item.name] = value
        if variant == 1 and entity.historic and entity.declared("valid_from") is not None:
            members["valid_from"] = PAST
        within = {name: members[name] for name in _in_path(entity)}
        if entity.path is not None:
            return members, within
        body: Body = {"type": "Feature", "properties": members}
        if entity.geometry_column is not None:
            body["geometry"] = geometry_of(str(entity.whole.geometry_type), variant)
        return body, within

    async def _value(self, entity: Entity, item: Property, variant: int) -> Any:
        editing = entity.editing
        state = editing.lifecycle.property if editing is not None and editing.lifecycle else None
        if item.name in {"valid_from", "valid_to", state} or item.refers_to == entity.name:
            return None
        given = GIVEN.get((entity.name, item.name))
        if given is not None:
            return given[variant - 1]
        if item.refers_to is None:
            return example_value(item.schema, variant)
        another = (entity.name, item.name) in ANOTHER
        code = await self.made(item.refers_to, another=another)
        return [code] if item.schema["type"] == "array" else code


def _in_path(entity: Entity) -> list[str]:
    parts = (entity.path or "").split("/")
    return [part[1:-1] for part in parts if part.startswith("{")]
