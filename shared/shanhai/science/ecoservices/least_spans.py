"""The least span of every layer that is normalised: below it the layer counts as constant.

Normalisation stretches whatever there is to 0–1, so that a difference no instrument could measure
would weigh as much as one from desert to forest. A span (between the limits of the layer) below
what the measurement can tell is therefore none. All numbers are engineering defaults (status E).
"""

from collections.abc import Mapping
from types import MappingProxyType

from shanhai.science.normalisation import LeastSpan

_LOG_LIGHTS = "ln(1+nW/cm2/sr)"
_LOG_PEOPLE = "ln(1+persons/ha)"
_INDEX = LeastSpan(0.01, 0.0, "1", "a hundredth of the range of an index")

LEAST_SPANS: Mapping[str, LeastSpan] = MappingProxyType(
    {
        "npp": LeastSpan(
            10.0, 0.02, "gC/m2/yr", "satellite products scatter by 10–20 % about flux towers"
        ),
        "rainfall": LeastSpan(
            10.0, 0.01, "mm/yr", "a rain gauge alone errs by 5–10 % of the catch (WMO-No. 8)"
        ),
        "temperature": LeastSpan(
            0.2, 0.0, "Cel", "accuracy asked of a thermometer screen (WMO-No. 8)"
        ),
        "dem": LeastSpan(4.0, 0.0, "m", "vertical accuracy of Copernicus GLO-30, 90 % of cells"),
        "slope": LeastSpan(
            1.0, 0.0, "deg", "an error of 0.5 m between cells of 30 m in the elevation"
        ),
        "relief": LeastSpan(4.0, 0.0, "m", "as elevation"),
        "ndvi": LeastSpan(0.05, 0.0, "1", "accuracy of MOD13 of about 0.025 either way"),
        "night_lights_log": LeastSpan(
            0.1, 0.0, _LOG_LIGHTS, "a tenth of the light: airglow and the view angle of VIIRS"
        ),
        "population_log": LeastSpan(
            0.1, 0.0, _LOG_PEOPLE, "a tenth of the people: gridded counts are no closer"
        ),
        "erosivity": LeastSpan(
            50.0, 0.02, "MJ.mm/(ha.h.yr)", "what 1 % of the rain makes of it (R ~ P^1.65)"
        ),
        "erodibility": LeastSpan(
            0.001, 0.02, "t.ha.h/(ha.MJ.mm)", "below half the standard error of soil nomographs"
        ),
        "evaporation": LeastSpan(
            10.0, 0.01, "mm/yr", "formulas and satellites scatter by 10–20 % about lysimeters"
        ),
        "life_conditions": _INDEX,
        "cooling_index": _INDEX,
        "land_development": LeastSpan(
            10.0, 0.0, "1", "a built-up share of 1 % at 1000 persons/km² and 20 million CNY/km²"
        ),
    }
)
"""By the layer whose limits are taken."""

SPAN_BY_UNIT: Mapping[str, LeastSpan] = MappingProxyType(
    {
        "1": _INDEX,
        "m3/ha/yr": LeastSpan(100.0, 0.01, "m3/ha/yr", "10 mm of water, as the rain it comes of"),
        "m3/ha": LeastSpan(5.0, 0.01, "m3/ha", "0.5 mm of a storm, what a gauge can tell"),
        "t/ha/yr": LeastSpan(
            0.5, 0.02, "t/ha/yr", "a tenth of the erosion that is tolerated (SL 190-2007)"
        ),
        "tC/ha/yr": LeastSpan(0.1, 0.02, "tC/ha/yr", "10 gC/m²/yr, as the productivity it is of"),
        "Cel": LeastSpan(0.1, 0.0, "Cel", "half the accuracy asked of a thermometer screen"),
        "m2/ha": LeastSpan(10.0, 0.01, "m2/ha", "a thousandth of the land"),
    }
)
"""Of supply and demand, by their unit."""


def least_span(layer: str, unit: str) -> LeastSpan | None:
    """The least span of a layer; None of one that is not normalised.

    Args:
        layer: Key of the layer, such as `npp` or `supply.cooling`.
        unit: Its unit.
    """
    if layer.partition(".")[0] in {"supply", "demand"}:
        return SPAN_BY_UNIT[unit]
    return LEAST_SPANS.get(layer)
