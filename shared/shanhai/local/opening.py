"""Which addresses a person can open in a browser, who has shown no identity."""

from collections.abc import Mapping

import httpx

ACCEPT = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
_TIMEOUT_S = 60.0


def openable(addresses: Mapping[str, str]) -> dict[str, str]:
    """Those of some addresses that answer a browser with what they show; files are kept as such."""
    with httpx.Client(timeout=_TIMEOUT_S, headers={"Accept": ACCEPT}) as http:
        return {
            title: address
            for title, address in addresses.items()
            if not address.startswith("http") or _opens(http, address)
        }


def _opens(http: httpx.Client, address: str) -> bool:
    with http.stream("GET", address, follow_redirects=True) as response:
        return not response.is_error
