"""Bodies and parameters of requests about zone schemes."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from shanhai.codes import Note
from shanhai_api.dependencies import PageQuery, format_field


class VersionQuery(PageQuery):
    """Parameters of what is told about one version."""

    version: int | None = Field(
        None, ge=1, le=100_000, description="Version; default: the one in force, or the newest"
    )


class CompareQuery(VersionQuery):
    """Parameters of a comparison."""

    f: str | None = format_field("json", "html", "csv")
    other: str | None = Field(
        None,
        alias="with",
        max_length=80,
        description="Code of the other scheme; default: the same scheme",
    )
    other_version: int | None = Field(
        None,
        alias="with_version",
        ge=1,
        le=100_000,
        description="Version of the other; default: the one in force, or the newest",
    )


class NewVersion(BaseModel):
    """A new draft that begins from a version."""

    model_config = ConfigDict(extra="forbid")

    note: Note = Field(description="Why a new version is begun")
    version: int | None = Field(None, ge=1, le=100_000, description="The version it begins from")


class Adjustment(BaseModel):
    """An area that becomes another class."""

    model_config = ConfigDict(extra="forbid")

    geometry: dict[str, Any] = Field(description="GeoJSON Polygon or MultiPolygon")
    to_class: str = Field(min_length=1, max_length=160, description="Code of the class it becomes")
    note: Note = Field(description="Why")
    version: int | None = Field(None, ge=1, le=100_000, description="The version to adjust")
