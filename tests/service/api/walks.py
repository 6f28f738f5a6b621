"""What walks over all pages look for: links that lead nowhere, and codes where names exist."""

import re
from collections.abc import Mapping

import httpx

from shanhai.db.collections.catalogue import COLLECTIONS, ENTITIES
from shanhai.db.compliance.rules import activities
from shanhai_api.words.naming import KNOWN_CODES, KNOWN_MEMBERS
from tests.service.api.declared import served_paths
from tests.support.walking import Step, kinds_by_paths, visible_texts, walk

CODE = re.compile(r"[a-z][a-z0-9]*(?:[._-][A-Za-z0-9]+)*[._][A-Za-z0-9-]+", re.ASCII)
"""Words with a dot or an underscore in them, as codes have and Chinese sentences have not."""
BESIDE_WORDS = frozenset({"comment_until"})
"""Names of fields that a message gives after their words, for whoever is to write them."""
FOR_PROGRAMS = ("/docs", "/api", "/openapi.json", "/sta/", "/static/")
"""Pages that describe the interface; codes are what they are about."""
FOR_MACHINES = {
    "a code": re.compile(r"[a-z]+_[a-z]+"),
    "an exponent": re.compile(r"(?<![\w-])\d+(?:\.\d+)?e[-+]?\d+(?![\w-])"),
    "a time of documents": re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d|\d\d:\d\dZ|\+00:00"),
    "a job's id": re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"),
}
OF_JOBS = "/jobs"
"""Pages on which an id is not shown as a code either."""
"""What people are not shown, but as a code that is set as such."""
Client = httpx.AsyncClient
BASE = "http://api.test"


async def steps_of(client: Client, lang: str, *others: str, at_least: int = 150) -> list[Step]:
    """A walk from the landing page, and from other pages."""
    starts = [f"{BASE}{path}?f=html&lang={lang}" for path in ("/", *others)]
    steps = await walk(client, starts, lang, kinds_by_paths(served_paths()))
    assert len(steps) > at_least
    return steps


def assert_no_dead_links(steps: list[Step]) -> None:
    """What a person is shown a link to can be read by that person."""
    dead = [
        f"{step.answer.status_code} {step.url} on {step.source}"
        for step in steps
        if step.answer.status_code >= 400
    ]
    assert not dead, "\n".join(dead)


def assert_written_for_people(steps: list[Step]) -> None:
    """No codes, exponents, times of machines or ids are read on pages that are not about them."""
    seen = {
        f"{what}: {found[0]} in {shown[:80]!r} on {step.url}"
        for step in steps
        if step.page and not httpx.URL(step.url).path.startswith(FOR_PROGRAMS)
        for shown in visible_texts(step.answer.text)
        for what, pattern in FOR_MACHINES.items()
        if (found := pattern.search(shown))
    }
    job_id = FOR_MACHINES["a job's id"]
    seen |= {
        f"a job's id: {shown[:80]!r} on {step.url}"
        for step in steps
        if step.page and httpx.URL(step.url).path.startswith(OF_JOBS)
        for shown in visible_texts(step.answer.text, codes=True)
        if job_id.search(shown)
    }
    assert not seen, "\n".join(sorted(seen))


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


def assert_names_are_shown(steps: list[Step], names: Mapping[str, str]) -> None:
    """Nothing that has a name is shown as a code, on pages that are not about codes."""
    seen = {
        f"{code} for {names[code]} on {step.url}"
        for step in steps
        if step.page and not httpx.URL(step.url).path.startswith(FOR_PROGRAMS)
        for shown in visible_texts(step.answer.text)
        for code in CODE.findall(shown)
        if code in names and code not in BESIDE_WORDS
    }
    assert not seen, "\n".join(sorted(seen))
