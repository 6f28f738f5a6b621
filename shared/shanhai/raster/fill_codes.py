"""Codes that open products write where they have no value, and what each of them means.

NASA's annual MODIS layers of production and evapotranspiration put a class of land cover in place
of what was not computed. Their numbers look like large values of the same layer. WorldPop's
constrained counts have their no-data number wherever nobody lives.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

from shanhai.vocabulary import Label

CodeValue = float | Literal["nodata"]
"""What somebody says a code stands for: a value in the theme's unit, or that it is unknown."""

Real = TypeVar("Real", bound=np.floating)
UNKNOWN = float("nan")
_STEP = 0.1
"""Values of the MODIS layers are stored in tenths of the theme's unit."""
_NEAR = 0.04


@dataclass(frozen=True, slots=True)
class FillCode:
    """A code of a product.

    Attributes:
        raw: As the product stores it.
        label: What it marks.
        value: What it stands for in the theme's unit, NaN where that is unknown; None where
            nobody but the user can say.
        scaled: What becomes of the raw number when it is taken for a value; None where the number
            is none.
    """

    raw: float
    label: Label
    value: float | None
    scaled: float | None = None

    @property
    def means_value(self) -> bool:
        """Whether it stands for a value that is known."""
        return self.value is not None and not math.isnan(self.value)


def _modis(last: int, **values: float) -> tuple[FillCode, ...]:
    """The seven codes that end with `last`; `values` are what some of them stand for."""
    names = (
        ("unclassified", Label("未分类", "unclassified")),
        ("built_up", Label("城市和建设用地", "urban and built-up land")),
        ("wetland", Label("永久湿地", "permanent wetland")),
        ("snow", Label("常年冰雪", "perennial snow and ice")),
        ("barren", Label("裸地或稀疏植被", "barren or sparse vegetation")),
        ("water", Label("水体", "water")),
        ("fill", Label("填充值", "fill")),
    )
    first = last - len(names) + 1
    return tuple(
        FillCode(raw, label, values.get(name), raw * _STEP)
        for raw, (name, label) in enumerate(names, first)
    )


_NOTHING_GROWS = {"snow": 0.0, "barren": 0.0, "water": 0.0, "fill": UNKNOWN}
_NPP = _modis(32_767, **_NOTHING_GROWS)
FILL_CODES: Mapping[str, tuple[FillCode, ...]] = MappingProxyType(
    {
        "npp": _NPP,
        "npp_series": _NPP,
        "gpp": _modis(65_535, **_NOTHING_GROWS),
        "evapotranspiration": _modis(65_535, fill=UNKNOWN),
        "population": (FillCode(-99_999.0, Label("无人居住", "unsettled"), 0.0),),
    }
)
"""By theme: MOD17A3HGF, its GPP, MOD16A3GF, and WorldPop."""


def codes_of(theme: str, stated: Mapping[str, CodeValue]) -> tuple[FillCode, ...]:
    """The codes of a theme, with what the user says of them or of others."""
    known = {code.raw: code for code in FILL_CODES.get(theme, ())}
    for raw, value in ((float(text), value) for text, value in stated.items()):
        former = known.get(raw)
        known[raw] = FillCode(
            raw,
            former.label if former else Label("用户说明", "as stated"),
            UNKNOWN if value == "nodata" else float(value),
            former.scaled if former else None,
        )
    return tuple(known[raw] for raw in sorted(known))


def give_meaning(
    raw: NDArray[Real], values: NDArray[Real], codes: tuple[FillCode, ...], found: dict[float, int]
) -> NDArray[Real]:
    """Put what each code stands for in place of it, in `values`; what nobody can say becomes NaN.

    Args:
        raw: Numbers as the file has them.
        values: The same in the theme's unit.
        codes: The codes to look for.
        found: Cells by code, added to.
    """
    for code in codes:
        hit = _cells_of(code, raw, values)
        cells = int(np.count_nonzero(hit))
        if cells:
            found[code.raw] = found.get(code.raw, 0) + cells
            values[hit] = UNKNOWN if code.value is None else code.value
    return values


def _cells_of(code: FillCode, raw: NDArray[Real], values: NDArray[Real]) -> NDArray[np.bool_]:
    hit = np.asarray(raw == code.raw)
    return hit if code.scaled is None else hit | (np.abs(values - code.scaled) < _NEAR)


def unexplained(codes: tuple[FillCode, ...], found: Mapping[float, int]) -> Label | None:
    """The codes that occur without anybody having said what they stand for, with their cells."""
    told = [(code, found[code.raw]) for code in codes if code.value is None and code.raw in found]
    if not told:
        return None
    return Label(
        "、".join(f"{code.raw:.0f}（{code.label.zh}）{cells} 个像元" for code, cells in told),
        ", ".join(f"{code.raw:.0f} ({code.label.en}), {cells} cells" for code, cells in told),
    )


def explained(codes: tuple[FillCode, ...], found: Mapping[float, int], unit: str) -> Label | None:
    """The codes that occur, with what they were taken for."""
    told = [(code, found[code.raw]) for code in codes if code.raw in found]
    if not told:
        return None
    return Label(
        "；".join(
            f"{code.raw:.0f}（{code.label.zh}）{cells} 个像元按{_taken_for(code, unit).zh}处理"
            for code, cells in told
        ),
        "; ".join(
            f"{code.raw:.0f} ({code.label.en}): {cells} cells are taken as "
            f"{_taken_for(code, unit).en}"
            for code, cells in told
        ),
    )


def _taken_for(code: FillCode, unit: str) -> Label:
    if not code.means_value:
        return Label("无数据", "nodata")
    return Label(f" {code.value:g} {unit} ", f"{code.value:g} {unit}")
