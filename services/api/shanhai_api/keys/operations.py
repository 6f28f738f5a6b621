"""What can be done with API keys."""

from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.queries.audit import Act
from shanhai.db.queries.keys import create_key, find_key, prefix_of
from shanhai_api.keys.schemas import NewKey, describe_key
from shanhai_api.once import Made

SECRETS = frozenset({"key"})


async def make_key(session: AsyncSession, new: NewKey, *, base: str, act: Act) -> Made:
    """Make a key; its text is in this answer only, never in a replay."""
    key = await create_key(
        session,
        name=new.name,
        scopes=new.scopes,
        networks=new.networks,
        expires_at=new.expires_at,
        act=act,
    )
    row = await find_key(session, prefix_of(key) or "")
    content = {**describe_key(row), "key": key}
    return Made(content, {"Location": f"{base}/keys/{row.prefix}"}, secrets=SECRETS)
