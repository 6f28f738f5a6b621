"""The entities of SensorThings: where their rows come from, what they have, where they lead.

One declaration per kind of entity; paths, `$filter`, `$select`, `$orderby` and `$expand` are
compiled from them alone.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from shanhai.db.sensorthings import identifiers, rows
from shanhai.db.sensorthings.identifiers import SQL_STAMP, Key, Parse

Kind = Literal[
    "text", "number", "boolean", "moment", "interval", "geometry", "json", "duration", "null"
]
Type = Literal["bigint", "timestamptz"]
GEOJSON = "application/geo+json"
MEASUREMENT = "http://www.opengis.net/def/observationType/OGC-OM/2.0/OM_Measurement"


@dataclass(frozen=True, slots=True)
class StructuralProperty:
    """A property of an entity; `{t}` in its SQL is the entity's rows, `{lang}` the language.

    Attributes:
        json: SQL of the value as JSON has it, where that is not the value itself.
        nullable: It may be missing.
    """

    sql: str
    kind: Kind
    json: str | None = None
    nullable: bool = True


@dataclass(frozen=True, slots=True)
class NavigationProperty:
    """Where an entity leads: to those of another kind with the same values in some columns.

    Attributes:
        sql: The condition where it is another one, of the rows `{here}` and `{there}`.
        key: What the columns of those must be, by the columns of one entity, likewise.
    """

    target: str
    on: tuple[str, ...]
    many: bool = False
    sql: str | None = None
    key: Callable[[Mapping[str, Any]], Key] | None = None


@dataclass(frozen=True, slots=True)
class EntityKind:
    """A kind of entity.

    Attributes:
        rows: SQL of its rows, which reads the rows of stations a viewer may see from `{stations}`.
        columns: The columns of the rows that ids and links speak of.
        id_sql: SQL of the id.
        parse: What an id says of the columns; None when it can be no id.
        order: The columns that order pages, with their types; together they tell rows apart.
    """

    name: str
    plural: str
    rows: str
    columns: frozenset[str]
    id_sql: str
    parse: Parse
    order: tuple[tuple[str, Type], ...]
    members: Mapping[str, StructuralProperty]
    links: Mapping[str, NavigationProperty] = field(default_factory=dict)


def _time(sql: str, *, nullable: bool = False) -> StructuralProperty:
    return StructuralProperty(sql, "moment", rows.moment(sql), nullable)


def _text(sql: str, *, nullable: bool = False) -> StructuralProperty:
    return StructuralProperty(sql, "text", nullable=nullable)


def _constant(text: str) -> StructuralProperty:
    return StructuralProperty(f"CAST('{text}' AS text)", "text", nullable=False)


def _document(sql: str) -> StructuralProperty:
    return StructuralProperty(sql, "json")


def _point(sql: str) -> StructuralProperty:
    return StructuralProperty(sql, "geometry", f"CAST(ST_AsGeoJSON({sql}, 9, 0) AS json)")


NAME = _text("{t}.name_{lang}")
DESCRIPTION = _text("{t}.description")
PROPERTIES = _document("{t}.properties")
ENCODING = _text(f"coalesce({{t}}.encoding_type, '{GEOJSON}')")
THING = EntityKind(
    name="Thing",
    plural="Things",
    rows=rows.THINGS,
    columns=frozenset({"station_id", "station_code", "place_id", "former"}),
    id_sql="{t}.station_code",
    parse=identifiers.by_code("station_code"),
    order=(("station_id", "bigint"),),
    members={"name": NAME, "description": DESCRIPTION, "properties": PROPERTIES},
    links={
        "Locations": NavigationProperty("Location", ("place_id", "former"), many=True),
        "HistoricalLocations": NavigationProperty("HistoricalLocation", ("station_id",), many=True),
        "Datastreams": NavigationProperty("Datastream", ("station_id",), many=True),
    },
)
LOCATION = EntityKind(
    name="Location",
    plural="Locations",
    rows=rows.LOCATIONS,
    columns=frozenset({"place_id", "place_code", "former"}),
    id_sql="CASE WHEN {t}.former = 0 THEN {t}.place_code"
    " ELSE {t}.place_code || ':' || {t}.former END",
    parse=identifiers.place_key,
    order=(("place_id", "bigint"), ("former", "bigint")),
    members={
        "name": NAME,
        "description": DESCRIPTION,
        "encodingType": ENCODING,
        "location": _point("{t}.geom"),
        "properties": PROPERTIES,
    },
    links={
        "Things": NavigationProperty("Thing", ("place_id", "former"), many=True),
        "HistoricalLocations": NavigationProperty(
            "HistoricalLocation", ("place_id", "former"), many=True
        ),
    },
)
HISTORICAL_LOCATION = EntityKind(
    name="HistoricalLocation",
    plural="HistoricalLocations",
    rows=rows.HISTORICAL_LOCATIONS,
    columns=frozenset({"station_id", "station_code", "place_id", "former", "version"}),
    id_sql="{t}.station_code || ':' || CASE WHEN {t}.version < 0 THEN 'h' || -{t}.version"
    " ELSE CAST({t}.version AS text) END",
    parse=identifiers.state_key,
    order=(("station_id", "bigint"), ("version", "bigint")),
    members={"time": _time("{t}.since")},
    links={
        "Thing": NavigationProperty("Thing", ("station_id",)),
        "Locations": NavigationProperty("Location", ("place_id", "former"), many=True),
    },
)
DATASTREAM = EntityKind(
    name="Datastream",
    plural="Datastreams",
    rows=rows.DATASTREAMS,
    columns=frozenset(
        {
            *("station_id", "station_code", "property_id", "property_code", "observed_code"),
            "sensor_id",
        }
    ),
    id_sql="{t}.station_code || ':' || {t}.property_code",
    parse=identifiers.series_key,
    order=(("station_id", "bigint"), ("property_id", "bigint")),
    members={
        "name": NAME,
        "description": DESCRIPTION,
        "observationType": _constant(MEASUREMENT),
        "unitOfMeasurement": _document(
            "coalesce({t}.told_unit,"
            " jsonb_build_object('name', {t}.unit, 'symbol', {t}.unit, 'definition', NULL))"
        ),
        "observedArea": _point("{t}.geom"),
        "phenomenonTime": StructuralProperty(rows.PERIOD, "interval", rows.PHENOMENON_TIME),
        "properties": PROPERTIES,
    },
    links={
        "Thing": NavigationProperty("Thing", ("station_id",)),
        "Sensor": NavigationProperty("Sensor", ("sensor_id",)),
        "ObservedProperty": NavigationProperty("ObservedProperty", ("observed_code",)),
        "Observations": NavigationProperty("Observation", ("station_id", "property_id"), many=True),
    },
)
SENSOR = EntityKind(
    name="Sensor",
    plural="Sensors",
    rows=rows.SENSORS,
    columns=frozenset({"sensor_id", "sensor_code"}),
    id_sql="{t}.sensor_code",
    parse=identifiers.by_code("sensor_code"),
    order=(("sensor_id", "bigint"),),
    members={
        "name": NAME,
        "description": DESCRIPTION,
        "encodingType": _text("{t}.encoding_type"),
        "metadata": _document("{t}.document"),
        "properties": PROPERTIES,
    },
    links={"Datastreams": NavigationProperty("Datastream", ("sensor_id",), many=True)},
)
OBSERVED_PROPERTY = EntityKind(
    name="ObservedProperty",
    plural="ObservedProperties",
    rows=rows.OBSERVED_PROPERTIES,
    columns=frozenset({"property_id", "observed_code"}),
    id_sql="{t}.observed_code",
    parse=identifiers.by_code("observed_code"),
    order=(("property_id", "bigint"),),
    members={
        "name": NAME,
        "definition": StructuralProperty(
            "coalesce({t}.definition, CAST(:base AS text) || '/properties/' || {t}.observed_code)",
            "text",
            nullable=False,
        ),
        "description": DESCRIPTION,
        "properties": PROPERTIES,
    },
    links={"Datastreams": NavigationProperty("Datastream", ("observed_code",), many=True)},
)
OBSERVATION = EntityKind(
    name="Observation",
    plural="Observations",
    rows=rows.OBSERVATIONS,
    columns=frozenset(
        {
            *("station_id", "station_code", "property_id", "property_code", "observed_code"),
            *("observed_at", "feature_id", "feature", "foi_id"),
        }
    ),
    id_sql="{t}.station_code || ':' || {t}.property_code || ':' ||"
    f" to_char({{t}}.observed_at AT TIME ZONE 'UTC', '{SQL_STAMP}')",
    parse=identifiers.observation_key,
    order=(("station_id", "bigint"), ("property_id", "bigint"), ("observed_at", "timestamptz")),
    members={
        "phenomenonTime": _time("{t}.observed_at"),
        "resultTime": _time("{t}.result_time", nullable=True),
        "result": StructuralProperty("{t}.value", "number", nullable=False),
        "resultQuality": _text(rows.QUALITY),
        "parameters": _document(
            f"jsonb_build_object('received_at', {rows.moment('{t}.received_at')},"
            f" 'flags', {rows.RAISED_FLAGS})"
        ),
    },
    links={
        "Datastream": NavigationProperty("Datastream", ("station_id", "property_id")),
        "FeatureOfInterest": NavigationProperty("FeatureOfInterest", ("foi_id",)),
    },
)
FEATURE_OF_INTEREST = EntityKind(
    name="FeatureOfInterest",
    plural="FeaturesOfInterest",
    rows=rows.FEATURES,
    columns=frozenset({"foi_id", "foi_code"}),
    id_sql="{t}.foi_code",
    parse=identifiers.by_code("foi_code"),
    order=(("foi_id", "bigint"),),
    members={
        "name": NAME,
        "description": DESCRIPTION,
        "encodingType": ENCODING,
        "feature": _point("{t}.geom"),
        "properties": PROPERTIES,
    },
    links={
        "Observations": NavigationProperty(
            "Observation",
            ("foi_id",),
            many=True,
            # As indexes serve it.
            sql="({there}.station_id = {here}.foi_id AND {there}.feature_id IS NULL"
            " OR {there}.feature_id = -{here}.foi_id)",
            key=identifiers.observed_of,
        )
    },
)
KINDS: Mapping[str, EntityKind] = {
    kind.name: kind
    for kind in (
        THING,
        LOCATION,
        HISTORICAL_LOCATION,
        DATASTREAM,
        SENSOR,
        OBSERVED_PROPERTY,
        OBSERVATION,
        FEATURE_OF_INTEREST,
    )
}
SETS: Mapping[str, EntityKind] = {kind.plural: kind for kind in KINDS.values()}
