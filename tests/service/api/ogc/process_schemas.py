"""What OGC API - Processes 1.0 says of its documents, as JSON Schema; written from OGC 18-062r2."""

from typing import Any

from jsonschema import Draft202012Validator

Schema = dict[str, Any]


def ref(name: str) -> Schema:
    return {"$ref": f"#/$defs/{name}"}


def many(name: str, **more: Any) -> Schema:
    return {"type": "array", "items": ref(name), **more}


def an_object(required: tuple[str, ...], **properties: Schema) -> Schema:
    return {"type": "object", "required": list(required), "properties": properties}


TEXT: Schema = {"type": "string"}
COUNT: Schema = {"type": "integer", "minimum": 0}
FLAG: Schema = {"type": "boolean"}
MOMENT: Schema = {"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$"}
NUMBER: Schema = {"type": "number"}
ADDITIONAL = {
    "type": "object",
    "properties": {
        "title": TEXT,
        "role": TEXT,
        "href": TEXT,
        "parameters": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["name", "value"],
                "properties": {"name": TEXT, "value": {"type": "array"}},
            },
        },
    },
}
DESCRIBED = {
    "title": TEXT,
    "description": TEXT,
    "keywords": {"type": "array", "items": TEXT},
    "additionalParameters": ADDITIONAL,
}

# The dialect of OpenAPI 3.0, in which no other keyword is allowed.
SCHEMA_KEYWORDS: dict[str, Schema] = {
    **dict.fromkeys(("title", "description", "format", "pattern"), TEXT),
    **dict.fromkeys(("contentMediaType", "contentEncoding", "contentSchema"), TEXT),
    **dict.fromkeys(("maximum", "minimum"), NUMBER),
    "multipleOf": {"type": "number", "exclusiveMinimum": 0},
    **dict.fromkeys(("exclusiveMaximum", "exclusiveMinimum", "uniqueItems"), FLAG),
    **dict.fromkeys(("nullable", "readOnly", "writeOnly", "deprecated"), FLAG),
    **dict.fromkeys(("maxLength", "minLength", "maxItems", "minItems"), COUNT),
    **dict.fromkeys(("maxProperties", "minProperties"), COUNT),
    "required": {"type": "array", "items": TEXT, "minItems": 1, "uniqueItems": True},
    "enum": {"type": "array", "minItems": 1},
    "type": {"enum": ["array", "boolean", "integer", "number", "object", "string"]},
    **dict.fromkeys(("allOf", "oneOf", "anyOf"), many("schema")),
    **dict.fromkeys(("not", "items"), ref("schema")),
    "properties": {"type": "object", "additionalProperties": ref("schema")},
    "additionalProperties": {"oneOf": [ref("schema"), FLAG]},
    "default": {"not": {"type": "null"}},
    "example": {},
}

DEFINITIONS: Schema = {
    "schema": {"type": "object", "properties": SCHEMA_KEYWORDS, "additionalProperties": False},
    "link": an_object(("href",), href=TEXT, rel=TEXT, type=TEXT, hreflang=TEXT, title=TEXT),
    "landingPage": an_object(("links",), title=TEXT, description=TEXT, links=many("link")),
    "confClasses": an_object(("conformsTo",), conformsTo={"type": "array", "items": TEXT}),
    "exception": an_object(
        ("type",), type=TEXT, title=TEXT, status={"type": "integer"}, detail=TEXT, instance=TEXT
    ),
    "processSummary": an_object(
        ("id", "version"),
        **DESCRIBED,
        id=TEXT,
        version=TEXT,
        jobControlOptions={
            "type": "array",
            "items": {"enum": ["sync-execute", "async-execute", "dismiss"]},
        },
        outputTransmission={"type": "array", "items": {"enum": ["value", "reference"]}},
        links=many("link"),
    ),
    "processList": an_object(
        ("processes", "links"), processes=many("processSummary"), links=many("link")
    ),
    "inputDescription": an_object(
        ("schema",),
        **DESCRIBED,
        minOccurs=COUNT,
        maxOccurs={"anyOf": [COUNT, {"const": "unbounded"}]},
        schema=ref("schema"),
    ),
    "outputDescription": an_object(("schema",), **DESCRIBED, schema=ref("schema")),
    "process": {
        "allOf": [
            ref("processSummary"),
            an_object(
                (),
                inputs={"type": "object", "additionalProperties": ref("inputDescription")},
                outputs={"type": "object", "additionalProperties": ref("outputDescription")},
            ),
        ]
    },
    "statusInfo": an_object(
        ("jobID", "status", "type"),
        processID=TEXT,
        type={"const": "process"},
        jobID=TEXT,
        status={"enum": ["accepted", "running", "successful", "failed", "dismissed"]},
        message=TEXT,
        **dict.fromkeys(("created", "started", "finished", "updated"), MOMENT),
        progress={"type": "integer", "minimum": 0, "maximum": 100},
        links=many("link"),
    ),
    "jobList": an_object(("jobs", "links"), jobs=many("statusInfo"), links=many("link")),
    "results": {"type": "object"},
}


def conform(name: str, document: Any) -> None:
    """Fail unless the document is what the standard calls `name`."""
    Draft202012Validator({"$defs": DEFINITIONS, **ref(name)}).validate(document)
