"""Who shows what to everybody, and what classes of data allow, over HTTP."""

import httpx
import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.identity import RoleGiven
from shanhai.db.queries.keys import create_key
from shanhai.vocabulary import Role, Scope
from shanhai_api.kit.state import ServiceState
from tests.support.job_rows import add_dataset, add_region

DATASET = "/collections/datasets/items/dem.city"
STATIONS = "/collections/stations/items"


@pytest.fixture
async def closed(session: AsyncSession) -> None:
    """A dataset that is not for everybody."""
    city = await add_region(session, "city")
    await add_region(session, "elsewhere")
    await add_dataset(session, city, "dem", "dem.city", visibility="region")
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
        assert await patch(key, visibility="public") in {403, 404}
    assert (await anonymous.get(DATASET)).status_code == 404
    # The rest is for those who keep datasets, and not for who only approves.
    assert await patch(analyst, source="Survey") == 200
    assert await patch(approver, source="Other") == 403
    assert await patch(approver, visibility="public", source="Other") == 403
    assert await patch(approver, visibility="public") == 200
    assert (await anonymous.get(DATASET)).status_code == 200
    # Whoever keeps it may hide it again, and leaves it as it is otherwise.
    assert await patch(analyst, visibility="public", source="Other") == 200
    assert await patch(planner, visibility="region") == 200
    assert (await anonymous.get(DATASET)).status_code == 404
    assert await patch(both, visibility="public", source="Survey") == 200


async def test_a_new_station_is_shown_to_everybody_by_an_approver_alone(
    state: ServiceState, anonymous: httpx.AsyncClient, session: AsyncSession
) -> None:
    await add_region(session, "city")
    await session.commit()
    planner = await key_of(state, Role.PLANNER)
    both = await key_of(state, Role.PLANNER, Role.APPROVER)

    async def make(key: dict[str, str], code: str, **members: object) -> int:
        named = {"code": code, "name_zh": "站", "name_en": "Station", "kind": "sky"}
        body = {
            "type": "Feature",
            "geometry": None,
            "properties": {**named, "region": "city", **members},
        }
        return (await anonymous.post(STATIONS, json=body, headers=key)).status_code

    assert await make(planner, "quiet") == 201
    assert await make(planner, "loud", visibility="public") == 403
    assert await make(both, "shown", visibility="public") == 201
    shown = (await anonymous.get(STATIONS)).json()["features"]
    assert [one["id"] for one in shown] == ["shown"]
    kept = (await anonymous.get(f"{STATIONS}/quiet", headers=planner)).json()
    assert kept["properties"]["visibility"] == "region"


@pytest.mark.usefixtures("closed")
async def test_who_computes_nowhere_in_a_region_starts_no_job_of_it(
    state: ServiceState, anonymous: httpx.AsyncClient
) -> None:
    async with state.sessions.begin() as session:
        headers = [
            {"Authorization": f"Bearer {key}"}
            for key in [
                await create_key(
                    session,
                    name="test",
                    scopes=(Scope.READ, Scope.JOBS),
                    roles=[RoleGiven(Role.ANALYST, region)],
                )
                for region in ("elsewhere", "city")
            ]
        ]
    order = {"inputs": {"region": "city"}}
    path = "/processes/assess-ecoservices/execution"
    refused, accepted = [await anonymous.post(path, json=order, headers=key) for key in headers]
    assert refused.status_code == 403
    assert accepted.status_code != 403, accepted.text


@pytest.mark.usefixtures("closed")
async def test_a_class_of_data_bounds_who_reads_a_dataset(
    state: ServiceState, anonymous: httpx.AsyncClient
) -> None:
    async def patch(key: dict[str, str], **members: object) -> httpx.Response:
        return await anonymous.patch(DATASET, json={"properties": members}, headers=key)

    analyst = await key_of(state, Role.ANALYST)
    approver = await key_of(state, Role.APPROVER)
    both = await key_of(state, Role.ANALYST, Role.APPROVER)
    made = await patch(analyst, data_class="sensitive", data_grade="important")
    assert made.status_code == 200, made.text
    for shown in ("signed_in", "public"):
        refused = await patch(both, visibility=shown)
        assert refused.status_code == 400
        (fault,) = refused.json()["errors"]
        assert fault["pointer"] == "/properties/visibility"
        assert "sensitive" in fault["detail"]
    loose = await patch(both, data_class="internal")
    assert loose.json()["errors"][0]["pointer"] == "/properties/data_class"
    # What makes it less closed takes an approver, whichever member does.
    for eased in ({"data_grade": None}, {"data_grade": None, "data_class": "internal"}):
        assert (await patch(analyst, **eased)).status_code == 403
    assert (await patch(approver, data_grade="core")).status_code == 200
    assert (await patch(analyst, data_grade="important")).status_code == 403
    assert (await patch(approver, data_grade=None, data_class="internal")).status_code == 200
    assert (await patch(analyst, visibility="signed_in")).status_code == 200
    assert (await patch(both, visibility="public")).status_code == 400
    assert (await patch(approver, data_class="open", visibility="public")).status_code == 200
    assert (await anonymous.get(DATASET)).json()["properties"]["data_class"] == "open"
    # To replace all without saying the class is to take it away.
    whole = (await anonymous.get(DATASET)).json()
    assert (await patch(analyst, data_class="internal")).status_code == 400
    closed = {"data_class": "internal", "visibility": "signed_in"}
    assert (await patch(analyst, **closed)).status_code == 200
    kept = {name: value for name, value in whole["properties"].items() if "class" not in name}
    body = {**whole, "properties": {**kept, "visibility": "region"}}
    assert (await anonymous.put(DATASET, json=body, headers=analyst)).status_code == 403


@pytest.mark.usefixtures("closed")
async def test_data_are_listed_by_class_and_grade(
    state: ServiceState, anonymous: httpx.AsyncClient, session: AsyncSession
) -> None:
    analyst = await key_of(state, Role.ANALYST)
    told = {"data_class": "sensitive", "data_grade": "important"}
    await anonymous.patch(DATASET, json={"properties": told}, headers=analyst)
    path = DATASET.rpartition("/")[0]
    listed = await anonymous.get(path, params={"data_grade": "important"}, headers=analyst)
    assert [one["id"] for one in listed.json()["features"]] == ["dem.city"]
    none = await anonymous.get(path, params={"data_grade": "core"}, headers=analyst)
    assert none.json()["features"] == []
    strange = await anonymous.get(path, params={"data_class": "secret"}, headers=analyst)
    assert strange.status_code == 400
    # The table holds the rule too, whoever writes.
    with pytest.raises(IntegrityError, match="visibility_of_class"):
        await session.execute(text("UPDATE dataset SET visibility = 'public'"))


async def test_a_new_line_of_a_class_is_shown_no_wider_than_it_allows(
    state: ServiceState, anonymous: httpx.AsyncClient, session: AsyncSession
) -> None:
    await add_region(session, "city")
    await session.commit()
    planner = await key_of(state, Role.PLANNER)
    named = {"name_zh": "线", "name_en": "Line", "kind": "red_line", "region": "city"}
    expected = {None: "public", "open": "public", "internal": "signed_in", "sensitive": "region"}
    for data_class, shown in expected.items():
        body = {
            "type": "Feature",
            "geometry": None,
            "properties": {**named, "code": f"line-{data_class}", "data_class": data_class},
        }
        lines = "/collections/control_areas/items"
        made = await anonymous.post(lines, json=body, headers=planner)
        assert made.status_code == 201, made.text
        read = await anonymous.get(made.headers["Location"], headers=planner)
        assert read.json()["properties"]["visibility"] == shown


async def test_what_is_shown_to_everybody_moves_with_the_approver_of_its_new_region(
    state: ServiceState, anonymous: httpx.AsyncClient, session: AsyncSession
) -> None:
    for code in ("city", "elsewhere"):
        await add_region(session, code)
    await session.commit()

    async def mover(*roles: Role) -> dict[str, str]:
        """Someone who plans and approves in the city, and has roles elsewhere."""
        given = [RoleGiven(role, "city") for role in (Role.PLANNER, Role.APPROVER)]
        given += [RoleGiven(role, "elsewhere") for role in roles]
        async with state.sessions.begin() as own:
            key = await create_key(own, name="t", scopes=(Scope.READ, Scope.WRITE), roles=given)
        return {"Authorization": f"Bearer {key}"}

    planner, both = await mover(Role.PLANNER), await mover(Role.PLANNER, Role.APPROVER)
    named = {"name_zh": "名", "name_en": "Name", "region": "city"}
    lines = "/collections/control_areas/items"
    for path, members, shown in (
        (STATIONS, {"kind": "sky"}, {"visibility": "public"}),
        (lines, {"kind": "red_line"}, {"status": "published"}),
    ):

        async def patch(item: str, key: dict[str, str], path: str = path, **changed: str) -> int:
            body = {"properties": changed}
            return (await anonymous.patch(f"{path}/{item}", json=body, headers=key)).status_code

        for code in ("quiet", "loud"):
            body = {
                "type": "Feature",
                "geometry": None,
                "properties": {**named, **members, "code": code},
            }
            made = await anonymous.post(path, json=body, headers=planner)
            assert made.status_code == 201, made.text
        # What is shown to nobody yet goes where one may write; what is shown needs an approver.
        assert await patch("quiet", planner, region="elsewhere") == 200
        assert await patch("loud", planner, region="elsewhere", **shown) == 403
        assert await patch("loud", planner, **shown) == 200
        assert await patch("loud", planner, region="elsewhere") == 403
        assert await patch("loud", both, region="elsewhere") == 200
