"""`/health/live`, `/health/ready`, `/metrics`."""

import orjson
from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST

from shanhai import __version__
from shanhai.db.pools import pool_use
from shanhai_api.dependencies import TheState
from shanhai_api.health.operations import check_readiness

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
    readiness = await check_readiness(state)
    status = "ready" if readiness.ready else "not ready"
    return Response(
        orjson.dumps({"status": status, "checks": readiness.checks}),
        200 if readiness.ready else 503,
        media_type="application/json",
        headers=FRESH,
    )


@router.get("/metrics", summary="Metrics for Prometheus")
async def tell_metrics(state: TheState) -> Response:
    """Tell Prometheus about this process."""
    for name, sessions in (("api", state.sessions), ("api-reading", state.reading)):
        state.metrics.show_pool(name, pool_use(sessions.kw["bind"]))
    return Response(state.metrics.render(), media_type=CONTENT_TYPE_LATEST, headers=FRESH)
