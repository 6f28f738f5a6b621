"""`/keys`."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from shanhai.db.queries.keys import find_key, list_keys, revoke_key
from shanhai_api.body_schema import body_of
from shanhai_api.dependencies import (
    Administrator,
    PageQuery,
    ReadSession,
    TheUnit,
    TheView,
    act_of,
)
from shanhai_api.keys.operations import make_key, replace_key
from shanhai_api.keys.schemas import NewKey, Rotation, describe_key
from shanhai_api.kit.body import parse, read_json
from shanhai_api.once import once

router = APIRouter(tags=["access"])
Parameters = Annotated[PageQuery, Query()]
NO_STORE = {"Cache-Control": "no-store"}
KEY_BODY = body_of(NewKey)
ROTATION_BODY = body_of(Rotation)


@router.get("/keys", summary="API keys, without their secrets")
async def show_keys(
    view: TheView, caller: Administrator, query: Parameters, session: ReadSession
) -> Response:
    """List the keys."""
    keys = [describe_key(row) for row in await list_keys(session)]
    return view.respond({"keys": keys, "links": view.self_links("/keys")}, headers=NO_STORE)


@router.post("/keys", summary="Make an API key", status_code=201, openapi_extra=KEY_BODY)
async def create_key(
    request: Request, view: TheView, caller: Administrator, query: Parameters, unit: TheUnit
) -> Response:
    """Make a key and show it, once."""
    body = await read_json(request)
    new = parse(NewKey, body.value)
    made = await once(
        request,
        unit,
        caller,
        body_sha256=body.sha256,
        effect=lambda: make_key(unit.session, new, base=view.base, act=act_of(caller, view)),
    )
    return made.response(NO_STORE)


@router.get("/keys/{key}", summary="One API key, without its secret")
async def show_key(
    view: TheView, caller: Administrator, key: str, query: Parameters, session: ReadSession
) -> Response:
    """Show a key."""
    return view.respond(describe_key(await find_key(session, key)), headers=NO_STORE)


@router.delete("/keys/{key}", summary="End an API key", status_code=204)
async def end_key(
    view: TheView, caller: Administrator, key: str, query: Parameters, unit: TheUnit
) -> Response:
    """Revoke a key at once."""
    await revoke_key(unit.session, key, act=act_of(caller, view))
    return Response(status_code=204)


@router.post(
    "/keys/{key}/rotate",
    summary="Replace an API key by one that may do the same",
    status_code=201,
    openapi_extra=ROTATION_BODY,
)
async def rotate_key(
    request: Request,
    view: TheView,
    caller: Administrator,
    key: str,
    query: Parameters,
    unit: TheUnit,
) -> Response:
    """Make the key's successor and show it, once; the key itself ends after the overlap."""
    body = await read_json(request)
    rotation = parse(Rotation, body.value)
    made = await once(
        request,
        unit,
        caller,
        body_sha256=body.sha256,
        effect=lambda: replace_key(
            unit.session, key, rotation, base=view.base, act=act_of(caller, view)
        ),
    )
    return made.response(NO_STORE)
