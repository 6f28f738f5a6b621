"""The API service, put together; `/health`, `/health/live`, `/health/ready`, `/metrics`."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from functools import cache
from typing import Any, Literal
from urllib.parse import urlsplit

import orjson
from fastapi import APIRouter, FastAPI, Response
from fastapi.responses import PlainTextResponse
from fastapi.routing import APIRoute
from prometheus_client import CONTENT_TYPE_LATEST
from pydantic import BaseModel
from starlette.middleware import Middleware

from shanhai import __version__
from shanhai.cors import CrossOriginAccess
from shanhai.crypto import chosen_suite
from shanhai.db.engine import pool_use
from shanhai.db.features.crs import published_uris
from shanhai.isolation import hide_memory
from shanhai.overload import Admission
from shanhai.settings import Suite
from shanhai.settings.access import LOOPBACK
from shanhai.shutdown import noticing_stop
from shanhai.telemetry import configure_logging, configure_tracing
from shanhai_api.accounts import router as accounts
from shanhai_api.alerts.routes import alert_rules
from shanhai_api.alerts.routes import router as alerts
from shanhai_api.alerts.subscriptions import router as subscriptions
from shanhai_api.audit import router as audit
from shanhai_api.balances import router as balances
from shanhai_api.bulletins.routes import router as bulletins
from shanhai_api.bulletins.routes import templates as bulletin_templates
from shanhai_api.bulletins.wording import router as bulletin_wording
from shanhai_api.cases.routes import router as cases
from shanhai_api.changes import comparisons
from shanhai_api.changes import router as changes
from shanhai_api.compensation import router as compensation
from shanhai_api.complaints import router as complaints
from shanhai_api.compliance.routes import router as compliance
from shanhai_api.console import WithPolicy
from shanhai_api.console import router as console
from shanhai_api.dossiers import router as dossiers
from shanhai_api.duties import router as duties
from shanhai_api.features.edit_routes import records as record_edits
from shanhai_api.features.edit_routes import router as edits
from shanhai_api.features.records import router as records
from shanhai_api.features.routes import at_points as identify
from shanhai_api.features.routes import files as dataset_files
from shanhai_api.features.routes import quick
from shanhai_api.features.routes import router as features
from shanhai_api.jobs.routes import results
from shanhai_api.jobs.routes import router as jobs
from shanhai_api.jobs.schedules import router as schedules
from shanhai_api.keys import router as keys
from shanhai_api.keys import tile_tokens
from shanhai_api.kit.dependencies import TheState
from shanhai_api.kit.errors import on_shanhai_error
from shanhai_api.kit.late_route import LateRoute, RouteTable
from shanhai_api.kit.middleware import (
    RequestScope,
    install_handlers,
    settle,
    told_to_people,
)
from shanhai_api.kit.pages import ASSETS
from shanhai_api.kit.requests import callers_of
from shanhai_api.kit.state import Configuration, check_health, is_draining, open_state
from shanhai_api.landing import router as landing
from shanhai_api.landing import tries
from shanhai_api.mine_duties import router as mines
from shanhai_api.notices import router as notices
from shanhai_api.observations.routes import quick as feeds
from shanhai_api.observations.routes import router as observations
from shanhai_api.openapi import definition_of
from shanhai_api.plans.editions import router as editions
from shanhai_api.plans.routes import approvals, findings, packages
from shanhai_api.plans.routes import router as plans
from shanhai_api.processes.routes import quick as executions
from shanhai_api.processes.routes import router as processes
from shanhai_api.projects.routes import papers_of as papers
from shanhai_api.projects.routes import plans as project_reports
from shanhai_api.projects.routes import router as projects
from shanhai_api.proposals.routes import router as proposals
from shanhai_api.security_keys import router as security_keys
from shanhai_api.session import router as own_session
from shanhai_api.sta.routes import quick as loggers
from shanhai_api.sta.routes import router as sensorthings
from shanhai_api.system import router as system
from shanhai_api.trees import router as trees
from shanhai_api.uploads.routes import router as uploads
from shanhai_api.uploads.routes import waiting as waiting_uploads
from shanhai_api.vocabulary import observed as properties
from shanhai_api.vocabulary import router as vocabulary
from shanhai_api.webhooks.routes import router as webhooks
from shanhai_api.zones.routes import router as zonings

health = APIRouter(tags=["operations"], route_class=LateRoute)
ROUTERS = (
    quick,
    feeds,
    loggers,
    executions,
    landing,
    console,
    tries,
    features,
    edits,
    vocabulary,
    identify,
    changes,
    comparisons,
    dataset_files,
    trees,
    dossiers,
    zonings,
    records,
    record_edits,
    packages,
    plans,
    duties,
    approvals,
    editions,
    project_reports,
    projects,
    balances,
    compensation,
    papers,
    mines,
    findings,
    compliance,
    bulletins,
    bulletin_wording,
    bulletin_templates,
    complaints,
    cases,
    proposals,
    notices,
    observations,
    properties,
    alert_rules,
    alerts,
    subscriptions,
    webhooks,
    sensorthings,
    processes,
    jobs,
    results,
    schedules,
    uploads,
    waiting_uploads,
    keys,
    tile_tokens,
    accounts,
    own_session,
    security_keys,
    audit,
    system,
    health,
)
SENT_BY_SCRIPTS = (
    *("Authorization", "Content-Crs", "Content-Encoding", "Content-Range", "Content-Type"),
    *("Idempotency-Key", "If-Match", "Last-Event-ID", "Prefer", "Range", "Receipt"),
)
SEEN_BY_SCRIPTS = (
    "Accept-Ranges",
    "Content-Crs",
    "Content-Language",
    "Content-Range",
    "ETag",
    "Idempotency-Replayed",
    "Link",
    "Location",
    "Preference-Applied",
    "RateLimit",
    "RateLimit-Policy",
    "Retry-After",
    "X-Request-Id",
)


def create_app(configuration: Configuration) -> FastAPI:
    """The application; what it needs is opened when it starts.

    Raises:
        ValueError: the settings name coordinate systems that are not known, or sessions would be
            kept without protection elsewhere than on this machine.
    """
    published_uris(configuration.public.crs)
    own = urlsplit(configuration.public.api_url)
    if configuration.sign_in.plain_cookie and (
        own.scheme != "http" or own.hostname not in LOOPBACK
    ):
        raise ValueError("SHANHAI_SIGN_IN_PLAIN_COOKIE needs an http SHANHAI_API_URL on localhost")

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with open_state(configuration) as state:
            app.state.service = state
            with noticing_stop(state.draining, drain_s=configuration.api.drain_s):
                yield

    app = FastAPI(
        title="Shanhai",
        version=__version__,
        lifespan=lifespan,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        # Spans and metrics are `RequestScope`'s.
        telemetry={"tracing": False, "metrics": False, "logs": False},
        middleware=[
            # Faults and refusals of the others, too, are for pages of other origins to read.
            Middleware(
                CrossOriginAccess,
                public=configuration.public,
                methods=("GET", "HEAD"),
                named_methods=("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"),
                headers=("If-None-Match", "X-Request-Id"),
                named_headers=SENT_BY_SCRIPTS,
                exposed=SEEN_BY_SCRIPTS,
            ),
            Middleware(RequestScope),
            Middleware(
                Admission,
                most=configuration.api.most_requests,
                refuse=told_to_people(on_shanhai_error),
                share=configuration.api.most_of_one,
                callers=callers_of,
                stops=is_draining,
            ),
        ],
    )
    add_routes(app)
    app.mount(ASSETS.under, WithPolicy(ASSETS, configuration.public.tiles_url), name="static")
    install_handlers(app)
    return app


def add_routes(app: FastAPI) -> None:
    """Give the application its resources."""
    # Not included as routers: all that is found out about a route would be found out twice.
    routes = _routes()
    app.router.routes.append(RouteTable(routes))
    app.state.routes = routes
    app.state.definition = _definition


def _routes() -> tuple[APIRoute, ...]:
    return tuple(
        route for router in ROUTERS for route in router.routes if isinstance(route, APIRoute)
    )


# The same in every application.
@cache
def _definition() -> dict[str, Any]:
    return definition_of(_routes())


def create_from_environment() -> FastAPI:
    """The application as the environment configures it."""
    hide_memory()
    configuration = Configuration()
    configure_logging(configuration.log)
    configure_tracing("shanhai-api")
    app = create_app(configuration)
    settle()
    return app


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
    suite: Suite
    checks: dict[str, str]


@health.get("/health/live", summary="Whether the process runs", response_model=Liveness)
async def tell_liveness() -> Response:
    """Answer as long as the process can."""
    return _told({"status": "live", "version": __version__}, good=True)


@health.get(
    "/health/ready", summary="Whether requests are welcome, and why not", response_model=Readiness
)
async def tell_readiness(state: TheState) -> Response:
    """Check what requests depend on."""
    health = await check_health(state)
    status = "ready" if health.ready else "not ready"
    return _told({"status": status, "checks": health.checks}, good=health.ready)


@health.get("/health", summary="What works: reading, writing", response_model=HealthTold)
async def tell_health(state: TheState) -> Response:
    """Tell reading from writing: 200 as long as what is stored can be read."""
    health = await check_health(state)
    told = {"status": health.status, "version": __version__, "suite": chosen_suite()}
    document = {**told, "checks": health.checks}
    return _told(document, good=health.status != "down")


def _told(document: Mapping[str, Any], *, good: bool) -> Response:
    return Response(
        orjson.dumps(document),
        200 if good else 503,
        media_type="application/json",
        headers=FRESH,
    )


@health.get("/metrics", summary="Metrics for Prometheus", response_class=PlainTextResponse)
async def tell_metrics(state: TheState) -> Response:
    """Tell Prometheus about this process."""
    for name, sessions in (("api", state.sessions), ("api-reading", state.reading)):
        state.metrics.show_pool(name, pool_use(sessions.kw["bind"]))
    return Response(state.metrics.render(), media_type=CONTENT_TYPE_LATEST, headers=FRESH)
