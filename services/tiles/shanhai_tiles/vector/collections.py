"""Collections of features served as vector layers, declared once in `shanhai.db.features`."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property, lru_cache
from types import MappingProxyType

from shanhai.db.collections.catalogue import COLLECTIONS, entity_named, seen_by
from shanhai.db.features import selection as features
from shanhai.db.features.columns import source_of
from shanhai.db.features.cql2.compiler import Compiled, compile_filter
from shanhai.db.features.entity import NAMES, Entity, Property
from shanhai.db.identity import PUBLIC, Viewer
from shanhai.db.tiles.simplified_shapes import drawn_properties
from shanhai.errors import InvalidInput
from shanhai.feature_styles import feature_style
from shanhai.validation import read_day

CODE = re.compile(r"^[A-Za-z0-9][A-Za-z0-9._-]{0,199}$")
FILTER = "filter"
"""The parameter that holds a CQL2 text."""
AS_OF = "as_of"
"""The parameter that holds the day whose state is wanted."""
PROPERTIES = "properties"
"""The parameter that names the members of the properties that are wanted."""
DEMANDS = frozenset({"requirement_zh", "requirement_en"})
NAMED_AREAS = frozenset({"geometry-multipolygon", "geometry-any"})
"""Shapes a name is put into; a line's is written along it, a point's beside it."""


@dataclass(frozen=True)
class Collection:
    """An entity as a vector layer."""

    entity: Entity

    @cached_property
    def columns(self) -> tuple[Property, ...]:
        """What a tile's features can carry."""
        return drawn_properties(self.entity)

    @cached_property
    def default_columns(self) -> tuple[Property, ...]:
        """What they carry unless other members are asked for.

        Of areas what maps draw and name them by: whoever points at one asks the service for the
        rest. No point lies in lines and points, so those carry all there is.
        """
        if self.entity.geometry_type != "geometry-multipolygon":
            return self.columns
        style = feature_style(self.entity.name)
        drawn = NAMES | {style.by, style.colored_by}
        return tuple(item for item in self.columns if item.role == "id" or item.name in drawn)

    def chosen_columns(self, properties: tuple[str, ...] | None) -> tuple[Property, ...]:
        """What they carry where these members are asked for; None asks for no particular ones."""
        if properties is None:
            return self.default_columns
        return tuple(item for item in self.columns if item.name in properties)

    @cached_property
    def properties(self) -> tuple[str, ...]:
        """The names of `columns`."""
        return tuple(item.name for item in self.columns)

    @cached_property
    def point_columns(self) -> tuple[Property, ...]:
        """What is told of a feature at a point: also what it demands, too long for tiles."""
        more = (item for item in self.entity.properties if item.name in DEMANDS)
        return (*self.columns, *(item for item in more if item not in self.columns))

    @cached_property
    def filters(self) -> tuple[str, ...]:
        """The parameters that choose a part: properties that hold a code."""
        return tuple(
            item.name
            for item in self.entity.queryables
            if item.schema["type"] == "string"
            and "format" not in item.schema
            and item.name not in NAMES
        )

    @cached_property
    def label_columns(self) -> tuple[Property, ...]:
        """What the points of names carry: also codes, by which maps choose whose name to write."""
        return tuple(
            item
            for item in self.default_columns
            if item.role == "id" or item.name in NAMES or item.terms
        )

    @cached_property
    def labelled(self) -> bool:
        """Whether tiles also carry a point to put each name at: areas with names of their own."""
        name = self.entity.declared("name_zh")
        own = name is not None and name.sql == f"{self.entity.alias}.name_zh"
        return own and self.entity.geometry_type in NAMED_AREAS

    @property
    def of_points(self) -> bool:
        """Whether all its shapes are points."""
        return self.entity.geometry_type == "geometry-point"

    @cached_property
    def jobs(self) -> str | None:
        """SQL of the job a row was computed by, whose inputs it rests on."""
        job = self.entity.declared("job")
        # Some keep it in JSON, as text.
        return None if job is None else f"({job.sql.removesuffix('::text')})::uuid"

    @property
    def geometry(self) -> str:
        """SQL of the geometry.

        Raises:
            LookupError: records are no layer.
        """
        if self.entity.geometry is None:
            raise LookupError(f"{self.entity.name} has no geometry")
        return self.entity.geometry

    def near(self, box: str) -> str:
        """SQL that holds for rows whose geometry may meet that of `box`."""
        return features.near_box(self.entity, box)


@dataclass(frozen=True, slots=True)
class LayerSelection:
    """The part of a collection a caller asked for, of what they may see.

    Attributes:
        equal: Properties and their values.
        filter: A filter expression, and what it was compiled to.
        as_of: The day whose state is wanted; None for today.
        properties: The members wanted; None for those tiles have by default.
    """

    equal: tuple[tuple[str, str], ...] = ()
    viewer: Viewer = PUBLIC
    filter: tuple[str, Compiled] | None = None
    as_of: date | None = None
    properties: tuple[str, ...] | None = None

    @property
    def asked(self) -> dict[str, str]:
        """The parameters that ask for it."""
        filtered = {} if self.filter is None else {FILTER: self.filter[0]}
        dated = {} if self.as_of is None else {AS_OF: self.as_of.isoformat()}
        chosen = {} if self.properties is None else {PROPERTIES: ",".join(self.properties)}
        return dict(self.equal) | filtered | dated | chosen

    @property
    def chooses(self) -> bool:
        """Whether less is asked for than all rows of today."""
        return bool(self.equal or self.filter or self.as_of)

    @property
    def key(self) -> str:
        """All that it depends on, in one form, so that what is kept under it is the caller's."""
        seen = (self.viewer.regions, self.viewer.exact, self.viewer.members)
        regions = ["all" if listed is None else sorted(listed) for listed in seen]
        return repr((sorted(self.asked.items()), self.viewer.known, regions))

    @property
    def meant(self) -> features.Selection:
        """The same of features, whose conditions say who may see what."""
        return features.Selection(
            viewer=self.viewer,
            filters=dict(self.equal),
            as_of=self.as_of,
            filter=None if self.filter is None else self.filter[1],
        )

    @property
    def values(self) -> dict[str, object]:
        """The values of the binds in `LayerQuery.conditions`."""
        return features.bound_values(self.meant)


@dataclass(frozen=True, slots=True)
class LayerQuery:
    """What is asked of a collection, without its values: one statement serves all of them.

    Attributes:
        conditions: What rows must meet.
        former: They are also looked for among former states.
        columns: The members wanted.
    """

    collection: Collection
    conditions: str
    former: bool
    columns: tuple[Property, ...] = field(hash=False)

    @classmethod
    def of(cls, collection: Collection, selection: LayerSelection) -> "LayerQuery":
        """The question a selection asks."""
        return (
            _plain_question(collection, selection)
            if selection.filter is None
            else cls._of(collection, selection)
        )

    @classmethod
    def _of(cls, collection: Collection, selection: LayerSelection) -> "LayerQuery":
        meant = selection.meant
        collection = _seen(collection, seen_by(collection.entity, selection.viewer))
        conditions = features.conditions(collection.entity, meant)
        columns = collection.chosen_columns(selection.properties)
        former = features.reads_former(collection.entity, meant)
        return cls(collection, " AND ".join(f"({one})" for one in conditions), former, columns)

    @property
    def source(self) -> str:
        """SQL of the rows: what follows `FROM`."""
        return source_of(self.collection.entity, former=self.former)


@lru_cache(maxsize=256)
def _seen(collection: Collection, entity: Entity) -> Collection:
    """The collection as a reader sees its entity."""
    return collection if entity is collection.entity else Collection(entity)


@lru_cache(maxsize=1024)
def _plain_question(collection: Collection, selection: LayerSelection) -> LayerQuery:
    return LayerQuery._of(collection, selection)


VECTORS: Mapping[str, Collection] = MappingProxyType(
    {entity.name: Collection(entity) for entity in (entity_named("zones"), *COLLECTIONS)}
)
NAMED = frozenset(name for collection in VECTORS.values() for name in collection.filters)
"""The parameters that are properties of some collection."""
CHOOSING = NAMED | {FILTER, AS_OF, PROPERTIES}
"""The parameters that choose a part of some collection."""


def selection_of(layer: str, parameters: Mapping[str, str], viewer: Viewer) -> LayerSelection:
    """The part of a layer that a request's parameters ask for.

    Raises:
        InvalidInput: the collection cannot answer it, or the day is none.
    """
    equal = tuple((name, value) for name, value in parameters.items() if name in NAMED)
    day = _day(parameters.get(AS_OF))
    collection = VECTORS.get(layer)
    if collection is None:
        return LayerSelection(equal, viewer, None, day)
    for name, value in equal:
        _require_filter(collection, name, value)
    text, listed = parameters.get(FILTER), parameters.get(PROPERTIES)
    filtered = (
        None
        if text is None
        else (text, compile_filter(text, entity=seen_by(collection.entity, viewer)))
    )
    wanted = None if listed is None else _members(collection, listed)
    return LayerSelection(equal, viewer, filtered, day, wanted)


def _members(collection: Collection, listed: str) -> tuple[str, ...]:
    """Members in the order they are declared, each once; none of an empty text."""
    wanted = listed.split(",") if listed else []
    for name in wanted:
        if name not in collection.properties:
            known = ", ".join(collection.properties)
            raise InvalidInput(
                f"properties names {name[:80]!r}; tiles of this collection can have {known}",
                message_zh=f"properties 含 {name[:80]!r}；该集合的瓦片可含：{known}",
                pointer=PROPERTIES,
            )
    return tuple(name for name in collection.properties if name in wanted)


def _day(text: str | None) -> date | None:
    if text is None:
        return None
    try:
        return read_day(text)
    except ValueError as error:
        raise InvalidInput(
            f"as_of is {text[:40]!r}; it must be a day, such as 2025-06-30",
            message_zh=f"as_of 为 {text[:40]!r}；应为日期，如 2025-06-30",
            pointer=AS_OF,
        ) from error


def _require_filter(collection: Collection, name: str, value: str) -> None:
    if name not in collection.filters:
        known = ", ".join(collection.filters)
        raise InvalidInput(
            f"{name} does not choose among {collection.entity.name}; use {known}",
            message_zh=f"{collection.entity.name} 不支持参数 {name}；可用：{known}",
            pointer=name,
        )
    if not CODE.match(value):
        raise InvalidInput(
            f"{name} is {value[:80]!r}; a code has letters, digits, dot, dash and underscore",
            message_zh=f"{name} 为 {value[:80]!r}；代码只含字母、数字、点、连字符和下划线",
            pointer=name,
        )
