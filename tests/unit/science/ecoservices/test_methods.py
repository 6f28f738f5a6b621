"""What holds of every declared method, whoever declares it."""

import inspect
import pickle
from types import ModuleType

import pytest

from shanhai.science.ecoservices import (
    biodiversity,
    carbon_sink,
    cooling,
    recreation,
    soil_retention,
    stormwater_regulation,
    water_conservation,
)
from shanhai.science.ecoservices.method import Method, Quantity

MODULES = (
    water_conservation,
    soil_retention,
    cooling,
    carbon_sink,
    stormwater_regulation,
    biodiversity,
    recreation,
)


def name_of(module: ModuleType) -> str:
    return module.__name__.rpartition(".")[2]


METHODS = [
    pytest.param(method, id=f"{name_of(module)}-{method.id}")
    for module in MODULES
    for method in module.METHODS
]
each_method = pytest.mark.parametrize("method", METHODS)


def quantities(method: Method) -> tuple[Quantity, ...]:
    return (method.supply, method.demand, *method.extra, *method.through)


def keywords(quantity: Quantity) -> set[str]:
    """What a quantity is called with at most."""
    named = (quantity.parameters, quantity.options, quantity.tables, quantity.statistics)
    chosen = {name for o in quantity.options for names in o.needs.values() for name in names}
    own = {"cell_m"} if quantity.takes_cell else set()
    own |= {"frame"} if quantity.takes_frame else set()
    return {*quantity.needs, *quantity.optional, *chosen, *own} | {
        one.name for group in named for one in group
    }


@each_method
def test_functions_take_what_is_declared(method: Method) -> None:
    for quantity in quantities(method):
        signature = inspect.signature(quantity.function).parameters.values()
        open_ended = any(one.kind is one.VAR_KEYWORD for one in signature)
        by_name = {one.name: one for one in signature if one.kind is one.KEYWORD_ONLY}
        given = keywords(quantity)
        required = {
            name for name, one in by_name.items() if one.default is one.empty and name != "code"
        }
        assert required <= given, quantity.name
        assert open_ended or given <= by_name.keys(), quantity.name


@each_method
def test_what_a_choice_or_a_lack_leaves_out_has_a_default(method: Method) -> None:
    for quantity in quantities(method):
        signature = inspect.signature(quantity.function).parameters
        left_out = {name for o in quantity.options for names in o.needs.values() for name in names}
        for name in {*left_out, *quantity.optional} & signature.keys():
            assert signature[name].default is not inspect.Parameter.empty, (quantity.name, name)


@each_method
def test_defaults_lie_within_their_limits(method: Method) -> None:
    for quantity in quantities(method):
        for number in quantity.parameters:
            low, high = number.valid_range
            assert number.default is None or low <= number.default <= high, number.name
        for option in quantity.options:
            assert option.default in option.choices
            assert option.needs.keys() <= option.choices.keys()
        for table in quantity.tables:
            low, high = table.valid_range
            assert all(low <= value <= high for value in table.values.values()), table.name


@each_method
def test_functions_reach_other_processes(method: Method) -> None:
    for quantity in quantities(method):
        assert callable(pickle.loads(pickle.dumps(quantity.function)))  # noqa: S301 - our own bytes


@pytest.mark.parametrize("module", MODULES, ids=name_of)
def test_identifiers_are_unique_within_a_service(module: ModuleType) -> None:
    ids = [method.id for method in module.METHODS]
    assert len(ids) == len(set(ids))
