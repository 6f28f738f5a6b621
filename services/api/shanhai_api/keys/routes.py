"""`/keys`."""

from datetime import timedelta

from fastapi import APIRouter

from shanhai.db.queries import keys
from shanhai.db.queries.grants import check_roles
from shanhai_api.dependencies import Administrator
from shanhai_api.keys.models import Key, KeyRotation, Keys, NewKey
from shanhai_api.kit.answers import Answer
from shanhai_api.kit.body import JsonBody
from shanhai_api.kit.routing import Route
from shanhai_api.kit.writing import Read, Write, WriteContext

router = APIRouter(tags=["access"], route_class=Route)


@router.get("/keys", summary="API keys, without their secrets")
async def show_keys(read: Read[Administrator]) -> Keys:
    """List the keys."""
    found = [Key.from_row(row) for row in await keys.list_keys(read.session)]
    return Keys(keys=found, links=read.self_links("/keys"))


@router.post("/keys", summary="Make an API key", status_code=201)
async def create_key(write: Write[Administrator], new: JsonBody[NewKey]) -> Answer[Key]:
    """Make a key and show it, once."""
    await check_roles(write.session, new.given or ())
    secret = await keys.create_key(
        write.session,
        name=new.name,
        scopes=new.allowed,
        roles=new.given,
        networks=new.networks,
        expires_at=new.expires_at,
        act=write.act,
    )
    return await _shown_once(write, secret)


@router.get("/keys/{key}", summary="One API key, without its secret")
async def show_key(read: Read[Administrator], key: str) -> Key:
    """Show a key."""
    return Key.from_row(await keys.find_key(read.session, key))


@router.delete("/keys/{key}", summary="End an API key", status_code=204)
async def end_key(write: Write[Administrator], key: str) -> None:
    """Revoke a key at once."""
    await keys.revoke_key(write.session, key, act=write.act)


@router.post(
    "/keys/{key}/rotate",
    summary="Replace an API key by one that may do the same",
    status_code=201,
)
async def rotate_key(
    write: Write[Administrator], key: str, rotation: JsonBody[KeyRotation]
) -> Answer[Key]:
    """Make the key's successor and show it, once; the key itself ends after the overlap."""
    overlap = timedelta(hours=rotation.overlap_hours)
    return await _shown_once(
        write, await keys.rotate_key(write.session, key, overlap=overlap, act=write.act)
    )


async def _shown_once(write: WriteContext, secret: str) -> Answer[Key]:
    row = await keys.find_key(write.session, keys.prefix_of(secret) or "")
    return Answer(Key.from_row(row, key=secret), location=f"/keys/{row.prefix}")
