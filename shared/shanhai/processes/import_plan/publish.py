"""Write the rows of an imported plan: all of them, or none."""

import asyncio
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.plan_packages.restore import rebuild
from shanhai.db.queries.audit import Act, record
from shanhai.processes.import_plan.compute import FOLDER, read_given
from shanhai.processes.kit.publication import identity_of
from shanhai.processes.kit.task import Publication


async def publish(session: AsyncSession, publication: Publication) -> dict[str, Any]:
    """Write all rows, or none of them."""
    given = await asyncio.to_thread(read_given, publication.workspace / FOLDER)
    uris = {name.partition(".")[2]: item.uri for name, item in publication.stored.items()}
    plan = str(publication.outcome.values["plan"])
    done = await rebuild(session, identity_of(publication.task), plan, given, uris)
    record(
        session,
        Act(publication.requested_by),
        "create",
        table="plan",
        object_id=plan,
        after={"package": publication.outcome.manifest["source"], "rows": done.made},
    )
    return {"summary": {"plan": plan, "made": done.made, "found": done.found}}
