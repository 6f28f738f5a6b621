"""Which format a caller gets: `f=` first, then `Accept`."""

from dataclasses import dataclass
from functools import lru_cache

from fastapi import Request

from shanhai.errors import InvalidInput
from shanhai_api.errors import NotAcceptable
from shanhai_api.language import quality


@dataclass(frozen=True, slots=True)
class Format:
    """A format by its short name and media type."""

    name: str
    media_type: str


JSON = Format("json", "application/json")
GEOJSON = Format("geojson", "application/geo+json")
SCHEMA = Format("json", "application/schema+json")
HTML = Format("html", "text/html")
TEXT = Format("text", "text/plain")
EVENTS = Format("events", "text/event-stream")
OPENAPI = Format("json", "application/vnd.oai.openapi+json;version=3.0")


def choose_format(request: Request, offered: tuple[Format, ...]) -> Format:
    """The format asked for; the first one offered when nothing is asked.

    Raises:
        InvalidInput: `f` names a format that is not offered.
        NotAcceptable: `Accept` allows none of them.
    """
    wanted = request.query_params.get("f")
    if wanted is not None:
        return _named(wanted, offered)
    # An empty header wishes for nothing, as does none.
    accept = request.headers.get("accept", "").strip() or "*/*"
    for media_range, weight in _wishes(accept):
        for candidate in offered:
            if weight > 0 and _matches(media_range, candidate):
                return candidate
    names = ", ".join(item.media_type for item in offered)
    raise NotAcceptable(
        f"none of the formats in Accept is offered here; offered: {names}",
        message_zh=f"Accept 中的格式均不可用；可用：{names}",
    )


def _named(wanted: str, offered: tuple[Format, ...]) -> Format:
    if wanted == "geojson" and GEOJSON not in offered:
        wanted = "-"
    if wanted == "json" and GEOJSON in offered and JSON not in offered:
        return GEOJSON
    for candidate in offered:
        if candidate.name == wanted:
            return candidate
    names = ", ".join(item.name for item in offered)
    raise InvalidInput(f"f must be one of {names}", message_zh=f"f 须为 {names}", pointer="f")


@lru_cache(maxsize=256)
def _wishes(accept: str) -> list[tuple[str, float]]:
    """The media ranges, the most wanted first; clients send the same few headers all the time."""
    wishes = [wish.partition(";") for wish in accept.split(",") if wish.strip()]
    found = [(media.strip().lower(), quality(rest)) for media, _, rest in wishes]
    return sorted(found, key=lambda wish: -wish[1])


def _matches(media_range: str, candidate: Format) -> bool:
    own = candidate.media_type.partition(";")[0]
    if media_range in {"*/*", own}:
        return True
    if candidate is GEOJSON and media_range == JSON.media_type:
        return True
    return media_range.endswith("/*") and own.startswith(media_range[:-1])
