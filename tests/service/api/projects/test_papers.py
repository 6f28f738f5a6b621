"""Documents of projects: what is taken for what it is, who may add and read it, and how."""

import hashlib
import io
import zipfile
from datetime import timedelta
from typing import Any

import httpx
import orjson
import pytest
from fastapi import FastAPI
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.engine import read_today
from shanhai.storage.file_types import KINDS, OFFICE
from shanhai_api.kit.state import Configuration
from tests.support.projects import PROJECT, add_measures, add_project

pytestmark = [pytest.mark.db, pytest.mark.redis, pytest.mark.service]

People = dict[str, httpx.AsyncClient]
PATH = f"/projects/{PROJECT}/documents"
PDF = b"%PDF-1.7\n1 0 obj\n"
DOCX, XLSX = f"{OFFICE}.wordprocessingml.document", f"{OFFICE}.spreadsheetml.sheet"


def archive(*names: str) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as file:
        for name in names:
            file.writestr(name, "x")
    return made.getvalue()


PDF_TYPE = "application/pdf"
SAMPLES: dict[str, tuple[str, bytes]] = {
    PDF_TYPE: ("a.pdf", PDF),
    DOCX: ("a.docx", archive("[Content_Types].xml", "word/document.xml")),
    XLSX: ("a.xlsx", archive("[Content_Types].xml", "xl/workbook.xml")),
    "image/png": ("a.png", b"\x89PNG\r\n\x1a\nrest"),
    "image/jpeg": ("a.JPG", b"\xff\xd8\xff\xe0rest"),
    "image/tiff": ("a.tif", b"II*\x00rest"),
    "image/webp": ("a.webp", b"RIFF\x10\x00\x00\x00WEBPVP8 "),
    "application/zip": ("a.zip", archive("data/a.shp")),
    "application/geo+json": ("a.geojson", b'{"type":"FeatureCollection","features":[]}'),
    "text/csv": ("a.csv", "测点,数值\n一,1\n".encode("gb18030")),
    "text/plain": ("a.txt", "验收意见\n".encode()),
}


RESULT = {
    "period_from": "2024-01-01",
    "period_to": "2024-06-30",
    "quantity": "tree_planting",
    "value": "12.50",
    "unit": "ha",
}


async def send(
    client: httpx.AsyncClient,
    content: bytes = PDF,
    media_type: str = PDF_TYPE,
    headers: dict[str, str] | None = None,
    /,
    **query: Any,
) -> httpx.Response:
    asked = {"filename": "材料.pdf", "kind": "proposal", "title_zh": "申报材料", **query}
    told = {"Content-Type": media_type, **(headers or {})}
    return await client.post(PATH, params=asked, content=content, headers=told)


@pytest.fixture
async def drafted(people: People, session: AsyncSession) -> None:
    """A drafted project with measures."""
    await add_measures(session, await add_project(session))
    await session.commit()


@pytest.mark.usefixtures("drafted")
async def test_a_document_goes_in_and_comes_out_as_it_was(
    people: People, anonymous: httpx.AsyncClient, session: AsyncSession
) -> None:
    made = await send(people["owner"], measure="tree_planting", title_en="Proposal")
    assert made.status_code == 201, made.text
    document = made.json()
    assert document["sha256"] == hashlib.sha256(PDF).hexdigest()
    assert (document["bytes"], document["filename"]) == (len(PDF), "材料.pdf")
    assert (document["measure"], document["visibility"]) == ("tree_planting", "region")
    place = made.headers["Location"]
    read = await people["owner"].get(place)
    assert read.json()["code"] == document["code"]
    file = next(link["href"] for link in document["links"] if link["rel"] == "enclosure")
    got = await people["owner"].get(file)
    assert got.content == PDF
    assert got.headers["Content-Type"] == "application/pdf"
    assert got.headers["Content-Disposition"].startswith("attachment; filename*=utf-8''%E6")
    assert got.headers["X-Content-Type-Options"] == "nosniff"
    again = await people["owner"].get(file, headers={"If-None-Match": got.headers["ETag"]})
    assert again.status_code == 304

    for hidden in (place, file):
        assert (await anonymous.get(hidden)).status_code == 404
        assert (await people["viewer"].get(hidden)).status_code == 404
    change = {"visibility": "public", "title_zh": "新标题", "sha256": "0" * 64}
    changed = await people["owner"].patch(place, json=change)
    assert changed.status_code == 200, changed.text
    assert changed.json()["sha256"] == document["sha256"]
    assert (await anonymous.get(file)).content == PDF
    assert (await people["viewer"].patch(place, json=change)).status_code == 403
    assert (await people["owner"].delete(place)).status_code == 204
    assert (await people["owner"].get(file)).status_code == 404


@pytest.mark.usefixtures("drafted")
async def test_every_kind_of_file_is_taken_for_what_it_is(people: People) -> None:
    assert SAMPLES.keys() == KINDS.keys()
    for media_type, (name, content) in SAMPLES.items():
        made = await send(people["owner"], content, media_type, filename=name)
        assert made.status_code == 201, (media_type, made.text)
        for other, (_, lie) in SAMPLES.items():
            # A table is text, and the archives of offices are archives.
            alike = {media_type, other} in (
                {"text/csv", "text/plain"},
                {"application/zip", DOCX},
                {"application/zip", XLSX},
                {"application/geo+json", "text/plain"},
                {"application/geo+json", "text/csv"},
                {"application/pdf", "text/plain"},
            )
            if other != media_type and not alike:
                refused = await send(people["owner"], lie, media_type, filename=name)
                assert refused.status_code == 400, (media_type, other)


@pytest.mark.configured
@pytest.mark.usefixtures("drafted")
@pytest.mark.parametrize(
    ("content", "media_type", "name"),
    [
        (b"", "application/pdf", "a.pdf"),
        (b"MZ\x90\x00\x03", "application/pdf", "a.pdf"),
        (PDF, "application/x-msdownload", "a.exe"),
        (PDF, "application/pdf", "a.pdf.exe"),
        (PDF, "", "a.pdf"),
        (b"<html><script>", "text/html", "a.html"),
        (b"a\x00b", "text/plain", "a.txt"),
        (
            archive("[Content_Types].xml", "word/document.xml", "word/vbaProject.bin"),
            DOCX,
            "a.docx",
        ),
        (archive("../../etc/passwd"), "application/zip", "a.zip"),
        (archive("C:\\windows\\x"), "application/zip", "a.zip"),
        (archive("/etc/passwd"), "application/zip", "a.zip"),
        (b"PK\x03\x04" + b"\x00" * 60, "application/zip", "a.zip"),
        (b'{"type":"Table"}', "application/geo+json", "a.geojson"),
        (b"[" * 100_000, "application/geo+json", "a.geojson"),
    ],
)
async def test_lies_are_refused_and_leave_nothing(
    people: People,
    session: AsyncSession,
    configuration: Configuration,
    content: bytes,
    media_type: str,
    name: str,
) -> None:
    answer = await send(people["owner"], content, media_type, filename=name)
    assert answer.status_code == 400, answer.text
    assert await session.scalar(text("SELECT count(*) FROM document")) == 0
    left = [path for path in configuration.artifacts.folder.rglob("*") if path.is_file()]
    assert left == []


@pytest.mark.usefixtures("drafted")
@pytest.mark.parametrize("announced", [10_001, 1])
async def test_archives_of_too_many_members_are_refused(people: People, announced: int) -> None:
    many = bytearray(archive(*(f"{number}" for number in range(10_001))))
    many[-14:-10] = announced.to_bytes(2, "little") * 2  # of this disk, and of all
    answer = await send(people["owner"], bytes(many), "application/zip", filename="a.zip")
    assert answer.status_code == 413


@pytest.mark.usefixtures("drafted")
@pytest.mark.parametrize(
    "name",
    ["../a.pdf", "/etc/a.pdf", "a\\b.pdf", ".pdf", "a\x07.pdf", "a\u202efdp.pdf", "CON.pdf",
     "a:b.pdf", "山" * 90 + ".pdf", "%2e%2e/a.pdf", "pdf"],
)  # fmt: skip
async def test_names_that_are_paths_or_hide_something(people: People, name: str) -> None:
    answer = await send(people["owner"], filename=name)
    assert answer.status_code == 400, answer.text
    assert answer.json()["errors"][0]["pointer"] == "filename"


@pytest.mark.usefixtures("drafted")
async def test_what_is_said_of_a_file_is_checked(people: People) -> None:
    for query, pointer in (
        ({"kind": "poem"}, "kind"),
        ({"measure": "dredging"}, "measure"),
        ({"title_zh": ""}, "title_zh"),
        ({"colour": "red"}, "colour"),
    ):
        answer = await send(people["owner"], **query)
        assert answer.status_code == 400, query
        assert answer.json()["errors"][0]["pointer"] == pointer


@pytest.mark.usefixtures("drafted")
async def test_too_large_a_file(
    people: People, configuration: Configuration, app: FastAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    smaller = configuration.artifacts.model_copy(update={"document_limit_bytes": 2_000})
    monkeypatch.setattr(app.state.service, "configuration", Configuration(**{
        **{name: getattr(configuration, name) for name in configuration.__slots__},
        "artifacts": smaller,
    }))  # fmt: skip
    assert (await send(people["owner"], PDF + b" " * 1_900)).status_code == 201
    assert (await send(people["owner"], PDF + b" " * 2_000)).status_code == 413


@pytest.mark.usefixtures("drafted")
async def test_who_adds_what(
    people: People, anonymous: httpx.AsyncClient, session: AsyncSession
) -> None:
    assert (await send(anonymous)).status_code == 401
    for kind, may in (
        ("proposal", {"owner", "planner", "approver", "supervisor"}),
        ("acceptance", {"approver", "supervisor"}),
        ("effect_evaluation", {"approver", "supervisor"}),
        ("completion", {"owner", "planner", "approver", "supervisor"}),
    ):
        for name, person in people.items():
            result = RESULT if kind == "effect_evaluation" else {}
            answer = await send(person, kind=kind, **result)
            assert (answer.status_code == 201) == (name in may), (kind, name, answer.text)
            assert answer.status_code in {201, 403, 404}
    await session.execute(text("UPDATE project SET state = 'closed'"))
    await session.commit()
    assert (await send(people["owner"])).status_code == 409


@pytest.mark.usefixtures("drafted")
async def test_a_file_is_added_once_per_key(people: People) -> None:
    key = {"Idempotency-Key": "once"}
    first, again = [await send(people["owner"], PDF, PDF_TYPE, key) for _ in range(2)]
    other = await send(people["owner"], PDF, PDF_TYPE, key, title_zh="别的")
    assert [first.status_code, again.status_code, other.status_code] == [201, 201, 422]
    assert again.json() == first.json()
    listed = (await people["owner"].get(PATH)).json()["documents"]
    assert [item["code"] for item in listed] == [first.json()["code"]]


@pytest.mark.usefixtures("drafted")
async def test_lists_show_what_one_may_see(
    people: People, anonymous: httpx.AsyncClient, session: AsyncSession
) -> None:
    for number in range(3):
        made = await send(
            people["owner"],
            PDF + str(number).encode(),
            visibility="public" if number == 1 else "region",
        )
        assert made.status_code == 201
    assert (await anonymous.get(PATH)).status_code == 404
    await session.execute(text("UPDATE project SET state = 'approved'"))
    await session.commit()
    assert len((await anonymous.get(PATH)).json()["documents"]) == 1
    assert len((await people["viewer"].get(PATH)).json()["documents"]) == 1
    page = (await people["owner"].get(PATH, params={"limit": 2})).json()
    assert len(page["documents"]) == 2
    following = next(link["href"] for link in page["links"] if link["rel"] == "next")
    assert len((await people["owner"].get(following)).json()["documents"]) == 1
    everything = orjson.loads((await people["owner"].get("/documents")).content)
    assert everything["numberMatched"] == 3


@pytest.mark.usefixtures("drafted")
@pytest.mark.parametrize("form", ["json", "html"])
async def test_documents_are_found_by_media_type(people: People, form: str) -> None:
    """A property may be called as a part of a link is."""
    told = {"filename": "意见.txt", "title_zh": "意见"}
    text, other = [
        (await send(people["owner"], "意见\n".encode(), "text/plain", **told)).json()["code"],
        (await send(people["owner"])).json()["code"],
    ]
    asked = {"media_type": "text/plain", "f": form}
    found = await people["owner"].get("/documents", params=asked)
    assert found.status_code == 200
    assert text in found.text
    assert other not in found.text
    assert "media_type=text%2Fplain" in found.text


@pytest.mark.usefixtures("drafted")
@pytest.mark.parametrize("kind", ["monitoring", "effect_evaluation"])
async def test_results_are_taken_with_a_period_and_a_figure_only(
    people: People, session: AsyncSession, kind: str
) -> None:
    who = people["supervisor" if kind == "monitoring" else "approver"]
    today = await read_today(session)
    tomorrow = today + timedelta(days=1)
    told = {**RESULT, "kind": kind, "period_to": today.isoformat()}
    for name in RESULT:
        answer = await send(who, **{key: value for key, value in told.items() if key != name})
        assert answer.status_code == 400, name
        assert [fault["pointer"] for fault in answer.json()["errors"]] == [name]
    for wrong, pointer in (
        ({"period_from": tomorrow.isoformat()}, "period_to"),
        ({"period_to": tomorrow.isoformat()}, "period_to"),
        ({"quantity": "happiness"}, "quantity"),
        ({"quantity": "\x00"}, "quantity"),
        ({"value": "NaN"}, "value"),
        ({"value": "120", "unit": "%"}, "value"),
        ({"unit": "kg"}, "unit"),
        ({"unit": "ha/a"}, "unit"),
        ({"quantity": "water_level", "unit": "mg/L"}, "unit"),
        ({"period_to": "soon"}, "period_to"),
    ):
        answer = await send(who, **{**told, **wrong})
        assert answer.status_code == 400, wrong
        assert pointer in [fault["pointer"] for fault in answer.json()["errors"]]
    assert await session.scalar(text("SELECT count(*) FROM document")) == 0
    made = await send(who, **told)
    assert made.status_code == 201, made.text
    document = made.json()
    assert {name: document[name] for name in told} == told
    # A unit that converts is kept as it was told.
    for other in ({"unit": "亩"}, {"quantity": "water_level", "unit": "cm"}):
        made = await send(who, **{**told, **other})
        assert made.status_code == 201, made.text
        assert made.json()["unit"] == other["unit"]


@pytest.mark.usefixtures("drafted")
async def test_a_project_with_documents_is_not_deleted(people: People) -> None:
    item = f"/collections/projects/items/{PROJECT}"
    place = (await send(people["owner"])).headers["Location"]
    refused = await people["planner"].delete(item)
    assert refused.status_code == 409, refused.text
    assert place.rsplit("/", 1)[-1] in refused.json()["detail"]
    assert (await people["owner"].delete(place)).status_code == 204
    assert (await people["planner"].delete(item)).status_code == 204
