"""The checks an imported raster must pass, each with a refusal that names field, value and rule."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from shapely import box
from shapely.geometry.base import BaseGeometry

from shanhai.errors import InvalidInput
from shanhai.raster import crs, inspect
from shanhai.raster.cells import cells_of_frame
from shanhai.raster.clean import CleaningReport, EdgeWater, FillCode, explained, unexplained
from shanhai.raster.themes import ThemeRule
from shanhai.science.flags import ResultFlag
from shanhai.vocabulary import Label

USUAL_SCALES = (0.1, 0.01, 0.001, 0.0001)
"""What products multiply by that keep fractions as whole numbers."""
MOST_OUT_OF_RANGE = 0.2
"""Part of the values that may be impossible; more means a wrong unit, not a few bad cells."""

LEAST_EDGE_WATER_KM2 = 1.0
"""Less open water than this at the edge changes no zoning."""

_OUTLINE_CELLS = 1_500
_COARSEST_OUTLINE_M = 400.0


def check_bands(facts: inspect.RasterFacts, rule: ThemeRule) -> None:
    """Refuse a number of bands the theme does not have."""
    if facts.bands in rule.ranges:
        return
    wanted = " or ".join(bands for bands, _ in rule.runs)
    note, note_zh = "", ""
    if rule.theme == "soil":
        note = " (sand, silt, clay and organic carbon, each in %)"
        note_zh = "（砂、粉砂、黏粒、有机碳，单位均为 %）"
    raise inspect.refuse(
        f"{rule.theme} has {facts.bands} bands; it must have {wanted}{note}",
        f"{rule.label.zh}有 {facts.bands} 个波段，须为 {wanted.replace('or', '或')} 个{note_zh}",
    )


def check_overlap(facts: inspect.RasterFacts, region: BaseGeometry) -> None:
    """Refuse a raster that misses the region (longitude, latitude) altogether."""
    extent = inspect.lon_lat_bounds(facts)
    if box(*extent).intersects(region):
        return
    shown = ", ".join(f"{degree:.3f}" for degree in extent)
    wanted = ", ".join(f"{degree:.3f}" for degree in region.bounds)
    swapped = box(extent[1], extent[0], extent[3], extent[2]).intersects(region)
    hint = "; longitude and latitude look swapped" if swapped else ""
    hint_zh = "；经纬度疑似颠倒" if swapped else ""
    raise inspect.refuse(
        f"the raster covers {shown} (west, south, east, north), outside the region's "
        f"{wanted}{hint}",
        f"栅格范围 {shown}（西、南、东、北）不在区域范围 {wanted} 内{hint_zh}",
    )


def check_codes(
    codes: tuple[FillCode, ...], report: CleaningReport, rule: ThemeRule
) -> list[ResultFlag]:
    """Refuse a raster with codes nobody can say the value of; tell what became of the others."""
    unknown = unexplained(codes, report.codes)
    if unknown is not None:
        found = report.codes
        asked = [code.raw for code in codes if code.value is None and code.raw in found]
        example = f"{max(asked, key=found.__getitem__):.0f}"
        raise InvalidInput(
            f"{rule.theme} holds codes that stand for no value: {unknown.en}; say what each is in "
            f"{rule.unit} or that it is unknown, for example codes.{example}=0 or "
            f"codes.{example}=nodata",
            message_zh=f"{rule.label.zh}含有不代表数值的代码：{unknown.zh}；请说明各代码对应的值"
            f"（{rule.unit}）或无数据，例如 codes.{example}=0 或 codes.{example}=nodata",
            pointer="/inputs/codes",
        )
    told = explained(codes, report.codes, rule.unit)
    if told is None:
        return []
    text = Label(f"{rule.label.zh}：{told.zh}", f"{rule.theme}: {told.en}")
    return [ResultFlag("fill_codes", text)]


def check_edge_water(water: EdgeWater, facts: inspect.RasterFacts, region: BaseGeometry) -> None:
    """Refuse land cover whose water may be the sea, which is no land, unless somebody says so."""
    area = water.area_km2(facts, region)
    if area < LEAST_EDGE_WATER_KM2:
        return
    raise InvalidInput(
        f"land_cover has {area:.1f} km² of open water in the region that joins the raster's edge "
        "and may be the sea, which is no land; say edge_water=sea, or edge_water=inland where it "
        "is a river or lake",
        message_zh=f"土地覆盖在区域内有 {area:.1f} km² 开阔水面与栅格边缘相连，可能是海域，"
        "而海域不是陆地；请说明 edge_water=sea（海域）或 edge_water=inland（河流、湖泊）",
        pointer="/inputs/edge_water",
    )


def check_report(
    report: CleaningReport, facts: inspect.RasterFacts, rule: ThemeRule
) -> list[ResultFlag]:
    """Refuse a raster without values or in a wrong unit; warn of a few impossible ones."""
    low, high = rule.ranges[facts.bands]
    if report.cells == report.nodata_cells:
        raise inspect.refuse(
            "every cell is nodata; there is nothing to import", "全部像元均为无数据"
        )
    if report.out_of_range_share > MOST_OUT_OF_RANGE:
        share = 100 * report.out_of_range_share
        hint = _fitting_scale(report, low, high)
        raise inspect.refuse(
            f"{share:.0f} % of the values lie outside {low:g}…{high:g} {rule.unit} "
            f"(found {report.lowest:g}…{report.highest:g}); "
            f"wrong unit, scale or nodata?{hint.en}",
            f"{share:.0f} % 的值超出 {low:g}…{high:g} {rule.unit}"
            f"（实际 {report.lowest:g}…{report.highest:g}）；"
            f"单位、比例系数或无数据值有误？{hint.zh}",
            "/inputs/scale",
        )
    told = {}
    if report.out_of_range_cells:
        told["out_of_range"] = Label(
            f"{rule.label.zh}：{report.out_of_range_cells} 个值超出 {low:g}…{high:g} {rule.unit}，"
            "已设为无数据",
            f"{rule.theme}: {report.out_of_range_cells} values outside {low:g}…{high:g} {rule.unit}"
            " became nodata",
        )
    if report.infinite_cells:
        told["infinite"] = Label(
            f"{rule.label.zh}：{report.infinite_cells} 个无穷值，已设为无数据",
            f"{rule.theme}: {report.infinite_cells} infinite values became nodata",
        )
    return [ResultFlag(*one) for one in told.items()]


USUAL_FILL = frozenset({-9999.0, -32768.0, -99999.0})


def _fitting_scale(report: CleaningReport, low: float, high: float) -> Label:
    """What the values would fit by, being stored as whole numbers of smaller parts."""
    if report.lowest in USUAL_FILL:
        return Label(
            f"{report.lowest:g} 多为填充值，请设置 nodata",
            f" {report.lowest:g} is mostly what fills: set nodata so",
        )
    fits = [
        f"{scale:g}"
        for scale in USUAL_SCALES
        if low <= report.lowest * scale and report.highest * scale <= high
    ]
    if not fits:
        return Label("", "")
    return Label(
        f"乘以 {'、'.join(fits)} 后合理，请相应设置比例系数",
        f" Times {' or '.join(fits)} they would fit: set scale so",
    )


def check_plausible(rule: ThemeRule, means: Sequence[float | None]) -> list[ResultFlag]:
    """Warnings where the mean of a band is unlikely for the theme's unit.

    Args:
        rule: The rule of the theme.
        means: Mean of each band; None where it has no value.
    """
    warnings = []
    for expected in rule.plausible:
        known = [mean for mean in means[expected.bands] if mean is not None]
        value = float(np.sum(known) if expected.by_year else np.mean(known)) if known else None
        if value is not None and not expected.low <= value <= expected.high:
            mean = f"{value:g}"
            text = Label(
                f"{rule.label.zh}：均值 {mean} 对单位 {rule.unit} 而言异常；{expected.hint.zh}",
                f"{rule.theme}: mean {mean} is unusual for {rule.unit}; {expected.hint.en}",
            )
            warnings.append(ResultFlag("unusual_mean", text))
    return warnings


def check_datum(
    path: Path, facts: inspect.RasterFacts, tags: Mapping[str, str], region: BaseGeometry
) -> None:
    """Refuse a raster whose outline or tags say GCJ-02.

    Args:
        path: The cleaned raster, whose nodata is declared.
        facts: Its frame.
        tags: Metadata of the file it was made from.
        region: Boundary of the region, longitude and latitude.

    Raises:
        InvalidInput: it is suspected; `accept_datum` lets it pass.
    """
    match = match_outline(path, facts, region)
    named = crs.names_gcj02([facts.crs or "", *tags.values(), *tags])
    if not named and (match is None or not match.suspicious):
        return
    found = (
        "its tags name GCJ-02"
        if match is None or not match.suspicious
        else f"its outline covers the region by {match.in_place:.3f} in place and by "
        f"{match.shifted:.3f} when the region is shifted to GCJ-02"
    )
    raise InvalidInput(
        f"the raster seems to be in the GCJ-02 datum (some 500 m off): {found}; "
        "convert it to WGS 84 or CGCS2000, or set accept_datum",
        message_zh="栅格疑为 GCJ-02（火星坐标，偏移约 500 米）；请转换为 WGS 84 或 CGCS2000，"
        "或设置 accept_datum",
        pointer="/inputs/accept_datum",
    )


def match_outline(
    path: Path, facts: inspect.RasterFacts, region: BaseGeometry
) -> crs.OutlineMatch | None:
    """Compare the valid cells with the region, in place and shifted.

    None where nothing can be learnt: cells too coarse to show the shift, or an outline that is a
    box, as of every raster that was not cut by a boundary.
    """
    step = max(1, -(-max(facts.width, facts.height) // _OUTLINE_CELLS))
    if inspect.resolution_m(facts) * step > _COARSEST_OUTLINE_M:
        return None
    valid, transform = _thinned_mask(path, facts, step)
    if valid.all():
        return None
    masks = [
        cells_of_frame(
            crs.reproject_geometry(shape, "EPSG:4326", facts.crs or ""), valid.shape, transform
        )
        for shape in (region, crs.as_gcj02(region))
    ]
    # Cells off the region (a city cut from a province) say nothing about its boundary.
    near = cells_of_frame(
        crs.reproject_geometry(region.buffer(0.02), "EPSG:4326", facts.crs or ""),
        valid.shape,
        transform,
    )
    shown = valid & near
    return crs.OutlineMatch(*(crs.overlap_share(shown, mask) for mask in masks))


def _thinned_mask(
    path: Path, facts: inspect.RasterFacts, step: int
) -> tuple[np.ndarray[tuple[int, int], np.dtype[np.bool_]], tuple[float, ...]]:
    """Validity of the centre cell of every `step` × `step` block of the first band."""
    a, b, west, d, e, north = facts.transform
    rows = range(step // 2, facts.height, step)
    mask = np.zeros((len(rows), len(range(step // 2, facts.width, step))), dtype=bool)
    with inspect.open_geotiff(path) as file:
        for place, row in enumerate(rows):
            line = file.read_masks(1, window=((row, row + 1), (0, facts.width)))[0]
            mask[place] = line[step // 2 :: step] > 0
    return mask, (a * step, b, west, d, e * step, north)
