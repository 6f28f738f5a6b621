"""The layers of a sheet as they are read: pixels, shapes, and their parts of the legend."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from matplotlib.colors import LinearSegmentedColormap, Normalize, to_rgba_array
from numpy.typing import NDArray
from shapely.geometry import shape
from shapely.geometry.base import BaseGeometry

from shanhai.cartography import ClassStyle, RampStyle, style_of, written_unit
from shanhai.processes.compose_map_sheet import contract
from shanhai.processes.compose_map_sheet.layout import Bounds, SheetLayout
from shanhai.processes.kit.outputs import credit_line
from shanhai.processes.kit.region import WINDOW_CELLS
from shanhai.raster.cells import cells_within
from shanhai.raster.crs import LON_LAT, reproject_geometry
from shanhai.raster.warp import RasterQuantity, RasterSource, align, open_source
from shanhai.reporting.legends import NO_DATA, LegendGroup, LegendRamp, LegendRow, Swatch
from shanhai.reporting.maps import RATIO_ENDS
from shanhai.science.flags import ResultFlag
from shanhai.science.grid import Grid, analysis_grid
from shanhai.vocabulary import Label

_CELLS_MM, _MOST_CELLS = 12.0, 4_000
"""Cells drawn to a millimetre (300 to the inch), and along the longer side of the map at most."""
_SHARE_CELLS = 16_000_000.0
"""Cells that shares are counted over at most; a region of more is counted in coarser ones."""
_WHOLE = 0.999
"""Part of a region from which on all of it is shown."""
Pixels = NDArray[np.uint8]
"""Rows, columns, and four colours: red, green, blue, opacity."""
_RATIOS = frozenset({"ratio", "ratio_after", "ratio_mean"})
_NO_RESULT = Label("无数据：本区域没有该成果", "No data: the region has no such result")
_NO_FEATURES = Label("无数据：图上范围内没有该类要素", "No data: there are none of these here")


@dataclass(frozen=True, slots=True)
class SheetGround:
    """What the layers are read and drawn on, in the metric system of the region.

    Attributes:
        frame: What the map shows.
        region: Outline of the region.
        shown: The part of it within the frame.
        districts: Names and outlines.
        around: Of regions beside it.
        cover: Land cover, where the region has some.
        most: Cells along the longer side of the frame.
    """

    epsg: int
    frame: Bounds
    region: BaseGeometry
    shown: BaseGeometry
    districts: Sequence[tuple[Label, BaseGeometry]]
    around: Sequence[tuple[Label, BaseGeometry]]
    cover: RasterSource | None
    most: int

    def grid_of(self, source: RasterSource) -> Grid:
        """Cells to draw a raster by: its own, or coarser ones that paper can show."""
        west, south, east, north = self.frame
        cell_m = max(source.resolution, max(east - west, north - south) / self.most)
        return analysis_grid(self.frame, self.epsg, cell_m)

    @property
    def whole(self) -> bool:
        """Whether all of the region is shown."""
        return bool(self.shown.area >= _WHOLE * self.region.area)


@dataclass(frozen=True, slots=True)
class CellPicture:
    """Pixels and the box they cover."""

    pixels: Pixels
    bounds: Bounds


@dataclass(frozen=True, slots=True)
class SheetLayerRead:
    """A layer that was read: what is drawn, its part of the legend, what is told of it."""

    task: contract.SheetLayerTask
    group: LegendGroup
    told: Mapping[str, Any]
    picture: CellPicture | None = None
    shapes: Sequence[tuple[contract.SheetShape, BaseGeometry]] = ()
    warning: ResultFlag | None = None


def lay_ground(
    task: contract.ComposeMapSheetTask, sheet: contract.SheetTask, layout: SheetLayout
) -> SheetGround:
    """Region, districts, neighbours and frame in metres, and the land cover that is read."""
    system = f"EPSG:{sheet.region.epsg}"

    def placed(geometry: Mapping[str, Any]) -> BaseGeometry:
        return reproject_geometry(shape(dict(geometry)), LON_LAT, system)

    frame = layout.frame_at(sheet.bounds, sheet.scale)
    region = placed(sheet.region.geometry)
    cover = None if sheet.land_cover is None else task.datasets[sheet.land_cover]
    most = min(_MOST_CELLS, round(max(layout.map_size) * _CELLS_MM))
    return SheetGround(
        epsg=sheet.region.epsg,
        frame=frame,
        region=region,
        shown=shapely.make_valid(region).intersection(shapely.box(*frame)),
        districts=[
            (Label(one.name_zh, one.name_en), placed(one.geometry))
            for one in sheet.region.districts
        ],
        around=[(Label(one.name_zh, one.name_en), placed(one.geometry)) for one in sheet.around],
        cover=None
        if cover is None
        else open_source(Path(task.files[cover.uri]), RasterQuantity.CATEGORICAL),
        most=most,
    )


@dataclass(slots=True)
class _Count:
    """Cells that are shown: all of them, those of land, of each class, without a value."""

    cells: int
    land: int
    unknown: int
    classes: NDArray[np.int64]


def _count(ground: SheetGround, source: RasterSource | None, *, classes: bool) -> _Count:
    """Count the land of the region that the frame shows."""
    found = _Count(0, 0, 0, np.zeros(256, dtype=np.int64))
    if not ground.shown.area:
        return found
    west, south, east, north = ground.shown.bounds
    finest = 0.0 if source is None else source.resolution
    if source is None and ground.cover is not None:
        finest = ground.cover.resolution
    cell_m = max(finest, ((east - west) * (north - south) / _SHARE_CELLS) ** 0.5)
    grid = analysis_grid((west, south, east, north), ground.epsg, cell_m)
    for window in grid.windows(WINDOW_CELLS):
        land = cells_within(ground.shown, grid, window)
        found.cells += int(np.count_nonzero(land))
        if ground.cover is not None:
            land &= align(ground.cover, grid, window)[0] != 0
        found.land += int(np.count_nonzero(land))
        if source is None:
            continue
        values = align(source, grid, window)[0][land]
        known = np.isfinite(values) & ((values > 0) | (not classes))
        found.unknown += int(np.count_nonzero(~known))
        if classes:
            found.classes += np.bincount(values[known].astype(np.int64), minlength=256)[:256]
    return found


def land_area(ground: SheetGround) -> float:
    """Land of the region within the frame, m²; all of it where nothing tells the sea."""
    area = float(ground.shown.area)
    if ground.cover is None:
        return area
    found = _count(ground, None, classes=False)
    return area * (found.land / found.cells) if found.cells else area


def _share_of(ground: SheetGround) -> Label:
    """Of what the shares of the legend are."""
    land, en = ("陆域", "land") if ground.cover is not None else ("面积", "area")
    return (
        Label(f"（占区域{land}）", f" (share of {en})")
        if ground.whole
        else Label(f"（占图内{land}）", f" (share of {en} shown)")
    )


def _titled(task: contract.SheetLayerTask, *after: Label) -> Label:
    return Label(
        task.title_zh + "".join(one.zh for one in after),
        task.title_en + "".join(one.en for one in after),
    )


def read_layer(
    task: contract.ComposeMapSheetTask,
    layer: contract.SheetLayerTask,
    ground: SheetGround,
    land: float,
) -> SheetLayerRead:
    """Read a layer; where there is nothing of it the legend says so."""
    if layer.kind == "features":
        return _read_features(layer, ground, land)
    if layer.dataset is None:
        return _missing(layer, _NO_RESULT)
    return _read_raster(task, layer, ground)


def _missing(layer: contract.SheetLayerTask, reason: Label) -> SheetLayerRead:
    """A layer of which there is nothing: the legend says so."""
    flag = ResultFlag.of(
        "missing_layer", f"{layer.title_zh}：{reason.zh}", f"{layer.title_en}: {reason.en}"
    )
    row = LegendRow(Swatch("no_data"), reason)
    return SheetLayerRead(layer, LegendGroup(_titled(layer), [row]), {"drawn": False}, warning=flag)


def _read_raster(
    task: contract.ComposeMapSheetTask, layer: contract.SheetLayerTask, ground: SheetGround
) -> SheetLayerRead:
    dataset = task.datasets[layer.dataset or ""]
    style = style_of(layer.theme or "", dataset.unit)
    classes = isinstance(style, ClassStyle)
    source = open_source(
        Path(task.files[dataset.uri]),
        RasterQuantity.CATEGORICAL if classes else RasterQuantity.INTENSIVE,
    )
    grid = ground.grid_of(source)
    values = np.full(grid.shape, np.nan, dtype=np.float32)
    for window in grid.windows(WINDOW_CELLS):
        values[window.slices] = align(source, grid, window)[0]
    count = _count(ground, source, classes=classes)
    unknown = 100 * count.unknown / count.land if count.land else 100.0
    empty = LegendRow(Swatch("no_data"), NO_DATA, _percent(unknown))
    if isinstance(style, ClassStyle):
        shares = {
            one.code: 100 * int(count.classes[one.value]) / count.land if count.land else 0.0
            for one in style.entries
        }
        there = [one for one in style.entries if shares[one.code] > 0 or len(style.entries) <= 12]
        rows = [
            LegendRow(Swatch("area", one.color), one.label, _percent(shares[one.code]))
            for one in there
        ]
        group = LegendGroup(_titled(layer, _share_of(ground)), [*rows, empty])
        told: dict[str, Any] = {
            "shares_percent": {name: round(share, 2) for name, share in shares.items()}
        }
        pixels = _painted(values, style)
    else:
        low, high = _range(style, values)
        known = values[np.isfinite(values)]
        beyond = bool(known.size) and bool(known.min() < low or known.max() > high)
        ends = RATIO_ENDS if (layer.theme or "").split(".")[0] in _RATIOS else None
        ramp = LegendRamp(style.colors, low, high, beyond, ends)
        unit = written_unit(dataset.unit or style.unit)
        named = Label(f"（{unit.zh}）" if unit.zh else "", f" ({unit.en})" if unit.en else "")
        group = LegendGroup(_titled(layer, named), [empty], ramp)
        told = {"low": low, "high": high}
        pixels = _shaded(values, style, low, high)
    flag = None
    if count.unknown == count.land:
        flag = ResultFlag.of(
            "missing_layer",
            f"{layer.title_zh}：图上范围内无数据",
            f"{layer.title_en}: no data in the frame",
        )
    return SheetLayerRead(
        layer,
        group,
        {
            "drawn": flag is None,
            "dataset": dataset.code,
            **told,
            "no_data_percent": round(unknown, 2),
        },
        picture=CellPicture(pixels, grid.bounds),
        warning=flag,
    )


def _percent(share: float) -> str:
    return "< 0.1 %" if 0 < share < 0.05 else f"{share:.1f} %"


def _range(style: RampStyle, values: NDArray[np.float32]) -> tuple[float, float]:
    """The declared range, or that of all but the outermost two per cent on either side."""
    if style.low is not None and style.high is not None:
        return style.low, style.high
    known = values[np.isfinite(values)]
    if not known.size:
        return 0.0, 1.0
    low, high = (float(one) for one in np.percentile(known, (2, 98)))
    return (low, high) if high > low else (low, low + 1.0)


def rgba(color: str) -> Pixels:
    """A colour as a pixel that hides what is below it."""
    return np.asarray(255 * to_rgba_array(color)[0]).round().astype(np.uint8)


def _painted(values: NDArray[np.float32], style: ClassStyle) -> Pixels:
    palette = np.zeros((256, 4), dtype=np.uint8)
    for entry in style.entries:
        palette[entry.value] = rgba(entry.color)
    codes = np.nan_to_num(values, nan=0.0).astype(np.uint8)
    return np.asarray(palette[codes])


def _shaded(values: NDArray[np.float32], style: RampStyle, low: float, high: float) -> Pixels:
    """Colours of a quantity, some rows at a time: the colour map holds them four times over."""
    colors = LinearSegmentedColormap.from_list("ramp", style.colors)
    norm = Normalize(low, high)
    pixels = np.empty((*values.shape, 4), dtype=np.uint8)
    for row in range(0, len(values), 256):
        part = np.ma.masked_invalid(values[row : row + 256])
        shaded = colors(norm(part), bytes=True)
        shaded[..., 3][np.ma.getmaskarray(part)] = 0
        pixels[row : row + 256] = shaded
    return pixels


def _read_features(
    layer: contract.SheetLayerTask, ground: SheetGround, land: float
) -> SheetLayerRead:
    system = f"EPSG:{ground.epsg}"
    frame = shapely.box(*ground.frame)
    placed = [
        (one, reproject_geometry(shape(one.geometry), LON_LAT, system)) for one in layer.shapes
    ]
    shapes = [(one, geometry) for one, geometry in placed if geometry.intersects(frame)]
    if not shapes:
        return _missing(
            layer,
            _NO_FEATURES
            if not layer.undrawn
            else Label(
                f"无数据：{layer.undrawn} 项均未绘制边界",
                f"No data: none of the {layer.undrawn} is drawn yet",
            ),
        )
    rows: list[LegendRow] = []
    told: dict[str, dict[str, float]] = {}
    kinds = set()
    for number, entry in enumerate(layer.entries):
        own = [shapely.make_valid(geometry) for one, geometry in shapes if one.entry == number]
        if not own:
            continue
        swatch, amount, measure = _amount(own, entry, layer, ground, land)
        kinds.add(swatch.kind)
        rows.append(LegendRow(swatch, Label(entry.label_zh, entry.label_en), amount))
        told[entry.label_en] = measure
    if layer.complete:
        told["no_data"] = _unzoned(shapes, ground, land)
        rows.append(
            LegendRow(Swatch("no_data"), NO_DATA, _percent(told["no_data"]["share_percent"]))
        )
    after = _share_of(ground) if kinds == {"area"} else Label("", "")
    note = (
        Label(
            f"另有 {layer.undrawn} 项未绘制边界，图上未示",
            f"{layer.undrawn} more are not drawn yet and not shown",
        )
        if layer.undrawn
        else None
    )
    return SheetLayerRead(
        layer,
        LegendGroup(_titled(layer, after), rows, note=note),
        {"drawn": True, "features": len(shapes), "undrawn": layer.undrawn, "amounts": told},
        shapes=shapes,
    )


def _unzoned(
    shapes: Sequence[tuple[contract.SheetShape, BaseGeometry]], ground: SheetGround, land: float
) -> dict[str, float]:
    """The share of the land that none of some areas covers, in per cent."""
    own = [shapely.make_valid(geometry) for _, geometry in shapes]
    return {"share_percent": round(max(0.0, 100 - _share(own, ground, land)), 2) if land else 0.0}


def _share(own: Sequence[BaseGeometry], ground: SheetGround, land: float) -> float:
    """The share of the land that some areas cover, in per cent; their sea counts for nothing."""
    # The buffer drops lines along which an area only touches another.
    part = shapely.union_all(own).intersection(ground.shown).buffer(0.0)
    # Where there is no sea nothing needs to be counted.
    area = part.area if land == ground.shown.area else land_area(replace(ground, shown=part))
    return 100 * area / land if land else 0.0


def _amount(
    own: Sequence[BaseGeometry],
    entry: contract.SheetEntry,
    layer: contract.SheetLayerTask,
    ground: SheetGround,
    land: float,
) -> tuple[Swatch, str, dict[str, float]]:
    """How a class of features looks, and how much of it the frame shows: area, length or number."""
    highest = max(shapely.get_dimensions(own))
    frame = shapely.box(*ground.frame)
    if highest == 2:
        share = _share(own, ground, land)
        swatch = (
            Swatch("area", entry.color, layer.filled)
            if layer.filled
            else Swatch("outline", entry.color)
        )
        return swatch, _percent(share), {"share_percent": round(share, 2)}
    if highest == 1:
        km = sum(one.intersection(frame).length for one in own) / 1e3
        return Swatch("line", entry.color), f"{km:,.1f} km", {"length_km": round(km, 3)}
    return Swatch("point", entry.color), f"{len(own)}", {"number": len(own)}


@dataclass(frozen=True, slots=True)
class SheetSources:
    """What a sheet rests on: names in both languages, credits as their licences word them."""

    names: Label
    credits: str
    stand_in: bool


def sources_of(
    task: contract.ComposeMapSheetTask,
    sheet: contract.SheetTask,
    inputs: contract.ComposeMapSheetInputs,
) -> SheetSources:
    """What the rasters and features of a sheet, and its ground, come from."""
    shown = {one.dataset for one in sheet.layers}
    used = [one for key, one in task.datasets.items() if key in shown or key == sheet.land_cover]
    of_features = [
        Label(f"平台{one.title_zh}数据", f"{one.title_en.lower()} of the platform")
        for one in sheet.layers
        if one.kind == "features" and one.shapes
    ]
    names = list(dict.fromkeys([*(Label(one.name_zh, one.name_en) for one in used), *of_features]))
    words = [one.model_dump(mode="json") for one in used]
    return SheetSources(
        Label("、".join(one.zh for one in names), ", ".join(one.en for one in names)),
        credit_line(words) if words else "",
        any(one.stand_in for one in used),
    )
