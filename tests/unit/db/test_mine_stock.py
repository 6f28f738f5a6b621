"""The stock of mines year by year, with figures computed by hand."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from shanhai.db.mines import StockedMine, StockYear, stock_curve, sum_deposits
from shanhai.db.seeds.city_files import read_blocks
from shanhai.db.seeds.rows import rows_of

D = Decimal


def test_what_is_accepted_leaves_the_stock_at_the_end_of_its_year() -> None:
    mines = [
        StockedMine(1, None, D("10.5"), 2020, 2022, D("10.5")),
        StockedMine(2, None, D(4), 2020, 2022, D(3)),
        StockedMine(3, None, D(6), 2021),
    ]
    curve = stock_curve(mines, 2023)
    assert (curve.mines, curve.unmeasured) == (3, 0)
    assert curve.years == [
        StockYear(2020, D("14.5"), D("14.5"), D(0), 2),
        StockYear(2021, D("20.5"), D("20.5"), D(0), 3),
        # One hectare of the second mine was not accepted.
        StockYear(2022, D("20.5"), D(7), D("13.5"), 2),
        StockYear(2023, D("20.5"), D(7), D(0), 2),
    ]


def test_an_entry_counts_with_what_its_parts_leave() -> None:
    """254 ha were listed in 2020 as one entry; two mines of it were told apart since."""
    mines = [
        StockedMine(1, None, D(254), 2020),
        StockedMine(2, 1, D(100), 2022, 2023, D(100)),
        StockedMine(3, 1, D("29.2"), 2022),
    ]
    years = stock_curve(mines, 2023).years
    assert [item.listed_ha for item in years] == [254] * 4
    assert [item.open_ha for item in years] == [254, 254, 254, 154]
    assert [item.restored_ha for item in years] == [0, 0, 0, 100]
    assert [item.mines_open for item in years] == [1, 1, 3, 2]


def test_parts_larger_than_their_entry_leave_nothing_of_it() -> None:
    mines = [StockedMine(1, None, D(10), 2020), StockedMine(2, 1, D(12), 2021)]
    assert [item.open_ha for item in stock_curve(mines, 2021).years] == [10, 12]


def test_mines_without_an_area_are_told_and_not_guessed() -> None:
    curve = stock_curve([StockedMine(1, None, None, 2024)], 2025)
    assert (curve.mines, curve.unmeasured) == (1, 1)
    assert [(item.year, item.open_ha) for item in curve.years] == [(2024, D(0)), (2025, D(0))]


def test_what_was_accepted_before_it_was_listed_was_there() -> None:
    (only,) = stock_curve([StockedMine(1, None, D(5), 2025, 2024, D(5))], 2024).years
    assert only == StockYear(2024, D(5), D(0), D(5), 0)


def test_no_mines_have_no_curve() -> None:
    assert stock_curve([], 2025).years == []


AREAS = st.decimals(min_value="0.01", max_value="500", places=2)


@st.composite
def inventories(draw: st.DrawFn) -> list[StockedMine]:
    mines: list[StockedMine] = []
    for key in range(draw(st.integers(0, 8))):
        area = draw(st.none() | AREAS)
        wholes = [mine.key for mine in mines if mine.accepted is None and mine.part_of is None]
        part_of = draw(st.none() | st.sampled_from(wholes)) if wholes else None
        accepted = draw(st.none() | st.integers(2018, 2030))
        done = D(0)
        if accepted is not None:
            done = draw(AREAS) if area is None else draw(st.decimals("0.01", area, places=2))
        mines.append(StockedMine(key, part_of, area, draw(st.integers(2018, 2030)), accepted, done))
    return mines


@given(inventories())
def test_open_and_restored_areas_add_up_to_the_area_listed(mines: list[StockedMine]) -> None:
    restored = D(0)
    for item in stock_curve(mines, 2031).years:
        restored += item.restored_ha
        assert item.open_ha + restored == item.listed_ha
        assert item.open_ha >= 0
    assert restored == sum(mine.accepted_ha for mine in mines)


KINDS = st.sampled_from(["due", "paid", "withdrawn", "forfeited"])


@given(st.lists(st.tuples(KINDS, st.decimals(min_value="0.01", max_value="1e6", places=2))))
def test_entries_taken_back_leave_the_sums_as_they_were(lines: list[tuple[str, Decimal]]) -> None:
    sums = sum_deposits(lines)
    assert sums.balance == sums.paid - sums.withdrawn - sums.forfeited
    back = [(kind, -amount) for kind, amount in lines]
    assert sum_deposits([*lines, *back]) == sum_deposits([])


def test_the_mines_of_banan_are_as_its_plan_prints_them() -> None:
    (mine,) = rows_of(read_blocks("banan"))["mine"]
    assert (mine["area_ha"], mine["listed_year"], mine["kind"]) == (254, 2020, "legacy")
    assert mine["minerals"] == ["石灰岩", "建筑石料用灰岩"]
    assert mine["towns"] == ["banan.nanquan", "banan.longzhouwan", "banan.yipin"]
    assert (mine["problem"], mine["project"]) == ("banan.P1", "banan.PRJ02")
    assert "geom" not in mine
    assert "mine" not in rows_of(read_blocks("xiamen"))
