"""`/accounts`, and roles as they are asked for and shown."""

from collections.abc import Iterable
from typing import Annotated, Self
from urllib.parse import urlsplit

from fastapi import APIRouter, Path, Query
from pydantic import Field, field_validator

from shanhai.db.identity import RoleGiven
from shanhai.db.queries import accounts, sign_ins
from shanhai.db.queries.accounts import AccountChange, Holder
from shanhai.validation import Rfc3339Time
from shanhai.vocabulary import Role
from shanhai_api.kit.answers import (
    Answer,
    Answered,
    Document,
    LimitedQuery,
    Link,
    Maybe,
    Moment,
    page_of,
)
from shanhai_api.kit.body import Body, JsonBody, MailAddress
from shanhai_api.kit.dependencies import Administrator, IfMatch, Read, Write
from shanhai_api.kit.requests import client_address
from shanhai_api.kit.routing import Route


class RoleAsked(Body):
    """A role, in a region and all below it, or everywhere."""

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


NAME = Field(default_factory=str, min_length=1, max_length=200, description="How it is shown")
EMAIL = Field(None, min_length=3, max_length=320, description="Where it is written to")
PARTY = Field(None, min_length=1, max_length=80, description="Code of the party it belongs to")


class ChangedAccount(Body):
    """What is to be changed of an account; what is left out stays.

    `null` takes its e-mail or its party away.
    """

    name: str = NAME
    email: MailAddress | None = EMAIL
    party: str | None = PARTY
    roles: list[RoleAsked] = Field(
        default_factory=list, max_length=100, description="All its roles; an empty list: none"
    )
    disabled: bool | Rfc3339Time | None = Field(
        default_factory=bool, description="Whether its tokens are refused; also as it is shown"
    )

    @property
    def change(self) -> AccountChange:
        """The change in the words of the database."""
        given = self.model_fields_set
        roles = given_by(self.roles) if "roles" in given else None
        disabled = bool(self.disabled) if "disabled" in given else None
        email, party = self._or_empty("email"), self._or_empty("party")
        return AccountChange(self.name or None, email, party, disabled, roles)

    def _or_empty(self, name: str) -> str | None:
        value: str | None = getattr(self, name)
        return "" if value is None and name in self.model_fields_set else value


class NewAccount(ChangedAccount):
    """An account to be made before its subject shows itself, or one of our own."""

    issuer: str | None = Field(
        None,
        min_length=1,
        max_length=500,
        description="Issuer of its tokens; none: an account of our own, which signs in by password",
    )
    subject: str = Field(
        min_length=1, max_length=255, description="`sub` of its tokens, or the name to sign in by"
    )

    @field_validator("issuer")
    @classmethod
    def check_address(cls, issuer: str | None) -> str | None:
        """Issuers are addresses; a name would never match a token."""
        if issuer is not None and urlsplit(issuer).scheme not in {"http", "https"}:
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


router = APIRouter(tags=["access"], route_class=Route)
Number = Annotated[int, Path(ge=1, le=2**63 - 1, description="Id of the account")]


class AccountsQuery(LimitedQuery):
    """Parameters of the list of accounts."""

    limit: int = Field(100, ge=1, le=10_000, description="Accounts on a page")
    before: int | None = Field(None, ge=1, le=2**63 - 1, description="Only those made before this")


@router.get("/accounts", summary="Accounts and their roles")
async def show_accounts(
    read: Read[Administrator], query: Annotated[AccountsQuery, Query()]
) -> Accounts:
    """List the accounts, the newest first."""
    rows = await accounts.list_holders(read.session, limit=query.limit + 1, before=query.before)
    page, links = page_of(rows, query, read, "/accounts", lambda last: {"before": last.account.id})
    return Accounts(accounts=[Account.of(holder) for holder in page], links=links)


@router.post("/accounts", summary="Make an account", status_code=201)
async def create_account(write: Write[Administrator], new: JsonBody[NewAccount]) -> Answer[Account]:
    """Make an account, with its roles, before its subject shows itself."""
    holder = await accounts.invite(
        write.session,
        issuer=new.issuer or accounts.OWN,
        subject=new.subject,
        change=new.change,
        act=write.act,
    )
    return _shown(holder, location=f"/accounts/{holder.account.id}")


@router.get("/accounts/{account}", summary="One account")
async def show_account(read: Read[Administrator], account: Number) -> Answer[Account]:
    """Show an account."""
    return _shown(await accounts.read_holder(read.session, account))


@router.patch(
    "/accounts/{account}", summary="Change an account: its roles, or whether it may come in"
)
async def update_account(
    write: Write[Administrator],
    account: Number,
    expected: IfMatch,
    changed: JsonBody[ChangedAccount],
) -> Answer[Account]:
    """Change what is given; what is left out stays, and `null` takes e-mail or party away."""
    holder = await accounts.change_account(
        write.session, account, changed.change, act=write.act, expected=expected
    )
    if changed.disabled:
        await sign_ins.end_sign_ins(write.session, account, act=write.act)
    return _shown(holder)


class SignInLink(Document):
    """A one-time link by which an account of our own sets its password and signs in."""

    stored = False
    secrets = frozenset({"link"})

    link: Maybe[str] = Field(None, description="Not shown again")
    expires: Moment


@router.post("/accounts/{account}/link", summary="Make a one-time link to sign in", status_code=201)
async def make_link(write: Write[Administrator], account: Number) -> SignInLink:
    """Make a link for an account of our own; the one made before ends."""
    settings = write.state.configuration.sign_in
    token, until = await sign_ins.make_link(write.session, account, settings, act=write.act)
    return SignInLink(link=f"{write.base}/session/start?link={token}", expires=until)


@router.delete(
    "/accounts/{account}/factor", summary="Take a second factor away that was lost", status_code=204
)
async def remove_factor(write: Write[Administrator], account: Number) -> None:
    """Take it away, with all security keys, and end the sessions; a sign-in sets up another."""
    await sign_ins.remove_factor(write.session, account, act=write.act)


@router.delete("/accounts/{account}/sessions", summary="End an account's sessions", status_code=204)
async def end_account_sessions(write: Write[Administrator], account: Number) -> None:
    """End all at once."""
    await accounts.read_holder(write.session, account)
    origin = sign_ins.SignInOrigin(client_address(write.request), "")
    await sign_ins.end_sessions(write.session, account, origin, act=write.act)


def _shown(holder: Holder, location: str | None = None) -> Answer[Account]:
    return Answer(Account.of(holder), state=accounts.state_of_account(holder), location=location)
