"""Accounts as they are asked for and answered."""

from typing import Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator

from shanhai.db.queries.accounts import AccountChange, Holder
from shanhai_api.kit.answers import Document, Link, Moment
from shanhai_api.roles import RoleAsked, RoleHeld, given_by

NAME = Field(None, min_length=1, max_length=200, description="How the account is shown")
EMAIL = Field(None, min_length=3, max_length=320, description="Where it is written to")
PARTY = Field(None, min_length=1, max_length=80, description="Code of the party it belongs to")
ROLES = Field(None, max_length=100, description="All its roles; an empty list takes them away")


class ChangedAccount(BaseModel):
    """What is to be changed of an account; what is left out stays."""

    model_config = ConfigDict(extra="forbid")

    name: str | None = NAME
    email: str | None = EMAIL
    party: str | None = PARTY
    roles: list[RoleAsked] | None = ROLES
    disabled: bool | None = Field(None, description="Whether its tokens are refused")

    @property
    def change(self) -> AccountChange:
        """The change in the words of the database."""
        roles = None if self.roles is None else given_by(self.roles)
        return AccountChange(self.name, self.email, self.party, self.disabled, roles)


class NewAccount(ChangedAccount):
    """An account to be made before its subject shows itself."""

    issuer: str = Field(min_length=1, max_length=500, description="Issuer of its tokens")
    subject: str = Field(min_length=1, max_length=255, description="`sub` of its tokens")

    @field_validator("issuer")
    @classmethod
    def check_address(cls, issuer: str) -> str:
        """Issuers are addresses; a name would never match a token."""
        if urlsplit(issuer).scheme not in {"http", "https"}:
            raise ValueError("must be an http or https URL / 必须是 http 或 https 地址")
        return issuer


class Account(Document):
    """An account as it is shown."""

    stored = False

    id: int
    issuer: str
    subject: str
    name: str
    email: str | None
    party: str | None
    roles: list[RoleHeld]
    created: Moment = Field(validation_alias="created_at")
    disabled: Moment | None = Field(validation_alias="disabled_at")
    last_seen: Moment | None = Field(validation_alias="last_seen_at")
    signed_in: Moment | None = Field(validation_alias="signed_in_at")

    @classmethod
    def of(cls, holder: Holder) -> Self:
        """The account of its holder."""
        roles = [role.document() for role in holder.roles]
        return cls.from_row(holder.account, party=holder.party, roles=roles)


class Accounts(Document):
    """A page of the accounts, the newest first."""

    stored = False

    accounts: list[Account]
    links: list[Link]
