"""The list of species, and where they were met with."""

from datetime import date

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from shanhai import vocabulary
from shanhai.db import base


class Species(base.Coded, base.Versioned, base.Dated, base.Base):
    """A species, or a name that another one is now used for.

    Attributes:
        accepted_id: The species whose name is used instead; None where this one is.
        sensitivity: What of the place of its occurrences everybody may know.
    """

    __tablename__ = "species"
    __table_args__ = (
        base.one_of("protection", vocabulary.codes(vocabulary.PROTECTION_CLASSES)),
        base.one_of("red_list", vocabulary.codes(vocabulary.RED_LIST_CATEGORIES)),
        base.one_of("sensitivity", vocabulary.codes(vocabulary.SENSITIVITIES)),
        sa.CheckConstraint("accepted_id <> id", name="accepted"),
        base.in_order(),
        base.live_code("species"),
        sa.Index(
            "uq_species_scientific_name_live",
            "scientific_name",
            unique=True,
            postgresql_where=sa.text("deleted_at IS NULL"),
        ),
        sa.Index(
            "ix_species_scientific_name_trgm",
            "scientific_name",
            postgresql_using="gin",
            postgresql_ops={"scientific_name": "gin_trgm_ops"},
        ),
    )

    scientific_name: Mapped[str]
    name_zh: Mapped[str | None]
    name_en: Mapped[str | None]
    protection: Mapped[str | None]
    red_list: Mapped[str | None]
    invasive: Mapped[bool | None]
    sensitivity: Mapped[str] = mapped_column(server_default="cell", default="cell")
    accepted_id: Mapped[int | None] = mapped_column(sa.ForeignKey("species.id"), index=True)
    taxon_kingdom: Mapped[str | None]
    taxon_phylum: Mapped[str | None]
    taxon_class: Mapped[str | None]
    taxon_order: Mapped[str | None]
    taxon_family: Mapped[str | None]


class Occurrence(base.Coded, base.Versioned, base.Dated, base.Base):
    """A species that was met with at a place.

    Attributes:
        occurrence_id: What its publisher calls it (`dwc:occurrenceID`).
        uncertainty_m: Radius of the circle around `geom` that the true place lies in.
        sensitivity: The stricter of its species' and that of the accepted name; kept by triggers.
        shown: What those may know of the place who may not know `geom`; kept by triggers.
    """

    __tablename__ = "occurrence"
    __table_args__ = (
        base.one_of("method", vocabulary.codes(vocabulary.OCCURRENCE_METHODS)),
        base.one_of("state", vocabulary.codes(vocabulary.OCCURRENCE_STATES)),
        base.one_of("sensitivity", vocabulary.codes(vocabulary.SENSITIVITIES)),
        sa.CheckConstraint("observed_to >= observed_from", name="observed"),
        sa.CheckConstraint("individuals >= 0", name="individuals"),
        sa.CheckConstraint("uncertainty_m > 0", name="uncertainty_m"),
        *base.drawn("occurrence"),
        base.in_order(),
        base.live_code("occurrence"),
        base.spatial("occurrence", "shown"),
        sa.Index(
            "uq_occurrence_occurrence_id_live",
            "occurrence_id",
            unique=True,
            postgresql_where=sa.text("deleted_at IS NULL"),
        ),
        sa.Index("ix_occurrence_species_id_observed_from", "species_id", "observed_from"),
        sa.Index(
            "ix_occurrence_cell",
            # As PostgreSQL writes it down.
            sa.text(
                "((((floor(st_x(geom) * 10::double precision) / 10::double precision)::text)"
                " || ','::text)"
                " || ((floor(st_y(geom) * 10::double precision) / 10::double precision)::text))"
            ),
        ),
    )

    region_id: Mapped[int] = mapped_column(sa.ForeignKey("region.id"), index=True)
    species_id: Mapped[int] = mapped_column(sa.ForeignKey("species.id"))
    occurrence_id: Mapped[str | None]
    observed_from: Mapped[date]
    observed_to: Mapped[date | None]
    individuals: Mapped[int | None]
    method: Mapped[str | None]
    observer: Mapped[str | None]
    locality: Mapped[str | None]
    uncertainty_m: Mapped[float | None]
    evidence_id: Mapped[int | None] = mapped_column(sa.ForeignKey("document.id"), index=True)
    state: Mapped[str] = mapped_column(server_default="recorded", default="recorded")
    judged_by: Mapped[str | None]
    judged_on: Mapped[date | None]
    geom: Mapped[base.Point | None]
    sensitivity: Mapped[str] = mapped_column(server_default="hidden", default="hidden")
    shown: Mapped[base.AnyGeometry | None]
