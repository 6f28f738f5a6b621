"""From the fields of a file to the properties of an entity."""

import json
import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time
from decimal import Decimal
from difflib import get_close_matches
from typing import Any

from shanhai.db.features.bulk_staging import Stage
from shanhai.db.features.columns import OWN_FIELDS
from shanhai.db.features.entity import Entity, Property
from shanhai.db.features.input_validation import CODE, CODE_RULE, CODE_RULE_ZH, code_property
from shanhai.db.features.property_values import broken_rules, told_value
from shanhai.errors import Fault, InvalidInput
from shanhai.processes.import_features.findings import Finding
from shanhai.vector.shapefile import short_names
from shanhai.vector.sources import SourceBlock, SourceInfo
from shanhai.vocabulary import Label

MAPPING = "/inputs/mapping"
SLASHES = re.compile(r"^(\d{4})/(\d\d?)/(\d\d?)$", re.ASCII)
"""A day as KML and many tables write it."""
BETWEEN = re.compile("[;,\n\uff1b\u3001\uff0c]")
"""What stands between the elements of a list that is no JSON, full-width signs included."""
TRUE = frozenset({"true", "t", "yes", "y", "1", "是"})
FALSE = frozenset({"false", "f", "no", "n", "0", "否"})
CODE_NAMES = ("代码", "编码", "编号", "code", "bsm", "dm", "bh", "fid", "uid", "guid", "_id", "id_")
"""Parts of the names registers give the field of their codes, the plainest first."""
ROW_NUMBERS = frozenset({"id", "fid", "ogc_fid"})
"""Fields that programs add to number rows."""
MISSING_CODE = Label("缺少代码 `code`", "has no code")
DUPLICATE = Label("代码在文件中重复", "its code is in the file before")
NOT_KEPT = Label("二进制或无穷大的值，未保存", "is binary or infinite and is not kept")
REQUIRED = Label("必填", "is required")
Say = Callable[[Finding], None]


@dataclass(frozen=True, slots=True)
class FieldPlan:
    """Which field of the file each property is read from.

    Attributes:
        code: The field of the code.
        fields: The field of every other property that is written.
        own: Fields that are no properties, kept together under their names.
        ignored: Fields nothing is read from.
    """

    code: str
    fields: Mapping[str, str]
    own: tuple[str, ...]
    ignored: tuple[str, ...]

    @property
    def written(self) -> frozenset[str]:
        """The properties that are written."""
        return frozenset(self.fields) | ({OWN_FIELDS} if self.own else frozenset())


def plan_fields(entity: Entity, fields: Sequence[str], mapping: Mapping[str, str]) -> FieldPlan:
    """Match fields with properties: as told, else by name, by short name as shapefiles have it.

    Raises:
        InvalidInput: the mapping names what does not exist, or no field holds the code.
    """
    faults = list(_strangers(entity, fields, mapping))
    if faults:
        raise InvalidInput.placed(faults)
    own = code_property(entity).name
    found = {target: source for source, target in mapping.items()}
    free = [name for name in fields if name not in mapping]
    for name, item in _guesses(entity):
        source = next((one for one in free if one.lower() == name), None)
        if source is not None and item.name not in found:
            found[item.name] = source
            free.remove(source)
    if own not in found:
        field = next((name for name in free if name.lower() == "id"), None)
        if field is None:
            raise _without_code(own, free, fields)
        found[own] = field
    written = {item.name for item in entity.receivables}
    used = {name: field for name, field in found.items() if name in written and name != own}
    unused = [name for name in fields if name not in used.values() and name != found[own]]
    kept = () if OWN_FIELDS not in written else _own_fields(entity, unused, mapping)
    ignored = tuple(name for name in unused if name not in kept)
    return FieldPlan(found[own], used, kept, ignored)


def _own_fields(
    entity: Entity, unused: Sequence[str], mapping: Mapping[str, str]
) -> tuple[str, ...]:
    """The fields that mean nothing here: no property, and no number of a row."""
    known = {name for name, _ in _guesses(entity)} | ROW_NUMBERS
    return tuple(name for name in unused if name.lower() not in known and name not in mapping)


def _without_code(own: str, free: Sequence[str], fields: Sequence[str]) -> InvalidInput:
    """The refusal of a file none of whose fields is known to hold the code, with a guess."""
    hint, hint_zh = "", ""
    guessed = _like_a_code(own, free)
    if guessed is not None:
        hint = f"; did you mean {guessed!r}? Then map {guessed}={own}"
        hint_zh = f"；是否为 {guessed!r}？若是，请设置对应关系 {guessed}={own}"
    listed = fields[:50]
    return InvalidInput(
        f"no field holds the code{hint}; the fields are: {', '.join(listed)}",
        message_zh=f"没有代码字段{hint_zh}；文件字段有：{'、'.join(listed)}",
        pointer=MAPPING,
    )


def _like_a_code(own: str, free: Sequence[str]) -> str | None:
    """The field most likely to hold a code: named nearly so, or as registers name theirs."""
    by_lower = {name.lower(): name for name in free}
    near = get_close_matches(own, by_lower, n=1)
    if near:
        return by_lower[near[0]]
    return next((by_lower[name] for part in CODE_NAMES for name in by_lower if part in name), None)


def _strangers(
    entity: Entity, fields: Sequence[str], mapping: Mapping[str, str]
) -> Iterator[Fault]:
    targets: set[str] = set()
    for source, target in mapping.items():
        pointer = f"{MAPPING}/{source.replace('~', '~0').replace('/', '~1')}"
        if source not in fields:
            listed = ", ".join(fields[:50])
            yield Fault(pointer, f"is no field of the file; it has: {listed}", "文件中没有该字段")
        if entity.declared(target) is None:
            near = get_close_matches(target, [item.name for item in entity.properties], n=1)
            hint, hint_zh = (
                (f"; did you mean {near[0]!r}?", f"；是否为 {near[0]!r}？") if near else ("", "")
            )
            yield Fault(
                pointer,
                f"{target!r} is not a property of {entity.name}{hint}",
                f"没有属性 {target!r}{hint_zh}",
            )
        if target in targets:
            yield Fault(pointer, f"{target!r} has two fields", f"属性 {target!r} 对应了两个字段")
        targets.add(target)


def _guesses(entity: Entity) -> Iterator[tuple[str, Property]]:
    """The names a property may have as a field, in lower case: its own ones first."""
    short = short_names([item.name for item in entity.properties])
    for item in entity.properties:
        yield item.name.lower(), item
    for item in entity.properties:
        yield short[item.name].lower(), item


@dataclass(frozen=True, slots=True)
class Values:
    """The values of some rows, by property, and the rows' codes.

    Attributes:
        cut: By number of the row, the texts that may be beginnings only, by property.
    """

    codes: Sequence[str | None]
    columns: Mapping[str, Sequence[Any]]
    cut: Mapping[int, Mapping[str, str]]


class RowReader:
    """Reads values block by block; remembers the codes it has seen."""

    def __init__(
        self, entity: Entity, plan: FieldPlan, known: Mapping[str, frozenset[str]], info: SourceInfo
    ) -> None:
        self._plan = plan
        self._info = info
        self._properties = [item for item in entity.receivables if item.name in plan.fields]
        self._own = entity.declared(OWN_FIELDS) if plan.own else None
        self._known = known
        # Codes of zones, say, are distinct within a scheme only.
        beside = Stage(entity, tuple(self._properties), shaped=False).beside
        self._beside = [plan.fields[item.name] for item in beside]
        self._seen: set[str] = set()

    def read(self, block: SourceBlock, rows: Sequence[int], say: Say) -> Values:
        """The values of a block; what is wrong with them is said."""
        codes = self._codes(block, rows, say)
        cut: dict[int, dict[str, str]] = {}
        columns = {}
        for item in self._properties:
            if self._info.text_bytes is not None:
                block = self._without_beginnings(item, block, cut)
            columns[item.name] = self._column(item, block, codes, rows, say)
        if self._own is not None:
            columns[OWN_FIELDS] = self._own_values(
                self._own, block, columns.get(OWN_FIELDS), codes, rows, say
            )
        return Values(codes, columns, cut)

    def _own_values(
        self,
        item: Property,
        block: SourceBlock,
        before: Sequence[Any] | None,
        codes: Sequence[str | None],
        rows: Sequence[int],
        say: Say,
    ) -> list[Any]:
        """What the fields that are no properties say, row by row."""
        found: list[Any] = []
        for number in range(len(block)):
            given = {name: block.columns[name][number] for name in self._plan.own}
            told = {name: _as_json(one) for name, one in given.items()}
            value = {name: one for name, one in told.items() if one is not None}
            row, code = rows[number], codes[number]
            for name in (name for name, one in given.items() if _is_lost(one)):
                at = f"{OWN_FIELDS}.{name}"
                say(Finding(row, code, "type", NOT_KEPT, at, severity="note"))
            if before is not None and isinstance(before[number], dict):
                value = {**before[number], **value}
            if broken := next(broken_rules(item.schema, value), None):
                say(Finding(row, code, "type", told_value(value, broken.rule), item.name))
            found.append(value or None)
        return found

    def _without_beginnings(
        self, item: Property, block: SourceBlock, cut: dict[int, dict[str, str]]
    ) -> SourceBlock:
        """The block without nested values that were cut, which are no JSON any more."""
        field = self._plan.fields[item.name]
        values = list(block.columns[field])
        for number, value in enumerate(values):
            if not self._info.may_be_cut(value):
                continue
            if item.schema["type"] == "string":
                cut.setdefault(number, {})[item.name] = value
            elif plain(value, item.schema["type"]) == value:
                cut.setdefault(number, {})[item.name] = value
                values[number] = None
        return replace(block, columns={**block.columns, field: values})

    def _codes(self, block: SourceBlock, rows: Sequence[int], say: Say) -> list[str | None]:
        found: list[str | None] = []
        for number, value in enumerate(block.columns[self._plan.code]):
            row, code = rows[number], plain(value, "string")
            detail = None
            if code is None:
                detail = MISSING_CODE
            elif not isinstance(code, str) or CODE.fullmatch(code) is None:
                detail = told_value(code, Label(CODE_RULE_ZH, CODE_RULE))
            if detail is not None:
                say(Finding(row, None if code is None else str(code), "code", detail, "code"))
                found.append(None)
                continue
            beside = (str(plain(block.columns[name][number], "string")) for name in self._beside)
            key = "\0".join((code, *beside))
            if key in self._seen:
                say(Finding(row, code, "duplicate", DUPLICATE, "code"))
            self._seen.add(key)
            found.append(code)
        return found

    def _column(
        self,
        item: Property,
        block: SourceBlock,
        codes: Sequence[str | None],
        rows: Sequence[int],
        say: Say,
    ) -> list[Any]:
        kind, known = item.schema["type"], self._known.get(item.name)
        found: list[Any] = []
        for number, raw in enumerate(block.columns[self._plan.fields[item.name]]):
            value = plain(raw, kind)
            if item.schema.get("format") == "date" and isinstance(value, str):
                value = SLASHES.sub(_dashed, value)
            row, code = rows[number], codes[number]
            if value is None:
                if item.required:
                    say(Finding(row, code, "required", REQUIRED, item.name))
            elif broken := next(broken_rules(item.schema, value), None):
                say(Finding(row, code, "type", told_value(value, broken.rule), item.name))
                value = None
            elif known is not None and (lost := _lost(value, known)) is not None:
                told = Label(f"没有 {lost!r}", f"there is no {lost!r}")
                say(Finding(row, code, "reference", told, item.name))
                value = None
            found.append(value)
        return found


def _as_json(value: Any) -> Any:
    """A value as JSON has it; None for what it cannot have."""
    match value:
        case datetime(tzinfo=None) if value.time() != time.min:
            return value.isoformat()  # of which zone, the file does not say
        case str() | date():
            return plain(value, "string")
        case bytes():
            return None
        case float():
            return value if math.isfinite(value) else None
        case Decimal():
            # As a number where a float holds it exactly, and never with other digits.
            return number if Decimal(repr(number := float(value))) == value else str(value)
        case dict():
            return {str(name): _as_json(one) for name, one in value.items()}
        case list() | tuple():
            return [_as_json(one) for one in value]
        case None | bool() | int():
            return value
    return str(value)


def _is_lost(value: Any) -> bool:
    return isinstance(value, bytes) or (isinstance(value, float) and math.isinf(value))


def _dashed(day: re.Match[str]) -> str:
    return f"{day[1]}-{int(day[2]):02}-{int(day[3]):02}"


def _lost(value: Any, known: frozenset[str]) -> str | None:
    """The first code that is not known."""
    codes = value if isinstance(value, list) else [value]
    return next((str(code) for code in codes if code not in known), None)


def plain(value: Any, kind: str) -> Any:
    """A file's value as JSON would have it for a kind; what does not fit stays as it is."""
    if value is None or value == "" or (isinstance(value, float) and math.isnan(value)):
        return None
    return PLAINS[kind](value)


def _text(value: Any) -> Any:
    if isinstance(value, datetime):
        moment = value if value.tzinfo else value.replace(tzinfo=UTC)
        # Formats without a date of their own write a day as its first moment.
        return (
            value.date().isoformat() if moment.time() == datetime.min.time() else moment.isoformat()
        )
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, bytes | dict | list):
        return value  # as Python would write it, it would be nobody's text
    return value.strip() or None if isinstance(value, str) else str(value)


def _integer(value: Any) -> Any:
    number = _number(value)
    return int(number) if isinstance(number, float) and number.is_integer() else number


def _number(value: Any) -> Any:
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, str):
        try:
            # Python's own `1_000` is no number anywhere else.
            return float(value) if value.isascii() and "_" not in value else value
        except ValueError:
            return value
    return value


def _boolean(value: Any) -> Any:
    text = str(value).strip().lower()
    if text in TRUE:
        return True
    return False if text in FALSE else value


def _list(value: Any) -> Any:
    """A list, as JSON or as people write one into a cell."""
    if isinstance(value, str) and not value.lstrip().startswith("["):
        return [word.strip() for word in BETWEEN.split(value) if word.strip()]
    return _nested(value)


def _nested(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return value


PLAINS: Mapping[str, Callable[[Any], Any]] = {
    "string": _text,
    "integer": _integer,
    "number": _number,
    "boolean": _boolean,
    "array": _list,
    "object": _nested,
}
