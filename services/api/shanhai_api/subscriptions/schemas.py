"""Subscriptions as they are asked for and shown."""

from typing import Any, Literal
from zoneinfo import available_timezones

from pydantic import BaseModel, ConfigDict, Field, field_validator

from shanhai.db.alerts.subscriptions import Subscribed
from shanhai.db.tables import Delivery
from shanhai.jobs.results import rfc3339
from shanhai.settings import MAIL_ADDRESS
from shanhai.vocabulary import DELIVERY_STATUSES, WARNING_LEVELS, codes, label_in
from shanhai_api.view import View

Level = Literal["blue", "yellow", "orange", "red"]


class SubscriptionContents(BaseModel):
    """Whom to tell of which alerts, and when."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(
        min_length=1, max_length=200, pattern=r"^[^\x00-\x1f]*$", description="Who is told"
    )
    address: str = Field(max_length=254, description="Their e-mail address")
    lang: Literal["zh", "en"] = Field("zh", description="Language of the mails")
    levels: list[Level] = Field(
        ["blue", "yellow", "orange", "red"], min_length=1, description="Levels they are told of"
    )
    rules: list[str] | None = Field(
        None, min_length=1, max_length=1000, description="Codes of rules; default all of them"
    )
    region: str | None = Field(
        None,
        max_length=80,
        pattern=r"^[^\x00]*$",
        description="Only what is in the region of this code; default everywhere",
    )
    digest_at: str | None = Field(
        None,
        pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$",
        description="One mail a day at this time, as `08:00`; default: told at once",
    )
    time_zone: str = Field("Asia/Shanghai", max_length=64, description="IANA time zone of the time")
    endings: bool = Field(True, description="Whether they are also told of alerts that closed")
    enabled: bool = Field(True, description="Whether they are told anything")

    @field_validator("address")
    @classmethod
    def check_address(cls, address: str) -> str:
        """One address and nothing else, so that no mail goes to two."""
        if not MAIL_ADDRESS.fullmatch(address):
            raise ValueError("must be one e-mail address, as a@b.cn / 须为一个邮箱地址")
        return address

    @field_validator("time_zone")
    @classmethod
    def check_zone(cls, name: str) -> str:
        """A zone there is."""
        if name not in available_timezones():
            raise ValueError("must be an IANA time zone / 须为 IANA 时区名称")
        return name

    @field_validator("levels")
    @classmethod
    def order_levels(cls, levels: list[Level]) -> list[Level]:
        """Each once, from the least serious on."""
        return sorted(set(levels), key=codes(WARNING_LEVELS).index)

    @field_validator("rules")
    @classmethod
    def check_rules(cls, rules: list[str] | None) -> list[str] | None:
        """Codes, each once."""
        if rules is None:
            return None
        if any(not 0 < len(code) <= 64 or "\x00" in code for code in rules):
            raise ValueError("must be codes of 1 to 64 characters / 须为 1 至 64 个字符的代码")
        return sorted(set(rules))


def describe_subscription(found: Subscribed, view: View) -> dict[str, Any]:
    """A subscription as it is shown."""
    row = found.row
    path = f"/subscriptions/{row.id}"
    return {
        "id": row.id,
        **found.contents,
        "unsubscribed": rfc3339(row.unsubscribed_at),
        "created": rfc3339(row.created_at),
        "links": [view.link(path, "self"), view.link(f"{path}/deliveries", "related")],
    }


def describe_mail(row: Delivery, view: View) -> dict[str, Any]:
    """A mail and what became of it; not what it said."""
    return {
        "id": str(row.id),
        "type": row.event_type,
        "status": row.status,
        "status_name": label_in(DELIVERY_STATUSES, row.status, view.lang),
        "attempts": row.attempt,
        "answered": row.answered,
        "reason": (row.reason_zh or row.reason) if view.lang == "zh" else row.reason,
        "due": rfc3339(row.due_at) if row.status == "waiting" else None,
        "created": rfc3339(row.created_at),
        "finished": rfc3339(row.finished_at),
    }
