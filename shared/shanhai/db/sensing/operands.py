"""What stands in an expression, in SQL: a statement in the making and its values."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from shanhai.db.base import STORAGE_SRID
from shanhai.db.features.selection import viewer_values, visibility
from shanhai.db.features.stations import STATIONS
from shanhai.db.identity import Viewer
from shanhai.db.sensing.expressions import Constant, Shape
from shanhai.db.sensing.identifiers import Key
from shanhai.db.sensing.model import EntityKind, Kind
from shanhai.db.sensing.rows import ARCHIVED, GIVEN, OBSERVATIONS, STATION_COLUMNS
from shanhai.db.sensing.tokens import refused
from shanhai.errors import InvalidInput
from shanhai.monitoring.observed_rows import NO_FEATURE, UNTOLD, ObservedRows
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
class Operand:
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

    def constant(self, constant: Constant) -> Operand:
        """A value that was given."""
        match constant.value:
            case None:
                return Operand("NULL", "null", "null")
            case bool():
                return self._bound(constant.value, "boolean")
            case int() | float():
                return self._bound(float(constant.value), "number")
            case datetime():
                return self._bound(constant.value, "moment", constant.value.isoformat())
            case timedelta():
                return self._bound(constant.value, "duration")
            case Shape(wkb):
                sql = f"ST_GeomFromWKB({self.bind(wkb, 'bytea')}, {STORAGE_SRID})"
                return Operand(sql, "geometry", "the geometry")
            case str():
                return self._bound(constant.value, "text", repr(constant.value[:40]))

    def _bound(self, value: object, kind: Kind, told: str | None = None) -> Operand:
        return Operand(self.bind(value, CASTS[kind]), kind, told or str(value))

    def refused(self, message: str, message_zh: str) -> InvalidInput:
        """The error of the query option that is read now."""
        return refused(self.parameter, message, message_zh)
