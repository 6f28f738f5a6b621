"""The API's definition: FastAPI's, completed from the declared entities; and its 3.0 form."""

import copy
from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import FastAPI
from fastapi.encoders import jsonable_encoder
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute
from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from shanhai import __version__
from shanhai.db.cases.queries import CASES
from shanhai.db.collections.catalogue import COLLECTIONS, ENTITIES
from shanhai.db.proposals.queries import PROPOSALS
from shanhai.openapi import downgrade
from shanhai.processes.catalogue import CONTRACTS
from shanhai.vocabulary import Label
from shanhai_api.features.definition import (
    ETAG,
    IDEMPOTENCY_KEY,
    READ_FAILURES,
    WRITE_FAILURES,
    failures,
    paths_of,
    schemas_of,
)
from shanhai_api.kit import errors
from shanhai_api.kit.view import HTML
from shanhai_api.observations.routes import ObservationFeatures
from shanhai_api.processes.descriptions import ResultLink, result_schemas
from shanhai_api.sta.routes import BODIES, entity_schemas
from shanhai_api.sta.schemas import DataArray

Document = dict[str, Any]
LISTED = (CASES, PROPOSALS)
"""Records with routes of their own, whose lists are like those of the others."""
LISTING = ("parameters", "responses")
MODELS: Mapping[type[BaseModel], JsonSchemaMode] = {
    ObservationFeatures: "serialization",
    ResultLink: "serialization",
    DataArray: "validation",
    **dict.fromkeys(BODIES, "validation"),
}
"""What is taken or answered beside the one model that a route declares."""
ITEMS = "/collections/{collection}/items"
TAGS: Mapping[str, Label] = {
    "service": Label("平台服务", "What the service is"),
    "features": Label(
        "OGC API - Features：规划数据集合", "OGC API - Features: the collections of a plan"
    ),
    "records": Label(
        "无自身位置的内容：名录、规则、规划清单",
        "What has no place of its own: dictionaries, rules, lists of a plan",
    ),
    "zonings": Label(
        "分区版本：空缺、比较、人工调整",
        "Versions of a zoning: gaps, comparison, adjustment by hand",
    ),
    "plans": Label("规划各版与规划数据包", "Editions of a plan, and a plan as one package"),
    "indicators": Label(
        "规划目标、实测值与进展", "What a plan aims at, what was observed, and how far it has come"
    ),
    "projects": Label(
        "项目的状态、措施、资金与文件", "The steps, measures, money and documents of projects"
    ),
    "proposals": Label("修订：建议与决定", "Revising what is planned, by proposal and decision"),
    "participation": Label(
        "公众参与：公示、意见、答复与汇总", "The public: notices, comments, replies and summaries"
    ),
    "monitoring": Label(
        "观测、观测项目与后续处置", "Observations, what can be observed, and what follows from them"
    ),
    "bulletins": Label(
        "公报及其模板", "What is published of a region and period, and the templates it is made by"
    ),
    "compliance": Label(
        "管控线、规则与分区的合规审查", "Whether places and projects keep to lines, rules and zones"
    ),
    "sensorthings": Label("OGC SensorThings API 1.1 第一部分", "OGC SensorThings API 1.1, part 1"),
    "processes": Label(
        "OGC API - Processes：计算与作业", "OGC API - Processes: computations and their jobs"
    ),
    "uploads": Label("导入文件上传", "Files for imports"),
    "vocabulary": Label("名录", "Closed lists"),
    "access": Label("接口密钥与审计日志", "API keys and the audit log"),
    "operations": Label("运行状态与指标", "Health and metrics"),
}
PROBLEM = {
    "type": "object",
    "description": "An error (RFC 9457)",
    "required": ["type", "title", "status"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "instance": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["pointer", "detail"],
                "properties": {"pointer": {"type": "string"}, "detail": {"type": "string"}},
            },
        },
    },
}
PROBLEM_ANSWER = {
    "description": "An error, told as a problem document",
    "content": {
        errors.MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}},
        HTML.media_type: {"schema": {"type": "string"}},
    },
}
COLLECTION_PARAMETER = {
    "name": "collection",
    "in": "path",
    "required": True,
    "schema": {"type": "string", "enum": [entity.name for entity in COLLECTIONS]},
}
KNOWN = {"304": {"description": "The caller has it already"}}
STORED = failures((*WRITE_FAILURES, 507))
"""What operations answer that keep a file, for which there may be no room."""
UNREADY = {"503": {"description": "Not ready, and why", "content": {"application/json": {}}}}
OWN_ANSWERS: Mapping[tuple[str, str], Document] = {
    ("get", "/health"): UNREADY,
    ("get", "/health/live"): {},
    ("get", "/health/ready"): UNREADY,
    ("get", "/metrics"): {},
    ("get", "/jobs/{job}/results"): KNOWN | failures((*READ_FAILURES, 410)),
    ("get", "/jobs/{job}/results/{output}"): KNOWN | failures((*READ_FAILURES, 410)),
    ("get", "/jobs/{job}/manifest"): KNOWN | failures((*READ_FAILURES, 410)),
    ("get", "/jobs/{job}/events"): KNOWN | failures(READ_FAILURES),
    ("get", "/alerts/events"): failures(READ_FAILURES),
    ("post", "/processes/{process}/execution"): failures((*WRITE_FAILURES, 410)),
    ("post", "/uploads"): STORED,
    ("put", "/uploads/{upload}"): STORED,
    ("post", "/projects/{project}/documents"): STORED,
    ("post", "/cases/{case}/documents"): STORED,
}
"""What some operations answer beside success, when it is not what all of their method do."""
PROCESS_PARAMETER = {
    "name": "process",
    "in": "path",
    "required": True,
    "schema": {"type": "string", "enum": list(CONTRACTS)},
}


def describe_31(app: FastAPI, base: str) -> Document:
    """The definition as OpenAPI 3.1."""
    document: Document = copy.deepcopy(app.state.definition())
    document["servers"] = [{"url": base}]
    return document


def describe_30(app: FastAPI, base: str) -> Document:
    """The definition as OpenAPI 3.0, which OGC API names."""
    document: Document = downgrade(describe_31(app, base))
    return {**document, "openapi": "3.0.3"}


def definition_of(routes: Sequence[APIRoute]) -> Document:
    """The definition of some routes, without the address they are asked at."""
    document = get_openapi(
        title="Shanhai 山海",
        version=__version__,
        description="Planning of ecological protection and restoration, mountaintop to ocean",
        license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
        routes=routes,
        tags=[{"name": name, "description": text.en} for name, text in TAGS.items()],
    )
    return complete(document)


def complete(document: Document) -> Document:
    """Add what the routes alone cannot tell."""
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    schemas["Problem"] = PROBLEM
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    document["components"]["securitySchemes"] = {"key": {"type": "http", "scheme": "bearer"}}
    document["security"] = [{}, {"key": []}]
    document["components"]["responses"] = {"Problem": PROBLEM_ANSWER}
    for name, schema in definitions_of(MODELS).items():
        schemas.setdefault(name, schema)
    schemas |= result_schemas() | entity_schemas()
    for entity in (*ENTITIES, *LISTED):
        schemas |= schemas_of(entity)
    document["paths"] = _with_entities(document["paths"])
    for path, item in document["paths"].items():
        for method, operation in item.items():
            _complete_operation(path, method, operation)
    return document


def definitions_of(models: Mapping[type[BaseModel], JsonSchemaMode]) -> Document:
    """The schemas of models, and of those they are made of."""
    _, told = models_json_schema([*models.items()], ref_template="#/components/schemas/{model}")
    # As FastAPI writes them: a default of null is none.
    definitions: Document = jsonable_encoder(told["$defs"], exclude_none=True)
    return definitions


def _with_entities(paths: Mapping[str, Any]) -> Document:
    """The paths with those of each collection and record instead of the ones that serve them."""
    declared = {path: item for entity in ENTITIES for path, item in paths_of(entity).items()}
    others = {
        path: item
        for path, item in paths.items()
        if not path.startswith(ITEMS) and path not in declared
    }
    for entity in LISTED:
        path = entity.path or ""
        listed = {name: paths_of(entity)[path]["get"][name] for name in LISTING}
        others[path] = {**others[path], "get": {**others[path]["get"], **listed}}
    return others | declared


def _complete_operation(path: str, method: str, operation: Document) -> None:
    known = {"collection": COLLECTION_PARAMETER, "process": PROCESS_PARAMETER}
    operation["parameters"] = [
        known.get(parameter["name"], parameter) if parameter["in"] == "path" else parameter
        for parameter in operation.get("parameters", [])
    ]
    answers = operation["responses"]
    if "$ref" not in answers.get("422", {}):
        answers.pop("422", None)
    for status, answer in _answers_besides(path, method).items():
        answers.setdefault(status, answer)
    if "304" in answers and "200" in answers:
        answers["200"]["headers"] = ETAG | answers["200"].get("headers", {})
    named = {parameter.get("name") for parameter in operation["parameters"]}
    if method == "post" and IDEMPOTENCY_KEY["name"] not in named:
        operation["parameters"].append(IDEMPOTENCY_KEY)


def _answers_besides(path: str, method: str) -> Document:
    """Every answer beside success an operation can give; nothing is left to a `default`."""
    usual = KNOWN | failures(READ_FAILURES) if method == "get" else failures(WRITE_FAILURES)
    return OWN_ANSWERS.get((method, path), usual)
