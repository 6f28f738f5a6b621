"""Proposals over HTTP: proposed, decided by another, carried out by the writers of the objects."""

from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.identity import RoleGiven
from shanhai.db.queries.keys import create_key
from shanhai.db.tables.alert import Alert, AlertRule
from shanhai.db.tables.indicator import Indicator, IndicatorTarget, IndicatorValue, PlanIndicator
from shanhai.db.tables.plan import Plan
from shanhai.db.tables.project import Programme, Project
from shanhai.db.tables.station import Station
from shanhai.db.tables.zone import Region
from shanhai.vocabulary import Role, Scope
from tests.support.actors import people_told
from tests.support.emptying import forget_rows
from tests.support.feature_rows import add_five_zones, add_scheme
from tests.support.job_rows import add_region
from tests.support.observation_rows import add_station

pytestmark = [pytest.mark.db, pytest.mark.redis, pytest.mark.service]

SCOPES = (Scope.READ, Scope.WRITE, Scope.PROJECTS)
SCHEME = "city.supply_demand"
ZONE = f"{SCHEME}.key_protection"
Headers = dict[str, str]


class People:
    """Callers with one role each in the city, who do things with proposals."""

    def __init__(self, client: httpx.AsyncClient, session: AsyncSession) -> None:
        self.client = client
        self.session = session
        self.known: dict[str, Headers] = {}

    async def meet(self, name: str, role: Role, region: str | None = "city") -> None:
        """Give somebody a key, for a region or everywhere."""
        given = [RoleGiven(role, region)]
        key = await create_key(self.session, name=name, scopes=SCOPES, roles=given)
        await self.session.commit()
        self.known[name] = {"Authorization": f"Bearer {key}"}

    async def propose(self, by: str, revises: Any, change: Any, **said: Any) -> httpx.Response:
        """Send a proposal."""
        body = {"title": "修订", "reason": "监测未达标", "revises": revises, "change": change}
        return await self.client.post("/proposals", json=body | said, headers=self.known[by])

    async def go(self, by: str, code: str, to: str, **said: Any) -> httpx.Response:
        """Take a step."""
        path, headers = f"/proposals/{code}/transitions", self.known[by]
        return await self.client.post(path, json={"to": to, **said}, headers=headers)

    async def read(self, by: str, path: str, **params: Any) -> Any:
        """Read something that is there."""
        answer = await self.client.get(path, params=params, headers=self.known[by])
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def accept(self, revises: Any, change: Any, **said: Any) -> str:
        """A proposal of the planner that the approver accepted."""
        made = await self.propose("planner", revises, change, **said)
        assert made.status_code == 201, made.text
        code = str(made.json()["code"])
        for by, to in (("planner", "submitted"), ("approver", "accepted")):
            step = await self.go(by, code, to, reason="依据充分")
            assert step.status_code == 201, step.text
        return code

    async def carry_out(self, revises: Any, change: Any, **said: Any) -> dict[str, Any]:
        """A proposal that was accepted and carried out."""
        done = await self.go("planner", await self.accept(revises, change, **said), "carried_out")
        assert done.status_code == 201, done.text
        document: dict[str, Any] = done.json()
        return document


@pytest.fixture
async def planned_city(session: AsyncSession) -> Region:
    """An approved plan with a revisable and a fixed target, a project, and a published zoning."""
    await forget_rows(session, ["indicator", "alert_rule"])
    city = await add_region(session, "city", box=(118.0, 24.4, 118.5, 24.5))
    await add_region(session, "elsewhere")
    await add_five_zones(session, await add_scheme(session, city, code=SCHEME))
    plan = Plan(
        code="plan",
        name_zh="规划",
        name_en="Plan",
        kind="special_plan",
        level="city",
        region_id=city.id,
        first_year=2021,
        last_year=2035,
        status="approved",
        attrs={"issuer": "市政府", "note": "x"},
    )
    session.add(plan)
    await session.flush()
    programme = Programme(code="mines", name_zh="矿山", name_en="Mines", plan_id=plan.id)
    session.add(programme)
    await session.flush()
    project = Project(
        visibility="public",
        code="quarry",
        name_zh="采石场",
        name_en="Quarry",
        region_id=city.id,
        plan_id=plan.id,
        programme_id=programme.id,
        start_year=2021,
        end_year=2025,
        state="implementation",
    )
    session.add(project)
    for order, (code, revisable) in enumerate(
        (("forest", True), ("mined", False), ("wetland", False)), 1
    ):
        await add_indicator(session, plan, city, order, code, revisable=revisable)
    await session.commit()
    return city


async def add_indicator(
    session: AsyncSession, plan: Plan, region: Region, order: int, code: str, *, revisable: bool
) -> None:
    """An indicator with a base of 100, a target of 120 in 2030, and 101 observed in 2024."""
    entry = Indicator(
        code=code,
        name_zh=code,
        name_en=code,
        unit="ha",
        property="binding",
        direction="higher",
    )
    session.add(entry)
    await session.flush()
    session.add(PlanIndicator(code=code, plan_id=plan.id, indicator_id=entry.id, order_no=order))
    for role, year, value in (("base", 2020, 100), ("target", 2030, 120)):
        session.add(
            IndicatorTarget(
                indicator_id=entry.id,
                region_id=region.id,
                plan_id=plan.id,
                role=role,
                year=year,
                value=value,
                sense="at_least",
                revisable=revisable,
            )
        )
    session.add(IndicatorValue(indicator_id=entry.id, region_id=region.id, year=2024, value=101))


async def add_alert(session: AsyncSession, station: Station | None = None) -> int:
    """An open alert about a station, else about the target of the first indicator; its number."""
    (listed,) = await session.scalars(select(PlanIndicator).where(PlanIndicator.code == "forest"))
    region_id = await session.scalar(select(Region.id).where(Region.code == "city"))
    rule = AlertRule(
        code="behind" if station is None else station.code,
        name_zh="落后",
        name_en="Behind",
        kind="indicator_behind_target",
        limits={"orange": 10.0},
        reset=5.0,
        min_duration_s=0,
        max_age_s=86_400,
        any_quality=False,
        enabled=True,
    )
    session.add(rule)
    await session.flush()
    now = datetime(2025, 1, 1, tzinfo=UTC)
    target = {"plan_indicator_id": listed.id, "target_region_id": region_id, "target_year": 2030}
    alert = Alert(
        rule_id=rule.id,
        **(target if station is None else {"station_id": station.id}),
        status="open",
        level="orange",
        began_at=now,
        raised_at=now,
        opened_at=now,
        measure=12.0,
    )
    session.add(alert)
    await session.commit()
    return alert.id


@pytest.fixture
async def people(
    anonymous: httpx.AsyncClient, session: AsyncSession, planned_city: Region
) -> People:
    people = People(anonymous, session)
    for role in (Role.PLANNER, Role.APPROVER, Role.SUPERVISOR, Role.VIEWER):
        await people.meet(role.value, role)
    return people


def figures(value: float, *, revisable: bool = True) -> dict[str, Any]:
    """The base of 100 as it is, and another target."""
    base = {"role": "base", "year": 2020, "value": 100, "revisable": revisable}
    target = {"role": "target", "year": 2030, "value": value, "revisable": revisable}
    return {"targets": [base, target]}


def rels(told: Any) -> set[str]:
    """Which of the objects a proposal revised and made it leads to."""
    return {link["rel"] for link in told["links"]} & {"about", "successor-version"}


class TestDeciding:
    async def test_a_changed_measure_keeps_the_old_plan_readable(self, people: People) -> None:
        value = (await people.read("planner", "/plans/plan/indicators/forest/values"))["values"][0]
        change = {"end_year": 2028, "summary_zh": "增加乡土树种"}
        done = await people.carry_out(
            {"project": "quarry"}, change, evidence=[{"value": value["id"]}]
        )
        assert {item["field"]: (item["old"], item["new"]) for item in done["fields"]} == {
            "summary_zh": (None, "增加乡土树种"),
            "end_year": (2025, 2028),
        }
        assert (done["state"], done["decision"]) == ("carried_out", "依据充分")
        assert done["decided_by"] != done["author"]
        item = await people.read("planner", "/collections/projects/items/quarry")
        assert item["properties"]["end_year"] == 2028
        assert item["properties"]["revised_by"] == [done["code"]]
        versions = await people.read("planner", "/collections/projects/items/quarry/versions")
        years = [one["properties"]["end_year"] for one in versions["versions"]]
        assert years == [2028, 2025]
        steps = [event["to"] for event in done["events"]]
        assert steps == ["draft", "submitted", "accepted", "carried_out"]
        # What was carried out is told to all who are known, but not to the public.
        assert (await people.read("viewer", f"/proposals/{done['code']}"))["plan"] == "plan"
        assert (await people.client.get(f"/proposals/{done['code']}")).status_code == 401

    @pytest.mark.parametrize("kept", ["visibility = 'region'", "state = 'cancelled'"])
    async def test_a_project_kept_from_others_is_not_told_by_its_proposals(
        self, people: People, session: AsyncSession, kept: str
    ) -> None:
        await people.meet("stranger", Role.PLANNER, "elsewhere")
        done = await people.carry_out({"project": "quarry"}, {"end_year": 2028})
        path = f"/proposals/{done['code']}"
        assert (await people.read("stranger", path))["state"] == "carried_out"
        await session.execute(text(f"UPDATE project SET {kept}"))
        await session.commit()
        answer = await people.client.get(path, headers=people.known["stranger"])
        assert answer.status_code == 404
        assert (await people.read("stranger", "/proposals"))["proposals"] == []
        assert (await people.read("planner", path))["state"] == "carried_out"
        assert (await people.read("viewer", path))["state"] == "carried_out"

    @pytest.mark.parametrize(
        ("revises", "change", "status"),
        [
            ({"programme": "mines"}, {"summary_zh": "先易后难"}, "draft"),
            ({"plan": "plan"}, {"name_zh": "新规划"}, "withdrawn"),
            ({"plan": "plan", "indicator": "forest"}, figures(110), "withdrawn"),
        ],
    )
    async def test_what_others_may_not_know_of_is_not_told_by_its_proposals(
        self, people: People, session: AsyncSession, revises: Any, change: Any, status: str
    ) -> None:
        await people.meet("stranger", Role.VIEWER, "elsewhere")
        done = await people.carry_out(revises, change)
        path = f"/proposals/{done['code']}"
        assert (await people.read("stranger", path))["state"] == "carried_out"
        await session.execute(text(f"UPDATE plan SET status = '{status}'"))
        await session.commit()
        answer = await people.client.get(path, headers=people.known["stranger"])
        assert answer.status_code == 404, answer.text
        assert (await people.read("stranger", "/proposals"))["proposals"] == []
        # Who has a role in the region reads it, with no link to what is not for them.
        told = await people.read("viewer", path)
        assert (told["state"], told["made"], rels(told)) == ("carried_out", None, set())
        assert "about" in rels(await people.read("planner", path))

    @pytest.mark.parametrize(
        ("revises", "change"),
        [
            ({"plan": "plan"}, {"name_zh": "新规划"}),
            ({"plan": "plan", "indicator": "mined"}, figures(110, revisable=False)),
            ({"scheme": SCHEME, "zone": ZONE}, {"name_zh": "重点区"}),
        ],
    )
    async def test_a_draft_that_was_made_is_named_to_those_who_may_know_of_it(
        self, people: People, session: AsyncSession, revises: Any, change: Any
    ) -> None:
        done = await people.carry_out(revises, change)
        path = f"/proposals/{done['code']}"
        told = await people.read("viewer", path)
        assert (told["made"], rels(told)) == (None, {"about"})
        told = await people.read("planner", path)
        assert told["made"]["version"] == 2
        assert rels(told) == {"about", "successor-version"}
        for update in (
            "plan SET status = 'approved' WHERE version = 2",
            "zone_scheme SET status = 'superseded', valid_to = '2025-01-01' WHERE version = 1",
            "zone_scheme SET status = 'published', valid_from = '2025-01-01' WHERE version = 2",
        ):
            await session.execute(text(f"UPDATE {update}"))
        await session.commit()
        told = await people.read("viewer", path)
        assert (told["made"], rels(told)) == (done["made"], {"about", "successor-version"})

    async def test_who_may_do_what(self, people: People) -> None:
        await people.meet("owner", Role.OWNER)
        await people.meet("stranger", Role.PLANNER, "elsewhere")
        await people.meet("both", Role.PLANNER)
        subject, change = {"project": "quarry"}, {"end_year": 2030}
        assert (await people.propose("viewer", subject, change)).status_code == 403
        assert (await people.propose("approver", subject, change)).status_code == 403
        assert (await people.propose("stranger", subject, change)).status_code == 403
        body = {"title": "x", "reason": "x", "revises": subject, "change": change}
        assert (await people.client.post("/proposals", json=body)).status_code == 401
        for by in ("owner", "supervisor"):
            assert (await people.propose(by, subject, change)).status_code == 201
        code = (await people.propose("planner", subject, change)).json()["code"]
        assert (await people.go("stranger", code, "submitted")).status_code == 404
        assert (await people.go("approver", code, "submitted")).status_code == 403
        early = await people.go("approver", code, "accepted", reason="x")
        assert early.status_code == 409
        assert (await people.go("planner", code, "submitted")).status_code == 201
        assert (await people.go("planner", code, "accepted", reason="x")).status_code == 403
        bare = await people.go("approver", code, "accepted")
        assert (bare.status_code, bare.json()["errors"][0]["pointer"]) == (400, "/reason")
        assert "whoever decides says why" in bare.json()["detail"]
        refused = (await people.go("approver", code, "refused", reason="资金不足")).json()
        assert (refused["state"], refused["decision"], refused["steps"]) == (
            *("refused", "资金不足"),
            [],
        )
        assert (await people.go("planner", code, "carried_out")).status_code == 409
        item = await people.read("planner", "/collections/projects/items/quarry")
        assert (item["properties"]["end_year"], item["properties"]["revised_by"]) == (2025, [])

    async def test_nobody_decides_on_what_they_proposed(
        self, people: People, admin: httpx.AsyncClient
    ) -> None:
        body = {
            "title": "x",
            "reason": "x",
            "revises": {"project": "quarry"},
            "change": {"end_year": 2030},
        }
        code = (await admin.post("/proposals", json=body)).json()["code"]
        steps = f"/proposals/{code}/transitions"
        assert (await admin.post(steps, json={"to": "submitted"})).status_code == 201
        own = await admin.post(steps, json={"to": "accepted", "reason": "x"})
        assert own.status_code == 403
        assert "proposal" in own.json()["detail"]
        assert (await people.go("approver", code, "accepted", reason="x")).status_code == 201

    async def test_preconditions_and_keys(self, people: People) -> None:
        made = await people.propose("planner", {"project": "quarry"}, {"end_year": 2030})
        code, tag = made.json()["code"], made.headers["ETag"]
        path, known = f"/proposals/{code}", people.known["planner"]
        body = {
            "title": "改",
            "reason": "x",
            "revises": {"project": "quarry"},
            "change": {"end_year": 2031},
        }
        headers = {**known, "If-Match": tag}
        written = await people.client.put(path, json=body, headers=headers)
        assert written.status_code == 200, written.text
        assert written.json()["fields"][0]["new"] == 2031
        assert (await people.client.put(path, json=body, headers=headers)).status_code == 412
        once = {**known, "Idempotency-Key": "submit-1"}
        for replayed in (None, "true"):
            step = await people.client.post(
                f"{path}/transitions", json={"to": "submitted"}, headers=once
            )
            assert step.status_code == 201
            assert step.headers.get("Idempotency-Replayed") == replayed
        assert (await people.client.put(path, json=body, headers=known)).status_code == 409

    @pytest.mark.parametrize("to", ["accepted", "carried_out"])
    async def test_what_changed_since_is_named(
        self, people: People, session: AsyncSession, to: str
    ) -> None:
        subject, change = {"project": "quarry"}, {"end_year": 2030}
        if to == "carried_out":
            code = await people.accept(subject, change)
        else:
            code = (await people.propose("planner", subject, change)).json()["code"]
            await people.go("planner", code, "submitted")
        await session.execute(
            text("UPDATE project SET cost = 5, row_version = row_version + 1 WHERE code = 'quarry'")
        )
        await session.commit()
        by = "approver" if to == "accepted" else "planner"
        late = await people.go(by, code, to, reason="x")
        assert late.status_code == 409
        (error,) = late.json()["errors"]
        assert error == {"pointer": "/revises/cost", "detail": 'was null and is "5.00" now'}
        item = await people.read("planner", "/collections/projects/items/quarry")
        assert item["properties"]["end_year"] == 2025
        assert (await people.go("planner", code, "withdrawn", reason="已过时")).status_code == 201

    async def test_a_target_in_a_region_that_left_the_plan_is_no_longer_in_force(
        self, people: People, session: AsyncSession, planned_city: Region
    ) -> None:
        district = await add_region(session, "district", parent=planned_city)
        await people.meet("district", Role.PLANNER, "district")
        subject = {"plan": "plan", "indicator": "forest", "region": "district"}
        made = await people.propose("district", subject, figures(110))
        assert made.status_code == 201, made.text
        district.parent_id = None
        await session.commit()
        late = await people.go("district", made.json()["code"], "submitted")
        assert late.status_code == 409, late.text
        assert [error["pointer"] for error in late.json()["errors"]] == ["/revises"]


class TestProposing:
    @pytest.mark.parametrize(
        ("revises", "change", "pointer"),
        [
            ({}, {"end_year": 2030}, "/revises"),
            ({"project": "quarry", "plan": "plan"}, {"end_year": 2030}, "/revises"),
            ({"project": "none"}, {"end_year": 2030}, "/revises"),
            ({"project": "quarry"}, {"end_year": "soon"}, "/change/end_year"),
            ({"project": "quarry"}, {"end_year": 2025}, "/change"),
            ({"project": "quarry"}, {"colour": "red"}, "/change/colour"),
            ({"project": "quarry"}, {"code": "other"}, "/change/code"),
            ({"project": "quarry"}, {"end_year": 1900}, "/change/end_year"),
            ({"project": "quarry"}, {"state": "closed"}, "/change/state"),
            ({"project": "quarry"}, {"summary_en": "new", "state": "closed"}, "/change/state"),
            ({"plan": "plan"}, {"period_end": 1990}, "/change/period_end"),
            ({"scheme": SCHEME, "zone": ZONE}, {"status": "draft"}, "/change/status"),
            ({"project": "quarry"}, {"owner": "nobody"}, "/change/owner"),
            (
                {"project": "quarry"},
                {"geometry": {"type": "Point"}},
                "/change/geometry/coordinates",
            ),
            ({"plan": "plan"}, {"status": "withdrawn"}, "/change/status"),
            ({"plan": "plan", "indicator": "none"}, figures(110), "/revises"),
            ({"plan": "plan", "indicator": "forest"}, {"targets": "x"}, "/change/targets"),
            ({"plan": "plan", "indicator": "forest"}, figures(120), "/change"),
            ({"scheme": SCHEME, "zone": "none"}, {"name_zh": "x"}, "/revises"),
            ({"scheme": SCHEME, "zone": ZONE}, {"scheme": "x"}, "/change/scheme"),
        ],
    )
    async def test_bad_input_is_refused_where_it_stands(
        self, people: People, revises: Any, change: Any, pointer: str
    ) -> None:
        answer = await people.propose("planner", revises, change)
        assert answer.status_code == 400, answer.text
        assert pointer in [error["pointer"] for error in answer.json()["errors"]]
        assert (await people.read("planner", "/proposals"))["proposals"] == []

    async def test_a_guard_that_will_refuse_does_so_at_once(self, people: People) -> None:
        # The place of a project that is worked on stays; no value of the body is wrong.
        point = {"type": "Point", "coordinates": [118.1, 24.45]}
        answer = await people.propose("planner", {"project": "quarry"}, {"geometry": point})
        assert answer.status_code == 409, answer.text
        assert [error["pointer"] for error in answer.json()["errors"]] == ["/change/geometry"]

    @pytest.mark.parametrize(
        ("item", "pointer"),
        [
            ({"alert": 999_999}, "/evidence/0/alert"),
            ({"case": "none"}, "/evidence/0/case"),
            ({"value": 999_999}, "/evidence/0/value"),
            ({"job": "00000000-0000-0000-0000-000000000001"}, "/evidence/0/job"),
            ({"evaluation": "none"}, "/evidence/0/evaluation"),
            ({"bulletin": "none"}, "/evidence/0/bulletin"),
            ({"alert": 1, "case": "none"}, "/evidence/0"),
            ({}, "/evidence/0"),
        ],
    )
    async def test_evidence_is_there(self, people: People, item: Any, pointer: str) -> None:
        answer = await people.propose(
            "planner", {"project": "quarry"}, {"end_year": 2030}, evidence=[item]
        )
        assert answer.status_code == 400
        assert answer.json()["errors"][0]["pointer"] == pointer

    async def test_a_list_a_page_and_a_blank(self, people: People) -> None:
        subject = {"plan": "plan", "indicator": "forest"}
        code = (await people.propose("planner", subject, figures(110))).json()["code"]
        listed = await people.read("planner", "/proposals", plan="plan", filter="kind = 'target'")
        assert [item["object"] for item in listed["proposals"]] == ["plan/forest/city"]
        assert (await people.read("viewer", "/proposals"))["proposals"] == []
        headers = {**people.known["planner"], "Accept": "text/html"}
        for path in ("/proposals", f"/proposals/{code}"):
            for lang, words in (("zh", "草稿"), ("en", "Draft")):
                page = await people.client.get(path, params={"lang": lang}, headers=headers)
                assert words in page.text, page.text
                assert people_told(page.text) == {"planner"}
        path = "/plans/plan/indicators/forest/targets"
        document = await people.read("planner", path)
        assert [item["code"] for item in document["proposals"]] == [code]
        (blank,) = [link for link in document["links"] if link["rel"] == "create-form"]
        page = await people.client.get(path, params={"lang": "zh"}, headers=headers)
        assert "提出修订建议" in page.text
        assert code in page.text
        form = (await people.client.get(blank["href"], headers=people.known["planner"])).json()
        body = {**form["body"], "title": "再修订", "reason": "x"}
        assert body["revises"] == {**subject, "region": "city"}
        body["change"]["targets"][1]["value"] = 111
        again = await people.client.post("/proposals", json=body, headers=people.known["planner"])
        assert again.status_code == 201, again.text
        page = await people.client.get(blank["href"], headers=headers)
        assert "&#34;indicator&#34;: &#34;forest&#34;" in page.text

    async def test_an_alert_about_a_missed_target_leads_to_a_proposal(
        self, people: People, session: AsyncSession
    ) -> None:
        alert = await add_alert(session)
        shown = await people.read("planner", f"/alerts/{alert}")
        (blank,) = [link for link in shown["links"] if link["rel"] == "create-form"]
        known = people.known["planner"]
        body = (await people.client.get(blank["href"], headers=known)).json()["body"]
        assert body["evidence"] == [{"alert": alert}]
        assert body["revises"] == {"plan": "plan", "indicator": "forest", "region": "city"}
        body |= {"title": "调低目标", "reason": "落后", "change": figures(110)}
        made = (await people.client.post("/proposals", json=body, headers=known)).json()
        assert made["evidence"][0]["href"].endswith(f"/alerts/{alert}")
        shown = await people.read("planner", f"/alerts/{alert}")
        assert [item["code"] for item in shown["proposals"]] == [made["code"]]
        headers = {**known, "Accept": "text/html"}
        page = await people.client.get(f"/alerts/{alert}?lang=zh", headers=headers)
        assert "调低目标" in page.text
        assert "提出修订建议" in page.text
        listed = await people.read("planner", "/proposals", evidence=f"alert:{alert}")
        assert [item["code"] for item in listed["proposals"]] == [made["code"]]

    async def test_a_target_that_changed_since_is_named(self, people: People) -> None:
        subject = {"plan": "plan", "indicator": "forest"}
        code = await people.accept(subject, figures(110))
        path = "/plans/plan/indicators/forest/targets"
        body = {**figures(115), "reason": "中期评估"}
        written = await people.client.put(path, json=body, headers=people.known["planner"])
        assert written.status_code == 200, written.text
        late = await people.go("planner", code, "carried_out")
        assert late.status_code == 409
        (error,) = late.json()["errors"]
        assert error["pointer"] == "/revises/target 2030"
        assert "120" in error["detail"]
        assert "115" in error["detail"]

    async def test_rules_suggest_what_is_worth_a_proposal(
        self, people: People, session: AsyncSession
    ) -> None:
        path = "/plans/plan/suggestions"
        # By a line from 100 in 2020 to 120 in 2030, 101 is short of the 108 of 2024.
        document = await people.read("planner", path, year=2024)
        same = [link for link in document["links"] if link["rel"] in {"self", "alternate"}]
        assert len(same) == 2
        assert all("year=2024" in link["href"] for link in same)
        found = document["suggestions"]
        assert [item.get("indicator") for item in found] == ["forest", "mined", "wetland"]
        assert {item["rule"] for item in found} == {"target_behind"}
        later = (await people.read("planner", path, year=2026))["suggestions"]
        assert [(item["rule"], item["project"]) for item in later if "project" in item] == [
            ("project_late", "quarry")
        ]
        code = (await people.propose("planner", {"project": "quarry"}, {"end_year": 2028})).json()[
            "code"
        ]
        await session.execute(text("UPDATE project SET state = 'suspended'"))
        await session.commit()
        found = (await people.read("planner", path, year=2024))["suggestions"]
        (suspended,) = [item for item in found if "project" in item]
        assert suspended["rule"] == "project_suspended"
        assert [item["code"] for item in suspended["proposals"]] == [code]
        headers = {**people.known["planner"], "Accept": "text/html"}
        page = await people.client.get(path, params={"lang": "zh"}, headers=headers)
        assert "采石场" in page.text

    @pytest.mark.parametrize("plan_region", ["city", None])
    async def test_serious_alerts_are_suggested_to_those_of_their_region(
        self, people: People, session: AsyncSession, planned_city: Region, plan_region: str | None
    ) -> None:
        await people.meet("stranger", Role.PLANNER, "elsewhere")
        station = await add_station(session, "gauge", region=planned_city)
        alert = await add_alert(session, station)
        if plan_region is None:
            await session.execute(text("UPDATE plan SET region_id = NULL"))
            await session.commit()
        found = {}
        for name in ("planner", "viewer", "stranger"):
            told = await people.read(name, "/plans/plan/suggestions", year=2020)
            found[name] = [item["alert"] for item in told["suggestions"] if "alert" in item]
            seen = await people.client.get(f"/alerts/{alert}", headers=people.known[name])
            assert (seen.status_code == 200) is bool(found[name])
        assert found == {"planner": [alert], "viewer": [alert], "stranger": []}

    @pytest.mark.parametrize("lead", [False, True])
    async def test_alerts_of_a_joint_plan_are_those_in_its_regions(
        self, people: People, session: AsyncSession, planned_city: Region, lead: bool
    ) -> None:
        await people.meet("everywhere", Role.PLANNER, None)
        district = await add_region(session, "district", parent=planned_city)
        other, far = [await add_region(session, code) for code in ("other", "far")]
        both = await add_region(session, "both", level="cooperation")
        both.member_ids = [planned_city.id, other.id]
        (plan,) = await session.scalars(select(Plan))
        plan.region_id, plan.region_ids = both.id if lead else None, both.member_ids
        alerts = {}
        for region in (district, other, far):
            station = await add_station(session, region.code, region=region)
            alerts[region.code] = await add_alert(session, station)
        told = await people.read("everywhere", "/plans/plan/suggestions", year=2020)
        found = {item["alert"] for item in told["suggestions"] if "alert" in item}
        assert found == {alerts["district"], alerts["other"]}


class TestCarryingOut:
    async def test_a_revisable_target_changes_in_its_plan(self, people: People) -> None:
        done = await people.carry_out({"plan": "plan", "indicator": "forest"}, figures(110))
        (field,) = done["fields"]
        assert (field["field"], field["old"]["value"], field["new"]["value"]) == (
            *("target 2030", 120),
            110,
        )
        assert done["made"] == {"code": "plan", "version": 1}
        path = "/plans/plan/indicators/forest/targets"
        target = (await people.read("planner", path))["targets"][1]
        (revision,) = target["revisions"]
        assert (target["value"], revision["value_before"]) == (110, 120)
        assert revision["proposal"] == done["code"]
        plan = (await people.read("planner", "/collections/plans/items/plan"))["properties"]
        assert (plan["revised_by"], plan["made_by"]) == ([done["code"]], None)

    async def test_a_fixed_target_changes_in_a_new_edition_alone(self, people: People) -> None:
        change = figures(110, revisable=False)
        subject = {"plan": "plan", "indicator": "mined"}
        done = await people.carry_out(subject, change)
        assert done["made"] == {"code": "plan.v2", "version": 2}
        value = {}
        for code in ("plan", "plan.v2"):
            path = f"/plans/{code}/indicators/mined/targets"
            value[code] = (await people.read("planner", path))["targets"][1]["value"]
        assert value == {"plan": 120, "plan.v2": 110}
        # Others are revised in the draft that is worked on, unless it says something else already.
        subject = {"plan": "plan", "indicator": "wetland"}
        more = await people.carry_out(subject, change)
        assert more["made"] == done["made"]
        again = await people.accept(subject, figures(105))
        late = await people.go("planner", again, "carried_out")
        assert (late.status_code, "plan.v2" in late.json()["detail"]) == (409, True)
        blocked = await people.accept({"plan": "plan"}, {"name_zh": "新规划"})
        assert (await people.go("planner", blocked, "carried_out")).status_code == 409

    async def test_a_plan_is_superseded_by_its_edition_once_that_is_approved(
        self, people: People
    ) -> None:
        done = await people.carry_out({"plan": "plan"}, {"name_en": "New plan", "issuer": None})
        path = "/collections/plans/items"
        edition = (await people.read("planner", f"{path}/plan.v2"))["properties"]
        named = ("name_en", "name_zh", "status", "version", "supersedes", "made_by", "issuer")
        assert [edition[name] for name in named] == [
            *("New plan", "规划", "draft", 2, "plan", done["code"], None),
        ]
        former = (await people.read("planner", f"{path}/plan"))["properties"]
        assert [former[name] for name in ("status", "superseded_by", "revised_by")] == [
            *("approved", [], [done["code"]]),
        ]
        listed = await people.read("planner", "/plans/plan.v2/indicators")
        assert [item["base_value"] for item in listed["plan_indicators"]] == [100] * 3
        patch = {"Content-Type": "application/merge-patch+json"}
        for by, status in (("planner", "submitted"), ("approver", "approved")):
            step = await people.client.patch(
                f"{path}/plan.v2",
                json={"properties": {"status": status}},
                headers={**people.known[by], **patch},
            )
            assert step.status_code == 200, step.text
        former = (await people.read("planner", f"{path}/plan"))["properties"]
        assert (former["status"], former["superseded_by"]) == ("superseded", ["plan.v2"])
        # The plan is still to be read, with its figures, and nothing more is proposed about it.
        targets = (await people.read("viewer", "/plans/plan/indicators/mined/targets"))["targets"]
        assert targets[1]["value"] == 120
        late = await people.propose("planner", {"plan": "plan"}, {"name_en": "x"})
        assert late.status_code == 409

    async def test_a_zone_is_revised_in_a_new_draft_of_its_scheme(self, people: People) -> None:
        done = await people.carry_out(
            {"scheme": SCHEME, "zone": ZONE}, {"name_zh": "重点区", "functions": ["水源涵养"]}
        )
        assert done["made"] == {"code": SCHEME, "version": 2}
        path = "/collections/zone_schemes/items"
        schemes = {}
        for version in (1, 2):
            found = await people.read("planner", path, code=SCHEME, version=version)
            schemes[version] = found["features"][0]["properties"]
        assert [schemes[n]["status"] for n in (1, 2)] == ["published", "draft"]
        assert (schemes[1]["revised_by"], schemes[2]["made_by"]) == ([done["code"]], done["code"])
        zones = await people.read(
            "planner", "/collections/zones/items", code=ZONE, scheme=SCHEME, version=2
        )
        assert zones["features"][0]["properties"]["name_zh"] == "重点区"
        # Another proposal waits until that draft is published, or given up.
        other = await people.accept({"scheme": SCHEME, "zone": ZONE}, {"name_zh": "别名"})
        assert (await people.go("planner", other, "carried_out")).status_code == 409
        assert (await people.read("planner", f"/proposals/{other}"))["state"] == "accepted"

    async def test_a_programme_is_revised_where_it_stands(self, people: People) -> None:
        done = await people.carry_out({"programme": "mines"}, {"summary_zh": "先易后难"})
        item = await people.read("planner", "/plans/plan/programmes/mines")
        assert (item["summary_zh"], item["revised_by"]) == ("先易后难", [done["code"]])
        assert any(link["href"].endswith("/plans/plan/programmes/mines") for link in done["links"])

    async def test_the_writer_of_the_object_has_the_last_word(self, people: People) -> None:
        await people.meet("owner", Role.OWNER)
        code = await people.accept({"plan": "plan"}, {"name_zh": "新规划"})
        # An owner carries out what it may write: projects, and no plans.
        assert (await people.go("owner", code, "carried_out")).status_code == 403
        assert (await people.read("planner", f"/proposals/{code}"))["state"] == "accepted"
