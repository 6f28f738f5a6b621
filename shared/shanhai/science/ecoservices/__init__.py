"""The seven ecosystem services of the method, in the order of the plan."""

from shanhai.science.ecoservices import (
    biodiversity,
    carbon_sink,
    cooling,
    recreation,
    soil_retention,
    stormwater_regulation,
    water_conservation,
)
from shanhai.science.ecoservices.spec import EcoserviceSpec

ECOSERVICES: tuple[EcoserviceSpec, ...] = (
    water_conservation.SPEC,
    soil_retention.SPEC,
    cooling.SPEC,
    carbon_sink.SPEC,
    stormwater_regulation.SPEC,
    biodiversity.SPEC,
    recreation.SPEC,
)
"""A new service is one module and one line here."""
