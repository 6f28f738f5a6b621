"""Carbon: what the land takes up, less what its soil breathes out."""

from shanhai.processes.evaluate_ecosystem.steps import EvaluationRun, Result
from shanhai.processes.kit.layers import make_layers

LAYER = "carbon"


def evaluate_carbon(run: EvaluationRun) -> Result:
    """Write `carbon`, the net ecosystem production, tC/ha/yr; negative where land is a source."""
    make_layers(run.place, [LAYER])
    return Result(classes=(), quantities={LAYER: "tC/ha/yr"}, record={"method": "nep"})
