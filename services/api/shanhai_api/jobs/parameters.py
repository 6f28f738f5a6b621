"""The query of `/jobs`."""

import base64
import binascii
from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AfterValidator, Field, field_validator

from shanhai.vocabulary import JobStatus
from shanhai_api.dependencies import PageQuery
from shanhai_api.features.values import parse_datetime

CURSOR_SEPARATOR = "~"


def split(text: str) -> str:
    """Check a comma-separated list for empty members."""
    if not all(part.strip() for part in text.split(",")):
        raise ValueError("must be values separated by commas / 必须是以逗号分隔的值")
    return text


def check_datetime(text: str) -> str:
    """Check an instant or an interval."""
    parse_datetime(text)
    return text


class JobsQuery(PageQuery):
    """Parameters of the list of jobs."""

    limit: int = Field(10, ge=1, le=10_000, description="Jobs on a page")
    cursor: str | None = Field(None, max_length=200, description="A place given by a `next` link")
    type: Literal["process"] | None = Field(None, description="Kind of job; all are `process`")
    processID: Annotated[str, AfterValidator(split)] | None = Field(
        None, max_length=1000, description="Only jobs of these processes, comma separated"
    )
    status: Annotated[str, AfterValidator(split)] | None = Field(
        None, max_length=200, description="Only jobs in these states, comma separated"
    )
    datetime: Annotated[str, AfterValidator(check_datetime)] | None = Field(
        None, max_length=100, description="Only jobs created then: an instant or an interval"
    )
    minDuration: int | None = Field(None, ge=0, le=10**9, description="Least seconds of running")
    maxDuration: int | None = Field(None, ge=0, le=10**9, description="Most seconds of running")

    dead: Literal["true", "false"] | None = Field(
        None,
        description="`true`: only jobs that were given up though their inputs are not to blame, and"
        " were not tried again since",
    )

    @field_validator("status")
    @classmethod
    def check_states(cls, text: str | None) -> str | None:
        """Every state must be one of the standard's."""
        known = {status.value for status in JobStatus}
        if text is not None and not set(text.split(",")) <= known:
            listed = ", ".join(sorted(known))
            raise ValueError(f"must be of {listed} / 必须取自 {listed}")
        return text

    @field_validator("cursor")
    @classmethod
    def check_cursor(cls, text: str | None) -> str | None:
        """A cursor must be one of ours."""
        if text is not None:
            read_cursor(text)
        return text


def write_cursor(created_at: datetime, job_id: UUID) -> str:
    """The place after a job."""
    text = f"{created_at.isoformat()}{CURSOR_SEPARATOR}{job_id}"
    return base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()


def read_cursor(text: str) -> tuple[datetime, UUID]:
    """The place a cursor means."""
    try:
        padded = text + "=" * (-len(text) % 4)
        moment, _, job_id = (
            base64.b64decode(padded, b"-_", validate=True).decode().partition(CURSOR_SEPARATOR)
        )
        return datetime.fromisoformat(moment), UUID(job_id)
    except (binascii.Error, UnicodeDecodeError, ValueError):
        raise ValueError(
            "is not a cursor of this API; follow the links / 不是本接口给出的游标；请用给出的链接"
        ) from None
