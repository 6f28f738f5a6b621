"""What a computation gives back for a year: a value with its origin, or why there is none."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property
from math import isfinite
from typing import Any

from shanhai.processes.evaluate_indicators.computations import BY_ID, Computation
from shanhai.processes.evaluate_indicators.contract import EvaluateIndicatorsInputs
from shanhai.processes.evaluate_indicators.cover import CoverCounts
from shanhai.processes.evaluate_indicators.task import (
    EvaluateIndicatorsTask,
    IndicatorsTask,
    IndicatorTask,
    StationTask,
)
from shanhai.science.units import convert
from shanhai.vocabulary import Label

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


Found = Figure | Missing


@dataclass(frozen=True)
class Material:
    """All that is computed from: the task, what was asked, and rasters as they are counted.

    Attributes:
        covers: Counts of the classes of the land cover by year.
    """

    task: EvaluateIndicatorsTask
    inputs: EvaluateIndicatorsInputs
    covers: CoverCounts

    @cached_property
    def held(self) -> IndicatorsTask:
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
    indicator: IndicatorTask
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

    def stations(self, kind: str) -> list[StationTask]:
        """The stations named for the indicator, else all of a kind."""
        named = self.indicator.stations
        return [
            one
            for one in self.material.held.stations
            if (one.kind == kind if named is None else one.code in named)
        ]
