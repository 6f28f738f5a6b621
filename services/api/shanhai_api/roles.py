"""Roles as they are asked for and shown, of keys and of accounts."""

from collections.abc import Iterable

from pydantic import BaseModel, ConfigDict, Field

from shanhai.db.queries.grants import RoleGiven
from shanhai.vocabulary import Role
from shanhai_api.kit.answers import Answered


class RoleAsked(BaseModel):
    """A role, in a region and all below it, or everywhere."""

    model_config = ConfigDict(extra="forbid")

    role: Role = Field(description="What one is")
    region: str | None = Field(
        None, min_length=1, max_length=80, description="Code of the region; default everywhere"
    )


class RoleHeld(Answered):
    """A role as it is shown."""

    role: Role
    region: str | None


def given_by(asked: Iterable[RoleAsked]) -> list[RoleGiven]:
    """The roles in the words of the database."""
    return [RoleGiven(item.role, item.region) for item in asked]
