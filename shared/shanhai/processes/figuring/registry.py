"""The computations by their identifier."""

from collections.abc import Callable, Mapping

from shanhai.jobs.indicator_computations import ComputationId
from shanhai.processes.figuring import air, land, lines, sea, water
from shanhai.processes.figuring.figures import Asked, Found

FUNCTIONS: Mapping[ComputationId, Callable[[Asked], Found]] = {
    "surface_water_good": water.good_sections,
    "surface_water_inferior": water.inferior_sections,
    "nearshore_good": sea.good_sea,
    "good_air_days": air.good_air_days,
    "forest_cover": land.forest_cover,
    "water_area": land.water_area,
    "park_reach": land.park_reach,
    "red_line_area": lines.area_of_kind,
    "basic_farmland_area": lines.area_of_kind,
    "cultivated_land_area": lines.area_of_kind,
    "urban_boundary_area": lines.area_of_kind,
    "protected_share": lines.protected_share,
    "wetland_protection": lines.wetland_protection,
    "soil_conservation": lines.soil_conservation,
    "natural_shoreline": lines.natural_shoreline,
}
