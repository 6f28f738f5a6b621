"""OGC API - Features Part 5: each test is named after a requirement of its classes."""

import httpx
import pytest
from jsonschema import Draft202012Validator

from shanhai.db.collections.catalogue import COLLECTIONS
from shanhai.db.features.entity import Entity
from tests.service.api.ogc.reading import BASE, get, ids, link, parameter, refused

REL = "http://www.opengis.net/def/rel/ogc/1.0"
ITEMS = "/collections/control_areas/items"
EVERY = pytest.mark.parametrize("entity", COLLECTIONS, ids=lambda entity: entity.name)
KINDS = pytest.mark.parametrize("kind", ["schema", "queryables", "sortables"])


@EVERY
@KINDS
async def test_req_schemas_schema_links(
    client: httpx.AsyncClient, entity: Entity, kind: str
) -> None:
    document = await get(client, f"/collections/{entity.name}")
    found = link(document, f"{REL}/{kind}", "application/schema+json")
    assert found == f"{BASE}/collections/{entity.name}/{kind}"


@EVERY
@KINDS
async def test_req_schemas_success(client: httpx.AsyncClient, entity: Entity, kind: str) -> None:
    answer = await client.get(f"/collections/{entity.name}/{kind}")
    assert answer.headers["content-type"] == "application/schema+json"
    document = answer.json()
    Draft202012Validator.check_schema(document)
    assert document["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert document["$id"] == f"{BASE}/collections/{entity.name}/{kind}"
    assert document["type"] == "object"
    for member in document["properties"].values():
        spatial = str(member.get("format", "")).startswith("geometry-")
        assert spatial != ("type" in member)
        assert spatial or member["title"]


@EVERY
async def test_req_core_roles_features_id(client: httpx.AsyncClient, entity: Entity) -> None:
    members = (await get(client, f"/collections/{entity.name}/schema"))["properties"]
    roles = [member.get("x-ogc-role") for member in members.values()]
    assert roles.count("id") == 1
    assert roles.count("primary-geometry") == 1
    for role in ("primary-interval-start", "primary-interval-end", "primary-instant"):
        assert roles.count(role) <= 1


@EVERY
async def test_req_returnables_and_receivables_schema(
    client: httpx.AsyncClient, entity: Entity
) -> None:
    schema = await get(client, f"/collections/{entity.name}/schema")
    for feature in (await get(client, f"/collections/{entity.name}/items"))["features"]:
        assert feature["properties"].keys() == schema["properties"].keys() - {"geometry"}
        held = {name: value for name, value in feature["properties"].items() if value is not None}
        checked = {key: schema[key] for key in ("$schema", "type", "properties")}
        Draft202012Validator(checked).validate(held)
    receivable = {item.name for item in entity.receivables} if entity.editing else set()
    writable = {name for name, it in schema["properties"].items() if not it.get("readOnly")}
    assert writable - {"geometry"} == receivable
    assert set(schema.get("required", [])) <= writable


@EVERY
async def test_req_queryables_are_of_the_schema(client: httpx.AsyncClient, entity: Entity) -> None:
    schema = (await get(client, f"/collections/{entity.name}/schema"))["properties"]
    found = (await get(client, f"/collections/{entity.name}/queryables"))["properties"]
    assert found
    assert found.keys() <= schema.keys()


@EVERY
async def test_req_sortables_sortby_parameter(client: httpx.AsyncClient, entity: Entity) -> None:
    path = f"/collections/{entity.name}/items"
    assert parameter(await get(client, "/api"), path, "sortby")["in"] == "query"
    for name in (await get(client, f"/collections/{entity.name}/sortables"))["properties"]:
        assert await ids(client, path, sortby=f"-{name},+code" if name != "code" else "code")
    refused(await client.get(path, params={"sortby": "nothing"}), 400, "sortby")


async def test_req_sortables_order(client: httpx.AsyncClient) -> None:
    lines = [f"line-{number}" for number in range(8)]
    assert await ids(client, ITEMS, sortby="-code") == lines[::-1]
    assert await ids(client, ITEMS, sortby="kind,-code") == lines[6::-2] + lines[:0:-2]
    document = await get(client, f"{ITEMS}?sortby=-valid_from&limit=3")
    following = link(document, "next")
    assert following is not None
    assert await ids(client, following) == lines[4:1:-1]
