"""What `Prefer` wishes for (RFC 7240)."""

import re
from collections.abc import Mapping

from fastapi import Request

WISH = re.compile(r'\s*([!#$%&\'*+.^_`|~\w-]+)\s*(?:=\s*("(?:[^"\\]|\\.)*"|[^\s,;"]*))?')
"""A preference and its value, which may be quoted; what follows `;` is about it."""
BETWEEN = re.compile(r'(?:[^",]|"(?:[^"\\]|\\.)*"?)+')
"""What stands between two commas outside of quotes."""


def preferences(request: Request) -> Mapping[str, str]:
    """The preferences by their names in lower case, with their values, empty where there is none.

    A header that comes several times is one list; of a preference stated twice, the first counts.
    """
    found: dict[str, str] = {}
    for part in BETWEEN.findall(",".join(request.headers.getlist("prefer"))):
        wish = WISH.match(part)
        if wish is not None:
            found.setdefault(wish[1].lower(), (wish[2] or "").strip('"').lower())
    return found
