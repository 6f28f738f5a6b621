"""Bound the indicators of the catalogue that came before they had `least` and `most`.

Only those that have the catalogue's unit, and no bounds of their own. Each change is told in the
audit log, so that copies know of it.
"""

import json
from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from shanhai.crypto import chosen_suite

revision: str = "0102"
down_revision: str | None = "0101"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

NOT_BELOW_0 = {
    **dict.fromkeys(("cultivated_land_area", "permanent_basic_farmland_area"), "10^4 mu"),
    "forest_stock_volume": "10^4 m3",
    "greenway_per_10k": "km",
    "high_standard_farmland_area": "mu",
    "mine_restored_area": "ha",
    "park_green_per_capita": "m2",
    "sewage_collection_rate": "%",
    **dict.fromkeys(
        (
            *("mine_bare_slope_restored_area", "natural_forest_area", "nature_reserve_area"),
            *("red_line_area", "urban_boundary_area", "water_space_area"),
        ),
        "km2",
    ),
}
SHARES = dict.fromkeys(
    (
        *("drinking_source_compliance_rate", "farm_film_recovery_rate"),
        *("fertiliser_use_efficiency", "forest_cover_rate", "groundwater_class_v_share"),
        *("key_construction_land_safe_use_rate", "key_species_protection_rate"),
        *("main_basin_class_i_iii_share", "natural_shoreline_retention_rate"),
        *("nearshore_good_water_share", "park_5min_walk_cover", "pesticide_use_efficiency"),
        *("polluted_farmland_safe_use_rate", "protected_area_share", "protected_land_share"),
        *("small_basin_class_iii_or_better_share", "soil_water_conservation_rate"),
        *("sponge_city_share", "surface_water_inferior_v_share", "waste_harmless_treatment_rate"),
        *("water_function_zone_compliance", "wetland_protection_rate"),
    ),
    "%",
)
PERMILLES = dict.fromkeys(("forest_fire_damage_rate", "forest_pest_disaster_rate"), "permille")
BOUND = sa.text(
    """
WITH bound AS (
  UPDATE indicator i SET attrs = i.attrs || CAST(:bounds AS jsonb),
         row_version = i.row_version + 1, updated_at = now()
    FROM jsonb_each_text(CAST(:units AS jsonb)) given (code, unit)
   WHERE (i.code, i.unit) = (given.code, given.unit) AND NOT i.attrs ?| ARRAY['least', 'most']
  RETURNING i.id, i.code, i.row_version)
INSERT INTO audit_log (actor, action, object_table, object_id, before, after)
SELECT 'operator', 'update', 'indicator', code,
       jsonb_build_object('id', id, 'row_version', row_version - 1),
       jsonb_build_object('id', id, 'row_version', row_version) || CAST(:bounds AS jsonb)
  FROM bound ORDER BY id
"""
).bindparams(sa.bindparam("bounds", type_=sa.Text), sa.bindparam("units", type_=sa.Text))


def upgrade() -> None:
    # The log is hashed as the services do it.
    suite = sa.text("SELECT set_config('shanhai.crypto_suite', :suite, true)")
    op.get_bind().execute(suite, {"suite": chosen_suite()})
    for units, bounds in (
        (NOT_BELOW_0, {"least": 0}),
        (SHARES, {"least": 0, "most": 100}),
        (PERMILLES, {"least": 0, "most": 1000}),
    ):
        values = {"units": json.dumps(units), "bounds": json.dumps(bounds)}
        op.get_bind().execute(BOUND, values)


def downgrade() -> None:
    pass
