"""Where the service is seen from outside, and who is calling."""

from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address

from fastapi import Request

from shanhai.settings import PublicSettings
from shanhai_api.state import state_of

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
