"""Bulletins over HTTP: drafts for few, published ones for ever, templates in versions."""

import subprocess
import sys
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.bulletins.publication import BulletinDraft, BulletinSubject, add_draft
from shanhai.db.bulletins.templates import default_template
from shanhai.db.identity import RoleGiven
from shanhai.db.queries.audit import Act
from shanhai.db.queries.keys import create_key
from shanhai.db.tables.access import AuditLog
from shanhai.db.tables.delivery import Delivery, Webhook
from shanhai.db.tables.job import Job
from shanhai.db.tables.zone import Region
from shanhai.processes.publish_bulletin.compute import draw_pictures
from shanhai.processes.publish_bulletin.document.examples import (
    example_contents,
    example_region,
    full_task,
)
from shanhai.processes.publish_bulletin.document.files import Drawn, pack_pictures
from shanhai.processes.publish_bulletin.document.language import in_language
from shanhai.vocabulary import LANGUAGES, Lang, Role, Scope
from shanhai_api.kit.state import ServiceState
from tests.support.emptying import forget_rows
from tests.support.job_rows import add_region

REGION = "bulletin-city"
PDF, DOCX = b"%PDF-1.7 invented", b"PK invented"
CONTENT = {"water": {"good_percent": 50.0}}


@pytest.fixture
async def region(session: AsyncSession) -> Region:
    await forget_rows(session, ["bulletin_template", "webhook", "delivery", "job"])
    region = await add_region(session, REGION)
    await session.commit()
    return region


async def draft(
    session: AsyncSession,
    state: ServiceState,
    region: Region,
    tmp_path: Path,
    *,
    month: int = 1,
    made: Mapping[str, Mapping[str, Any]] | None = None,
    **more: Any,
) -> str:
    """A draft of a month, with files as a worker would have stored them."""
    job = Job(
        kind="publish-bulletin",
        inputs={},
        task={},
        status="successful",
        requested_by="key:planner",
    )
    session.add(job)
    await session.flush()
    files: dict[str, Mapping[str, Any]] = dict(made or {})
    for name, content, media_type in (
        ("pdf_zh", PDF, "application/pdf"),
        ("docx_en", DOCX, "application/octet-stream"),
        ("html_zh", "<p>公报</p>".encode(), "text/html"),
    ):
        path = tmp_path / name
        path.write_bytes(content)
        stored = state.store.put(path, suffix=f".{name.partition('_')[0]}")
        files[name] = {
            "uri": stored.uri,
            "sha256": stored.sha256,
            "bytes": stored.bytes,
            "media_type": media_type,
        }
    given: dict[str, Any] = {
        "subject": BulletinSubject(
            region.id, None, date(2026, month, 1), date(2026, month, 28), True
        ),
        "region": region.code,
        "job_id": job.id,
        "issue": month,
        "version": 1,
        "corrects_id": None,
        "title_zh": "监测公报",
        "title_en": "Bulletin",
        "template": "default",
        "template_version": 0,
        "content": CONTENT,
        "files": files,
        **more,
    }
    row = await add_draft(session, BulletinDraft(**given), Act("key:planner"))
    code = row.code
    await session.commit()
    return code


async def test_a_draft_is_published_by_an_approver_and_stays(
    session: AsyncSession,
    state: ServiceState,
    region: Region,
    tmp_path: Path,
    anonymous: httpx.AsyncClient,
    admin: httpx.AsyncClient,
) -> None:
    session.add(
        Webhook(
            code="hook",
            name="hook",
            url="https://hook.test",
            lang="en",
            events=["bulletin.published"],
            region_id=region.id,
            enabled=True,
            secret=b"sealed",
            created_by="key:admin",
        )
    )
    code = await draft(session, state, region, tmp_path)
    path = f"/bulletins/{code}"
    assert code == f"{REGION}.20260101-20260128.1"
    assert (await anonymous.get(path)).status_code == 404
    assert (await anonymous.get("/bulletins")).json()["bulletins"] == []
    assert (await anonymous.post(f"{path}/publish")).status_code == 401
    planner = await create_key(
        session,
        name="planner",
        scopes=[Scope.READ, Scope.WRITE],
        roles=[RoleGiven(Role.PLANNER, REGION)],
    )
    await session.commit()
    refused = await anonymous.post(
        f"{path}/publish", headers={"Authorization": f"Bearer {planner}"}
    )
    assert refused.status_code == 403, refused.text

    tag = (await admin.get(path)).headers["etag"]
    stale = await admin.post(f"{path}/publish", headers={"If-Match": '"published.x"'})
    assert stale.status_code == 412
    once = {"If-Match": tag, "Idempotency-Key": "publish-1"}
    answer = await admin.post(f"{path}/publish", headers=once)
    assert (answer.status_code, answer.json()["state"]) == (200, "published"), answer.text
    again = await admin.post(f"{path}/publish", headers=once)
    assert again.headers["idempotency-replayed"] == "true"
    assert (await admin.post(f"{path}/publish")).status_code == 409

    told = (await session.scalars(select(Delivery))).one()
    assert (told.event_type, told.payload["data"]["code"]) == ("bulletin.published", code)
    assert told.payload["data"]["href"] == path

    shown = (await anonymous.get(f"{path}?f=json")).json()
    assert shown["content"] == CONTENT
    assert "created_by" not in shown
    by_name = {file["name"]: file for file in shown["files"]}
    sent = await anonymous.get(f"{path}?f=pdf&lang=zh")
    assert (sent.content, sent.headers["etag"]) == (PDF, f'"{by_name["pdf_zh"]["sha256"]}"')
    assert (await anonymous.get(f"{path}?f=docx&lang=en")).content == DOCX
    assert (await anonymous.get(f"{path}?f=pdf&lang=en")).status_code == 404
    page = await anonymous.get(by_name["html_zh"]["href"])
    assert "sandbox" in page.headers["content-security-policy"]
    html = (await anonymous.get(f"{path}?f=html&lang=zh")).text
    assert by_name["pdf_zh"]["sha256"] in html
    assert "已发布" in html


async def test_bulletins_are_listed_by_region_and_period_in_pages(
    session: AsyncSession,
    state: ServiceState,
    region: Region,
    tmp_path: Path,
    anonymous: httpx.AsyncClient,
    admin: httpx.AsyncClient,
) -> None:
    codes = [await draft(session, state, region, tmp_path, month=n) for n in (1, 2, 3)]
    inside = BulletinSubject(region.id, None, date(2026, 4, 1), date(2026, 4, 30), False)
    codes.append(await draft(session, state, region, tmp_path, subject=inside, issue=4))
    for code in codes:
        assert (await admin.post(f"/bulletins/{code}/publish")).is_success
    first = (await anonymous.get("/bulletins?limit=2")).json()
    # What was made of more than is public is not shown to everybody.
    assert [one["code"] for one in first["bulletins"]] == [codes[2], codes[1]]
    (following,) = [link["href"] for link in first["links"] if link["rel"] == "next"]
    rest = (await anonymous.get(following)).json()
    assert [one["code"] for one in rest["bulletins"]] == [codes[0]]
    assert not [link for link in rest["links"] if link["rel"] == "next"]
    april = await admin.get(f"/bulletins?region={REGION}&first=2026-04-01")
    assert [one["code"] for one in april.json()["bulletins"]] == [codes[3]]
    assert (await anonymous.get("/bulletins?region=elsewhere")).json()["bulletins"] == []
    assert codes[2] in (await anonymous.get("/bulletins?f=html")).text
    for bad in ("before=nonsense", "before=2026-13-01-5", "first=soon", "state=lost"):
        assert (await anonymous.get(f"/bulletins?{bad}")).status_code == 400, bad

    # The same month again: only as a correction of what stands.
    other = await draft(session, state, region, tmp_path, month=1)
    answer = await admin.post(f"/bulletins/{other}/publish?lang=zh")
    assert answer.status_code == 409
    assert codes[0] in answer.json()["detail"]


def template(**more: Any) -> dict[str, Any]:
    return {**default_template().template.model_dump(mode="json"), **more}


@pytest.mark.usefixtures("region")
async def test_templates_are_kept_in_versions(
    anonymous: httpx.AsyncClient, reader: httpx.AsyncClient, admin: httpx.AsyncClient
) -> None:
    assert (await anonymous.get("/bulletin-templates")).status_code == 401
    (listed,) = (await reader.get("/bulletin-templates")).json()["templates"]
    assert (listed["code"], listed["version"]) == ("default", 0)
    path = "/bulletin-templates/default"
    assert (await reader.put(path, json=template())).status_code == 403
    tag = (await admin.get(path)).headers["etag"]
    kept = await admin.put(path, json=template(issuer_zh="示例局"), headers={"If-Match": tag})
    assert (kept.status_code, kept.json()["version"]) == (200, 1), kept.text
    late = await admin.put(path, json=template(), headers={"If-Match": tag})
    assert late.status_code == 412
    assert (await admin.put("/bulletin-templates/own", json=template())).status_code == 201
    own = await admin.get("/bulletin-templates/own")
    same = await admin.put("/bulletin-templates/own", json=own.json())
    assert same.json()["version"] == own.json()["version"]
    assert (same.status_code, same.json()["title_zh"]) == (200, own.json()["title_zh"]), same.text
    strange = await admin.put("/bulletin-templates/own", json={**own.json(), "color": "red"})
    assert (strange.status_code, strange.json()["errors"][0]["pointer"]) == (400, "/color")
    versions = (await reader.get(f"{path}/versions")).json()["versions"]
    assert [one["version"] for one in versions] == [1, 0]
    assert (await reader.get(f"{path}?version=1")).json()["issuer_zh"] == "示例局"
    assert (await reader.get("/bulletin-templates/none")).status_code == 404
    assert (await reader.get("/bulletin-templates/none/versions")).status_code == 404


@pytest.mark.usefixtures("region")
async def test_a_template_needs_no_english(admin: httpx.AsyncClient) -> None:
    given = template()
    chinese = {name: value for name, value in given.items() if not name.endswith("_en")}
    chinese["sections"] = [
        {name: value for name, value in section.items() if not name.endswith("_en")}
        for section in given["sections"]
    ]
    kept = await admin.put("/bulletin-templates/own", json=chinese)
    assert (kept.status_code, kept.json()["issuer_en"]) == (201, ""), kept.text
    listed = (await admin.get("/bulletin-templates?lang=en")).json()["templates"]
    assert {one["code"]: one["name"] for one in listed}["own"] == given["name_zh"]
    page = (await admin.post("/bulletin-templates/preview?lang=en", json=chinese)).text
    assert given["issuer_zh"] in page
    assert given["sections"][0]["heading_zh"] in page


@pytest.mark.usefixtures("region")
async def test_a_faulty_template_is_refused_with_line_and_reason(
    reader: httpx.AsyncClient, admin: httpx.AsyncClient
) -> None:
    bad = template()
    bad["sections"][1]["text_zh"] = "一\n{{ region.nope }}"
    bad["sections"][0]["text_en"] = "{{ ''.__class__ }}"
    answer = await admin.put("/bulletin-templates/own?lang=zh", json=bad)
    assert answer.status_code == 400
    told = {fault["pointer"]: fault["detail"] for fault in answer.json()["errors"]}
    assert set(told) == {"/sections/1/text_zh", "/sections/0/text_en"}
    assert told["/sections/1/text_zh"].startswith("第 2 行：")
    assert (await reader.get("/bulletin-templates/own")).status_code == 404
    wrong: tuple[dict[str, Any], ...] = ({"sections": []}, {"more": 1}, {"title_zh": "\n"})
    for broken in wrong:
        answer = await admin.put("/bulletin-templates/own", json=template(**broken))
        assert answer.status_code == 400, broken
    twice = template()
    twice["sections"].append(twice["sections"][0])
    assert (await admin.put("/bulletin-templates/own", json=twice)).status_code == 400

    preview = "/bulletin-templates/preview?lang=en"
    assert (await reader.post(preview, json=template())).status_code == 403
    assert (await admin.post(preview, json=bad)).status_code == 400
    page = await admin.post(preview, json=template(issuer_en="<b>Bureau</b>"))
    assert page.status_code == 200, page.text
    assert "&lt;b&gt;Bureau&lt;/b&gt;" in page.text
    assert "Share of good river sections" in page.text


async def test_a_bulletin_is_asked_for_with_the_right_to_draft(
    session: AsyncSession, region: Region, anonymous: httpx.AsyncClient, runner: httpx.AsyncClient
) -> None:
    path = "/processes/publish-bulletin/execution"
    good = {"region": REGION, "first": "2025-01-01", "last": "2025-03-31"}
    for more, pointer in (
        ({"last": "2024-12-31"}, "/inputs/last"),
        ({"last": "2026-03-31"}, "/inputs/last"),
        ({"first": "2015-12-31", "last": "2016-03-31"}, "/inputs/first"),
        ({"first": "2998-01-01", "last": "2998-03-31"}, "/inputs/last"),
        ({"template": "none"}, "/inputs/template"),
        ({"issue": 0}, "/inputs/issue"),
        ({"plan": "none"}, "/inputs/plan"),
        ({"properties": ["pm25", "none"]}, "/inputs/properties/1"),
        ({"lakes": ["none"]}, "/inputs/lakes/0"),
    ):
        answer = await runner.post(f"{path}?lang=zh", json={"inputs": {**good, **more}})
        assert answer.status_code == 400, answer.text
        assert [fault["pointer"] for fault in answer.json()["errors"]] == [pointer]
    analyst = await create_key(
        session,
        name="analyst",
        scopes=[Scope.READ, Scope.JOBS],
        roles=[RoleGiven(Role.ANALYST, REGION)],
    )
    await session.commit()
    headers = {"Authorization": f"Bearer {analyst}"}
    assert (await anonymous.post(path, json={"inputs": good}, headers=headers)).status_code == 403
    answer = await runner.post(path, json={"inputs": good})
    assert answer.status_code == 201, answer.text
    job = (await session.scalars(select(Job))).one()
    assert job.task["bulletin"]["issue"] == 1
    # Those who may not know of the region's drafts may not know of the job either.
    assert (await anonymous.get(f"/jobs/{job.id}")).status_code == 404


async def full_draft(
    session: AsyncSession, state: ServiceState, region: Region, tmp_path: Path
) -> str:
    """A draft that tells of everything, with all that its documents are made of."""
    made_by = default_template().template
    content = example_contents(made_by)[0]
    folder = tmp_path / "pictures"
    folder.mkdir()
    drawn: dict[Lang, Drawn] = {
        lang: draw_pictures(
            example_region(), full_task(made_by), in_language(content, lang), folder, lang
        )
        for lang in LANGUAGES
    }
    package = pack_pictures(drawn, folder)
    stored = state.store.put(folder / package.path, suffix=".zip")
    kept = {"uri": stored.uri, "sha256": stored.sha256, "bytes": stored.bytes}
    files = {"pictures": {**kept, "media_type": package.media_type}}
    return await draft(session, state, region, tmp_path, content=content, made=files)


async def client_with(
    session: AsyncSession, anonymous: httpx.AsyncClient, role: Role
) -> Mapping[str, str]:
    key = await create_key(
        session,
        name=role,
        scopes=[Scope.READ, Scope.WRITE],
        roles=[RoleGiven(role, REGION)],
    )
    await session.commit()
    return {"Authorization": f"Bearer {key}"}


async def test_the_words_of_a_draft_are_changed_and_its_figures_stay(
    session: AsyncSession,
    state: ServiceState,
    region: Region,
    tmp_path: Path,
    anonymous: httpx.AsyncClient,
    admin: httpx.AsyncClient,
) -> None:
    code = await full_draft(session, state, region, tmp_path)
    path = f"/bulletins/{code}"
    planner = await client_with(session, anonymous, Role.PLANNER)
    read = await anonymous.get(f"{path}/wording", headers=planner)
    assert read.status_code == 200, read.text
    told = read.json()
    assert "{" not in str([told["title_zh"], *(one["text_zh"] for one in told["sections"])])
    assert (told["title_zh"], told["edited"]) == ("示例市生态保护修复监测公报", None)
    before = (await admin.get(path)).json()
    assert before["edited"] is None
    # Sent back as they are, nobody has changed them.
    assert (await admin.put(f"{path}/wording", json=told)).status_code == 200
    assert (await admin.get(path)).json() == before

    sections = [dict(one) for one in told["sections"]]
    sections[0]["text_zh"] = "本季度总体向好。<script>alert(1)</script>\n\n优良 {{ air.good }} 天。"
    changed = {**told, "title_zh": "示例市第一季度公报", "sections": sections}
    answer = await anonymous.put(
        f"{path}/wording",
        json=changed,
        headers={**planner, "If-Match": read.headers["etag"]},
    )
    assert answer.status_code == 200, answer.text
    assert answer.json()["sections"][0]["text_zh"] == sections[0]["text_zh"]
    assert answer.json()["edited"] is not None

    after = (await admin.get(f"{path}?lang=zh")).json()
    assert after["content"] == before["content"]
    assert (after["title"], after["edited"]) == (
        "示例市第一季度公报",
        answer.json()["edited"],
    )
    page = (await admin.get(f"{path}/files/html_zh")).text
    good = example_contents(default_template().template)[0]["air"]["good"]
    assert f"优良 {good} 天。" in page
    assert "<script>" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert page.count('src="data:image/png') == 5
    for kind, begins in (("pdf", b"%PDF"), ("docx", b"PK")):
        sent = (await admin.get(f"{path}?f={kind}&lang=zh")).content
        assert sent.startswith(begins)
        assert sent not in {PDF, DOCX}
    assert "文字经人工修改" in (await admin.get(f"{path}?f=html&lang=zh")).text
    logged = await session.scalars(
        select(AuditLog.action).where(AuditLog.object_id == code).order_by(AuditLog.id)
    )
    # The log keeps what former tests did to a bulletin of this code.
    assert logged.all()[-2:] == ["create", "replace"]

    # Whoever read it before may neither write over the new words nor publish them unread.
    late = {"If-Match": read.headers["etag"]}
    lost = await admin.put(f"{path}/wording", json=told, headers=late)
    assert lost.status_code == 412
    assert (await admin.post(f"{path}/publish", headers=late)).status_code == 412
    fresh = {"If-Match": answer.headers["etag"]}
    assert (await admin.post(f"{path}/publish", headers=fresh)).status_code == 200
    closed = await admin.put(f"{path}/wording?lang=zh", json=changed)
    assert (closed.status_code, "已发布" in closed.json()["detail"]) == (409, True)
    assert "edited_by" not in (await anonymous.get(f"{path}?f=json")).json()


async def test_words_are_changed_by_who_drafts_and_approves_alone(
    session: AsyncSession,
    state: ServiceState,
    region: Region,
    tmp_path: Path,
    anonymous: httpx.AsyncClient,
) -> None:
    code = await full_draft(session, state, region, tmp_path)
    path = f"/bulletins/{code}/wording"
    assert (await anonymous.get(path)).status_code == 401
    steward = await client_with(session, anonymous, Role.ANALYST)
    told = (await anonymous.get(path, headers=steward)).json()
    assert (await anonymous.put(path, json=told, headers=steward)).status_code == 403
    preview = f"{path}/preview"
    assert (await anonymous.post(preview, json=told, headers=steward)).status_code == 403
    elsewhere = await create_key(session, name="out", scopes=[Scope.READ, Scope.WRITE], roles=[])
    await session.commit()
    headers = {"Authorization": f"Bearer {elsewhere}"}
    assert (await anonymous.put(path, json=told, headers=headers)).status_code == 404


async def test_faulty_words_are_refused_at_their_place(
    session: AsyncSession,
    state: ServiceState,
    region: Region,
    tmp_path: Path,
    admin: httpx.AsyncClient,
) -> None:
    code = await full_draft(session, state, region, tmp_path)
    path = f"/bulletins/{code}/wording"
    told = (await admin.get(path)).json()
    sections = [dict(one) for one in told["sections"]]
    sections[1]["text_zh"] = "一\n{{ region.nope }}"
    bad = {**told, "sections": sections}
    for answer in (
        await admin.put(f"{path}?lang=zh", json=bad),
        await admin.post(f"{path}/preview?lang=zh", json=bad),
    ):
        assert answer.status_code == 400
        (fault,) = answer.json()["errors"]
        assert fault["pointer"] == "/sections/1/text_zh"
        assert fault["detail"].startswith("第 2 行：")
    wrong: tuple[dict[str, Any], ...] = (
        *({"sections": []}, {"more": 1}),
        *({"title_zh": ""}, {"note_zh": "\x00"}),
    )
    for broken in wrong:
        assert (await admin.put(path, json={**told, **broken})).status_code == 400, broken
    assert (await admin.get(path)).json() == told
    page = await admin.post(f"{path}/preview?lang=zh", json={**told, "issuer_zh": "<b>甲局</b>"})
    assert page.status_code == 200, page.text
    assert "&lt;b&gt;甲局&lt;/b&gt;" in page.text


async def test_a_draft_whose_pictures_were_not_kept_is_composed_anew(
    session: AsyncSession,
    state: ServiceState,
    region: Region,
    tmp_path: Path,
    admin: httpx.AsyncClient,
) -> None:
    content = example_contents(default_template().template)[0]
    code = await draft(session, state, region, tmp_path, content=content)
    path = f"/bulletins/{code}"
    told = (await admin.get(f"{path}/wording")).json()
    before = (await admin.get(path)).json()
    answer = await admin.put(f"{path}/wording?lang=zh", json={**told, "title_zh": "公报"})
    assert (answer.status_code, "请重新编制" in answer.json()["detail"]) == (409, True)
    assert (await admin.get(path)).json() == before


def test_the_service_needs_nothing_that_draws_to_write_documents() -> None:
    # Its image has no library of charts and rasters; workers have.
    code = (
        "import sys, shanhai_api.bulletins.wording;"
        "print(sorted({'matplotlib', 'rasterio'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
