"""The examples of a documentation page, to be run as they are printed."""

import re
from pathlib import Path

CLIENTS = Path(__file__).parents[3] / "docs" / "clients.md"
WRITTEN = "http://localhost:8001"
"""The address that examples are printed with."""

_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def examples(heading: str, language: str, address: str, page: Path = CLIENTS) -> list[str]:
    """The code blocks of a language under a heading, asking the service at `address`."""
    sections = re.split(r"^## ", page.read_text(), flags=re.MULTILINE)
    section = next(text for text in sections if text.split("\n")[0].split(" ")[0] == heading)
    found = [code for name, code in _BLOCK.findall(section) if name == language]
    assert all(WRITTEN in code or "localhost" not in code for code in found)
    return [code.replace(WRITTEN, address) for code in found]


def example(heading: str, language: str, address: str) -> str:
    """The only code block of a language under a heading."""
    (found,) = examples(heading, language, address)
    return found
