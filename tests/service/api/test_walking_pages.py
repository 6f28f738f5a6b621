"""Every page that can be reached: no link leads nowhere, and no code stands where a name exists."""

import httpx
import pytest

from shanhai.db.queries.audit import Act
from shanhai.db.seeds.load import seed_cities
from shanhai_api.kit.state import ServiceState
from tests.service.api.walks import (
    assert_names_are_shown,
    assert_no_dead_links,
    assert_written_for_people,
    names_of_codes,
    steps_of,
)
from tests.support.walking import Step, visible_texts

Client = httpx.AsyncClient
# Over a thousand pages, each drawn by the service itself.
pytestmark = [pytest.mark.timeout(300), pytest.mark.long]
VIEWER_OF_XIAMEN = {"role": "viewer", "region": "xiamen"}


@pytest.fixture
async def seeded(state: ServiceState) -> None:
    async with state.sessions.begin() as session:
        await seed_cities(session, ["xiamen", "banan"], [], act=Act("tester"))


@pytest.mark.usefixtures("seeded")
@pytest.mark.parametrize(("who", "lang"), [("admin", "en"), ("anonymous", "zh")])
async def test_no_link_leads_nowhere(admin: Client, anonymous: Client, who: str, lang: str) -> None:
    client = admin if who == "admin" else anonymous
    steps = await steps_of(client, lang)
    assert_no_dead_links(steps)
    assert_written_for_people(steps)


@pytest.mark.usefixtures("seeded")
async def test_who_only_looks_at_one_city_is_led_nowhere_in_vain(
    admin: Client, anonymous: Client
) -> None:
    made = await admin.post("/keys", json={"name": "looks", "roles": [VIEWER_OF_XIAMEN]})
    assert made.status_code == 201, made.text
    anonymous.headers["Authorization"] = f"Bearer {made.json()['key']}"
    steps = await steps_of(anonymous, "zh")
    assert_no_dead_links(steps)
    assert_written_for_people(steps)
    for plan, shown in (("xiamen-vanguard-2025", True), ("banan-restoration-2021", False)):
        page = await anonymous.get(f"/collections/plans/items/{plan}?f=html")
        assert (f"/plans/{plan}/funds" in page.text) is shown


@pytest.mark.usefixtures("seeded")
async def test_chinese_pages_show_names_where_there_are_names(admin: Client) -> None:
    names = await names_of_codes(admin)
    assert names["banan.longzhouwan"] == "龙洲湾街道"
    assert names["mine_restored_area"] == "历史遗留和关闭矿山生态修复面积"
    steps = await steps_of(admin, "zh")
    assert_no_dead_links(steps)
    assert_names_are_shown(steps, names)
    assert_written_for_people(steps)


@pytest.mark.usefixtures("seeded")
async def test_a_rule_is_called_by_what_it_speaks_of(anonymous: Client) -> None:
    for lang, name in (("zh", "生态保护红线：采矿"), ("en", "Ecological red line: Mining")):
        asked = {"f": "html", "lang": lang}
        path = "/control-rules/national.red-line.mining"
        assert f"<h1>{name}</h1>" in (await anonymous.get(path, params=asked)).text
        listed = await anonymous.get("/control-rules", params={**asked, "subject": "red_line"})
        assert f">{name}</a>" in listed.text
        assert (">禁止<" if lang == "zh" else ">Forbidden<") in listed.text


async def test_what_is_no_code_shown_as_such_is_read() -> None:
    html = "<main><p>red_line<br><span class='code'>a.b</span> <code>c_d</code> 红线</p></main>"
    assert visible_texts(html) == ["red_line", "红线"]
    assert visible_texts(html, codes=True) == ["red_line", "a.b", "c_d", "红线"]


@pytest.mark.parametrize("shown", ["<code>{}</code>", '<p class="code">{}</p>', "<td>{}</td>"])
async def test_a_job_s_page_that_shows_an_id_is_refused(shown: str) -> None:
    page = shown.format("0b6c2f1e-58a4-4a1c-9f9d-1c2b3a4d5e6f")
    answer = httpx.Response(200, html=page)
    with pytest.raises(AssertionError, match="a job's id"):
        assert_written_for_people([Step("http://api.test/jobs/x", "", answer)])
