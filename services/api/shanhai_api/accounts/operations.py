"""What can be done with accounts."""

from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.queries.accounts import invite
from shanhai.db.queries.audit import Act
from shanhai_api.accounts.schemas import NewAccount, describe_account
from shanhai_api.once import Made


async def make_account(session: AsyncSession, new: NewAccount, *, base: str, act: Act) -> Made:
    """Make an account for a subject that has not shown itself yet."""
    holder = await invite(
        session, issuer=new.issuer, subject=new.subject, change=new.change, act=act
    )
    return Made(describe_account(holder), {"Location": f"{base}/accounts/{holder.account.id}"})
