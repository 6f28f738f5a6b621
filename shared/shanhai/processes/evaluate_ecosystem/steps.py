"""What every evaluation gives back, and what the evaluations of one run share."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from shanhai.processes.evaluate_ecosystem.contract import (
    EvaluateEcosystemInputs,
    EvaluationParameters,
)
from shanhai.processes.kit.layers import VegetationScale, vegetation_scale
from shanhai.processes.kit.region import Place
from shanhai.science.flags import ResultFlag


@dataclass(frozen=True, slots=True)
class Result:
    """What an evaluation wrote, and how.

    Attributes:
        classes: Class layers written, the leading one first.
        quantities: Quantity layers written, with their units.
        record: How they were made, for the manifest.
        flags: What a reader must know.
    """

    classes: tuple[str, ...]
    quantities: dict[str, str] = field(default_factory=dict)
    record: dict[str, Any] = field(default_factory=dict)
    flags: tuple[ResultFlag, ...] = ()


class EvaluationRun:
    """One evaluation of a place: its inputs, and the numbers several evaluations need."""

    def __init__(self, place: Place, inputs: EvaluateEcosystemInputs) -> None:
        self.place = place
        self.inputs = inputs
        self.results: dict[str, Result] = {}

    @property
    def parameters(self) -> EvaluationParameters:
        """Parameters of the run."""
        return self.inputs.parameters

    @cached_property
    def scale(self) -> VegetationScale:
        """NDVI of bare soil and full cover."""
        return vegetation_scale(
            self.place, self.parameters.ndvi_soil, self.parameters.ndvi_vegetation
        )


Step = Callable[[EvaluationRun], Result]
"""Evaluates a place; writes its layers into the store."""
