"""What the half of a zoning that computes tells the half that publishes."""

from shanhai.processes.kit.line_kinds import LINE_KINDS
from shanhai.vocabulary import SUPPLY_DEMAND

ZONES_FILE = "zones.geojson"
STATISTICS_FILE = "statistics.json"

POPULATION = "population"
LIGHT = "night_lights_sum"
COVER = "land_cover"
COMPOSITION = f"{COVER}_percent"
"""Members of a zone that are there when their layers are, besides light."""

OVERLAPS = tuple(f"{kind}_overlap_ha" for kind in LINE_KINDS)
"""Area of a zone within the control lines the region has."""


def scheme_code(region: str) -> str:
    """Code of the supply–demand zoning of a region."""
    return f"{region}.{SUPPLY_DEMAND}"
