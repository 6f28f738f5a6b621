"""What pages tell of those who acted."""

import re

PERSON = re.compile(r'<span title="(?:key:[a-z0-9]{8}|account:\d+)">([^<]*)</span>')
BARE = re.compile(r">[^<]*\b(?:key:[a-z0-9]{8}|account:\d+)\b")


def people_told(html: str) -> set[str]:
    """The names that stand where a code was, on a page that shows no code of an actor."""
    assert not BARE.search(html), BARE.findall(html)
    return set(PERSON.findall(html))
