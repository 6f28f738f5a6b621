import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from shanhai.processes.assess_ecoservices.request import input_schemas
from shanhai.processes.catalogue import CONTRACTS
from shanhai.reporting.input_words import CHOICES, INPUTS
from shanhai.vocabulary import Lang
from shanhai_api.processes.descriptions import InputDescription, inputs_of, needs_of


def inputs_told(lang: Lang) -> Iterator[tuple[str, InputDescription]]:
    for process, contract in CONTRACTS.items():
        for name, told in inputs_of(contract, lang).items():
            yield f"{process}/{name}", told


def codes_shown(node: Any, path: str) -> list[str]:
    """Titles of members and choices that are codes still."""
    if isinstance(node, list):
        return [one for item in node for one in codes_shown(item, path)]
    if not isinstance(node, dict):
        return []
    given = node.get("properties")
    members = given if isinstance(given, dict) else {}
    titles = [(name, schema.get("title", name)) for name, schema in members.items()]
    found = [f"{path}/{name}" for name, title in titles if "_" in title]
    return found + [one for key, item in node.items() for one in codes_shown(item, f"{path}/{key}")]


def test_what_is_said_of_the_numbers_of_methods_is_chinese_too() -> None:
    told = json.dumps(input_schemas("zh"), ensure_ascii=False)
    descriptions = re.findall(r'"description": "([^"]*)"', told)
    assert len(descriptions) > 50
    # Names, citations and units stay; of sentences more than two words in a row are small.
    assert not [one for one in descriptions if re.search(r"\b[a-z]{3,} [a-z]{2,} [a-z]{2,}", one)]
    assert not [one for one in descriptions if "m3" in one or "[" in one]


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_members_and_choices_are_called_in_words(lang: Lang) -> None:
    shown = [one for path, told in inputs_told(lang) for one in codes_shown(told.told, path)]
    assert not shown
    words = [
        (path, word)
        for path, told in inputs_told(lang)
        for word in (told.additionalParameters.parameters if told.additionalParameters else ())
    ]
    assert words
    assert not [(path, word.name) for path, word in words if "_" in word.value[0]]


def made_up_titles(node: Any, path: str) -> list[str]:
    """Members called by their code, with capitals: nobody has given them words."""
    if isinstance(node, list):
        return [one for item in node for one in made_up_titles(item, path)]
    if not isinstance(node, dict):
        return []
    given = node.get("properties")
    members = given if isinstance(given, dict) else {}
    found = [
        f"{path}/{name}"
        for name, schema in members.items()
        if "_" in name and schema.get("title") == name.replace("_", " ").title()
    ]
    return found + [one for key, item in node.items() for one in made_up_titles(item, path)]


def test_no_member_is_called_by_its_code_in_capitals() -> None:
    assert not [one for path, told in inputs_told("zh") for one in made_up_titles(told.told, path)]


def test_inputs_have_titles_of_the_asked_language() -> None:
    told = inputs_of(CONTRACTS["build-network"], "zh")
    assert told["cell_m"].title == "栅格边长（m）"
    assert told["datasets"].told["properties"]["land_cover"]["title"] == "土地覆盖"
    assert inputs_of(CONTRACTS["build-network"], "en")["cell_m"].title == "Cell, m"
    assert inputs_of(CONTRACTS["evaluate-indicators"], "zh")["years"].title == "年份"


def test_words_of_inputs_are_in_both_languages() -> None:
    assert all(label.zh and label.en for label in (*INPUTS.values(), *CHOICES.values()))


def needs_told(process: str) -> dict[str, list[str]]:
    told = needs_of(CONTRACTS[process], "en")
    return {} if told is None else {one.name: one.value for one in told.parameters}


def test_processes_tell_the_themes_they_need_with_those_that_will_do_instead() -> None:
    assert (
        needs_told("run-scenario") == needs_told("build-network") == {"land_cover": ["land_cover"]}
    )
    assert needs_told("assess-ecoservices").keys() == needs_told("delineate-zones").keys()
    assert {"dem", "rainfall"} <= needs_told("assess-ecoservices").keys()
    evaluated = needs_told("evaluate-ecosystem")
    assert evaluated["evapotranspiration"] == ["evapotranspiration", "reference_et"]
    assert needs_told("echo") == {}
