"""The API's operations, flat, as a page and a document list them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

METHODS = ("get", "post", "put", "patch", "delete")


@dataclass(frozen=True, slots=True)
class Operation:
    """One method on one path."""

    method: str
    path: str
    tag: str
    summary: str
    description: str
    parameters: tuple[Mapping[str, Any], ...]
    answers: Mapping[str, str]


def operations_of(document: Mapping[str, Any]) -> list[Operation]:
    """The operations of an OpenAPI document, in its order."""
    return [
        Operation(
            method.upper(),
            path,
            item[method]["tags"][0],
            item[method].get("summary", ""),
            item[method].get("description", ""),
            tuple(item[method].get("parameters", ())),
            {code: told(answer, document) for code, answer in item[method]["responses"].items()},
        )
        for path, item in document["paths"].items()
        for method in METHODS
        if method in item
    ]


def told(answer: Mapping[str, Any], document: Mapping[str, Any]) -> str:
    """What an answer is, which many operations have in common."""
    name = answer.get("$ref", "").rpartition("/")[2]
    shared = document.get("components", {}).get("responses", {})
    return str(shared.get(name, answer)["description"])
