"""What a package declares fits the tables there are: nothing of a plan is forgotten."""

from sqlalchemy import ARRAY, BigInteger

from shanhai.db.base import Base
from shanhai.db.editions.content import CONTENT
from shanhai.db.plan_packages.layout import HOLDINGS, NEEDED, by_table, in_order

LEFT_OUT = frozenset(
    {
        *("alert_due", "alert_rule", "bulletin", "exception_request", "proposal"),
        *("balance_entry", "island", "mine", "reclamation", "title"),
    }
)
"""Tables that refer to plans and stay behind: what is told of plans, what is wished for (it waits
for approvers of this place; exceptions that were given travel with their projects), and the ledgers
and registers of regions, which go on whatever becomes of a plan."""


def test_every_table_that_refers_to_a_plan_or_project_travels_or_is_left_out_by_name() -> None:
    referring = {
        name
        for name, table in Base.metadata.tables.items()
        for column in table.columns
        for key in column.foreign_keys
        if key.column.table.name in {"plan", "project", *(item.table for item in CONTENT)}
    }
    asked_for = {"alert", "alert_watch"}  # of a plan's indicators, by whoever watches them
    assert referring - by_table().keys() - asked_for == LEFT_OUT


def test_no_number_of_a_database_travels() -> None:
    for holding in HOLDINGS:
        for column in holding.kept:
            assert not column.foreign_keys or column.name in {"state", "from_state", "to_state"}
            kind = column.type
            lists = isinstance(kind, ARRAY) and isinstance(kind.item_type, BigInteger)
            assert not lists, f"{holding.table}.{column.name} holds numbers of rows"


def test_what_a_row_refers_to_comes_before_it() -> None:
    places = {holding.table: place for place, holding in enumerate(in_order())}
    for holding in HOLDINGS:
        for to in holding.links.values():
            assert places[to] <= places[holding.table]
    assert NEEDED.keys() <= places.keys()
