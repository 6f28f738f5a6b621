"""The query of `/changes`."""

import base64
import binascii
import re

from pydantic import Field, field_validator

from shanhai_api.dependencies import PageQuery

NOW = "now"
MARK = "c"
PLACE = re.compile(r"c(0|[1-9]\d{0,18})", re.ASCII)


class ChangesQuery(PageQuery):
    """Parameters of the changes."""

    since: str | None = Field(
        None,
        max_length=40,
        description="The `cursor` of an earlier answer, or `now` for a cursor and no changes;"
        " default: from the first change on",
    )
    collection: str | None = Field(
        None, max_length=500, description="Names of collections or records, with commas"
    )
    limit: int = Field(100, ge=1, le=10_000, description="Changes on a page")

    @field_validator("since")
    @classmethod
    def check_since(cls, text: str | None) -> str | None:
        """A cursor must be one of ours."""
        if text is not None and text != NOW:
            read_cursor(text)
        return text


def write_cursor(place: int) -> str:
    """The cursor of a place."""
    return base64.urlsafe_b64encode(f"{MARK}{place}".encode()).rstrip(b"=").decode()


def read_cursor(text: str) -> int:
    """The place a cursor means."""
    try:
        padded = text + "=" * (-len(text) % 4)
        found = PLACE.fullmatch(base64.b64decode(padded, b"-_", validate=True).decode())
    except (binascii.Error, UnicodeError, ValueError):
        found = None
    if found is None or int(found[1]) >= 2**63:
        raise ValueError(
            "is not a cursor of this API; use the `cursor` of an earlier answer"
            " / 不是本接口给出的游标；请用先前应答中的 cursor"
        )
    return int(found[1])
