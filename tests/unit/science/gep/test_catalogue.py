import pytest

from shanhai.errors import InvalidInput
from shanhai.science.gep.catalogue import GROUPS, VERSIONS, load_catalogue, price_level


@pytest.mark.parametrize("version", VERSIONS)
def test_a_catalogue_is_whole(version: str) -> None:
    catalogue = load_catalogue(version)
    for item in catalogue.items.values():
        assert item.group in GROUPS
        assert item.label.zh
        assert item.label.en
        named = (*item.needs, *([item.price] if item.price else []))
        assert all(name in catalogue.coefficients for name in named), item.id
    ends = [item.final for item in catalogue.items.values()]
    assert len(ends) == len(set(ends))


@pytest.mark.parametrize("version", VERSIONS)
def test_a_default_has_a_source_and_a_price_has_a_year(version: str) -> None:
    for one in load_catalogue(version).coefficients.values():
        assert one.status in {"V", "L", "E"}
        assert one.source
        low, high = one.valid_range
        if one.value is not None:
            assert low <= one.value <= high, one.name
            assert one.unit.startswith("CNY") == (one.price_year is not None), one.name


def test_the_trial_norm_counts_no_oxygen() -> None:
    assert "oxygen" in load_catalogue("guideline-2020").items
    assert "oxygen" not in load_catalogue("norm-2022").items


def test_the_unread_standard_has_no_figures_of_its_own() -> None:
    known = [one for one in load_catalogue("gbt-46869-2025").coefficients.values() if one.value]
    assert [one.name for one in known] == ["latent_heat"]


def test_entered_figures_replace_defaults_and_say_so() -> None:
    own = load_catalogue("guideline-2020").with_entered({"storms_a_year": 3, "eer": 3.2})
    assert own.coefficients["storms_a_year"].value == 3
    assert not own.coefficients["eer"].default
    assert own.coefficients["oxygen_price"].default
    assert load_catalogue("guideline-2020").coefficients["eer"].value == 3


@pytest.mark.parametrize(
    ("entered", "message"),
    [({"eers": 3.0}, "no coefficient 'eers'"), ({"eer": 30.0}, "between 1 and 10")],
)
def test_what_is_entered_must_fit(entered: dict[str, float], message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        load_catalogue("guideline-2020").with_entered(entered)


def test_an_unknown_standard_is_refused() -> None:
    with pytest.raises(InvalidInput, match="must be one of guideline-2020"):
        load_catalogue("2030")


def test_price_levels_follow_the_series_and_end_with_it() -> None:
    assert [price_level(year) for year in (2002, 2003, 2004)] == pytest.approx(
        [1, 1.011, 1.011 * 1.038]
    )
    assert price_level(2024) / price_level(2023) == pytest.approx(1.002)
    assert price_level(2009) < price_level(2008)
    with pytest.raises(InvalidInput, match="from 2002 to 2024"):
        price_level(2040)
