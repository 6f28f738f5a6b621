"""Map sheets as they are asked for: what is found for whom, and what is refused in which words."""

from datetime import date
from typing import Any

import httpx
import pytest
from jsonschema import Draft202012Validator
from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.tables.job import Job
from shanhai.db.tables.zone import Region
from tests.support.feature_rows import add_five_zones, add_scheme
from tests.support.job_rows import add_dataset, add_region
from tests.support.joint_plans import People

ORDER = "/processes/compose-map-sheet/execution"
ZONES = {"kind": "raster", "theme": "zones"}
DRAWN = {"kind": "features", "collection": "zones"}
AHEAD = {"Prefer": "respond-async"}


@pytest.fixture
async def zoned_place(people: People, session: AsyncSession) -> Region:
    """The region `a` with a published zoning, a newer draft, and a raster for its own people."""
    region = (await session.scalars(select(Region).where(Region.code == "a"))).one()
    scheme = await add_scheme(session, region, code="a.zones", valid=(date(2024, 1, 1), None))
    await add_five_zones(session, scheme)
    draft = await add_scheme(session, region, code="a.draft", status="draft", valid=(None, None))
    await add_five_zones(session, draft)
    await add_dataset(session, region, "land_cover", "a.cover")
    await add_dataset(session, region, "ndvi", "a.ndvi", visibility="region")
    await session.commit()
    return region


async def ask(client: httpx.AsyncClient, lang: str = "en", **inputs: Any) -> httpx.Response:
    asked = {"region": "a", "layers": [ZONES], **inputs}
    headers = {"Accept-Language": lang, **AHEAD}
    return await client.post(ORDER, json={"inputs": asked}, headers=headers)


async def task_of(session: AsyncSession, answer: httpx.Response) -> dict[str, Any]:
    assert answer.status_code == 201, answer.text
    job = await session.get_one(Job, answer.json()["jobID"])
    task: dict[str, Any] = job.task
    return task


async def test_it_describes_its_inputs(anonymous: httpx.AsyncClient) -> None:
    described = (await anonymous.get("/processes/compose-map-sheet?lang=zh")).json()
    assert described["title"] == "编制专题图"
    for name, one in described["inputs"].items():
        Draft202012Validator.check_schema(one["schema"])
        assert one["description"], name
    assert set(described["outputs"]) == {"sheet", "pdf", "png", "svg"}


async def test_the_zoning_in_force_is_meant_unless_one_is_named(
    people: People, session: AsyncSession, zoned_place: Region
) -> None:
    planner = people["planner@a"]
    sheet = (await task_of(session, await ask(planner, layers=[DRAWN])))["sheet"]
    [layer] = sheet["layers"]
    assert layer["title_zh"] == "方案 a.zones"
    assert layer["entries"][0]["label_en"] == "Strict protection and control zone"
    assert (sheet["draft"], sheet["secrecy"]) == (False, "open")
    named = await ask(planner, layers=[{**DRAWN, "scheme": "a.draft"}])
    sheet = (await task_of(session, named))["sheet"]
    assert (sheet["draft"], sheet["secrecy"]) == (True, "internal")


async def test_drafts_and_closed_rasters_are_for_those_who_may_see_them(
    people: People, session: AsyncSession, zoned_place: Region
) -> None:
    layers = [{"kind": "raster", "theme": "ndvi"}, {**DRAWN, "scheme": "a.draft"}]
    own = await task_of(session, await ask(people["planner@a"], layers=layers))
    assert own["sheet"]["layers"][0]["dataset"] == "a.ndvi"
    assert own["sheet"]["layers"][1]["shapes"]
    assert own["sheet"]["secrecy"] == "internal"
    # Of another region, and so without any right here.
    refused = await ask(people["planner@b"], layers=layers)
    assert refused.status_code == 403, refused.text
    # The sheet is its owner's alone, as others of the region may not see all that is on it.
    assert own["region"] is None
    job = (await session.scalars(select(Job))).one()
    assert (await people["planner@a"].get(f"/jobs/{job.id}")).status_code == 200
    assert (await people["approver@a"].get(f"/jobs/{job.id}")).status_code == 404
    refused = await ask(people["planner@a"], layers=layers, secrecy="open")
    assert refused.json()["errors"][0]["pointer"] == "/inputs/secrecy"


async def test_what_the_region_lacks_is_kept_as_missing(
    people: People, session: AsyncSession, zoned_place: Region
) -> None:
    task = await task_of(session, await ask(people["planner@a"], layers=[ZONES, DRAWN]))
    first, second = task["sheet"]["layers"]
    assert first["dataset"] is None
    assert second["shapes"]
    assert task["sheet"]["title_zh"] == f"{zoned_place.name_zh}方案 a.zones图"
    assert task["sheet"]["land_cover"] == "a.cover"


async def test_what_nobody_has_drawn_is_counted(
    people: People, session: AsyncSession, zoned_place: Region
) -> None:
    await session.execute(update(Region).where(Region.code == "b").values(geom=None))
    await session.commit()
    refused = await ask(people["planner@b"], region="b")
    assert refused.status_code == 400
    assert refused.json()["errors"][0]["pointer"] == "/inputs/region"


async def test_filters_choose_features_within_the_region_only(
    people: People, session: AsyncSession, zoned_place: Region
) -> None:
    every = {**DRAWN, "filter": "class = 'strict_protection' OR region = 'b'"}
    task = await task_of(session, await ask(people["planner@a"], layers=[every]))
    [layer] = task["sheet"]["layers"]
    assert [one["label_en"] for one in layer["entries"]] == ["Strict protection and control zone"]


async def test_features_of_all_places_below_are_shown(
    people: People, session: AsyncSession, zoned_place: Region
) -> None:
    planner = people["planner@a"]
    last = ""
    for number in range(405):
        last = f"a.town-with-a-name-{number:05d}"
        await add_region(session, last, level="town", parent=zoned_place)
    await session.commit()
    named = {"code": "peak", "name_zh": "峰", "region": last, "kind": "mountain"}
    point = {"type": "Point", "coordinates": [118.05, 24.45]}
    body = {"type": "Feature", "geometry": point, "properties": named}
    made = await planner.post("/collections/named_features/items", json=body)
    assert made.status_code == 201, made.text
    layer = {"kind": "features", "collection": "named_features"}
    codes = ",".join(f"'{number}'" for number in range(110))
    for asked in (layer, {**layer, "filter": f"code IN ({codes},'peak')"}):
        task = await task_of(session, await ask(planner, layers=[asked]))
        assert [len(one["shapes"]) for one in task["sheet"]["layers"]] == [1], asked


async def test_a_box_beside_the_outline_is_refused(
    people: People, session: AsyncSession, zoned_place: Region
) -> None:
    lower = func.ST_GeomFromText(
        "MULTIPOLYGON(((118 24.4,118.1 24.4,118.1 24.42,118.02 24.42,118.02 24.5,118 24.5,"
        "118 24.4)))",
        4490,
    )
    await session.execute(update(Region).where(Region.id == zoned_place.id).values(geom=lower))
    await session.commit()
    planner = people["planner@a"]
    refused = await ask(planner, bbox=[118.06, 24.46, 118.08, 24.48])
    assert refused.status_code == 400, refused.text
    assert [fault["pointer"] for fault in refused.json()["errors"]] == ["/inputs/bbox"]
    await task_of(session, await ask(planner, bbox=[118.0, 24.46, 118.08, 24.48]))


@pytest.mark.usefixtures("zoned_place")
@pytest.mark.parametrize(
    ("inputs", "pointers"),
    [
        ({"layers": []}, ["/inputs/layers"]),
        ({"layers": [ZONES] * 9}, ["/inputs/layers"]),
        ({"layers": [{"kind": "raster"}]}, ["/inputs/layers/0/theme"]),
        ({"layers": [{"kind": "cloud"}]}, ["/inputs/layers/0"]),
        ({"layers": [{**ZONES, "dataset": "a.cover"}]}, ["/inputs/layers/0/theme"]),
        ({"layers": [{"kind": "raster", "theme": "no_such"}]}, ["/inputs/layers/0/theme"]),
        ({"layers": [{"kind": "raster", "dataset": "none"}]}, ["/inputs/layers/0/dataset"]),
        (
            {"layers": [{**ZONES, "job": "2afab009-1a9d-4287-9071-f01a4c99874f"}]},
            ["/inputs/layers/0/job"],
        ),
        ({"layers": [{**DRAWN, "filter": "clas = 1"}]}, ["/inputs/layers/0/filter"]),
        ({"layers": [{**DRAWN, "filter": "class = 'x') OR (1 = 1"}]}, ["/inputs/layers/0/filter"]),
        (
            {"layers": [{"kind": "features", "collection": "stations", "scheme": "a.zones"}]},
            ["/inputs/layers/0/scheme"],
        ),
        ({"layers": [{"kind": "features", "collection": "keys"}]}, ["/inputs/layers/0/collection"]),
        ({"region": "nowhere"}, ["/inputs/region"]),
        ({"bbox": [118.5, 24.4, 118.1, 24.5]}, ["/inputs/bbox"]),
        ({"bbox": [10, 50, 11, 51]}, ["/inputs/bbox"]),
        ({"bbox": [118.0001, 24.4001, 118.0002, 24.4002]}, ["/inputs/bbox"]),
        ({"scale": 1000}, ["/inputs/scale"]),
        ({"scale": 0}, ["/inputs/scale"]),
        ({"paper": "A5"}, ["/inputs/paper"]),
        ({"paper": "A0", "dpi": 300}, ["/inputs/dpi"]),
        ({"formats": ["pdf", "pdf"]}, ["/inputs/formats"]),
        ({"languages": "de"}, ["/inputs/languages"]),
        ({"title_zh": "图" * 81}, ["/inputs/title_zh"]),
        ({"number": "1\n2"}, ["/inputs/number"]),
        ({"made_on": "yesterday"}, ["/inputs/made_on"]),
        ({"colour": "red"}, ["/inputs/colour"]),
    ],
)
async def test_what_makes_no_sense_is_refused_with_pointers_in_both_languages(
    people: People, inputs: dict[str, Any], pointers: list[str]
) -> None:
    planner = people["planner@a"]
    answer = await ask(planner, "zh", **inputs)
    assert answer.status_code in {400, 403}, answer.text
    told = answer.json()["errors"]
    assert [fault["pointer"] for fault in told] == pointers
    assert all(any("\u4e00" <= one <= "\u9fff" for one in fault["detail"]) for fault in told)
    english = (await ask(planner, **inputs)).json()["errors"]
    assert not any("\u4e00" <= one <= "\u9fff" for fault in english for one in fault["detail"])
