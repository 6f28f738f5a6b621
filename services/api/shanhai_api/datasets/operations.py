"""Which file a dataset's reader is given."""

from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.collections.datasets import DATASETS
from shanhai.db.features.selection import Selection
from shanhai.db.queries.files import find_former
from shanhai.db.tables.dataset import Dataset
from shanhai.errors import NotFound, Unauthenticated
from shanhai_api.features.operations import read_item
from shanhai_api.identity import Caller


async def dataset_with_file(
    session: AsyncSession, caller: Caller, code: str, sha256: str | None
) -> Dataset:
    """The dataset as it is, or as it was when its file had the checksum.

    What was replaced keeps its former files; what was deleted gives none, old or new.

    Raises:
        NotFound: there is none, or none the caller may know of.
        Unauthenticated: its licence is not stated, so that it is not for everybody.
    """
    seen = await read_item(session, DATASETS, Selection(caller.viewer, code=code))
    row = await session.get_one(Dataset, seen.key)
    if sha256 not in {None, row.checksum}:
        row = await _former(session, caller, code, str(sha256))
    if caller.anonymous and not row.licence:
        raise Unauthenticated(
            f"dataset {code!r} states no licence; its file is only for readers with an identity",
            message_zh=f"数据集 {code!r} 未注明许可，其文件仅供有身份的用户获取",
        )
    return row


async def _former(session: AsyncSession, caller: Caller, code: str, sha256: str) -> Dataset:
    row = await find_former(session, code, sha256, public=not caller.viewer.known)
    if row is None:
        raise NotFound(
            f"dataset {code!r} never had a file with the SHA-256 {sha256}",
            message_zh=f"数据集 {code!r} 从未有过 SHA-256 为 {sha256} 的文件",
        )
    return row
