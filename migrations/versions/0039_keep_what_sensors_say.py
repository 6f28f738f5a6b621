"""Keep places without a station, units as they were told, and properties that tell no unit."""

from collections.abc import Sequence

from alembic import op

revision: str = "0039"
down_revision: str | None = "0029"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

MEDIA = ("water", "sea", "air", "weather", "flow", "ecology")
CHECK = "ck_observed_property_medium"


def upgrade() -> None:
    op.execute(
        "CREATE TABLE location (id int GENERATED ALWAYS AS IDENTITY CONSTRAINT pk_location"
        " PRIMARY KEY, code varchar NOT NULL CONSTRAINT uq_location_code UNIQUE,"
        " name varchar NOT NULL,"
        " description varchar NOT NULL, geom geometry(Point, 4490) NOT NULL,"
        " properties jsonb NOT NULL DEFAULT '{}',"
        " created_at timestamptz NOT NULL DEFAULT now(),"
        " updated_at timestamptz NOT NULL DEFAULT now())"
    )
    op.execute(
        "ALTER TABLE observed_property ADD definition varchar, ADD description varchar,"
        " ADD unit_open boolean NOT NULL DEFAULT false"
    )
    op.execute("ALTER TABLE datastream ADD unit jsonb")
    _allow((*MEDIA, "other"))


def downgrade() -> None:
    op.execute("UPDATE observed_property SET medium = 'ecology' WHERE medium = 'other'")
    _allow(MEDIA)
    op.execute("ALTER TABLE datastream DROP unit")
    op.execute("ALTER TABLE observed_property DROP definition, DROP description, DROP unit_open")
    op.execute("DROP TABLE location")


def _allow(media: Sequence[str]) -> None:
    listed = ", ".join(f"'{code}'" for code in media)
    op.execute(f"ALTER TABLE observed_property DROP CONSTRAINT {CHECK}")
    op.execute(f"ALTER TABLE observed_property ADD CONSTRAINT {CHECK} CHECK (medium IN ({listed}))")
