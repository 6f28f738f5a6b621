"""What can be done with accounts."""

import orjson
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.queries.accounts import Holder, invite, state_of_account
from shanhai.db.queries.audit import Act
from shanhai_api.accounts.schemas import NewAccount, describe_account
from shanhai_api.once import Made
from shanhai_api.view import entity_tag


async def make_account(session: AsyncSession, new: NewAccount, *, base: str, act: Act) -> Made:
    """Make an account for a subject that has not shown itself yet."""
    holder = await invite(
        session, issuer=new.issuer, subject=new.subject, change=new.change, act=act
    )
    headers = {"Location": f"{base}/accounts/{holder.account.id}", "ETag": _tag(holder)}
    return Made(describe_account(holder), headers)


def changed_account(holder: Holder) -> Made:
    """An account as a change has left it."""
    return Made(describe_account(holder), {"ETag": _tag(holder)}, 200)


def _tag(holder: Holder) -> str:
    return f'"{entity_tag(state_of_account(holder), orjson.dumps(describe_account(holder)))}"'
