"""What an aligned input holds on the land of the region, for the manifest."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from shanhai.raster.themes import THEME_RULES
from shanhai.raster.warp import RasterQuantity
from shanhai.science.arrays import BoolArray, FloatArray

_DIGITS = 6


@dataclass(frozen=True, slots=True)
class Tally:
    """One theme on the land cells of a window, or of the whole region.

    Attributes:
        nodata: Land cells without a value, impossible values included.
        out_of_range: Land cells whose value was impossible for the theme.
        count: Cells with a value, by band.
        total: Their sum, by band.
        low: Their minimum, by band; infinite where there is none.
        high: Their maximum, by band.
    """

    nodata: int
    out_of_range: int
    count: FloatArray
    total: FloatArray
    low: FloatArray
    high: FloatArray

    @classmethod
    def of(
        cls, shown: FloatArray, known: BoolArray, impossible: BoolArray, land: BoolArray
    ) -> "Tally":
        """Count a window.

        Args:
            shown: Bands to be described; none for classes.
            known: Cells in which every band has a value.
            impossible: Cells in which a value was out of range.
            land: Land cells.
        """
        held = shown[:, land & known]
        return cls(
            nodata=int(np.count_nonzero(land & ~known)),
            out_of_range=int(np.count_nonzero(land & impossible)),
            count=np.full(len(shown), float(held.shape[1])),
            total=held.sum(axis=1),
            low=held.min(axis=1, initial=np.inf),
            high=held.max(axis=1, initial=-np.inf),
        )

    @classmethod
    def together(cls, parts: Iterable["Tally"]) -> "Tally":
        """The tally of all windows, in their order."""
        found = list(parts)
        return cls(
            nodata=sum(part.nodata for part in found),
            out_of_range=sum(part.out_of_range for part in found),
            count=np.sum([part.count for part in found], axis=0),
            total=np.sum([part.total for part in found], axis=0),
            low=np.min([part.low for part in found], axis=0),
            high=np.max([part.high for part in found], axis=0),
        )

    def document(self) -> dict[str, Any]:
        """Members of an input in the manifest; a list where there are several bands."""
        none = self.count == 0
        mean = np.divide(self.total, self.count, out=np.full(len(none), np.nan), where=~none)
        return {
            "nodata_cells": self.nodata,
            "out_of_range_cells": self.out_of_range,
            "min": _by_band(np.where(none, np.nan, self.low)),
            "mean": _by_band(mean),
            "max": _by_band(np.where(none, np.nan, self.high)),
        }


def possible(theme: str, bands: FloatArray) -> tuple[FloatArray, BoolArray]:
    """The bands without values out of the theme's range, and the cells that held any.

    Counts have no upper limit here: the range is that of a source cell, and cells may be larger.
    """
    rule = THEME_RULES[theme]
    low, high = rule.ranges[len(bands)]
    if rule.quantity is RasterQuantity.EXTENSIVE:
        high = np.inf
    outside: BoolArray = (bands < low) | (bands > high)
    if not outside.any():
        return bands, np.zeros(bands.shape[1:], dtype=bool)
    return np.where(outside, np.nan, bands), np.asarray(outside.any(axis=0))


def _by_band(values: FloatArray) -> float | list[float | None] | None:
    told = [None if np.isnan(value) else round(float(value), _DIGITS) for value in values]
    if not told:
        return None
    return told[0] if len(told) == 1 else told
