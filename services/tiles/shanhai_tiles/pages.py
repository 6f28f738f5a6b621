"""Pages for people: the viewer, and what a person is told instead of it."""

from collections.abc import Mapping
from typing import Any

from fastapi import Request
from jinja2 import Environment, PackageLoader, StrictUndefined

from shanhai.vocabulary import Lang

PAGES = Environment(
    loader=PackageLoader("shanhai_tiles"), autoescape=True, undefined=StrictUndefined
)
HTML = "text/html; charset=utf-8"
_VIEWER = "/map"


def asks_for_page(request: Request) -> bool:
    """Whether a browser asks for the viewer page of a layer."""
    accepted = request.headers.get("accept", "").lower()
    return (
        request.method in {"GET", "HEAD"}
        and request.url.path.endswith(_VIEWER)
        and "text/html" in accepted
    )


def render_problem(document: Mapping[str, Any], lang: Lang) -> bytes:
    """The page of a problem document."""
    return PAGES.get_template("problem.html").render(document=document, lang=lang).encode()
