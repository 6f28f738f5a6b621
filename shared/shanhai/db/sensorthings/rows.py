"""SQL of the rows of SensorThings entities, over the tables of monitoring, and of their units.

A conversion is `(v * a + b) / c`, as an array of a, b and c; null where both units are the same.

`{stations}` in it is the rows of stations a viewer may see; `{t}` is the entity's rows.
"""

from shanhai.vocabulary import FLAGS, QUALITIES

OFFSET_DECIMALS = 10
"""Decimals of values on scales that begin elsewhere: near their nought no more are certain."""


def as_kept(value: str, conversion: str) -> str:
    """SQL of a value in the unit it is kept in, of one in the unit told."""
    a, b, c = (f"({conversion})[{place}]" for place in (1, 2, 3))
    return f"CASE WHEN {conversion} IS NULL THEN {value} ELSE ({value} * {a} + {b}) / {c} END"


def as_told(value: str, conversion: str) -> str:
    """SQL of a value in the unit told, of one in the unit it is kept in.

    It has the digits that were told: fifteen of them are certain, as a number has them in decimals.
    """
    a, b, c = (f"({conversion})[{place}]" for place in (1, 2, 3))
    plain = f"CAST(({value} * {c} - {b}) / {a} AS numeric)"
    return (
        f"CASE WHEN {conversion} IS NULL THEN {value}"
        f" WHEN {b} = 0 THEN CAST({plain} AS double precision)"
        f" ELSE CAST(round({plain}, {OFFSET_DECIMALS}) AS double precision) END"
    )


UNSPECIFIED = "unspecified"
"""The Sensor of series nobody described one for."""
_VISIBLE = "({stations})"


def moment(sql: str) -> str:
    """SQL of a time as RFC 3339 in UTC, with a fraction only where there is one."""
    utc, whole = f"{sql} AT TIME ZONE 'UTC'", 'YYYY-MM-DD"T"HH24:MI:SS'
    return (
        f"CASE WHEN date_trunc('second', {sql}) = {sql} THEN to_char({utc}, '{whole}\"Z\"')"
        f" ELSE to_char({utc}, '{whole}.US\"Z\"') END"
    )


# The Location a station is bound to, and still at: who moves it otherwise takes it to a place of
# its own.
BOUND = (
    "(SELECT CASE WHEN l.geom = sn.geom THEN l.id END FROM historical_location h"
    " JOIN location l ON l.id = h.location_id"
    " WHERE h.station_id = sn.id AND h.version IS NOT NULL ORDER BY h.version DESC LIMIT 1)"
)
# The own place of a station is called as the station, unless a Location is.
_FORMER = (
    "CASE WHEN {latest} AND NOT EXISTS (SELECT FROM location own WHERE own.code = {code})"
    " THEN 0 ELSE {version} END"
)


# What stations say of themselves stands over what their makers wrote beside it.
STATION_COLUMNS = (
    "sn.id AS station_id, sn.code AS station_code, sn.region_id, sn.geom,"
    f" coalesce(-{BOUND}, sn.id) AS place_id,"
    " sn.name_zh, sn.name_en, coalesce(sn.attrs->>'description', '') AS description,"
    " coalesce(sn.attrs->'annotations', jsonb_build_object()) ||"
    " jsonb_strip_nulls(jsonb_build_object('code', sn.code, 'name_zh', sn.name_zh,"
    " 'name_en', sn.name_en, 'kind', sn.kind,"
    " 'region', r.code, 'owner', o.code, 'interval_s', sn.interval_s,"
    " 'source', sn.attrs->>'source', 'valid_from', sn.valid_from, 'valid_to', sn.valid_to"
    ")) AS properties"
)

# A stretch of states that lie in one place, by the version it began with.
STATES = (
    "SELECT id, row_version, geom, valid_from, updated_at FROM station"
    " UNION ALL SELECT id, row_version, geom, valid_from, updated_at FROM station_history"
)
MOVES = (
    "SELECT id, row_version, geom, valid_from, updated_at, row_number() OVER w = 1 OR geom IS"  # noqa: S608
    f" DISTINCT FROM lag(geom) OVER w AS moved FROM ({STATES}) state"
    " WINDOW w AS (PARTITION BY id ORDER BY row_version)"
)
PLACES = (
    "SELECT id, row_version AS version, geom, CASE WHEN valid_from < CAST(updated_at AS date)"  # noqa: S608
    " THEN CAST(valid_from AS timestamptz) ELSE updated_at END AS since,"
    " lead(row_version) OVER (PARTITION BY id ORDER BY row_version) IS NULL AS latest"
    f" FROM ({MOVES}) move WHERE moved"
)
# Where a station that is nowhere was last: what was observed there is of that place.
LAST_PLACE = (
    "(SELECT was.geom FROM station_history was WHERE was.id = {station}"
    " AND was.geom IS NOT NULL ORDER BY was.row_version DESC LIMIT 1)"
)
# Places of stations' own, with what is said of them in their histories: nothing, or that they are
# left out, or that they are a Location.
_OWN_PLACES = (
    "SELECT st.station_id, st.station_code, st.name_zh, st.name_en, st.description,"  # noqa: S608
    " place.version, place.since, place.geom, place.latest, h.id IS NULL AS told_by_none,"
    " st.place_id > 0 AND place.latest AS here,"
    f" {_FORMER.format(latest='place.latest', code='st.station_code', version='place.version')}"
    f" AS former FROM {_VISIBLE} st JOIN ({PLACES}) place ON place.id = st.station_id"
    " LEFT JOIN historical_location h ON h.station_id = place.id AND h.version = place.version"
    " WHERE place.geom IS NOT NULL"
)
THINGS = (
    "SELECT st.*, CASE WHEN st.place_id < 0 THEN 0 ELSE coalesce("  # noqa: S608
    "(SELECT own.former FROM location l JOIN LATERAL (SELECT max(p.version) AS former"
    f" FROM ({PLACES}) p WHERE p.id = st.station_id) own ON true"
    f" WHERE l.code = st.station_code), 0) END AS former FROM {_VISIBLE} st"
)
# Those somebody told later have no version: they take numbers below nought.
HISTORICAL_LOCATIONS = (
    "SELECT station_id, station_code, station_id AS place_id, former, version, since"  # noqa: S608
    f" FROM ({_OWN_PLACES}) own WHERE told_by_none"
    " UNION ALL SELECT st.station_id, st.station_code, -h.location_id, 0,"
    f" coalesce(h.version, -h.id), h.since FROM {_VISIBLE} st"
    " JOIN historical_location h ON h.station_id = st.station_id"
    " WHERE h.location_id IS NOT NULL AND NOT h.hidden"
)
# Locations take the numbers below nought: no station has one. They are shown to who may see a
# station that is or was there. Who told one may mean it for nobody yet: it is known to whoever is
# signed in.
LOCATIONS = (
    "SELECT station_id AS place_id, station_code AS place_code, name_zh, name_en,"  # noqa: S608
    " description, former, geom, jsonb_build_object() AS properties,"
    " CAST(NULL AS varchar) AS encoding_type"
    f" FROM ({_OWN_PLACES}) own WHERE told_by_none OR here"
    " UNION ALL SELECT -id, code, name, name, description, 0, geom, properties, encoding_type"
    " FROM location"
    " WHERE EXISTS (SELECT FROM historical_location h"
    f" JOIN {_VISIBLE} st ON st.station_id = h.station_id WHERE h.location_id = location.id)"
    " OR ({known} AND NOT EXISTS (SELECT FROM historical_location h JOIN station s"
    " ON s.id = h.station_id AND s.deleted_at IS NULL WHERE h.location_id = location.id))"
)
SERIES = (
    "SELECT station_id, property_id FROM observation_latest WHERE observed_at > '-infinity'"
    " UNION SELECT station_id, property_id FROM datastream"
)
_OBSERVED = "coalesce(op.variant_of, op.code)"
DATASTREAMS = (
    "SELECT st.station_id, st.station_code, op.id AS property_id, op.code AS property_code,"  # noqa: S608
    f" {_OBSERVED} AS observed_code, op.unit, d.unit AS told_unit,"
    f" coalesce(d.sensor_id, (SELECT id FROM sensor WHERE code = '{UNSPECIFIED}'))"
    " AS sensor_id, coalesce(d.name, st.name_zh || ' ' || op.name_zh) AS name_zh,"
    " coalesce(d.name, st.name_en || ', ' || op.name_en) AS name_en,"
    " coalesce(d.description, '') AS description, coalesce(d.properties, jsonb_build_object())"
    f" AS properties, st.geom FROM ({SERIES}) series JOIN {_VISIBLE} st USING (station_id)"
    " JOIN observed_property op ON op.id = series.property_id LEFT JOIN datastream d"
    " ON d.station_id = series.station_id AND d.property_id = series.property_id"
)
# Results are told in the unit that the Datastream tells.
OBSERVATIONS = (
    "SELECT ob.station_id, st.station_code, ob.property_id, op.code AS property_code,"  # noqa: S608
    f" {_OBSERVED} AS observed_code,"
    f" ob.observed_at, {as_told('ob.value', 'd.conversion')} AS value, ob.quality, ob.flags,"
    " ob.received_at, ob.result_time, ob.feature_id, coalesce(ob.feature_id, 0) AS feature,"
    " coalesce(-ob.feature_id, ob.station_id) AS foi_id"
    f" FROM {{observations}} ob JOIN {_VISIBLE} st ON st.station_id = ob.station_id"
    " JOIN observed_property op ON op.id = ob.property_id"
    " LEFT JOIN datastream d ON d.station_id = ob.station_id AND d.property_id = ob.property_id"
)
# Rows of files, given to the statement as values.
GIVEN = (
    "(SELECT station_id, property_id, observed_at, value, quality, flags, received_at,"
    " result_time, feature_id FROM observation UNION ALL SELECT station_id, property_id,"
    " timestamptz 'epoch' + time * interval '1 microsecond', value, quality, flags,"
    " timestamptz 'epoch' + received * interval '1 microsecond',"
    " timestamptz 'epoch' + result * interval '1 microsecond', feature"
    " FROM unnest(CAST(:a_station AS int[]), CAST(:a_property AS smallint[]),"
    " CAST(:a_time AS bigint[]), CAST(:a_value AS float8[]), CAST(:a_quality AS smallint[]),"
    " CAST(:a_flags AS smallint[]), CAST(:a_received AS bigint[]), CAST(:a_result AS bigint[]),"
    " CAST(:a_feature AS int[]))"
    " AS given (station_id, property_id, time, value, quality, flags, received, result, feature))"
)
# How many rows files have of a series in a month.
ARCHIVED = (
    "SELECT s.station_id, st.station_code, s.property_id, op.code AS property_code, s.number,"  # noqa: S608
    f" {_OBSERVED} AS observed_code"
    f" FROM archived_series s JOIN {_VISIBLE} st ON st.station_id = s.station_id"
    " JOIN observed_property op ON op.id = s.property_id"
)
_EDGE = (
    "(SELECT observed_at FROM observation WHERE station_id = {t}.station_id"
    " AND property_id = {t}.property_id ORDER BY observed_at "
)
_ARCHIVED_EDGE = (
    "FROM archived_series s WHERE s.station_id = {t}.station_id"
    " AND s.property_id = {t}.property_id)"
)
_FIRST = f"least({_EDGE} ASC LIMIT 1), (SELECT min(s.first_at) {_ARCHIVED_EDGE})"
_LAST = f"greatest({_EDGE} DESC LIMIT 1), (SELECT max(s.last_at) {_ARCHIVED_EDGE})"
_EDGES = f"FROM (SELECT {_FIRST} AS first, {_LAST} AS last OFFSET 0) edge"
_CODES = ", ".join(f"'{item.code}'" for item in QUALITIES)
QUALITY = f"(ARRAY[{_CODES}])[{{t}}.quality + 1]"
_MARKS = ", ".join(
    f"CASE WHEN {{t}}.flags & {1 << number} <> 0 THEN '{item.code}' END"
    for number, item in enumerate(FLAGS)
)
RAISED_FLAGS = f"array_remove(ARRAY[{_MARKS}], NULL)"
PERIOD = f"(SELECT tstzrange(edge.first, edge.last, '[]') {_EDGES} WHERE edge.first IS NOT NULL)"
PHENOMENON_TIME = f"(SELECT {moment('edge.first')} || '/' || {moment('edge.last')} {_EDGES})"
# The places of stations, where they are or were last, and sampling features, which take the numbers
# below nought: they are shown to who works in their region, or may see a station with a value of
# them, and to whoever is signed in while they are of no region and no value is of them.
FEATURES = (
    "SELECT st.station_id AS foi_id, st.station_code AS foi_code, st.name_zh, st.name_en,"  # noqa: S608
    " st.description, place.geom, jsonb_build_object() AS properties,"
    f" CAST(NULL AS varchar) AS encoding_type FROM {_VISIBLE} st CROSS JOIN LATERAL"
    f" (SELECT coalesce(st.geom, {LAST_PLACE.format(station='st.station_id')}) AS geom) place"
    " WHERE place.geom IS NOT NULL AND NOT EXISTS (SELECT FROM unsampled_station u"
    " WHERE u.station_id = st.station_id AND NOT EXISTS (SELECT FROM observation_latest l"
    " WHERE l.station_id = u.station_id AND l.received_at > u.since))"
    " AND (st.geom IS NOT NULL OR EXISTS (SELECT FROM observation_latest l"
    " WHERE l.station_id = st.station_id AND l.observed_at > '-infinity'))"
    " UNION ALL SELECT -f.id, f.code, f.name, f.name, f.description, f.geom, f.properties,"
    " f.encoding_type FROM sampling_feature f WHERE (f.used AND EXISTS (SELECT FROM"
    " (SELECT station_id FROM observation WHERE feature_id = f.id UNION ALL"
    " SELECT station_id FROM archived_series WHERE features @> ARRAY[f.id]) ob"
    f" JOIN {_VISIBLE} st ON st.station_id = ob.station_id)"
    " OR {everywhere} OR coalesce(f.region_id = ANY({members}), {known} AND NOT f.used))"
    " AND NOT EXISTS (SELECT FROM station s WHERE s.code = f.code AND s.deleted_at IS NULL)"
)
SENSORS = (
    "SELECT sr.id AS sensor_id, sr.code AS sensor_code, sr.name_zh, sr.name_en,"
    " sr.description, sr.encoding_type, sr.document, sr.properties FROM sensor sr"
)
# Series in a unit that does not convert are of the same property here.
OBSERVED_PROPERTIES = (
    "SELECT op.id AS property_id, op.code AS observed_code, op.name_zh, op.name_en,"
    " op.definition, coalesce(op.description, op.standard, '') AS description,"
    " jsonb_strip_nulls(jsonb_build_object('name_zh', op.name_zh, 'name_en', op.name_en,"
    " 'unit', op.unit, 'medium', op.medium, 'low', op.low,"
    " 'high', op.high, 'hj525', op.hj525)) AS properties FROM observed_property op"
    " WHERE op.variant_of IS NULL"
)
