"""The tile service as a job sees it: what it says of its layers, and its tiles; over HTTP."""

import json
import logging
import re
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Any, NoReturn, Self, cast
from urllib.parse import quote

import httpx

from shanhai import __version__
from shanhai.errors import Conflict, Fault, Forbidden, InvalidInput, NotFound, Unavailable
from shanhai.processes.kit.task import TilesTask
from shanhai.processes.seed_tiles.contract import Box, SeedTilesInputs
from shanhai.vocabulary import Label

CONNECTIONS = 4
"""Tiles asked for at once: enough to keep a process of the service busy, few enough for others."""
CONNECT_S, ANSWER_S = 5.0, 60.0
PATIENCE_S = 300.0
"""Seconds for which the service may be silent or too busy before a job gives up."""
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.1, 5.0
PASSING = frozenset({429, 502, 503, 504})
TRUNCATED = "shanhai-tile-truncated"
"""Header of tiles of features in which not all are."""
LARGEST_TILE = 32 * 1024 * 1024

Parameters = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Tile:
    """A tile as the service gave it.

    Attributes:
        content: Its bytes; empty where a layer of features has nothing.
        current: Whether the version that was asked for is still the layer's.
        truncated: Whether features were left out because there were too many.
    """

    content: bytes
    current: bool
    truncated: bool = False


class TileService:
    """A few connections to the tile service, kept open; use as a context manager."""

    def __init__(self, task: TilesTask) -> None:
        # Its line per request would tell the token, which is part of the address.
        logging.getLogger("httpx").setLevel(logging.WARNING)
        self._token = task.token
        self._http = httpx.Client(
            base_url=task.url,
            timeout=httpx.Timeout(ANSWER_S, connect=CONNECT_S),
            transport=httpx.HTTPTransport(
                uds=task.socket,
                trust_env=False,
                limits=httpx.Limits(
                    max_connections=CONNECTIONS, max_keepalive_connections=CONNECTIONS
                ),
            ),
            headers={"User-Agent": f"shanhai-seeding/{__version__}"},
            follow_redirects=False,
            trust_env=False,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._http.close()

    @property
    def has_token(self) -> bool:
        """Whether it can be asked in the name of who asked for the job."""
        return self._token is not None

    def document(self, path: str, parameters: Parameters, *, own: bool) -> dict[str, Any]:
        """The JSON document at `path`, as anyone sees it or as who asked for the job does.

        Raises:
            NotFound, Forbidden, InvalidInput, Conflict: the service says why not.
            Unavailable: it does not answer.
        """
        asked = {**parameters, **self._right(own)}
        response = self._ask(path, asked)
        if response.status_code != 200:
            self._refuse(path, asked, response)
        # Whoever is given a pack would be given the token, too, with the addresses told in it.
        shown = re.sub(f"(?:[?&]|&amp;)token={self._token}", "", response.text)
        document: dict[str, Any] = json.loads(shown)
        return document

    def tile(self, path: str, parameters: Parameters, *, own: bool) -> Tile:
        """One tile; whether its version holds is told by how long the answer may be kept.

        Raises:
            NotFound, Forbidden, InvalidInput, Conflict: the service says why not.
            Unavailable: it does not answer.
        """
        asked = {**parameters, **self._right(own)}
        response = self._ask(path, asked)
        if response.status_code not in {200, 204}:
            self._refuse(path, asked, response)
        if len(response.content) > LARGEST_TILE:
            raise Unavailable(
                f"{path} has {len(response.content):,} bytes, which is no tile",
                message_zh=f"{path} 有 {len(response.content):,} 字节，不是瓦片",
            )
        return Tile(
            response.content,
            current="immutable" in response.headers.get("cache-control", ""),
            truncated=TRUNCATED in response.headers,
        )

    def _right(self, own: bool) -> dict[str, str]:
        return {"token": self._token} if own and self._token else {}

    def _ask(self, path: str, parameters: Parameters) -> httpx.Response:
        """The answer, once the service is neither silent nor too busy."""
        deadline, pause = time.monotonic() + PATIENCE_S, FIRST_PAUSE_S
        while True:
            response, why, wait_s = self._try(path, parameters)
            if response is not None:
                return response
            wait_s = max(pause, wait_s)
            if time.monotonic() + wait_s > deadline:
                raise Unavailable(
                    f"the tile service does not answer {path}: {why}",
                    message_zh=f"瓦片服务没有响应 {path}：{why}",
                )
            time.sleep(wait_s)
            pause = min(2 * pause, LONGEST_PAUSE_S)

    def _try(self, path: str, parameters: Parameters) -> tuple[httpx.Response | None, str, float]:
        """The answer; or None with the reason, and the seconds the service asks to wait."""
        try:
            response = self._http.get(path, params=parameters)
        except httpx.TransportError as error:
            return None, type(error).__name__, 0.0
        if response.status_code in PASSING:
            return None, f"status {response.status_code}", _seconds(response)
        return response, "", 0.0

    def _refuse(self, path: str, asked: Parameters, response: httpx.Response) -> NoReturn:
        """Raise what the service refused, in both languages and with pointers to the inputs."""
        english, chinese = (
            _problem(self._ask(path, {**asked, "lang": lang})) for lang in ("en", "zh")
        )
        detail = str(english.get("detail", f"status {response.status_code}"))
        detail_zh = str(chinese.get("detail", detail))
        match response.status_code:
            case 404:
                raise NotFound(detail, message_zh=detail_zh)
            case 401 | 403:
                raise Forbidden(detail, message_zh=detail_zh)
            case 409:
                raise Conflict(detail, message_zh=detail_zh)
            case 400:
                raise InvalidInput(detail, message_zh=detail_zh, faults=_faults(english, chinese))
            case status:
                raise Unavailable(
                    f"the tile service answered {path} with status {status}",
                    message_zh=f"瓦片服务对 {path} 返回状态 {status}",
                )


def layer_path(layer: str, tail: str = "") -> str:
    """The address of a layer or of something below it."""
    return f"/layers/{quote(layer)}{tail}"


def _seconds(response: httpx.Response) -> float:
    given = response.headers.get("retry-after", "")
    return min(float(given), PATIENCE_S) if given.isdigit() else 0.0


def _problem(response: httpx.Response) -> dict[str, Any]:
    try:
        document = response.json()
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}


def _faults(english: Mapping[str, Any], chinese: Mapping[str, Any]) -> list[Fault]:
    told = english.get("errors", [])
    return [
        Fault(_pointer(str(one["pointer"])), one["detail"], other["detail"])
        for one, other in zip(told, chinese.get("errors", told), strict=True)
    ]


def _pointer(parameter: str) -> str:
    """Where a parameter of the tile service comes from; the inputs as a whole if from no one."""
    return f"/inputs/{parameter}" if parameter in SeedTilesInputs.model_fields else "/inputs"


FIELD_TYPES = {"number": "Number", "integer": "Number", "boolean": "Boolean"}
"""Types of properties as MBTiles names them; all others are strings."""


@dataclass(frozen=True, slots=True)
class SeenLayer:
    """A layer at one version, as far as anyone or as who asked for the job may see it.

    Attributes:
        version: Changes with whatever would change a tile of what was chosen.
        bounds: Its box in degrees.
        maxzoom: The last level of the grid that shows more than the one above.
        own: Whether it is seen with the right of who asked for the job.
        document: Its description.
        tilejson: Its TileJSON in both languages.
        vector_layers: What its tiles of features hold, with the types of properties.
    """

    name: str
    kind: str
    title: Label
    version: str
    bounds: Box
    maxzoom: int
    own: bool
    document: Mapping[str, Any]
    tilejson: Mapping[str, Mapping[str, Any]]
    vector_layers: tuple[Mapping[str, Any], ...] = ()

    @property
    def stand_in_notes(self) -> list[dict[str, Any]]:
        """What stands in for measurements in what it rests on."""
        return list(self.document["stand_in_notes"])


def see_layers(service: TileService, inputs: SeedTilesInputs) -> list[SeenLayer]:
    """Every layer asked for, in that order.

    Raises:
        InvalidInput: one is not there, or does not come as it is asked for; all faults are told.
    """
    seen, faults = [], []
    for number, name in enumerate(inputs.layers):
        try:
            layer = _see(service, name, inputs)
        except (NotFound, Forbidden) as error:
            pointer = f"/inputs/layers/{number}"
            faults.append(Fault(pointer, error.message, error.message_zh))
            continue
        faults += _misfits(layer, inputs)
        seen.append(layer)
    refuse_all(faults)
    return seen


def refuse_all(faults: Iterable[Fault]) -> None:
    """Raise when there are faults, each told once.

    Raises:
        InvalidInput: there is at least one.
    """
    told = tuple(dict.fromkeys(faults))
    if told:
        raise InvalidInput.of(told)


def chosen(inputs: SeedTilesInputs) -> dict[str, str]:
    """The parameters that choose a part of a layer: features, and what they carry."""
    given = {
        "scheme": inputs.scheme,
        "filter": inputs.filter,
        "as_of": inputs.as_of and inputs.as_of.isoformat(),
        "properties": inputs.properties and ",".join(inputs.properties),
    }
    return {name: value for name, value in given.items() if value}


def drawn(inputs: SeedTilesInputs) -> dict[str, str]:
    """The parameters that say how a tile is drawn."""
    given = {
        "band": inputs.band and str(inputs.band),
        "rescale": inputs.rescale and ",".join(f"{end:.15g}" for end in inputs.rescale),
        "colormap": inputs.colormap,
    }
    return {name: value for name, value in given.items() if value}


def suffix_of(layer: SeenLayer, inputs: SeedTilesInputs) -> str:
    """The format its tiles are asked for in."""
    return inputs.format or ("mvt" if layer.kind == "vector" else "png")


def legend_address(layer: SeenLayer, inputs: SeedTilesInputs) -> str:
    """Where the legend of what is drawn lies, for people who open the pack."""
    address = httpx.URL(layer.tilejson["zh"]["legend"])
    return str(address.copy_merge_params({k: v for k, v in drawn(inputs).items() if k != "band"}))


def _see(service: TileService, name: str, inputs: SeedTilesInputs) -> SeenLayer:
    """As anyone sees it, unless that is nothing or more was asked for."""
    if inputs.own_view:
        if not service.has_token:
            raise Forbidden(
                "own_view is asked for, but this platform issues no tokens for tiles",
                message_zh="要求 own_view，但本平台未启用瓦片令牌",
            )
        return _read(service, name, inputs, own=True)
    try:
        return _read(service, name, inputs, own=False)
    except (NotFound, Forbidden):
        if not service.has_token:
            raise
    return _read(service, name, inputs, own=True)


def _read(service: TileService, name: str, inputs: SeedTilesInputs, *, own: bool) -> SeenLayer:
    choice = chosen(inputs)
    document = service.document(layer_path(name), choice, own=own)
    layer = SeenLayer(
        name=name,
        kind=document["kind"],
        title=Label(document["title_zh"], document["title_en"]),
        version=document["version"],
        bounds=cast("Box", tuple(document["bounds"])),
        maxzoom=document["maxzoom"],
        own=own,
        document=document,
        tilejson={},
    )
    if inputs.grid not in document["tile_matrix_sets"]:
        return layer  # which is told with the other misfits
    told = {
        lang: service.document(
            layer_path(name, "/tilejson.json"),
            {**choice, "tms": inputs.grid, "lang": lang},
            own=own,
        )
        for lang in ("zh", "en")
    }
    layer = replace(layer, tilejson=told, maxzoom=told["en"]["maxzoom"])
    if layer.kind != "vector":
        return layer
    return replace(layer, vector_layers=_vector_layers(service, layer, inputs))


def _vector_layers(
    service: TileService, layer: SeenLayer, inputs: SeedTilesInputs
) -> tuple[Mapping[str, Any], ...]:
    """What the tiles hold: TileJSON has the names, the tileset the types."""
    path = f"/collections/{quote(layer.name)}/tiles/{inputs.grid}"
    tileset = service.document(path, chosen(inputs), own=layer.own)
    types = {
        name: FIELD_TYPES.get(str(schema.get("type")), "String")
        for name, schema in tileset["layers"][0]["propertiesSchema"]["properties"].items()
        if inputs.properties is None or name in inputs.properties
    }
    return tuple(
        {
            **{name: one[name] for name in ("id", "description") if name in one},
            "fields": {name: types[name] for name in one["fields"] if name in types},
        }
        for one in layer.tilejson["en"]["vector_layers"]
    )


def _misfits(layer: SeenLayer, inputs: SeedTilesInputs) -> list[Fault]:
    faults = []
    known = layer.document["tile_matrix_sets"]
    if inputs.grid not in known:
        faults.append(
            Fault(
                "/inputs/grid",
                f"grid is {inputs.grid}; layer {layer.name} comes in {', '.join(known)}",
                f"grid 为 {inputs.grid}；图层 {layer.name} 可用：{'、'.join(known)}",
            )
        )
    suffix, formats = suffix_of(layer, inputs), layer.document["formats"]
    if suffix not in formats:
        faults.append(
            Fault(
                "/inputs/format",
                f"format is {suffix}; layer {layer.name} comes as {', '.join(formats)}",
                f"format 为 {suffix}；图层 {layer.name} 可用：{'、'.join(formats)}",
            )
        )
    return faults
