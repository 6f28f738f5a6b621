"""What the public says: comments on a plan that is to be approved, and a complaint of a place."""

import asyncio
import hashlib
import io
import itertools
import json
from datetime import timedelta
from typing import Any

import pytest
from PIL import Image
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine

from shanhai.db.engine import async_url
from shanhai.local.stack import Stack
from tests.e2e.journeys.conftest import Bureau, Caller, Found, named
from tests.e2e.journeys.test_project_to_after_care import TODAY

PLAN, NOTICE = "journey-spatial-plan", "journey-notice"
COMMENTS = f"/notices/{NOTICE}/comments"
REPLY = {"reply": "已增加监测要求。", "adoption": "adopted", "reason": "符合目标", "topic": "监测"}


def proof(caller: Caller, path: str) -> dict[str, str]:
    """What a browser does before it sends something without an account."""
    given = caller.get(path)
    for number in itertools.count():
        digest = hashlib.sha256(f"{given['challenge']}:{number}".encode()).digest()
        if int.from_bytes(digest, "big") >> (256 - given["bits"]) == 0:
            return {"challenge": given["challenge"], "solution": str(number)}
    raise AssertionError("there is always a solution")


def comment(caller: Caller, said: str, **more: Any) -> Any:
    body = {"text": said, "anonymous": True, "work": proof(caller, f"/notices/{NOTICE}/challenge")}
    return caller.post(COMMENTS, body | more)


async def let_the_notice_hang(url: str, *, days: int) -> None:
    """So many days pass in which the notice is public."""
    engine = create_async_engine(async_url(url))
    async with AsyncSession(engine) as session:
        await session.execute(
            text(
                "UPDATE notice SET published_on = published_on - CAST(:days AS integer),"
                " period_from = period_from - CAST(:days AS integer),"
                " period_to = period_to - CAST(:days AS integer) WHERE code = :code"
            ),
            {"days": days, "code": NOTICE},
        )
        await session.commit()
    await engine.dispose()


def publish(bureau: Bureau) -> None:
    """A draft of a plan, submitted, and a notice of it that everybody may comment on."""
    about = {"kind": "spatial_plan", "level": "district", "region": bureau.region}
    names = named(PLAN, "国土空间规划", "Spatial plan")
    bureau.planner.make("plans", None, **names, **about, period_start=2026, period_end=2035)
    bureau.planner.change("plans", PLAN, {"status": "submitted"})
    bureau.approver.change("plans", PLAN, {"status": "approved"}, status=409)
    of = {"region": bureau.region, "subject_collection": "plans", "subject_code": PLAN}
    period = {"period_from": str(TODAY), "period_to": str(TODAY + timedelta(days=30))}
    said = {"text_zh": "现将规划草案予以公示。", "contact_office": "规划科"}
    bureau.planner.make(
        "notices",
        bureau.square(size=0.1),
        **named(NOTICE, "规划草案公示", "Draft plan"),
        **of,
        **period,
        **said,
        commenters="anonymous",
    )
    bureau.planner.change("notices", NOTICE, {"state": "published"}, status=403)
    bureau.approver.change("notices", NOTICE, {"state": "published"})


@pytest.mark.long
def test_a_plan_is_approved_after_its_comments(stack: Stack, found: Found, public: Caller) -> None:
    bureau = found("notice-district", "公示区", "Notice District")
    planner, approver = bureau.planner, bureau.approver
    public.get(f"/notices/{NOTICE}", status=404)
    publish(bureau)
    assert "规划草案公示" in public.page(f"/notices/{NOTICE}")
    public.post(COMMENTS, {"text": "支持。", "anonymous": True}, status=403)
    place = {"type": "Point", "coordinates": [bureau.box[0] + 0.05, 30.05]}
    receipt = comment(public, "建议保留滩涂湿地。", place=place)["receipt"]
    comment(public, "不同意。")
    assert public.get(COMMENTS)["comments"] == []
    approver.change("plans", PLAN, {"status": "approved"}, status=409)

    asyncio.run(let_the_notice_hang(stack.database_url, days=31))
    public.post(COMMENTS, {"text": "迟了。", "anonymous": True}, status=409)
    planner.change("notices", NOTICE, {"state": "closed"}, status=409)
    listed = planner.get(COMMENTS)["comments"]
    assert [one["text"] for one in listed] == ["建议保留滩涂湿地。", "不同意。"]
    for one, adoption in zip(listed, ("adopted", "not_adopted"), strict=True):
        answer = REPLY | {"adoption": adoption, "shown": adoption == "adopted"}
        bureau.viewer.put(f"{COMMENTS}/{one['code']}/reply", answer, status=403)
        planner.put(f"{COMMENTS}/{one['code']}/reply", answer)
    told = public.post("/receipts", {"receipt": receipt}, status=200)
    assert told["reply"] == REPLY["reply"]
    planner.change("notices", NOTICE, {"state": "closed"})
    approver.change("plans", PLAN, {"status": "approved"}, status=409)
    approver.post(f"/notices/{NOTICE}/summary", {})
    approver.change("plans", PLAN, {"status": "approved"})

    summary = public.get(f"/notices/{NOTICE}/summary")
    content = json.dumps(
        summary["content"], ensure_ascii=False, sort_keys=True, separators=(",", ":")
    )
    assert hashlib.sha256(content.encode()).hexdigest() == summary["sha256"]
    said = [one["text"] for one in summary["content"]["comments"]]
    assert said == ["建议保留滩涂湿地。", None]
    file = public.client.get(f"/notices/{NOTICE}/summary", params={"f": "pdf", "lang": "zh"})
    assert file.content.startswith(b"%PDF-")
    planner.put(f"{COMMENTS}/{listed[0]['code']}/reply", REPLY, status=409)


def photo() -> bytes:
    """A photo that tells with which camera it was made."""
    exif = Image.Exif()
    exif[0x010F] = "Camera of Zhang"
    out = io.BytesIO()
    Image.new("RGB", (64, 48), "green").save(out, "JPEG", exif=exif)
    return out.getvalue()


def test_a_complaint_becomes_a_case(found: Found, public: Caller) -> None:
    bureau = found("complaint-district", "举报区", "Complaint District")
    supervisor, approver = bureau.supervisor, bureau.approver
    body = {
        "kind": "dumping",
        "text": "河边倾倒建筑垃圾。",
        "seen_on": str(TODAY),
        "place": {"type": "Point", "coordinates": [bureau.box[0] + 0.1, 30.1]},
        "contact": "13900001234",
    }
    public.post("/complaints", body, status=403)
    work = proof(public, "/complaints/challenge")
    receipt = public.post("/complaints", body | {"work": work})["receipt"]
    headers = {"Receipt": receipt, "Content-Type": "image/jpeg"}
    sent = public.client.post("/complaints/photos", content=photo(), headers=headers)
    assert (sent.status_code, sent.json()) == (201, {"photos": 1})

    [case] = supervisor.get("/cases", source="public", region=bureau.region)["cases"]
    path = f"/cases/{case['code']}"
    public.get(f"{path}/complaint", status=401)
    bureau.viewer.get(f"{path}/contact", status=404)
    assert supervisor.get(f"{path}/contact")["contact"] == body["contact"]
    [paper] = supervisor.get(path)["documents"]
    kept = supervisor.client.get(paper["file"])
    assert kept.status_code == 200
    assert b"Zhang" not in kept.content
    steps = f"{path}/transitions"
    supervisor.post(steps, {"to": "assigned", "assignee": "李工"})
    checked = {"to": "verified", "result": "not_change", "note": "已清运"}
    supervisor.post(steps, checked | {"documents": [paper["code"]]})
    approver.post(steps, {"to": "closed", "note": "核查完毕"}, status=400)
    approver.post(steps, {"to": "closed", "note": "核查完毕", "answer": "现场已清运。"})
    told = public.post("/receipts", {"receipt": receipt, "delete_contact": True}, status=200)
    assert (told["state"], told["reply"]) == ("answered", "现场已清运。")
    supervisor.get(f"{path}/contact", status=404)
