"""One theme of an open catalogue for a box: search, read windows, combine, write."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from itertools import groupby
from pathlib import Path

import httpx
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from shapely import MultiPolygon
from shapely.geometry.base import BaseGeometry

from shanhai.data.download import Reporter, trusted_certificates
from shanhai.data.regions import Box, file_sha256
from shanhai.data.stac import Asset, Catalogues, ThemeSource, find_assets, sign
from shanhai.data.themes import COAST_SPACING_M, ODBL
from shanhai.data.vector_layers import ocean_within
from shanhai.errors import InvalidInput, NotFound
from shanhai.processes.kit.dataset_description import DatasetDescription, write_description
from shanhai.raster import clean
from shanhai.raster.cells import cells_of_frame
from shanhai.raster.crs import reproject_geometry
from shanhai.raster.geotiff import CLASS_NODATA, FLOAT_NODATA, write_geotiff
from shanhai.raster.remote import METRES_PER_DEGREE, Mosaic, read_mosaic
from shanhai.vocabulary import Label

FindOcean = Callable[[Box, Reporter], MultiPolygon]

_TIMEOUT_S = 60.0


def fetch_theme(
    theme: str,
    region: str,
    box: Box,
    out: Path,
    *,
    catalogues: Catalogues,
    reporter: Reporter,
    find_ocean: FindOcean = ocean_within,
) -> DatasetDescription:
    """Write `<theme>.tif` and `<theme>.json` of the box into `out`.

    Args:
        theme: Name of the theme in the configuration.
        region: Code of the region the files are for.
        box: West, south, east, north, WGS 84 degrees.
        out: Folder, made where missing.
        catalogues: Where to look.
        reporter: Told of progress.
        find_ocean: Gives the ocean in a box, for land cover whose water includes the sea.

    Raises:
        InvalidInput: the theme is not configured, what it gives does not fit together, or it holds
            codes nobody has said the meaning of.
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
    found: dict[float, int] = {}
    codes = clean.codes_of(theme, source.codes)
    mosaic = combine_assets(signed, source, box, codes, found)
    _refuse_unexplained(theme, codes, found)
    if source.water is not None:
        _take_sea_out(mosaic, source.water, find_ocean(box, reporter))
    path = out / f"{theme}.tif"
    _write(path, mosaic, source)
    told = clean.explained(codes, found, source.unit or "1")
    description = _describe(theme, region, source, mosaic, assets, path, told)
    write_description(description, out)
    return description


def combine_assets(
    assets: Sequence[Asset],
    source: ThemeSource,
    box: Box,
    codes: tuple[clean.FillCode, ...] = (),
    found: dict[float, int] | None = None,
) -> Mosaic:
    """The values of the theme: one mosaic, or the mean or maximum of one mosaic per time.

    Args:
        assets: The files to read.
        source: How they are read.
        box: West, south, east, north, WGS 84 degrees.
        codes: Numbers that stand for something else than a value.
        found: Cells by code, added to.
    """
    counted = {} if found is None else found
    kept = {code.raw for code in codes if code.means_value}

    def read(group: Iterable[Asset]) -> Mosaic:
        urls = [asset.url for asset in group]
        raw = read_mosaic(urls, box, nodata=source.nodata, kept=kept)
        return _scaled(raw, source, codes, counted)

    if source.combine == "first":
        return read(assets)
    layers = [read(group) for _, group in groupby(assets, key=lambda asset: asset.moment)]
    first = layers[0]
    if any(layer.transform != first.transform or layer.crs != first.crs for layer in layers):
        raise InvalidInput(f"the dates of {source.collection} do not lie on one grid")
    values = _reduced([layer.values for layer in layers], source)
    return Mosaic(values, first.transform, first.crs, first.resolution_m)


def _scaled(
    mosaic: Mosaic, source: ThemeSource, codes: tuple[clean.FillCode, ...], found: dict[float, int]
) -> Mosaic:
    raw = mosaic.values
    values = raw * np.float32(source.scale) + np.float32(source.offset)
    if source.valid_min is not None:
        values[raw < source.valid_min] = np.nan
    if source.valid_max is not None:
        values[raw > source.valid_max] = np.nan
    meant = clean.give_meaning(raw, values, codes, found)
    return Mosaic(meant, mosaic.transform, mosaic.crs, mosaic.resolution_m)


def _refuse_unexplained(
    theme: str, codes: tuple[clean.FillCode, ...], found: Mapping[float, int]
) -> None:
    unknown = clean.unexplained(codes, found)
    if unknown is None:
        return
    raise InvalidInput(
        f"{theme} holds codes that stand for no value: {unknown.en}; say in `codes` of the "
        "catalogue what each is, or `nodata`",
        message_zh=f"{theme} 含有不代表数值的代码：{unknown.zh}；请在目录配置的 codes 中"
        "说明其含义，或写 nodata",
        pointer="/codes",
    )


def _take_sea_out(mosaic: Mosaic, water: int, ocean: MultiPolygon) -> None:
    """Make nodata, as which a class raster has the sea, of water in the ocean or joined to it.

    The coastline is simplified: water within its error that joins the ocean is the sea as well.
    """
    if ocean.is_empty:
        return
    frame = (mosaic.values.shape, mosaic.transform)
    wet = mosaic.values == water

    def within(shape: BaseGeometry) -> NDArray[np.bool_]:
        return cells_of_frame(reproject_geometry(shape, "EPSG:4326", mosaic.crs), *frame)

    sea = wet & within(ocean)
    near = wet & within(ocean.buffer(COAST_SPACING_M / METRES_PER_DEGREE))
    numbers, count = ndimage.label(near | sea)
    joined = np.zeros(count + 1, dtype=bool)
    joined[np.unique(numbers[sea])] = True
    joined[0] = False
    mosaic.values[joined[numbers]] = np.nan


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
    told: Label | None,
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
        licence=source.licence if source.water is None else f"{source.licence}; coast: {ODBL}",
        processing=(
            f"windows of {len(assets)} items, {source.combine}, raw × {source.scale:g} "
            f"+ {source.offset:g}"
            + ("" if told is None else f"; codes: {told.en}")
            + ("" if source.water is None else "; water of the OpenStreetMap ocean is the sea, 0")
        ),
        edge_water=None if source.water is None else "inland",
        class_scheme=source.class_scheme,
        observed_from=days[0] if days else None,
        observed_to=days[-1] if days else None,
        sha256=file_sha256(path),
    )
