"""What a selection leaves in the database: the priority layer, and projects in draft."""

import asyncio
import json
from collections.abc import Mapping
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.collections.projects import PROJECTS
from shanhai.db.features.input_validation import read_draft
from shanhai.db.features.sql_write import ids_of
from shanhai.db.features.write import create
from shanhai.db.identity import Identity
from shanhai.db.projects.measures import MeasureRecord, put_measure
from shanhai.db.projects.queries import Linked, put_links
from shanhai.db.queries.audit import Act
from shanhai.db.queries.jobs import RegionRow
from shanhai.db.tables.project import Project
from shanhai.processes.kit.publication import identity_of, job_id_of, publish_rasters, region_of
from shanhai.processes.kit.task import Publication
from shanhai.processes.select_sites.compute import SITES_FILE
from shanhai.processes.select_sites.contract import SelectSitesInputs

JOB, SITE = "job", "site"
"""Members of a project's `attrs`: the job it comes from, and the site it was there."""

Feature = Mapping[str, Any]


async def publish(session: AsyncSession, publication: Publication) -> dict[str, Any]:
    """Register the priority layer and make the draft projects; return the results document.

    Projects are written in the name of who asked. Those of a job are made once; no other project
    is touched. Of a plan that misses its targets none is made.
    """
    inputs = SelectSitesInputs.model_validate(publication.task.inputs)
    layers = await publish_rasters(session, publication, inputs, public=inputs.publish)
    projects: list[str] = []
    if inputs.draft_projects and not publication.outcome.values["partial"]:
        projects = await _draft(session, publication, inputs)
    return {
        "layers": layers,
        "projects": projects,
        **publication.outcome.values,
        "warnings": publication.outcome.warnings,
    }


async def _draft(
    session: AsyncSession, publication: Publication, inputs: SelectSitesInputs
) -> list[str]:
    """Codes of the projects of the job, which are made unless they are there."""
    job = str(job_id_of(publication.task))
    made = select(Project.code).where(Project.attrs[JOB].astext == job).order_by(Project.code)
    former = list(await session.scalars(made))
    if former:
        return former
    region = await region_of(session, publication.task)
    making = _Making(session, publication, inputs, region)
    path = publication.workspace / SITES_FILE
    features = await asyncio.to_thread(lambda: json.loads(path.read_bytes())["features"])
    chosen = [one for one in features if one["properties"]["chosen"]]
    new = [one for one in chosen if one["properties"]["kinds"] != ["project"]]
    return [await making.make(number, one) for number, one in enumerate(new, start=1)]


class _Making:
    """Makes the projects of one selection."""

    def __init__(
        self,
        session: AsyncSession,
        publication: Publication,
        inputs: SelectSitesInputs,
        region: RegionRow,
    ) -> None:
        self._session, self._inputs, self._region = session, inputs, region
        self._identity: Identity = identity_of(publication.task)
        self._act = Act(publication.requested_by)
        self._job = job_id_of(publication.task)
        self._years = {one.name: (one.start_year, one.end_year) for one in inputs.phases}

    async def make(self, number: int, site: Feature) -> str:
        """One project with its measures, its problems and its district; its code."""
        code = f"sites-{self._job.hex[:16]}.{number:04}"
        draft = await read_draft(PROJECTS, self._body(code, site), whole=True)
        written = await create(self._session, PROJECTS, self._identity, self._act, draft)
        told = site["properties"]
        provenance = {
            "origin": "computed",
            JOB: str(self._job),
            SITE: told["code"],
            "gains": told["gains"],
            "funds": told["funds"],
        }
        await self._session.execute(
            update(Project)
            .where(Project.id == written.row_id)
            .values(attrs=Project.attrs.concat(provenance))
        )
        await self._add_measures(code, told)
        await self._link(code, told)
        return code

    def _body(self, code: str, site: Feature) -> dict[str, Any]:
        told = site["properties"]
        first, last = self._years[told["phase"]]
        return {
            "type": "Feature",
            "id": code,
            "geometry": site["geometry"],
            "properties": {
                "name_zh": told["name_zh"],
                "name_en": told["name_en"],
                "region": self._region.code,
                "visibility": "region",
                **({"plan": self._inputs.plan} if self._inputs.plan else {}),
                "start_year": first,
                "end_year": last,
                "cost": f"{told['cost']:.2f}",
                # Nobody has looked at it yet.
            },
        }

    async def _add_measures(self, code: str, told: Feature) -> None:
        """Each measure for the whole area; what of it is done where is for the planner to say."""
        for order, measure in enumerate(told["measures"], start=1):
            wanted = MeasureRecord(measure, order, None, None, told["area_ha"], None, "ha", None)
            await put_measure(self._session, code, self._identity, self._act, wanted)

    async def _link(self, code: str, told: Feature) -> None:
        """Problems and district, as far as they are still there for who asked."""
        links: dict[Linked, list[str]] = {
            "problems": told["problems"],
            "regions": [told["district"]] if told["district"] else [],
        }
        session, identity = self._session, self._identity
        for name, codes in links.items():
            known = sorted(await ids_of(session, name, set(codes), identity.viewer))
            if known:
                await put_links(session, code, identity, self._act, name, known, expected=None)
