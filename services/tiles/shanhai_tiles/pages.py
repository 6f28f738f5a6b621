"""Pages for people, in the language they read: the viewer, and what they are told instead of it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.requests import Request

from shanhai.assets import StaticAssets
from shanhai.errors import InvalidInput
from shanhai.negotiation import language_of
from shanhai.settings import PublicSettings
from shanhai.vocabulary import Lang


def required_language(request: Request) -> Lang:
    """The caller's language, refusing a `lang=` that is neither."""
    asked = request.query_params.get("lang")
    if asked not in {None, "zh", "en"}:
        raise InvalidInput(
            f"lang is {asked!r}; it must be zh or en",
            message_zh=f"lang 为 {asked!r}；只能是 zh 或 en",
            pointer="lang",
        )
    return language_of(request)


PAGES = Environment(
    loader=PackageLoader("shanhai_tiles"), autoescape=True, undefined=StrictUndefined
)
ASSETS = StaticAssets(Path(__file__).parent / "static", "/static")
PAGES.globals.update(asset=ASSETS.address)
DRAWABLE = "vendor/maplibre-gl.mjs" in ASSETS
"""Whether the map library was there when the service started."""
HTML = "text/html; charset=utf-8"


def asks_for_page(request: Request) -> bool:
    """Whether a person waits for the answer: browsers name pages first where they open one."""
    accepted = request.headers.get("accept", "").lower()
    return request.method in {"GET", "HEAD"} and accepted.strip().startswith("text/html")


def render_problem(document: Mapping[str, Any], lang: Lang, public: PublicSettings) -> bytes:
    """The page of a problem document, with ways to sign in and home."""
    page = PAGES.get_template("problem.html")
    return page.render(document=document, lang=lang, public=public).encode()
