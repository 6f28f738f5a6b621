"""Printed figures and computed ones, by hand."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shanhai.db.indicators.figure_results import ComputedFigure, compare_figure
from shanhai.science.units import unit_label
from shanhai.vocabulary import Label


def printed(value: str | None, unit: str | None = "km2", **told: Any) -> dict[str, Any]:
    return {
        "value": None if value is None else Decimal(value),
        "unit": unit,
        "untold": [],
        **told,
    }


def test_the_difference_is_computed_minus_printed_in_the_unit_of_the_plan() -> None:
    # 80,000 ha are 800 km²: 18.57 less than printed, 18.57 / 818.57 = 2.27 %.
    found = compare_figure(printed("818.57"), ComputedFigure(Decimal(80_000), "ha", "dataset"))
    assert (found.value, found.difference) == (Decimal(800), Decimal("-18.57"))
    assert found.difference_percent == Decimal("-2.27")
    assert found.reason is None


def test_nothing_is_compared_that_is_not_computed() -> None:
    why = Label("无", "nothing")
    found = compare_figure(printed("818.57"), ComputedFigure(reason=why))
    assert (found.value, found.difference, found.reason) == (None, None, why)


def test_nothing_is_compared_whose_substance_is_not_printed() -> None:
    untold = printed("2.45", "t/ha", untold=["period", "substance"])
    found = compare_figure(untold, ComputedFigure(Decimal("2.6"), "tC/ha/yr", "dataset"))
    assert (found.value, found.difference) == (Decimal("2.6"), None)
    assert found.reason is not None
    assert "period" in found.reason.en


@pytest.mark.parametrize(("unit", "other"), [("km2", "km"), ("jobs", "ha")])
def test_units_of_different_quantities_are_told(unit: str, other: str) -> None:
    found = compare_figure(printed("5", unit), ComputedFigure(Decimal(5), other, "projects"))
    assert found.difference is None
    assert found.reason is not None
    assert unit_label(unit).en in found.reason.en


def test_of_nothing_printed_there_is_no_percentage() -> None:
    found = compare_figure(printed("0"), ComputedFigure(Decimal(3), "km2", "zoning"))
    assert (found.difference, found.difference_percent) == (Decimal(3), None)
    none = compare_figure(printed(None), ComputedFigure(Decimal(3), "km2", "zoning"))
    assert none.reason is not None


AMOUNTS = st.decimals(min_value=0, max_value=10**6, places=2)


@given(AMOUNTS, AMOUNTS)
def test_printed_and_difference_add_up_to_the_computed(stated: Decimal, found: Decimal) -> None:
    compared = compare_figure(printed(str(stated)), ComputedFigure(found, "km2", "zoning"))
    assert compared.difference is not None
    assert stated + compared.difference == found
