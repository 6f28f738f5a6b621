"""What can be asked for of a ranking of land by what would be given up last."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints, model_validator

from shanhai.processes.kit.contract import Inputs
from shanhai.validation import broken_at

Weight = Annotated[float, Field(ge=0, le=1e6, allow_inf_nan=False)]
Feature = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,39}$")]


class RankingInputs(Inputs):
    """Whether land is ranked, and how."""

    rule: Literal["none", "caz", "abf"] = Field(
        "none",
        description="No ranking; by core areas, which keep the best places of every gain; or by"
        " additive benefit, which keeps places rich in all of them / 排序规则",
    )
    land: Literal["sites", "units"] = Field(
        "sites",
        description="Candidate sites by their gains, or all units of the priority map by its"
        " components / 排序对象",
    )
    weights: dict[Feature, Weight] = Field(
        default_factory=dict,
        max_length=30,
        description="Weights of gains or components; default: all alike, without `area` and"
        " `priority` where there are others / 权重",
    )
    value_per: Literal["area", "cost"] = Field(
        "area", description="By what the value of a site is divided / 价值的分母"
    )
    exponent: float = Field(
        0.25, gt=0, le=1, description="Of additive benefit; smaller favours the rare / 指数"
    )
    edge_removal: bool = Field(
        False,
        description="Give land up from its edge only, so that it stays compact / 仅从边缘移除",
    )
    warp: int = Field(
        1, ge=1, le=1000, description="Removed before values are reckoned again / 每批移除数"
    )

    @model_validator(mode="after")
    def check_ranking(self) -> "RankingInputs":
        """Units have no price of their own, and something must count."""
        if self.land == "units" and self.value_per == "cost":
            raise broken_at("value_per", rule="units have no cost / 单元没有投资额，请按面积")
        if self.weights and not any(self.weights.values()):
            raise broken_at("weights", rule="all weights are 0 / 排序权重全部为 0")
        return self
