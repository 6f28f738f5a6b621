"""What plans say beside their lists: provisions, figures, problems, documents, parties."""

from decimal import Decimal

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, Numeric, text
from sqlalchemy.dialects.postgresql import ARRAY, TEXT
from sqlalchemy.orm import Mapped, mapped_column

from shanhai import vocabulary
from shanhai.db import base


class PlanProvision(base.Coded, base.Copied, base.Versioned, base.Dated, base.Base):
    """An article, task, objective or other provision of a plan; codes are unique within it.

    Its name is the official heading. `text_zh` is our wording; `text_official` is the printed text,
    which a bureau that may keep it imports.
    """

    __tablename__ = "plan_provision"
    __table_args__ = (
        base.one_of("kind", vocabulary.codes(vocabulary.PROVISION_KINDS)),
        base.one_of("form", vocabulary.codes(vocabulary.OBJECTIVE_FORMS)),
        base.one_of("level", vocabulary.codes(vocabulary.REGION_LEVELS)),
        base.in_order(),
        base.live_code("plan_provision", "plan_id"),
    )

    plan_id: Mapped[int] = mapped_column(ForeignKey("plan.id"), index=True)
    kind: Mapped[str]
    order_no: Mapped[int] = mapped_column(server_default=text("1"), default=1)
    name_zh: Mapped[str]
    name_en: Mapped[str]
    article: Mapped[str | None]
    form: Mapped[str | None]
    level: Mapped[str | None]
    first_year: Mapped[int | None]
    last_year: Mapped[int | None]
    places: Mapped[list[str]] = mapped_column(ARRAY(TEXT), server_default=text("'{}'"))
    region_ids: Mapped[list[int]] = mapped_column(
        ARRAY(BigInteger), server_default=text("'{}'"), info={"refers_to": "region"}
    )
    text_zh: Mapped[str | None]
    text_en: Mapped[str | None]
    text_official: Mapped[str | None]


class PlanFigure(base.Coded, base.Copied, base.Versioned, base.Dated, base.Base):
    """A figure a plan prints beside its indicators; codes are unique within the plan.

    `untold` names what the source does not print of it, such as its period or substance.
    `region_id` is the region it is of where that is not the plan's; `computed_by` and `computed_of`
    say what stored result it can be compared with; `project_ids` are those a benefit comes from.
    """

    __tablename__ = "plan_figure"
    __table_args__ = (
        base.one_of("kind", vocabulary.codes(vocabulary.FIGURE_KINDS)),
        base.one_of("aspect", vocabulary.codes(vocabulary.BENEFIT_ASPECTS)),
        base.one_of("comparator", vocabulary.codes(vocabulary.FIGURE_COMPARATORS)),
        base.one_of("trend", vocabulary.codes(vocabulary.TRENDS)),
        base.one_of("computed_by", vocabulary.codes(vocabulary.FIGURE_COMPUTATIONS)),
        base.in_order(),
        base.live_code("plan_figure", "plan_id"),
    )

    plan_id: Mapped[int] = mapped_column(ForeignKey("plan.id"), index=True)
    indicator_id: Mapped[int | None] = mapped_column(ForeignKey("indicator.id"), index=True)
    kind: Mapped[str]
    aspect: Mapped[str | None]
    order_no: Mapped[int] = mapped_column(server_default=text("1"), default=1)
    name_zh: Mapped[str]
    name_en: Mapped[str]
    class_zh: Mapped[str | None]
    class_en: Mapped[str | None]
    comparator: Mapped[str | None]
    value: Mapped[Decimal | None] = mapped_column(Numeric)
    unit: Mapped[str | None]
    share_percent: Mapped[Decimal | None] = mapped_column(Numeric)
    trend: Mapped[str | None]
    first_year: Mapped[int | None]
    last_year: Mapped[int | None]
    places: Mapped[list[str]] = mapped_column(ARRAY(TEXT), server_default=text("'{}'"))
    untold: Mapped[list[str]] = mapped_column(ARRAY(TEXT), server_default=text("'{}'"))
    article: Mapped[str | None]
    note_zh: Mapped[str | None]
    note_en: Mapped[str | None]
    region_id: Mapped[int | None] = mapped_column(ForeignKey("region.id"), index=True)
    computed_by: Mapped[str | None]
    computed_of: Mapped[list[str]] = mapped_column(ARRAY(TEXT), server_default=text("'{}'"))
    project_ids: Mapped[list[int]] = mapped_column(
        ARRAY(BigInteger), server_default=text("'{}'"), info={"refers_to": "project"}
    )


class NamedFeature(base.Labelled, base.Versioned, base.Dated, base.Base):
    """A place, water, reserve or species that plans call by name; without geometry until drawn."""

    __tablename__ = "named_feature"
    __table_args__ = (
        base.one_of("kind", vocabulary.codes(vocabulary.NAMED_FEATURE_KINDS)),
        base.valid_shape(),
        base.in_order(),
        base.live_code("named_feature"),
        base.spatial("named_feature"),
        Index("ix_named_feature_region_id_kind", "region_id", "kind"),
    )

    kind: Mapped[str]
    region_id: Mapped[int] = mapped_column(ForeignKey("region.id"))
    article: Mapped[str | None]
    note_zh: Mapped[str | None]
    note_en: Mapped[str | None]
    geom: Mapped[base.AnyGeometry | None]
    area_m2: Mapped[base.Area]
    length_m: Mapped[base.Length]


class Problem(base.Labelled, base.Classified, base.Copied, base.Versioned, base.Dated, base.Base):
    """A problem: its quantity as printed or measured, null where no source tells it."""

    __tablename__ = "problem"
    __table_args__ = (
        base.one_of("level", vocabulary.codes(vocabulary.PROBLEM_LEVELS)),
        *base.classified(),
        base.one_of("severity", vocabulary.codes(vocabulary.SEVERITIES)),
        base.one_of("status", vocabulary.codes(vocabulary.PROBLEM_STATUSES)),
        *base.drawn("problem"),
        base.in_order(),
        base.live_code("problem"),
        Index("ix_problem_region_id_type", "region_id", "type"),
    )

    type: Mapped[str]
    element: Mapped[str | None]
    level: Mapped[str | None]
    region_id: Mapped[int] = mapped_column(ForeignKey("region.id"))
    plan_id: Mapped[int | None] = mapped_column(ForeignKey("plan.id"), index=True)
    quantity: Mapped[Decimal | None] = mapped_column(Numeric)
    unit: Mapped[str | None]
    severity: Mapped[str | None]
    status: Mapped[str] = mapped_column(server_default="open")
    visibility: Mapped[base.Visible]
    cause: Mapped[str | None]
    places: Mapped[list[str]] = mapped_column(ARRAY(TEXT), server_default=text("'{}'"))
    geom: Mapped[base.AnyGeometry | None]
    area_m2: Mapped[base.Area]


class Document(base.Coded, base.Classified, base.Versioned, base.Dated, base.Base):
    """A file of the object `owner_code` of the collection `owner_collection`."""

    __tablename__ = "document"
    __table_args__ = (
        CheckConstraint("bytes >= 0", name="bytes"),
        *base.classified(),
        base.in_order(),
        base.live_code("document"),
        Index("ix_document_owner", "owner_collection", "owner_code"),
        base.spatial("document"),
    )

    owner_collection: Mapped[str]
    owner_code: Mapped[str]
    region_id: Mapped[int | None] = mapped_column(ForeignKey("region.id"), index=True)
    title_zh: Mapped[str]
    title_en: Mapped[str | None]
    kind: Mapped[str]
    filename: Mapped[str]
    media_type: Mapped[str]
    bytes: Mapped[int] = mapped_column(BigInteger)
    sha256: Mapped[str] = mapped_column(index=True)
    uri: Mapped[str]
    visibility: Mapped[base.Visible]
    uploaded_by: Mapped[str]
    geom: Mapped[base.Point | None]


class Party(base.Labelled, base.Versioned, base.Dated, base.Base):
    """Someone who owns projects, answers for indicators or takes part."""

    __tablename__ = "party"
    __table_args__ = (
        base.one_of("kind", vocabulary.codes(vocabulary.PARTY_KINDS)),
        base.in_order(),
        base.live_code("party"),
    )

    kind: Mapped[str]
    region_id: Mapped[int | None] = mapped_column(ForeignKey("region.id"), index=True)
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("party.id"), index=True)
