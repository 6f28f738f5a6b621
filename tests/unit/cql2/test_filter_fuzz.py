"""Filters nobody meant: whatever comes is compiled or refused, and the process lives on.

Compiling runs in a child, because a fault of the parser's would end the process, not raise.
"""

import json
import subprocess
import sys
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from shanhai.db.features.cql2.compiler import compile_filter
from shanhai.db.features.cql2.parser import FilterLanguage
from shanhai.errors import InvalidInput
from tests.support.filter_entity import THINGS

WORDS = [
    "whole",
    "note",
    "名称",
    "day",
    "moment",
    "yes",
    "geometry",
    "details",
    "AND",
    "OR",
    "NOT",
    "IN",
    "LIKE",
    "BETWEEN",
    "IS",
    "NULL",
    "TRUE",
    "(",
    ")",
    ",",
    "(",
    ")",
    "=",
    "<>",
    "<",
    ">=",
    "+",
    "-",
    "*",
    "/",
    "%",
    "^",
    "div",
    "1",
    "2.5",
    ".5",
    "1e400",
    "'x'",
    "'a%'",
    "''",
    "'",
    '"',
    '"note"',
    "CASEI(",
    "ACCENTI(",
    "S_INTERSECTS(",
    "S_WITHIN(",
    "T_AFTER(",
    "T_DURING(",
    "INTERVAL(",
    "DATE(",
    "TIMESTAMP(",
    "BBOX(",
    "POINT(",
    "POLYGON((",
    "GEOMETRYCOLLECTION(",
    "1",
    "2,",
    "3",
    "4",
    "'2026-01-01'",
    "'..'",
    "Z",
    "EMPTY",
    ";",
    "$",
    "\\",
    "\u3000",
    "{}",
    "[]",
    ":",
    ".",
    "--",
    "/*",
    "foo(",
]

NAMES = st.sampled_from(["whole", "note", "day", "yes", "geometry", "details", "no such"])
OPERATORS = st.sampled_from(
    [
        "=",
        "<>",
        "<",
        "in",
        "like",
        "between",
        "isNull",
        "not",
        "and",
        "or",
        "casei",
        "+",
        "/",
        "div",
        "^",
        "s_within",
        "t_after",
        "t_during",
        "a_equals",
        "foo",
    ]
)
LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**20), 10**20),
    st.floats(),
    st.text(max_size=8),
    NAMES.map(lambda name: {"property": name}),
    st.text(max_size=10).map(lambda text: {"date": text}),
    st.lists(st.floats(), max_size=7).map(lambda box: {"bbox": box}),
    st.builds(
        lambda kind, coordinates: {"type": kind, "coordinates": coordinates},
        st.sampled_from(["Point", "LineString", "Polygon", "MultiPolygon", "Surface"]),
        st.recursive(
            st.lists(st.floats(-200, 200), max_size=4), lambda inner: st.lists(inner, max_size=4)
        ),
    ),
)


def _branches(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    members = st.lists(inner, max_size=4)
    return st.one_of(
        members,
        members.map(lambda ends: {"interval": ends}),
        st.builds(lambda op, args: {"op": op, "args": args}, OPERATORS, members),
    )


TREES = st.recursive(LEAVES, _branches, max_leaves=12)


def attempt(text: str, language: FilterLanguage) -> None:
    try:
        found = compile_filter(text, entity=THINGS, language=language)
    except InvalidInput:
        return
    assert isinstance(found.sql, str)


@given(TREES)
@settings(max_examples=300, deadline=None)
def test_random_trees_are_compiled_or_refused(tree: Any) -> None:
    attempt(json.dumps(tree), "cql2-json")


@given(st.one_of(st.text(max_size=60), st.binary(max_size=60).map(lambda raw: raw.decode("l1"))))
@settings(max_examples=300, deadline=None)
def test_random_characters_are_compiled_or_refused(text: str) -> None:
    attempt(text, "cql2-text")
    attempt(text, "cql2-json")


@given(st.lists(st.sampled_from(WORDS), max_size=25))
@settings(max_examples=500, deadline=None)
def test_random_words_are_compiled_or_refused(words: list[str]) -> None:
    attempt(" ".join(words), "cql2-text")


def test_a_storm_of_hostile_filters_does_not_end_the_process() -> None:
    subprocess.run([sys.executable, "-c", STORM], check=True, timeout=100)


STORM = f"""
import random
from tests.unit.cql2.test_filter_fuzz import attempt
rng = random.Random(20260101)
words = {WORDS!r}
for _ in range(3000):
    text = " ".join(rng.choices(words, k=rng.randrange(1, 400)))
    attempt(text, "cql2-text")
for piece in ["(", "[", "not ", "-", "casei(", "a in (", "interval(", "(1,", "((a=1)or", "POINT("]:
    for count in (31, 32, 33, 500, 2000, 8000):
        attempt(piece * count, "cql2-text")
        attempt(piece * count + "1 1" + ")" * count, "cql2-text")
        attempt(piece * count, "cql2-json")
"""
