"""Open catalogues: which gives which theme, and the search of their STAC API."""

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urljoin, urlsplit

import httpx
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from shanhai.data.regions import Box
from shanhai.errors import InvalidInput, NotFound, Unavailable

Combine = Literal["first", "mean", "max"]


class StacCatalogue(BaseModel):
    """A STAC API and the hosts its assets may lie on."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    url: str = Field(pattern=r"^https?://")
    asset_hosts: tuple[str, ...] = Field(min_length=1, description="host names, `*` allowed")
    token_url: str | None = Field(None, description="gives a query string; `{collection}`")
    s3_url: str | None = Field(None, description="public address of `s3://{bucket}/{key}`")


class ThemeSource(BaseModel):
    """One theme in one collection; `value = raw * scale + offset`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    catalogue: str
    collection: str
    asset: str
    name_zh: str
    name_en: str
    source: str
    licence: str
    unit: str | None = None
    datetime: str | None = None
    query: dict[str, Any] = Field(default_factory=dict)
    item_id: str = Field("*", description="items whose id fits this pattern, `*` allowed")
    combine: Combine = Field("first", description="what to do with several dates")
    nodata: float | None = None
    valid_min: float | None = Field(None, description="raw values below are nodata")
    valid_max: float | None = Field(None, description="raw values above are nodata")
    scale: float = 1.0
    offset: float = 0.0
    class_scheme: str | None = None
    water: int | None = Field(None, description="raw code of water, the sea included")
    codes: dict[str, float | Literal["nodata"]] = Field(
        default_factory=dict, description="what raw numbers stand for that are no values"
    )


class Catalogues(BaseModel):
    """All catalogues and themes of a configuration."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    catalogues: dict[str, StacCatalogue]
    themes: dict[str, ThemeSource]

    @model_validator(mode="after")
    def know_every_catalogue(self) -> "Catalogues":
        """Refuse a theme whose catalogue is not listed."""
        for name, theme in self.themes.items():
            if theme.catalogue not in self.catalogues:
                raise ValueError(f"themes.{name}.catalogue names no catalogue: {theme.catalogue}")
        return self

    def theme(self, name: str) -> ThemeSource:
        """The source of a theme.

        Raises:
            InvalidInput: no open source is known for it.
        """
        if name not in self.themes:
            known = ", ".join(sorted(self.themes))
            raise InvalidInput(
                f"theme is {name}; an open catalogue is configured for: {known}",
                message_zh=f"主题 {name} 没有配置开放数据目录;可用:{known}",
                pointer="/theme",
            )
        return self.themes[name]


def read_catalogues(path: Path | None = None) -> Catalogues:
    """The configuration in `path`, or the one that comes with the package.

    Raises:
        InvalidInput: the file is missing, not TOML, or breaks a rule, which is named.
    """
    try:
        text = _bundled() if path is None else path.read_text(encoding="utf-8")
        return Catalogues.model_validate(tomllib.loads(text))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, ValidationError) as error:
        raise InvalidInput(f"catalogues {path or 'of the package'}: {error}") from error


def _bundled() -> str:
    return files("shanhai.data").joinpath("catalogues.toml").read_text(encoding="utf-8")


_PAGE_ITEMS = 100
_MAX_PAGES = 50
_SCHEMES = ("http", "https")


@dataclass(frozen=True, slots=True)
class Asset:
    """A file to read: whose item, of what time, where."""

    item: str
    moment: str
    url: str


def find_assets(
    client: httpx.Client, catalogue: StacCatalogue, source: ThemeSource, box: Box
) -> list[Asset]:
    """The assets of all items that touch `box`, newest first.

    Raises:
        NotFound: no item fits.
        InvalidInput: an asset lies on a host that is not allowed.
        Unavailable: the catalogue does not answer as a STAC API does.
    """
    found = [
        _asset(item, catalogue, source)
        for item in search_items(client, catalogue.url, source, box)
        if fnmatchcase(str(item.get("id", "")), source.item_id)
    ]
    if not found:
        raise NotFound(f"{source.collection} at {catalogue.url} has no item in the box {box}")
    return sorted(found, key=lambda asset: (asset.moment, asset.item), reverse=True)


def search_items(
    client: httpx.Client, url: str, source: ThemeSource, box: Box
) -> Iterator[dict[str, Any]]:
    """Items of the collection that touch `box`, page after page."""
    body: dict[str, Any] = {
        "collections": [source.collection],
        "bbox": list(box),
        "limit": _PAGE_ITEMS,
    }
    if source.datetime is not None:
        body["datetime"] = source.datetime
    if source.query:
        body["query"] = source.query
    request = client.build_request("POST", f"{url}/search", json=body)
    for _ in range(_MAX_PAGES):
        page = _answer(client, request)
        yield from page["features"]
        following = _next_request(client, page, body, str(request.url))
        if following is None:
            return
        request = following
    raise Unavailable(f"{url} gives more than {_MAX_PAGES} pages of {source.collection}")


def sign(
    client: httpx.Client, catalogue: StacCatalogue, source: ThemeSource, assets: list[Asset]
) -> list[Asset]:
    """The assets with the query string that the catalogue's token service asks for."""
    if catalogue.token_url is None:
        return assets
    address = catalogue.token_url.format(collection=source.collection)
    token = str(_answer(client, client.build_request("GET", address), member="token")["token"])
    return [Asset(asset.item, asset.moment, f"{asset.url}?{token}") for asset in assets]


def _asset(item: dict[str, Any], catalogue: StacCatalogue, source: ThemeSource) -> Asset:
    name = str(item.get("id", ""))
    href = item.get("assets", {}).get(source.asset, {}).get("href")
    if not isinstance(href, str):
        raise Unavailable(f"item {name} of {source.collection} has no asset {source.asset}")
    properties = item.get("properties", {})
    moment = properties.get("datetime") or properties.get("start_datetime") or ""
    return Asset(name, str(moment), _allowed(_public(href, catalogue), catalogue))


def _public(href: str, catalogue: StacCatalogue) -> str:
    parts = urlsplit(href)
    if parts.scheme == "s3" and catalogue.s3_url is not None:
        return catalogue.s3_url.format(bucket=parts.netloc, key=parts.path.lstrip("/"))
    return href


def _allowed(url: str, catalogue: StacCatalogue) -> str:
    parts = urlsplit(url)
    own = urlsplit(catalogue.url).hostname
    host = parts.hostname or ""
    known = host == own or any(fnmatchcase(host, pattern) for pattern in catalogue.asset_hosts)
    if parts.scheme not in _SCHEMES or not known:
        raise InvalidInput(
            f"asset {url} lies on a host that is not allowed; asset_hosts of the catalogue are "
            f"{', '.join(catalogue.asset_hosts)}"
        )
    return url


def _next_request(
    client: httpx.Client, page: dict[str, Any], body: dict[str, Any], base: str
) -> httpx.Request | None:
    """The request of the next page as its link describes it (STAC API, paging)."""
    for link in page.get("links", []):
        if link.get("rel") != "next":
            continue
        address = urljoin(base, str(link["href"]))
        if urlsplit(address).netloc != urlsplit(base).netloc:
            raise Unavailable(f"the next page of {base} lies on another host: {address}")
        if str(link.get("method", "GET")).upper() == "GET":
            return client.build_request("GET", address)
        given = link.get("body", {})
        merged = {**body, **given} if link.get("merge") else given or body
        return client.build_request("POST", address, json=merged)
    return None


def _answer(
    client: httpx.Client, request: httpx.Request, member: str = "features"
) -> dict[str, Any]:
    try:
        response = client.send(request)
        response.raise_for_status()
        answer = response.json()
    except (httpx.HTTPError, ValueError) as error:
        raise Unavailable(f"{request.url} does not answer as expected: {error}") from error
    if not isinstance(answer, dict) or member not in answer:
        raise Unavailable(f"{request.url} gives no {member}")
    return answer
