"""What a choice of sites is for: four goals, each with its variables and its value."""

from dataclasses import dataclass

import numpy as np

from shanhai.errors import InvalidInput
from shanhai.science.arrays import BoolArray, FloatArray
from shanhai.science.selection.checks import require_quantities


@dataclass(frozen=True, slots=True)
class MinimumSet:
    """Reach every target at the least cost: `min Σ cᵢxᵢ`, `Σ b_fi·xᵢ ≥ T_f`.

    Attributes:
        targets: T of each feature, ≥ 0, in its unit; 0 asks for nothing.
    """

    targets: FloatArray


@dataclass(frozen=True, slots=True)
class MaximumBenefit:
    """Gain most: `max Σ w_f·min(Σ b_fi·xᵢ, cap_f)`.

    Attributes:
        weights: w of each feature, ≥ 0, not all 0.
        caps: Amounts beyond which more counts for nothing, ≥ 0; None for no caps.
    """

    weights: FloatArray
    caps: FloatArray | None = None


@dataclass(frozen=True, slots=True)
class TargetCoverage:
    """Reach as many targets as can be: `max Σ w_f·[Σ b_fi·xᵢ ≥ T_f]`.

    Attributes:
        weights: w of each feature, ≥ 0, not all 0.
        targets: T, above 0.
    """

    weights: FloatArray
    targets: FloatArray


@dataclass(frozen=True, slots=True)
class TargetShortfall:
    """Miss the targets by least: `min Σ w_f·max(0, 1 − Σ b_fi·xᵢ/T_f)`.

    Attributes:
        weights: w of each feature, ≥ 0, not all 0.
        targets: T, above 0.
    """

    weights: FloatArray
    targets: FloatArray


BudgetGoal = MaximumBenefit | TargetCoverage | TargetShortfall
"""Goals that ask for as much as the money gives."""

Goal = MinimumSet | BudgetGoal


def require_goal(goal: Goal, features: int) -> None:
    """Refuse weights and targets that are out of range or do not fit the features."""
    if not isinstance(goal, MinimumSet):
        _require_shape(goal.weights, features, "/goal/weights")
        if not (goal.weights > 0).any():
            raise InvalidInput(
                f"all {features} weights are 0; one must be above it",
                message_zh=f"{features} 个权重均为 0，至少一个须大于 0",
                pointer="/goal/weights",
            )
    if isinstance(goal, MaximumBenefit):
        if goal.caps is not None:
            _require_shape(goal.caps, features, "/goal/caps")
        return
    _require_shape(goal.targets, features, "/goal/targets")
    none = int(np.count_nonzero(goal.targets <= 0))
    if none and not isinstance(goal, MinimumSet):
        raise InvalidInput(
            f"{none} of {features} targets are 0; they must be above it",
            message_zh=f"{features} 个目标中有 {none} 个为 0，须大于 0",
            pointer="/goal/targets",
        )


def value_of(goal: BudgetGoal, amounts: FloatArray, reached: BoolArray) -> float:
    """Value of a choice in the goal's own sense.

    Args:
        goal: What is asked for.
        amounts: Reached of each feature.
        reached: Which targets are met, for `TargetCoverage`.
    """
    match goal:
        case MaximumBenefit():
            capped = amounts if goal.caps is None else np.minimum(amounts, goal.caps)
            return float(goal.weights @ capped)
        case TargetCoverage():
            return float(goal.weights @ reached)
        case TargetShortfall():
            missing = np.maximum(1.0 - amounts / goal.targets, 0.0)
            return float(goal.weights @ np.where(reached, 0.0, missing))


def maximises(goal: Goal) -> bool:
    """Whether more is better."""
    return isinstance(goal, MaximumBenefit | TargetCoverage)


def _require_shape(values: FloatArray, features: int, pointer: str) -> None:
    name = pointer.rpartition("/")[2]
    if values.shape != (features,):
        raise InvalidInput(
            f"{name} have the shape {values.shape}; {features} features need one each",
            message_zh=f"{name} 形状为 {values.shape}，{features} 项指标各需一个",
            pointer=pointer,
        )
    require_quantities(values, pointer)
