"""Links in what is told: with the address of the service in answers, without it in the outbox."""

from dataclasses import dataclass
from typing import Protocol
from urllib.parse import urlencode

from shanhai.vocabulary import Lang

Link = dict[str, str]
JSON = "application/json"


class Linking(Protocol):
    """Makes links, for somebody who reads a language."""

    @property
    def lang(self) -> Lang:
        """The language."""

    def link(
        self,
        path: str,
        rel: str,
        media_type: str = JSON,
        title: str | None = None,
        /,
        **parameters: str | int | None,
    ) -> Link:
        """A link to a resource of the API."""


@dataclass(frozen=True, slots=True)
class HostlessLinks:
    """Makes links that begin with `/`; who sends them knows the public address."""

    lang: Lang

    def link(
        self,
        path: str,
        rel: str,
        media_type: str = JSON,
        title: str | None = None,
        /,
        **parameters: str | int | None,
    ) -> Link:
        """A link to a resource of the API."""
        query = urlencode({name: value for name, value in parameters.items() if value is not None})
        href = f"{path}?{query}" if query else path
        named = {} if title is None else {"title": title}
        return {"href": href, "rel": rel, "type": media_type, **named}
