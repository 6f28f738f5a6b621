"""What is asked for of bulletins and their templates."""

import re
from datetime import date
from typing import Literal

from pydantic import Field, field_validator

from shanhai.errors import InvalidInput
from shanhai.timestamps import Rfc3339Date
from shanhai_api.dependencies import PageQuery, format_field

CODE = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,79}$"
CURSOR = re.compile(r"(\d{4}-\d{2}-\d{2})-(\d{1,18})")


class BulletinsQuery(PageQuery):
    """Parameters of the list of bulletins."""

    region: str | None = Field(
        None, pattern=CODE, description="Only bulletins of this region and those below it"
    )
    state: Literal["draft", "published"] | None = Field(
        None, description="Only bulletins in this state"
    )
    first: Rfc3339Date | None = Field(None, description="Only bulletins of days from this one on")
    last: Rfc3339Date | None = Field(None, description="Only bulletins of days up to this one")
    limit: int = Field(10, ge=1, le=1_000, description="Bulletins on a page")
    before: str | None = Field(
        None, max_length=30, description="Where the page begins, from the link `next`"
    )

    @field_validator("before")
    @classmethod
    def check_cursor(cls, value: str | None) -> str | None:
        """One that a link gave."""
        if value is not None and CURSOR.fullmatch(value) is None:
            raise ValueError("must be taken from the link `next` / 须取自 next 链接")
        return value

    @property
    def place(self) -> tuple[date, int] | None:
        """The last day and id of the bulletin before the page.

        Raises:
            InvalidInput: there is no such day.
        """
        found = None if self.before is None else CURSOR.fullmatch(self.before)
        if found is None:
            return None
        try:
            return date.fromisoformat(found[1]), int(found[2])
        except ValueError as error:
            raise InvalidInput(
                "before must be taken from the link `next`",
                message_zh="before 须取自 next 链接",
                pointer="before",
            ) from error


class BulletinQuery(PageQuery):
    """Parameters of one bulletin."""

    f: str | None = format_field("json", "html", "pdf", "docx")


class TemplateQuery(PageQuery):
    """Parameters of one template."""

    version: int | None = Field(None, ge=0, le=1_000_000, description="Version; default the newest")


class VersionsQuery(PageQuery):
    """Parameters of the versions of a template."""

    limit: int = Field(10, ge=1, le=100, description="Versions on a page")
    before: int | None = Field(None, ge=1, le=1_000_000, description="Only versions before this")
