"""An entity with a property of every kind, and rows of it, for tests of filters."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import shapely

from shanhai.db.features.entity import (
    BOOLEAN,
    DATE,
    INTEGER,
    MOMENT,
    NUMBER,
    OBJECT,
    TEXT,
    Entity,
    Property,
)
from shanhai.vocabulary import Label

TITLE = Label("物件", "Things")

THINGS = Entity(
    name="things",
    title=TITLE,
    description=TITLE,
    table="thing",
    alias="t",
    code="t.code",
    geometry="t.geom",
    geometry_type="geometry-any",
    live="true",
    published="true",
    region=None,
    current="true",
    as_of="true",
    interval=None,
    properties=(
        Property("code", "t.code", TEXT, TITLE, queryable=True),
        Property("名称", "t.name_zh", TEXT, TITLE, queryable=True),
        Property("note", "t.note", TEXT, TITLE, queryable=True),
        Property("whole", "t.whole", INTEGER, TITLE, queryable=True),
        Property("large", "t.large", INTEGER, TITLE, queryable=True),
        Property("real", "t.real_number", NUMBER, TITLE, queryable=True),
        Property("exact", "t.exact", NUMBER, TITLE, queryable=True),
        Property("yes", "t.yes", BOOLEAN, TITLE, queryable=True),
        Property("day", "t.day", DATE, TITLE, queryable=True),
        Property("last_day", "t.last_day", DATE, TITLE, queryable=True),
        Property("moment", "t.moment", MOMENT, TITLE, queryable=True),
        Property("details", "t.details", OBJECT, TITLE, queryable=True),
        Property("secret", "t.secret", TEXT, TITLE),
    ),
)

THING_COLUMNS = (
    "id bigint PRIMARY KEY, code text, name_zh text, note text, whole integer, large bigint,"
    " real_number double precision, exact numeric, yes boolean, day date, last_day date,"
    " moment timestamptz, details jsonb, secret text, geom geometry(Geometry, 4490)"
)
"""The columns of the entity's table."""


DAYS = [date(2026, 1, day) for day in (1, 10, 15, 31)]
NAMES = ["山", "山海", "Alpha", "alpha", "50%", "a_b", "a\\b", "", "ÄÖ", "äö"]


def _things() -> list[dict[str, Any]]:
    """Rows in which every property is missing from some."""
    return [
        {
            "id": number,
            "code": f"T{number}",
            "名称": None if number % 7 == 0 else NAMES[number % len(NAMES)],
            "note": None if number % 5 == 0 else NAMES[number % 3],
            "whole": None if number % 6 == 0 else number % 5 - 2,
            "large": None if number % 9 == 0 else 10**15 * (number % 3),
            "real": None if number % 8 == 0 else (number % 4) / 4,
            "exact": None if number % 4 == 0 else Decimal(number % 11) / 10,
            "yes": None if number % 3 == 0 else number % 2 == 0,
            "day": None if number % 10 == 0 else DAYS[number % 4],
            "last_day": None if number % 4 == 3 else DAYS[number % 4] + timedelta(number % 6),
            "moment": None
            if number % 11 == 0
            else datetime(2026, 1, 1 + number % 20, number % 24, tzinfo=UTC),
            "geometry": None if number % 13 == 0 else _geometry(number),
        }
        for number in range(1, 61)
    ]


def _geometry(number: int) -> shapely.Geometry:
    x, y = 118 + (number % 8) / 8, 24 + (number % 5) / 5
    kinds = (
        shapely.box(x, y, x + 0.2, y + 0.2),
        shapely.Point(x, y),
        shapely.LineString([(x, y), (x + 0.3, y + 0.1)]),
    )
    return kinds[number % 3]


THING_ROWS = _things()
