"""Areas and shares of land: from land cover, and from control areas measured on the ellipsoid."""

from collections.abc import Sequence
from typing import Any

from pyproj import Geod
from shapely import get_parts, make_valid, union_all
from shapely.geometry import Polygon, shape
from shapely.geometry.base import BaseGeometry
from shapely.geometry.polygon import orient

from shanhai.processes.evaluate_indicators import values
from shanhai.processes.evaluate_indicators.computations import BESIDE_DEG, KEEPING
from shanhai.processes.evaluate_indicators.contract import ShapeTask
from shanhai.science.grid import IntArray
from shanhai.science.landcover import LandCover
from shanhai.vocabulary import CONTROL_KINDS, Label

WALK_MINUTES = 5.0


def forest_cover(asked: values.Asked) -> values.Found:
    """Share of forest and mangrove in the land of the region."""
    lacking = _lacking(asked, values.LAND_COVER)
    if lacking is not None:
        return lacking
    counts = asked.material.covers.classes(asked.year)
    land = int(counts[1:-1].sum())
    if not land:
        return _nothing_known(asked)
    wooded = int(counts[LandCover.FOREST] + counts[LandCover.MANGROVE])
    return values.Figure(
        100.0 * wooded / land,
        Label(
            "遥感土地覆盖口径：不含灌木林地，与森林资源调查口径不同；陆地为区域内有土地覆盖的像元",
            "by land cover: without shrubland, and not by the rules of forest inventories; land is"
            " the region's cells with land cover",
        ),
        _cover_inputs(asked, values.LAND_COVER),
        details={"forest_cells": wooded, "land_cells": land, **_unknown(counts)},
    )


def water_area(asked: values.Asked) -> values.Found:
    """Area of water in the region."""
    lacking = _lacking(asked, values.LAND_COVER)
    if lacking is not None:
        return lacking
    counts = asked.material.covers.classes(asked.year)
    if not int(counts[1:-1].sum()):
        return _nothing_known(asked)
    cells = int(counts[LandCover.WATER])
    return values.Figure(
        cells * asked.material.covers.area.grid.cell_area_m2 / 1e6,
        Label(
            "遥感土地覆盖口径，只含土地覆盖中的水体，与水域空间调查口径不同",
            "by land cover: its class of water alone, and not by the rules of surveys of water",
        ),
        _cover_inputs(asked, values.LAND_COVER),
        details={"water_cells": cells, **_unknown(counts)},
    )


def _unknown(counts: IntArray) -> dict[str, float]:
    missing = int(counts[-1])
    return {"missing_cells": missing, "missing_percent": 100 * missing / int(counts[1:].sum())}


def park_reach(asked: values.Asked) -> values.Found:
    """Share of built-up land within a walk of five minutes of a park, of what has a time."""
    lacking = _lacking(asked, values.TRAVEL_TIME) or _lacking(asked, values.LAND_COVER)
    if lacking is not None:
        return lacking
    near, known = asked.material.covers.built_up_within(asked.year, WALK_MINUTES)
    if not known:
        return _nothing_known(asked)
    counts = asked.material.covers.classes(asked.year)
    built = int(counts[LandCover.BUILT_UP])
    counted = {"near_cells": near, "built_up_cells": known, "minutes": WALK_MINUTES}
    return values.Figure(
        100.0 * near / known,
        Label(
            "建设用地面积口径，步行时间取指明的数据集",
            "by built-up area, with the times on foot of the dataset named",
        ),
        {**_cover_inputs(asked, values.TRAVEL_TIME), **_cover_inputs(asked, values.LAND_COVER)},
        details={**counted, "untimed_percent": 100 * (built - known) / built, **_unknown(counts)},
    )


def _cover_inputs(asked: values.Asked, theme: str) -> dict[str, Any]:
    grid = asked.material.covers.area.grid
    return {
        theme: asked.material.covers.code(theme, asked.year),
        "crs": f"EPSG:{grid.epsg}",
        "cell_m": grid.cell_m,
    }


def _lacking(asked: values.Asked, theme: str) -> values.Missing | None:
    if asked.material.covers.has(theme, asked.year):
        return None
    if theme == values.TRAVEL_TIME:
        return values.Missing.of(
            f"须在 datasets.travel_time 中指明 {asked.year} 年步行至公园时间的数据集",
            f"name the dataset of minutes on foot to a park of {asked.year} under"
            " `datasets.travel_time`",
        )
    return values.Missing.of(
        f"没有观测期包含 {asked.year} 年的土地覆盖数据集",
        f"the region has no dataset of land cover observed in {asked.year}",
    )


def _nothing_known(asked: values.Asked) -> values.Missing:
    return values.Missing.of(
        f"{asked.year} 年栅格在区域内没有有效像元",
        f"the raster of {asked.year} has no value in the region",
    )


ELLIPSOID = Geod(ellps="GRS80")
"""That of CGCS2000, to a tenth of a millimetre."""
NATURAL = "natural"
"""Class of a stretch of shoreline that was left as it was."""
KINDS = {term.code: term.label for term in CONTROL_KINDS}
_MEASURED = Label(
    "取年末（本年取当日）现行且已发布的管控线；重叠部分只计一次",
    "of the published lines in force at the end of the year, or today in the present one; what"
    " overlaps counts once",
)


def area_of_kind(asked: values.Asked) -> values.Found:
    """Area of all control areas of the computation's kind, where each of them is drawn.

    What was approved is no measurement: a target that is the approved area would always be reached.
    """
    (kind,) = asked.computation.kinds
    shapes = _drawn(asked, kind)
    if isinstance(shapes, values.Missing):
        return shapes
    measured = _measure(asked, shapes)
    return values.Figure(
        measured or 0.0, _MEASURED, _line_inputs(shapes), details={"measured_km2": measured}
    )


def key_species_protected(asked: values.Asked) -> values.Found:
    """Share of key protected species with an occurrence in a protected area or red line, in %.

    The measure is ours: where a species is met with inside, it counts as protected. The value is
    public, so a masked place counts by its cell, which everybody reads: inside where the whole cell
    is, outside where no part of it is. Where it lies across a line, nothing is told: a value either
    way might be false, and the true one would tell where the species lives.
    """
    counted = next((one for one in asked.material.held.species if one.year == asked.year), None)
    if counted is None or not counted.known:
        return values.Missing.of(
            f"截至 {asked.year} 年末，区域内没有公众可见的重点保护物种已核实分布点",
            f"the region has no verified occurrence of a key protected species up to the end of"
            f" {asked.year} that everybody may read",
        )
    keeping = _keeping(asked)
    if isinstance(keeping, values.Missing):
        return keeping
    if counted.undecided:
        return values.Missing.of(
            f"{counted.known} 种重点保护物种中有 {counted.undecided} 种位置保密，"
            "其网格仅部分位于保护地或红线内，无法在不泄露位置的前提下计算",
            f"{counted.undecided} of {counted.known} key protected species are masked, with"
            " cells that lie in a protected area or red line in part: a value would tell where"
            " they live",
        )
    return values.Figure(
        100.0 * counted.protected / counted.known,
        Label(
            "本平台口径：保护地和红线内有分布点的物种计为受保护，异名并入接受名；"
            "位置保密的分布点以其整个网格计，隐藏的物种不计",
            "a measure of the platform's own: a species met with in a protected area or red line"
            " counts as protected, synonyms count with the accepted name, a masked place counts as"
            " its whole cell, and hidden species do not count",
        ),
        {"occurrences_until": f"{asked.year}-12-31", **_line_inputs(keeping)},
        details={"species_known": counted.known, "species_protected": counted.protected},
    )


def protected_share(asked: values.Asked) -> values.Found:
    """Share of protected natural areas in the region."""
    area = area_of_kind(asked)
    if isinstance(area, values.Missing):
        return area
    whole = square_km(_region(asked))
    return _share(asked, area.value, whole, area.inputs, {"area_km2": area.value})


def soil_conservation(asked: values.Asked) -> values.Found:
    """Share of the region without soil erosion."""
    eroded = area_of_kind(asked)
    if isinstance(eroded, values.Missing):
        return eroded
    whole = square_km(_region(asked))
    return _share(
        asked, whole - eroded.value, whole, eroded.inputs, {"soil_erosion_km2": eroded.value}
    )


def wetland_protection(asked: values.Asked) -> values.Found:
    """Share of wetland that lies in protected areas or within the red line."""
    wetland = _drawn(asked, "wetland")
    if isinstance(wetland, values.Missing):
        return wetland
    keeping = _keeping(asked)
    if isinstance(keeping, values.Missing):
        return keeping
    land, kept = _united(wetland), _united(keeping)
    if land is None or kept is None:
        return _without_size("wetland")
    within = land.intersection(_region(asked))
    whole = square_km(within)
    if not whole:
        return _without_size("wetland")
    protected = square_km(within.intersection(kept))
    return _share(
        asked, protected, whole, _line_inputs([*wetland, *keeping]), {"protected_km2": protected}
    )


def natural_shoreline(asked: values.Asked) -> values.Found:
    """Share of natural shoreline in the length of what has a class and lies in the region."""
    shapes = _in_force(asked, "shoreline")
    if isinstance(shapes, values.Missing):
        return shapes
    lines: dict[str, list[BaseGeometry]] = {}
    for one in shapes:
        line = None if one.geometry is None else shape(one.geometry)
        if line is None or line.length == 0 or line.area > 0 or one.class_code is None:
            continue
        lines.setdefault(one.class_code, []).append(line)
    within = _region(asked).buffer(BESIDE_DEG)
    lengths = {
        name: float(ELLIPSOID.geometry_length(union_all(drawn).intersection(within))) / 1000
        for name, drawn in lines.items()
    }
    whole = sum(lengths.values())
    if not whole:
        return values.Missing.of(
            "区域内没有带线状图形和分类的岸线",
            "no shoreline with a line as its shape and with a class is in force in the region",
        )
    natural = lengths.get(NATURAL, 0.0)
    return values.Figure(
        100.0 * natural / whole,
        Label(
            f"{_MEASURED.zh}；计区域内及其边界外约 10 m 以内的岸线",
            f"{_MEASURED.en}; within the region and about 10 m beyond its border",
        ),
        _line_inputs(shapes),
        details={"length_km": {name: round(km, 6) for name, km in sorted(lengths.items())}},
    )


def square_km(geometry: BaseGeometry) -> float:
    """Area of the polygons of a geometry in longitude and latitude, km²."""
    parts = [part for part in get_parts(geometry) if isinstance(part, Polygon)]
    return sum(ELLIPSOID.geometry_area_perimeter(orient(part))[0] for part in parts) / 1e6


def _in_force(asked: values.Asked, kind: str) -> Sequence[ShapeTask] | values.Missing:
    held, label = asked.material.held, KINDS[kind]
    if kind in held.lines_left_out:
        return _too_many_vertices(kind)
    found = [one for one in held.shapes if one.kind == kind and asked.year in one.years]
    if not found:
        return values.Missing.of(
            f"{asked.year} 年末没有现行且已发布的管控线：{label.zh}",
            f"no published control area of kind `{kind}` ({label.en}) was in force at the end"
            f" of {asked.year}",
        )
    return found


def _drawn(asked: values.Asked, kind: str) -> Sequence[ShapeTask] | values.Missing:
    """The lines of a kind in force, where each of them is drawn."""
    shapes = _in_force(asked, kind)
    if isinstance(shapes, values.Missing):
        return shapes
    undrawn = [one for one in shapes if one.geometry is None]
    return _undrawn(kind, undrawn) if undrawn else shapes


def _keeping(asked: values.Asked) -> Sequence[ShapeTask] | values.Missing:
    """The protected areas and red lines in force, where each of them is drawn.

    There may be none of one kind. Beside a line that is not drawn, a share would be too small.
    """
    held = asked.material.held
    there = {one.kind for one in held.shapes if asked.year in one.years} | {*held.lines_left_out}
    found: list[ShapeTask] = []
    for kind in KEEPING:
        if kind in there:
            shapes = _drawn(asked, kind)
            if isinstance(shapes, values.Missing):
                return shapes
            found += shapes
    if not found:
        return values.Missing.of(
            "没有现行的自然保护地或生态保护红线", "no protected area or red line is in force"
        )
    return found


def _region(asked: values.Asked) -> BaseGeometry:
    region = asked.material.task.region
    if region is None:
        raise LookupError("the task has no region")
    return make_valid(shape(region.geometry))


def _united(shapes: Sequence[ShapeTask]) -> BaseGeometry | None:
    drawn = [make_valid(shape(one.geometry)) for one in shapes if one.geometry is not None]
    return union_all(drawn) if drawn else None


def _measure(asked: values.Asked, shapes: Sequence[ShapeTask]) -> float | None:
    united = _united(shapes)
    return None if united is None else square_km(united.intersection(_region(asked)))


def _too_many_vertices(kind: str) -> values.Missing:
    label = KINDS[kind]
    return values.Missing.of(
        f"{label.zh}顶点过多，请先化简",
        f"{label.en}: the lines have too many vertices; simplify them",
    )


def _undrawn(kind: str, shapes: Sequence[ShapeTask]) -> values.Missing:
    """Which lines have no shape, with what was approved of them: it is told, not counted."""
    label = KINDS[kind]
    return values.Missing.of(
        f"{label.zh}尚未绘制图形：{'、'.join(_with_approved(one) for one in shapes)}；"
        "批准面积不作为计算值",
        f"{label.en}: not drawn: {', '.join(_with_approved(one) for one in shapes)};"
        " an approved area is no computed value",
    )


def _with_approved(one: ShapeTask) -> str:
    return (
        one.code if one.approved_area_km2 is None else f"{one.code} ({one.approved_area_km2} km²)"
    )


def _without_size(kind: str) -> values.Missing:
    label = KINDS[kind]
    return values.Missing.of(f"{label.zh}没有图形", f"{label.en}: no shape is known")


def _share(
    asked: values.Asked, part: float, whole: float, inputs: Any, details: dict[str, Any]
) -> values.Found:
    return values.Figure(
        100.0 * part / whole,
        Label(
            f"{_MEASURED.zh}；分母为区域或对象的椭球面积",
            f"{_MEASURED.en}; areas are those on the ellipsoid",
        ),
        inputs,
        details={**details, "whole_km2": whole},
    )


def _line_inputs(shapes: Sequence[ShapeTask]) -> dict[str, Any]:
    return {
        "control_areas": [
            {
                "kind": one.kind,
                "code": one.code,
                "version": one.version,
                "class": one.class_code,
                "sha256": one.checksum,
            }
            for one in shapes
        ]
    }
