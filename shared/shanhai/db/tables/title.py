"""Demonstration areas, what they are judged by, and the titles regions and places strive for."""

from decimal import Decimal

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, TEXT
from sqlalchemy.orm import Mapped, mapped_column

from shanhai import vocabulary
from shanhai.db import base


class DemonstrationMember(base.Labelled, base.Versioned, base.Dated, base.Base):
    """A place of a demonstration area, in its order from the summit to the sea.

    Attributes:
        region_id: The demonstration area.
        member_id: The region it is, such as a basin; `place_id` the place on the way of the water,
            `feature_id` the named feature. Any of them may be unknown.
    """

    __tablename__ = "demonstration_member"
    __table_args__ = (
        base.one_of("section", vocabulary.codes(vocabulary.DEMONSTRATION_SECTIONS)),
        base.one_of("state", vocabulary.codes(vocabulary.MEMBER_STATES)),
        base.in_order(),
        base.live_code("demonstration_member"),
    )

    region_id: Mapped[int] = mapped_column(sa.ForeignKey("region.id"), index=True)
    order_no: Mapped[int] = mapped_column(server_default=sa.text("1"), default=1)
    section: Mapped[str | None]
    state: Mapped[str | None]
    member_id: Mapped[int | None] = mapped_column(sa.ForeignKey("region.id"), index=True)
    place_id: Mapped[int | None] = mapped_column(sa.ForeignKey("region_link.id"), index=True)
    feature_id: Mapped[int | None] = mapped_column(sa.ForeignKey("named_feature.id"), index=True)
    text_zh: Mapped[str | None]
    text_en: Mapped[str | None]


class DemonstrationCriterion(base.Labelled, base.Versioned, base.Dated, base.Base):
    """What demonstration areas of a region, and of all below it, are judged by.

    Attributes:
        weight: Above 0; null counts as 1.
    """

    __tablename__ = "demonstration_criterion"
    __table_args__ = (
        sa.CheckConstraint("weight > 0", name="weight"),
        base.in_order(),
        base.live_code("demonstration_criterion"),
    )

    region_id: Mapped[int] = mapped_column(sa.ForeignKey("region.id"), index=True)
    order_no: Mapped[int] = mapped_column(server_default=sa.text("1"), default=1)
    weight: Mapped[Decimal | None] = mapped_column(sa.Numeric(8, 2))
    text_zh: Mapped[str | None]
    text_en: Mapped[str | None]


class DemonstrationScore(base.Coded, base.Versioned, base.Dated, base.Base):
    """How a demonstration area does by a criterion in a year, from 0 to 100."""

    __tablename__ = "demonstration_score"
    __table_args__ = (
        sa.CheckConstraint("score BETWEEN 0 AND 100", name="score"),
        sa.CheckConstraint("year BETWEEN 1900 AND 2200", name="year"),
        base.in_order(),
        base.live_code("demonstration_score"),
        sa.Index(
            "uq_demonstration_score_live",
            *("region_id", "criterion_id", "year"),
            unique=True,
            postgresql_where=sa.text("deleted_at IS NULL"),
        ),
    )

    region_id: Mapped[int] = mapped_column(sa.ForeignKey("region.id"))
    criterion_id: Mapped[int] = mapped_column(
        sa.ForeignKey("demonstration_criterion.id"), index=True
    )
    year: Mapped[int]
    score: Mapped[Decimal] = mapped_column(sa.Numeric(5, 2))
    text_zh: Mapped[str | None]
    text_en: Mapped[str | None]
    evidence: Mapped[list[str]] = mapped_column(
        ARRAY(TEXT), server_default=sa.text("'{}'"), default=list
    )


class RegionTitle(base.Labelled, base.Versioned, base.Dated, base.Base):
    """A title a region, or a place in it, strives for or holds.

    Attributes:
        region_id: Whose it is; of a place, the region that place belongs to.
        feature_id: The place that holds it, where it is not the region itself.
        target_year: The last year in which it is to be reached.
        year: The year in which it was given.
        document: What it was given by: title and number.
        reason: Why it was withdrawn.
    """

    __tablename__ = "title"
    __table_args__ = (
        base.one_of("series", vocabulary.codes(vocabulary.TITLE_SERIES)),
        base.one_of("level", vocabulary.codes(vocabulary.TITLE_LEVELS)),
        base.one_of("state", vocabulary.codes(vocabulary.TITLE_STATES)),
        sa.CheckConstraint(
            "state <> 'approved' OR (year IS NOT NULL AND btrim(document) <> '')", name="approved"
        ),
        sa.CheckConstraint("state <> 'withdrawn' OR btrim(reason) <> ''", name="withdrawn"),
        base.in_order(),
        base.live_code("title"),
        sa.Index(
            "uq_title_live",
            *("series", "level", "region_id", sa.text("coalesce(feature_id, 0)")),
            unique=True,
            postgresql_where=sa.text("deleted_at IS NULL AND state <> 'withdrawn'"),
        ),
    )

    series: Mapped[str]
    level: Mapped[str | None]
    region_id: Mapped[int] = mapped_column(sa.ForeignKey("region.id"), index=True)
    feature_id: Mapped[int | None] = mapped_column(sa.ForeignKey("named_feature.id"), index=True)
    plan_id: Mapped[int | None] = mapped_column(sa.ForeignKey("plan.id"), index=True)
    article: Mapped[str | None]
    target_year: Mapped[int | None]
    state: Mapped[str] = mapped_column(server_default="candidate", default="candidate")
    year: Mapped[int | None]
    document: Mapped[str | None]
    evidence: Mapped[list[str]] = mapped_column(
        ARRAY(TEXT), server_default=sa.text("'{}'"), default=list
    )
    reason: Mapped[str | None]
