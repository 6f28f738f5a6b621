"""Addresses, links and amounts of what hangs on a project."""

from decimal import Decimal
from urllib.parse import quote

from shanhai_api.negotiation import HTML, JSON, Format
from shanhai_api.view import Link, View


def project_path(code: str) -> str:
    """Where what hangs on a project is."""
    return f"/projects/{quote(code, safe='')}"


def item_path(code: str) -> str:
    """The project itself."""
    return f"/collections/projects/items/{quote(code, safe='')}"


def here_links(view: View, *formats: Format) -> list[Link]:
    """This very document in its formats, with the parameters it was asked with."""
    offered = formats or (JSON, HTML)
    return [
        {**link, "href": view.here(f=item.name)}
        for item, link in zip(offered, view.self_links("", *offered), strict=True)
    ]


def money(amount: Decimal) -> str:
    """An amount, exactly."""
    return f"{amount:.2f}"
