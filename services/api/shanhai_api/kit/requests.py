"""What a request tells of itself: its id, its caller's language, addresses seen from outside."""

from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address

from fastapi import Request

from shanhai.settings import PublicSettings
from shanhai.vocabulary import Lang
from shanhai_api.kit.state import state_of

DEFAULT: Lang = "en"


def chosen_language(request: Request) -> Lang | None:
    """The language asked for by `lang=`."""
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


def request_id_of(request: Request) -> str:
    """The id the middleware gave the request."""
    return str(request.state.request_id)


Address = IPv4Address | IPv6Address


def base_url(request: Request) -> str:
    """The public base URL: configured, or as a trusted proxy says."""
    public = state_of(request).configuration.public
    host = request.headers.get("x-forwarded-host")
    if host is None or not is_trusted(peer(request), public):
        return public.api_url
    scheme = request.headers.get("x-forwarded-proto", "https")
    prefix = request.headers.get("x-forwarded-prefix", "").rstrip("/")
    return f"{scheme}://{host}{prefix}"


def client_address(request: Request) -> Address | None:
    """The caller's address: the nearest one that is not a trusted proxy's."""
    public = state_of(request).configuration.public
    address = peer(request)
    hops = request.headers.get("x-forwarded-for", "").split(",")
    for hop in reversed([hop.strip() for hop in hops if hop.strip()]):
        if not is_trusted(address, public):
            break
        address = parse(hop)
    return address


def peer(request: Request) -> Address | None:
    """The address of the other end of the connection."""
    return parse(request.client.host) if request.client is not None else None


@lru_cache(maxsize=1024)
def parse(text: str) -> Address | None:
    """An address; None when the text is none (a name, a Unix socket)."""
    try:
        return ip_address(text)
    except ValueError:
        return None


def is_trusted(address: Address | None, public: PublicSettings) -> bool:
    """Whether the address belongs to a proxy whose headers are believed."""
    return address is not None and any(address in network for network in public.trusted_proxies)
