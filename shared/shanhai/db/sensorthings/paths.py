"""Resource paths: from `Things('x')/Datastreams` to the entities that are meant."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.sensorthings.expressions import excerpt
from shanhai.db.sensorthings.identifiers import Key
from shanhai.db.sensorthings.model import KINDS, SETS, EntityKind, NavigationProperty
from shanhai.db.sensorthings.queries import Asker, find_columns
from shanhai.errors import NotFound

LONGEST = 8
STEP = re.compile(r"(\$?[A-Za-z]+)(?:\(('(?:[^']|'')*'|[^()']*)\))?(?:/|\Z)")
REFERENCES, VALUE = "$ref", "$value"


@dataclass(frozen=True, slots=True)
class PathSegment:
    """A part of a path: a name, and the id in brackets behind it."""

    name: str
    identifier: str | None = None


@dataclass(frozen=True, slots=True)
class Resource:
    """What a path means: an entity, a set of them, or a property of one.

    Attributes:
        key: What tells the entity; None for a set.
        within: What the entities of a set have in common, by the path to them.
        parent: The entity the set belongs to, with its columns.
        member: The property that is meant.
        tail: `$ref` or `$value`.
    """

    kind: EntityKind
    key: Key | None = None
    within: Key | None = None
    parent: tuple[EntityKind, dict[str, Any]] | None = None
    member: str | None = None
    tail: str | None = None


def steps_of(path: str) -> tuple[PathSegment, ...]:
    """The parts of a path.

    Raises:
        NotFound: it is no path of the standard.
    """
    found: list[PathSegment] = []
    at = 0
    while at < len(path):
        match = STEP.match(path, at)
        if match is None or len(found) == LONGEST:
            raise nothing_at(path)
        name, given = match.groups()
        identifier = given and (given[1:-1].replace("''", "'") if given[0] == "'" else given)
        found.append(PathSegment(name, identifier))
        at = match.end()
    return tuple(found)


def nothing_at(path: str) -> NotFound:
    """The error of a path that leads nowhere."""
    shown = excerpt(path)
    return NotFound(f"there is nothing at {shown!r}", message_zh=f"{shown!r} 处没有资源")


async def resolve(session: AsyncSession, asker: Asker, path: str) -> Resource:
    """What a path means; each entity on the way must be there for the asker.

    Raises:
        NotFound: the path leads nowhere.
    """
    first, *others = steps_of(path) or (PathSegment(""),)
    if first.name not in SETS:
        raise nothing_at(path)
    kind = SETS[first.name]
    here = Resource(kind, key=_key(kind, first, path))
    for step in others:
        here = await _next(session, asker, here, step, path)
    return here


def _key(kind: EntityKind, step: PathSegment, path: str) -> Key | None:
    if step.identifier is None:
        return None
    key = kind.parse(step.identifier)
    if key is None:
        raise nothing_at(path)
    return key


async def _next(
    session: AsyncSession, asker: Asker, here: Resource, step: PathSegment, path: str
) -> Resource:
    if here.tail is not None or (here.member is not None and step.name != VALUE):
        raise nothing_at(path)
    if step.name == VALUE and here.member is not None:
        return Resource(here.kind, here.key, here.within, member=here.member, tail=VALUE)
    if step.name == REFERENCES:
        return Resource(here.kind, here.key, here.within, here.parent, tail=REFERENCES)
    if here.key is None:
        raise nothing_at(path)
    if step.name in here.kind.members and step.identifier is None:
        return Resource(here.kind, here.key, member=step.name)
    if step.name not in here.kind.links:
        raise nothing_at(path)
    return await _follow(session, asker, here.kind, here.key, step, path)


def _common(link: NavigationProperty, columns: Mapping[str, Any]) -> Key:
    """What columns of the entities that one leads to are."""
    return {name: columns[name] for name in link.on} if link.key is None else link.key(columns)


async def _follow(
    session: AsyncSession, asker: Asker, kind: EntityKind, key: Key, step: PathSegment, path: str
) -> Resource:
    columns = await find_columns(session, asker, kind, key)
    if columns is None:
        raise nothing_at(path)
    link = kind.links[step.name]
    target, common = KINDS[link.target], _common(link, columns)
    parent = (kind, columns)
    if not link.many:
        if step.identifier is not None:
            raise nothing_at(path)
        return Resource(target, key=common, parent=parent)
    own = _key(target, step, path)
    if own is None:
        return Resource(target, within=common, parent=parent)
    return Resource(target, key={**common, **own}, parent=parent)
