"""Every page that can be reached: no link leads nowhere, and no code stands where a name exists."""

import re
from collections.abc import Mapping

import httpx
import pytest
from fastapi import FastAPI

from shanhai.db.compliance.activities import activities
from shanhai.db.features.catalogue import COLLECTIONS, ENTITIES
from shanhai.db.queries.audit import Act
from shanhai.db.seed import seed_cities
from shanhai.testing.walking import Step, kinds_by_paths, visible_texts, walk
from shanhai_api.naming import KNOWN_CODES, KNOWN_MEMBERS
from shanhai_api.state import State

CODE = re.compile(r"[a-z][a-z0-9]*(?:[._-][A-Za-z0-9]+)*[._][A-Za-z0-9-]+", re.ASCII)
"""Words with a dot or an underscore in them, as codes have and Chinese sentences have not."""
BESIDE_WORDS = frozenset({"comment_until"})
"""Names of fields that a message gives after their words, for whoever is to write them."""
FOR_PROGRAMS = ("/docs", "/api", "/openapi.json", "/sta/", "/static/")
"""Pages that describe the interface; codes are what they are about."""
Client = httpx.AsyncClient
BASE = "http://api.test"


@pytest.fixture
async def seeded(state: State) -> None:
    async with state.sessions.begin() as session:
        await seed_cities(session, ["xiamen", "banan"], [], act=Act("tester"))


async def steps_of(client: Client, lang: str, app: FastAPI) -> list[Step]:
    start = f"{BASE}/?f=html&lang={lang}"
    steps = await walk(client, start, lang, kinds_by_paths(app.openapi()["paths"]))
    assert len(steps) > 150
    return steps


@pytest.mark.usefixtures("seeded")
@pytest.mark.parametrize(("who", "lang"), [("admin", "en"), ("anonymous", "zh")])
async def test_no_link_leads_nowhere(
    app: FastAPI, admin: Client, anonymous: Client, who: str, lang: str
) -> None:
    client = admin if who == "admin" else anonymous
    assert_no_dead_links(await steps_of(client, lang, app))


def assert_no_dead_links(steps: list[Step]) -> None:
    """What a person is shown a link to can be read by that person."""
    dead = [
        f"{step.answer.status_code} {step.url} on {step.source}"
        for step in steps
        if step.answer.status_code >= 400
    ]
    assert not dead, "\n".join(dead)


async def names_of_codes(client: Client) -> Mapping[str, str]:
    """What the database calls what has a code, and what codes and members are called."""
    found = {code: label.zh for code, label in {**KNOWN_MEMBERS, **KNOWN_CODES}.items()}
    found |= {code: activities().name_of(code).zh for code in activities().known}
    for entity in ENTITIES:
        if "{" in (entity.path or ""):
            continue
        path = f"/collections/{entity.name}/items" if entity in COLLECTIONS else entity.path
        rows = (await client.get(str(path), params={"limit": 1000, "f": "json"})).json()
        for row in rows.get("features") or rows.get(entity.name, []):
            members = row.get("properties") or row
            if members.get("name_zh"):
                found[row.get("id") or members["code"]] = members["name_zh"]
    return found


@pytest.mark.usefixtures("seeded")
async def test_chinese_pages_show_names_where_there_are_names(app: FastAPI, admin: Client) -> None:
    names = await names_of_codes(admin)
    assert names["banan.longzhouwan"] == "龙洲湾街道"
    assert names["mine_restored_area"] == "历史遗留和关闭矿山生态修复面积"
    steps = await steps_of(admin, "zh", app)
    assert_no_dead_links(steps)
    seen = {
        f"{code} for {names[code]} on {step.url}"
        for step in steps
        if step.page and not httpx.URL(step.url).path.startswith(FOR_PROGRAMS)
        for shown in visible_texts(step.answer.text)
        for code in CODE.findall(shown)
        if code in names and code not in BESIDE_WORDS
    }
    assert not seen, "\n".join(sorted(seen))


@pytest.mark.usefixtures("seeded")
async def test_a_rule_is_called_by_what_it_speaks_of(anonymous: Client) -> None:
    for lang, name in (("zh", "生态保护红线：采矿"), ("en", "Ecological red line: Mining")):
        asked = {"f": "html", "lang": lang}
        path = "/control-rules/national.red-line.mining"
        assert f"<h1>{name}</h1>" in (await anonymous.get(path, params=asked)).text
        listed = await anonymous.get("/control-rules", params={**asked, "subject": "red_line"})
        assert f">{name}</a>" in listed.text


async def test_what_is_no_code_shown_as_such_is_read() -> None:
    html = "<main><p>red_line<br><span class='code'>a.b</span> <code>c_d</code> 红线</p></main>"
    assert visible_texts(html) == ["red_line", "红线"]
