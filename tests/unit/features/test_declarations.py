"""What every declaration must hold to, so that what is made from it works."""

import re

import pytest
from sqlalchemy.types import ARRAY

from shanhai.db.base import Base
from shanhai.db.collections.catalogue import (
    COLLECTIONS,
    ENTITIES,
    RECORDS,
    collection_named,
    entity_named,
)
from shanhai.db.features.entity import Entity
from shanhai.db.features.property_values import broken_rules
from shanhai.errors import NotFound
from shanhai.vocabulary import INSIDERS

PROMISED = {
    *("regions", "plans", "pattern_components", "corridors", "corridor_nodes", "zone_schemes"),
    *("zones", "control_areas", "problems", "projects", "stations", "datasets", "named_features"),
    *("mines", "reclamations", "islands", "outfalls", "fishing_harbours", "notices"),
    "occurrences",
}
PROMISED_PATHS = {
    *("/zone-classes", "/control-rules", "/patterns", "/parties", "/indicators", "/documents"),
    *("/plans/{plan}/indicators", "/plans/{plan}/parts", "/plans/{plan}/programmes"),
    *("/plans/{plan}/provisions", "/plans/{plan}/figures", "/plans/{plan}/duties"),
    *("/fund-sources", "/balances/entries", "/region-links", "/species"),
    "/titles",
    "/compensation-agreements",
    *("/demonstration-members", "/demonstration-criteria", "/demonstration-scores"),
}
each = pytest.mark.parametrize("entity", ENTITIES, ids=lambda entity: entity.name)


def test_collections_and_records_are_those_promised() -> None:
    assert {entity.name for entity in COLLECTIONS} == PROMISED
    assert {entity.path for entity in RECORDS} == PROMISED_PATHS
    assert len({entity.name for entity in ENTITIES}) == len(ENTITIES)


def test_records_are_no_collections() -> None:
    assert entity_named("parties").path == "/parties"
    with pytest.raises(NotFound, match="zones"):
        collection_named("parties")


@each
def test_what_is_written_is_a_column(entity: Entity) -> None:
    columns = Base.metadata.tables[entity.table].columns
    for item in entity.receivables:
        if item.column is not None:
            assert columns[item.column].computed is None
            listed = isinstance(columns[item.column].type, ARRAY)
            assert listed == (item.schema["type"] == "array"), item.name
    if entity.geometry_column is not None:
        assert entity.whole.geometry == f"{entity.alias}.{entity.geometry_column}"


@each
def test_what_a_new_row_needs_is_required(entity: Entity) -> None:
    if entity.editing is None or "create" not in entity.editing.verbs:
        return
    required = {item.column for item in entity.properties if item.required} | {"code"}
    for column in Base.metadata.tables[entity.table].columns:
        given = column.server_default is not None or column.identity is not None
        if not column.nullable and not given and column.name not in {"bytes", "crs"}:
            # What has no English name is called by its Chinese one.
            wanted = "name_zh" if column.name == "name_en" else column.name
            assert wanted in required, column.name


@each
def test_references_lead_to_entities(entity: Entity) -> None:
    for item in entity.properties:
        if item.refers_to is not None:
            referred = entity_named(item.refers_to)
            columns = Base.metadata.tables[entity.table].columns
            targets = {key.column.table.name for key in columns[str(item.column)].foreign_keys}
            # A column of several ids has no foreign key.
            assert targets <= {referred.table}
            assert item.role == "reference"


@each
def test_states_are_those_of_the_schema(entity: Entity) -> None:
    lifecycle = entity.editing.lifecycle if entity.editing is not None else None
    if lifecycle is None:
        return
    declared = entity.declared(lifecycle.property)
    assert declared is not None
    states = set(declared.schema["enum"])
    assert {step.target for step in lifecycle.steps} | {lifecycle.initial} == states
    assert lifecycle.settled < states
    # Two ways of one step would be two answers to who may take it.
    pairs = [(step.source, step.target) for step in lifecycle.steps]
    assert len(set(pairs)) == len(pairs)


@each
def test_somebody_may_write(entity: Entity) -> None:
    if entity.editing is not None:
        assert entity.editing.roles
        assert entity.editing.roles <= INSIDERS
        assert entity.editing.scopes


@each
def test_the_path_names_properties(entity: Entity) -> None:
    assert (entity.path is None) == (entity.geometry is not None)
    for name in re.findall(r"\{(\w+)\}", entity.path or ""):
        declared = entity.declared(name)
        assert declared is not None
        assert declared.required
        assert declared.queryable


@each
def test_names_are_told_in_both_languages_and_once(entity: Entity) -> None:
    names = [item.name for item in entity.properties]
    assert len(set(names)) == len(names)
    assert "geometry" not in names
    labels = [entity.title, entity.description, *(item.title for item in entity.properties)]
    assert all(re.search("[\u4e00-\u9fff]", label.zh) and label.en for label in labels)
    assert [item.name for item in entity.properties if item.role == "id"] == ["code"]


@pytest.mark.parametrize("entity", ENTITIES, ids=lambda entity: entity.name)
def test_what_brings_others_with_it_is_changed_one_by_one(entity: Entity) -> None:
    editing = entity.editing
    if editing is None:
        return
    columns = {item.name for item in entity.receivables if item.column is not None}
    assert editing.apart <= columns
    # An import runs no effects, so it refuses what would have some.
    assert not editing.effects or editing.lifecycle is not None or editing.apart


def test_a_share_of_a_problem_is_whole() -> None:
    """Checks of a plan read every member; a part of a share would stop them."""
    declared = entity_named("problems").declared("shares")
    assert declared is not None
    schema = declared.schema
    whole = {"name_zh": "占比", "name_en": "Share", "part": 1, "printed_percent": 5}
    assert [*broken_rules(schema, [{**whole, "whole_of": "region"}])] == []
    for broken in ({"example": 1}, whole, {**whole, "whole_of": "plan"}):
        assert [*broken_rules(schema, [broken])], broken
