"""An assessment over HTTP: its options are accepted, and what is wrong is refused by its place."""

from typing import Any

import httpx
import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.tables.job import Job
from shanhai.db.tables.zone import Region
from tests.support.job_rows import XIAMEN_EPSG, add_dataset, add_region

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
    "normalization": [{"layer": "npp", "lo": 0, "hi": 900}],
    "parameters": {"max_mode": "max", "weights": None},
}


@pytest.fixture
async def bay(session: AsyncSession) -> Region:
    """A region with every dataset the biophysical defaults need."""
    region = await add_region(session, "bay")
    for theme in BIOPHYSICAL:
        grid = {"epsg": XIAMEN_EPSG, "bands": 12 if theme in MONTHLY else 1}
        await add_dataset(session, region, theme, f"bay.{theme}", grid=grid)
    await session.commit()
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
            ({"normalization": [{"layer": "npp", "lo": 2, "hi": 1}]}, "/inputs/normalization/0"),
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
