"""Codes and texts that pydantic checks, and what is told of what it refuses, in Chinese too.

What our own checks raise says it in both, as descriptions of members do: `English / 中文`.
"""

import json
import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Annotated, Any, cast

from pydantic import (
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    StringConstraints,
    TypeAdapter,
    ValidationError,
)
from pydantic_core import InitErrorDetails, PydanticCustomError, PydanticKnownError

from shanhai.vocabulary import Label

Code = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,79}$")]
Name = Annotated[str, StringConstraints(min_length=1, max_length=200)]
Note = Annotated[str, StringConstraints(min_length=1, max_length=2000)]
# Without characters PostgreSQL cannot keep, and those that show nothing.
Line = Annotated[
    str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")
]
# Words: no control characters but tabs and ends of lines, none that turn writing around, not blank.
_HIDDEN = r"\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069"
PRINTED = rf"^[^{_HIDDEN}]*[^\s{_HIDDEN}][^{_HIDDEN}]*$"
Remark = Annotated[str, StringConstraints(min_length=1, max_length=2000, pattern=PRINTED)]
Words = Annotated[str, StringConstraints(min_length=1, max_length=4000, pattern=PRINTED)]
Network = Annotated[IPv4Network | IPv6Network, BeforeValidator(ip_network)]
"""Addresses of one prefix; what is no network is told in one rule, not in one of either kind."""
OptionalPath = Annotated[Path | None, BeforeValidator(lambda value: value or None)]
"""A path; an empty text is none, and not the current folder."""


class StrictModel(BaseModel):
    """Anything in a file; a member nobody knows is a mistake."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)


def readable(read: Callable[[str], object]) -> Callable[[str | None], str | None]:
    """A check by what reads a text, and raises `ValueError` of what it cannot read."""

    def check(text: str | None) -> str | None:
        if text is not None:
            read(text)
        return text

    return check


def codes_once(longest: int) -> Callable[[list[str] | None], list[str] | None]:
    """A check of codes, of no more characters each, after which each is there once."""

    def check(codes: list[str] | None) -> list[str] | None:
        if any(not 0 < len(code) <= longest or "\x00" in code for code in codes or ()):
            told = f"characters / 须为 1 至 {longest} 个字符的代码"
            raise ValueError(f"must be codes of 1 to {longest} {told}")
        return codes and sorted(set(codes))

    return check


NUMBER = re.compile(r"\s*[+-]?(\d+\.?\d*|\.\d+)\s*", re.ASCII)


def _texts_of(kind: Any) -> BeforeValidator:
    """What makes times of texts, and refuses numbers, which pydantic counts from 1970.

    Strict parsing takes from a validator nothing but what is a time already.
    """
    times: TypeAdapter[datetime | date] = TypeAdapter(kind)

    def read(value: object) -> object:
        if isinstance(value, int | float) or (isinstance(value, str) and NUMBER.fullmatch(value)):
            raise ValueError(
                "must be a date or time of RFC 3339, not a number"
                " / 须为 RFC 3339 的日期或时间，不能是数字"
            )
        if not isinstance(value, str):
            return value
        try:
            found = times.validate_python(value)
            if isinstance(found, datetime):
                found.astimezone(UTC)  # as it is stored
            return found
        except ValidationError as error:
            [told] = error.errors()
            raise PydanticKnownError(cast("Any", told["type"]), told.get("ctx")) from None
        except OverflowError:
            raise ValueError(
                "must lie in the years 1 to 9999 of UTC / 按 UTC 须在公元 1 至 9999 年之间"
            ) from None

    return BeforeValidator(read)


Rfc3339Date = Annotated[date, _texts_of(date)]
_DAYS: TypeAdapter[date] = TypeAdapter(Rfc3339Date)


def read_day(text: str) -> date:
    """The day a parameter names.

    Raises:
        ValueError: it is none, also as an instant of a day.
    """
    try:
        return _DAYS.validate_python(text)
    except ValidationError:
        raise ValueError(
            f"must be a day, such as 2025-06-30, not {text[:40]!r} / 应为日期，如 2025-06-30"
        ) from None


"""A day, as a member of queries, bodies and inputs."""
Rfc3339Time = Annotated[AwareDatetime, _texts_of(AwareDatetime)]
"""A moment with its offset, as a member of queries, bodies and inputs."""


def rfc3339(moment: datetime | None) -> str | None:
    """A moment in UTC, with `Z`."""
    if moment is None:
        return None
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


_BEFORE, _AFTER = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
NO_END = Label(
    "须晚于公元 1 至 9999 年（UTC）的首日或首刻、早于其末日或末刻；不限起止时请留空（null）",
    "must not be at an end of the years 1 to 9999 of UTC, or beyond; leave an open end out (null)",
)


def is_end(value: date) -> bool:
    """Whether PostgreSQL's driver would write a day or moment as an infinity, or not at all."""
    if isinstance(value, datetime):
        return not _BEFORE < value < _AFTER
    return value in (date.min, date.max)


def bounded(value: Any) -> Any:
    """A member's value, which must not be a day or moment at an end of the calendar."""
    if isinstance(value, date) and is_end(value):
        raise ValueError(f"{value}: {NO_END.en} / {value}：{NO_END.zh}")
    return value


_IN_BOTH = re.compile(r"(.*) / ([^/]*[\u4e00-\u9fff].*)", re.DOTALL)
_RULES = {
    "missing": "必填",
    "extra_forbidden": "不是已知的成员",
    "greater_than": "必须大于 {gt}",
    "greater_than_equal": "必须大于或等于 {ge}",
    "less_than": "必须小于 {lt}",
    "less_than_equal": "必须小于或等于 {le}",
    "string_too_short": "至少 {min_length} 个字符",
    "string_too_long": "至多 {max_length} 个字符",
    "too_long": "至多 {max_length} 项",
    "too_short": "至少 {min_length} 项",
    "string_type": "必须是字符串",
    "string_pattern_mismatch": "必须符合格式 {pattern}",
    PRINTED: "不得为空，也不得含控制字符",
    "bool_type": "必须是 true 或 false",
    "bool_parsing": "必须是 true 或 false",
    "int_type": "必须是整数",
    "int_parsing": "必须是整数",
    "int_from_float": "必须是整数",
    "float_type": "必须是数字",
    "float_parsing": "必须是数字",
    "decimal_type": "必须是数字",
    "decimal_parsing": "必须是数字",
    "decimal_max_digits": "至多 {max_digits} 位数字",
    "decimal_max_places": "至多 {decimal_places} 位小数",
    "finite_number": "必须是有限的数",
    "dict_type": "必须是对象",
    "model_type": "必须是对象",
    "model_attributes_type": "必须是对象",
    "none_required": "必须是 null",
    "set_type": "必须是数组",
    "tuple_type": "必须是数组",
    "multiple_of": "必须是 {multiple_of} 的倍数",
    "string_unicode": "必须是有效的 Unicode 文本",
    "int_parsing_size": "整数过大",
    "decimal_whole_digits": "小数点前至多 {whole_digits} 位",
    "datetime_type": "必须是日期时间",
    "date_type": "必须是日期",
    "date_from_datetime_inexact": "必须是日期",
    "datetime_object_invalid": "必须是日期时间",
    "list_type": "必须是数组",
    "literal_error": "必须是 {expected} 之一",
    "enum": "必须是 {expected} 之一",
    "uuid_parsing": "必须是 UUID",
    "uuid_type": "必须是 UUID",
    "date_from_datetime_parsing": "必须是日期",
    "date_parsing": "必须是日期",
    "datetime_parsing": "必须是日期时间",
    "datetime_from_date_parsing": "必须是日期时间",
    "timezone_aware": "必须带时区",
    "union_tag_invalid": "{discriminator} 必须是 {expected_tags} 之一",
    "union_tag_not_found": "必须给出 {discriminator}",
}
_PLAINER = {
    PRINTED: "must not be blank or hold control characters",
    "union_tag_invalid": "{discriminator} should be one of {expected_tags}",
    "union_tag_not_found": "{discriminator} is required",
}
"""What pydantic tells in words of its own, of tags and words, in those of whoever sends them."""


BROKEN_RULE = "broken_rule"
"""Type of what a check of a whole model tells of one member, which may be one that is not there."""
ITS_KEY = "[key]"
"""What pydantic puts behind the name of a member when the name itself is wrong."""
_TELL_NO_VALUE = frozenset(
    {
        *("missing", "extra_forbidden", "string_too_short", "string_too_long", "value_error"),
        BROKEN_RULE,
    }
)
"""Errors without a value, with one that is too long, or of a check of ours, which names it."""
_SECRET = re.compile(r"password|secret|token|key|link|credential|verifier", re.IGNORECASE)
_TOLD_CHARACTERS = 80


def rule_in_english(item: Mapping[str, Any]) -> str:
    """One of pydantic's errors in its words, or in those of the check of ours that raised it.

    The value is told with it, but for that of a member which may hold a secret.
    """
    rule, told = _PLAINER.get(item.get("ctx", {}).get("pattern", item["type"])), _value_told(item)
    words = in_both(_message(item))[0] if rule is None else rule.format(**item["ctx"])
    return f"{words}{told and f' (was {told})'}"


def rule_in_chinese(item: Mapping[str, Any]) -> str:
    """The same in Chinese; in pydantic's words where no translation is kept."""
    limits = {name: _listed(limit) for name, limit in item.get("ctx", {}).items()}
    rule, told = _RULES.get(limits.get("pattern", ""), _RULES.get(item["type"])), _value_told(item)
    words = in_both(_message(item))[1] if rule is None else rule.format(**limits)
    return f"{words}{told and f'（给出的是 {told}）'}"


def _listed(limit: Any) -> Any:
    """A limit; choices, which pydantic lists in English, listed in Chinese."""
    told = isinstance(limit, str)
    return limit.replace("', '", "'、'").replace(" or ", " 或 ") if told else limit


def _value_told(item: Mapping[str, Any]) -> str:
    """A text, number, truth value or null as JSON has it; empty where it is not to be told."""
    # Of a wrong tag the input is the whole object.
    value = item.get("ctx", {}).get("tag", item.get("input", ...))
    names = (part for part in item["loc"] if isinstance(part, str) and part != ITS_KEY)
    if item["type"] in _TELL_NO_VALUE or any(map(_SECRET.search, names)):
        return ""
    if isinstance(value, str):
        return repr(value[:_TOLD_CHARACTERS])
    return json.dumps(value) if value is None or isinstance(value, int | float) else ""


def broken_at(*place: str | int, rule: str) -> ValidationError:
    """What a check of a whole model raises about one of its members.

    Args:
        place: Names and numbers that lead to the member, from the model.
        rule: The broken one, in English and Chinese.
    """
    told = PydanticCustomError(cast("Any", BROKEN_RULE), cast("Any", rule))
    return ValidationError.from_exception_data(
        "check", [InitErrorDetails(type=told, loc=place, input=None)]
    )


def in_both(message: str) -> tuple[str, str]:
    """A message in English and in Chinese; twice the same where it is in one language only."""
    found = _IN_BOTH.fullmatch(message)
    return (message, message) if found is None else (found[1], found[2])


def _message(item: Mapping[str, Any]) -> str:
    return str(item["msg"]).removeprefix("Value error, ")
