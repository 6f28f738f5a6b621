"""Files of datasets that were replaced."""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.tables import Dataset


async def find_former(
    session: AsyncSession, code: str, checksum: str, *, public: bool
) -> Dataset | None:
    """The dataset that had the code and the file before it was replaced, the latest of them.

    Args:
        session: Where to look.
        code: Its code, which its successor has now.
        checksum: SHA-256 of its file.
        public: Only one that anybody may see.
    """
    statement = (
        select(Dataset)
        .where(
            Dataset.code == code,
            Dataset.checksum == checksum,
            Dataset.deleted_at.is_not(None),
            *([Dataset.public] if public else []),
        )
        .order_by(Dataset.id.desc())
        .limit(1)
    )
    return await session.scalar(statement)
