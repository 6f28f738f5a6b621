"""What is sent to give and to revoke an exception."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from shanhai.codes import Code
from shanhai.timestamps import Rfc3339Date

WRITABLE = r"^[^\x00]+$"
"""PostgreSQL keeps no NUL."""
Name = Annotated[str, StringConstraints(min_length=1, max_length=300, pattern=WRITABLE)]
Note = Annotated[str, StringConstraints(min_length=1, max_length=2000, pattern=WRITABLE)]


class ExceptionBody(BaseModel):
    """An exception to be given."""

    model_config = ConfigDict(extra="forbid")

    rule: Name | None = Field(None, description="Code of the rule it is an exception from")
    gap: Name | None = Field(
        None, description="Or the code of what is not known there, and is decided about"
    )
    reason: Note = Field(description="Why")
    project: Code | None = Field(None, description="Code of the project; or give a geometry")
    geometry: dict[str, Any] | None = Field(None, description="GeoJSON geometry")
    crs: str | None = Field(None, max_length=200, description="Its CRS; default CRS84")
    region: Code | None = Field(None, description="Region that answers for the geometry")
    control_area: Code | None = Field(None, description="The only area it holds in")
    approver: Name | None = Field(None, description="Who approved; default: the identity")
    valid_from: Rfc3339Date | None = Field(None, description="First day; default today")
    valid_to: Rfc3339Date | None = Field(None, description="The day after the last")
    document: Name | None = Field(None, description="Code or number of the decision's document")

    @model_validator(mode="after")
    def check_subject(self) -> "ExceptionBody":
        """It is about one thing, given for one thing, for which a region answers."""
        if (self.rule is None) == (self.gap is None):
            raise ValueError("give a rule or a gap / 请给出规则或未知项之一")
        if self.gap is not None and self.control_area is not None:
            raise ValueError("a gap has no control_area / 未知项不含 control_area")
        if (self.geometry is None) == (self.project is None):
            raise ValueError("give a geometry or a project / 请给出几何或项目之一")
        if self.geometry is not None and self.region is None:
            raise ValueError("a geometry needs the region that answers for it / 几何须给出区域")
        return self


class RevokeBody(BaseModel):
    """The end of an exception."""

    model_config = ConfigDict(extra="forbid")

    reason: Note = Field(description="Why")
