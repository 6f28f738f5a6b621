"""The package a project applies for funds with: data for machines and tables for people."""

import hashlib
import io
import zipfile
from collections.abc import Mapping
from typing import Any

import orjson
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai import __version__
from shanhai.db.collections.projects import PROJECTS
from shanhai.db.compliance import check_project
from shanhai.db.compliance.serialization import document_of
from shanhai.db.features.selection import Selection
from shanhai.db.projects.funds import list_balances, list_entries
from shanhai.db.projects.measures import list_measures
from shanhai.db.projects.queries import ProjectSeen
from shanhai.db.projects.transitions import read_events
from shanhai_api.features.documents import feature
from shanhai_api.features.operations import read_item
from shanhai_api.identity import Caller
from shanhai_api.projects import papers
from shanhai_api.projects.models import LedgerLine, Measure, ProjectHistory, SourceBalance
from shanhai_api.projects.plan_tables import as_csv
from shanhai_api.view import View

MEDIA_TYPE = "application/zip"
MOST_EVENTS = 10_000
EPOCH = (1980, 1, 1, 0, 0, 0)
"""The time of every member: the same content makes the same archive."""
MEASURE_COLUMNS = (
    *("measure", "name_zh", "name_en", "planned", "done", "unit", "indicator"),
    "progress_percent",
)
ENTRY_COLUMNS = (
    *("id", "kind", "source", "year", "amount", "measure", "paid_on", "note", "actor", "at"),
)
PAPER_COLUMNS = (
    *("code", "kind", "title_zh", "title_en", "filename", "media_type", "bytes", "sha256"),
)


async def application_of(
    session: AsyncSession, view: View, caller: Caller, project: ProjectSeen
) -> tuple[bytes, str]:
    """The archive, and what tells its content from others."""
    members = await _members(session, view, caller, project)
    digests = {name: hashlib.sha256(content).hexdigest() for name, content in members.items()}
    manifest = {
        "project": project.code,
        "state": project.state,
        "software": f"shanhai {__version__}",
        "files": [
            {"name": name, "bytes": len(members[name]), "sha256": digest}
            for name, digest in digests.items()
        ],
    }
    listed = orjson.dumps(manifest, option=orjson.OPT_INDENT_2)
    version = hashlib.sha256(listed).hexdigest()[:32]
    return _archive({"manifest.json": listed, **members}), version


async def _members(
    session: AsyncSession, view: View, caller: Caller, project: ProjectSeen
) -> dict[str, bytes]:
    row = await read_item(session, PROJECTS, Selection(caller.viewer, code=project.code))
    measures = await list_measures(session, project.id)
    entries = await list_entries(session, project.id)
    balances = await list_balances(session, project.id)
    events = await read_events(session, project.id, after=0, limit=MOST_EVENTS)
    found, _ = await papers.list_papers(session, caller, project, view, after=0, limit=10_000)
    checked = None
    if row.geometry is not None:
        checked = document_of(await check_project(session, caller.viewer, project.code))
    return {
        "project.geojson": orjson.dumps(feature(row)),
        "compliance.json": orjson.dumps(checked),
        "measures.csv": as_csv(
            MEASURE_COLUMNS, [Measure.from_row(item).as_json() for item in measures]
        ),
        "funds.csv": as_csv(ENTRY_COLUMNS, [LedgerLine.of(item).as_json() for item in entries]),
        "funds.json": orjson.dumps([SourceBalance.of_source(item).as_json() for item in balances]),
        "events.json": orjson.dumps(
            [ProjectHistory.of(item, caller, view).as_json() for item in events]
        ),
        "documents.csv": as_csv(PAPER_COLUMNS, [item.as_json() for item in found]),
    }


def _archive(members: Mapping[str, Any]) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name, EPOCH), content)
    return made.getvalue()
