"""What can be done with API keys."""

from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.queries import keys
from shanhai.db.queries.audit import Act
from shanhai.db.queries.grants import check_roles
from shanhai_api.keys.schemas import NewKey, Rotation, describe_key
from shanhai_api.once import Made

SECRETS = frozenset({"key"})


async def make_key(session: AsyncSession, new: NewKey, *, base: str, act: Act) -> Made:
    """Make a key; its text is in this answer only, never in a replay."""
    await check_roles(session, new.given or ())
    key = await keys.create_key(
        session,
        name=new.name,
        scopes=new.allowed,
        roles=new.given,
        networks=new.networks,
        expires_at=new.expires_at,
        act=act,
    )
    return await _shown_once(session, key, base)


async def replace_key(
    session: AsyncSession, prefix: str, rotation: Rotation, *, base: str, act: Act
) -> Made:
    """Make a key in the place of another, which stays valid for a while."""
    overlap = timedelta(hours=rotation.overlap_hours)
    key = await keys.rotate_key(session, prefix, overlap=overlap, act=act)
    return await _shown_once(session, key, base)


async def _shown_once(session: AsyncSession, key: str, base: str) -> Made:
    row = await keys.find_key(session, keys.prefix_of(key) or "")
    content = {**describe_key(row), "key": key}
    return Made(content, {"Location": f"{base}/keys/{row.prefix}"}, secrets=SECRETS)
