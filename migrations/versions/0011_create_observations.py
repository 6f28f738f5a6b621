"""Keep observations by month, their newest values and roll-ups, and what can be observed."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0011"
down_revision: str | None = "0009"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

WATER = "GB 3838-2002"
SEA = "GB 3097-1997"
AIR = "GB 3095-2012"
# code, zh, en, medium, unit, low, high, decimals, moves, HJ 525 code, aliases, standard
#
# The ranges are what is physically possible in the open, or what sensors of the kind can tell; they
# mark, and never refuse.
PROPERTIES: tuple[tuple[Any, ...], ...] = (
    ("water_temperature", "水温", "Water temperature", "water", "Cel", -3, 45, 1, True, "w01010",
     [], WATER),
    ("ph", "pH 值", "pH", "water", "1", 0, 14, 2, True, "w01001", [], WATER),
    ("dissolved_oxygen", "溶解氧", "Dissolved oxygen", "water", "mg/L", 0, 30, 2, True, "w01009",
     ["do"], WATER),
    ("oxygen_saturation", "溶解氧饱和度", "Dissolved oxygen saturation", "water", "%", 0, 500, 1,
     True, None, ["do_saturation"], WATER),
    ("permanganate_index", "高锰酸盐指数", "Permanganate index", "water", "mg/L", 0, 500, 2, True,
     "w01019", ["codmn"], WATER),
    ("cod", "化学需氧量", "Chemical oxygen demand", "water", "mg/L", 0, 5000, 1, True, "w01018",
     ["codcr"], WATER),
    ("bod5", "五日生化需氧量", "Five-day biochemical oxygen demand", "water", "mg/L", 0, 2000, 1,
     False, "w01017", [], WATER),
    ("ammonia_nitrogen", "氨氮", "Ammonia nitrogen", "water", "mg/L", 0, 300, 3, True, "w21003",
     ["nh3n"], WATER),
    ("total_phosphorus", "总磷", "Total phosphorus", "water", "mg/L", 0, 100, 3, True, "w21011",
     ["tp"], WATER),
    ("total_nitrogen", "总氮", "Total nitrogen", "water", "mg/L", 0, 500, 2, True, "w21001",
     ["tn"], WATER),
    ("copper", "铜", "Copper", "water", "mg/L", 0, 100, 4, False, "w20122", [], WATER),
    ("zinc", "锌", "Zinc", "water", "mg/L", 0, 100, 4, False, "w20123", [], WATER),
    ("fluoride", "氟化物", "Fluoride", "water", "mg/L", 0, 100, 3, False, "w21017", [], WATER),
    ("selenium", "硒", "Selenium", "water", "mg/L", 0, 10, 5, False, "w20128", [], WATER),
    ("arsenic", "砷", "Arsenic", "water", "mg/L", 0, 10, 5, False, "w20119", [], WATER),
    ("mercury", "汞", "Mercury", "water", "mg/L", 0, 1, 6, False, "w20111", [], WATER),
    ("cadmium", "镉", "Cadmium", "water", "mg/L", 0, 10, 5, False, "w20115", [], WATER),
    ("chromium_vi", "六价铬", "Chromium (VI)", "water", "mg/L", 0, 10, 4, False, "w20117", [],
     WATER),
    ("lead", "铅", "Lead", "water", "mg/L", 0, 10, 5, False, "w20120", [], WATER),
    ("cyanide", "氰化物", "Cyanide", "water", "mg/L", 0, 10, 4, False, "w21016", [], WATER),
    ("volatile_phenol", "挥发酚", "Volatile phenol", "water", "mg/L", 0, 10, 4, False, "w23002",
     [], WATER),
    ("petroleum", "石油类", "Petroleum", "water", "mg/L", 0, 100, 3, False, "w22001", [], WATER),
    ("anionic_surfactant", "阴离子表面活性剂", "Anionic surfactant", "water", "mg/L", 0, 100, 3,
     False, "w19002", [], WATER),
    ("sulphide", "硫化物", "Sulphide", "water", "mg/L", 0, 100, 4, False, "w21019", [], WATER),
    ("faecal_coliforms", "粪大肠菌群", "Faecal coliforms", "water", "1/L", 0, 1e10, 0, False,
     "w02003", [], WATER),
    ("conductivity", "电导率", "Electrical conductivity", "water", "uS/cm", 0, 100000, 1, True,
     "w01014", [], None),
    ("turbidity", "浊度", "Turbidity", "water", "NTU", 0, 10000, 1, True, "w01003", [], None),
    ("chlorophyll_a", "叶绿素 a", "Chlorophyll a", "water", "ug/L", 0, 2000, 2, True, "w01016",
     [], None),
    ("salinity", "盐度", "Salinity", "sea", "1", 0, 50, 2, True, None, [], None),
    ("sea_cod", "化学需氧量（海水）", "Chemical oxygen demand of sea water", "sea", "mg/L", 0, 500,
     2, False, None, [], SEA),
    ("inorganic_nitrogen", "无机氮", "Inorganic nitrogen", "sea", "mg/L", 0, 100, 3, False, None,
     ["din"], SEA),
    ("active_phosphate", "活性磷酸盐", "Active phosphate (as P)", "sea", "mg/L", 0, 50, 4, False,
     None, ["dip"], SEA),
    ("pm25", "细颗粒物 PM2.5", "PM2.5", "air", "ug/m3", 0, 10000, 0, True, "a34004",
     ["pm2.5", "pm2_5"], AIR),
    ("pm10", "可吸入颗粒物 PM10", "PM10", "air", "ug/m3", 0, 10000, 0, True, "a34002", [], AIR),
    ("so2", "二氧化硫", "Sulphur dioxide", "air", "ug/m3", 0, 10000, 0, True, "a21026", [], AIR),
    ("no2", "二氧化氮", "Nitrogen dioxide", "air", "ug/m3", 0, 10000, 0, True, "a21004", [], AIR),
    ("co", "一氧化碳", "Carbon monoxide", "air", "mg/m3", 0, 1000, 1, True, "a21005", [], AIR),
    ("o3", "臭氧", "Ozone", "air", "ug/m3", 0, 10000, 0, True, "a05024", [], AIR),
    ("air_temperature", "气温", "Air temperature", "weather", "Cel", -60, 60, 1, True, "a01001",
     ["temperature"], None),
    ("relative_humidity", "相对湿度", "Relative humidity", "weather", "%", 0, 100, 0, False,
     "a01002", ["humidity"], None),
    ("air_pressure", "气压", "Air pressure", "weather", "hPa", 300, 1100, 1, True, "a01006",
     ["pressure"], None),
    ("wind_speed", "风速", "Wind speed", "weather", "m/s", 0, 120, 1, False, "a01007", [], None),
    ("wind_direction", "风向", "Wind direction", "weather", "deg", 0, 360, 0, False, "a01008", [],
     None),
    ("rainfall", "降水量", "Rainfall", "weather", "mm", 0, 2000, 1, False, None,
     ["precipitation"], None),
    ("solar_radiation", "太阳辐射", "Solar radiation", "weather", "W/m2", 0, 1800, 0, False, None,
     [], None),
    ("water_level", "水位", "Water level", "flow", "m", -100, 9000, 2, True, None, [], None),
    ("discharge", "流量", "Discharge", "flow", "m3/s", -50000, 200000, 2, True, None,
     ["flow"], None),
    ("flow_velocity", "流速", "Flow velocity", "flow", "m/s", -20, 20, 2, True, None, [], None),
    ("suspended_sediment", "悬移质含沙量", "Suspended sediment", "flow", "kg/m3", 0, 2000, 3, True,
     None, [], None),
    ("soil_moisture", "土壤体积含水率", "Volumetric soil moisture", "ecology", "%", 0, 100, 1,
     False, None, [], None),
    ("negative_air_ions", "负氧离子", "Negative air ions", "ecology", "1/cm3", 0, 1000000, 0, True,
     None, [], None),
)  # fmt: skip


def upgrade() -> None:
    _create_properties()
    _create_observations()
    for name in ("observation_hour", "observation_day", "observation_month"):
        op.create_table(
            name,
            *_series(),
            _moment("starts_at"),
            sa.Column("number", sa.Integer(), nullable=False),
            *(
                sa.Column(column, sa.Double(), nullable=False)
                for column in ("mean", "low", "high", "p50", "p98")
            ),
            sa.PrimaryKeyConstraint(
                "station_id", "property_id", "starts_at", name=op.f(f"pk_{name}")
            ),
        )
    op.create_table(
        "rollup_due",
        *_series(),
        sa.Column("day", sa.Date(), nullable=False),
        sa.PrimaryKeyConstraint("station_id", "property_id", "day", name=op.f("pk_rollup_due")),
    )
    op.create_index(op.f("ix_rollup_due_day"), "rollup_due", ["day"])
    op.create_table(
        "observation_change",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        *_series(),
        _moment("first_at"),
        _moment("last_at"),
        sa.Column(
            "at",
            postgresql.TIMESTAMP(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column(
            "transaction",
            sa.BigInteger(),
            server_default=sa.text("pg_current_xact_id()::text::bigint"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_observation_change")),
    )
    for column in ("at", "transaction"):
        op.create_index(op.f(f"ix_observation_change_{column}"), "observation_change", [column])


def downgrade() -> None:
    for name in (
        *("observation_change", "rollup_due"),
        *("observation_month", "observation_day", "observation_hour"),
        *("observation_latest", "observation_revision", "observation", "observation_source"),
        *("station_range", "observed_property"),
    ):
        op.drop_table(name)


def _create_properties() -> None:
    table = op.create_table(
        "observed_property",
        sa.Column("id", sa.SmallInteger(), sa.Identity(always=True), nullable=False),
        *(
            sa.Column(name, sa.String(), nullable=False)
            for name in ("code", "name_zh", "name_en", "medium", "unit")
        ),
        sa.Column("low", sa.Double(), nullable=True),
        sa.Column("high", sa.Double(), nullable=True),
        sa.Column("decimals", sa.SmallInteger(), nullable=False),
        sa.Column("moves", sa.Boolean(), nullable=False),
        sa.Column("hj525", sa.String(), nullable=True),
        sa.Column(
            "aliases", postgresql.ARRAY(sa.TEXT()), server_default=sa.text("'{}'"), nullable=False
        ),
        sa.Column("standard", sa.String(), nullable=True),
        sa.Column("row_version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        *(
            sa.Column(
                name,
                postgresql.TIMESTAMP(timezone=True),
                server_default=sa.text("now()"),
                nullable=False,
            )
            for name in ("created_at", "updated_at")
        ),
        sa.CheckConstraint(
            "medium IN ('water', 'sea', 'air', 'weather', 'flow', 'ecology')",
            name=op.f("ck_observed_property_medium"),
        ),
        sa.CheckConstraint("low < high", name=op.f("ck_observed_property_range")),
        sa.CheckConstraint("decimals BETWEEN 0 AND 12", name=op.f("ck_observed_property_decimals")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_observed_property")),
        sa.UniqueConstraint("code", name=op.f("uq_observed_property_code")),
        sa.UniqueConstraint("hj525", name=op.f("uq_observed_property_hj525")),
    )
    named = (
        *("code", "name_zh", "name_en", "medium", "unit", "low", "high", "decimals", "moves"),
        *("hj525", "aliases", "standard"),
    )
    op.bulk_insert(table, [dict(zip(named, row, strict=True)) for row in PROPERTIES])
    op.create_table(
        "station_range",
        sa.Column("station_id", sa.BigInteger(), nullable=False),
        sa.Column("property_id", sa.SmallInteger(), nullable=False),
        sa.Column("low", sa.Double(), nullable=True),
        sa.Column("high", sa.Double(), nullable=True),
        sa.CheckConstraint("low < high", name=op.f("ck_station_range_range")),
        sa.ForeignKeyConstraint(
            ["station_id"], ["station.id"], name=op.f("fk_station_range_station_id")
        ),
        sa.ForeignKeyConstraint(
            ["property_id"], ["observed_property.id"], name=op.f("fk_station_range_property_id")
        ),
        sa.PrimaryKeyConstraint("station_id", "property_id", name=op.f("pk_station_range")),
    )


def _create_observations() -> None:
    op.create_table(
        "observation_source",
        sa.Column("id", sa.Integer(), sa.Identity(always=True), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("sender", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_observation_source")),
        sa.UniqueConstraint("kind", "sender", name=op.f("uq_observation_source_kind_sender")),
    )
    op.create_table(
        "observation",
        *_value(),
        *_place(),
        sa.PrimaryKeyConstraint(
            "station_id", "property_id", "observed_at", name=op.f("pk_observation")
        ),
        postgresql_partition_by="RANGE (observed_at)",
    )
    op.create_index(
        "ix_observation_observed_at", "observation", ["observed_at"], postgresql_using="brin"
    )
    op.create_table(
        "observation_revision",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        *_value(),
        _moment("replaced_at"),
        *_place(),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_observation_revision")),
    )
    op.create_index(
        "ix_observation_revision_series",
        "observation_revision",
        ["station_id", "property_id", "observed_at"],
    )
    op.create_table(
        "observation_latest",
        *_series(),
        *_value(),
        *(
            sa.Column(name, sa.SmallInteger(), nullable=False)
            for name in ("quality", "flags", "equal_values")
        ),
        sa.Column("hourly_spread", sa.Double(), nullable=True),
        sa.PrimaryKeyConstraint("station_id", "property_id", name=op.f("pk_observation_latest")),
    )
    # Every batch updates rows of it in place: room on each page spares the index.
    op.execute("ALTER TABLE observation_latest SET (fillfactor = 50)")


def _moment(name: str) -> sa.Column[Any]:
    return sa.Column(name, postgresql.TIMESTAMP(timezone=True), nullable=False)


def _series() -> tuple[sa.Column[Any], ...]:
    return (
        sa.Column("station_id", sa.Integer(), nullable=False),
        sa.Column("property_id", sa.SmallInteger(), nullable=False),
    )


def _value() -> tuple[sa.Column[Any], ...]:
    return (
        _moment("observed_at"),
        sa.Column("value", sa.Double(), nullable=False),
        _moment("received_at"),
    )


def _place() -> tuple[sa.Column[Any], ...]:
    return (
        sa.Column("station_id", sa.Integer(), nullable=False),
        sa.Column("source_id", sa.Integer(), nullable=False),
        *(
            sa.Column(name, sa.SmallInteger(), nullable=False)
            for name in ("property_id", "quality", "flags")
        ),
    )
