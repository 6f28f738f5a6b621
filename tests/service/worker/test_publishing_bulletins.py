"""A bulletin on its way from observations, plans and leads to a published document."""

import hashlib
import io
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from docx import Document
from sqlalchemy import func, inspect, select, text
from sqlalchemy.exc import DBAPIError

from shanhai.db.bulletins.publication import BulletinFilter, list_bulletins, publish_draft
from shanhai.db.engine import Sessions
from shanhai.db.identity import PUBLIC, Grant, Identity
from shanhai.db.queries.audit import Act
from shanhai.db.tables.access import AuditLog
from shanhai.db.tables.alert import Alert, AlertEvent, AlertRule
from shanhai.db.tables.control import LeadCase
from shanhai.db.tables.delivery import Bulletin
from shanhai.db.tables.job import Job
from shanhai.db.tables.observation import ObservedProperty
from shanhai.db.tables.project import Project
from shanhai.db.tables.station import Station
from shanhai.db.tables.zone import Region
from shanhai.errors import Conflict, Forbidden, InvalidInput
from shanhai.monitoring.observation import FeedObservation
from shanhai.processes.publish_bulletin.contract import PUBLISH_BULLETIN, PublishBulletinInputs
from shanhai.processes.reproduction import read_manifest, reproduce
from shanhai.storage.artifacts import LocalArtifacts
from shanhai.vocabulary import JobStatus, Role, Scope
from shanhai_worker.context import WorkerContext
from tests.support.emptying import forget_rows
from tests.support.indicator_rows import add_indicator, add_plan
from tests.support.job_rows import add_region, submit
from tests.support.observation_rows import add_station, forget_observations, store_observations
from tests.support.workers import reach_end

pytestmark = pytest.mark.long

REGION, PLAN = "bulletin-city", "bulletin-plan"
PERIOD = {"first": "2025-04-01", "last": "2025-06-30"}
SCOPES = frozenset({Scope.JOBS, Scope.WRITE})
SECTIONS: Mapping[str, Mapping[str, float]] = {
    "upper": {"dissolved_oxygen": 8.0, "ammonia_nitrogen": 0.1},
    "lower": {"dissolved_oxygen": 1.8, "ammonia_nitrogen": 0.3},
}
"""Of class I, and worse than V by its oxygen."""


def who(role: Role, region_id: int) -> Identity:
    return Identity(f"key:{role}", SCOPES, (Grant(role, frozenset({region_id})),))


@pytest.fixture
async def region_id(worker: WorkerContext, sessions: Sessions) -> int:
    """A city of which there is something to tell, in the quarter and outside of it."""
    async with sessions.begin() as session:
        await forget_observations(session)
        await forget_rows(session, ["region", "indicator", "lead_case"])
        region = await add_region(session, REGION)
        plan = await add_plan(session, PLAN, region)
        await add_indicator(
            session,
            plan,
            "forest_cover_rate",
            figures=[("base", 2020, "40"), ("target", 2030, "50")],
            values=[(2024, "51")],
        )
        for code in SECTIONS:
            await add_station(session, code, region=region, kind="water_section", interval_s=86_400)
        session.add_all(
            Project(
                code=code,
                name_zh=name,
                name_en=code,
                region_id=region.id,
                plan_id=plan.id,
                state="approved",
                start_year=2024,
                end_year=2026,
                cost=1_000_000,
                visibility="public" if public else "region",
            )
            for code, name, public in (("open", "公开项目", True), ("closed", "内部项目", False))
        )
        await _add_alert(session)
        for number, when in enumerate(
            (datetime(2025, 5, 1, tzinfo=UTC), datetime(2025, 7, 2, tzinfo=UTC))
        ):
            session.add(_lead(region, number, when))
    given = [
        FeedObservation(
            station, code, datetime(2025, 4, 1, 4, tzinfo=UTC) + timedelta(days=day), value
        )
        for station, values in SECTIONS.items()
        for code, value in values.items()
        for day in range(91)
        if station == "upper" or day % 2 == 0
    ]
    # The day after the period, which would change every class.
    late = [
        FeedObservation("upper", "ammonia_nitrogen", datetime(2025, 7, 1, 4, tzinfo=UTC), 9.0),
    ]
    await store_observations(sessions, [*given, *late])
    return region.id


async def _add_alert(session: Any) -> None:
    property_id = await session.scalar(
        select(ObservedProperty.id).where(ObservedProperty.code == "dissolved_oxygen")
    )
    rule = AlertRule(
        code="oxygen",
        name_zh="溶解氧过低",
        name_en="Oxygen is low",
        kind="below",
        property_id=property_id,
        limits={"orange": 2.0},
        reset=2.0,
        min_duration_s=0,
        max_age_s=86_400,
        any_quality=False,
        enabled=True,
    )
    session.add(rule)
    await session.flush()
    station_id = await session.scalar(select(Station.id).where(Station.code == "lower"))
    opened, closed = datetime(2025, 4, 3, tzinfo=UTC), datetime(2025, 4, 4, tzinfo=UTC)
    alert = Alert(
        rule_id=rule.id,
        station_id=station_id,
        status="closed",
        level="orange",
        began_at=opened,
        raised_at=opened,
        measure=1.8,
        opened_at=opened,
        closed_at=closed,
    )
    session.add(alert)
    await session.flush()
    session.add(AlertEvent(alert_id=alert.id, at=closed, kind="recovered", level="orange"))


def _lead(region: Region, number: int, when: datetime) -> LeadCase:
    return LeadCase(
        code=f"case-{number}",
        source="satellite",
        external_id=str(number),
        content_sha256="0" * 64,
        kind="road",
        sensed_before=date(2025, 1, 1),
        sensed_after=date(2025, 3, 1),
        geom=func.ST_Multi(func.ST_MakeEnvelope(118.01, 24.41, 118.011, 24.411, 4490)),
        lines=[],
        inside_m2=5_000.0,
        region_id=region.id,
        state="new",
        created_at=when,
    )


async def run(worker: WorkerContext, identity: Identity, **more: Any) -> Job:
    inputs = PublishBulletinInputs.model_validate(
        {"region": REGION, "plan": PLAN, "issued_on": "2025-07-05", **PERIOD, **more}
    )
    async with worker.sessions.begin() as session:
        job = await submit(session, contract=PUBLISH_BULLETIN, inputs=inputs, identity=identity)
    await worker.dispatcher.dispatch(job.id, 0)
    job = await reach_end(worker.sessions, job.id, within_s=90)
    assert job.status == JobStatus.SUCCESSFUL, job.error
    return job


async def publish(sessions: Sessions, code: str, identity: Identity) -> None:
    async with sessions.begin() as session:
        await publish_draft(session, code, identity=identity, act=Act(identity.owner))


async def test_a_bulletin_is_drafted_published_and_corrected(
    worker: WorkerContext, sessions: Sessions, region_id: int, tmp_path: Path
) -> None:
    planner, approver = who(Role.PLANNER, region_id), who(Role.APPROVER, region_id)
    job = await run(worker, planner)
    assert job.result is not None
    assert isinstance(worker.artifacts, LocalArtifacts)
    outputs, code = job.result["outputs"], job.result["values"]["bulletin"]
    assert code == f"{REGION}.20250401-20250630.1"
    documents = {f"{kind}_{lang}" for kind in ("html", "pdf", "docx") for lang in ("zh", "en")}
    assert {"content", "pictures", *documents} == set(outputs)
    files = {
        name: worker.artifacts.local_path(one["uri"]).read_bytes() for name, one in outputs.items()
    }

    content = orjson.loads(files["content"])
    assert {row["code"]: row["class"] for row in content["water"]["rows"]} == {
        "upper": "I",
        "lower": "inferior_v",
    }
    assert content["water"]["good_percent"] == 50.0
    told = {row["code"]: row["completeness_percent"] for row in content["observations"]["rows"]}
    assert told == {"upper": 100.0, "lower": pytest.approx(100 * 46 / 91)}
    (alert,) = content["alerts"]["rows"]
    assert (alert["outcome"], alert["property_name_zh"]) == ("recovered", "溶解氧")
    assert content["alerts"]["levels"][0]["count"] == content["alerts"]["closed"] == 1
    assert (content["leads"]["opened"], content["leads"]["inside_ha"]) == (1, 0.5)
    assert content["indicators"]["rows"][0]["value"] == 51
    assert content["indicators"]["reached"] + content["indicators"]["on_track"] == 1
    # What is not public is in no public bulletin.
    assert [row["code"] for row in content["projects"]["rows"]] == ["open"]
    page = files["html_zh"].decode()
    assert "公开项目" in page
    assert "内部项目" not in page
    words = "\n".join(one.text for one in Document(io.BytesIO(files["docx_zh"])).paragraphs)
    assert "2025年第1期" in words
    assert files["pdf_en"].startswith(b"%PDF")

    await _hold_draft_back(sessions, code, planner)
    await publish(sessions, code, approver)
    await _demand_permanence(sessions, code, files)

    # A second one about the same must say that it corrects the first, and keeps its number.
    with pytest.raises(InvalidInput, match="a correction names it"):
        await run(worker, planner)
    with pytest.raises(InvalidInput, match="keeps its number") as refused:
        await run(worker, planner, corrects=code, issue=2)
    assert [fault.pointer for fault in refused.value.faults] == ["/inputs/issue"]
    second = await run(worker, planner, corrects=code)
    assert second.result is not None
    assert (second.result["values"]["version"], second.result["values"]["issue"]) == (2, 1)
    later = second.result["values"]["bulletin"]
    await publish(sessions, later, approver)
    corrected = second.result["outputs"]["html_en"]["uri"]
    assert (
        f"This corrects and replaces {code}" in worker.artifacts.local_path(corrected).read_text()
    )

    await _compute_again(job, tmp_path)


async def _hold_draft_back(sessions: Sessions, code: str, planner: Identity) -> None:
    """A draft is seen by nobody outside, and not published by who drafts."""
    async with sessions() as session:
        assert not await list_bulletins(session, PUBLIC, BulletinFilter(), limit=5)
    with pytest.raises(Forbidden):
        await publish(sessions, code, planner)


async def _demand_permanence(sessions: Sessions, code: str, files: Mapping[str, bytes]) -> None:
    async with sessions() as session:
        (seen,) = await list_bulletins(session, PUBLIC, BulletinFilter(region=REGION), limit=5)
        # What it tells may be megabytes, and no list shows it.
        assert {"content", "wording"} <= inspect(seen.bulletin).unloaded
        kept = seen.bulletin.files
        assert {name: one["sha256"] for name, one in kept.items()} == {
            name: hashlib.sha256(content).hexdigest() for name, content in files.items()
        }
        actions = await session.scalars(
            select(AuditLog.action).where(AuditLog.object_id == code).order_by(AuditLog.id)
        )
        assert actions.all() == ["create", "publish"]
    for statement in (
        "UPDATE bulletin SET title_zh = 'x' WHERE code = :code",
        "UPDATE bulletin SET state = 'draft', published_at = NULL WHERE code = :code",
        "DELETE FROM bulletin WHERE code = :code",
    ):
        async with sessions() as session:
            with pytest.raises(DBAPIError, match="never changes"):
                await session.execute(text(statement), {"code": code})
    with pytest.raises(Conflict, match="published already"):
        await publish(sessions, code, Identity("key:any", SCOPES))


async def _compute_again(job: Job, tmp_path: Path) -> None:
    """From the manifest alone, the same bytes."""
    assert job.result is not None
    path = tmp_path / "manifest.json"
    path.write_bytes(orjson.dumps(job.result["manifest"]))
    compared = reproduce(
        read_manifest(path),
        files=tmp_path,
        workspace=tmp_path / "again",
        progress=lambda percent, stage: None,
    )
    assert {one.name for one in compared if one.same} == set(job.result["outputs"])


async def test_what_cannot_be_is_refused_before_a_job_is_made(
    worker: WorkerContext, sessions: Sessions, region_id: int
) -> None:
    planner = who(Role.PLANNER, region_id)
    for more, match in (
        ({"last": "2999-01-01", "first": "2998-12-01"}, "which is not over"),
        ({"template": "none"}, "no template"),
        ({"properties": ["pm25", "beauty"]}, "no property 'beauty'"),
        ({"lakes": ["upper", "uper"]}, "no water section 'uper'"),
        ({"plan": "none"}, "no plan 'none'"),
        ({"corrects": "none"}, "is no published bulletin"),
    ):
        with pytest.raises(InvalidInput, match=match):
            await run(worker, planner, **more)
    with pytest.raises(Forbidden):
        await run(worker, who(Role.ANALYST, region_id))
    async with sessions() as session:
        assert not await session.scalar(select(func.count(Job.id)))
        assert not await session.scalar(select(func.count(Bulletin.id)))


LEDGERS = (
    # Before the period, in it, reversed in it, and after it: 300 are taken, 350 given in all.
    "INSERT INTO balance_entry (code, title_zh, kind, direction, amount, unit, region_id, year,"
    " state, accepted_on) VALUES"
    " ('old', '旧', 'natural_shoreline', 'given', 50, 'm', :region, 2025, 'accepted',"
    " '2025-03-31'),"
    " ('quay', '码头', 'natural_shoreline', 'taken', 300, 'm', :region, 2025, 'accepted',"
    " '2025-04-01'),"
    " ('shore', '岸', 'natural_shoreline', 'given', 100.5, 'm', :region, 2025, 'accepted',"
    " '2025-06-30'),"
    " ('wrong', '误', 'natural_shoreline', 'given', 20, 'm', :region, 2025, 'reversed',"
    " '2025-05-01'),"
    " ('later', '后', 'natural_shoreline', 'given', 200, 'm', :region, 2025, 'accepted',"
    " '2025-07-01'),"
    " ('asked', '报', 'natural_shoreline', 'given', 999, 'm', :region, 2025, 'proposed', NULL),"
    " ('marsh', '湿', 'wetland', 'given', 3, 'ha', :region, 2025, 'accepted', '2025-05-01')",
    "INSERT INTO balance_entry (code, title_zh, kind, direction, amount, unit, region_id, year,"
    " state, accepted_on, reverses_id) SELECT 'back', '冲', kind, direction, amount, unit,"
    " region_id, year, 'accepted', '2025-06-01', id FROM balance_entry WHERE code = 'wrong'",
    "INSERT INTO compensation_agreement (code, name_zh, name_en, region_id, upstream_id,"
    " downstream_id, basis, service, scheme, rule, first_year, state) SELECT code, '溪流协议',"
    " 'Creek agreement', :region, :region, :other, 'service', 'water', 'zones', '{}', first, state"
    " FROM (VALUES ('creek', 2023, 'in_force'), ('secret', 2023, 'draft')) AS a (code, first,"
    " state)",
    "INSERT INTO compensation_settlement (agreement_id, year, content, sha256, amount, state)"
    " SELECT id, 2023, '{}', 'x', -1200.5, 'proposed' FROM compensation_agreement"
    " WHERE code = 'creek'",
    "INSERT INTO compensation_event (settlement_id, state, actor, at)"
    " SELECT id, 'proposed', 'x', '2025-05-01' FROM compensation_settlement",
    "INSERT INTO mine (code, name_zh, name_en, kind, region_id, state, area_ha, accepted_area_ha,"
    " accepted_on) VALUES ('pit', '旧坑', 'Old pit', 'legacy', :region, 'accepted', 12.5, 12.5,"
    " '2025-05-01'), ('old-pit', '更旧', 'Older pit', 'legacy', :region, 'accepted', 9, 9,"
    " '2025-03-31')",
    "INSERT INTO mine (code, name_zh, name_en, kind, region_id)"
    " VALUES ('quarry', '采石场', 'Quarry', 'producing', :region)",
    "INSERT INTO mine_report (mine_id, year, disturbed_ha, planned_ha, restored_ha, due, paid,"
    " actor) SELECT id, 2023, 0, 0, 0, 0, 0, 'x' FROM mine WHERE code = 'quarry'",
    "INSERT INTO mine_deposit_entry (mine_id, kind, year, amount, actor)"
    " SELECT id, 'due', 2024, 1500.25, 'x' FROM mine WHERE code = 'quarry'",
    "INSERT INTO reclamation (code, name_zh, name_en, region_id, state, start_on, end_on,"
    " land_class_before, visibility) VALUES"
    " ('road', '公开便道', 'Road', :region, 'in_use', '2024-01-01',"
    " '2025-06-30', '旱地', 'public'),"
    " ('yard', '内部料场', 'Yard', :region, 'in_use', '2024-01-01',"
    " '2025-06-30', '旱地', 'region'),"
    " ('next', '后续', 'Next', :region, 'in_use', '2024-01-01',"
    " '2025-07-01', '旱地', 'public')",
)
OPENED = (
    "INSERT INTO alert_rule (code, name_zh, name_en, kind, limits, reset, min_duration_s,"
    " max_age_s, any_quality, enabled, balance_kind) SELECT kind, kind, kind, kind, '{\"red\": 0}',"
    " 0, 0, 86400, false, false, CASE kind WHEN 'balance_short' THEN 'natural_shoreline' END FROM"
    " unnest(ARRAY['balance_short', 'settlement_waiting', 'mine_fund_short', 'reclamation_due'])"
    " AS k (kind)",
    "INSERT INTO alert (rule_id, status, level, began_at, raised_at, opened_at, measure,"
    " target_region_id, agreement_id, target_year, mine_id, reclamation_id)"
    " SELECT r.id, 'open', 'red', now(), now(), '2025-05-05', 7,"
    " CASE r.kind WHEN 'balance_short' THEN CAST(:region AS bigint) END,"
    " CASE r.kind WHEN 'settlement_waiting' THEN (SELECT id FROM compensation_agreement"
    " WHERE code = 'creek') END, CASE r.kind WHEN 'settlement_waiting' THEN 2023 END,"
    " CASE r.kind WHEN 'mine_fund_short' THEN (SELECT id FROM mine WHERE code = 'quarry') END,"
    " CASE r.kind WHEN 'reclamation_due' THEN (SELECT id FROM reclamation WHERE code = 'yard') END"
    " FROM alert_rule r WHERE r.kind = ANY(ARRAY['balance_short', 'settlement_waiting',"
    " 'mine_fund_short', 'reclamation_due'])",
)


async def test_ledgers_are_told_as_far_as_readers_may_know_them(
    worker: WorkerContext, sessions: Sessions, region_id: int
) -> None:
    async with sessions.begin() as session:
        other = await add_region(session, "other-city")
        for statement in (*LEDGERS, *OPENED):
            named = {"region": region_id, "other": other.id}
            given = {name: value for name, value in named.items() if f":{name}" in statement}
            await session.execute(text(statement), given)
    planner = who(Role.PLANNER, region_id)
    told = {}
    for public in (True, False):
        job = await run(worker, planner, public=public)
        assert job.result is not None
        assert isinstance(worker.artifacts, LocalArtifacts)
        files = {
            name: worker.artifacts.local_path(one["uri"]).read_bytes()
            for name, one in job.result["outputs"].items()
        }
        told[public] = files, orjson.loads(files["content"])

    files, content = told[True]
    rows = content["balances"]["rows"]
    assert [(row["kind"], row["opening"], row["taken"], row["given"]) for row in rows] == [
        ("natural_shoreline", "50", "300", "100.5"),
        ("wetland", "0", "0", "3"),
    ]
    # 50 + 100.5 were given of what 300 taken ask for; what came after the period does not count.
    assert [(row["closing"], row["short"], row["met"]) for row in rows] == [
        ("-149.5", "149.5", False),
        ("3", "0", True),
    ]
    settled = content["settlements"]["rows"]
    assert [(row["code"], row["year"], row["state"], row["amount"]) for row in settled] == [
        ("creek", 2023, "proposed", "1200.50"),
        ("creek", 2024, "unproposed", None),
    ]
    assert settled[0]["payer"] == "upstream"
    assert (content["mines"]["accepted"], content["mines"]["accepted_ha"]) == (1, "12.5")
    assert [row["code"] for row in content["mines"]["lands"]] == ["road"]
    assert (content["mines"]["arrears_told"], content["mines"]["arrears"]) == (False, [])
    assert [row["subject_en"] for row in content["alerts"]["rows"]] == [
        *("Station lower", "Region bulletin-city · Natural shoreline", "Creek agreement 2023"),
    ]
    for name in ("html_zh", "html_en", "docx_zh", "docx_en"):
        words = (
            files[name].decode()
            if name.startswith("html")
            else "\n".join(
                cell.text
                for table in Document(io.BytesIO(files[name])).tables
                for row in table.rows
                for cell in row.cells
            )
        )
        for amount in ("149.5", "1200.50", "12.5"):
            assert amount in words, name
        for hidden in ("采石场", "Quarry", "1500.25", "内部料场", "Yard"):
            assert hidden not in words, name

    files, content = told[False]
    assert content["mines"]["arrears"] == [
        {
            "code": "quarry",
            "name_zh": "采石场",
            "name_en": "Quarry",
            "years": [2024],
            "missing": "1500.25",
        }
    ]
    assert [row["code"] for row in content["mines"]["lands"]] == ["road", "yard"]
    assert "1500.25" in files["html_zh"].decode()
    assert {row["subject_en"] for row in content["alerts"]["rows"]} >= {"Quarry", "Yard"}
