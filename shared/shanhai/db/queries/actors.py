"""Who acted: what those are called whom rows and the audit log name by a code."""

from collections.abc import Iterable, Mapping

from sqlalchemy import text

from shanhai.db.engine import Executor
from shanhai.vocabulary import Label, Lang

KEY, ACCOUNT = "key:", "account:"
PLATFORM: Mapping[str, Label] = {
    "anonymous": Label("未登录者", "Somebody not signed in"),
    "calendar": Label("平台（期限已到）", "The platform: a day was due"),
    "cli": Label("运维人员（命令行）", "An operator at the terminal"),
    "keeper": Label("平台（数据归档）", "The platform: keeping of data"),
    "operator": Label("运维人员（命令行）", "An operator at the terminal"),
    "public": Label("公众", "The public"),
    "reaper": Label("平台（作业清理）", "The platform: upkeep of jobs"),
    "subscription": Label("订阅者（邮件链接）", "A subscriber, by the link of a mail"),
    "worker": Label("平台（后台作业）", "The platform: a job"),
}
"""Who acts without a key or account, by what stands before the colon, if there is one."""
_LARGEST_ID = 2**63 - 1
_NAMES = text(
    "SELECT 'key:' || prefix AS code, name FROM api_key WHERE prefix = ANY(CAST(:keys AS text[]))"
    " UNION ALL"
    " SELECT 'account:' || id, name FROM account WHERE id = ANY(CAST(:accounts AS bigint[]))"
)


def name_of_platform(code: str, lang: Lang) -> str | None:
    """What is called so without a key or account; None for all others."""
    known = PLATFORM.get(code.partition(":")[0])
    return None if known is None else known.in_(lang)


async def find_names(asked: Executor, codes: Iterable[str]) -> dict[str, str]:
    """The names of keys and accounts by their codes, also of those that are revoked or disabled.

    What is no code of one, or of one that is gone, is left out.
    """
    wanted = set(codes)
    keys = sorted(code.removeprefix(KEY) for code in wanted if code.startswith(KEY))
    numbers = (code.removeprefix(ACCOUNT) for code in wanted if code.startswith(ACCOUNT))
    ids = (int(text) for text in numbers if text.isascii() and text.isdecimal())
    accounts = sorted(number for number in ids if number <= _LARGEST_ID)
    if not keys and not accounts:
        return {}
    found = await asked.execute(_NAMES, {"keys": keys, "accounts": accounts})
    return {row.code: row.name for row in found.all() if row.code in wanted}
