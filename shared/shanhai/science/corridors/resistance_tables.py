"""Tables of resistance: which land hinders movement how much. Tables are data, with a version."""

import math
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from itertools import pairwise
from typing import Any

import numpy as np

from shanhai.errors import InvalidInput
from shanhai.science.grid import FloatArray
from shanhai.vocabulary import Label

LOWEST, HIGHEST = 1.0, 1000.0
"""Range of every table and of the finished surface."""

FACTORS = ("land_cover", "slope", "roads", "water")
ROADS = ("main", "minor")
"""Kinds of roads: expressways, railways and trunk roads; all others."""

TABLES = ("resistance-city",)


@dataclass(frozen=True, slots=True)
class Bands:
    """Resistance by bands of a quantity.

    Attributes:
        edges: Where a band ends and the next begins, ascending; an edge belongs to the next band.
        values: One more than edges.
    """

    edges: tuple[float, ...]
    values: tuple[float, ...]

    def of(self, quantity: FloatArray) -> FloatArray:
        """Resistance of each cell; +∞ is in the last band, NaN stays NaN."""
        band = np.searchsorted(np.array(self.edges), quantity, side="right")
        resistance = np.array(self.values)[band]
        return np.where(np.isnan(quantity), np.nan, resistance)


@dataclass(frozen=True, slots=True)
class ResistanceTable:
    """One version of a table.

    Attributes:
        version: Its identifier, told with every result.
        label: Name.
        note: What a reader must know of the figures.
        status: V, L or E.
        source: Where the figures come from.
        weights: Of each factor, ≥ 0, in any unit; they are divided by their sum.
        land_cover: By name of the class.
        slope: By degrees.
        roads: By metres to the nearest road of a kind.
        water: By metres to the nearest water.
    """

    version: str
    label: Label
    note: Label
    status: str
    source: str
    weights: Mapping[str, float]
    land_cover: Mapping[str, float]
    slope: Bands
    roads: Mapping[str, Bands]
    water: Bands


@cache
def load_table(name: str) -> ResistanceTable:
    """A table that is part of the platform.

    Raises:
        InvalidInput: there is none of that name.
    """
    if name not in TABLES:
        raise InvalidInput(
            f"resistance table is {name!r}; it must be one of {', '.join(TABLES)}",
            message_zh=f"阻力表 {name!r} 未知，可选：{'、'.join(TABLES)}",
            pointer="/table",
        )
    path = files(__package__).joinpath("catalogues", f"{name}.toml")
    return read_table(tomllib.loads(path.read_text("utf-8")))


def read_table(document: Mapping[str, Any]) -> ResistanceTable:
    """A table as a file or a request states it, checked.

    Raises:
        InvalidInput: a part is missing, a weight is negative, a resistance lies outside 1 to 1000,
            edges do not ascend or do not fit the values.
    """
    for part in ("version", *FACTORS):
        _part(document, part, "")
    slope, water = (_bands(document[name], f"/{name}") for name in ("slope", "water"))
    return ResistanceTable(
        version=str(document["version"]),
        label=_label(document, ""),
        note=_label(document, "note_"),
        status=str(document.get("status", "E")),
        source=str(document.get("source", "")),
        weights={name: _weight(document[name], f"/{name}") for name in FACTORS},
        land_cover=_classes(_part(document["land_cover"], "values", "/land_cover")),
        slope=slope,
        roads={
            kind: _bands(_part(document["roads"], kind, "/roads"), f"/roads/{kind}")
            for kind in ROADS
        },
        water=water,
    )


def _label(document: Mapping[str, Any], prefix: str) -> Label:
    zh, en = (str(document.get(f"{prefix}{lang}", "")) for lang in ("zh", "en"))
    return Label(zh, en)


def _part(document: Mapping[str, Any], name: str, pointer: str) -> Any:
    if name not in document:
        raise InvalidInput(
            f"the resistance table has no {pointer}/{name}; it is needed",
            message_zh=f"阻力表缺少 {pointer}/{name}",
            pointer=f"{pointer}/{name}",
        )
    return document[name]


def _weight(document: Mapping[str, Any], pointer: str) -> float:
    return _within(_part(document, "weight", pointer), 0.0, math.inf, f"{pointer}/weight")


def _classes(values: Mapping[str, Any]) -> dict[str, float]:
    return {
        name: _within(value, LOWEST, HIGHEST, f"/land_cover/values/{name}")
        for name, value in values.items()
    }


def _bands(document: Mapping[str, Any], pointer: str) -> Bands:
    edges = [float(edge) for edge in _part(document, "edges", pointer)]
    values = _part(document, "values", pointer)
    _require_bands(edges, values, pointer)
    checked = (
        _within(value, LOWEST, HIGHEST, f"{pointer}/values/{number}")
        for number, value in enumerate(values)
    )
    return Bands(tuple(edges), tuple(checked))


def _require_bands(edges: Sequence[float], values: Sequence[float], pointer: str) -> None:
    ascending = all(low < high for low, high in pairwise(edges))
    if not (ascending and all(map(math.isfinite, edges)) and len(values) == len(edges) + 1):
        raise InvalidInput(
            f"{pointer} has the edges {list(edges)} and {len(values)} values; edges must be finite "
            "and ascend, with one value more than edges",
            message_zh=f"{pointer} 的分界为 {list(edges)}，值 {len(values)} 个；"
            "分界须为有限数且递增，值比分界多一个",
            pointer=f"{pointer}/edges",
        )


def _within(value: float, low: float, high: float, pointer: str) -> float:
    number = float(value)
    if not low <= number <= high or math.isinf(number):
        raise InvalidInput(
            f"{pointer} is {number:g}; it must lie between {low:g} and {high:g}",
            message_zh=f"{pointer} 为 {number:g}，须在 {low:g} 与 {high:g} 之间",
            pointer=pointer,
        )
    return number
