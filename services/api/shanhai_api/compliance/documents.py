"""The register of a region's lines as a document."""

from collections.abc import Sequence
from typing import Any

from shanhai.db.compliance.register import Decline, Total
from shanhai.db.compliance.result import LABELS, GeodesicSize
from shanhai.db.compliance.serialization import in_both


def describe_lines(totals: Sequence[Total], region_m2: float | None) -> list[dict[str, Any]]:
    """The kinds of lines, each with its delimitations where there are any."""
    found: list[dict[str, Any]] = []
    for total in totals:
        if total.whole_kind:
            named = {"kind": total.kind, **in_both("name", LABELS[total.kind])}
            found.append({**named, **_sizes(total, region_m2), "delimitations": []})
        elif total.delimitation is not None:
            part = {"delimitation": total.delimitation, **_sizes(total, region_m2)}
            found[-1]["delimitations"].append(part)
    return found


def _sizes(total: Total, region_m2: float | None) -> dict[str, Any]:
    area_km2 = None if total.area_m2 is None else total.area_m2 / 1e6
    approved = total.approved_km2
    compared = area_km2 is not None and approved is not None
    return {
        "areas": total.areas,
        "drawn": total.drawn,
        "area_km2": None if area_km2 is None else round(area_km2, 4),
        "length_km": None if total.length_m is None else round(total.length_m / 1e3, 4),
        "approved_km2": approved,
        "approved_from": None
        if approved is None
        else "parts"
        if total.approved_by_parts
        else "region",
        "difference_km2": round((area_km2 or 0) - (approved or 0), 4) if compared else None,
        "share_percent": None
        if area_km2 is None or not region_m2
        else round(100 * area_km2 * 1e6 / region_m2, 4),
    }


def describe_decline(decline: Decline) -> dict[str, Any]:
    """A loss within one delimitation."""
    return {
        "kind": decline.kind,
        **in_both("name", LABELS[decline.kind]),
        "delimitation": decline.delimitation,
        "day": decline.day.isoformat(),
        "lost": GeodesicSize(area_m2=decline.lost_m2).document(),
        "codes": list(decline.codes),
    }
