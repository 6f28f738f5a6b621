"""What routes are given: the process's services, the caller's language, the layer they name."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Annotated, ParamSpec, TypeVar

from fastapi import Depends, Request
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from shanhai.db.authentication import Authenticator
from shanhai.db.engine import Sessions
from shanhai.errors import InvalidInput, Unavailable
from shanhai.limits import RateLimiter
from shanhai.settings import PublicSettings
from shanhai.storage.artifacts import ArtifactStore
from shanhai.vocabulary import Lang
from shanhai_tiles.access import Reader, identify
from shanhai_tiles.cache import TileCache
from shanhai_tiles.documents import Links
from shanhai_tiles.language import required_language
from shanhai_tiles.layers import Layer, RasterLayer, find_layer, is_hidden, no_layer
from shanhai_tiles.vector_layers import CHOOSING, selection_of

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")

EVERYWHERE = frozenset({"lang", "f"})


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
    sessions: Sessions
    artifacts: ArtifactStore
    readers: ThreadPoolExecutor
    cache: TileCache
    authenticator: Authenticator
    limiter: RateLimiter

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


ServicesDep = Annotated[Services, Depends(services_of)]


def links_of(services: ServicesDep) -> Links:
    """Addresses under the configured public URL."""
    return Links(services.public.tiles_url)


LinksDep = Annotated[Links, Depends(links_of)]
LangDep = Annotated[Lang, Depends(required_language)]


@dataclass(frozen=True, slots=True)
class Seen:
    """A layer the caller may see, and whether only they and their like may."""

    layer: Layer
    private: bool


async def seen_layer(request: Request, layer: str, services: ServicesDep) -> Seen:
    """The layer named in the path.

    Raises:
        NotFound: there is none for this caller.
    """
    return await see_layer(request, services, layer, request.query_params)


async def see_layer(
    request: Request, services: Services, layer: str, parameters: Mapping[str, str]
) -> Seen:
    """The layer of this name, or the part of it that `parameters` choose.

    Raises:
        NotFound: there is none for this caller.
    """
    chosen = [name for name in parameters if name in CHOOSING]
    reader = await reader_of(request, services)
    selection = selection_of(layer, parameters, reader.viewer)
    async with services.session() as session:
        found = await find_layer(session, layer, selection)
        hidden = await is_hidden(session, found, reader.identity)
    if hidden or not reader.may_see(found):
        raise no_layer(layer)
    if isinstance(found, RasterLayer) and chosen:
        raise _unknown(chosen[0], EVERYWHERE)
    return Seen(found, reader.privately(found))


SeenDep = Annotated[Seen, Depends(seen_layer)]


async def reader_of(request: Request, services: ServicesDep) -> Reader:
    """The caller."""
    return await identify(
        request,
        services.authenticator,
        services.limiter,
        public_read=services.public.public_read,
    )


ReaderDep = Annotated[Reader, Depends(reader_of)]


def accepts(*names: str, formats: str | None = "json") -> Callable[[Request], None]:
    """A dependency that refuses parameters a route does not know, so that none is ignored.

    `formats` is the one value of `f` there is; None where the route reads `f` itself.
    """
    known = EVERYWHERE.union(names)

    def refuse_unknown(request: Request) -> None:
        for name in request.query_params:
            if name not in known:
                raise _unknown(name, known)
        if formats is not None and request.query_params.get("f", formats) != formats:
            raise InvalidInput(
                f"f is {request.query_params['f'][:40]!r}; this resource comes as {formats}",
                message_zh=f"f 只能是 {formats}",
                pointer="f",
            )

    return refuse_unknown


def _unknown(name: str, known: frozenset[str]) -> InvalidInput:
    return InvalidInput(
        f"parameter {name[:80]!r} is unknown here; accepted: {', '.join(sorted(known))}",
        message_zh=f"此处没有参数 {name[:80]!r}；可用：{', '.join(sorted(known))}",
        pointer=name[:80],
    )
