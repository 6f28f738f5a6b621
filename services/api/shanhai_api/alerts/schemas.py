"""Rules of early warning as they are asked for, and what people say of alerts."""

from itertools import pairwise
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from shanhai.monitoring.alerting import RANK, Kind

LARGEST = 1e15
LONGEST_S = 366 * 86_400
CODE = r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$"
Level = Literal["blue", "yellow", "orange", "red"]


class RuleContents(BaseModel):
    """A rule without its code."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    name_zh: str = Field(min_length=1, max_length=200, description="Name in Chinese")
    name_en: str = Field(min_length=1, max_length=200, description="Name in English")
    kind: Kind = Field(description="What is watched for")
    property: str | None = Field(
        None, max_length=64, description="Code of the property; none, with `no_data`: any of them"
    )
    stations: list[str] | None = Field(
        None, min_length=1, max_length=1000, description="Codes of stations; default all"
    )
    region: str | None = Field(
        None, max_length=80, description="Code of the region the stations lie in; default any"
    )
    limits: dict[Level, float] = Field(
        min_length=1,
        description="Limit of each level: a value, a change per hour, or seconds without data",
    )
    reset: float | None = Field(
        None,
        ge=-LARGEST,
        le=LARGEST,
        description="Where an alert ends again; default the limit of the lowest level",
    )
    min_duration_s: int = Field(
        0, ge=0, le=LONGEST_S, description="How long values must be beyond a limit"
    )
    max_age_s: int = Field(
        7 * 86_400, ge=60, le=LONGEST_S, description="Older values raise nothing"
    )
    any_quality: bool = Field(False, description="Values that are not valid, or impossible, count")
    enabled: bool = Field(True, description="Whether it is evaluated")

    @field_validator("limits")
    @classmethod
    def check_size(cls, limits: dict[Level, float]) -> dict[Level, float]:
        """Values that can be."""
        if any(abs(limit) > LARGEST for limit in limits.values()):
            raise ValueError(f"must be within {LARGEST:g} / 绝对值不得超过 {LARGEST:g}")
        return limits

    @field_validator("stations")
    @classmethod
    def check_stations(cls, stations: list[str] | None) -> list[str] | None:
        """Codes, each once."""
        if stations is None:
            return None
        if any(not 0 < len(code) <= 200 or "\x00" in code for code in stations):
            raise ValueError("must be codes of 1 to 200 characters / 须为 1 至 200 个字符的代码")
        return sorted(set(stations))

    @field_validator("name_zh", "name_en", "property", "region")
    @classmethod
    def check_text(cls, value: str | None) -> str | None:
        """What a column can hold."""
        if value is not None and "\x00" in value:
            raise ValueError("must not hold the character 0 / 不得含有空字符")
        return value

    @model_validator(mode="after")
    def check_together(self) -> Self:
        """The members fit one another."""
        if self.kind == "no_data":
            if self.min_duration_s:
                raise ValueError(
                    "no_data takes its duration from limits / no_data 的时长由 limits 给出"
                )
        elif self.property is None:
            raise ValueError(f"{self.kind} needs a property / {self.kind} 须给出观测项目")
        if self.kind in {"rate", "no_data"} and min(self.limits.values()) <= 0:
            raise ValueError("limits must be above 0 / limits 须大于 0")
        self._check_order()
        return self

    def _check_order(self) -> None:
        """A more serious level lies further out, and the reset on the safe side of all."""
        sign = -1 if self.kind == "below" else 1
        ordered = [sign * self.limits[level] for level in self._levels()]
        if any(upper <= lower for lower, upper in pairwise(ordered)):
            raise ValueError(
                "limits must become more severe from level to level / limits 须逐级加重"
            )
        if self.reset is not None and sign * self.reset > ordered[0]:
            raise ValueError(
                "reset must lie on the safe side of every limit / reset 须在各限值的安全一侧"
            )

    def _levels(self) -> list[Level]:
        return sorted(self.limits, key=RANK.__getitem__)

    def contents(self) -> dict[str, Any]:
        """What is kept."""
        reset = self.limits[self._levels()[0]] if self.reset is None else self.reset
        return {**self.model_dump(), "reset": reset}


class NewRule(RuleContents):
    """A rule to be made."""

    code: str = Field(pattern=CODE, description="What alerts name it by")


class Answer(BaseModel):
    """What somebody says of an alert."""

    model_config = ConfigDict(extra="forbid")

    note: str = Field(
        min_length=1, max_length=2000, pattern=r"^[^\x00]*$", description="What was found or done"
    )
