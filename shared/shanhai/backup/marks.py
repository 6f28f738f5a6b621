"""Notes in the database of what was backed up last, which the worker's metrics tell.

The archive's note is a change a round, too: a moment without any other can be restored as well.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import structlog
from pydantic import SecretStr

from shanhai.backup.position import APPLICATION
from shanhai.db.engine import DATABASE_ERRORS, create_engine, create_sessions
from shanhai.db.queries.backup_marks import put_mark
from shanhai.settings import DatabaseSettings

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Mark:
    """How far a part of the backup reaches: every change up to `reached` is in it."""

    part: Literal["base", "archive"]
    reached: datetime
    detail: dict[str, Any]


async def note(url: str, mark: Mark) -> None:
    """Write a note, in a transaction of its own; backups do not fail for want of it."""
    engine = create_engine(DatabaseSettings(url=SecretStr(url)), application=APPLICATION)
    try:
        async with create_sessions(engine).begin() as session:
            await put_mark(session, mark.part, mark.reached, mark.detail)
    except DATABASE_ERRORS as error:
        log.warning("backup not noted", part=mark.part, error=type(error).__name__)
    finally:
        await engine.dispose()
