"""One theme of an open catalogue for a box: search, read windows, combine, write."""

from collections.abc import Sequence
from datetime import date
from itertools import groupby
from pathlib import Path

import httpx
import numpy as np
from numpy.typing import NDArray

from shanhai.data.boxes import Box
from shanhai.data.catalogues import Catalogues, ThemeSource
from shanhai.data.description import DatasetDescription, write_description
from shanhai.data.download import trusted_certificates
from shanhai.data.packages import file_sha256
from shanhai.data.progress import Reporter
from shanhai.data.stac import Asset, find_assets, sign
from shanhai.errors import InvalidInput, NotFound
from shanhai.raster.geotiff import CLASS_NODATA, FLOAT_NODATA, write_geotiff
from shanhai.raster.remote import Mosaic, read_mosaic

_TIMEOUT_S = 60.0


def fetch_theme(
    theme: str,
    region: str,
    box: Box,
    out: Path,
    *,
    catalogues: Catalogues,
    reporter: Reporter,
) -> DatasetDescription:
    """Write `<theme>.tif` and `<theme>.json` of the box into `out`.

    Args:
        theme: Name of the theme in the configuration.
        region: Code of the region the files are for.
        box: West, south, east, north, WGS 84 degrees.
        out: Folder, made where missing.
        catalogues: Where to look.
        reporter: Told of progress.

    Raises:
        InvalidInput: the theme is not configured, or what it gives does not fit together.
        NotFound: the collection has nothing there.
        Unavailable: a service does not answer.
    """
    source = catalogues.theme(theme)
    catalogue = catalogues.catalogues[source.catalogue]
    out.mkdir(parents=True, exist_ok=True)
    with httpx.Client(timeout=_TIMEOUT_S, verify=trusted_certificates()) as client:
        assets = find_assets(client, catalogue, source, box)
        signed = sign(client, catalogue, source, assets)
    reporter.say(f"{theme}: {len(assets)} items of {source.collection}")
    mosaic = combine_assets(signed, source, box)
    path = out / f"{theme}.tif"
    _write(path, mosaic, source)
    description = _describe(theme, region, source, mosaic, assets, path)
    write_description(description, out)
    return description


def combine_assets(assets: Sequence[Asset], source: ThemeSource, box: Box) -> Mosaic:
    """The values of the theme: one mosaic, or the mean or maximum of one mosaic per time."""
    if source.combine == "first":
        return _scaled(
            read_mosaic([asset.url for asset in assets], box, nodata=source.nodata), source
        )
    layers = [
        _scaled(read_mosaic([asset.url for asset in group], box, nodata=source.nodata), source)
        for _, group in groupby(assets, key=lambda asset: asset.moment)
    ]
    first = layers[0]
    if any(layer.transform != first.transform or layer.crs != first.crs for layer in layers):
        raise InvalidInput(f"the dates of {source.collection} do not lie on one grid")
    values = _reduced([layer.values for layer in layers], source)
    return Mosaic(values, first.transform, first.crs, first.resolution_m)


def _scaled(mosaic: Mosaic, source: ThemeSource) -> Mosaic:
    raw = mosaic.values
    if source.valid_min is not None:
        raw[raw < source.valid_min] = np.nan
    if source.valid_max is not None:
        raw[raw > source.valid_max] = np.nan
    values = raw * np.float32(source.scale) + np.float32(source.offset)
    return Mosaic(values, mosaic.transform, mosaic.crs, mosaic.resolution_m)


def _reduced(layers: Sequence[NDArray[np.float32]], source: ThemeSource) -> NDArray[np.float32]:
    """Mean or maximum of the layers that have data in a cell, one layer at a time."""
    if source.combine == "max":
        return np.asarray(np.fmax.reduce(layers))
    count = np.zeros(layers[0].shape, dtype=np.int32)
    total = np.zeros(layers[0].shape, dtype=np.float64)
    for layer in layers:
        valid = ~np.isnan(layer)
        count += valid
        total[valid] += layer[valid]
    mean = np.full(total.shape, np.nan)
    np.divide(total, count, out=mean, where=count > 0)
    return mean.astype(np.float32)


def _write(path: Path, mosaic: Mosaic, source: ThemeSource) -> None:
    if np.isnan(mosaic.values).all():
        raise NotFound(f"{source.collection} holds no data inside the box")
    tags = {"source": source.source, "licence": source.licence, "stand_in": "false"}
    values: NDArray[np.float32] | NDArray[np.uint8] = mosaic.values
    if source.class_scheme is not None:
        values = np.nan_to_num(mosaic.values, nan=CLASS_NODATA).astype(np.uint8)
    write_geotiff(
        path,
        values,
        transform=mosaic.transform,
        crs=mosaic.crs,
        nodata=FLOAT_NODATA if source.class_scheme is None else CLASS_NODATA,
        tags=tags,
    )


def _describe(
    theme: str,
    region: str,
    source: ThemeSource,
    mosaic: Mosaic,
    assets: Sequence[Asset],
    path: Path,
) -> DatasetDescription:
    days = sorted(date.fromisoformat(asset.moment[:10]) for asset in assets if asset.moment)
    return DatasetDescription(
        theme=theme,
        region=region,
        code=f"{region}.{theme}.open",
        name_zh=source.name_zh,
        name_en=source.name_en,
        file=path.name,
        unit=source.unit,
        native_resolution_m=round(mosaic.resolution_m, 1),
        stand_in=False,
        source=f"{source.source}; {source.catalogue}, collection {source.collection}",
        licence=source.licence,
        processing=(
            f"windows of {len(assets)} items, {source.combine}, raw × {source.scale:g} "
            f"+ {source.offset:g}"
        ),
        class_scheme=source.class_scheme,
        observed_from=days[0] if days else None,
        observed_to=days[-1] if days else None,
        sha256=file_sha256(path),
    )
