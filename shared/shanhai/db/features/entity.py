"""What a collection is: where its rows come from, who sees which, and what each property means."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from shanhai.vocabulary import Label

Role = Literal["id", "reference", "primary-interval-start", "primary-interval-end"]

TEXT: Mapping[str, Any] = {"type": "string"}
INTEGER: Mapping[str, Any] = {"type": "integer"}
NUMBER: Mapping[str, Any] = {"type": "number"}
BOOLEAN: Mapping[str, Any] = {"type": "boolean"}
DATE: Mapping[str, Any] = {"type": "string", "format": "date"}
MOMENT: Mapping[str, Any] = {"type": "string", "format": "date-time"}
OBJECT: Mapping[str, Any] = {"type": "object"}
OBJECTS: Mapping[str, Any] = {"type": "array", "items": {"type": "object"}}


@dataclass(frozen=True, slots=True)
class Property:
    """A member of a feature's `properties`: its SQL over the entity's rows and its JSON schema."""

    name: str
    sql: str
    schema: Mapping[str, Any]
    title: Label
    queryable: bool = False
    unit: str | None = None
    role: Role | None = None

    def described(self, lang: Literal["zh", "en"]) -> dict[str, Any]:
        """The property's JSON schema with its title in `lang`, unit and role."""
        extra = {"x-ogc-unit": self.unit, "x-ogc-role": self.role}
        members = {name: value for name, value in extra.items() if value is not None}
        return {"title": self.title.in_(lang), **self.schema, **members}


@dataclass(frozen=True, slots=True, eq=False)
class Entity:
    """One collection.

    All SQL members are constants of this code, never a caller's text. `live` holds for every
    reader, `published` besides for readers without identity; `current` is the state of today and
    gives way to `as_of` (which reads the bind `:as_of`), or to a filter on one of `history`.
    """

    name: str
    title: Label
    description: Label
    source: str
    key: str
    code: str
    geometry: str
    geometry_type: str
    properties: tuple[Property, ...]
    live: str
    published: str
    current: str
    as_of: str
    interval: tuple[str, str] | None = None
    history: frozenset[str] = field(default=frozenset())

    def declared(self, name: str) -> Property | None:
        """The property called `name`."""
        return next((item for item in self.properties if item.name == name), None)

    @property
    def queryables(self) -> tuple[Property, ...]:
        """The properties that can be filtered on."""
        return tuple(item for item in self.properties if item.queryable)
