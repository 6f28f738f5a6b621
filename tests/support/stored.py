"""A watershed as the platform keeps it: a region, its districts, its rasters in the store."""

from collections.abc import Collection

import rasterio
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.cartography import theme_titles
from shanhai.data.synthetic_watershed import CODE, EPSG, Watershed
from shanhai.db.tables.zone import Region
from shanhai.processes.kit.publication import as_multipolygon
from shanhai.storage.artifacts import LocalArtifacts
from tests.support.job_rows import add_dataset


async def store_watershed(
    session: AsyncSession,
    artifacts: LocalArtifacts,
    watershed: Watershed,
    *,
    closed: Collection[str] = (),
) -> Region:
    """Add the region with its districts and one dataset a theme; those of `closed` not public."""
    whole = Region(
        code=CODE,
        name_zh=watershed.region.name_zh,
        name_en=watershed.region.name_en,
        level="basin",
        metric_srid=EPSG,
        geom=as_multipolygon(watershed.region.geometry),
    )
    session.add(whole)
    await session.flush()
    for one in watershed.region.districts:
        session.add(
            Region(
                code=one.code,
                name_zh=one.name_zh,
                name_en=one.name_en,
                level="district",
                parent_id=whole.id,
                metric_srid=EPSG,
                geom=as_multipolygon(one.geometry),
            )
        )
    titles = theme_titles()
    for theme, path in watershed.rasters.items():
        kept = artifacts.put(path, suffix=".tif")
        with rasterio.open(path) as file:
            grid = {
                "epsg": EPSG,
                "bands": file.count,
                "width": file.width,
                "height": file.height,
                "transform": list(file.transform)[:6],
            }
        await add_dataset(
            session,
            whole,
            theme,
            f"{CODE}.{theme}",
            uri=kept.uri,
            checksum=kept.sha256,
            bytes=kept.bytes,
            grid=grid,
            name_zh=titles[theme].zh,
            name_en=titles[theme].en,
            visibility="region" if theme in closed else "public",
        )
    return whole
