"""How the tests of standards read what the API answers."""

from typing import Any

import httpx

BASE = "http://api.test"
Json = dict[str, Any]


async def get(client: httpx.AsyncClient, path: str, **query: str) -> Json:
    """A JSON document that must be there."""
    answer = await client.get(path, params=query or None)
    assert answer.status_code == 200, f"{answer.url}: {answer.text}"
    found: Json = answer.json()
    return found


async def ids(client: httpx.AsyncClient, path: str, **query: str) -> list[str]:
    """The ids of the features of a page."""
    return [feature["id"] for feature in (await get(client, path, **query))["features"]]


def link(document: Json, rel: str, media_type: str | None = None) -> str | None:
    """The address of a link, if it is there."""
    found = (
        item["href"]
        for item in document["links"]
        if item["rel"] == rel and media_type in {None, item.get("type")}
    )
    return next(found, None)


def refused(answer: httpx.Response, status: int, pointer: str | None = None) -> Json:
    """The problem document of an answer that must be one."""
    assert answer.status_code == status, f"{answer.url}: {answer.text}"
    assert answer.headers["content-type"].startswith("application/problem+json")
    problem: Json = answer.json()
    assert problem["status"] == status
    if pointer is not None:
        assert pointer in [error["pointer"] for error in problem["errors"]]
    return problem


def resolved(definition: Json, node: Json) -> Json:
    """What a reference of an OpenAPI document points at, or the node itself."""
    while "$ref" in node:
        found: Any = definition
        for part in node["$ref"].removeprefix("#/").split("/"):
            found = found[part.replace("~1", "/")]
        node = found
    return node


def operation(definition: Json, path: str, method: str = "get") -> Json:
    """An operation of an OpenAPI document."""
    found: Json = definition["paths"][path][method]
    return found


def parameter(definition: Json, path: str, name: str) -> Json:
    """A parameter of an operation that reads."""
    found = [resolved(definition, item) for item in operation(definition, path)["parameters"]]
    return next(item for item in found if item["name"] == name)
