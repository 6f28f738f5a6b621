"""What was read of a city, counted and held against what its sources say there is."""

from collections.abc import Callable, Mapping
from typing import Any

from shanhai.db.seeding.rows import Rows
from shanhai.errors import ShanhaiError
from shanhai.vocabulary import ECOSERVICES


def _listed(table: str, **wanted: Any) -> Callable[[Rows], int]:
    """Counts the rows of a table whose members have the values."""

    def count(rows: Rows) -> int:
        return sum(
            all(row.get(name) in _several(value) for name, value in wanted.items())
            for row in rows.get(table, [])
        )

    return count


def _several(value: Any) -> tuple[Any, ...]:
    return value if isinstance(value, tuple) else (value,)


def _within(table: str, attribute: str) -> Callable[[Rows], int]:
    """Counts what the rows of a table list in an attribute."""
    return lambda rows: sum(len(row["attrs"].get(attribute, ())) for row in rows.get(table, []))


COUNTS: Mapping[str, Callable[[Rows], int]] = {
    "articles": _listed("plan_provision", kind="article"),
    "challenges": _listed("plan_provision", kind="challenge"),
    "control_areas": _listed("control_area"),
    "control_rules": _listed("control_rule"),
    "corridors": _listed("corridor"),
    "ecoservices": lambda _: len(ECOSERVICES),
    "figures": _listed("plan_figure"),
    "indicators": _listed("indicator"),
    "indicators.binding": _listed("indicator", property="binding"),
    "indicators.expected": _listed("indicator", property="expected"),
    "named_features": _listed("named_feature"),
    "objectives": _listed("plan_provision", kind="objective"),
    "parties": _listed("party"),
    "pattern_screens": lambda rows: sum(
        str(row.get("parent")).endswith(".screens") for row in rows.get("pattern_component", [])
    ),
    "patterns": _listed("pattern"),
    "pilot_basins": _listed("region", level="basin"),
    "plans": _listed("plan"),
    "problems": _listed("problem"),
    "programmes": _listed("programme"),
    "project_types": _within("programme", "project_types"),
    "projects": _listed("project"),
    "streets": _listed("region", level="street"),
    "tasks": _listed("plan_provision", kind="task"),
    "towns": _listed("region", level=("street", "town")),
    "zone_classes": _listed("zone_class"),
    "zones": _listed("zone"),
}


def count_rows(rows: Rows, totals: Mapping[str, int]) -> dict[str, int]:
    """How many there are of each of the totals.

    Raises:
        ShanhaiError: a number differs from the one the sources give.
    """
    counted = {name: COUNTS[name](rows) for name in totals}
    wrong = [
        f"{name}: {counted[name]} instead of {total}"
        for name, total in totals.items()
        if counted[name] != total
    ]
    if wrong:
        raise ShanhaiError(f"the seed does not hold what it should: {'; '.join(wrong)}")
    return counted
