"""Documents about versions of zonings."""

import csv
import io
from collections.abc import Callable
from typing import Any

import orjson

from shanhai.db.zoning.adjustment import Adjusted
from shanhai.db.zoning.comparison import ClassArea, ZoningComparison
from shanhai.db.zoning.schemes import SchemeVersion
from shanhai.db.zoning.topology import SLIVER_M2, Topology
from shanhai.timestamps import rfc3339
from shanhai.vocabulary import Lang

OUTSIDE = "outside"
"""Stands for what lies in the other zoning only."""
KM2 = 1e6
AREA_METHOD = "geodesic on the CGCS2000 ellipsoid"


def km2(area_m2: float | None) -> float | None:
    """An area in km², to the square metre."""
    return None if area_m2 is None else round(area_m2 / KM2, 6)


def topology_document(scheme: SchemeVersion, topology: Topology) -> dict[str, Any]:
    """What is wrong with a coverage."""
    percent = topology.gap_percent
    return {
        "scheme": scheme.named(),
        "valid": not topology.overlaps and not topology.gaps and not topology.undrawn,
        "area_method": AREA_METHOD,
        "region_area_km2": km2(topology.region_m2),
        "zones_area_km2": km2(topology.zones_m2),
        "zones": topology.zones,
        "zones_without_geometry": topology.undrawn,
        "overlap_area_km2": km2(topology.overlap_m2),
        "overlaps": [
            {"zones": [item["first"], item["second"]], "area_km2": km2(item["area_m2"])}
            for item in topology.overlaps
        ],
        "gap_area_km2": km2(topology.gap_m2),
        "gap_percent": None if percent is None else round(percent, 4),
        "gaps": [
            {"area_km2": km2(item["area_m2"]), "point": item["point"]} for item in topology.gaps
        ],
        "slivers": topology.slivers,
        "sliver_below_m2": SLIVER_M2,
    }


def comparison_document(
    first: SchemeVersion, second: SchemeVersion, comparison: ZoningComparison, lang: Lang
) -> dict[str, Any]:
    """The matrix of areas that moved from class to class, and its sums."""
    return {
        "from": first.named(),
        "to": second.named(),
        "area_method": AREA_METHOD,
        "unchanged_km2": km2(comparison.unchanged_m2),
        "changed_km2": km2(comparison.changed_m2),
        "from_classes": [_told(item, lang) for item in comparison.before],
        "to_classes": [_told(item, lang) for item in comparison.after],
        "moves": _moves(comparison),
    }


def _told(item: ClassArea, lang: Lang) -> dict[str, Any]:
    name = item.name_zh if lang == "zh" else item.name_en
    return {"class": item.code, "name": name, "area_km2": km2(item.area_m2)}


def _moves(comparison: ZoningComparison) -> list[dict[str, Any]]:
    known = [
        {"from": origin, "to": target, "area_km2": km2(area)}
        for (origin, target), area in sorted(comparison.moved.items())
    ]
    left = [
        {"from": code, "to": OUTSIDE, "area_km2": km2(area)}
        for code, area in sorted(comparison.left.items())
    ]
    entered = [
        {"from": OUTSIDE, "to": code, "area_km2": km2(area)}
        for code, area in sorted(comparison.entered.items())
    ]
    return [*known, *(item for item in (*left, *entered) if item["area_km2"])]


def mover(document: dict[str, Any]) -> Callable[[str, str], str]:
    """What tells, for a page, how much moved from one class to another."""
    moves = {(move["from"], move["to"]): move["area_km2"] for move in document["moves"]}

    def moved(origin: str, target: str) -> str:
        area = moves.get((origin, target))
        return f"{area:,.2f}" if area else "–"

    return moved


def comparison_csv(document: dict[str, Any]) -> bytes:
    """The moves in lines, after a mark by which spreadsheets know UTF-8."""
    text = io.StringIO()
    writer = csv.DictWriter(text, ("from", "to", "area_km2"))
    writer.writeheader()
    writer.writerows(document["moves"])
    return "\ufeff".encode() + text.getvalue().encode()


def adjusted_document(adjusted: Adjusted) -> dict[str, Any]:
    """What an adjustment did."""
    moved = {code: km2(area) for code, area in sorted(adjusted.moved_m2.items())}
    return {
        "scheme": adjusted.scheme.named(),
        "to_class": adjusted.to_class,
        "moved_km2": moved,
        "total_moved_km2": km2(sum(adjusted.moved_m2.values())),
        "area_method": AREA_METHOD,
    }


def adjustments_document(scheme: SchemeVersion, rows: list[dict[str, Any]]) -> dict[str, Any]:
    """What was moved by hand in a version."""
    return {
        "scheme": scheme.named(),
        "adjustments": [
            {
                "seq": row["seq"],
                "from_class": row["from_class"],
                "to_class": row["to_class"],
                "area_km2": km2(row["area_m2"]),
                "note": row["note"],
                "actor": row["actor"],
                "at": rfc3339(row["at"]),
                "geometry": orjson.loads(row["geometry"]),
            }
            for row in rows
        ],
    }
