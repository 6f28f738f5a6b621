"""An assessment over HTTP: its options are accepted, and what is wrong is refused by its place."""

from typing import Any

import httpx
import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.tables.job import Job
from shanhai.db.tables.zone import Region
from tests.support.feature_rows import add_job, add_scheme
from tests.support.job_rows import XIAMEN_EPSG, add_dataset, add_region
from tests.support.joint_plans import People

ASSESS = "/processes/assess-ecoservices/execution"
ZONES = "/processes/delineate-zones/execution"
BIOPHYSICAL = (
    *("dem", "rainfall", "temperature", "soil", "npp", "ndvi", "night_lights", "land_cover"),
    *("population", "evapotranspiration", "reference_et", "hydrologic_group"),
    "summer_temperature",
)
MONTHLY = {"rainfall", "temperature"}
TOTALS: dict[str, Any] = {
    "water_conservation": {"parameters": {"industrial_use": 1000}},
    "carbon_sink": {"parameters": {"emissions_total": 1000}},
    "stormwater_regulation": {"parameters": {"storm_mm": 100}},
}
EVERY_OPTION: dict[str, Any] = {
    "region": "bay",
    "cell_m": 250,
    "profile": "biophysical",
    "ecoservices": TOTALS
    | {
        "soil_retention": {
            "method": "rusle",
            "options": {"flow_routing": "freeman"},
            "tables": {"support_practice": {"1": 0.5}},
        }
    },
    "layers": {"options": {"cover_limits": "fixed"}},
    "allow_fallback": True,
    "fill_zero": True,
    "min_services": 6,
    "frozen_limits": [{"layer": "npp", "lo": 0, "hi": 900}],
    "parameters": {"max_mode": "max", "weights": None},
}


async def add_inputs(session: AsyncSession, region: Region) -> None:
    """Every dataset the biophysical defaults need."""
    for theme in BIOPHYSICAL:
        grid = {"epsg": XIAMEN_EPSG, "bands": 12 if theme in MONTHLY else 1}
        await add_dataset(session, region, theme, f"{region.code}.{theme}", grid=grid)
    await session.commit()


@pytest.fixture
async def bay(session: AsyncSession) -> Region:
    """A region with every dataset the biophysical defaults need."""
    region = await add_region(session, "bay")
    await add_inputs(session, region)
    return region


async def told(runner: httpx.AsyncClient, path: str, lang: str = "en", **inputs: Any) -> Any:
    answer = await runner.post(
        f"{path}?lang={lang}", json={"inputs": {"region": "bay", "cell_m": 250, **inputs}}
    )
    assert answer.status_code == 400, answer.text
    return {fault["pointer"]: fault["detail"] for fault in answer.json()["errors"]}


@pytest.mark.usefixtures("bay")
class TestAssessment:
    @pytest.mark.parametrize("path", [ASSESS, ZONES])
    async def test_every_option_is_accepted_and_only_what_is_read_is_bound(
        self, runner: httpx.AsyncClient, session: AsyncSession, path: str
    ) -> None:
        answer = await runner.post(path, json={"inputs": EVERY_OPTION})
        assert answer.status_code == 201, answer.text
        job = (await session.scalars(select(Job))).one()
        datasets = job.task["datasets"]
        assert set(datasets) == set(BIOPHYSICAL)
        assert job.task["inputs"]["ecoservices"]["soil_retention"]["tables"] == {
            "support_practice": {"1": 0.5}
        }

    @pytest.mark.parametrize("path", [ASSESS, ZONES])
    async def test_the_map_of_the_ratio_is_described_and_may_be_asked_for(
        self, runner: httpx.AsyncClient, session: AsyncSession, path: str
    ) -> None:
        described = (await runner.get(f"{path.removesuffix('/execution')}?lang=en")).json()
        assert described["outputs"]["ratio_map_zh"]["title"] == "Map of the ratio (Chinese)"
        asked = {
            "inputs": {"region": "bay", "cell_m": 250},
            "outputs": {"ratio_map_zh": {"transmissionMode": "reference"}, "ratio_map_en": {}},
            "response": "raw",
        }
        answer = await runner.post(path, json=asked)
        assert answer.status_code == 201, answer.text
        job = (await session.scalars(select(Job))).one()
        assert job.result_form == {
            "response": "raw",
            "outputs": {"ratio_map_zh": "reference", "ratio_map_en": None},
        }

    @pytest.mark.parametrize("path", [ASSESS, ZONES])
    async def test_the_answer_tells_how_each_service_is_calculated_and_what_lacks(
        self, runner: httpx.AsyncClient, path: str
    ) -> None:
        given = {"carbon_sink": {"parameters": {"emissions_total": 1000}}}
        inputs = {"region": "bay", "cell_m": 250, "ecoservices": given}
        answer = await runner.post(path, json={"inputs": inputs})
        assert answer.status_code == 201, answer.text
        methods = answer.json()["methods"]
        assert methods["water_conservation"] == {
            "method": "index",
            "profile": "index",
            "compared": "ranks",
            "lacking": ["industrial_use"],
        }
        assert methods["stormwater_regulation"]["lacking"] == ["storm_mm"]
        assert methods["carbon_sink"] == {
            "method": "nep",
            "profile": "biophysical",
            "compared": "amounts",
            "lacking": [],
        }
        job = answer.headers["location"]
        assert (await runner.get(job)).json()["methods"] == methods
        page = (await runner.get(job, params={"f": "html", "lang": "zh"})).text
        assert "工业与生态用水" in page
        assert "设计暴雨（mm）" in page
        assert "百分位次" in page

    @pytest.mark.parametrize("path", [ASSESS, ZONES])
    async def test_totals_without_default_are_asked_for(
        self, runner: httpx.AsyncClient, path: str
    ) -> None:
        found = await told(runner, path, profile="biophysical")
        assert set(found) == {
            "/inputs/ecoservices/water_conservation/parameters/industrial_use",
            "/inputs/ecoservices/carbon_sink/parameters/emissions_total",
            "/inputs/ecoservices/stormwater_regulation/parameters/storm_mm",
        }

    async def test_refusals_are_told_in_both_languages(self, runner: httpx.AsyncClient) -> None:
        wrong = {"cooling": {"method": "magic"}, "recreation": {"parameters": {"speed": 1}}}
        english = await told(runner, ASSESS, ecoservices=wrong)
        chinese = await told(runner, ASSESS, "zh", ecoservices=wrong)
        assert english.keys() == chinese.keys()
        assert "no method 'magic'" in english["/inputs/ecoservices/cooling/method"]
        assert "没有方法" in chinese["/inputs/ecoservices/cooling/method"]
        assert "/inputs/ecoservices/recreation/parameters/speed" in english

    @pytest.mark.parametrize(
        ("inputs", "pointer"),
        [
            ({"profile": "magic"}, "/inputs/profile"),
            ({"ecoservices": {"fishing": {}}}, "/inputs/ecoservices/fishing"),
            (
                {"ecoservices": {"cooling": {"tables": {"albedo": {"99": 1}}}}},
                "/inputs/ecoservices/cooling/tables/albedo/99",
            ),
            ({"min_services": 8}, "/inputs/min_services"),
            ({"results": ["magic"]}, "/inputs/results/0"),
            ({"frozen_limits": [{"layer": "npp", "lo": 2, "hi": 1}]}, "/inputs/frozen_limits/0"),
            (
                {"parameters": {"weights": {"cooling": 1}}},
                "/inputs/parameters/weights",
            ),
            (
                {"layers": {"options": {"cover_limits": "guess"}}},
                "/inputs/layers/options/cover_limits",
            ),
        ],
    )
    async def test_what_there_is_not_is_refused_with_its_place(
        self, runner: httpx.AsyncClient, inputs: dict[str, Any], pointer: str
    ) -> None:
        found = await told(runner, ASSESS, **inputs)
        assert any(one.startswith(pointer) for one in found), found

    async def test_missing_datasets_are_named_with_the_service_and_its_method(
        self, runner: httpx.AsyncClient
    ) -> None:
        found = await told(
            runner,
            ASSESS,
            profile="biophysical",
            ecoservices=TOTALS | {"cooling": {"method": "lst"}},
        )
        assert found.keys() == {"/inputs/datasets/lst"}
        assert "cooling (lst)" in found["/inputs/datasets/lst"]
        assert "region 'bay'" in found["/inputs/datasets/lst"]


FROM = "/inputs/normalisation/from"
OF_MANIFEST: dict[str, Any] = {"profile": "mixed", "methods": {"cooling": "index"}, "figures": []}
SETTINGS = {"algorithm": "kmeans", "features": "esdr7", "pca": False, "k": 5}


async def add_run(
    session: AsyncSession,
    kind: str = "delineate-zones",
    *,
    region: str = "bay",
    status: str = "successful",
    public: bool = False,
    manifest: dict[str, Any] = OF_MANIFEST,
) -> Job:
    """A job as a run over a region leaves it, with what its manifest tells."""
    asked = {"region": region, "publish": public}
    job = await add_job(
        session,
        kind=kind,
        status=status,
        task={"process": kind, "inputs": asked, "region": {"code": region}},
        result={"manifest": {"process": kind, **manifest}} if status == "successful" else None,
        requested_by="another",
    )
    await session.commit()
    return job


def taken_over(former: object, **more: Any) -> dict[str, Any]:
    return {"normalisation": {"from": str(former), **more}}


@pytest.mark.usefixtures("bay")
class TestTakenOver:
    """Numbers, and zones, of another run: `normalisation` names its job."""

    @pytest.mark.parametrize("former", ["assess-ecoservices", "delineate-zones"])
    @pytest.mark.parametrize("path", [ASSESS, ZONES])
    async def test_the_numbers_go_with_the_task(
        self, runner: httpx.AsyncClient, session: AsyncSession, path: str, former: str
    ) -> None:
        reference = await add_run(session, former)
        inputs = {"region": "bay", "cell_m": 250, **taken_over(reference.id)}
        answer = await runner.post(path, json={"inputs": inputs})
        assert answer.status_code == 201, answer.text
        job = (await session.scalars(select(Job).where(Job.id != reference.id))).one()
        assert job.task["inputs"]["normalisation"]["from"] == str(reference.id)
        told = {name: job.task["reference"][name] for name in ("name", "process", "methods")}
        assert told == {
            "name": str(reference.id),
            "process": former,
            "methods": {"cooling": "index"},
        }

    async def test_zones_go_with_the_task(
        self, runner: httpx.AsyncClient, session: AsyncSession
    ) -> None:
        model = {"settings": SETTINGS, "centres": [[0.5]]}
        former = await add_run(session, manifest=OF_MANIFEST | {"zone_model": model})
        inputs = {"region": "bay", "cell_m": 250, **taken_over(former.id, zones=True)}
        assert (await runner.post(ZONES, json={"inputs": inputs})).status_code == 201
        job = (await session.scalars(select(Job).where(Job.id != former.id))).one()
        assert job.task["reference"]["zone_model"] == model
        found = await told(
            runner, ZONES, **taken_over(former.id, zones=True), parameters={"k": 4, "pca": True}
        )
        assert found.keys() == {"/inputs/parameters/k", "/inputs/parameters/pca"}

    @pytest.mark.parametrize("path", [ASSESS, ZONES])
    @pytest.mark.parametrize("status", ["accepted", "running", "failed", "dismissed"])
    async def test_a_job_without_results_is_refused(
        self, runner: httpx.AsyncClient, session: AsyncSession, path: str, status: str
    ) -> None:
        former = taken_over((await add_run(session, status=status)).id)
        english = await told(runner, path, **former)
        chinese = await told(runner, path, "zh", **former)
        assert english.keys() == chinese.keys() == {FROM}
        assert f"is {status}" in english[FROM]
        assert f"状态为 {status}" in chinese[FROM]

    @pytest.mark.parametrize(
        ("kind", "manifest", "more", "pointer"),
        [
            ("build-network", OF_MANIFEST, {}, FROM),
            ("delineate-zones", {}, {}, FROM),
            ("delineate-zones", OF_MANIFEST | {"profile": "index"}, {}, "/inputs/profile"),
            (
                "assess-ecoservices",
                OF_MANIFEST,
                {"zones": True},
                "/inputs/normalisation/zones",
            ),
        ],
    )
    async def test_a_run_that_does_not_fit_is_refused(
        self,
        runner: httpx.AsyncClient,
        session: AsyncSession,
        kind: str,
        manifest: dict[str, Any],
        more: dict[str, Any],
        pointer: str,
    ) -> None:
        former = await add_run(session, kind, manifest=manifest)
        assert (await told(runner, ZONES, **taken_over(former.id, **more))).keys() == {pointer}

    async def test_what_is_no_job_is_refused(self, runner: httpx.AsyncClient) -> None:
        # A manifest is given with a run on files, where there are no jobs.
        for source in ("manifest", "00000000-0000-4000-8000-000000000000"):
            assert (await told(runner, ASSESS, **taken_over(source))).keys() == {FROM}
        assert any(
            one.startswith(FROM) for one in await told(runner, ASSESS, **taken_over("the last"))
        )

    @pytest.mark.parametrize(("path", "shown"), [(ASSESS, "public"), (ZONES, "publish")])
    async def test_what_rests_on_an_unpublished_run_is_not_published(
        self, publisher: httpx.AsyncClient, session: AsyncSession, path: str, shown: str
    ) -> None:
        closed, shared = await add_run(session), await add_run(session, public=True)
        asked: dict[str, Any] = {**taken_over(closed.id), shown: True}
        found = await told(publisher, path, **asked)
        assert found.keys() == {f"/inputs/{shown}"}
        inputs = {"region": "bay", "cell_m": 250, **taken_over(shared.id), shown: True}
        answer = await publisher.post(path, json={"inputs": inputs})
        assert answer.status_code == 201, answer.text

    @pytest.mark.parametrize("path", [ASSESS, ZONES])
    async def test_a_run_of_another_region_is_there_for_those_who_may_see_it(
        self, people: People, session: AsyncSession, path: str
    ) -> None:
        regions = {one.code: one for one in await session.scalars(select(Region))}
        for code in ("a", "b"):
            await add_inputs(session, regions[code])
        former = await add_run(session, region="b")

        async def answered(who: str, own: str, source: object) -> httpx.Response:
            inputs = {"region": own, "cell_m": 250, **taken_over(source)}
            return await people[who].post(path, json={"inputs": inputs})

        refused = await answered("planner@a", "a", former.id)
        assert refused.status_code == 400, refused.text
        (fault,) = refused.json()["errors"]
        # What one may not see is told of as what there is not.
        unknown = "00000000-0000-4000-8000-000000000000"
        (other,) = (await answered("planner@a", "a", unknown)).json()["errors"]
        assert fault["pointer"] == other["pointer"] == FROM
        assert fault["detail"].replace(str(former.id), unknown) == other["detail"]
        assert (await answered("planner@b", "b", former.id)).status_code == 201
        # A published zoning is anybody's to compare with.
        await add_scheme(session, regions["b"], job_id=former.id)
        await session.commit()
        answer = await answered("planner@a", "a", former.id)
        assert answer.status_code == 201, answer.text
