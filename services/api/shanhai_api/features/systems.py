"""The coordinate reference systems this service publishes: all it knows, or those listed."""

from collections.abc import Callable
from typing import Any

from fastapi import Request

from shanhai.db.features.crs import Crs, parse_crs, published_uris
from shanhai_api.state import state_of

PARAMETERS = frozenset({"crs", "bbox-crs", "filter-crs"})


def published(request: Request) -> tuple[str, ...]:
    """The URIs, the default one first."""
    return published_uris(state_of(request).configuration.public.crs)


def system_reader(request: Request) -> Callable[[str], Crs]:
    """What reads the name of a system, and refuses those that are not published."""
    uris = published(request)

    def read(text: str) -> Crs:
        found = parse_crs(text)
        if found.uri not in uris:
            raise ValueError(
                f"must be one of {', '.join(uris)}, not {text[:80]!r}"
                f" / 必须是以下之一：{'、'.join(uris)}"
            )
        return found

    return read


def with_published(document: dict[str, Any], request: Request) -> dict[str, Any]:
    """A definition whose parameters offer the systems that are published."""
    uris = list(published(request))
    for operations in document["paths"].values():
        for operation in operations.values():
            for parameter in operation.get("parameters", ()):
                if parameter.get("name") in PARAMETERS and "enum" in parameter["schema"]:
                    parameter["schema"] = {**parameter["schema"], "enum": uris}
    return document
