"""What can be done with a resource, as `OPTIONS` tells it: editors look there before they offer it.

GDAL and QGIS let a user edit a collection only when its items take POST.
"""

from collections.abc import Set
from typing import Any

from fastapi import Response

from shanhai.db.features.entity import Verb

READING = ("GET", "HEAD", "OPTIONS")
WRITTEN = "application/geo+json, application/json"
PATCHED = "application/merge-patch+json, application/geo+json, application/json"

METHODS_TOLD: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "No body",
        "headers": {"Allow": {"description": "The methods", "schema": {"type": "string"}}},
    }
}
"""What the definition says of the answer to `OPTIONS`."""


def list_methods(verbs: Set[Verb]) -> list[str]:
    """The methods of a list."""
    return [*READING, *(["POST"] if "create" in verbs else [])]


def item_methods(verbs: Set[Verb]) -> list[str]:
    """The methods of one object."""
    return [
        *READING,
        *(["PUT"] if "replace" in verbs else []),
        *(["PATCH"] if "update" in verbs else []),
        *(["DELETE"] if "delete" in verbs else []),
    ]


def methods_answer(methods: list[str]) -> Response:
    """The answer to `OPTIONS`."""
    headers = {"Allow": ", ".join(methods), "Cache-Control": "no-store", "Vary": "Authorization"}
    if "POST" in methods:
        headers["Accept-Post"] = WRITTEN
    if "PATCH" in methods:
        headers["Accept-Patch"] = PATCHED
    return Response(status_code=200, headers=headers)
