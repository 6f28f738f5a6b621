"""Every declaration fits its function, and every name leads to something."""

import inspect
import pickle

import pytest

from shanhai.science.ecoservices.catalogue import ECOSERVICES
from shanhai.science.ecoservices.choice import ParameterChanges, quantities_of
from shanhai.science.ecoservices.graph import Linker
from shanhai.science.ecoservices.inputs import INPUTS, LEAVES
from shanhai.science.ecoservices.layers import SHARED
from shanhai.science.ecoservices.method import Ecoservice, Method, Quantity
from shanhai.vocabulary import THEMES

METHODS = [(one.id, method) for one in ECOSERVICES for method in one.methods]
each_method = pytest.mark.parametrize(
    ("service", "method"), METHODS, ids=[f"{service} {method.id}" for service, method in METHODS]
)
QUANTITIES = [("shared", one) for one in SHARED] + [
    (service, one) for service, method in METHODS for one in quantities_of(method)
]
each_quantity = pytest.mark.parametrize(
    "quantity", [one for _, one in QUANTITIES], ids=[f"{of} {one.name}" for of, one in QUANTITIES]
)


def ways(quantity: Quantity) -> set[str]:
    return {name for one in quantity.options for names in one.needs.values() for name in names}


@each_quantity
def test_a_function_takes_what_is_declared_and_nothing_else(quantity: Quantity) -> None:
    declared = {
        *(*quantity.needs, *quantity.optional, *ways(quantity)),
        *(one.name for one in quantity.parameters),
        *(one.name for one in quantity.options),
        *(one.name for one in quantity.tables),
        *(one.name for one in quantity.statistics),
    }
    declared |= {"cell_m"} if quantity.takes_cell else set()
    declared |= {"frame"} if quantity.takes_frame else set()
    taken = inspect.signature(quantity.function).parameters
    free = any(one.kind is one.VAR_KEYWORD for one in taken.values())
    required = {
        one.name
        for one in taken.values()
        if one.default is one.empty and one.kind is not one.VAR_KEYWORD
    }
    assert required <= declared
    assert free or declared <= set(taken) | {"code"}


@each_quantity
def test_what_may_be_missing_has_a_default(quantity: Quantity) -> None:
    taken = inspect.signature(quantity.function).parameters
    for name in {*quantity.optional, *ways(quantity)} - set(quantity.needs):
        assert name not in taken or taken[name].default is None, name


@each_quantity
def test_defaults_lie_within_their_ranges(quantity: Quantity) -> None:
    for one in quantity.parameters:
        low, high = one.valid_range
        assert one.default is None or low <= one.default <= high, one.name
    for table in quantity.tables:
        low, high = table.valid_range
        assert all(low <= value <= high for value in table.values.values()), table.name
    for option in quantity.options:
        assert option.default in option.choices
        assert set(option.needs) <= set(option.choices)


@each_method
def test_every_method_can_be_linked_when_everything_is_there(service: str, method: Method) -> None:
    linker = Linker(LEAVES, SHARED)
    linker.add_method(service, method, ParameterChanges())
    assert {f"supply.{service}", f"demand.{service}"} <= linker.nodes.keys()
    pickle.dumps(linker.nodes)


def test_shared_quantities_are_not_called_like_what_is_read() -> None:
    assert not {one.name for one in SHARED} & LEAVES.keys()


def test_every_leaf_is_read_from_a_theme_that_is_declared() -> None:
    themes = {one.theme for one in INPUTS}
    assert {leaf.theme for leaf in LEAVES.values()} - {None} <= themes
    assert themes <= {term.code for term in THEMES}


@pytest.mark.parametrize("one", ECOSERVICES, ids=lambda one: one.id)
def test_every_service_has_a_method_in_each_profile(one: Ecoservice) -> None:
    assert one.default("index") in one.methods
    assert one.default("biophysical") in one.methods
