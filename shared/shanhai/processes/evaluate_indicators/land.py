"""Shares and areas from land cover."""

from typing import Any

from shanhai.processes.evaluate_indicators.cover import LAND_COVER, TRAVEL_TIME
from shanhai.processes.evaluate_indicators.values import Asked, Figure, Found, Missing
from shanhai.science.landcover import LandCover
from shanhai.vocabulary import Label

WALK_MINUTES = 5.0


def forest_cover(asked: Asked) -> Found:
    """Share of forest and mangrove in the land of the region."""
    lacking = _lacking(asked, LAND_COVER)
    if lacking is not None:
        return lacking
    counts = asked.material.covers.classes(asked.year)
    land = int(counts[1:].sum())
    if not land:
        return _nothing_known(asked)
    wooded = int(counts[LandCover.FOREST] + counts[LandCover.MANGROVE])
    return Figure(
        100.0 * wooded / land,
        Label(
            "遥感土地覆盖口径：不含灌木林地，与森林资源调查口径不同；陆地为区域内有土地覆盖的像元",
            "by land cover: without shrubland, and not by the rules of forest inventories; land is"
            " the region's cells with land cover",
        ),
        _inputs(asked, LAND_COVER),
        details={"forest_cells": wooded, "land_cells": land},
    )


def water_area(asked: Asked) -> Found:
    """Area of water in the region."""
    lacking = _lacking(asked, LAND_COVER)
    if lacking is not None:
        return lacking
    counts = asked.material.covers.classes(asked.year)
    if not int(counts[1:].sum()):
        return _nothing_known(asked)
    cells = int(counts[LandCover.WATER])
    return Figure(
        cells * asked.material.covers.area.grid.cell_area_m2 / 1e6,
        Label(
            "遥感土地覆盖口径，只含土地覆盖中的水体，与水域空间调查口径不同",
            "by land cover: its class of water alone, and not by the rules of surveys of water",
        ),
        _inputs(asked, LAND_COVER),
        details={"water_cells": cells},
    )


def park_reach(asked: Asked) -> Found:
    """Share of built-up land within a walk of five minutes of a park."""
    lacking = _lacking(asked, TRAVEL_TIME) or _lacking(asked, LAND_COVER)
    if lacking is not None:
        return lacking
    near, known = asked.material.covers.built_up_within(asked.year, WALK_MINUTES)
    if not known:
        return _nothing_known(asked)
    return Figure(
        100.0 * near / known,
        Label(
            "建设用地面积口径，步行时间取指明的数据集",
            "by built-up area, with the times on foot of the dataset named",
        ),
        {**_inputs(asked, TRAVEL_TIME), **_inputs(asked, LAND_COVER)},
        details={"near_cells": near, "built_up_cells": known, "minutes": WALK_MINUTES},
    )


def _inputs(asked: Asked, theme: str) -> dict[str, Any]:
    grid = asked.material.covers.area.grid
    return {
        theme: asked.material.covers.code(theme, asked.year),
        "crs": f"EPSG:{grid.epsg}",
        "cell_m": grid.cell_m,
    }


def _lacking(asked: Asked, theme: str) -> Missing | None:
    if asked.material.covers.has(theme, asked.year):
        return None
    if theme == TRAVEL_TIME:
        return Missing(
            Label(
                f"须在 datasets.travel_time 中指明 {asked.year} 年步行至公园时间的数据集",
                f"name the dataset of minutes on foot to a park of {asked.year} under"
                " `datasets.travel_time`",
            )
        )
    return Missing(
        Label(
            f"没有观测期包含 {asked.year} 年的土地覆盖数据集",
            f"the region has no dataset of land cover observed in {asked.year}",
        )
    )


def _nothing_known(asked: Asked) -> Missing:
    return Missing(
        Label(
            f"{asked.year} 年栅格在区域内没有有效像元",
            f"the raster of {asked.year} has no value in the region",
        )
    )
