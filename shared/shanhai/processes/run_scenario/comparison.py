"""The figures of a scenario: the land and the network before and after, and their tables."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from shanhai.cartography import LAND_COVER
from shanhai.processes.build_network.context import Scene
from shanhai.processes.kit.region import LAND
from shanhai.processes.run_scenario import before_after
from shanhai.processes.run_scenario.contract import RunScenarioInputs
from shanhai.processes.run_scenario.edits import Edited
from shanhai.science.corridors.connectivity import Gain
from shanhai.science.grid import IntArray
from shanhai.vocabulary import Label

_DIGITS = 6
Document = dict[str, Any]

MEASURES: Mapping[str, tuple[Label, str]] = {
    "sources": (Label("源地数", "Sources"), "1"),
    "sources_ha": (Label("源地面积", "Area of the sources"), "ha"),
    "corridors": (Label("廊道数", "Corridors"), "1"),
    "length_km": (Label("廊道总长", "Length of the corridors"), "km"),
    "corridors_ha": (Label("廊道面积", "Area of the corridors"), "ha"),
    "components": (Label("连通部分", "Parts of the network"), "1"),
    "pc": (Label("可能连通性指数 PC", "Probability of connectivity, PC"), "1"),
    "iic": (Label("整体连通性指数 IIC", "Integral index of connectivity, IIC"), "1"),
    "eca_ha": (Label("等效连通面积 ECA", "Equivalent connected area, ECA"), "ha"),
    "alpha": (Label("α 网络闭合度", "α, closure"), "1"),
    "beta": (Label("β 点线率", "β, links for each source"), "1"),
    "gamma": (Label("γ 网络连接度", "γ, connection"), "1"),
    "cost_ratio": (Label("成本比", "Cost ratio"), "1"),
    "mean_lcd_cost_m": (Label("平均最小累积阻力", "Mean least cost of the links"), "m"),
}
"""What is compared, with names and units."""

TABLE_HEAD = (
    *("group", "item", "name_zh", "name_en", "unit", "before", "after", "change"),
    "change_percent",
)
LINK_HEAD = (
    *(
        "code",
        "name_zh",
        "name_en",
        "change",
        "source_a",
        "source_b",
        "lcd_cost_m_before",
        "lcd_cost_m_after",
    ),
    *("length_m_before", "length_m_after", "r_eff_ohm_before", "r_eff_ohm_after"),
    *("area_ha_before", "area_ha_after", "lcd_change_percent", "computed_anew"),
)


def ground_document(scene: Scene, edited: Edited, inputs: RunScenarioInputs) -> Document:
    """What every scenario tells, whatever it compares: its edits and the land; units in names."""
    return {
        "name_zh": inputs.name_zh,
        "name_en": inputs.name_en,
        "compared": list(inputs.compare),
        "cell_m": scene.cell_m,
        "land_area_km2": _rounded(scene.land_cells * scene.grid.cell_area_ha / 100),
        "edits": [
            {
                "name_zh": one.edit.name_zh,
                "name_en": one.edit.name_en or one.edit.name_zh,
                "kind": one.edit.kind,
                "cells": one.cells,
                "area_ha": _rounded(one.cells * scene.grid.cell_area_ha),
            }
            for one in edited.burnt
        ],
        "land_cover": _land_cover(scene, edited.scene),
    }


def network_document(
    rehearsal: before_after.Rehearsal, links: Sequence[before_after.Sides]
) -> Document:
    """What differs of the network."""
    before, after = measures_of(rehearsal.before), measures_of(rehearsal.after)
    return {
        "measures": [
            {
                "item": name,
                "name_zh": label.zh,
                "name_en": label.en,
                "unit": unit,
                **_difference(before[name], after[name]),
            }
            for name, (label, unit) in MEASURES.items()
        ],
        "connectivity": _gain(before, after),
        "status": {"before": _status(rehearsal.before), "after": _status(rehearsal.after)},
        "changes": {
            name: sum(one.change == name for one in links) for name in before_after.CHANGES
        },
        "links": [link_row(one, rehearsal) for one in links],
        "sources": _sources(rehearsal),
        "anew": dict(rehearsal.record["anew"]),
    }


def measures_of(state: before_after.State) -> dict[str, float | None]:
    """The figures of a network that are compared."""
    indices, links = state.metrics.indices, state.network.links
    costs = [link.path.cost for link in links]
    known = {name: indices[name] for name in MEASURES if name in indices}
    return {
        **known,
        "sources": state.sources.patches.count,
        "sources_ha": float(state.sources.patches.area_ha.sum()),
        "corridors": len(links),
        "corridors_ha": sum(link.width.area_m2 for link in links) / 1e4,
        "mean_lcd_cost_m": float(np.mean(costs)) if costs else None,
    }


def link_row(sides: before_after.Sides, rehearsal: before_after.Rehearsal) -> Document:
    """A link as the document and the files tell it."""
    before, after = sides.before, sides.after
    was = rehearsal.before.conduct[before.pair] if before else None
    will_be = rehearsal.after.conduct[after.pair] if after else None
    costs = _difference(before.path.cost if before else None, after.path.cost if after else None)
    return {
        "code": sides.code,
        "name_zh": sides.title.zh if sides.title else None,
        "name_en": sides.title.en if sides.title else None,
        "change": sides.change,
        "source_a": sides.sources[0],
        "source_b": sides.sources[1],
        "lcd_cost_m_before": costs["before"],
        "lcd_cost_m_after": costs["after"],
        "length_m_before": _rounded(before.path.length_m if before else None),
        "length_m_after": _rounded(after.path.length_m if after else None),
        "r_eff_ohm_before": _rounded(was.r_eff_ohm if was else None),
        "r_eff_ohm_after": _rounded(will_be.r_eff_ohm if will_be else None),
        "area_ha_before": _rounded(before.width.area_m2 / 1e4 if before else None),
        "area_ha_after": _rounded(after.width.area_m2 / 1e4 if after else None),
        "lcd_change_percent": costs["change_percent"],
        "computed_anew": after is not None and after.pair not in rehearsal.kept,
    }


def table_rows(document: Mapping[str, Any]) -> Iterator[tuple[Any, ...]]:
    """Measures, links by what became of them, ratios, areas of zones and of land cover."""
    figures = ("before", "after", "change", "change_percent")
    for one in document.get("measures", ()):
        yield ("network", *(one[name] for name in ("item", "name_zh", "name_en", "unit", *figures)))
    for name, count in document.get("changes", {}).items():
        label = CHANGE_LABELS[name]
        yield ("links", name, label.zh, label.en, "1", None, count, None, None)
    for one in document.get("ratios", ()):
        if one["place"] == document["place"]:
            numbers = _difference(one["before"], one["after"])
            item = one["service"] or "comprehensive"
            told = (item, one["name_zh"], one["name_en"], "1")
            yield ("ratio", *told, *(numbers[name] for name in figures))
    for one in document.get("zone_areas", ()):
        numbers = _difference(one["before"], one["after"])
        told = (one["zone"], one["name_zh"], one["name_en"], "ha")
        yield ("zones", *told, *(numbers[name] for name in figures))
    for one in document["land_cover"]:
        yield (
            "land_cover",
            *(one[name] for name in ("class", "name_zh", "name_en")),
            "ha",
            *(one[name] for name in figures),
        )


def link_rows(document: Mapping[str, Any]) -> Iterator[tuple[Any, ...]]:
    """One row for each link of either network."""
    for one in document["links"]:
        yield tuple(one[name] for name in LINK_HEAD)


CHANGE_LABELS: Mapping[str, Label] = {
    "opened": Label("新增廊道", "Corridors opened"),
    "closed": Label("消失廊道", "Corridors closed"),
    "merged": Label("随源地合并的廊道", "Corridors of sources that became one"),
    "split": Label("随源地分割的廊道", "Corridors of parts of a source that fell apart"),
    "cheaper": Label("阻力降低的廊道", "Corridors that became cheaper"),
    "dearer": Label("阻力升高的廊道", "Corridors that became dearer"),
    "same": Label("阻力不变的廊道", "Corridors of the same cost"),
}


def _gain(before: Mapping[str, float | None], after: Mapping[str, float | None]) -> Document:
    """Change of ECA against that of the area of the sources (Saura et al. 2011)."""
    eca = _relative(before["eca_ha"], after["eca_ha"])
    area = _relative(before["sources_ha"], after["sources_ha"])
    return {
        "eca_change_percent": _rounded(100 * eca),
        "area_change_percent": _rounded(100 * area),
        "improves_connectivity": Gain(eca, area).improves_connectivity,
    }


def _relative(before: float | None, after: float | None) -> float:
    """Relative change of what every network has, above 0."""
    return (after or 0.0) / (before or 1.0) - 1.0


def _sources(rehearsal: before_after.Rehearsal) -> list[Document]:
    """Every source of either network, with its area before and after."""
    told = before_after.codes_after(rehearsal)
    was = rehearsal.before.sources.patches.area_ha
    will_be = rehearsal.after.sources.patches.area_ha
    after_of = {old: new for new, old in rehearsal.matching.before_of.items()}
    kept = [
        (
            f"s{number:03}",
            float(was[number - 1]),
            float(will_be[after_of[number] - 1]) if number in after_of else None,
        )
        for number in rehearsal.before.network.numbers
    ]
    new = [
        (code, None, float(will_be[number - 1]))
        for number, code in told.items()
        if number not in rehearsal.matching.before_of
    ]
    return [
        {"code": code, "area_ha_before": _rounded(before), "area_ha_after": _rounded(after)}
        for code, before, after in (*kept, *new)
    ]


def _land_cover(*scenes: Scene) -> list[Document]:
    """Area of each class of land cover that occurs before or after, on the land of the region."""
    counts = [_classes(one) for one in scenes]
    cell_ha = scenes[0].grid.cell_area_ha
    return [
        {
            "class": entry.code,
            "name_zh": entry.label.zh,
            "name_en": entry.label.en,
            **_difference(*(float(one[entry.value]) * cell_ha for one in counts)),
        }
        for entry in LAND_COVER.entries
        if any(one[entry.value] for one in counts)
    ]


def _classes(scene: Scene) -> IntArray:
    land = scene.store.read_classes(LAND, scene.store.whole) == 1
    return np.bincount(scene.cover[land], minlength=256)


def _status(state: before_after.State) -> str:
    return "disconnected" if state.network.disconnected else "connected"


def _difference(before: float | None, after: float | None) -> Document:
    """Before, after and what lies between them; None where either is unknown."""
    known = before is not None and after is not None
    change = after - before if before is not None and after is not None else None
    return {
        "before": _rounded(before),
        "after": _rounded(after),
        "change": _rounded(change),
        "change_percent": (
            _rounded(100 * change / abs(before))
            if known and change is not None and before
            else None
        ),
    }


def _rounded(value: float | None) -> float | None:
    return value if value is None or isinstance(value, int) else round(float(value), _DIGITS)
