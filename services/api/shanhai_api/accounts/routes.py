"""`/accounts`."""

from typing import Annotated

from fastapi import APIRouter, Path, Query
from pydantic import Field

from shanhai.db.queries import accounts
from shanhai.db.queries.accounts import Holder
from shanhai_api.accounts.models import Account, Accounts, ChangedAccount, NewAccount
from shanhai_api.dependencies import Administrator
from shanhai_api.kit.answers import Answer, LimitedQuery, page_of
from shanhai_api.kit.body import JsonBody
from shanhai_api.kit.routing import Route
from shanhai_api.kit.writing import IfMatch, Read, Write

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
        write.session, issuer=new.issuer, subject=new.subject, change=new.change, act=write.act
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
    """Change what is given; what is left out stays."""
    holder = await accounts.change_account(
        write.session, account, changed.change, act=write.act, expected=expected
    )
    return _shown(holder)


def _shown(holder: Holder, location: str | None = None) -> Answer[Account]:
    return Answer(Account.of(holder), state=accounts.state_of_account(holder), location=location)
