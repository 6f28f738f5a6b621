"""The second fence: what the database keeps back when the API forgets to ask who is reading.

The conditions of visibility are taken away, as a query would that was written without them. What
others may not see then comes in no answer, and what is for everybody still does.
"""

from collections.abc import Iterator

import httpx
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.collections.catalogue import entity_named
from shanhai.vector.formats import FILE_FORMATS
from tests.service.api.test_masked_places import forms_of
from tests.service.api.test_tenant_walk import CODES, SIGNS, tenants
from tests.support.forgetting import conditions_forgotten
from tests.support.tenants import SIGN, may_know, sign

pytestmark = [pytest.mark.db, pytest.mark.redis, pytest.mark.service]
__all__ = ["tenants"]
CALLERS = (
    "",
    "nobody",
    "viewer@elsewhere",
    pytest.param("planner@elsewhere", marks=pytest.mark.long),
    pytest.param("viewer@here", marks=pytest.mark.long),
)


@pytest.fixture
def forgetful() -> Iterator[None]:
    """An API that forgets to ask who is reading."""
    with conditions_forgotten():
        yield


def questions() -> Iterator[tuple[str, dict[str, str]]]:
    """Lists, single objects, files, pages and places of every fenced collection."""
    for name, codes in CODES.items():
        if name == "fund_sources":
            continue
        entity = entity_named(name)
        place = entity.path or f"/collections/{name}/items"
        yield place, {"limit": "100"}
        yield place, {"f": "html"}
        yield place, {"q": "zz"}
        for form in FILE_FORMATS:
            if entity.geometry is not None or form == "csv":
                yield place, {"f": form}
        for code in codes:
            yield f"{place}/{code}", {}
            yield f"{place}/{code}", {"f": "html"}
        if entity.geometry is not None:
            yield place, {"bbox": "118.0,24.4,118.2,24.6"}
    for code in CODES["datasets"]:
        yield f"/collections/datasets/items/{code}/file", {}
    for code in CODES["documents"]:
        yield f"/documents/{code}/file", {}
    yield "/identify", {"lon": "118.05", "lat": "24.45", "tolerance_m": "2000"}


def fenced(caller: str, name: str) -> bool:
    """Whether the database keeps an object from a caller; its regions' people see all of it."""
    kind, visibility = SIGNS[name]
    return not may_know(caller, kind, visibility) and caller != "viewer@here"


@pytest.mark.parametrize("caller", CALLERS)
async def test_forgotten_conditions_show_nothing(
    caller: str,
    tenants: dict[str, dict[str, str]],
    anonymous: httpx.AsyncClient,
    forgetful: None,
) -> None:
    found: set[str] = set()
    wrong: list[str] = []
    for path, asked in questions():
        answer = await anonymous.get(path, params=asked, headers=tenants[caller])
        named = {one.decode() for one in SIGN.findall(str(answer.request.url).encode())}
        told = {one.decode() for form in forms_of(answer.content) for one in SIGN.findall(form)}
        found |= told
        beyond = sorted(one for one in told - named if fenced(caller, one))
        # Who asks for one by its code is told that there is none.
        if any(fenced(caller, one) for one in named) and answer.status_code != 404:
            wrong.append(f"{path} {asked}: {answer.status_code}")
        if beyond:
            wrong.append(f"{path} {asked} tells {', '.join(beyond)}")
    assert wrong == []
    assert {sign(kind, "public") for kind in CODES if kind != "fund_sources"} <= found


async def test_without_the_fence_they_would_show_it(
    session: AsyncSession,
    tenants: dict[str, dict[str, str]],
    anonymous: httpx.AsyncClient,
    forgetful: None,
) -> None:
    """It is the fence that keeps rows back above, and not something else."""
    hidden, path = sign("problems", "region"), "/collections/problems/items"
    assert hidden not in (await anonymous.get(path)).text
    await session.execute(text("ALTER TABLE problem DISABLE ROW LEVEL SECURITY"))
    await session.commit()
    try:
        assert hidden in (await anonymous.get(path)).text
    finally:
        await session.execute(text("ALTER TABLE problem ENABLE ROW LEVEL SECURITY"))
        await session.commit()
