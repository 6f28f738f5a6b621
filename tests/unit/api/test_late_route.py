"""Routes that find out what their endpoints take when they are first asked."""

import httpx
import pytest
from fastapi import APIRouter, FastAPI

from shanhai_api.kit.late_route import LateRoute

router = APIRouter(route_class=LateRoute)


@router.get("/doubled")
async def double(number: int) -> int:
    """Twice the number."""
    return 2 * number


@router.post("/never")
async def never_asked(number: int) -> int:
    """Asked by nobody here."""
    return number


async def test_a_route_is_built_when_it_is_asked() -> None:
    app = FastAPI()
    app.router.routes.extend(router.routes)
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        answers = [await client.get("/doubled", params={"number": text}) for text in ("21", "x")]
        other = await client.get("/never")
    assert [answer.status_code for answer in answers] == [200, 422]
    assert answers[0].json() == 42
    assert other.status_code == 405
    asked, unasked = router.routes
    assert "dependant" in vars(asked)
    assert "dependant" not in vars(unasked)


def test_what_no_route_has_is_missing() -> None:
    with pytest.raises(AttributeError, match="colour"):
        _ = router.routes[0].colour  # type: ignore[attr-defined]
