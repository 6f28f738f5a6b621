"""What commands share: a transaction, output for people and programs, settings, `name=value`."""

import asyncio
import json
import re
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from errno import EACCES, EDQUOT, EISDIR, ENOENT, ENOSPC, ENOTDIR
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, TypeVar, get_args, get_origin
from zoneinfo import ZoneInfo

import orjson
import typer
from pydantic import SecretStr, ValidationError
from pydantic.fields import FieldInfo
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.engine import DATABASE_ERRORS, create_engine, create_sessions, refusal
from shanhai.errors import InvalidInput, ShanhaiError, Unavailable
from shanhai.settings import ALL_SETTINGS, DatabaseSettings
from shanhai.validation import rule_in_chinese, rule_in_english

Result = TypeVar("Result")


async def in_transaction(
    work: Callable[[AsyncSession], Awaitable[Result]], *, at: Literal["url", "read_url"] = "url"
) -> Result:
    """Do the work in one transaction on the configured database, or on its standby.

    Raises:
        Unavailable: It does not answer, or does not let us in.
    """
    settings = DatabaseSettings()
    chosen = settings.model_copy(update={"url": getattr(settings, at)})
    engine = create_engine(chosen, application="shanhai-cli")
    try:
        async with create_sessions(engine).begin() as session:
            await _demand_connection(session, f"SHANHAI_DATABASE_{at.upper()}")
            return await work(session)
    finally:
        await engine.dispose()


def committed(work: Callable[[AsyncSession], Awaitable[Result]]) -> Result:
    """What the work gives, once its transaction on the configured database has ended."""
    return asyncio.run(in_transaction(work))


async def _demand_connection(session: AsyncSession, variable: str) -> None:
    try:
        await session.connection()
    except DATABASE_ERRORS as error:
        # Not its text, which may name the account. Below SQLAlchemy's is the driver's own.
        reason = type(getattr(error, "orig", error).__cause__ or error).__name__
        raise Unavailable(
            f"the database of {variable} does not answer or refuses us ({reason})",
            message_zh=f"{variable} 所指数据库无响应或拒绝连接（{reason}）",
        ) from error


def clock() -> Callable[[datetime], str]:
    """What writes a moment as clocks show it where the platform is, to the second."""
    zone = ZoneInfo(DatabaseSettings().timezone)
    return lambda at: at.astimezone(zone).isoformat(timespec="seconds")


def existing_file(meaning: str) -> Any:
    """The option of a file that is there."""
    return typer.Option(exists=True, dir_okay=False, help=meaning)


AsJson = Annotated[bool, typer.Option("--json", help="Print a JSON array of objects.")]
_NOTHING = "-"


def tell_rows(rows: Sequence[Mapping[str, Any]], *, as_json: bool) -> None:
    """Print rows of one shape; the heads of columns go where they are not taken for a row.

    Args:
        rows: Values by the name of their column.
        as_json: JSON instead of columns, times in UTC.
    """
    if as_json:
        listed = [dict(row) for row in rows]
        typer.echo(orjson.dumps(listed, default=str, option=orjson.OPT_INDENT_2).decode())
        return
    if not rows:
        return
    told = clock()
    names = list(rows[0])
    cells = [[_cell(row[name], told) for name in names] for row in rows]
    right = [all(isinstance(row[name], int | None) for row in rows) for name in names]
    widths = [max(map(len, column)) for column in zip(names, *cells, strict=True)]
    typer.echo(_line(names, widths, right), err=True)
    for one in cells:
        typer.echo(_line(one, widths, right))


def _cell(value: Any, told: Callable[[datetime], str]) -> str:
    if value is None or value == "":
        return _NOTHING
    return told(value) if isinstance(value, datetime) else str(value)


def _line(cells: Sequence[str], widths: Sequence[int], right: Sequence[bool]) -> str:
    """One line; the last column is not padded."""
    padded = [
        cell.rjust(width) if numbers else cell.ljust(width)
        for cell, width, numbers in zip(cells, widths, right, strict=True)
    ]
    return "  ".join(padded).rstrip()


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


def as_env(settings: Iterable[Setting]) -> str:
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


OF_FILES = {
    EACCES: "没有权限",
    EDQUOT: "超出磁盘配额",
    EISDIR: "是文件夹，不是文件",
    ENOENT: "文件或文件夹不存在",
    ENOSPC: "磁盘空间不足",
    ENOTDIR: "不是文件夹",
}


def tell_error(error: Exception) -> int | None:
    """Print an error that a person can do something about.

    Returns:
        The status to exit with; None, with nothing printed, for errors of any other kind.
    """
    if isinstance(error, ShanhaiError | DBAPIError):
        # Of the database without the statement and its values, which are nobody's to read.
        _tell_ours(refusal(error) if isinstance(error, DBAPIError) else error)
        return 1
    if isinstance(error, OSError) and (error.filename or error.errno in {ENOSPC, EDQUOT}):
        # A file that was named wrongly, or a disk that is full.
        named = f"{error.filename}: " if error.filename else ""
        typer.echo(f"error: {named}{error.strerror}", err=True)
        if error.errno in OF_FILES:
            typer.echo(f"错误：{named}{OF_FILES[error.errno]}", err=True)
        return 1
    if isinstance(error, ValidationError) and error.title in {one.__name__ for one in ALL_SETTINGS}:
        for wrong in (error, *_others_wrong(error)):
            typer.echo("\n".join(faults_of(wrong)), err=True)
        for line in advice_on(error):
            typer.echo(line, err=True)
        return 2
    return None


def _others_wrong(error: ValidationError) -> Iterator[ValidationError]:
    """What is set wrongly beside it: whoever mended that alone would be told this next."""
    for settings in ALL_SETTINGS:
        try:
            settings()
        except ValidationError as other:
            if other.title != error.title and not advice_on(other):
                yield other


def _tell_ours(error: ShanhaiError) -> None:
    """In both languages where there are two."""
    typer.echo(f"{error.title.en}: {error.message}", err=True)
    if error.message_zh != error.message:
        typer.echo(f"{error.title.zh}：{error.message_zh}", err=True)
    for fault in error.faults if isinstance(error, InvalidInput) else ():
        if fault.detail == error.message:
            typer.echo(f"  {fault.pointer}", err=True)
            continue
        typer.echo(f"  {fault.pointer}: {fault.detail}", err=True)
        if fault.detail_zh and fault.detail_zh != fault.detail:
            typer.echo(f"  {fault.pointer}：{fault.detail_zh}", err=True)


def faults_of(error: ValidationError) -> list[str]:
    """Which variables are missing or wrong, and why, in both languages where there are two."""
    prefixes = {item.__name__: item.model_config.get("env_prefix", "") for item in ALL_SETTINGS}
    prefix = prefixes.get(error.title, "")
    lines = []
    # Without what was given, which may be a secret.
    for item in error.errors(include_url=False, include_input=False):
        # Of several values, which; what Pydantic calls the kinds of one, nobody has written.
        place = [*item["loc"][:1], *(one for one in item["loc"][1:] if isinstance(one, int))]
        name = f"{prefix}{'.'.join(map(str, place)) or '*'}".upper()
        english, chinese = rule_in_english(item), rule_in_chinese(item)
        lines += [f"{name}: {english}"] + ([] if chinese == english else [f"{name}：{chinese}"])
    return lines


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


def all_settings() -> Iterator[Setting]:
    """Every variable, in the order of the settings classes."""
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
    if get_origin(annotation) is Annotated:
        annotation = get_args(annotation)[0]
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


def parse_settings(texts: list[str], *, structured: bool = False) -> dict[str, Any]:
    """`name=value` texts; values that read as JSON numbers, booleans or null are those.

    Args:
        structured: Arrays and objects are read, too.

    Raises:
        InvalidInput: a text reads otherwise.
    """
    found: dict[str, Any] = {}
    for text in texts:
        name, separator, value = text.partition("=")
        if not separator or not name:
            raise InvalidInput(f"{text!r} does not read name=value", pointer=text)
        found[name] = _value(value, str if structured else str | list | dict)
    return found


def _value(text: str, kept: type | UnionType) -> Any:
    try:
        value = orjson.loads(text)
    except ValueError:
        return text
    return text if isinstance(value, kept) else value


def nested(stated: Mapping[str, Any], base: Mapping[str, Any]) -> dict[str, Any]:
    """`a.b=1` as the member `b` of `a`, over what `base` has there.

    Raises:
        InvalidInput: `a` is something that has no members.
    """
    found: dict[str, Any] = json.loads(json.dumps(base, default=str))
    for name, value in stated.items():
        *path, last = name.split(".")
        place = found
        for part in path:
            place = place.setdefault(part, {})
            if not isinstance(place, dict):
                raise InvalidInput(
                    f"{name} cannot be set: {part} is {json.dumps(place)}",
                    message_zh=f"无法设置 {name}：{part} 为 {json.dumps(place)}",
                    pointer=name,
                )
        place[last] = value
    return found
