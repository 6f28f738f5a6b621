"""Subscriptions as they are asked for and answered."""

from typing import Literal, Self
from zoneinfo import available_timezones

from pydantic import BaseModel, ConfigDict, Field, field_validator

from shanhai.db.alerts.subscriptions import Subscribed
from shanhai.settings import MAIL_ADDRESS
from shanhai.vocabulary import WARNING_LEVELS, Lang, codes
from shanhai_api.kit.answers import Document, Link, Moment
from shanhai_api.negotiation import HTML, JSON
from shanhai_api.view import View
from shanhai_api.webhooks.models import Sending

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


class Subscription(Document):
    """A subscription as it is shown."""

    stored = False

    id: int
    name: str
    address: str
    lang: Lang
    levels: list[Level]
    time_zone: str
    endings: bool
    enabled: bool
    rules: list[str] | None
    region: str | None
    digest_at: str | None
    unsubscribed: Moment | None
    created: Moment
    links: list[Link]

    @classmethod
    def of(cls, found: Subscribed, view: View) -> Self:
        """A subscription as it is shown."""
        row, path = found.row, f"/subscriptions/{found.row.id}"
        return cls(
            id=row.id,
            **found.contents,
            unsubscribed=row.unsubscribed_at,
            created=row.created_at,
            links=[view.link(path, "self"), view.link(f"{path}/deliveries", "related")],
        )


class Subscriptions(Document):
    """A page of the subscriptions, the newest first."""

    stored = False

    subscriptions: list[Subscription]
    links: list[Link]


class Mails(Document):
    """A page of the mails of a subscription, without what they said."""

    stored = False

    deliveries: list[Sending]
    links: list[Link]


class Unsubscribing(Document):
    """What the link of a mail is about."""

    template = "unsubscribe.html"
    formats = (HTML, JSON)
    stored = False

    name: str
    address: str
    ended: bool
