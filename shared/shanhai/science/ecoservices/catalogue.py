"""The seven ecosystem services of the method, in the order of the plan.

Apart from the package, because whoever wants one of its declarations must not load every method.
"""

from shanhai.science.ecoservices import (
    biodiversity,
    carbon_sink,
    cooling,
    recreation,
    soil_retention,
    stormwater_regulation,
    water_conservation,
)
from shanhai.science.ecoservices.method import Ecoservice

ECOSERVICES: tuple[Ecoservice, ...] = (
    Ecoservice("water_conservation", water_conservation.METHODS),
    Ecoservice("soil_retention", soil_retention.METHODS),
    Ecoservice("cooling", cooling.METHODS),
    Ecoservice("carbon_sink", carbon_sink.METHODS),
    Ecoservice("stormwater_regulation", stormwater_regulation.METHODS),
    Ecoservice("biodiversity", biodiversity.METHODS),
    Ecoservice("recreation", recreation.METHODS),
)
"""A new service is one module and one line here."""
