"""`/health`, `/health/live`, `/health/ready`, `/metrics`."""

from collections.abc import Mapping
from typing import Any, Literal

import orjson
from fastapi import APIRouter, Response
from fastapi.responses import PlainTextResponse
from prometheus_client import CONTENT_TYPE_LATEST
from pydantic import BaseModel

from shanhai import __version__
from shanhai.db.engine import pool_use
from shanhai_api.kit.dependencies import TheState
from shanhai_api.kit.state import check_health

router = APIRouter(tags=["operations"])
FRESH = {"Cache-Control": "no-store"}


class Liveness(BaseModel):
    """A process that runs."""

    status: Literal["live"]
    version: str


class Readiness(BaseModel):
    """Whether requests are welcome, and what each check says."""

    status: Literal["ready", "not ready"]
    checks: dict[str, str]


class HealthTold(BaseModel):
    """What works, and what each check says."""

    status: Literal["ok", "read-only", "down"]
    version: str
    checks: dict[str, str]


@router.get("/health/live", summary="Whether the process runs", response_model=Liveness)
async def tell_liveness() -> Response:
    """Answer as long as the process can."""
    return _told({"status": "live", "version": __version__}, good=True)


@router.get(
    "/health/ready", summary="Whether requests are welcome, and why not", response_model=Readiness
)
async def tell_readiness(state: TheState) -> Response:
    """Check what requests depend on."""
    health = await check_health(state)
    status = "ready" if health.ready else "not ready"
    return _told({"status": status, "checks": health.checks}, good=health.ready)


@router.get("/health", summary="What works: reading, writing", response_model=HealthTold)
async def tell_health(state: TheState) -> Response:
    """Tell reading from writing: 200 as long as what is stored can be read."""
    health = await check_health(state)
    document = {"status": health.status, "version": __version__, "checks": health.checks}
    return _told(document, good=health.status != "down")


def _told(document: Mapping[str, Any], *, good: bool) -> Response:
    return Response(
        orjson.dumps(document),
        200 if good else 503,
        media_type="application/json",
        headers=FRESH,
    )


@router.get("/metrics", summary="Metrics for Prometheus", response_class=PlainTextResponse)
async def tell_metrics(state: TheState) -> Response:
    """Tell Prometheus about this process."""
    for name, sessions in (("api", state.sessions), ("api-reading", state.reading)):
        state.metrics.show_pool(name, pool_use(sessions.kw["bind"]))
    return Response(state.metrics.render(), media_type=CONTENT_TYPE_LATEST, headers=FRESH)
