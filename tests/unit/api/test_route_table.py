"""Which routes are found in a table, and how errors of direct ones are told."""

from collections.abc import Iterable
from typing import cast

import httpx
import pytest
from fastapi import APIRouter, Depends, FastAPI, HTTPException, Request, Response
from fastapi.routing import APIRoute

from shanhai.errors import Conflict
from shanhai_api.kit.late_route import DirectRoute, RouteTable

direct, guarded = APIRouter(route_class=DirectRoute), APIRouter()


async def told(_: Request, error: Exception) -> Response:
    return Response(str(error), 409)


def refuse() -> None:
    raise HTTPException(401)


@direct.post("/direct")
async def post_direct(request: Request) -> Response:
    if request.query_params:
        raise Conflict("twice")
    return Response(request.scope["route"].path)


@direct.get("/named/{code}")
async def get_named(request: Request) -> Response:
    return Response(f"{request.scope['route'].path} {request.path_params['code']}")


@direct.delete("/named/{code}")
async def delete_named(request: Request) -> Response:
    return Response(status_code=204)


@direct.post("/named/own")
async def post_own(request: Request) -> Response:
    return Response()


@guarded.post("/guarded", dependencies=[Depends(refuse)])
async def post_guarded(request: Request) -> Response:
    return Response("unguarded")


def asking(root_path: str = "") -> httpx.AsyncClient:
    app = FastAPI(redirect_slashes=False, exception_handlers={Conflict: told})
    routes = (route for router in (direct, guarded) for route in router.routes)
    app.router.routes.append(RouteTable(cast("Iterable[APIRoute]", routes)))
    transport = httpx.ASGITransport(app=app, root_path=root_path)
    return httpx.AsyncClient(transport=transport, base_url="http://test")


@pytest.fixture
def table_client() -> httpx.AsyncClient:
    return asking()


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("POST", "/direct", 200),
        ("POST", "/direct?again=1", 409),
        ("GET", "/direct", 405),
        ("POST", "/direct/", 404),
        ("GET", "/named/one", 200),
        ("POST", "/named/one", 405),
        ("DELETE", "/named/one", 204),
        ("POST", "/named/own", 200),
        ("GET", "/named/one/two", 404),
        ("GET", "/named/", 404),
        ("POST", "/guarded", 401),
        ("GET", "/guarded", 405),
        ("GET", "/", 404),
        ("GET", "/none", 404),
    ],
)
async def test_a_route_is_found_by_address_and_method(
    table_client: httpx.AsyncClient, method: str, path: str, status: int
) -> None:
    assert (await table_client.request(method, path)).status_code == status


@pytest.mark.parametrize(("sent", "named"), [("one", "one"), ("%E5%8C%BA%20a", "区 a")])
async def test_what_an_address_names_is_handed_on(
    table_client: httpx.AsyncClient, sent: str, named: str
) -> None:
    assert (await table_client.get(f"/named/{sent}")).text == f"/named/{{code}} {named}"


@pytest.mark.parametrize(
    ("path", "status"),
    [("/nam/named/one", 200), ("/named/one", 200), ("/nam/direct/one", 404), ("/nam", 404)],
)
async def test_what_the_service_lies_under_is_no_part_of_it(path: str, status: int) -> None:
    async with asking("/nam") as client:
        assert (await client.get(path)).status_code == status
