"""The simulation of a country's jobs, by hand."""

from itertools import repeat

import pytest

from benchmarks.rollout import Costs, Order, ask, serve

COSTS = Costs(2.0, 1e-6, 100.0, 6e8, 1e-5, 90.0, 150.0, 4.0)


def test_jobs_are_begun_in_the_order_they_came() -> None:
    orders = [Order(0.0, 10.0), Order(1.0, 4.0), Order(2.0, 3.0), Order(20.0, 1.0)]
    waits, over = serve(orders, 2, repeat(100.0))
    assert waits == [0.0, 0.0, 3.0, 0.0]
    assert over == 21.0


def test_a_job_whose_worker_dies_is_begun_again_after_the_lease() -> None:
    waits, over = serve([Order(0.0, 10.0)], 1, iter((4.0, 100.0)))
    assert (waits, over) == ([34.0], 44.0)


def test_all_counties_have_all_cells_together() -> None:
    orders = ask(COSTS, counties=50, cells=1e8)
    assert sum(order.takes for order in orders) == pytest.approx(50 * 2.0 + 1e8 * 1e-6)
    assert [order.at for order in orders] == sorted(order.at for order in orders)
