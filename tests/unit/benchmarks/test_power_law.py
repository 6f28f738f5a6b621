import pytest

from benchmarks.power_law import fit


def test_an_exact_square_has_the_exponent_two() -> None:
    found = fit([1, 10, 100], [3, 300, 30_000])
    assert found.factor == pytest.approx(3)
    assert found.exponent == pytest.approx(2)
    assert (found.low, found.high) == pytest.approx((2, 2))
    assert found.last == pytest.approx(2)


def test_interval_of_the_exponent_by_hand() -> None:
    """In powers of ten: 0 and 0, 1 and 2, 2 and 2.

    The slope is 1 (sums of products 2, of squares 2), the line 1/3 + x, the rests -1/3, 2/3 and
    -1/3: their squares sum to 2/3. The error is the root of 2/3 over 2, and t with one degree of
    freedom 12.706.
    """
    found = fit([1, 10, 100], [1, 100, 100])
    assert found.exponent == pytest.approx(1)
    assert found.factor == pytest.approx(10 ** (1 / 3))
    assert found.high - 1 == pytest.approx(12.7062 * (1 / 3) ** 0.5, rel=1e-4)
    assert 1 - found.low == pytest.approx(found.high - 1)


def test_the_end_is_told_where_a_fixed_cost_hides_it() -> None:
    """Medians of the last two sizes: 2 and 20."""
    found = fit([1, 10, 10, 10, 100, 100, 100], [1, 2, 1, 3, 20, 30, 10])
    assert found.last == pytest.approx(1)
    assert found.exponent < 0.9


@pytest.mark.parametrize(("sizes", "costs"), [([1, 2], [1, 2]), ([5, 5, 5], [1, 2, 3])])
def test_too_little_for_an_exponent(sizes: list[float], costs: list[float]) -> None:
    with pytest.raises(ValueError, match="three pairs"):
        fit(sizes, costs)
