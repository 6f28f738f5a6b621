"""The computations by their identifier."""

from collections.abc import Callable, Mapping

from shanhai.processes.evaluate_indicators import air, control_lines, land, sea, water
from shanhai.processes.evaluate_indicators.computations import ComputationId
from shanhai.processes.evaluate_indicators.values import Asked, Found

FUNCTIONS: Mapping[ComputationId, Callable[[Asked], Found]] = {
    "surface_water_good": water.good_sections,
    "surface_water_inferior": water.inferior_sections,
    "nearshore_good": sea.good_sea,
    "good_air_days": air.good_air_days,
    "forest_cover": land.forest_cover,
    "water_area": land.water_area,
    "park_reach": land.park_reach,
    "red_line_area": control_lines.area_of_kind,
    "basic_farmland_area": control_lines.area_of_kind,
    "cultivated_land_area": control_lines.area_of_kind,
    "urban_boundary_area": control_lines.area_of_kind,
    "protected_share": control_lines.protected_share,
    "wetland_protection": control_lines.wetland_protection,
    "soil_conservation": control_lines.soil_conservation,
    "natural_shoreline": control_lines.natural_shoreline,
}
