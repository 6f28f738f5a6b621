import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shanhai.science.ecoservices.assembly import AssessmentRequest, assemble
from shanhai.science.ecoservices.catalogue import ECOSERVICES
from shanhai.science.ecoservices.choice import MethodChoice, ParameterChanges
from shanhai.science.ecoservices.graph import AreaFigure, LayerGraph
from shanhai.science.ecoservices.inputs import LEAVES
from shanhai.science.landcover import LandCover
from shanhai.science.matching import weight_shares
from shanhai.science.uncertainty.draws import Draw, draw_parameters
from shanhai.science.uncertainty.variation import VARIED, Scaled, alone, is_affected, vary

TOTALS = {
    "carbon_sink": {"emissions_total": 1000.0},
    "water_conservation": {"industrial_use": 0.0},
    "stormwater_regulation": {"storm_mm": 80.0},
}


def graph_of(profile: str) -> LayerGraph:
    choices = {
        service: MethodChoice(changes=ParameterChanges(parameters=numbers))
        for service, numbers in TOTALS.items()
    }
    request = AssessmentRequest(
        profile="biophysical" if profile == "biophysical" else "index",
        weights=weight_shares(None),
        choices=choices if profile == "biophysical" else {},
    )
    return assemble(ECOSERVICES, request, LEAVES.keys()).graph


@pytest.fixture(scope="module")
def biophysical() -> LayerGraph:
    return graph_of("biophysical")


def test_a_factor_multiplies_every_row_and_stays_in_range(biophysical: LayerGraph) -> None:
    more = vary(biophysical, alone("runoff_coefficient", 2.0))
    rows = more.graph.nodes["supply.water_conservation"].constants["runoff_coefficient"]
    assert rows[LandCover.CROPLAND] == pytest.approx(0.6)
    # Twice 0.65 would be more than all the rain.
    assert rows[LandCover.BUILT_UP] == 1.0
    assert more.changed == {"supply.water_conservation"}
    assert more.applied == ("runoff_coefficient",)


def test_rows_have_factors_of_their_own(biophysical: LayerGraph) -> None:
    factors = dict.fromkeys(LandCover, 1.0) | {LandCover.FOREST: 0.5}
    varied = vary(biophysical, Draw(row_factors={"shade": factors}))
    shade = varied.graph.nodes["cooling_capacity.cooling"].constants["shade"]
    assert shade[LandCover.FOREST] == pytest.approx(0.425)
    assert shade[LandCover.SHRUBLAND] == pytest.approx(0.30)


def test_curve_numbers_are_shifted_and_held(biophysical: LayerGraph) -> None:
    shift = dict.fromkeys(LandCover, 0.0) | {LandCover.FOREST: -10.0, LandCover.BARE: 9.0}
    varied = vary(biophysical, Draw(curve_number_shift=shift))
    numbers = varied.graph.nodes["curve_number.stormwater_regulation"].constants
    assert numbers["curve_number_a"][LandCover.FOREST] == 30.0
    assert numbers["curve_number_b"][LandCover.FOREST] == 45.0
    assert numbers["curve_number_d"][LandCover.BARE] == 99.0


def test_what_rests_on_a_change_is_affected_also_by_numbers_of_the_area(
    biophysical: LayerGraph,
) -> None:
    varied, usual = vary(biophysical, alone("uhi_max", 1.2)), biophysical.nodes["supply.cooling"]
    higher = varied.graph.nodes["supply.cooling"].constants["uhi_max"]
    assert higher == pytest.approx(1.2 * usual.constants["uhi_max"])
    affected = varied.affected
    assert affected == {"supply.cooling", "ratio.cooling", "supply_n.cooling"} | {
        "ratio",
        "supply_mean",
    }
    assert is_affected(AreaFigure("supply.cooling", "quantile", 0.995), affected)
    assert not is_affected(AreaFigure("demand.cooling", "quantile", 0.995), affected)
    assert is_affected(AreaFigure("demand.cooling", "quantile", 0.995, "supply.cooling"), affected)


def test_cover_cannot_erode_more_than_bare_soil() -> None:
    scaled = Scaled(lambda: np.array([0.2, 0.9, np.nan]), 1.5, 1.0)
    np.testing.assert_allclose(scaled(), [0.3, 1.0, np.nan])


def test_layers_are_scaled_where_they_are_made(biophysical: LayerGraph) -> None:
    varied = vary(biophysical, alone("c_factor", 1.2))
    assert varied.changed == {"c_factor.soil_retention"}
    assert "potential_erosion.soil_retention" not in varied.affected
    assert "supply.soil_retention" in varied.affected


def test_a_draw_changes_all_there_is(biophysical: LayerGraph) -> None:
    draw = next(draw_parameters(3, weight_shares(None)))
    # The default method of water conservation takes evapotranspiration from a product.
    assert set(VARIED) - set(vary(biophysical, draw).applied) == {"rooting_depth"}
    varied = vary(graph_of("index"), draw)
    assert {"light_share", "weights"} <= set(varied.applied)
    assert varied.graph.nodes["ratio"].constants["weights"] == draw.weights
    assert varied.graph.nodes["demand.carbon_sink"].constants["light_share"] == draw.light_share


def test_an_empty_draw_changes_nothing(biophysical: LayerGraph) -> None:
    varied = vary(biophysical, Draw())
    assert varied.graph == biophysical
    assert not varied.changed
    assert not varied.affected


@given(factor=st.floats(0.1, 10.0))
def test_rows_never_leave_their_range(factor: float) -> None:
    for name in ("support_practice", "shade", "rooting_depth", "crop_coefficient"):
        varied = vary(graph_of("biophysical"), alone(name, factor))
        for key in varied.changed:
            for table in varied.graph.quantities[key].tables:
                low, high = table.valid_range
                rows = varied.graph.nodes[key].constants[table.name].values()
                assert all(low <= value <= high for value in rows)
