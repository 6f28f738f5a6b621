import pytest
from hypothesis import given
from hypothesis import strategies as st

from shanhai.errors import InvalidInput
from shanhai.science.gep.accounting import (
    Amount,
    carbon_dioxide_t,
    evaporation_kwh,
    make_account,
    oxygen_t,
    purified_t,
    silt_m3,
    transpiration_kwh,
)
from shanhai.science.gep.catalogue import load_catalogue

GUIDELINE = load_catalogue("guideline-2020")


def computed(item: str, used: tuple[str, ...] = (), **by_place: float) -> Amount:
    return Amount(item, by_place, "computed", used=used)


def test_a_hectare_of_forest_cools_for_a_hundred_days() -> None:
    saved = transpiration_kwh(1, epp=70.4, cooling_days=100, eer=3.0)
    assert saved == pytest.approx(6518.518519, rel=1e-9)


def test_three_tonnes_of_carbon_as_dioxide_and_oxygen() -> None:
    assert carbon_dioxide_t(3) == pytest.approx(11, rel=1e-9)
    assert oxygen_t(carbon_dioxide_t(3)) == pytest.approx(8, rel=1e-9)


def test_silt_of_a_thousand_tonnes_of_soil() -> None:
    volume = silt_m3(1000, silt_share=0.24, soil_density=1.3)
    assert volume * 20 == pytest.approx(3692.307692, rel=1e-9)
    own = GUIDELINE.with_entered({"dredging_cost": 20})
    account = make_account([computed("soil_silt", a=volume)], own, price_year=2020)
    assert account.total == pytest.approx(3692.307692, rel=1e-9)
    assert account.default_share == 0


def test_a_hectare_of_water_cools_by_what_it_evaporates() -> None:
    saved = evaporation_kwh(1, evaporation_mm=100, latent_heat=2450, eer=3.0)
    assert saved == pytest.approx(1000 * 1000 * 2450 / 3600 / 3)


def test_purification_does_not_exceed_the_discharge() -> None:
    areas, rates = {"forest": 100.0, "grass": 50.0}, {"forest": 88.65, "grass": 10.0}
    able = (100 * 88.65 + 50 * 10) / 1000
    assert purified_t(areas, rates, None) == pytest.approx(able)
    assert purified_t(areas, rates, 2.5) == 2.5
    assert purified_t(areas, rates, 1e6) == pytest.approx(able)


def test_prices_are_carried_into_the_year_of_the_account_and_quantities_are_not() -> None:
    amount = computed("oxygen", a=10.0)
    old = make_account([amount], GUIDELINE, price_year=2007)
    new = make_account([amount], GUIDELINE, price_year=2010)
    assert old.total == pytest.approx(10_000)
    # Consumer prices rose by 5.9 %, fell by 0.7 % and rose by 3.2 %.
    assert new.total == pytest.approx(10_000 * 1.059 * 0.993 * 1.032)
    assert new.entries[0].quantity == old.entries[0].quantity == 10


def test_an_entered_price_is_in_the_money_of_the_account() -> None:
    own = GUIDELINE.with_entered({"oxygen_price": 800})
    for year in (2007, 2020):
        account = make_account([computed("oxygen", a=10.0)], own, price_year=year)
        assert account.total == 8000


def test_values_by_district_sum_up_to_the_account() -> None:
    amounts = [
        computed("oxygen", a=1.0, b=2.0),
        computed("water_conservation", a=5.0, c=1.0),
    ]
    account = make_account(amounts, GUIDELINE, price_year=2020)
    assert sum(map(account.place_total, "abc")) == pytest.approx(account.total)
    price = account.entries[1].price
    assert price is not None
    assert account.place_total("b") == pytest.approx(2 * price)
    assert [entry.item.id for entry in account.entries] == ["water_conservation", "oxygen"]


def test_goods_have_prices_of_their_own() -> None:
    amount = Amount(
        "provisioning",
        {"a": 12.0},
        "entered",
        prices={"rice": 2500.0, "tea": 40_000.0},
        goods={"rice": {"a": 10.0}, "tea": {"a": 2.0}},
    )
    account = make_account([amount], GUIDELINE, price_year=2020)
    assert account.total == 105_000
    assert account.default_share == 0


def test_the_share_of_defaults_counts_value_and_not_items() -> None:
    own = GUIDELINE.with_entered({"oxygen_price": 3000})
    amounts = [computed("oxygen", a=1.0), computed("air_so2", ("so2_forest",), a=1.0)]
    account = make_account(amounts, own, price_year=2018)
    # 1.2 CNY over 0.95 kg of sulphur dioxide.
    assert account.default_share == pytest.approx(1263.157895 / (3000 + 1263.157895))
    assert account.entries[0].defaults == ()
    assert (
        account.entries[1].defaults == ("so2_forest", "so2_cost")
        or account.entries[1].item.id == "oxygen"
    )


def test_nothing_is_counted_twice() -> None:
    with pytest.raises(InvalidInput, match="same benefit"):
        make_account(
            [computed("oxygen", a=1.0), computed("oxygen", b=1.0)], GUIDELINE, price_year=2020
        )


def test_an_item_of_another_standard_is_refused() -> None:
    with pytest.raises(InvalidInput, match="'oxygen' is no item of norm-2022"):
        make_account([computed("oxygen", a=1.0)], load_catalogue("norm-2022"), price_year=2020)


def test_a_missing_price_is_named() -> None:
    with pytest.raises(InvalidInput, match=r"carbon_price .* has no default") as caught:
        make_account(
            [computed("carbon_fixation", a=1.0)], load_catalogue("gbt-46869-2025"), price_year=2020
        )
    assert caught.value.faults[0].pointer == "/coefficients/carbon_price"


@pytest.mark.parametrize("quantity", [-1.0, float("nan")])
def test_a_quantity_is_not_negative(quantity: float) -> None:
    with pytest.raises(InvalidInput, match="must not be negative"):
        make_account([computed("oxygen", a=quantity)], GUIDELINE, price_year=2020)


@given(quantity=st.floats(0, 1e12), factor=st.floats(1, 10))
def test_value_grows_with_the_quantity(quantity: float, factor: float) -> None:
    small = make_account([computed("oxygen", a=quantity)], GUIDELINE, price_year=2020)
    large = make_account([computed("oxygen", a=quantity * factor)], GUIDELINE, price_year=2020)
    assert 0 <= small.total <= large.total * (1 + 1e-12)


@given(area=st.floats(0, 1e6), rate=st.floats(0, 1e4), discharge=st.floats(0, 1e6))
def test_purification_is_bounded_on_both_sides(area: float, rate: float, discharge: float) -> None:
    found = purified_t({"forest": area}, {"forest": rate}, discharge)
    assert 0 <= found <= discharge
    assert found <= area * rate / 1000 + 1e-9
