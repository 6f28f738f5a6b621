"""Every SHANHAI_* variable with its type, default and meaning, from the settings classes."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from types import NoneType, UnionType
from typing import Any, Literal, get_args, get_origin

from pydantic import SecretStr, ValidationError
from pydantic.fields import FieldInfo

from shanhai.settings import ALL_SETTINGS

HEADING = """\
# Settings of Shanhai, all of them, as `shanhai settings --env` prints them.
# A variable that is commented out has the default shown.
"""


@dataclass(frozen=True, slots=True)
class Setting:
    """One variable."""

    name: str
    concern: str
    kind: str
    default: str | None
    meaning: str


def all_settings() -> list[Setting]:
    """Every variable, in the order of the settings classes."""
    return list(_settings())


def as_env(settings: list[Setting]) -> str:
    """A file of variables to start from; those that must be given are left open."""
    lines, concern = [HEADING], None
    for setting in settings:
        if setting.concern != concern:
            concern = setting.concern
            lines.append(f"# {concern}\n")
        required = setting.default is None
        note = "required" if required else setting.kind
        lines.append(f"# {setting.meaning} ({note})")
        lines.append(f"{'' if required else '#'}{setting.name}={setting.default or ''}\n")
    return "\n".join(lines)


def faults_of(error: ValidationError) -> list[str]:
    """Which variables are missing or wrong, and why."""
    prefixes = {item.__name__: item.model_config.get("env_prefix", "") for item in ALL_SETTINGS}
    prefix = prefixes.get(error.title, "")
    return [
        f"{prefix}{'.'.join(map(str, item['loc']))}".upper() + f": {item['msg']}"
        for item in error.errors(include_url=False)
    ]


def advice_on(error: ValidationError) -> tuple[str, ...]:
    """Where settings come from, in both languages, where one is missing."""
    if not any(item["type"] == "missing" for item in error.errors(include_url=False)):
        return ()
    return (
        "Settings come from the environment. `make up` starts a stack of your own, whose settings"
        " `. .shanhai/env` gives to this shell; `shanhai settings` lists them all.",
        "设置取自环境变量。`make up` 启动自己的一套服务，`. .shanhai/env` 将其设置载入当前终端；"
        "`shanhai settings` 列出全部设置。",
    )


def _settings() -> Iterator[Setting]:
    for settings in ALL_SETTINGS:
        prefix = settings.model_config.get("env_prefix", "")
        concern = (settings.__doc__ or settings.__name__).splitlines()[0]
        for name, field in settings.model_fields.items():
            yield Setting(
                f"{prefix}{name}".upper(),
                concern,
                kind_of(field.annotation),
                default_of(field),
                field.description or "",
            )


def default_of(field: FieldInfo) -> str | None:
    """The default as a variable would give it; None when the variable is required."""
    if field.is_required():
        return None
    default = field.get_default(call_default_factory=True, validated_data={})
    if default is None or default == ():
        return ""
    if isinstance(default, tuple):
        return ",".join(map(str, default))
    return str(default).lower() if isinstance(default, bool) else str(default)


def kind_of(annotation: Any) -> str:
    """A type in words a person knows."""
    if annotation is SecretStr:
        return "secret text"
    if get_origin(annotation) is Literal:
        return " | ".join(map(str, get_args(annotation)))
    members = [member for member in get_args(annotation) if member not in {NoneType, Ellipsis}]
    if get_origin(annotation) is UnionType:
        return " or ".join(kind_of(member) for member in members)
    if members:
        return f"list of {kind_of(members[0])}" if get_origin(annotation) is tuple else "text"
    words = {"str": "text", "int": "whole number", "float": "number", "bool": "true or false"}
    name = getattr(annotation, "__name__", str(annotation))
    return words.get(name) or re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name).lower()
