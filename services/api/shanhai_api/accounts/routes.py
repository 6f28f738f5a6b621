"""`/accounts`."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import Field

from shanhai.db.queries.accounts import (
    change_account,
    list_holders,
    read_holder,
    state_of_account,
)
from shanhai_api.accounts.operations import changed_account, make_account
from shanhai_api.accounts.schemas import ChangedAccount, NewAccount, describe_account
from shanhai_api.body_schema import body_of
from shanhai_api.dependencies import (
    Administrator,
    PageQuery,
    ReadSession,
    TheUnit,
    TheView,
    act_of,
)
from shanhai_api.kit.body import parse, read_json
from shanhai_api.negotiation import JSON
from shanhai_api.once import once
from shanhai_api.preconditions import expected_states

router = APIRouter(tags=["access"])
Parameters = Annotated[PageQuery, Query()]
Number = Annotated[int, Path(ge=1, le=2**63 - 1, description="Id of the account")]
NO_STORE = {"Cache-Control": "no-store"}


class AccountsQuery(PageQuery):
    """Parameters of the list of accounts."""

    limit: int = Field(100, ge=1, le=10_000, description="Accounts on a page")
    before: int | None = Field(None, ge=1, le=2**63 - 1, description="Only those made before this")


@router.get("/accounts", summary="Accounts and their roles")
async def show_accounts(
    view: TheView,
    caller: Administrator,
    query: Annotated[AccountsQuery, Query()],
    session: ReadSession,
) -> Response:
    """List the accounts, the newest first."""
    holders = await list_holders(session, limit=query.limit + 1, before=query.before)
    page = holders[: query.limit]
    links = view.self_links("/accounts")
    if len(holders) > query.limit:
        last = page[-1].account.id
        links.append(
            view.link("/accounts", "next", JSON.media_type, limit=query.limit, before=last)
        )
    document = {"accounts": [describe_account(holder) for holder in page], "links": links}
    return view.respond(document, headers=NO_STORE)


@router.post(
    "/accounts", summary="Make an account", status_code=201, openapi_extra=body_of(NewAccount)
)
async def create_account(
    request: Request, view: TheView, caller: Administrator, query: Parameters, unit: TheUnit
) -> Response:
    """Make an account, with its roles, before its subject shows itself."""
    body = await read_json(request)
    new = parse(NewAccount, body.value)
    made = await once(
        request,
        unit,
        caller,
        body_sha256=body.sha256,
        effect=lambda: make_account(unit.session, new, base=view.base, act=act_of(caller, view)),
    )
    return made.response(NO_STORE)


@router.get("/accounts/{account}", summary="One account")
async def show_account(
    view: TheView, caller: Administrator, account: Number, query: Parameters, session: ReadSession
) -> Response:
    """Show an account."""
    holder = await read_holder(session, account)
    return view.respond(describe_account(holder), headers=NO_STORE, state=state_of_account(holder))


@router.patch(
    "/accounts/{account}",
    summary="Change an account: its roles, or whether it may come in",
    openapi_extra=body_of(ChangedAccount),
)
async def update_account(
    request: Request,
    view: TheView,
    caller: Administrator,
    account: Number,
    query: Parameters,
    unit: TheUnit,
) -> Response:
    """Change what is given; what is left out stays."""
    expected = expected_states(request)
    changed = parse(ChangedAccount, (await read_json(request)).value)
    act = act_of(caller, view)
    holder = await change_account(unit.session, account, changed.change, act=act, expected=expected)
    return changed_account(holder).response(NO_STORE)
