"""Bodies and parameters of requests about editions of a plan."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from shanhai.codes import Note
from shanhai_api.dependencies import DayQuery


class NewEdition(BaseModel):
    """An edition that is to take the place of a plan."""

    model_config = ConfigDict(extra="forbid")

    note: Note = Field(description="Why the plan is revised")
    change: dict[str, Any] = Field(
        default_factory=dict, description="Members in which the edition differs; null empties one"
    )


class CompareQuery(DayQuery):
    """Parameters of a comparison."""

    other: str | None = Field(
        None,
        alias="with",
        max_length=80,
        description="Code of the edition it is compared with; default: the one it follows, or the"
        " one that follows it",
    )


class Membership(BaseModel):
    """Where a project stands in a draft."""

    model_config = ConfigDict(extra="forbid")

    programme: str | None = Field(
        max_length=80, description="Code of a programme of the draft; null for none"
    )
