"""The language and format that headers wish for, and the methods that a resource takes."""

from collections.abc import Sequence
from functools import lru_cache

from starlette.requests import Request
from starlette.routing import Route

from shanhai.vocabulary import Lang

DEFAULT: Lang = "en"


def chosen_language(request: Request) -> Lang | None:
    """The language asked for by `lang=`."""
    if not request.scope["query_string"]:
        return None
    return as_language(request.query_params.get("lang", ""))


def language_of(request: Request) -> Lang:
    """The language of `lang=`, else of `Accept-Language`, else English."""
    return chosen_language(request) or preferred(request.headers.get("accept-language", ""))


@lru_cache(maxsize=256)
def preferred(header: str) -> Lang:
    """The best offered language of an `Accept-Language` header."""
    wishes = [wish.partition(";") for wish in header.split(",")]
    ranked = sorted(wishes, key=lambda wish: -quality(wish[2]))
    found = (as_language(tag.strip()) for tag, _, rest in ranked if quality(rest) > 0)
    return next((lang for lang in found if lang is not None), DEFAULT)


def as_language(tag: str) -> Lang | None:
    """`zh` for `zh-CN`, `en` for `en-GB`; None for what is not offered."""
    match tag.lower().partition("-")[0]:
        case "zh":
            return "zh"
        case "en":
            return "en"
        case _:
            return None


def quality(parameters: str) -> float:
    """The `q` of a header's item; 1 when absent, 0 when it cannot be read."""
    for parameter in parameters.split(";"):
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "q":
            try:
                return float(value)
            except ValueError:
                return 0.0
    return 1.0


@lru_cache(maxsize=256)
def wished_most(accept: str, offered: tuple[str, ...]) -> str | None:
    """The media type wished for most; clients send the same few headers all the time.

    Of the ranges that match a type the most exact one weighs it (RFC 9110, 12.5.1).
    """
    wishes = [wish.partition(";") for wish in accept.lower().split(",")]

    def weight(media_type: str) -> tuple[float, int]:
        matching = (
            (-media.count("*"), -place, quality(rest))
            for place, (media, _, rest) in enumerate(wishes)
            if _matches(media.strip(), media_type.partition(";")[0])
        )
        _, place, weighed = max(matching, default=(0, 0, 0.0))
        return weighed, place

    best = max(offered, key=weight)
    return best if weight(best)[0] > 0 else None


def _matches(media_range: str, own: str) -> bool:
    if media_range in {"*/*", own}:
        return True
    if (media_range, own) == ("application/json", "application/geo+json"):
        return True
    return media_range.endswith("/*") and own.startswith(media_range[:-1])


def allowed_methods(request: Request) -> str:
    """What can be done with the resource by all its routes; the router names those of one.

    An address of its own, such as `/proposals/blank`, is none of those that a template makes.
    """
    routes: Sequence[Route] = request.app.state.routes
    here = [route for route in routes if route.path_regex.match(request.url.path)]
    own = [route for route in here if route.path == request.url.path] or here
    methods = {method for route in own for method in route.methods or ()}
    return ", ".join(sorted(methods | {"OPTIONS"} | ({"HEAD"} if "GET" in methods else set())))
