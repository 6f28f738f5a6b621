"""The API in process, against the run's own PostgreSQL and Redis."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from functools import cache
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI
from pydantic import SecretStr
from sqlalchemy import delete
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai import passwords
from shanhai.db.engine import Sessions
from shanhai.db.identity import RoleGiven
from shanhai.db.queries.keys import create_key
from shanhai.db.tables.dataset import Upload
from shanhai.db.tables.zone import Region
from shanhai.settings import (
    ApiSettings,
    ArtifactSettings,
    DatabaseSettings,
    LogSettings,
    PublicSettings,
    RedisSettings,
)
from shanhai.vocabulary import ROLE_SCOPES, Role, Scope
from shanhai_api.app import create_app
from shanhai_api.kit.state import Configuration, ServiceState
from tests.service.api.declared import declaration
from tests.support.accounts import account_url
from tests.support.configured import configured
from tests.support.declared import AsDeclared
from tests.support.feature_rows import forget_features
from tests.support.job_rows import add_region
from tests.support.joint_plans import PLACES, PLANS, PROJECTS, People, names, plan, post, project

BASE = "http://api.test"


MakeClient = Callable[..., Awaitable[httpx.AsyncClient]]


@pytest.fixture(autouse=True)
def quick_passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    """Passwords cost a millisecond; `tests/unit/test_passwords.py` holds what they cost."""
    cost = f"m={passwords.MEMORY_KIB},t={passwords.PASSES}"
    monkeypatch.setattr(passwords, "NO_PASSWORD", passwords.NO_PASSWORD.replace(cost, "m=64,t=1"))
    monkeypatch.setattr(passwords, "MEMORY_KIB", 64)
    monkeypatch.setattr(passwords, "PASSES", 1)


@cache
def _usual() -> Configuration:
    """Read once: all of them take longer than many a test."""
    return Configuration(
        DatabaseSettings(url=SecretStr("postgresql:///replaced")),
        RedisSettings(url=SecretStr("redis://replaced")),
        ArtifactSettings(root=Path("replaced")),
        PublicSettings(api_url=BASE, tiles_url="http://tiles.test", public_read=True),
        ApiSettings(),
        LogSettings(),
    )


@pytest.fixture(scope="module")
def shared_configuration(
    database_url: str, redis_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Configuration:
    """The settings of the module's application."""
    return replace(
        _usual(),
        database=DatabaseSettings(url=SecretStr(account_url(database_url, "api")), pool_size=5),
        redis=RedisSettings(url=SecretStr(redis_url)),
        artifacts=_artifacts(tmp_path_factory.mktemp("artifacts")),
    )


@pytest.fixture
def configuration(
    request: pytest.FixtureRequest, shared_configuration: Configuration, tmp_path: Path
) -> Configuration:
    """The usual settings, with what the mark `configured` of a test, class or module says."""
    if not _is_own(request):
        return shared_configuration
    own = {"artifacts": _artifacts(tmp_path / "artifacts")}
    return replace(shared_configuration, **own | configured(request))


@pytest.fixture(scope="module")
async def shared_app(shared_configuration: Configuration) -> AsyncIterator[FastAPI]:
    """The application of the module, opened."""
    async with _opened(shared_configuration) as app:
        yield app


@pytest.fixture
async def own_app(configuration: Configuration) -> AsyncIterator[FastAPI]:
    """An application of the test's own, opened."""
    async with _opened(configuration) as app:
        yield app


@pytest.fixture
def app(request: pytest.FixtureRequest, configuration: Configuration) -> FastAPI:
    """The application: the module's, or with the mark `configured` the test's own.

    A new one opens new connections, which take longer than most tests do.
    """
    if _is_own(request):
        return request.getfixturevalue("own_app")  # type: ignore[no-any-return]
    app: FastAPI = request.getfixturevalue("shared_app")
    state: ServiceState = app.state.service
    # Each is remembered for longer than a test takes.
    state.authenticator.tree.known.clear()
    state.limiter.buckets.clear()
    state.extents.clear()
    return app


def _artifacts(root: Path) -> ArtifactSettings:
    return ArtifactSettings(root=root, upload_limit_bytes=1_000_000)


def _is_own(request: pytest.FixtureRequest) -> bool:
    return request.node.get_closest_marker("configured") is not None


@asynccontextmanager
async def _opened(configuration: Configuration) -> AsyncIterator[FastAPI]:
    app = create_app(configuration)
    app.add_middleware(AsDeclared, declaration=declaration())
    async with app.router.lifespan_context(app):
        yield app


@pytest.fixture
def state(app: FastAPI, sessions: Sessions) -> ServiceState:
    """What the application works with, but for sessions of the superuser.

    Tests arrange what no service may do; the application goes on with its own account.
    """
    state: ServiceState = app.state.service
    return replace(state, sessions=sessions)


@pytest.fixture
async def session(state: ServiceState) -> AsyncIterator[AsyncSession]:
    """A session on a database without features and jobs; commit what the API is to see."""
    async with state.sessions() as session:
        await forget_features(session)
        await session.commit()
        yield session


@pytest.fixture
async def city(city: Region, session: AsyncSession) -> Region:
    """The city, where the API sees it."""
    await session.commit()
    return city


@pytest.fixture
async def client_with(app: FastAPI, state: ServiceState) -> AsyncIterator[MakeClient]:
    """Makes clients whose key has the scopes given; without any, anonymous ones."""
    async with AsyncExitStack() as stack:

        async def make(*scopes: Scope) -> httpx.AsyncClient:
            headers = {}
            if scopes:
                async with state.sessions.begin() as session:
                    key = await create_key(session, name="test", scopes=scopes)
                headers["Authorization"] = f"Bearer {key}"
            transport = httpx.ASGITransport(app=app, client=("127.0.0.1", 1))
            client = httpx.AsyncClient(transport=transport, base_url=BASE, headers=headers)
            return await stack.enter_async_context(client)

        yield make


@pytest.fixture
async def anonymous(client_with: MakeClient) -> httpx.AsyncClient:
    return await client_with()


@pytest.fixture
async def reader(client_with: MakeClient) -> httpx.AsyncClient:
    return await client_with(Scope.READ)


@pytest.fixture
async def runner(client_with: MakeClient) -> httpx.AsyncClient:
    return await client_with(Scope.READ, Scope.JOBS)


@pytest.fixture
async def publisher(client_with: MakeClient) -> httpx.AsyncClient:
    return await client_with(Scope.READ, Scope.JOBS, Scope.WRITE)


@pytest.fixture
async def admin(client_with: MakeClient) -> httpx.AsyncClient:
    return await client_with(Scope.ADMIN)


@pytest.fixture
async def people(app: FastAPI, state: ServiceState, session: AsyncSession) -> AsyncIterator[People]:
    """Somebody of each role in each of three regions, and the public."""
    for code, box in PLACES.items():
        await add_region(session, code, box=box)
    await session.commit()
    found: dict[str, httpx.AsyncClient] = {}
    transport = httpx.ASGITransport(app=app, client=("127.0.0.1", 1))
    for place in ("a", "b", "c"):
        for role in (Role.PLANNER, Role.APPROVER):
            async with state.sessions.begin() as unit:
                key = await create_key(
                    unit,
                    name=f"{role} of {place}",
                    scopes=sorted(ROLE_SCOPES[role]),
                    roles=[RoleGiven(role, place)],
                )
            headers = {"Authorization": f"Bearer {key}"}
            found[f"{role}@{place}"] = httpx.AsyncClient(
                transport=transport, base_url=BASE, headers=headers
            )
    found["anonymous"] = httpx.AsyncClient(transport=transport, base_url=BASE)
    yield found
    for client in found.values():
        await client.aclose()


@pytest.fixture
async def joint(people: People) -> People:
    """The draft of a joint plan of `a`, which leads, and `b`, with content of both."""
    own, other = people["planner@a"], people["planner@b"]
    await post(own, PLANS, plan("joint", region="a", regions=["a", "b"]))
    await post(own, "/plans/joint/programmes", names("programme-a"))
    await post(other, "/plans/joint/programmes", {**names("programme-b"), "region": "b"})
    await post(own, "/plans/joint/parts", {**names("part-a"), "region": "a"})
    await post(other, "/plans/joint/parts", {**names("part-b"), "region": "b", "text_en": "Ours"})
    await post(own, PROJECTS, project("project-a", region="a", plan="joint"))
    await post(other, PROJECTS, project("project-b", region="b", programme="programme-b"))
    return people


@pytest.fixture
async def no_uploads(session: AsyncSession) -> None:
    """No upload of an earlier test is left."""
    await session.execute(delete(Upload))
    await session.commit()
