"""Rasters of the dataset table that can be served, found by the name of their layer."""

import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.cartography import Style, style_of
from shanhai_tiles.sources import SOURCE_JSON, Source

GIVEN = "dataset."
_JOB = re.compile(r"^(?P<theme>[a-z0-9_.]+)\.(?P<job>[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})$")

# Every member is a constant of this module; callers' text only ever arrives as a bound value.
_SELECT = f"""
    SELECT d.code, d.name_zh, d.name_en, d.theme, d.uri, d.checksum, d.grid, d.unit,
           d.native_resolution_m, d.stand_in, d.stand_in_note_zh, d.stand_in_note_en,
           d.source, d.licence, d.public, d.origin, d.job_id, r.code AS region,
           (SELECT coalesce(jsonb_agg({SOURCE_JSON} ORDER BY jd.name), '[]'::jsonb)
              FROM job_dataset jd JOIN dataset i ON i.id = jd.dataset_id
             WHERE jd.job_id = d.job_id AND jd.role = 'input') AS inputs
      FROM dataset d
      JOIN region r ON r.id = d.region_id
      LEFT JOIN job j ON j.id = d.job_id
     WHERE d.deleted_at IS NULL AND d.kind = 'raster'
       AND (d.job_id IS NULL OR j.status = 'successful')
"""  # noqa: S608
_BY_CODE = text(f"{_SELECT} AND d.code = :code")
_BY_JOB = text(f"{_SELECT} AND d.origin = 'computed' AND d.job_id = :job AND d.theme = :theme")
_NEWEST = text(
    f"""{_SELECT} AND d.origin = 'computed' AND d.public
        AND (d.theme, r.code) IN
            (SELECT * FROM unnest(CAST(:themes AS text[]), CAST(:regions AS text[])))
        ORDER BY d.created_at DESC, d.id DESC LIMIT 1"""  # noqa: S608
)
_LISTED = text(
    f"""SELECT DISTINCT ON (theme, region, given) * FROM (
          SELECT *, CASE WHEN origin = 'computed' THEN '' ELSE code END AS given
            FROM ({_SELECT} AND (d.origin <> 'computed' OR d.public)
                  ORDER BY d.created_at DESC, d.id DESC) AS newest_first
        ) AS candidates ORDER BY theme, region, given"""  # noqa: S608
)


@dataclass(frozen=True, slots=True)
class Row:
    """A servable raster as the database has it."""

    code: str
    name_zh: str
    name_en: str
    theme: str
    region: str
    uri: str
    checksum: str
    grid: dict[str, Any]
    unit: str | None
    native_resolution_m: float | None
    public: bool
    stand_in: bool
    computed: bool
    job: str | None
    sources: tuple[Source, ...]

    @property
    def style(self) -> Style:
        """How its theme is drawn."""
        return style_of(self.theme, self.unit)

    @property
    def layer_name(self) -> str:
        """The name under which the layer is listed."""
        return f"{self.theme}.{self.region}" if self.computed else f"{GIVEN}{self.code}"


async def find_dataset(session: AsyncSession, layer: str) -> Row | None:
    """The raster a layer's name stands for; None when there is none."""
    if layer.startswith(GIVEN):
        result = await session.execute(_BY_CODE, {"code": layer.removeprefix(GIVEN)})
    elif found := _JOB.match(layer):
        job = {"job": uuid.UUID(found["job"]), "theme": found["theme"]}
        result = await session.execute(_BY_JOB, job)
    else:
        themes, regions = _readings(layer)
        result = await session.execute(_NEWEST, {"themes": themes, "regions": regions})
    row = result.mappings().first()
    return None if row is None else _row(row)


async def list_datasets(session: AsyncSession) -> list[Row]:
    """The newest public result of each theme and region, and every raster that was given."""
    result = await session.execute(_LISTED)
    return [_row(row) for row in result.mappings()]


def _readings(layer: str) -> tuple[list[str], list[str]]:
    """Every way to read `a.b.c` as a theme and a region: both may contain dots."""
    parts = layer.split(".")
    cuts = range(1, min(len(parts), 12))
    return [".".join(parts[:n]) for n in cuts], [".".join(parts[n:]) for n in cuts]


def _row(row: Mapping[Any, Any]) -> Row:
    computed = row["origin"] == "computed"
    sources = tuple(Source.of(entry) for entry in row["inputs"]) if computed else (Source.of(row),)
    return Row(
        code=row["code"],
        name_zh=row["name_zh"],
        name_en=row["name_en"],
        theme=row["theme"],
        region=row["region"],
        uri=row["uri"],
        checksum=row["checksum"],
        grid=row["grid"],
        unit=row["unit"],
        native_resolution_m=row["native_resolution_m"],
        public=row["public"],
        stand_in=row["stand_in"],
        computed=computed,
        job=None if row["job_id"] is None else str(row["job_id"]),
        sources=sources,
    )
