"""API keys as they are asked for and shown."""

from datetime import UTC, datetime
from ipaddress import IPv4Network, IPv6Network

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, field_validator

from shanhai.db.tables import ApiKey
from shanhai.jobs.results import rfc3339
from shanhai.vocabulary import Scope

LATEST = datetime(9999, 1, 1, tzinfo=UTC)


class NewKey(BaseModel):
    """A key to be made."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(min_length=1, max_length=200, description="Who or what uses it")
    scopes: list[Scope] = Field(min_length=1, max_length=len(Scope), description="What it may do")
    networks: list[IPv4Network | IPv6Network] | None = Field(
        None, min_length=1, max_length=100, description="Addresses it may be used from; default any"
    )
    expires_at: AwareDatetime | None = Field(None, description="When it ends; default never")

    @field_validator("expires_at")
    @classmethod
    def check_future(cls, moment: datetime | None) -> datetime | None:
        """A key must not be born dead, nor outlive the calendar."""
        if moment is None:
            return None
        if moment <= datetime.now(UTC):
            raise ValueError("must lie in the future")
        if moment > LATEST:
            raise ValueError("must lie before the year 9999")
        return moment


def describe_key(row: ApiKey) -> dict[str, object]:
    """A key as it is shown, without its secret."""
    return {
        "id": row.prefix,
        "name": row.name,
        "scopes": row.scopes,
        "networks": None if row.networks is None else [str(network) for network in row.networks],
        "created": rfc3339(row.created_at),
        "expires": rfc3339(row.expires_at),
        "revoked": rfc3339(row.revoked_at),
        "last_used": rfc3339(row.last_used_at),
    }
