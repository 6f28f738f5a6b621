"""Every collection through its tiles, as each kind of caller sees it."""

import re
from typing import Any

import httpx
import mapbox_vector_tile
import pytest
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.identity import RoleGiven
from shanhai.db.queries.keys import create_key
from shanhai.db.tables.zone import Region
from shanhai.vocabulary import ZONE_CLASSES, Role, Scope
from shanhai_tiles.vector.collections import VECTORS
from tests.support.feature_rows import add_scheme, add_zone
from tests.support.forgetting import conditions_forgotten
from tests.support.job_rows import add_dataset, add_region, open_sessions

TILE = "tiles/WebMercatorQuad/7/105/54.mvt"
INSIDERS = ("key", "planner@xiamen", "auditor@None")
READERS = ("viewer@None", "viewer@xiamen")
OUTSIDERS = (*READERS, "planner@elsewhere")
AREA = "ST_Multi(ST_MakeEnvelope(118.0, 24.5, 118.1, 24.6, 4490))"
LINE = "ST_Multi(ST_MakeLine(ST_Point(118.0, 24.5, 4490), ST_Point(118.1, 24.6, 4490)))"
NAMED = "code, name_zh, name_en, region_id"
BOX = (118.0, 24.5, 118.1, 24.6)
YEARS = "start_year, end_year"

ROWS = {
    "plans": (f"plan ({NAMED}, kind, level, first_year, status)", "'k', 'city', 2024, '{state}'"),
    "patterns": (f"pattern ({NAMED}, status)", "'{state}'"),
    "corridors": (
        f"corridor ({NAMED}, type, status, geom)",
        f"'river', '{{state}}', {LINE}",
    ),
    "corridor_nodes": (
        f"corridor_node ({NAMED}, kind, status, geom)",
        f"'source', '{{state}}', ST_Centroid({AREA})",
    ),
    "control_areas": (
        f"control_area ({NAMED}, kind, status, visibility, geom)",
        f"'red_line', '{{state}}', '{{visibility}}', {AREA}",
    ),
    "problems": (
        f"problem ({NAMED}, type, visibility, geom)",
        f"'erosion', '{{visibility}}', {AREA}",
    ),
    "projects": (
        f"project ({NAMED}, {YEARS}, state, visibility, geom)",
        f"2024, 2025, '{{state}}', '{{visibility}}', {AREA}",
    ),
    "named_features": (f"named_feature ({NAMED}, kind, geom)", f"'lake', {AREA}"),
    "notices": (
        f"notice ({NAMED}, subject_collection, subject_code, text_zh, period_from, period_to,"
        " contact_office, state, geom)",
        f"'plans', 'seen.open', '文', '2024-01-01', '2024-02-01', '局', '{{state}}', {AREA}",
    ),
    "mines": (f"mine ({NAMED}, kind, geom)", f"'legacy', {AREA}"),
    "reclamations": (
        f"reclamation ({NAMED}, start_on, end_on, land_class_before, visibility, geom)",
        f"'2024-01-01', '2025-01-01', '0103', '{{visibility}}', {AREA}",
    ),
    "islands": (f"island ({NAMED}, waters, geom)", f"'sea', {AREA}"),
    "outfalls": (
        f"outfall ({NAMED}, kind, geom)",
        "'industrial', ST_Point(118.05, 24.55, 4490)",
    ),
    "fishing_harbours": (f"fishing_harbour ({NAMED}, geom)", f"{AREA}"),
    "occurrences": (
        "occurrence (code, locality, observer, region_id, species_id, observed_from, state, geom)",
        "(SELECT id FROM species WHERE code = 'seen'), '2024-05-01', 'verified',"
        " ST_Point(118.05, 24.55, 4490)",
    ),
    "stations": (
        f"station ({NAMED}, kind, visibility, geom)",
        "'sky', '{visibility}', ST_Point(118.05, 24.55, 4490)",
    ),
}
SHOWN = {
    "plans": "approved",
    "projects": "approved",
    "control_areas": "published",
}
"""What those are called that everybody may see, where it is not `published`."""
DRAFTS = frozenset(
    {
        *("plans", "pattern_components", "corridors", "corridor_nodes", "zone_schemes", "zones"),
        *("control_areas", "projects", "notices"),
    }
)
ALWAYS = frozenset(
    {
        *("named_features", "problems", "stations", "mines", "reclamations"),
        *("islands", "outfalls", "fishing_harbours", "occurrences"),
    }
)
"""Collections without drafts."""
SECRETS = frozenset(
    {"control_areas", "projects", "datasets", "reclamations", "problems", "stations"}
)
"""Collections that say of each row who may read it."""


@pytest.fixture(scope="module")
async def credentials(world: Any) -> dict[str, dict[str, str]]:
    """A row of each state in each collection, and the headers of each caller."""
    async with open_sessions(world.database_url) as sessions, sessions.begin() as session:
        xiamen = await session.scalar(select(Region).where(Region.code == "xiamen"))
        assert xiamen is not None
        await add_region(session, "elsewhere")
        await _add_rows(session, xiamen)
        return {name: await _headers(session, name) for name in ("", *INSIDERS, *OUTSIDERS)}


async def _add_rows(session: AsyncSession, region: Region) -> None:
    await session.execute(
        text(
            "INSERT INTO species (code, scientific_name, sensitivity)"
            " VALUES ('seen', 'Egretta garzetta', 'open')"
        )
    )
    for collection, (into, values) in ROWS.items():
        shown = SHOWN.get(collection, "published")
        states = [("draft", "draft", "public"), ("open", shown, "public")]
        if collection in SECRETS:
            states += [("shared", shown, "signed_in"), ("secret", shown, "region")]
        for code, state, visibility in states:
            given = values.format(state=state, visibility=visibility)
            row = f"'seen.{code}', '名', 'name', {region.id}, {given}"
            await session.execute(text(f"INSERT INTO {into} VALUES ({row})"))
    await session.execute(
        text(
            "INSERT INTO pattern_component (code, name_zh, name_en, pattern_id, type, geom)"
            f" SELECT code, '名', 'name', id, 'bay', {AREA} FROM pattern"
        )
    )
    for code, visibility in (("secret", "region"), ("shared", "signed_in"), ("open", "public")):
        await add_dataset(session, region, "dem", f"seen.{code}", visibility=visibility)
    await session.execute(text(f"UPDATE dataset SET footprint = {AREA} WHERE code LIKE 'seen.%'"))
    scheme = await add_scheme(
        session, region, code="seen.draft", status="draft", valid=(None, None)
    )
    await add_zone(session, scheme, ZONE_CLASSES[0].code, BOX)


async def _headers(session: AsyncSession, name: str) -> dict[str, str]:
    if not name:
        return {}
    role, _, region = name.partition("@")
    given = [RoleGiven(Role(role), None if region == "None" else region)] if region else None
    key = await create_key(session, name=name, scopes=[Scope.READ], roles=given)
    return {"Authorization": f"Bearer {key}"}


async def codes_in(client: httpx.AsyncClient, collection: str, headers: dict[str, str]) -> set[str]:
    """The codes a caller finds in the tile, without what others' tests have put there."""
    answer = await client.get(f"/layers/{collection}/{TILE}", headers=headers)
    assert answer.status_code in {200, 204}, answer.text
    found = mapbox_vector_tile.decode(answer.content).get(collection, {"features": []})
    codes = {feature["properties"]["code"] for feature in found["features"]}
    return {code.removeprefix("seen.").split(".")[0] for code in codes if code.startswith("seen.")}


@pytest.mark.parametrize("caller", ["", *INSIDERS, *OUTSIDERS])
@pytest.mark.parametrize("collection", sorted(VECTORS.keys() - {"regions"}))
async def test_a_tile_holds_what_its_caller_may_see(
    client: httpx.AsyncClient,
    credentials: dict[str, dict[str, str]],
    collection: str,
    caller: str,
) -> None:
    expected = set() if collection in {"zones", "zone_schemes"} else {"open"}
    if collection in ALWAYS or (collection in DRAFTS and caller in INSIDERS):
        expected.add("draft")
    if collection in SECRETS and caller:
        expected.add("shared")
    if collection in SECRETS and caller in {*INSIDERS, *READERS}:
        expected.add("secret")
    assert await codes_in(client, collection, credentials[caller]) == expected


async def test_several_layers_in_one_tile_hide_the_same(
    client: httpx.AsyncClient, credentials: dict[str, dict[str, str]]
) -> None:
    names = "projects,control_areas,stations"
    for caller, drafts in (("", False), ("planner@xiamen", True)):
        answer = await client.get(f"/layers/{names}/{TILE}", headers=credentials[caller])
        layers = mapbox_vector_tile.decode(answer.content)
        assert set(names.split(",")) <= layers.keys()
        for name in ("projects", "control_areas"):
            codes = {one["properties"]["code"] for one in layers[name]["features"]}
            assert ("seen.draft" in codes) == drafts


async def test_members_are_chosen_and_no_others_are_known(
    client: httpx.AsyncClient, credentials: dict[str, dict[str, str]]
) -> None:
    path = f"/layers/projects/{TILE}"
    few = await client.get(path, params={"properties": "cost,code"})
    for feature in mapbox_vector_tile.decode(few.content)["projects"]["features"]:
        assert feature["properties"].keys() <= {"code", "cost"}
        assert "code" in feature["properties"]
    refused = await client.get(path, params={"properties": "code,summary_zh"})
    assert refused.status_code == 400
    assert refused.json()["errors"][0]["pointer"] == "properties"
    assert "summary_zh" in refused.json()["detail"]


async def test_a_moment_is_told_in_utc(client: httpx.AsyncClient) -> None:
    drawn = await client.get(f"/layers/datasets/{TILE}", params={"properties": "registered_at"})
    features = mapbox_vector_tile.decode(drawn.content)["datasets"]["features"]
    assert features
    for feature in features:
        told = feature["properties"]["registered_at"]
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", told)


async def test_any_collection_is_filtered_by_what_can_be_asked_of_it(
    client: httpx.AsyncClient, credentials: dict[str, dict[str, str]]
) -> None:
    key = credentials["key"]
    for query, found in (
        ({"status": "draft"}, {"draft"}),
        ({"kind": "red_line", "status": "published"}, {"open", "shared", "secret"}),
        ({"filter": "visibility = 'region'"}, {"secret"}),
        ({"kind": "shoreline"}, set()),
    ):
        answer = await client.get(f"/layers/control_areas/{TILE}", params=query, headers=key)
        layers = mapbox_vector_tile.decode(answer.content)
        codes = {
            f["properties"]["code"]
            for f in layers.get("control_areas", {"features": []})["features"]
        }
        assert codes == {f"seen.{code}" for code in found}, query


@pytest.mark.parametrize("name", ["", *OUTSIDERS, "planner@xiamen"])
async def test_tiles_name_no_plan_that_is_hidden(
    client: httpx.AsyncClient, credentials: dict[str, dict[str, str]], world: Any, name: str
) -> None:
    async with open_sessions(world.database_url) as sessions, sessions.begin() as session:
        await session.execute(
            text(
                "UPDATE problem SET plan_id = (SELECT id FROM plan WHERE code = 'seen.draft')"
                " WHERE code = 'seen.open'"
            )
        )
    path = f"/layers/problems/{TILE}"
    answer = await client.get(path, headers=credentials[name], params={"v": f"named-{name}"})
    tile = mapbox_vector_tile.decode(answer.content)["problems"]["features"]
    (one,) = [item for item in tile if item["properties"]["code"] == "seen.open"]
    assert one["properties"].get("plan") == ("seen.draft" if name == "planner@xiamen" else None)


@pytest.mark.parametrize("caller", ["", "planner@elsewhere"])
@pytest.mark.parametrize("tile", [TILE, "tiles/WebMercatorQuad/12/3391/1759.mvt"])
@pytest.mark.parametrize("collection", sorted(SECRETS - {"datasets"}))
async def test_forgotten_conditions_show_nothing(
    client: httpx.AsyncClient,
    credentials: dict[str, dict[str, str]],
    collection: str,
    tile: str,
    caller: str,
) -> None:
    """The second fence: the database keeps back what the service forgets to leave out."""
    # Of members asked for in no other test, so that no tile is kept.
    params = {"properties": "code,name_zh", "filter": f"code <> '{caller}' AND code <> 'x'"}
    path = f"/layers/{collection}/{tile}"
    with conditions_forgotten() as asked:
        answer = await client.get(path, params=params, headers=credentials[caller])
    features = mapbox_vector_tile.decode(answer.content)[collection]["features"]
    codes = {one["properties"]["code"].removeprefix("seen.") for one in features}
    assert collection in asked
    drafts = {"draft"} if collection in ALWAYS else set()
    assert codes & {"open", "shared", "secret", "draft"} == (
        {"open", "shared", *drafts} if caller else {"open", *drafts}
    )
