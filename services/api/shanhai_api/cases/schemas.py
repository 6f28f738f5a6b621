"""Bodies and parameters of red-line leads."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from shanhai.timestamps import Rfc3339Date
from shanhai_api.dependencies import PageQuery

MOST_LEADS = 500
MOST_DOCUMENTS = 100
# Characters PostgreSQL cannot keep, and those that show nothing, name no lead.
Name = Annotated[
    str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")
]
Words = Annotated[str, StringConstraints(min_length=1, max_length=4000, pattern=r"^[^\x00]+$")]
LeadKind = Literal[
    "construction", "mining", "clearing", "cultivation", "filling", "dumping", "road", "other"
]


class Body(BaseModel):
    """A body whose members are all known."""

    model_config = ConfigDict(extra="forbid")


class LeadProperties(Body):
    """What is said of a change beside its place."""

    source: Name = Field(description="Who saw it", examples=["satellite-monthly"])
    external_id: Name = Field(description="What its source calls it; sent again, it is the same")
    kind: LeadKind = Field(description="What it looks like")
    sensed_before: Rfc3339Date = Field(description="Day of the earlier image")
    sensed_after: Rfc3339Date = Field(description="Day of the later image; the lines of it count")
    confidence: float | None = Field(None, ge=0, le=1, description="How sure its source is")


class LeadFeature(BaseModel):
    """A lead as a GeoJSON feature; other members of it mean nothing here."""

    type: Literal["Feature"]
    geometry: dict[str, Any] = Field(description="Polygon or MultiPolygon in longitude, latitude")
    properties: LeadProperties


class LeadsBody(BaseModel):
    """One lead, or a feature collection of several."""

    type: Literal["Feature", "FeatureCollection"]
    features: list[dict[str, Any]] = Field(
        default_factory=list, max_length=MOST_LEADS, description="The leads of a collection"
    )


class CaseStepBody(Body):
    """A step to be taken."""

    to: Name = Field(description="The state to go to", examples=["assigned"])
    note: Words | None = Field(None, description="What was found, ordered or done")
    result: Literal["confirmed", "not_change", "lawful"] | None = Field(
        None, description="What the check on site found; needed to become `verified`"
    )
    assignee: Name | None = Field(None, description="Who checks it; needed to become `assigned`")
    region: Name | None = Field(None, description="Code of the region that answers from now on")
    due: Rfc3339Date | None = Field(None, description="Day by which the next step must be taken")
    documents: list[Name] = Field(
        default_factory=list,
        max_length=MOST_DOCUMENTS,
        description="Codes of the case's documents the step is based on",
    )


class StatisticsQuery(PageQuery):
    """Parameters of the figures over cases."""

    since: Rfc3339Date | None = Field(None, description="Only cases opened on the day or later")
    until: Rfc3339Date | None = Field(None, description="Only cases opened on the day or earlier")


class CaseUploadQuery(PageQuery):
    """What is said of a file that is sent."""

    filename: str = Field(min_length=1, max_length=200, description="Name, with its ending")
    kind: Literal["photo", "other"] = Field(description="What it is: a photo, or something else")
    title_zh: Name = Field(description="Chinese title")
    title_en: Name | None = Field(None, description="English title")
