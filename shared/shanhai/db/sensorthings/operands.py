"""What stands in an expression, in SQL: operands, functions, and the values of a statement."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from shanhai.db.base import STORAGE_SRID
from shanhai.db.collections.data_sources import STATIONS
from shanhai.db.features.selection import MEMBER_REGIONS, viewer_values, visibility
from shanhai.db.identity import Viewer
from shanhai.db.sensorthings.expressions import Constant, GeometryLiteral, excerpt, refused
from shanhai.db.sensorthings.identifiers import Key
from shanhai.db.sensorthings.model import EntityKind, Kind
from shanhai.db.sensorthings.rows import ARCHIVED, GIVEN, OBSERVATIONS, STATION_COLUMNS
from shanhai.errors import InvalidInput
from shanhai.monitoring.observation import NO_FEATURE, UNTOLD, ObservedRows
from shanhai.vocabulary import Label, Lang

KINDS: Mapping[Kind, Label] = {
    "text": Label("文本", "a text"),
    "number": Label("数值", "a number"),
    "boolean": Label("布尔值", "a boolean"),
    "moment": Label("时刻", "a time"),
    "interval": Label("时段", "a period"),
    "geometry": Label("几何", "a geometry"),
    "json": Label("对象", "an object"),
    "duration": Label("时长", "a duration"),
    "null": Label("空值", "null"),
}
CASTS: Mapping[Kind, str] = {
    "text": "text",
    "number": "double precision",
    "boolean": "boolean",
    "moment": "timestamptz",
    "duration": "interval",
}


@dataclass(frozen=True, slots=True)
class SqlOperand:
    """A value: its SQL, its kind, and how messages name it."""

    sql: str
    kind: Kind
    told: str

    @property
    def described(self) -> Label:
        """The operand and its kind, for messages."""
        kind = KINDS[self.kind]
        return Label(f"{self.told}（{kind.zh}）", f"{self.told} ({kind.en})")


@dataclass(slots=True)
class Composition:
    """A statement in the making: for whom, and the values bound so far.

    Attributes:
        base: Where the service is, for addresses inside of entities.
        parameter: The query option that is read now, for messages.
        archived: Observations of closed months that count besides those of the database.
        reads_observations: Whether it asks for Observations.
    """

    viewer: Viewer
    lang: Lang
    base: str = ""
    values: dict[str, object] = field(default_factory=dict)
    aliases: int = 0
    parameter: str = "$filter"
    archived: ObservedRows | None = None
    reads_observations: bool = False

    def alias(self) -> str:
        """A name for one more use of some rows."""
        self.aliases += 1
        return f"t{self.aliases}"

    def bind(self, value: object, type_name: str) -> str:
        """SQL that reads a value given apart from the SQL."""
        name = f"v{len(self.values)}"
        self.values[name] = value
        return f"CAST(:{name} AS {type_name})"

    def rows(self, kind: EntityKind) -> str:
        """SQL of the rows of a kind that the viewer may see."""
        sql = kind.rows.replace("{stations}", self.stations())
        sql = sql.replace("{known}", "true" if self.viewer.known else "false")
        members, none = self.viewer.members, "CAST(ARRAY[] AS bigint[])"
        sql = sql.replace("{everywhere}", "true" if members is None else "false")
        sql = sql.replace("{members}", MEMBER_REGIONS if members else none)
        if "{observations}" not in sql:
            return f"({sql})"
        self.reads_observations = True
        given = self.archived
        if given is None:
            return f"({sql.replace('{observations}', 'observation')})"
        for name in ("station", "property", "time", "value", "quality", "flags", "received"):
            self.values[f"a_{name}"] = getattr(given, name).tolist()
        results, features = given.result.tolist(), given.feature.tolist()
        self.values["a_result"] = [None if one == UNTOLD else one for one in results]
        self.values["a_feature"] = [None if one == NO_FEATURE else one for one in features]
        return f"({sql.replace('{observations}', GIVEN)})"

    def counted(self) -> tuple[str, str]:
        """SQL of Observations in the database alone, and of how many are in files."""
        sql = OBSERVATIONS.replace("{observations}", "observation")
        found = [one.replace("{stations}", self.stations()) for one in (sql, ARCHIVED)]
        return f"({found[0]})", f"({found[1]})"

    def stations(self) -> str:
        """SQL of the stations the viewer may see."""
        conditions = (STATIONS.live, STATIONS.current, *visibility(STATIONS, self.viewer))
        self.values.update(viewer_values(self.viewer))
        # Constants of this code; callers' values are bound.
        return (
            f"SELECT {STATION_COLUMNS} FROM {STATIONS.source}"  # noqa: S608
            f" WHERE {' AND '.join(conditions)}"
        )

    def sql(self, template: str, alias: str) -> str:
        """SQL of a declaration, of the rows called `alias`."""
        if ":base" in template:
            self.values["base"] = self.base
        return template.replace("{t}", alias).replace("{lang}", self.lang)

    def same(self, alias: str, key: Key) -> str:
        """The condition that rows have the values a key tells."""
        return " AND ".join(f"{alias}.{name} = {self._key(key[name])}" for name in sorted(key))

    def _key(self, value: str | int | datetime) -> str:
        if isinstance(value, int):
            return self.bind(value, "bigint")
        return self.bind(value, "timestamptz" if isinstance(value, datetime) else "text")

    def constant(self, constant: Constant) -> SqlOperand:
        """A value that was given."""
        match constant.value:
            case None:
                return SqlOperand("NULL", "null", "null")
            case bool():
                return self._bound(constant.value, "boolean")
            case int() | float():
                return self._bound(float(constant.value), "number")
            case datetime():
                return self._bound(constant.value, "moment", constant.value.isoformat())
            case timedelta():
                return self._bound(constant.value, "duration")
            case GeometryLiteral(wkb):
                sql = f"ST_GeomFromWKB({self.bind(wkb, 'bytea')}, {STORAGE_SRID})"
                return SqlOperand(sql, "geometry", "the geometry")
            case str():
                return self._bound(constant.value, "text", repr(constant.value[:40]))

    def _bound(self, value: object, kind: Kind, told: str | None = None) -> SqlOperand:
        return SqlOperand(self.bind(value, CASTS[kind]), kind, told or str(value))

    def refused(self, message: str, message_zh: str) -> InvalidInput:
        """The error of the query option that is read now."""
        return refused(self.parameter, message, message_zh)


@dataclass(frozen=True, slots=True)
class Function:
    """A function: `{0}`, `{1}` … in its SQL are its arguments, of the kinds of `takes`."""

    takes: tuple[Kind, ...]
    gives: Kind
    sql: str


def _text(sql: str, gives: Kind = "text", *more: Kind) -> Function:
    return Function(("text", *more), gives, sql)


def _part(unit: str) -> Function:
    """A part of a time, as a calendar in UTC has it."""
    sql = f"CAST(extract({unit} FROM {{0}} AT TIME ZONE 'UTC') AS double precision)"
    return Function(("moment",), "number", sql)


def _relation(name: str) -> Function:
    return Function(("geometry", "geometry"), "boolean", f"{name}({{0}}, {{1}})")


def _rounding(sql: str) -> Function:
    return Function(("number",), "number", sql)


MIDNIGHT = "(date_trunc('day', {0} AT TIME ZONE 'UTC') AT TIME ZONE 'UTC')"
FUNCTIONS: Mapping[str, Function] = {
    # OData 4: which text is looked for in which stands the other way round in `substringof`.
    "substringof": _text("(strpos({1}, {0}) > 0)", "boolean", "text"),
    "contains": _text("(strpos({0}, {1}) > 0)", "boolean", "text"),
    "startswith": _text("starts_with({0}, {1})", "boolean", "text"),
    "endswith": _text("(right({0}, length({1})) = {1})", "boolean", "text"),
    "length": _text("CAST(length({0}) AS double precision)", "number"),
    "indexof": _text("CAST(strpos({0}, {1}) - 1 AS double precision)", "number", "text"),
    "substring": _text(
        "substr({0}, CAST(least(greatest({1}, 0), 1000000) AS integer) + 1)", "text", "number"
    ),
    "tolower": _text("lower({0})"),
    "toupper": _text("upper({0})"),
    "trim": _text("btrim({0})"),
    "concat": _text("({0} || {1})", "text", "text"),
    "year": _part("year"),
    "month": _part("month"),
    "day": _part("day"),
    "hour": _part("hour"),
    "minute": _part("minute"),
    "second": Function(
        ("moment",), "number", "CAST(floor(extract(second FROM {0})) AS double precision)"
    ),
    "fractionalseconds": Function(
        ("moment",),
        "number",
        "CAST(extract(second FROM {0}) - floor(extract(second FROM {0})) AS double precision)",
    ),
    "date": Function(("moment",), "moment", MIDNIGHT),
    "time": Function(("moment",), "duration", f"({{0}} - {MIDNIGHT})"),
    # What is told is told in UTC.
    "totaloffsetminutes": Function(
        ("moment",), "number", "CAST(0 * extract(hour FROM {0}) AS double precision)"
    ),
    "now": Function((), "moment", "now()"),
    "mindatetime": Function((), "moment", "timestamptz '0001-01-01 UTC'"),
    "maxdatetime": Function((), "moment", "timestamptz '9999-12-31 UTC'"),
    # Halves go away from zero, which those of doubles do not; as text no digit is lost.
    "round": _rounding("CAST(round(CAST(CAST({0} AS text) AS numeric)) AS double precision)"),
    "floor": _rounding("floor({0})"),
    "ceiling": _rounding("ceil({0})"),
    # In the system's own unit, as OData has it: degrees.
    "geo.distance": Function(("geometry", "geometry"), "number", "ST_Distance({0}, {1})"),
    "geo.length": Function(("geometry",), "number", "ST_Length({0})"),
    "geo.intersects": _relation("ST_Intersects"),
    "st_equals": _relation("ST_Equals"),
    "st_disjoint": _relation("ST_Disjoint"),
    "st_touches": _relation("ST_Touches"),
    "st_within": _relation("ST_Within"),
    "st_overlaps": _relation("ST_Overlaps"),
    "st_crosses": _relation("ST_Crosses"),
    "st_intersects": _relation("ST_Intersects"),
    "st_contains": _relation("ST_Contains"),
    "st_relate": Function(
        ("geometry", "geometry", "text"),
        "boolean",
        "(CASE WHEN {2} ~ '^[012TF*]{9}$' THEN ST_Relate({0}, {1}, {2}) END)",
    ),
}


def called(composition: Composition, name: str, arguments: Sequence[SqlOperand]) -> SqlOperand:
    """The value of a function.

    Raises:
        InvalidInput: there is none of this name, or it takes other arguments.
    """
    function = FUNCTIONS.get(name)
    if function is None:
        known = ", ".join(sorted(FUNCTIONS))
        raise composition.refused(
            f"{excerpt(name)!r} is not a function; there are {known}",
            f"{excerpt(name)!r} 不是可用的函数；可用：{known}",
        )
    if len(arguments) != len(function.takes):
        raise composition.refused(
            f"{name} takes {len(function.takes)} arguments, not {len(arguments)}",
            f"{name} 需要 {len(function.takes)} 个参数，而不是 {len(arguments)} 个",
        )
    given = [
        as_kind(composition, argument, kind, name)
        for argument, kind in zip(arguments, function.takes, strict=True)
    ]
    sql = function.sql
    for number, argument in enumerate(given):
        sql = sql.replace(f"{{{number}}}", argument)
    return SqlOperand(sql, function.gives, f"{name}(…)")


def as_kind(composition: Composition, operand: SqlOperand, kind: Kind, where: str) -> str:
    """SQL of an operand as a value of a kind.

    Raises:
        InvalidInput: it is of another kind.
    """
    if operand.kind == "json":
        return of_json(operand.sql, kind)
    if operand.kind != kind:
        told, wanted = operand.described, KINDS[kind]
        raise composition.refused(
            f"{where} takes {wanted.en}, not {told.en}",
            f"{where} 需要{wanted.zh}，而不是 {told.zh}",
        )
    return operand.sql


def of_json(sql: str, kind: Kind) -> str:
    """SQL of what lies in a JSON document as a value of a kind; null where it is of another."""
    plain = f"({sql} #>> '{{}}')"
    match kind:
        case "number":
            return (
                f"(CASE WHEN jsonb_typeof({sql}) = 'number'"
                f" THEN CAST({plain} AS double precision) END)"
            )
        case "boolean":
            return f"(CASE WHEN jsonb_typeof({sql}) = 'boolean' THEN CAST({plain} AS boolean) END)"
        case "text":
            return f"(CASE WHEN jsonb_typeof({sql}) = 'string' THEN {plain} END)"
        case _:
            return "NULL"
