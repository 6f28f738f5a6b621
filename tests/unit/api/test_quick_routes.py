"""Which routes are found past the router, and how errors of theirs are told."""

import httpx
import pytest
from fastapi import APIRouter, Depends, FastAPI, HTTPException, Request, Response

from shanhai.errors import Conflict
from shanhai_api.kit.dependencies import DirectRoute
from shanhai_api.kit.middleware import QuickRoutes

quick, guarded = APIRouter(route_class=DirectRoute), APIRouter()


async def told(_: Request, error: Exception) -> Response:
    return Response(str(error), 409)


def refuse() -> None:
    raise HTTPException(401)


@quick.post("/quick")
async def post_quick(request: Request) -> Response:
    if request.query_params:
        raise Conflict("twice")
    return Response(request.scope["route"].path)


@quick.get("/named/{code}")
async def get_named(request: Request) -> Response:
    return Response(f"{request.scope['route'].path} {request.path_params['code']}")


@guarded.post("/guarded", dependencies=[Depends(refuse)])
async def post_guarded(request: Request) -> Response:
    return Response("unguarded")


@pytest.fixture
def quick_client() -> httpx.AsyncClient:
    app = FastAPI(exception_handlers={Conflict: told})
    app.include_router(guarded)
    app.add_middleware(QuickRoutes, routes=[*quick.routes, *guarded.routes])
    return httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://test")


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("POST", "/quick", 200),
        ("POST", "/quick?again=1", 409),
        ("GET", "/quick", 404),
        ("POST", "/quick/", 404),
        ("GET", "/named/one", 200),
        ("POST", "/named/one", 404),
        ("GET", "/named/one/two", 404),
        ("GET", "/named/", 404),
        ("POST", "/guarded", 401),
    ],
)
async def test_only_direct_routes_are_quick(
    quick_client: httpx.AsyncClient, method: str, path: str, status: int
) -> None:
    assert (await quick_client.request(method, path)).status_code == status


@pytest.mark.parametrize(("sent", "named"), [("one", "one"), ("%E5%8C%BA%20a", "区 a")])
async def test_what_an_address_names_is_handed_on(
    quick_client: httpx.AsyncClient, sent: str, named: str
) -> None:
    assert (await quick_client.get(f"/named/{sent}")).text == f"/named/{{code}} {named}"
