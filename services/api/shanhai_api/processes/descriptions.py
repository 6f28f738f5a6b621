"""Processes as they are answered, described from the contracts' input models."""

from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Any

from pydantic import Field

from shanhai.db.collections.catalogue import COLLECTIONS
from shanhai.db.features.geometry import DEPTHS
from shanhai.openapi import downgrade
from shanhai.processes.catalogue import CONTRACTS, resolution_of
from shanhai.processes.kit.contract import OutputSpec, ProcessContract
from shanhai.reporting.input_words import CHOICES, INPUTS
from shanhai.vocabulary import Label, Lang
from shanhai_api.kit.answers import Answered, Document, Link, Maybe
from shanhai_api.kit.errors import NoSuchProcess
from shanhai_api.kit.routing import FILE
from shanhai_api.kit.view import View
from shanhai_api.words.naming import called, member_name

CHOICE = Label("可选值的名称", "Words of what may be chosen")
COLLECTION_TITLES = {entity.name: entity.title for entity in COLLECTIONS}
NEEDED = Label("通常需要的数据专题", "Themes of datasets that are usually needed")


class ProcessSummary(Document):
    """A process as the list shows it."""

    id: str
    title: str
    description: str
    version: str
    keywords: list[str]
    jobControlOptions: list[str]
    outputTransmission: list[str]
    links: list[Link]


class ProcessList(Document):
    """The processes there are."""

    template = "processes.html"

    processes: list[ProcessSummary]
    links: list[Link]


class NamedValues(Answered):
    """A name with its values: a code and what it is called, a theme and those that do instead."""

    name: str
    value: list[str]


class AdditionalParameters(Answered):
    """What the standard's schemas have no other room for."""

    title: str
    parameters: list[NamedValues]


class InputDescription(Answered):
    """What a process takes under a name."""

    title: str
    description: str
    additionalParameters: Maybe[AdditionalParameters] = None
    told: dict[str, Any] = Field(alias="schema", description="JSON Schema, as OpenAPI 3.0 has it")
    minOccurs: int
    maxOccurs: int


class OutputDescription(Answered):
    """What a process makes under a name."""

    title: str
    told: dict[str, Any] = Field(alias="schema", description="JSON Schema")


class ProcessDescription(ProcessSummary):
    """A process with its inputs and outputs."""

    template = "process.html"

    additionalParameters: Maybe[AdditionalParameters] = Field(
        None, description="Themes that usual inputs need, each with all those of which one will do"
    )
    inputs: dict[str, InputDescription]
    outputs: dict[str, OutputDescription]


class ResultLink(Answered):
    """Where an output is, which is a file or was asked for by reference."""

    href: str
    rel: str
    type: str
    title: str
    length: Maybe[int] = Field(None, description="Bytes, of a file")


VERSION = "1.0.0"
SEPARATOR = " / "
"""Between the English and the Chinese half of a field's description."""
REL_EXECUTE = "http://www.opengis.net/def/rel/ogc/1.0/execute"


def contract_named(process: str) -> ProcessContract:
    """The contract of a process.

    Raises:
        NoSuchProcess: it is not offered.
    """
    contract = CONTRACTS.get(process)
    if contract is None:
        known = ", ".join(CONTRACTS)
        raise NoSuchProcess(
            f"there is no process {process!r}; processes: {known}",
            message_zh=f"没有处理流程 {process!r}；现有：{known}",
        )
    return contract


def summary(contract: ProcessContract, view: View) -> ProcessSummary:
    """A process as the list shows it."""
    links = [view.link(f"/processes/{contract.id}", "self")]
    return ProcessSummary(**_members(contract, view), links=links)


def _members(contract: ProcessContract, view: View) -> dict[str, Any]:
    return {
        "id": contract.id,
        "title": contract.title.in_(view.lang),
        "description": contract.description.in_(view.lang),
        "version": VERSION,
        "keywords": list(contract.keywords),
        "jobControlOptions": control_options(contract),
        "outputTransmission": ["value", "reference"],
    }


def control_options(contract: ProcessContract) -> list[str]:
    """How the process can be run."""
    return [*(["sync-execute"] if contract.sync else []), "async-execute", "dismiss"]


def description(contract: ProcessContract, view: View) -> ProcessDescription:
    """A process with its inputs and outputs."""
    path = f"/processes/{contract.id}"
    links = [
        *view.self_links(path),
        view.link(f"{path}/execution", REL_EXECUTE),
        view.link("/processes", "up"),
    ]
    return ProcessDescription(
        **_members(contract, view),
        links=links,
        additionalParameters=needs_of(contract, view.lang),
        inputs=inputs_of(contract, view.lang),
        outputs={output.name: _output(output, view.lang) for output in contract.outputs},
    )


def needs_of(contract: ProcessContract, lang: Lang) -> AdditionalParameters | None:
    """The themes of datasets that usual inputs need; None where there is no such theme."""
    needs = [
        NamedValues(name=themes[0], value=list(themes))
        for themes in resolution_of(contract.id).needs()
    ]
    return AdditionalParameters(title=NEEDED.in_(lang), parameters=needs) if needs else None


def inputs_of(contract: ProcessContract, lang: Lang) -> dict[str, InputDescription]:
    """The inputs with titles, occurrence and JSON schema."""
    document = contract.inputs.model_json_schema()
    required, definitions = document.get("required", []), document.get("$defs", {})
    fuller = _fuller(contract, lang)
    told = {
        name: resolve(schema, definitions, lang) | fuller.get(name, {})
        for name, schema in document.get("properties", {}).items()
    }
    return {
        name: _input(_called(name, schema, lang), name in required, lang)
        for name, schema in told.items()
    }


def with_words(node: Any, lang: Lang) -> Any:
    """A schema whose members are called in words; models name them by their code."""
    if isinstance(node, list):
        return [with_words(item, lang) for item in node]
    if not isinstance(node, dict):
        return node
    worded = {name: with_words(item, lang) for name, item in node.items() if name != "properties"}
    if isinstance(members := node.get("properties"), dict):
        worded["properties"] = {
            name: _called(name, with_words(schema, lang), lang) for name, schema in members.items()
        }
    return worded


def choices_in(node: Any) -> Iterator[str]:
    """The codes of all lists of a schema."""
    if isinstance(node, list):
        for item in node:
            yield from choices_in(item)
    elif isinstance(node, dict):
        if isinstance(listed := node.get("enum"), list):
            yield from (code for code in listed if isinstance(code, str))
        for item in node.values():
            yield from choices_in(item)


def _called(name: str, schema: Mapping[str, Any], lang: Lang) -> dict[str, Any]:
    # A list and a number of the same name mean different things: which years, how many.
    known = INPUTS.get(f"{name}[]") if schema.get("type") == "array" else None
    known = known or INPUTS.get(name)
    title = member_name(name, lang) if known is None else known.in_(lang)
    return {**schema, "title": title or schema.get("title", name)}


def _choice(code: str, lang: Lang) -> str:
    known = CHOICES.get(code) or COLLECTION_TITLES.get(code)
    return called(code, lang) if known is None else known.in_(lang)


def _fuller(contract: ProcessContract, lang: Lang) -> dict[str, dict[str, Any]]:
    """Schemas that say more than the model does: they load what is calculated with."""
    if not contract.schemas:
        return {}
    module, _, name = contract.schemas.partition(":")
    found: dict[str, dict[str, Any]] = getattr(import_module(module), name)(lang)
    return found


def _input(schema: Mapping[str, Any], required: bool, lang: Lang) -> InputDescription:
    outer = {"title": schema.get("title", ""), "description": schema.get("description", "")}
    inner = {name: value for name, value in schema.items() if name not in outer}
    # The standard's schemas of schemas are those of OpenAPI 3.0, and tell of content beside.
    told = with_words(downgrade(inner, content=True), lang)
    words = [
        NamedValues(name=code, value=[_choice(code, lang)])
        for code in dict.fromkeys(choices_in(told))
    ]
    named = AdditionalParameters(title=CHOICE.in_(lang), parameters=words) if words else None
    return InputDescription(
        **outer,
        additionalParameters=named,
        told=told,
        minOccurs=1 if required else 0,
        maxOccurs=1,
    )


def _output(output: OutputSpec, lang: Lang) -> OutputDescription:
    return OutputDescription(title=output.title.in_(lang), told=schema_of(output))


def schema_of(output: OutputSpec) -> dict[str, Any]:
    """The schema an output is described by."""
    if output.schema is not None:
        return dict(output.schema)
    kind = {} if output.media_type == "application/json" else {"type": "string"}
    schema = {**kind, "contentMediaType": output.media_type}
    return {"type": "string"} if output.media_type == "text/plain" else schema


RESULTS = "Results"
OTHERS = ("image/tiff", "multipart/related")
"""Media types beside those of the declared outputs: of rasters, and of several outputs in one."""
GEOJSON_OBJECT = {
    "type": "object",
    "required": ["type"],
    "properties": {"type": {"type": "string", "enum": ["FeatureCollection", "Feature", *DEPTHS]}},
}
VALUE = {
    "description": "A value of any kind, as the process's description has it",
    "anyOf": [
        *({"type": kind} for kind in ("object", "string", "number", "boolean", "null")),
        {"type": "array", "items": {}},
    ],
}
WRAPPED = {
    "type": "object",
    "description": "A value in the standard's wrapping",
    "required": ["value", "mediaType"],
    "properties": {
        "value": VALUE,
        "mediaType": {"type": "string"},
        "encoding": {"type": "string", "enum": ["base64"]},
    },
}
LINKED = {"$ref": f"#/components/schemas/{ResultLink.__name__}"}


def result_schemas() -> dict[str, Any]:
    """The schemas of the results of each process, and of those of any."""
    found = {f"{name.replace('-', '_')}_results": _results(CONTRACTS[name]) for name in CONTRACTS}
    refs = [{"$ref": f"#/components/schemas/{name}"} for name in found]
    return {**found, RESULTS: {"description": "By the names of outputs", "anyOf": refs}}


def _results(contract: ProcessContract) -> dict[str, Any]:
    return {
        "type": "object",
        "description": f"{contract.title.en}: outputs and what else is told of them",
        "properties": {output.name: _result(output) for output in contract.outputs},
        "additionalProperties": VALUE,
    }


def _result(output: OutputSpec) -> dict[str, Any]:
    """One member of results: the value, or a link to it."""
    plain = output.media_type == "text/plain"
    known = output.schema is not None or plain
    value = [VALUE] if output.media_type.endswith("json") else []
    values = [schema_of(output), WRAPPED] if known else value
    return {"title": output.title.en, "anyOf": [LINKED, *values]}


def result_contents() -> dict[str, Any]:
    """What an output by itself is sent as, by media type."""
    media_types = {output.media_type for one in CONTRACTS.values() for output in one.outputs}
    return {
        **{name: {"schema": FILE} for name in sorted({*media_types, *OTHERS})},
        "application/json": {"schema": VALUE},
        "application/geo+json": {"schema": GEOJSON_OBJECT},
        "text/plain": {"schema": {"type": "string"}},
    }


def resolve(node: Any, definitions: Mapping[str, Any], lang: Lang) -> Any:
    """A schema with its references replaced and its descriptions in one language."""
    if isinstance(node, list):
        return [resolve(item, definitions, lang) for item in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        target = definitions[node["$ref"].rpartition("/")[2]]
        node = {**target, **{name: value for name, value in node.items() if name != "$ref"}}
    return {
        name: in_language(value, lang)
        if name == "description" and isinstance(value, str)
        else resolve(value, definitions, lang)
        for name, value in node.items()
        # In the dialect of OpenAPI 3.0 null is no value a schema could have.
        if (name, value) != ("default", None)
        # What tells the choices apart names them by references, which are replaced.
        and not (name == "discriminator" and "oneOf" in node)
    }


def in_language(text: str, lang: Lang) -> str:
    """The half of a bilingual description."""
    english, separator, chinese = text.rpartition(SEPARATOR)
    if not separator:
        return text
    return chinese if lang == "zh" else english
