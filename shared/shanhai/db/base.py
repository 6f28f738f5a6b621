"""Declarative base, naming of constraints, and the columns most tables share."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Annotated, Any

import sqlalchemy as sa
from geoalchemy2 import Geometry
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import DeclarativeBase, Mapped, declared_attr, mapped_column

from shanhai.vocabulary import (
    DATA_CLASSES,
    DATA_GRADES,
    VISIBILITIES,
    Visibility,
    codes,
)

STORAGE_SRID = 4490
"""Vectors are kept in CGCS2000 geographic coordinates, longitude first."""

Serial = Annotated[int, mapped_column(sa.BigInteger, sa.Identity(always=True))]
BigId = Annotated[int, mapped_column(sa.BigInteger, sa.Identity(always=True), primary_key=True)]
Moment = Annotated[datetime, mapped_column(TIMESTAMP(timezone=True))]
CreatedAt = Annotated[
    datetime, mapped_column(TIMESTAMP(timezone=True), server_default=sa.text("now()"))
]
Attributes = Annotated[
    dict[str, Any], mapped_column(JSONB, server_default=sa.text("'{}'::jsonb"), default=dict)
]
Point = Annotated[Any, mapped_column(Geometry("POINT", srid=STORAGE_SRID, spatial_index=False))]
MultiPolygon = Annotated[
    Any, mapped_column(Geometry("MULTIPOLYGON", srid=STORAGE_SRID, spatial_index=False))
]
AnyGeometry = Annotated[
    Any, mapped_column(Geometry("GEOMETRY", srid=STORAGE_SRID, spatial_index=False))
]
Visible = Annotated[str, mapped_column(server_default=Visibility.REGION, default=Visibility.REGION)]
VisibleOncePublished = Annotated[
    str, mapped_column(server_default=Visibility.PUBLIC, default=Visibility.PUBLIC)
]
Area = Annotated[
    float | None, mapped_column(sa.Double, sa.Computed("ST_Area(geom::geography)", persisted=True))
]
Length = Annotated[
    float | None,
    mapped_column(sa.Double, sa.Computed("ST_Length(geom::geography)", persisted=True)),
]


def hash_of(content: Mapping[str, Any]) -> str:
    """SHA-256 of the content as JSON with sorted names and no spaces, in UTF-8."""
    written = json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(written.encode()).hexdigest()


class Base(DeclarativeBase):
    """Base of all tables; constraint names follow one convention so migrations can name them."""

    metadata = sa.MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


async def touch(session: AsyncSession, row: Any) -> None:
    """Write a changed row, with its next version and the time of the transaction."""
    row.row_version += 1
    row.updated_at = (await session.execute(sa.select(sa.func.now()))).scalar_one()
    await session.flush()


class Coded:
    """The number of a row, and the code people know it by."""

    id: Mapped[BigId] = mapped_column(sort_order=-2)
    code: Mapped[str] = mapped_column(sort_order=-2)


class Labelled(Coded):
    """A row that has a code, and names in Chinese and English."""

    name_zh: Mapped[str] = mapped_column(sort_order=-1)
    name_en: Mapped[str] = mapped_column(sort_order=-1)


class Versioned:
    """Row version (for ETag), times, soft deletion and free attributes of a business table."""

    attrs: Mapped[Attributes]
    row_version: Mapped[int] = mapped_column(server_default=sa.text("1"), default=1)
    created_at: Mapped[CreatedAt]
    updated_at: Mapped[CreatedAt]
    deleted_at: Mapped[Moment | None]


class Bounded:
    """The days a state of a row holds for: half-open, null is open."""

    valid_from: Mapped[date | None]
    valid_to: Mapped[date | None]


class Dated(Bounded):
    """The days a state of a row holds for; from today on unless told otherwise."""

    valid_from: Mapped[date | None] = mapped_column(server_default=sa.text("current_date"))


class Copied:
    """What an edition of a plan holds: a copy names the row of the edition before its own."""

    @declared_attr
    @classmethod
    def copied_from_id(cls) -> Mapped[int | None]:
        """The row this one was copied from."""
        table: str = vars(cls)["__tablename__"]
        return mapped_column(sa.ForeignKey(f"{table}.id"), index=True)


class Classified:
    """What a bureau classified a row as; null where nobody has.

    `data_class` is its own class of the row, `data_grade` a grade of GB/T 43697-2024 above the
    general one. Both bound `visibility`: see `classified`.
    """

    data_class: Mapped[str | None]
    data_grade: Mapped[str | None]


def classified() -> tuple[sa.CheckConstraint, ...]:
    """Who may read a row is no more than its class allows; only what is sensitive has a grade."""
    return (
        one_of("visibility", codes(VISIBILITIES)),
        one_of("data_class", codes(DATA_CLASSES)),
        one_of("data_grade", codes(DATA_GRADES)),
        sa.CheckConstraint(
            "CASE data_class WHEN 'sensitive' THEN visibility = 'region'"
            " WHEN 'internal' THEN visibility <> 'public' ELSE true END",
            name="visibility_of_class",
        ),
        sa.CheckConstraint(
            "data_grade IS NULL OR data_class IS NOT DISTINCT FROM 'sensitive'",
            name="data_grade_of_class",
        ),
    )


def in_order() -> sa.CheckConstraint:
    """No period ends before it begins; an empty one is a state corrected on its first day."""
    return sa.CheckConstraint("valid_to IS NULL OR valid_to >= valid_from", name="period")


def one_of(column: str, values: Sequence[str]) -> sa.CheckConstraint:
    """The column holds one of the values, or nothing."""
    listed = ", ".join(f"'{value}'" for value in values)
    return sa.CheckConstraint(f"{column} IN ({listed})", name=column)


def valid_shape(column: str = "geom") -> sa.CheckConstraint:
    """What lies in the column is valid, or nothing."""
    return sa.CheckConstraint(f"{column} IS NULL OR ST_IsValid({column})", name=f"{column}_valid")


def computed_has_job() -> sa.CheckConstraint:
    """What was computed names its job."""
    return sa.CheckConstraint("origin <> 'computed' OR job_id IS NOT NULL", name="computed_has_job")


def live_code(table: str, *parents: str) -> sa.Index:
    """Codes are unique among the rows that are not deleted, within their parents."""
    return sa.Index(
        f"uq_{table}_code_live",
        *parents,
        "code",
        unique=True,
        postgresql_where=sa.text("deleted_at IS NULL"),
    )


def drawn(table: str) -> tuple[sa.CheckConstraint | sa.Index, ...]:
    """Shapes are valid and found by where they lie; rows are listed with a shape first."""
    first = sa.Index(f"ix_{table}_shapeless", sa.text("(geom IS NULL)"), "id")
    return (valid_shape(), spatial(table), first)


def spatial(table: str, column: str = "geom") -> sa.Index:
    """The spatial index of a column."""
    return sa.Index(f"ix_{table}_{column}", column, postgresql_using="gist")
