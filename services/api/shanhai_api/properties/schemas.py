"""Observed properties as they are asked for and shown."""

from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from shanhai.db.tables import ObservedProperty
from shanhai.jobs.results import rfc3339
from shanhai.monitoring.units import UNITS
from shanhai.vocabulary import MEDIA, Lang, codes

LARGEST = 1e15
CODE = r"^[a-z][a-z0-9_]{0,63}$"
OTHER_CODE = r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$"


class ChangedProperty(BaseModel):
    """What is to be changed of a property; what is left out stays."""

    model_config = ConfigDict(extra="forbid")

    name_zh: str = Field("", min_length=1, max_length=200, description="Name in Chinese")
    name_en: str = Field("", min_length=1, max_length=200, description="Name in English")
    medium: str = Field("", description=f"One of {', '.join(codes(MEDIA))}")
    unit: str = Field("", max_length=32, description="Unit its values are kept in")
    low: float | None = Field(
        None, ge=-LARGEST, le=LARGEST, description="Least possible value; null: no limit"
    )
    high: float | None = Field(
        None, ge=-LARGEST, le=LARGEST, description="Largest possible value; null: no limit"
    )
    decimals: int = Field(2, ge=0, le=12, description="Decimals worth showing")
    moves: bool = Field(True, description="Equal values for long mean that the sensor hangs")
    hj525: str | None = Field(None, pattern=OTHER_CODE, description="Its code in HJ 525")
    aliases: list[str] = Field([], max_length=20, description="Other codes it is known by")
    standard: str | None = Field(None, max_length=200, description="Standard that defines it")
    raw_years: int | None = Field(
        None,
        ge=1,
        le=100,
        description="Years its values are kept; statistics stay. null: for ever",
    )

    @field_validator("medium")
    @classmethod
    def check_medium(cls, medium: str) -> str:
        """A closed list."""
        if medium not in codes(MEDIA):
            raise ValueError(f"must be one of {', '.join(codes(MEDIA))} / 须为所列之一")
        return medium

    @field_validator("unit")
    @classmethod
    def check_unit(cls, unit: str) -> str:
        """Values are converted to it, so it must be known."""
        if unit not in UNITS:
            raise ValueError(f"must be one of {', '.join(UNITS)} / 须为所列单位之一")
        return unit

    @field_validator("aliases")
    @classmethod
    def check_aliases(cls, aliases: list[str]) -> list[str]:
        """Codes, each once."""
        if any(not 0 < len(alias) <= 64 or "\x00" in alias for alias in aliases):
            raise ValueError("must be codes of 1 to 64 characters / 须为 1 至 64 个字符的代码")
        return sorted(set(aliases))

    @property
    def given(self) -> dict[str, Any]:
        """The members that were given."""
        return self.model_dump(include=self.model_fields_set)


class NewProperty(ChangedProperty):
    """A property to be made."""

    code: str = Field(pattern=CODE, description="What observations name it by")
    name_zh: str = Field(min_length=1, max_length=200, description="Name in Chinese")
    name_en: str = Field(min_length=1, max_length=200, description="Name in English")
    medium: str = Field(description=f"One of {', '.join(codes(MEDIA))}")
    unit: str = Field(max_length=32, description="Unit its values are kept in")

    @model_validator(mode="after")
    def check_range(self) -> Self:
        """Some value is possible."""
        if self.low is not None and self.high is not None and not self.low < self.high:
            raise ValueError("low must be below high / 下限须小于上限")
        return self


class Range(BaseModel):
    """Which values are possible at one station."""

    model_config = ConfigDict(extra="forbid")

    low: float | None = Field(..., ge=-LARGEST, le=LARGEST, description="null: no limit")
    high: float | None = Field(..., ge=-LARGEST, le=LARGEST, description="null: no limit")


def describe_property(row: ObservedProperty, lang: Lang) -> dict[str, Any]:
    """A property as it is shown."""
    return {
        "code": row.code,
        "name": row.name_zh if lang == "zh" else row.name_en,
        "name_zh": row.name_zh,
        "name_en": row.name_en,
        "medium": row.medium,
        "unit": row.unit,
        "low": row.low,
        "high": row.high,
        "decimals": row.decimals,
        "moves": row.moves,
        "hj525": row.hj525,
        "aliases": row.aliases,
        "standard": row.standard,
        "raw_years": row.raw_years,
        "raw_since": None if row.raw_since is None else rfc3339(row.raw_since),
        "updated": rfc3339(row.updated_at),
    }
