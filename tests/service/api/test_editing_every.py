"""Every entity of the catalogue goes round: made, read, replaced, changed, as it was, deleted."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.collections.catalogue import ENTITIES
from shanhai.db.features.entity import ALL_VERBS, Entity
from tests.support.examples import Body, Examples

ANY = pytest.mark.parametrize("entity", ENTITIES, ids=lambda entity: entity.name)
# The entries of a ledger are made and never replaced; its own tests go their way.
WRITABLE = [item for item in ENTITIES if item.editing and item.editing.verbs == ALL_VERBS]
WRITTEN = pytest.mark.parametrize("entity", WRITABLE, ids=lambda entity: entity.name)


def list_path(entity: Entity, within: Mapping[str, str]) -> str:
    path = entity.path or f"/collections/{entity.name}/items"
    return path.format_map(within)


def members_of(entity: Entity, document: Body) -> Body:
    return document if entity.path is not None else document["properties"]


def differences(entity: Entity, sent: Body, got: Body) -> dict[str, Any]:
    """What came back otherwise than it was sent."""
    wanted, found = members_of(entity, sent), members_of(entity, got)
    return {name: (value, found[name]) for name, value in wanted.items() if found[name] != value}


@pytest.fixture
def examples(admin: httpx.AsyncClient, session: AsyncSession) -> Examples:
    async def make(entity: Entity, body: Body, within: Mapping[str, str]) -> None:
        answer = await admin.post(list_path(entity, within), json=body)
        assert answer.status_code == 201, answer.text

    return Examples(make)


@WRITTEN
async def test_goes_round(admin: httpx.AsyncClient, examples: Examples, entity: Entity) -> None:
    code = "supply_demand.round" if entity.name == "zone_classes" else "round.1"
    body, within = await examples.body(entity, code)
    members_of(entity, body).update(
        {"class_code": "round"} if entity.name == "zone_classes" else {}
    )
    path = list_path(entity, within)
    made = await admin.post(path, json=body)
    assert made.status_code == 201, made.text
    place = made.headers["Location"]
    assert place.endswith(f"{path}/{code}")
    assert differences(entity, body, made.json()) == {}

    read = await admin.get(place)
    assert read.status_code == 200, read.text
    assert differences(entity, body, read.json()) == {}
    state = made.headers["ETag"].partition(".")[0]
    assert read.headers["ETag"].startswith(state)
    assert (await admin.get(place, headers={"If-None-Match": read.headers["ETag"]})).is_redirect

    other, _ = await examples.body(entity, code, variant=2)
    members_of(entity, other).update(
        {"class_code": "round"} if entity.name == "zone_classes" else {}
    )
    replaced = await admin.put(place, json=other, headers={"If-Match": read.headers["ETag"]})
    assert replaced.status_code == 200, replaced.text
    assert differences(entity, other, replaced.json()) == {}
    assert not replaced.headers["ETag"].startswith(state)
    stale = await admin.put(place, json=body, headers={"If-Match": read.headers["ETag"]})
    assert stale.status_code == 412, stale.text

    again = await admin.put(place, json=replaced.json())
    assert again.headers["ETag"] == replaced.headers["ETag"], "nothing changed"

    await check_patch(admin, entity, place)
    await check_states(admin, entity, place, body)

    gone = await admin.delete(place, headers={"If-Match": "*"})
    assert gone.status_code == 204, gone.text
    assert (await admin.get(place)).status_code == 404
    assert (await admin.delete(place)).status_code == 404
    if entity.historic:
        then = await admin.get(place, params={"as_of": "2021-06-01"})
        assert differences(entity, body, then.json()) == {}


async def check_patch(admin: httpx.AsyncClient, entity: Entity, place: str) -> None:
    """One member changes and no other."""
    before = members_of(entity, (await admin.get(place)).json())
    item = next(
        item
        for item in entity.receivables
        if item.schema["type"] == "string"
        and not {"enum", "format", "pattern"} & item.schema.keys()
        and item.refers_to is None
        and item.role != "id"
        and item.name not in {"scheme_kind", "kind"}
    )
    change = {item.name: "改过的"}
    patch = change if entity.path is not None else {"type": "Feature", "properties": change}
    answer = await admin.patch(
        place, json=patch, headers={"Content-Type": "application/merge-patch+json"}
    )
    assert answer.status_code == 200, answer.text
    after = members_of(entity, answer.json())
    # An English name that repeated the Chinese one goes with it.
    aside = {item.name, "valid_from", "links", *({"name_en"} & {item.name.replace("_zh", "_en")})}
    assert after[item.name] == "改过的"
    assert {name: v for name, v in after.items() if name not in aside} == {
        name: v for name, v in before.items() if name not in aside
    }


async def check_states(admin: httpx.AsyncClient, entity: Entity, place: str, first: Body) -> None:
    """All states are told, the newest first, and a former one by its day."""
    answer = await admin.get(f"{place}/versions")
    assert answer.status_code == 200, answer.text
    states = answer.json()["versions"]
    assert [item["row_version"] for item in states] == [3, 2, 1]
    assert states[0]["recorded_to"] is None
    assert states[1]["recorded_to"] == states[0]["recorded_from"]
    page = await admin.get(f"{place}/versions", params={"f": "html"})
    assert page.status_code == 200
    if not entity.historic:
        return
    today = datetime.now(ZoneInfo("Asia/Shanghai")).date().isoformat()
    assert (states[2]["valid_from"], states[2]["valid_to"]) == ("2020-01-01", today)
    assert (states[1]["valid_from"], states[1]["valid_to"]) == (today, today)
    then = await admin.get(place, params={"as_of": "2021-06-01"})
    assert differences(entity, first, then.json()) == {}


@ANY
async def test_options_tell_what_the_caller_may_do(
    admin: httpx.AsyncClient, anonymous: httpx.AsyncClient, entity: Entity
) -> None:
    within = {"plan": "p"}
    path = list_path(entity, within)
    verbs = entity.editing.verbs if entity.editing is not None else frozenset()
    every = await admin.options(path)
    one = await admin.options(f"{path}/x")
    assert every.status_code == one.status_code == 200
    assert ("POST" in every.headers["Allow"]) == ("create" in verbs)
    expected = {"PUT": "replace", "PATCH": "update", "DELETE": "delete"}
    for method, verb in expected.items():
        assert (method in one.headers["Allow"]) == (verb in verbs)
    assert ("Accept-Patch" in one.headers) == ("update" in verbs)
    assert (await anonymous.options(path)).headers["Allow"] == "GET, HEAD, OPTIONS"
    if "create" not in verbs:
        refused = await admin.post(path, json={})
        assert refused.status_code == 405
        assert "POST" not in refused.headers["Allow"]
