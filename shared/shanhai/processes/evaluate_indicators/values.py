"""What a computation gives back for a year, or why there is nothing; land cover, counted once."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property
from math import isfinite
from pathlib import Path
from typing import Any

import numpy as np

from shanhai.processes.evaluate_indicators import contract
from shanhai.processes.evaluate_indicators.computations import BY_ID, Computation
from shanhai.processes.kit.region import GridInputs, StudyArea, build_study_area, windows_of
from shanhai.processes.kit.task import Task
from shanhai.raster.cells import cells_within
from shanhai.raster.themes import THEME_RULES
from shanhai.raster.warp import RasterSource, align, open_source
from shanhai.science.grid import BoolArray, FloatArray, IntArray, Window
from shanhai.science.landcover import LandCover
from shanhai.science.units import convert
from shanhai.vocabulary import Label

LAND_COVER, TRAVEL_TIME = "land_cover", "travel_time"
_UNKNOWN = len(LandCover) + 1


class CoverCounts:
    """Cells of a region by class of the land cover, and the built-up ones within some minutes."""

    def __init__(self, task: Task, inputs: GridInputs) -> None:
        self._task = task
        self._inputs = inputs
        self._counted: dict[int, IntArray] = {}

    @cached_property
    def area(self) -> StudyArea:
        """The region on its grid."""
        return build_study_area(self._task, self._inputs)

    def has(self, theme: str, year: int) -> bool:
        """Whether there is a raster of the theme for the year."""
        return f"{theme}.{year}" in self._task.datasets

    def code(self, theme: str, year: int) -> str:
        """The code of that dataset."""
        return self._task.datasets[f"{theme}.{year}"].code

    def classes(self, year: int) -> IntArray:
        """Cells by class code; 0 is the sea, and the last is not known."""
        if year not in self._counted:
            cover = self._open(LAND_COVER, year)
            counts = np.zeros(_UNKNOWN + 1, dtype=np.int64)
            for window in windows_of(self.area.grid):
                counts += np.bincount(self._cover(cover, window), minlength=len(counts))
            self._counted[year] = counts
        return self._counted[year]

    def built_up_within(self, year: int, minutes: float) -> tuple[int, int]:
        """Built-up cells within some minutes, and all of them whose time is known."""
        cover, time = self._open(LAND_COVER, year), self._open(TRAVEL_TIME, year)
        near, known = 0, 0
        for window in windows_of(self.area.grid):
            built = self._cover(cover, window) == LandCover.BUILT_UP
            taken = align(time, self.area.grid, window)[0][self._inside(window)][built]
            known += int(np.count_nonzero(~np.isnan(taken)))
            near += int(np.count_nonzero(taken <= minutes))
        return near, known

    def _open(self, theme: str, year: int) -> RasterSource:
        dataset = self._task.datasets[f"{theme}.{year}"]
        return open_source(Path(self._task.files[dataset.uri]), THEME_RULES[theme].quantity)

    def _inside(self, window: Window) -> BoolArray:
        return cells_within(self.area.outline, self.area.grid, window)

    def _cover(self, cover: RasterSource, window: Window) -> IntArray:
        values: FloatArray = align(cover, self.area.grid, window)[0][self._inside(window)]
        codes: IntArray = np.nan_to_num(values, nan=_UNKNOWN).astype(np.int64)
        return codes


DECIMALS = 6
"""Digits after the point that are kept: more than any input has."""


@dataclass(frozen=True, slots=True)
class Figure:
    """A value of a year in the computation's unit, with all it rests on.

    Attributes:
        method: How it was found, as far as the formula does not say.
        standard: The standard it was judged by, if any.
        inputs: What it was computed from: datasets, stations and observations, control areas.
        details: Its parts, such as the class of each section.
    """

    value: float
    method: Label
    inputs: Mapping[str, Any]
    standard: Mapping[str, Any] | None = None
    details: Mapping[str, Any] = field(default_factory=dict)

    def in_unit(self, computation: Computation, unit: str) -> Decimal:
        """The value in the indicator's unit.

        Raises:
            ValueError: it is not finite.
        """
        if not isfinite(self.value):
            raise ValueError(f"{computation.id} gave {self.value}")
        return convert(Decimal(repr(round(self.value, DECIMALS))), computation.unit, unit)


@dataclass(frozen=True, slots=True)
class Missing:
    """Why a year has no value: the input that is not there."""

    reason: Label

    @classmethod
    def of(cls, zh: str, en: str) -> "Missing":
        """What lacks an input, for this reason."""
        return cls(Label(zh, en))


Found = Figure | Missing


@dataclass(frozen=True)
class Material:
    """All that is computed from: the task, what was asked, and rasters as they are counted.

    Attributes:
        covers: Counts of the classes of the land cover by year.
    """

    task: contract.EvaluateIndicatorsTask
    inputs: contract.EvaluateIndicatorsInputs
    covers: CoverCounts

    @cached_property
    def held(self) -> contract.IndicatorsTask:
        """What was looked up when the job was accepted.

        Raises:
            LookupError: the task carries nothing of it.
        """
        if self.task.indicators is None:
            raise LookupError("the task carries no indicators")
        return self.task.indicators


@dataclass(frozen=True, slots=True)
class Asked:
    """One indicator in one year."""

    material: Material
    indicator: contract.IndicatorTask
    year: int

    @property
    def computation(self) -> Computation:
        """How it is computed.

        Raises:
            LookupError: it is not.
        """
        if self.indicator.computation is None:
            raise LookupError(f"{self.indicator.code} has no computation")
        return BY_ID[self.indicator.computation]

    def stations(self, kind: str) -> list[contract.StationTask]:
        """The stations named for the indicator, else all of a kind."""
        named = self.indicator.stations
        return [
            one
            for one in self.material.held.stations
            if (one.kind == kind if named is None else one.code in named)
        ]
