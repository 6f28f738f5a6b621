"""A plan leaves one installation as a package and is rebuilt in an empty one, to the byte."""

from collections.abc import Iterator
from hashlib import sha256

import httpx
import pytest

from shanhai.local.places import Home
from shanhai.local.stack import Stack, admin_key
from tests.e2e.journeys.conftest import PDF, Bureau, Caller, Found, named
from tests.support.run_directory import run_directory

PLAN, PROJECT = "package-plan", "package-project"
ADDRESS = f"/plans/{PLAN}/package"


@pytest.fixture
def elsewhere() -> Iterator[Caller]:
    """The administrator of an installation in which there is nothing."""
    with run_directory() as directory:
        stack = Stack(Home(directory), bound=True)
        try:
            stack.up()
            headers = {"Authorization": f"Bearer {admin_key(stack)}"}
            with httpx.Client(base_url=stack.api_url, headers=headers, timeout=60) as client:
                yield Caller(client)
        finally:
            stack.down()


def write_plan(bureau: Bureau) -> None:
    """A plan in force with a programme, a project that has measures and a document, a problem."""
    planner, region = bureau.planner, bureau.region
    plan = {"kind": "special_plan", "level": "district", "region": region}
    period = {"period_start": 2021, "period_end": 2035}
    planner.make("plans", None, **named(PLAN, "生态修复规划", "Restoration plan"), **plan, **period)
    programme = named("package-programme", "河道修复工程", "Rivers") | {"order": 1}
    planner.post(f"/plans/{PLAN}/programmes", programme)
    planner.make(
        "projects",
        bureau.square(),
        **named(PROJECT, "河道修复", "River restoration"),
        plan=PLAN,
        programme="package-programme",
        region=region,
        start_year=2022,
        end_year=2025,
        cost="1234.56",
    )
    measure = {"planned": 3.5, "unit": "km"}
    planner.put(f"/projects/{PROJECT}/measures/river_restoration", measure, status=201)
    asked = {"kind": "proposal", "filename": "proposal.pdf", "title_zh": "建议书"}
    planner.attach(f"/projects/{PROJECT}/documents", PDF, "application/pdf", **asked)
    names = named("package-problem", "河岸硬化", "Hardened banks")
    planner.make(
        "problems", bureau.square(0.05), **names, plan=PLAN, region=region, type="river_damage"
    )
    planner.change("plans", PLAN, {"status": "submitted"})
    bureau.approver.change("plans", PLAN, {"status": "approved"})


def package(caller: Caller) -> bytes:
    answer = caller.client.get(ADDRESS)
    assert answer.status_code == 200, answer.text
    return answer.content


@pytest.mark.long
@pytest.mark.timeout(300)  # a second stack is started and stopped
def test_out_and_back(found: Found, public: Caller, elsewhere: Caller) -> None:
    bureau = found("package-district", "规划包区", "Package District")
    write_plan(bureau)
    public.get(ADDRESS, status=401)
    content = package(bureau.planner)
    octets = {"Content-Type": "application/zip"}
    sent = elsewhere.client.post("/uploads", content=content, headers=octets)
    assert sent.status_code == 201, sent.text
    elsewhere.run("import-plan", {"upload": sent.json()["upload"]})
    assert sha256(package(elsewhere)).digest() == sha256(content).digest()
    project = elsewhere.get(f"/collections/projects/items/{PROJECT}")
    assert project["properties"]["cost"] == "1234.56"
    [document] = elsewhere.get(f"/projects/{PROJECT}/documents")["documents"]
    assert elsewhere.client.get(f"/documents/{document['code']}/file").content == PDF
