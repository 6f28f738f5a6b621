"""What reports call the parameters of a run and what was chosen for them."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from shanhai.processes.assess_ecoservices.manifest import lack_title
from shanhai.processes.catalogue import CONTRACTS
from shanhai.reporting.input_words import choice_label, input_label
from shanhai.science.uncertainty.variation import PARAMETERS, VARIED
from shanhai.vocabulary import Label

TOLD = ("select-sites", "build-network", "delineate-zones", "assess-ecoservices")
"""Processes whose reports hold a table of parameters."""


def named(node: Any, key: str) -> Iterator[str]:
    """The names of all members of a schema, or the codes of all its lists."""
    if isinstance(node, list):
        for item in node:
            yield from named(item, key)
    elif isinstance(node, dict):
        yield from (one for one in node.get(key, ()) if isinstance(one, str))
        for item in node.values():
            yield from named(item, key)


@pytest.mark.parametrize("process", TOLD)
def test_parameters_and_what_may_be_chosen_are_called_in_words(process: str) -> None:
    inputs = CONTRACTS[process].inputs
    model: Any = inputs.model_fields["parameters"].annotation
    schema = model.model_json_schema()
    members, codes = set(named(schema, "properties")), set(named(schema, "enum"))
    assert len(members) > 1
    assert [one for one in sorted(members) if input_label(one) == Label(one, one)] == []
    assert [one for one in sorted(codes) if choice_label(one) == Label(one, one)] == []


@pytest.mark.parametrize("name", sorted({*VARIED, *PARAMETERS}))
def test_uncertain_parameters_are_called_in_words(name: str) -> None:
    assert input_label(name) != Label(name, name)


def test_what_nobody_knows_is_told_by_its_code() -> None:
    assert input_label("strange_thing") == choice_label("strange_thing")
    assert input_label("strange_thing") == Label("strange_thing", "strange_thing")


@pytest.mark.parametrize("title", [input_label, lack_title])
def test_use_of_water_is_the_same_in_both_languages(title: Callable[[str], Label]) -> None:
    """The total holds the water that is given to nature too."""
    found = title("industrial_use")
    assert found.zh.startswith("工业与生态用水")
    assert "ndustrial and ecological" in found.en
