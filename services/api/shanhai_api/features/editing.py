"""Create, replace, change and delete features and records: OGC API - Features, part 4.

What can be done is told by `OPTIONS`: GDAL and QGIS let a user edit a collection only when its
items take POST.
"""

import hashlib
from collections.abc import Mapping, Set
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import quote

import orjson
from fastapi import Request, Response
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.features import write
from shanhai.db.features.crs import CRS84, Crs
from shanhai.db.features.entity import Entity, Verb
from shanhai.db.features.input_validation import CODE, CODE_RULE, CODE_RULE_ZH, Draft, read_draft
from shanhai.db.features.query import FeatureRow
from shanhai.db.features.write import WriteResult, WriteTarget, WriteTerms, state_tag
from shanhai.db.identity import editing_of
from shanhai.errors import InvalidInput, Stale
from shanhai.validation import in_both
from shanhai_api.features import documents
from shanhai_api.features.parameters import system_reader
from shanhai_api.kit.body import read_json
from shanhai_api.kit.dependencies import act_of, expected_states, wants_new
from shanhai_api.kit.errors import MethodNotAllowed
from shanhai_api.kit.requests import Caller
from shanhai_api.kit.routing import Made, once, preferences
from shanhai_api.kit.state import UnitOfWork
from shanhai_api.kit.view import View, entity_tag

READING = ("GET", "HEAD", "OPTIONS")
WRITTEN = "application/geo+json, application/json"
PATCHED = "application/merge-patch+json, application/geo+json, application/json"

METHODS_TOLD: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "No body",
        "headers": {"Allow": {"description": "The methods", "schema": {"type": "string"}}},
    }
}
"""What the definition says of the answer to `OPTIONS`."""


def list_methods(verbs: Set[Verb]) -> list[str]:
    """The methods of a list."""
    return [*READING, *(["POST"] if "create" in verbs else [])]


def item_methods(verbs: Set[Verb]) -> list[str]:
    """The methods of one object."""
    return [
        *READING,
        *(["PUT"] if "replace" in verbs else []),
        *(["PATCH"] if "update" in verbs else []),
        *(["DELETE"] if "delete" in verbs else []),
    ]


VERBS: Mapping[str, Verb] = {
    "POST": "create",
    "PUT": "replace",
    "PATCH": "update",
    "DELETE": "delete",
}


def demand_offered(entity: Entity, request: Request) -> None:
    """Refuse what nobody can do, before anything else is looked at.

    Raises:
        MethodNotAllowed: the entity is not written so.
    """
    verb = VERBS[request.method]
    if verb == "replace" and wants_new(request):
        verb = "create"
    verbs = entity.editing.verbs if entity.editing is not None else frozenset[Verb]()
    if verb in verbs:
        return
    raise MethodNotAllowed(
        f"{entity.name} takes no {request.method}",
        message_zh=f"{entity.name} 不支持 {request.method}",
        allowed=list_methods(verbs) if request.method == "POST" else item_methods(verbs),
    )


def methods_answer(methods: list[str]) -> Response:
    """The answer to `OPTIONS`."""
    headers = {"Allow": ", ".join(methods), "Cache-Control": "no-store", "Vary": "Authorization"}
    if "POST" in methods:
        headers["Accept-Post"] = WRITTEN
    if "PATCH" in methods:
        headers["Accept-Patch"] = PATCHED
    return Response(status_code=200, headers=headers)


BODY_LIMIT_BYTES = 64 * 1024**2
"""As much as a feature with the most vertices there may be takes in GeoJSON."""
MINIMAL = "return=minimal"
KEPT_TO_ITSELF = frozenset({"original_wkb", "original_sha256"})


@dataclass(frozen=True, slots=True)
class Edit:
    """One request that writes.

    Attributes:
        bound: The codes in the path that the object belongs to, by property name.
        repair: Mend an invalid geometry; None where that cannot be asked for.
        version: The version meant, of what has several.
    """

    request: Request
    view: View
    caller: Caller
    unit: UnitOfWork
    entity: Entity
    bound: Mapping[str, str]
    repair: bool | None = None
    version: int | None = None

    @property
    def session(self) -> AsyncSession:
        """The session of the transaction."""
        return self.unit.session

    def target(self, code: str) -> WriteTarget:
        """The object of a code."""
        return WriteTarget(code, self.bound, version=self.version)


async def create(edit: Edit) -> Response:
    """Make an object; its address is in `Location`."""
    editing_of(edit.entity, edit.caller, "create")
    draft, fingerprint = await _read_body(edit, whole=True)

    async def effect() -> Made:
        act = act_of(edit.caller, edit.view)
        written = await write.create(
            edit.session, edit.entity, edit.caller, act, draft, within=edit.bound
        )
        return await _made(edit, written)

    made = await once(edit.request, edit.unit, edit.caller, body_sha256=fingerprint, effect=effect)
    return _answer(edit, made)


async def replace(edit: Edit, code: str) -> Response:
    """Write all of an object anew, or make it when the caller says that it is new."""
    if wants_new(edit.request):
        return await _create_at(edit, code)
    return await _change(edit, code, "replace")


async def update(edit: Edit, code: str) -> Response:
    """Change the members given."""
    return await _change(edit, code, "update")


async def _change(edit: Edit, code: str, verb: Literal["replace", "update"]) -> Response:
    editing_of(edit.entity, edit.caller, verb)
    terms, act = WriteTerms(expected_states(edit.request)), act_of(edit.caller, edit.view)
    whole, target = verb == "replace", edit.target(code)
    draft, _ = await _read_body(edit, whole=whole)
    written = await write.update(
        edit.session, edit.entity, edit.caller, act, target, draft, whole=whole, terms=terms
    )
    return _answer(edit, await _made(edit, written, status=200))


async def remove(edit: Edit, code: str) -> Response:
    """Delete an object."""
    editing_of(edit.entity, edit.caller, "delete")
    await write.remove(
        edit.session,
        edit.entity,
        edit.caller,
        act_of(edit.caller, edit.view),
        edit.target(code),
        terms=WriteTerms(expected_states(edit.request)),
    )
    return Response(status_code=204)


async def _create_at(edit: Edit, code: str) -> Response:
    editing_of(edit.entity, edit.caller, "create")
    if CODE.fullmatch(code) is None:
        raise InvalidInput(CODE_RULE, message_zh=CODE_RULE_ZH, pointer="code")
    draft, _ = await _read_body(edit, whole=True)
    if draft.code not in {None, code}:
        raise InvalidInput(
            f"the body says the code is {draft.code!r}, the path {code!r}",
            message_zh="请求体中的代码与路径不一致",
            pointer=f"{write.pointer_of_properties(edit.entity)}/code",
        )
    if await write.exists(edit.session, edit.entity, edit.target(code)):
        raise Stale(f"there is a {code!r} already", message_zh=f"{code!r} 已存在")
    written = await write.create(
        edit.session,
        edit.entity,
        edit.caller,
        act_of(edit.caller, edit.view),
        Draft(code, draft.values, draft.shape, draft.has_geometry),
        within=edit.bound,
    )
    return _answer(edit, await _made(edit, written))


async def _read_body(edit: Edit, *, whole: bool) -> tuple[Draft, str]:
    """The checked body, and what tells the request from others with the same key."""
    crs = _content_crs(edit.request)
    body = await read_json(edit.request, limit=BODY_LIMIT_BYTES)
    draft = await read_draft(
        edit.entity, body.value, whole=whole, crs=crs, repair=edit.repair, told=edit.bound
    )
    terms = f"{body.sha256} {crs.uri} {bool(edit.repair)}"
    return draft, hashlib.sha256(terms.encode()).hexdigest()


def _content_crs(request: Request) -> Crs:
    """The system the body's positions are written in."""
    given = request.headers.get("content-crs")
    if given is None:
        return CRS84
    try:
        return system_reader(request)(given.strip().removeprefix("<").removesuffix(">"))
    except ValueError as error:
        en, zh = in_both(str(error))
        raise InvalidInput(
            f"Content-Crs {en}",
            message_zh=f"Content-Crs {zh}",
            pointer="Content-Crs",
        ) from None


async def _made(edit: Edit, written: WriteResult, *, status: int = 201) -> Made:
    """The object as it now is."""
    row = await write.read_written(edit.session, edit.entity, written.row_id, edit.caller.viewer)
    document = document_of(edit.entity, row, edit.view, edit.bound)
    if written.mended is not None:
        shown = {k: value for k, value in written.mended.items() if k not in KEPT_TO_ITSELF}
        document["repair"] = shown
    tag = entity_tag(state_tag(written.row_id, written.row_version), orjson.dumps(document))
    headers = {"ETag": f'"{tag}"', "Content-Crs": f"<{CRS84.uri}>"}
    if edit.entity.path is not None:
        headers.pop("Content-Crs")
    if status == 201:
        headers["Location"] = edit.view.url(item_path(edit.entity, edit.bound, written.code))
    return Made(document, headers, status)


def document_of(
    entity: Entity, row: FeatureRow, view: View, bound: Mapping[str, str]
) -> dict[str, Any]:
    """A feature or record by itself."""
    if entity.path is not None:
        return documents.record_document(entity, row, view, bound)
    return documents.feature_document(entity, row, view)


def item_path(entity: Entity, bound: Mapping[str, str], code: str) -> str:
    """Where an object is."""
    return f"{documents.list_path(entity, bound)}/{quote(code, safe='')}"


def _answer(edit: Edit, made: Made) -> Response:
    headers = {**made.headers, "Cache-Control": "no-store"}
    if made.status == 200 and preferences(edit.request).get("return") == "minimal":
        return Response(status_code=204, headers={**headers, "Preference-Applied": MINIMAL})
    media_type = documents.data_format(edit.entity).media_type
    return Response(orjson.dumps(made.content), made.status, headers, media_type)
