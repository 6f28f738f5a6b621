"""Dates and moments: read from texts of RFC 3339, and written as such."""

import re
from datetime import UTC, date, datetime
from typing import Annotated

from pydantic import AwareDatetime, BeforeValidator

NUMBER = re.compile(r"\s*[+-]?(\d+\.?\d*|\.\d+)\s*", re.ASCII)


def refuse_number(value: object) -> object:
    """A number is no time, though pydantic takes it for the seconds since 1970.

    Raises:
        ValueError: it is a number, or the text of one.
    """
    if isinstance(value, int | float) or (isinstance(value, str) and NUMBER.fullmatch(value)):
        raise ValueError(
            "must be a date or time of RFC 3339, not a number"
            " / 须为 RFC 3339 的日期或时间，不能是数字"
        )
    return value


Rfc3339Date = Annotated[date, BeforeValidator(refuse_number)]
"""A day, as a member of queries, bodies and inputs."""
Rfc3339Time = Annotated[AwareDatetime, BeforeValidator(refuse_number)]
"""A moment with its offset, as a member of queries, bodies and inputs."""


def rfc3339(moment: datetime | None) -> str | None:
    """A moment in UTC, with `Z`."""
    if moment is None:
        return None
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
