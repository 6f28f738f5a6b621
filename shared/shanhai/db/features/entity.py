"""What a collection is: where its rows are, who sees and edits them, what each property means.

One declaration per entity. Routes, schemas, queryables, filters, writes, imports, exports, tiles,
pages and the OpenAPI document are made from it; none of them repeats a property's name.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.queries.audit import Act
from shanhai.errors import Fault
from shanhai.vocabulary import Label, Lang, Role, Scope, Term, codes

OgcRole = Literal["id", "reference", "primary-interval-start", "primary-interval-end"]
Verb = Literal["create", "replace", "update", "delete"]
ALL_VERBS: frozenset[Verb] = frozenset({"create", "replace", "update", "delete"})

NAMES = frozenset(
    f"{what}_{lang}" for what in ("name", "title", "activity") for lang in ("zh", "en")
)
"""What entities call the names of their rows."""
SAID = (
    NAMES
    | {
        f"{what}_{lang}"
        for what in (
            *("text", "note", "content", "extent", "location", "role", "rule", "principle"),
            *("effects", "minerals", "hazards", "functions", "problems"),
        )
        for lang in ("zh", "en")
    }
    | {"name_zh_variants", "places", "lakes", "connects"}
)
"""Names, and what is said of the rows in words."""

MOST_NEAR_NAMES = 3
"""Names told that are most like one that is not known."""

TEXT: Mapping[str, Any] = {"type": "string"}
INTEGER: Mapping[str, Any] = {"type": "integer"}
NUMBER: Mapping[str, Any] = {"type": "number"}
MONEY: Mapping[str, Any] = {"type": "string", "format": "decimal"}
"""An amount of money, to the cent: a text, since JSON's numbers are read as floats. It is told with
two digits after the point; a number is taken for it, too, where a float holds it exactly."""
DIGITS = "x-digits"
"""The member of a decimal's schema that says how many digits it has after the point; 2 without."""
QUANTITY: Mapping[str, Any] = {**MONEY, DIGITS: 4}
"""An exact length or area of a ledger; the fourth digit of a hectare is a square metre."""
BOOLEAN: Mapping[str, Any] = {"type": "boolean"}
DATE: Mapping[str, Any] = {"type": "string", "format": "date"}
MOMENT: Mapping[str, Any] = {"type": "string", "format": "date-time"}
OBJECT: Mapping[str, Any] = {"type": "object"}
OBJECTS: Mapping[str, Any] = {"type": "array", "items": {"type": "object"}}
TEXTS: Mapping[str, Any] = {"type": "array", "items": {"type": "string"}}


def digits_after_point(schema: Mapping[str, Any]) -> int:
    """How many digits a decimal has after the point."""
    return int(schema.get(DIGITS, 2))


def decimal_type(schema: Mapping[str, Any]) -> str:
    """PostgreSQL's type of a decimal: 14 digits before the point."""
    digits = digits_after_point(schema)
    return f"numeric({14 + digits}, {digits})"


class ClosedList(dict[str, Any]):
    """The JSON schema of a closed list, which knows the words of its codes."""

    def __init__(self, terms: Iterable[Term]) -> None:
        self.terms = tuple(terms)
        super().__init__(type="string", enum=list(codes(self.terms)))


class OpenList(dict[str, Any]):
    """The JSON schema of a text, which knows the words of the codes it mostly is."""

    def __init__(self, titles: Mapping[str, Label]) -> None:
        self.titles = dict(titles)
        super().__init__(TEXT)


@dataclass(frozen=True, slots=True)
class Property:
    """A member of a feature's `properties`: its SQL over the entity's rows and its JSON schema.

    Attributes:
        sql: Reads the member from the entity's `source`.
        column: The column of the entity's table it is written to; None when it is only read.
        attribute: The member of the table's `attrs` it is written to, instead of a column.
        refers_to: The entity whose `code` the member is; `column` then holds that row's id.
        names: The entity whose codes the member tells, where it is no reference of the table's own.
        required: It must be given when a feature is created or replaced.
        former: SQL that reads it as it was on the day `asked.day`, where other tables than the
            entity's own tell that.
        matches: SQL that holds where the member is the value of the bind `:is_{name}`, where that
            is more than equality; `{day}` stands for the day asked for, `{drafts}` for whether the
            reader may know of drafts of the plan `edition`.
        matches_former: What takes its place where a former day is asked for.
    """

    name: str
    sql: str
    schema: Mapping[str, Any]
    title: Label
    queryable: bool = False
    unit: str | None = None
    role: OgcRole | None = None
    column: str | None = None
    attribute: str | None = None
    refers_to: str | None = None
    names: str | None = None
    required: bool = False
    matches: str | None = None
    matches_former: str | None = None
    former: str | None = None

    @property
    def of_some(self) -> "Property":
        """The same as a reference to one of many rows, some of which are hidden."""
        return replace(self, names=self.refers_to)

    @property
    def receivable(self) -> bool:
        """Whether clients can write it."""
        return self.column is not None or self.attribute is not None

    @property
    def sortable(self) -> bool:
        """Whether pages can be ordered by it: what can be filtered on and is one value."""
        return self.queryable and self.schema["type"] not in {"array", "object"}

    @property
    def terms(self) -> tuple[Term, ...]:
        """The codes it can have, with their words, where they are a closed list."""
        return self.schema.terms if isinstance(self.schema, ClosedList) else ()

    def words(self, lang: Lang) -> dict[str, str]:
        """What each code of its list is called in `lang`."""
        if isinstance(self.schema, OpenList):
            return {code: title.in_(lang) for code, title in self.schema.titles.items()}
        return {term.code: term.label.in_(lang) for term in self.terms}

    def described(self, lang: Lang) -> dict[str, Any]:
        """The property's JSON schema with its title and words in `lang`, unit and role."""
        extra = {
            "x-enum-titles": self.words(lang) or None,
            "x-ogc-unit": self.unit,
            "x-ogc-role": self.role,
        }
        members = {name: value for name, value in extra.items() if value is not None}
        return {"title": self.title.in_(lang), **self.schema, **members}


@dataclass(frozen=True, slots=True)
class Step:
    """A change of state that exists, who may make it, and which members they may give with it."""

    source: str
    target: str
    roles: frozenset[Role]
    given: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Lifecycle:
    """The states of an entity's rows.

    Attributes:
        property: The member that tells the state; writing it takes a step.
        initial: The state of a new row.
        steps: All the steps there are.
        settled: States in which nothing can be changed but the state, with what its step is given.
    """

    property: str
    initial: str
    steps: tuple[Step, ...]
    settled: frozenset[str] = frozenset()

    def step(self, source: object, target: object) -> Step | None:
        """The step between two states."""
        found = (item for item in self.steps if (item.source, item.target) == (source, target))
        return next(found, None)


@dataclass(frozen=True, slots=True)
class PendingWrite:
    """A write that is about to happen, as its guards see it.

    `before` and `after` hold the written members by property name, references as codes; `before`
    is None for a creation, `after` for a deletion. `row_id` is None for a creation. `viewer` is
    the writer, a `shanhai.db.identity.Viewer`; None where no guard asks what they may know of.
    """

    verb: Verb
    row_id: int | None
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None
    geometry_changed: bool
    viewer: Any = None


Guard = Callable[[AsyncSession, PendingWrite], Awaitable[Sequence[Fault]]]
"""A rule of one entity, asked inside the transaction of a write; faults refuse it."""


Effect = Callable[[AsyncSession, Act, PendingWrite], Awaitable[Mapping[str, Any]]]
"""What a write brings with it, done in its transaction before the guards are asked; gives back
members the written row is to have besides."""


@dataclass(frozen=True, slots=True)
class Sameness:
    """By what two rows tell the same, so that an import that adds one to the other is refused.

    Attributes:
        columns: Columns that are equal, and not null.
        within_m: How far the points of both are from each other at most, in metres; None where
            that does not matter.
    """

    columns: tuple[str, ...]
    within_m: float | None = None


@dataclass(frozen=True, slots=True)
class Editing:
    """Who writes an entity, and how.

    Attributes:
        scopes: Any one of these scopes is needed.
        roles: Any one of these roles is needed, for the row's region.
        verbs: What can be done at all.
        lifecycle: The states of its rows.
        shown_by: The property that shows a row to everybody where no state does; setting it takes
            who may publish.
        moved_by: Members by which an update takes a row away from what its path says it belongs to.
        effects: What its writes bring with them.
        apart: Members, besides the state, whose change brings something with it: they are changed
            one object at a time, never by an import.
        guards: The rules of its writes.
        sameness: Any one of these makes a new row of an import the same as another.
    """

    roles: frozenset[Role]
    scopes: frozenset[Scope] = frozenset({Scope.WRITE})
    verbs: frozenset[Verb] = ALL_VERBS
    lifecycle: Lifecycle | None = None
    shown_by: str | None = None
    moved_by: frozenset[str] = frozenset()
    effects: tuple[Effect, ...] = ()
    apart: frozenset[str] = frozenset()
    guards: tuple[Guard, ...] = ()
    sameness: tuple[Sameness, ...] = ()


@dataclass(frozen=True, slots=True)
class Masking:
    """What of a row only those may read who work on its region, and what others get instead.

    The roles are `shanhai.vocabulary.EXACT_READERS`. An entity is declared as they read it, and
    `masked` makes of it what everybody else reads, so that code that forgets to ask who reads
    (`shanhai.db.collections.catalogue.seen_by`) gives away nothing.

    Attributes:
        sensitive: SQL that holds for rows whose place is masked.
        hidden: SQL that holds for rows others do not get at all.
        geometry: The column with a spatial index that holds what is shown instead, and the exact
            shape of rows that are not sensitive. Every exact shape lies within it.
        geometry_type: The type of geometry there is when some of it is masked.
        instead: SQL of what properties tell of sensitive rows instead, by name; NULL tells nothing.
        personal: Properties that others never read, of no row.
    """

    sensitive: str
    hidden: str
    geometry: str
    geometry_type: str
    instead: Mapping[str, str]
    personal: frozenset[str] = frozenset()


HOLDS_TODAY = "({alias}.valid_to IS NULL OR {alias}.valid_to > current_date)"
"""SQL that holds for rows that were not closed before today."""
HELD_THEN = "daterange({alias}.valid_from, {alias}.valid_to) @> CAST(:as_of AS date)"
"""SQL that holds for the states of the day of the bind `:as_of`."""


@dataclass(frozen=True, slots=True, eq=False)
class Entity:
    """One collection of features, or of records without geometry.

    All SQL members are constants of this code, never a caller's text. `live` holds for every
    reader; who may see which of those rows is said by `published`, `public` and `signed_in`, and
    applied by `shanhai.db.features.selection` alone. `current` is the state of today and gives way
    to `as_of` (which reads the bind `:as_of`), or to a filter on one of `history`. What is not
    declared of these is that of a table whose rows belong to a region, hold from `valid_from` until
    before `valid_to` and are deleted with a time; `{alias}` in it becomes the entity's.

    Attributes:
        table: The table its rows are kept in; former states are in `{table}_history`.
        alias: The table's name in all SQL of the declaration.
        joins: What follows the table in `FROM`.
        geometry: SQL of the geometry, that of `geometry_column` unless said otherwise; None for
            records, which are served at `path`.
        geometry_column: The column geometry is written to; None when it is derived.
        published: SQL that holds for rows every reader with an identity may see.
        public: SQL that holds besides for rows anyone may see.
        signed_in: SQL that holds besides for rows that those may see who have an identity and no
            role in the region; it holds wherever `public` does.
        region: SQL of the id of the region a row belongs to, by which the scope of roles is judged;
            None for what belongs to no region.
        partners: SQL of the ids of the regions that work on a row together, as on a joint plan:
            their people see its drafts as they see those of their own region. They write it no
            more than anybody else.
        interval: SQL of the beginning and the end of a row's period; None where it has none.
        in_force: SQL of the days on which the edition is in force whose plan holds a row; null for
            what belongs to no plan. It gives way to a filter on the plan, or on a code: what an
            edition holds is read by naming it, and without a name what holds is meant.
        of_plan: SQL that takes the place of `current` where a plan is asked for, if it differs.
        of_plan_as_of: SQL that then takes the place of `as_of`.
        historic: `as_of` also reads the table's former states. False where former states are rows
            of their own, as with zone schemes.
        newest: SQL that holds for rows no later one of their kind has taken the place of, where no
            state says so; None where every row that is current counts.
        file: Media type of the file each feature tells of, served at `…/items/{code}/file`; the
            property `checksum` is its SHA-256. None for what has no file.
        path: Where records are served; `{name}` in it is the property of that name. Features are
            served at `/collections/{name}/items`.
        editing: Who writes it; None when the API does not.
        aliases: SQL of names, besides the code, by which files may refer to a row.
        for_reader: It is the entity as one kind of reader sees it (`catalogue.seen_by`).
        masking: What of its rows only some may read; None where all of them is for everybody.
        near: SQL of an indexed geometry within whose box each row's `geometry` lies, where that has
            no index of its own.
        exact: The entity as it is written, and read by those who may know all of it; None where it
            is not masked.
    """

    name: str
    title: Label
    description: Label
    table: str
    alias: str
    properties: tuple[Property, ...]
    published: str
    code: str = "{alias}.code"
    live: str = "{alias}.deleted_at IS NULL"
    current: str = HOLDS_TODAY
    as_of: str = HELD_THEN
    joins: str = ""
    geometry: str | None = None
    geometry_type: str | None = None
    geometry_column: str | None = None
    public: str = "true"
    signed_in: str = "true"
    region: str | None = "{alias}.region_id"
    partners: str | None = None
    interval: tuple[str, str] | None = ("{alias}.valid_from", "{alias}.valid_to")
    history: frozenset[str] = field(default=frozenset())
    in_force: str | None = None
    of_plan: str | None = None
    of_plan_as_of: str | None = None
    historic: bool = True
    newest: str | None = None
    file: str | None = None
    path: str | None = None
    editing: Editing | None = None
    aliases: tuple[str, ...] = ()
    for_reader: bool = False
    masking: Masking | None = None
    near: str | None = None
    exact: "Entity | None" = None

    def __post_init__(self) -> None:
        """Write the alias of the table where SQL of this class stands for it."""
        if self.geometry is None and self.geometry_column is not None:
            object.__setattr__(self, "geometry", f"{self.alias}.{self.geometry_column}")
        for name in ("code", "live", "current", "as_of", "region"):
            sql = getattr(self, name)
            if sql is not None:
                object.__setattr__(self, name, sql.replace("{alias}", self.alias))
        if self.interval is not None:
            ends = tuple(end.replace("{alias}", self.alias) for end in self.interval)
            object.__setattr__(self, "interval", ends)

    @property
    def whole(self) -> "Entity":
        """The entity with nothing masked, as it is written and logged."""
        return self.exact or self

    @property
    def key(self) -> str:
        """SQL of the number that orders pages."""
        return f"{self.alias}.id"

    def state_of_plan(self, *, former: bool) -> str:
        """SQL of the state in which an edition of a plan holds a row: today's, or of `:as_of`."""
        if former:
            return self.of_plan_as_of or self.as_of
        return self.of_plan or self.current

    @property
    def source(self) -> str:
        """SQL of the rows: what follows `FROM`."""
        return f"{self.table} {self.alias}{self.joins}"

    def declared(self, name: str) -> Property | None:
        """The property called `name`."""
        return next((item for item in self.properties if item.name == name), None)

    @property
    def queryables(self) -> tuple[Property, ...]:
        """The properties that can be filtered on."""
        return tuple(item for item in self.properties if item.queryable)

    @property
    def sortables(self) -> tuple[Property, ...]:
        """The properties pages can be ordered by."""
        return tuple(item for item in self.properties if item.sortable)

    @property
    def searched(self) -> tuple[Property, ...]:
        """The properties a text is looked for in: the code, names and texts in both languages."""
        return tuple(item for item in self.properties if item.role == "id" or item.name in SAID)

    @property
    def receivables(self) -> tuple[Property, ...]:
        """The properties clients can write."""
        return tuple(item for item in self.properties if item.receivable)


def masked(exact: Entity, masking: Masking, *, knows: str = "false") -> Entity:
    """The entity as those read it who may not know all of it.

    Args:
        exact: The entity as it is written.
        knows: SQL that holds for rows of which the reader may know all.
    """
    closed = f"(({masking.sensitive}) AND NOT ({knows}))"

    def told(item: Property) -> Property:
        if item.name in masking.personal:
            return replace(item, sql=f"CASE WHEN {knows} THEN {item.sql} END")
        if item.name in masking.instead:
            instead = masking.instead[item.name]
            return replace(item, sql=f"CASE WHEN {closed} THEN {instead} ELSE {item.sql} END")
        return item

    exact, plain = replace(exact, masking=masking), knows == "false"
    shape = f"(CASE WHEN {closed} THEN {masking.geometry} ELSE {exact.geometry} END)"
    return replace(
        exact,
        properties=tuple(told(item) for item in exact.properties),
        geometry=masking.geometry if plain else shape,
        geometry_type=masking.geometry_type,
        near=None if plain else masking.geometry,
        exact=exact,
    )
