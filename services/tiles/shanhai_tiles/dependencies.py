"""What routes are given: the process's services, the caller's language, the layer they name."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Annotated, ParamSpec, TypeVar

from fastapi import Depends, Request
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from starlette.types import Scope

from shanhai.db.engine import FastReader, Sessions
from shanhai.errors import Forbidden, InvalidInput, Unauthenticated, Unavailable
from shanhai.overload import SingleFlight
from shanhai.settings import PublicSettings
from shanhai.storage.artifacts import ArtifactStore
from shanhai.vocabulary import Lang
from shanhai_tiles.access import TOKEN, Gate, TileReader, token_of
from shanhai_tiles.basemaps import Basemaps
from shanhai_tiles.cache.tile_cache import TileCache
from shanhai_tiles.layers.catalogue import Layer, RasterLayer, is_hidden, no_layer
from shanhai_tiles.layers.directory import LayerDirectory
from shanhai_tiles.layers.documents import Links
from shanhai_tiles.pages import required_language
from shanhai_tiles.raster.dataset_pool import DatasetPool
from shanhai_tiles.request import recoloured
from shanhai_tiles.vector.collections import CHOOSING, selection_of

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")

EVERYWHERE = frozenset({"lang", "f", TOKEN})


@asynccontextmanager
async def working_session(sessions: Sessions) -> AsyncIterator[AsyncSession]:
    """A session on a connection that works.

    Raises:
        Unavailable: the database does not answer.
    """
    async with sessions() as session:
        try:
            await session.connection()
        except (OSError, OperationalError, InterfaceError, PoolTimeoutError) as error:
            raise Unavailable(
                "the database does not answer; try again",
                message_zh="数据库没有响应，请稍后再试",
            ) from error
        yield session


@asynccontextmanager
async def transaction(sessions: Sessions) -> AsyncIterator[AsyncSession]:
    """Work that is committed as a whole, on a connection that works."""
    async with working_session(sessions) as session:
        yield session
        await session.commit()


@dataclass(frozen=True, slots=True)
class Services:
    """What one process of the tile service holds open."""

    public: PublicSettings
    engine: AsyncEngine
    probes: Sessions
    """On a connection of their own, so that probes never queue behind tiles."""
    sessions: Sessions
    quick: FastReader
    artifacts: ArtifactStore
    readers: ThreadPoolExecutor
    analysts: ThreadPoolExecutor
    rasters: DatasetPool
    tiles: TileCache
    basemaps: Basemaps
    directory: LayerDirectory
    gate: Gate
    draining: asyncio.Event = field(default_factory=asyncio.Event)
    looks: SingleFlight[str | None] = field(default_factory=SingleFlight)
    """What probes ask the database at this moment."""

    def session(self) -> AbstractAsyncContextManager[AsyncSession]:
        """A session on a connection that works.

        Raises:
            Unavailable: the database does not answer.
        """
        return working_session(self.sessions)

    async def off_the_loop(
        self,
        work: Callable[Parameters, Result],
        *args: Parameters.args,
        **kwargs: Parameters.kwargs,
    ) -> Result:
        """Run blocking work in the bounded pool of readers."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self.readers, lambda: work(*args, **kwargs))


def services_of(request: Request) -> Services:
    """The services of this process."""
    services: Services = request.app.state.services
    return services


def is_draining(scope: Scope) -> bool:
    """Whether the service that received the request is told to stop."""
    return bool(scope["app"].state.services.draining.is_set())


ServicesDep = Annotated[Services, Depends(services_of)]


def links_of(request: Request, services: ServicesDep) -> Links:
    """Addresses under the configured public URL, which carry the caller's token on."""
    return Links(services.public.tiles_url, token_of(request), services.public.api_url)


LinksDep = Annotated[Links, Depends(links_of)]
LangDep = Annotated[Lang, Depends(required_language)]


@dataclass(frozen=True, slots=True)
class VisibleLayer:
    """A layer a caller may see, whether only their like may, and whether they are known."""

    layer: Layer
    private: bool
    to_known: bool

    def with_cells(self) -> "VisibleLayer":
        """The same for who is given cells, which no shared cache keeps without a licence.

        Raises:
            Unauthenticated: the dataset states no licence, and the caller shows no identity.
        """
        if not isinstance(self.layer, RasterLayer) or self.layer.licensed:
            return self
        if not self.to_known:
            name = self.layer.name
            raise Unauthenticated(
                f"layer {name!r} states no licence; its cells are for readers with an identity",
                message_zh=f"图层 {name!r} 未注明许可，其栅格数据仅供有身份的用户获取",
            )
        return replace(self, private=True)


async def seen_layer(request: Request, layer: str, services: ServicesDep) -> VisibleLayer:
    """The layer named in the path.

    Raises:
        NotFound: there is none for this caller.
    """
    return await see_layer(request, services, layer, request.query_params)


async def drawn_layer(request: Request, layer: str, services: ServicesDep) -> VisibleLayer:
    """The layer named in the path, for drawing a tile of it.

    Raises:
        NotFound: there is none for this caller.
    """
    return await see_layer(request, services, layer, request.query_params, to_draw=True)


DrawnDep = Annotated[VisibleLayer, Depends(drawn_layer)]


async def see_layer(
    request: Request,
    services: Services,
    layer: str,
    parameters: Mapping[str, str],
    *,
    to_draw: bool = False,
) -> VisibleLayer:
    """The layer of this name, or the part of it that `parameters` choose.

    With `to_draw` it may lack what only descriptions need.

    Raises:
        NotFound: there is none for this caller.
        Forbidden: the caller's token opens others.
    """
    reader = await reader_of(request, services)
    return await look_at(reader, services, layer, parameters, to_draw=to_draw)


async def look_at(
    reader: TileReader,
    services: Services,
    layer: str,
    parameters: Mapping[str, str],
    *,
    to_draw: bool = False,
) -> VisibleLayer:
    """The same for a caller who is known already."""
    if not reader.opens(layer):
        raise Forbidden(
            f"the tile token does not open {layer[:80]!r}",
            message_zh=f"该瓦片令牌不能打开 {layer[:80]!r}",
        )
    selection = selection_of(layer, parameters, reader.viewer)
    found = await services.directory.find(layer, selection, to_draw=to_draw)
    if not reader.may_see(found) or await _is_hidden(services, found, reader):
        raise no_layer(layer)
    chosen = [name for name in parameters if name in CHOOSING]
    if isinstance(found, RasterLayer) and chosen:
        raise unknown_parameter(chosen[0], EVERYWHERE)
    drawn = recoloured(found, parameters.get("colormap"))
    return VisibleLayer(drawn, reader.privately(found), reader.known)


async def _is_hidden(services: Services, layer: Layer, reader: TileReader) -> bool:
    if not isinstance(layer, RasterLayer) or layer.draft_of is None:
        return False
    async with services.session() as session:
        return await is_hidden(session, layer, reader.identity)


SeenDep = Annotated[VisibleLayer, Depends(seen_layer)]


async def reader_of(request: Request, services: ServicesDep) -> TileReader:
    """The caller."""
    return await services.gate.identify(request)


ReaderDep = Annotated[TileReader, Depends(reader_of)]


@dataclass(frozen=True)
class KnownParameters:
    """A dependency that refuses parameters a route does not know, so that none is ignored.

    Attributes:
        names: Those it knows.
        formats: The one value of `f` there is; None where the route reads `f` itself.
    """

    names: frozenset[str]
    formats: str | None

    def __call__(self, request: Request) -> None:
        """Look at the query.

        Raises:
            InvalidInput: it has a parameter that is unknown, or another format or language.
        """
        for name in request.query_params:
            if name not in self.names:
                raise unknown_parameter(name, self.names)
            if len(request.query_params.getlist(name)) > 1:
                raise InvalidInput(
                    f"{name} is given twice", message_zh=f"{name} 重复给出", pointer=name
                )
        required_language(request)
        formats = self.formats
        if formats is not None and request.query_params.get("f", formats) != formats:
            raise InvalidInput(
                f"f is {request.query_params['f'][:40]!r}; this resource comes as {formats}",
                message_zh=f"f 只能是 {formats}",
                pointer="f",
            )


def accepts(*names: str, formats: str | None = "json") -> KnownParameters:
    """The dependency for a route that knows these parameters beside those known everywhere."""
    return KnownParameters(EVERYWHERE.union(names), formats)


def unknown_parameter(name: str, known: frozenset[str]) -> InvalidInput:
    """The error for a parameter a route does not know, which names and shows no value."""
    return InvalidInput(
        f"parameter {name[:80]!r} is unknown here; accepted: {', '.join(sorted(known))}",
        message_zh=f"此处没有参数 {name[:80]!r}；可用：{', '.join(sorted(known))}",
        pointer=name[:80],
    )
