"""Health and metrics."""

from functools import partial
from typing import Literal

from fastapi import APIRouter
from prometheus_client import CONTENT_TYPE_LATEST, Gauge, generate_latest
from pydantic import Field
from starlette.responses import Response

from shanhai.db.engine import pool_use
from shanhai.db.migrate import expected_revision, present_revision
from shanhai.errors import Unavailable
from shanhai_tiles import answers
from shanhai_tiles.dependencies import Services, ServicesDep, working_session
from shanhai_tiles.errors import NEVER_STORED

POOL = Gauge("shanhai_db_pool_size", "Connections a pool may hold", ["pool"])
USED = Gauge("shanhai_db_pool_in_use", "Connections of a pool that are in use", ["pool"])

router = APIRouter(tags=["operations"], route_class=answers.DocumentRoute)


class Alive(answers.DocumentPart):
    """The process answers."""

    status: Literal["ok"] = "ok"


class Ready(Alive):
    """Requests are welcome."""

    store: str = Field(description="Where tiles are kept beyond the memory of a process")


class Unready(answers.DocumentPart):
    """Requests are not welcome."""

    status: Literal["unavailable"] = "unavailable"
    reason: str


UNREADY: answers.Responses = {503: {"model": Unready, "description": "Not ready, and why"}}


@router.get("/health/live")
async def report_live() -> answers.JsonAnswer[Alive]:
    """The process answers."""
    return _never_stored(Alive())


@router.get("/health/ready", response_model=Ready, responses=UNREADY)
async def report_ready(
    services: ServicesDep,
) -> answers.JsonAnswer[Ready] | answers.JsonAnswer[Unready]:
    """The database answers and has the tables this code expects, and the service is to go on; 503
    with the reason otherwise.

    `store` names where tiles are kept beyond the memory of a process.
    """
    reason = await _reason_not_ready(services)
    if reason is not None:
        return _never_stored(Unready(reason=reason), 503)
    return _never_stored(Ready(store=services.tiles.kept_in))


def _never_stored(document: answers.Model, status: int = 200) -> answers.JsonAnswer[answers.Model]:
    body = document.model_dump_json().encode()
    return answers.JsonAnswer(body, status, NEVER_STORED, answers.JSON)


@router.get("/metrics", responses=answers.sends(CONTENT_TYPE_LATEST))
async def read_metrics(services: ServicesDep) -> Response:
    """Measurements for Prometheus."""
    size, in_use = pool_use(services.engine)
    POOL.labels("tiles").set(size)
    USED.labels("tiles").set(in_use)
    return Response(generate_latest(), headers=NEVER_STORED, media_type=CONTENT_TYPE_LATEST)


async def _reason_not_ready(services: ServicesDep) -> str | None:
    if services.draining.is_set():
        return "stopping"
    # Asked once by all who ask at the same time: probes do not wait for one another either.
    return await services.looks.share("database", partial(_reason_of_database, services))


async def _reason_of_database(services: Services) -> str | None:
    try:
        async with working_session(services.probes) as session:
            present = await present_revision(session)
    except Unavailable as error:
        return error.message
    expected = expected_revision()
    if present == expected:
        return None
    return f"the database is at revision {present}, this code expects {expected}"
