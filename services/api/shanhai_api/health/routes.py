"""`/health`, `/health/live`, `/health/ready`, `/metrics`."""

from collections.abc import Mapping
from typing import Any

import orjson
from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST

from shanhai import __version__
from shanhai.db.pools import pool_use
from shanhai_api.dependencies import TheState
from shanhai_api.health.operations import check_health

router = APIRouter(tags=["operations"])
FRESH = {"Cache-Control": "no-store"}


@router.get("/health/live", summary="Whether the process runs")
async def tell_liveness() -> Response:
    """Answer as long as the process can."""
    document = {"status": "live", "version": __version__}
    return Response(orjson.dumps(document), media_type="application/json", headers=FRESH)


@router.get("/health/ready", summary="Whether requests are welcome, and why not")
async def tell_readiness(state: TheState) -> Response:
    """Check what requests depend on."""
    health = await check_health(state)
    status = "ready" if health.ready else "not ready"
    return _told({"status": status, "checks": health.checks}, good=health.ready)


@router.get("/health", summary="What works: reading, writing")
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


@router.get("/metrics", summary="Metrics for Prometheus")
async def tell_metrics(state: TheState) -> Response:
    """Tell Prometheus about this process."""
    for name, sessions in (("api", state.sessions), ("api-reading", state.reading)):
        state.metrics.show_pool(name, pool_use(sessions.kw["bind"]))
    return Response(state.metrics.render(), media_type=CONTENT_TYPE_LATEST, headers=FRESH)
