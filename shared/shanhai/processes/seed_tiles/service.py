"""The tile service as a job sees it: documents and tiles over HTTP, and nothing else."""

import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, NoReturn, Self
from urllib.parse import quote

import httpx

from shanhai import __version__
from shanhai.errors import Conflict, Fault, Forbidden, InvalidInput, NotFound, Unavailable
from shanhai.processes.kit.task import TilesTask
from shanhai.processes.seed_tiles.contract import SeedTilesInputs

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
            limits=httpx.Limits(max_connections=CONNECTIONS, max_keepalive_connections=CONNECTIONS),
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
        document: dict[str, Any] = response.json()
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
