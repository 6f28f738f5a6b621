"""The tables of entities, where rows are read from, and properties that are columns of them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from sqlalchemy import Table

import shanhai.db.tables  # noqa: F401 - fills the metadata
from shanhai.db.base import Base
from shanhai.db.features.entity import (
    DATE,
    HOLDS_TODAY,
    INTEGER,
    NUMBER,
    OBJECT,
    TEXT,
    TEXTS,
    ClosedList,
    Entity,
    OgcRole,
    Property,
)
from shanhai.vocabulary import DATA_CLASSES, DATA_GRADES, VISIBILITIES, Label, Term


def table_of(entity: Entity) -> Table:
    """The table of an entity."""
    return Base.metadata.tables[entity.table]


def columns_of(entity: Entity) -> frozenset[str]:
    """The names of its columns."""
    return frozenset(table_of(entity).columns.keys())


@lru_cache(maxsize=256)
def source_of(entity: Entity, *, former: bool) -> str:
    """SQL of the rows, what follows `FROM`.

    With `former` states PostgreSQL plans the two tables apart, each with its own indexes, since
    both sides of the union are plain selections of the same columns.
    """
    return f"{rows_of(entity, former=former)} {entity.alias}{entity.joins}"


@lru_cache(maxsize=256)
def rows_of(entity: Entity, *, former: bool) -> str:
    """SQL of an entity's own table, or of that and all its former states."""
    if not former:
        return entity.table
    columns = ", ".join(f'"{name}"' for name in columns_in_order(entity))
    # Constants of this code.
    present = f"SELECT {columns} FROM {entity.table}"  # noqa: S608
    past = f"SELECT {columns} FROM {entity.table}_history"  # noqa: S608
    return f"({present} UNION ALL {past})"


@lru_cache(maxsize=16)
def stated_rows(table: str, day: str) -> str:
    """SQL of the rows of a table on a day, where only its history tells when a state ended.

    Args:
        table: `indicator_target` or `project_measure`, whose rows say since when they hold.
        day: SQL of the day.
    """
    columns = ", ".join(f'"{column.name}"' for column in Base.metadata.tables[table].columns)
    return (
        f"(SELECT {columns} FROM (SELECT {columns}, NULL::date AS valid_to FROM {table}"  # noqa: S608
        f" UNION ALL SELECT {columns}, valid_to FROM {table}_history) stated"
        f" WHERE daterange(valid_from, valid_to) @> {day})"
    )


def columns_in_order(entity: Entity) -> list[str]:
    """The columns of an entity's table."""
    return [column.name for column in Base.metadata.tables[entity.table].columns]


YEAR: Mapping[str, Any] = {**INTEGER, "minimum": 1900, "maximum": 2200}
POSITIVE: Mapping[str, Any] = {**NUMBER, "exclusiveMinimum": 0}
ORDER: Mapping[str, Any] = {**INTEGER, "minimum": 0}
NAME: Mapping[str, Any] = {**TEXT, "minLength": 1, "maxLength": 300}
UUID: Mapping[str, Any] = {**TEXT, "format": "uuid"}
OWN_FIELDS = "fields"
"""The property that keeps what a file says beside the properties of its rows."""


def choice(terms: Iterable[Term]) -> Mapping[str, Any]:
    """The schema of a closed list, with its words."""
    return ClosedList(terms)


def current(alias: str) -> str:
    """SQL that holds for rows that were not closed before today."""
    return HOLDS_TODAY.format(alias=alias)


def holds_on(in_force: str, day: str) -> str:
    """SQL that holds for what an edition holds that is in force on a day, and what none does."""
    return f"coalesce({in_force} @> {day}, true)"


IN_FORCE = "p.in_force"
"""The days on which the plan of a row is in force, where `p` is the plan."""
PUBLIC_EDITION = (
    "(p.status IN ('approved', 'superseded')"
    " OR p.supersedes_id IS NULL AND coalesce(p.region_ids, '{}') = '{}')"
)
"""Holds where the plan `p` of a row is no edition, nor a joint plan, that was never more than a
draft."""


@dataclass(frozen=True, slots=True)
class Columns:
    """Makes the properties of the table that is called `alias` in an entity's SQL."""

    alias: str

    def column(
        self,
        name: str,
        schema: Mapping[str, Any],
        title: Label,
        *,
        column: str | None = None,
        required: bool = False,
        unit: str | None = None,
        role: OgcRole | None = None,
    ) -> Property:
        """A member kept in the column of its name, or in another."""
        kept = column or name
        sql = f"{self.alias}.{kept}"
        return Property(
            name, sql, schema, title, unit=unit, role=role, column=kept, required=required
        )

    def queryable(
        self,
        name: str,
        schema: Mapping[str, Any],
        title: Label,
        *,
        column: str | None = None,
        required: bool = False,
        unit: str | None = None,
        role: OgcRole | None = None,
    ) -> Property:
        """A column that can be filtered on."""
        kept = self.column(
            name, schema, title, column=column, required=required, unit=unit, role=role
        )
        return replace(kept, queryable=True)

    def choice(
        self,
        name: str,
        terms: Iterable[Term],
        title: Label,
        *,
        column: str | None = None,
        required: bool = False,
    ) -> Property:
        """A code of a closed list, which can be filtered on."""
        return self.queryable(name, ClosedList(terms), title, column=column, required=required)

    def shown(
        self,
        name: str,
        schema: Mapping[str, Any],
        title: Label,
        *,
        column: str | None = None,
        queryable: bool = False,
        unit: str | None = None,
    ) -> Property:
        """A column that clients only read."""
        return Property(name, f"{self.alias}.{column or name}", schema, title, queryable, unit)

    def attribute(
        self,
        name: str,
        schema: Mapping[str, Any],
        title: Label,
        *,
        queryable: bool = False,
        unit: str | None = None,
    ) -> Property:
        """A member kept under its name in `attrs`."""
        arrow = "->>" if schema["type"] == "string" else "->"
        sql = f"{self.alias}.attrs{arrow}'{name}'"
        return Property(name, sql, schema, title, queryable, unit, attribute=name)

    @property
    def access(self) -> tuple[Property, ...]:
        """Who may read the row once it is published, and its class and grade, which bound that."""
        listed = (
            ("visibility", VISIBILITIES, Label("可见范围", "Visibility")),
            ("data_class", DATA_CLASSES, Label("数据类别", "Class of data")),
            ("data_grade", DATA_GRADES, Label("数据级别", "Grade of data")),
        )
        return tuple(self.choice(name, terms, title) for name, terms, title in listed)

    @property
    def public(self) -> str:
        """SQL that holds for rows whose visibility lets anyone read them."""
        return f"{self.alias}.visibility = 'public'"

    @property
    def signed_in(self) -> str:
        """SQL that holds for rows whose visibility lets anyone with an identity read them."""
        return f"{self.alias}.visibility <> 'region'"

    def reference(
        self,
        name: str,
        sql: str,
        title: Label,
        *,
        to: str,
        column: str | None = None,
        required: bool = False,
    ) -> Property:
        """The code of a row of another entity, read by `sql`, whose id the table holds."""
        return Property(
            name,
            sql,
            TEXT,
            title,
            queryable=True,
            role="reference",
            column=column or f"{name}_id",
            refers_to=to,
            required=required,
        )

    def references(self, name: str, title: Label, *, to: str, table: str, column: str) -> Property:
        """The codes of rows of another entity, in the order in which the table holds their ids."""
        kept = f"{self.alias}.{column}"
        # Constants of the declarations. Most lists are empty, and the question costs more.
        sql = (
            f"CASE WHEN cardinality({kept}) > 0 THEN"  # noqa: S608
            f" ARRAY(SELECT named.code FROM unnest({kept}) WITH ORDINALITY"
            f" AS listed (id, place) JOIN {table} named ON named.id = listed.id"
            " ORDER BY listed.place) ELSE CAST(ARRAY[] AS text[]) END"
        )
        return Property(
            name, sql, TEXTS, title, queryable=True, role="reference", column=column, refers_to=to
        )

    def copied_from(self, table: str) -> Property:
        """The code of the row of an earlier edition that this one was copied from."""
        return Property(
            "copied_from",
            f"(SELECT was.code FROM {table} was WHERE was.id = {self.alias}.copied_from_id)",  # noqa: S608
            TEXT,
            Label("来自上一版的", "Copied from, of the edition before"),
            queryable=True,
            role="reference",
        )

    @property
    def details(self) -> Property:
        """All that a source says of the row besides; read only."""
        return Property("details", f"{self.alias}.attrs", OBJECT, Label("详情", "Details"))

    @property
    def fields(self) -> Property:
        """The fields of a file that are no properties, by their names there."""
        return self.attribute(OWN_FIELDS, OBJECT, Label("原有字段", "Fields of its own"))

    @property
    def code(self) -> Property:
        """The code of the row."""
        title = Label("代码", "Code")
        return self.queryable("code", TEXT, title, role="id")

    def names(self, *, required: bool = True) -> tuple[Property, Property]:
        """The names in both languages; without an English one the database repeats the Chinese."""
        return (
            self.queryable("name_zh", NAME, Label("中文名称", "Chinese name"), required=required),
            self.queryable("name_en", NAME, Label("英文名称", "English name")),
        )

    @property
    def order(self) -> Property:
        """The place of the row among its like."""
        title = Label("序号", "Order")
        return self.queryable("order", ORDER, title, column="order_no")

    @property
    def area(self) -> Property:
        """An area kept in square metres; to hundreds of them, in the arithmetic of doubles."""
        sql, title = f"(round({self.alias}.area_m2 / 1e2) / 1e4)", Label("面积", "Area")
        return Property("area_km2", sql, NUMBER, title, unit="km2")

    @property
    def length(self) -> Property:
        """A length kept in metres."""
        sql, title = f"round(({self.alias}.length_m / 1e3)::numeric, 4)", Label("长度", "Length")
        return Property("length_km", sql, NUMBER, title, unit="km")

    @property
    def footprint(self) -> Property:
        """The ground a drawn line or point takes up."""
        sql, title = f"ST_AsGeoJSON({self.alias}.footprint, 7, 0)::json", Label("范围", "Footprint")
        return Property("footprint", sql, OBJECT, title)

    @property
    def shown_region(self) -> Property:
        """The code of the region of the row, which clients only read."""
        title = Label("区域", "Region")
        return Property("region", "r.code", TEXT, title, queryable=True, role="reference")

    def both(
        self, name: str, title: Label, schema: Mapping[str, Any] = TEXT, *, attribute: bool = False
    ) -> tuple[Property, Property]:
        """What is said in Chinese and in English, in columns or in `attrs`."""
        member = self.attribute if attribute else self.column
        return (
            member(f"{name}_zh", schema, Label(title.zh, f"{title.en}, zh")),
            member(f"{name}_en", schema, Label(f"{title.zh}（英文）", f"{title.en}, en")),
        )

    def years(self, *, required: bool = False) -> tuple[Property, Property]:
        """The first and the last year; the last may stay open."""
        first, last = Label("起始年", "First year"), Label("终止年", "Last year")
        return (
            self.queryable("start_year", YEAR, first, column="first_year", required=required),
            self.queryable("end_year", YEAR, last, column="last_year"),
        )

    @property
    def period(self) -> tuple[Property, Property]:
        """The days the state holds for, as the feature's interval."""
        return (
            self.queryable(
                "valid_from", DATE, Label("生效日期", "Valid from"), role="primary-interval-start"
            ),
            self.queryable(
                "valid_to", DATE, Label("失效日期", "Valid to"), role="primary-interval-end"
            ),
        )

    @property
    def evidence(self) -> Property:
        """The codes of the documents a row rests on, of those its reader may know of."""
        column = self.column("evidence", TEXTS, Label("依据文件", "Documents it rests on"))
        return replace(column, names="documents")

    @property
    def job(self) -> Property:
        """The job a row was computed by."""
        sql, title = f"{self.alias}.job_id::text", Label("作业", "Job")
        return Property("job", sql, UUID, title, queryable=True)

    @property
    def source(self) -> Property:
        """Where a row's content comes from."""
        return self.attribute("source", TEXT, Label("来源", "Source"))
