"""Who shows datasets to everybody, over HTTP."""

import httpx
import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.identity import RoleGiven
from shanhai.db.queries.keys import create_key
from shanhai.vocabulary import Role, Scope
from shanhai_api.kit.state import ServiceState
from tests.support.job_rows import add_dataset, add_region

DATASET = "/collections/datasets/items/dem.city"


@pytest.fixture
async def closed(session: AsyncSession) -> None:
    """A dataset that is not for everybody."""
    city = await add_region(session, "city")
    await add_region(session, "elsewhere")
    await add_dataset(session, city, "dem", "dem.city", public=False)
    await session.commit()


async def key_of(state: ServiceState, *roles: Role, region: str = "city") -> dict[str, str]:
    async with state.sessions.begin() as session:
        key = await create_key(
            session,
            name="test",
            scopes=(Scope.READ, Scope.WRITE),
            roles=[RoleGiven(role, region) for role in roles],
        )
    return {"Authorization": f"Bearer {key}"}


@pytest.mark.usefixtures("closed")
async def test_a_dataset_is_shown_to_everybody_by_an_approver_alone(
    state: ServiceState, anonymous: httpx.AsyncClient
) -> None:
    async def patch(key: dict[str, str], **members: object) -> int:
        body = {"properties": members}
        return (await anonymous.patch(DATASET, json=body, headers=key)).status_code

    analyst = await key_of(state, Role.ANALYST)
    approver = await key_of(state, Role.APPROVER)
    planner = await key_of(state, Role.PLANNER)
    both = await key_of(state, Role.ANALYST, Role.APPROVER)
    stranger = await key_of(state, Role.APPROVER, region="elsewhere")
    assert (await anonymous.get(DATASET)).status_code == 404
    for key in (analyst, planner, stranger):
        assert await patch(key, public=True) in {403, 404}
    assert (await anonymous.get(DATASET)).status_code == 404
    # The rest is for those who keep datasets, and not for who only approves.
    assert await patch(analyst, source="Survey") == 200
    assert await patch(approver, source="Other") == 403
    assert await patch(approver, public=True, source="Other") == 403
    assert await patch(approver, public=True) == 200
    assert (await anonymous.get(DATASET)).status_code == 200
    # Whoever keeps it may hide it again, and leaves it as it is otherwise.
    assert await patch(analyst, public=True, source="Other") == 200
    assert await patch(planner, public=False) == 200
    assert (await anonymous.get(DATASET)).status_code == 404
    assert await patch(both, public=True, source="Survey") == 200
