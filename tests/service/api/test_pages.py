"""Pages for people: tables, pictures and ways on, in two languages and without script."""

import html
import re

import httpx
import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from tests.support.feature_rows import add_five_zones, add_job, add_scheme
from tests.support.job_rows import add_dataset, add_region

RESULT = {
    "outputs": {
        "report": {
            "uri": "jobs/x/report.html",
            "sha256": "0" * 64,
            "bytes": 2048,
            "media_type": "text/html",
            "title_zh": "报告",
            "title_en": "Report",
        },
        "map_en": {
            "uri": "jobs/x/map_en.png",
            "sha256": "1" * 64,
            "bytes": 4096,
            "media_type": "image/png",
            "title_zh": "地图",
            "title_en": "Map of the zones",
        },
        "ratio_map_en": {
            "uri": "jobs/x/ratio_map_en.png",
            "sha256": "2" * 64,
            "bytes": 4096,
            "media_type": "image/png",
            "title_zh": "供需比（英文）",
            "title_en": "Supply–demand ratio (English)",
        },
    },
    "values": {"layers": {"zones": "zones.city"}, "scheme": "city.supply_demand"},
    "manifest": {},
    "warnings": [],
}


@pytest.fixture
async def filled(session: AsyncSession) -> None:
    city = await add_region(session, "city")
    await add_five_zones(session, await add_scheme(session, city))
    await add_dataset(session, city, "dem", "dem", stand_in=True, visibility="public")
    await session.commit()


async def page(client: httpx.AsyncClient, path: str, lang: str = "en") -> str:
    answer = await client.get(path, params={"f": "html", "lang": lang})
    assert answer.status_code == 200, path
    assert answer.headers["Content-Type"].startswith("text/html")
    assert "<script" not in answer.text
    assert " style=" not in answer.text
    return answer.text


@pytest.mark.parametrize("lang", ["zh", "en"])
async def test_every_page_of_collections_can_be_drawn(
    anonymous: httpx.AsyncClient, filled: None, lang: str
) -> None:
    for path in ("/", "/collections", "/zone-classes", "/processes", "/processes/echo", "/jobs"):
        await page(anonymous, path, lang)
    for name in ("regions", "plans", "zone_schemes", "zones", "datasets"):
        await page(anonymous, f"/collections/{name}", lang)
        listed = await page(anonymous, f"/collections/{name}/items", lang)
        for feature in (await anonymous.get(f"/collections/{name}/items")).json()["features"]:
            assert feature["id"] in listed
            await page(anonymous, f"/collections/{name}/items/{feature['id']}", lang)


async def test_zones_show_colour_area_and_the_way_to_the_map(
    anonymous: httpx.AsyncClient, filled: None
) -> None:
    text = await page(anonymous, "/collections/zones/items")
    features = (await anonymous.get("/collections/zones/items")).json()["features"]
    for feature in features:
        assert f'fill="{feature["properties"]["color"]}"' in text
        assert f"{feature['properties']['area_km2']:,.1f} km²" in text
    assert "20.0 %" in text
    zone = await page(anonymous, f"/collections/zones/items/{features[0]['id']}")
    code = features[0]["properties"]["class"]
    assert f'<dt>Class code</dt><dd><span class="code">{code}</span>' in zone
    assert "http://tiles.test/layers/zones/map?lang=en&amp;scheme=city.supply_demand" in text


async def test_stand_ins_are_told_in_the_readers_language(
    anonymous: httpx.AsyncClient, filled: None
) -> None:
    assert "替代数据，不是实测值" in await page(anonymous, "/collections/datasets/items", "zh")
    english = await page(anonymous, "/collections/datasets/items/dem")
    assert "stand-in, not a measurement" in english
    assert "http://tiles.test/layers/dataset.dem/map?lang=en" in english


async def test_running_job_looks_again_by_itself(
    reader: httpx.AsyncClient, session: AsyncSession
) -> None:
    job = await add_job(session, status="running", progress=40)
    await session.commit()
    text = await page(reader, f"/jobs/{job.id}")
    assert 'http-equiv="refresh"' in text
    assert 'value="40"' in text
    assert "运行中" in await page(reader, f"/jobs/{job.id}", "zh")


async def test_successful_job_leads_to_report_maps_and_layers(
    reader: httpx.AsyncClient, session: AsyncSession
) -> None:
    job = await add_job(session, status="successful", progress=100, result=RESULT)
    await session.commit()
    for path in (f"/jobs/{job.id}", f"/jobs/{job.id}/results"):
        text = await page(reader, path)
        assert "refresh" not in text
        assert f'href="http://api.test/jobs/{job.id}/results/report?lang=en"' in text
        for name in ("map_en", "ratio_map_en"):
            assert text.count(f'src="http://api.test/jobs/{job.id}/results/{name}?lang=en"') == 1
        assert "http://tiles.test/layers/zones.city/map?lang=en" in text


async def test_rows_of_many_members_are_told_one_by_one(
    reader: httpx.AsyncClient, session: AsyncSession
) -> None:
    """Inputs of a manifest have more members than a page is wide, and their files long names."""
    wide: dict[str, str | int] = {
        "id": "city.dem",
        "name_zh": "高程",
        "name_en": "Elevation",
        "uri": f"objects/{'e' * 64}",
    }
    wide |= {f"member_{number}": number for number in range(12)}
    narrow = {"name": "zones", "uri": f"objects/{'f' * 64}"}
    result = {**RESULT, "manifest": {"inputs": [wide], "outputs": [narrow]}}
    job = await add_job(session, status="successful", progress=100, result=result)
    await session.commit()
    text = await page(reader, f"/jobs/{job.id}/manifest", "zh")
    assert re.search(r'<details><summary><span class="code">city.dem</span>\s*高程</summary>', text)
    assert text.count("<table") == 1
    assert '<span class="code long">objects/fff' in text
    assert "<th>文件</th>" in text


async def test_values_of_a_result_are_named_and_coloured(
    reader: httpx.AsyncClient, session: AsyncSession
) -> None:
    zone = {"class": "strict_protection", "color": "#1b6e3c", "area_km2": 12.5}
    result = {**RESULT, "values": {"zones": [zone]}}
    job = await add_job(session, status="successful", progress=100, result=result)
    await session.commit()
    text = await page(reader, f"/jobs/{job.id}/results", "zh")
    assert '<dd class="wide">' in text
    assert '<span title="strict_protection">严格保护与管控区</span>' in text
    assert 'fill="#1b6e3c"' in text
    assert '<th class="number">面积（km²）</th>' in text


async def test_the_form_of_a_list_asks_the_list(anonymous: httpx.AsyncClient, filled: None) -> None:
    """What a browser sends: every field, most of them empty."""
    asked = {"class": "key_protection", "sortby": "-class", "bbox": "", "limit": "", "as_of": ""}
    answer = await anonymous.get(
        "/collections/zones/items", params={"f": "html", "lang": "zh", **asked}
    )
    assert answer.status_code == 200
    assert "city.supply_demand.key_protection" in answer.text
    assert "city.supply_demand.strict_protection" not in answer.text
    assert '<option value="-class" selected>' in answer.text
    assert "form-action 'self'" in answer.headers["Content-Security-Policy"]
    other = html.unescape(re.findall(r'<footer>.*?href="([^"]+)"', answer.text, re.DOTALL)[0])
    assert len((await anonymous.get(other)).json()["features"]) == 1
    file = html.unescape(re.findall(r'href="([^"]+f=csv[^"]*)"', answer.text)[0])
    assert (await anonymous.get(file)).text.count("city.supply_demand.") >= 1


async def test_codes_of_closed_lists_are_told_in_words(
    anonymous: httpx.AsyncClient, filled: None
) -> None:
    for lang, level, status in (("en", "City", "Published"), ("zh", "市级", "已发布")):
        listed = await page(anonymous, "/collections/regions/items", lang)
        assert f'<span title="city">{level}</span>' in listed
        assert f'<option value="city">{level}</option>' in listed
        region = await page(anonymous, "/collections/regions/items/city", lang)
        assert f'<span title="city">{level}</span>' in region
        assert f'<span title="city">{level}</span>' in await page(
            anonymous, "/regions/city/tree", lang
        )
        schemes = await page(anonymous, "/collections/zone_schemes/items", lang)
        assert f'<span title="published">{status}</span>' in schemes
        schema = (await anonymous.get("/collections/regions/schema", params={"lang": lang})).json()
        assert schema["properties"]["level"]["x-enum-titles"]["city"] == level


async def test_what_else_there_is_about_a_feature_is_there(
    anonymous: httpx.AsyncClient, session: AsyncSession
) -> None:
    """Every link of a feature's page to what belongs to it leads somewhere."""
    region = await add_region(session, "city", box=(118.0, 24.4, 118.5, 24.5))
    await add_five_zones(session, await add_scheme(session, region))
    await session.commit()
    for item in ("regions/items/city", "zone_schemes/items/city.supply_demand"):
        page = await anonymous.get(f"/collections/{item}", params={"f": "html"})
        links = re.findall(r'href="http://api\.test(/(?:regions|zone-schemes)/[^"]+)"', page.text)
        assert len(links) >= 2
        for link in links:
            answer = await anonymous.get(link.replace("&amp;", "&"))
            assert answer.status_code == 200, link


BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
FOR_PEOPLE_AT_WORK = ("/cases", "/alerts", "/proposals", "/subscriptions", "/keys", "/webhooks")


@pytest.mark.parametrize("path", [*FOR_PEOPLE_AT_WORK, "/audit", "/schedules", "/accounts"])
@pytest.mark.parametrize(
    ("lang", "said"), [("zh-CN", "如何表明身份"), ("en", "How to identify yourself")]
)
async def test_a_person_without_identity_is_told_how_to_identify(
    anonymous: httpx.AsyncClient, path: str, lang: str, said: str
) -> None:
    answer = await anonymous.get(path, headers={**BROWSER, "Accept-Language": lang})
    assert answer.status_code == 401
    assert answer.headers["Content-Type"].startswith("text/html")
    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="shanhai"'
    assert answer.headers["Cache-Control"] == "no-store"
    assert said in answer.text
    assert "Authorization: Bearer" in answer.text
    assert "<script" not in answer.text
    by_parameter = await anonymous.get(path, params={"f": "html", "lang": lang[:2]})
    assert said in by_parameter.text


@pytest.mark.parametrize(
    "headers", [{}, {"Accept": "*/*"}, {"Accept": "application/json, text/html;q=0.5"}]
)
async def test_programs_are_refused_with_a_problem(
    anonymous: httpx.AsyncClient, headers: dict[str, str]
) -> None:
    answer = await anonymous.get("/alerts", headers=headers)
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json()["status"] == 401
    asked = await anonymous.get("/alerts?f=json", headers=BROWSER)
    assert asked.headers["Content-Type"] == "application/problem+json"


async def test_what_is_not_there_is_told_to_a_person_without_repeating_markup(
    anonymous: httpx.AsyncClient,
) -> None:
    answer = await anonymous.get("/collections/zones/items/%3Cb%3Ex", headers=BROWSER)
    assert (answer.status_code, answer.headers["Content-Type"]) == (
        404,
        "text/html; charset=utf-8",
    )
    assert "<b>x" not in answer.text
    chinese = await anonymous.get("/collections/zones/items/none?f=html&lang=zh")
    assert "<p>分区中没有 &#39;none&#39;</p>" in chinese.text
    assert "How to identify" not in answer.text
    for shown, lang in ((answer, "en"), (chinese, "zh")):
        back = f"/collections/zones/items?f=html{'&amp;lang=zh' if lang == 'zh' else ''}"
        assert f'href="http://api.test{back}"' in shown.text
        assert {"zh": ">首页</a>", "en": ">Home</a>"}[lang] in shown.text
    wrong = await anonymous.get("/collections/zones/items?limit=-1&f=html", headers=BROWSER)
    assert wrong.status_code == 400
    assert "<code>limit</code>" in wrong.text
