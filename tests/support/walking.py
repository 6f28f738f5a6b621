"""Walking over the pages of a service as a reader does: from link to link, a few of each kind."""

import re
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from html import unescape
from html.parser import HTMLParser
from urllib.parse import parse_qsl, urljoin, urlsplit

import httpx

OF_EACH_KIND = 1
"""Addresses that are read of those that differ by codes only."""
_LINK = re.compile(r'(?:href|src)="([^"#]+)"')
_VOID = frozenset({"meta", "link", "input", "br", "img", "hr"})
_SILENT = frozenset({"script", "style", "title"})
_CODES = frozenset({"code", "pre"})


@dataclass(frozen=True, slots=True)
class Step:
    """An address that was read, the page that leads there, and the answer."""

    url: str
    source: str
    answer: httpx.Response

    @property
    def page(self) -> bool:
        """Whether it is a page for people."""
        return str(self.answer.headers.get("Content-Type", "")).startswith("text/html")


async def walk(
    client: httpx.AsyncClient, starts: Sequence[str], lang: str, kind_of: Callable[[str], str]
) -> list[Step]:
    """All that can be reached from some pages, on the client's own host and in one language.

    Args:
        starts: Each is read, whatever its kind.
        kind_of: What pages that are made alike have in common.
    """
    home = urlsplit(str(client.base_url)).netloc
    ahead, known, kinds = deque((start, "") for start in starts), set(starts), Counter[str]()
    found = []
    while ahead:
        url, source = ahead.popleft()
        kinds[kind_of(url)] += 1
        if source and kinds[kind_of(url)] > OF_EACH_KIND:
            continue
        step = Step(url, source, await client.get(url, headers={"Accept": "text/html, */*;q=0.5"}))
        found.append(step)
        for link in _links(step) if step.page else ():
            if urlsplit(link).netloc == home and link not in known and not _other(link, lang):
                known.add(link)
                ahead.append((link, url))
    return found


def _links(step: Step) -> Iterator[str]:
    return (urljoin(step.url, unescape(link)) for link in _LINK.findall(step.answer.text))


def _other(link: str, lang: str) -> bool:
    """Whether a link leads to the other language; a page in each is read by a walk of its own."""
    return dict(parse_qsl(urlsplit(link).query)).get("lang", lang) != lang


def kinds_by_paths(paths: Iterable[str]) -> Callable[[str], str]:
    """The kind of an address: the path that describes it, its collection and what is asked for."""
    # The one with the fewest names in it comes first: `/projects/reserve` is no project.
    patterns = [
        (path, re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", path)))
        for path in sorted(paths, key=lambda path: path.count("{"))
    ]

    def kind_of(url: str) -> str:
        parts = urlsplit(url)
        asked = dict(parse_qsl(parts.query))
        query = f"{sorted({*asked} - {'f', 'lang'})} {asked.get('f')}"
        for path, pattern in patterns:
            if found := pattern.fullmatch(parts.path):
                return f"{path} {found.groupdict().get('collection', '')} {query}"
        return f"{parts.path} {query}"

    return kind_of


@dataclass
class _Visible(HTMLParser):
    """Collects what is read on a page; codes that are shown as such only if asked."""

    codes: bool = False
    texts: list[str] = field(default_factory=list)
    _open: list[tuple[str, bool]] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note whether what follows is meant for people."""
        styles = (dict(attrs).get("class") or "").split()
        if tag not in _VOID:
            coded = tag in _CODES or "code" in styles
            self._open.append((tag, tag in _SILENT or (coded and not self.codes)))

    def handle_endtag(self, tag: str) -> None:
        """Leave the innermost element of the name."""
        for place in range(len(self._open) - 1, -1, -1):
            if self._open[place][0] == tag:
                del self._open[place:]
                return

    def handle_data(self, data: str) -> None:
        """Keep what is read."""
        if data.strip() and not any(silent for _, silent in self._open):
            self.texts.append(data.strip())


def visible_texts(html: str, *, codes: bool = False) -> list[str]:
    """The texts of a page; of codes in `<code>`, `<pre>` and of the class `code` only if asked."""
    reader = _Visible(codes)
    reader.feed(html)
    return reader.texts
