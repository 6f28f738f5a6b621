"""The list of species, and occurrences, whose places not everybody may know."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai import vocabulary
from shanhai.db.collections import guards
from shanhai.db.engine import read_today
from shanhai.db.features import columns, entity
from shanhai.db.queries.audit import Act
from shanhai.errors import Fault
from shanhai.vocabulary import Label, Role, Scope

_SPECIES, _FOUND = columns.Columns("sp"), columns.Columns("oc")
_JUDGES = frozenset({Role.SUPERVISOR, Role.APPROVER, Role.ANALYST})
RANKS = {
    "kingdom": Label("界", "Kingdom"),
    "phylum": Label("门", "Phylum"),
    "class": Label("纲", "Class"),
    "order": Label("目", "Order"),
    "family": Label("科", "Family"),
}
"""What a species belongs to, from the widest; a column of each is `taxon_{rank}`."""
_NAMED = text(
    "SELECT code FROM (SELECT code, rank() OVER (ORDER BY code <> :name, scientific_name <> :name,"
    " lower(scientific_name) <> lower(:name), accepted_id IS NOT NULL) FROM species WHERE"
    " deleted_at IS NULL AND (code = :name OR lower(scientific_name) = lower(:name)"
    " OR name_zh = :name)) named WHERE rank = 1 ORDER BY code"
)
_NEAREST = text(
    "SELECT scientific_name FROM species WHERE deleted_at IS NULL"
    " ORDER BY greatest(similarity(scientific_name, :name),"
    " similarity(coalesce(name_zh, ''), :name)) DESC, scientific_name LIMIT :most"
)
_ACCEPTED = text(
    "SELECT accepted_id IS NOT NULL FROM species WHERE code = :code AND deleted_at IS NULL"
)
_NAMED_SO = text("SELECT min(code) FROM species WHERE accepted_id = :row_id AND deleted_at IS NULL")


async def accepted_once(session: AsyncSession, change: entity.PendingWrite) -> Sequence[Fault]:
    """The name used instead of another is itself accepted, so that one step leads to it."""
    accepted = (change.after or {}).get("accepted")
    if accepted is None:
        return ()
    if await session.scalar(_ACCEPTED, {"code": accepted}):
        told = (f"{accepted!r} is a synonym itself", f"{accepted!r} 本身是异名")
        return [Fault("/accepted", *told)]
    other = change.row_id and await session.scalar(_NAMED_SO, {"row_id": change.row_id})
    if other:
        told = (f"{other!r} is a synonym of this name", f"{other!r} 是此名称的异名")
        return [Fault("/accepted", *told)]
    return ()


async def species_named(session: AsyncSession, name: str, pointer: str) -> str:
    """The code of the species a text names: by code, scientific or Chinese name.

    Raises:
        InvalidInput: the list has none of that name, or several.
    """
    codes = (await session.scalars(_NAMED, {"name": name})).all()
    if len(codes) == 1:
        return str(codes[0])
    if codes:
        listed = ", ".join(map(repr, codes))
        told = f"several species are called {name!r}; give the code: {listed}"
        raise guards.refused(pointer, Label(f"名录中 {name!r} 不止一种，请填代码：{listed}", told))
    asked = {"name": name, "most": entity.MOST_NEAR_NAMES}
    near = (await session.scalars(_NEAREST, asked)).all()
    en = f"{name[:200]!r} is no name of the list of species"
    zh = f"物种名录中没有 {name[:200]!r}"
    if near:
        en += f"; the nearest are {', '.join(map(repr, near))}"
        zh += f"；相近的有：{'、'.join(map(repr, near))}"
    raise guards.refused(pointer, Label(zh, en))


async def named_in_the_list(
    session: AsyncSession, act: Act, change: entity.PendingWrite
) -> Mapping[str, Any]:
    """The code of the species where its name was given."""
    name = (change.after or {}).get("species")
    if name is None or name == (change.before or {}).get("species"):
        return {}
    return {"species": await species_named(session, str(name), "/properties/species")}


async def judged_by_whom(
    session: AsyncSession, act: Act, change: entity.PendingWrite
) -> Mapping[str, Any]:
    """Who changed the state, and when; nobody else can say so."""
    before, after = change.before or {}, change.after
    if after is None:
        return {}
    if after.get("state") in {before.get("state"), None} or change.before is None:
        return {name: before.get(name) for name in ("judged_by", "judged_on")}
    if after["state"] == "recorded":
        return {"judged_by": None, "judged_on": None}
    return {"judged_by": act.actor, "judged_on": (await read_today(session)).isoformat()}


async def not_yet(session: AsyncSession, change: entity.PendingWrite) -> Sequence[Fault]:
    """What is recorded has been observed."""
    after = change.after or {}
    today = (await read_today(session)).isoformat()
    for name in ("observed_from", "observed_to"):
        day = after.get(name)
        if day is not None and str(day) > today:
            rule = Label(
                f"{day} 不得晚于今天（{today}）", f"{day} must not lie after today, {today}"
            )
            raise guards.refused(f"/properties/{name}", rule)
    return ()


SPECIES = entity.Entity(
    name="species",
    title=Label("物种名录", "Species"),
    description=Label(
        "物种名录：学名、保护级别、红色名录等级、是否外来入侵，以及分布点的公开程度。",
        "The list of species: names, protection class, red list category, whether invasive, and"
        " what of the places of their occurrences everybody may know.",
    ),
    table="species",
    alias="sp",
    joins=" LEFT JOIN species ac ON ac.id = sp.accepted_id",
    published="true",
    region=None,
    path="/species",
    aliases=("sp.scientific_name",),
    properties=(
        _SPECIES.code,
        _SPECIES.queryable(
            "scientific_name", columns.NAME, Label("学名", "Scientific name"), required=True
        ),
        *_SPECIES.names(required=False),
        _SPECIES.choice(
            "protection", vocabulary.PROTECTION_CLASSES, Label("保护级别", "Protection class")
        ),
        _SPECIES.choice(
            "red_list", vocabulary.RED_LIST_CATEGORIES, Label("红色名录等级", "Red list category")
        ),
        _SPECIES.queryable("invasive", entity.BOOLEAN, Label("外来入侵", "Invasive")),
        _SPECIES.choice(
            "sensitivity", vocabulary.SENSITIVITIES, Label("位置公开程度", "Sensitivity")
        ),
        _SPECIES.reference("accepted", "ac.code", Label("接受名", "Accepted name"), to="species"),
        *(
            _SPECIES.queryable(rank, columns.NAME, title, column=f"taxon_{rank}")
            for rank, title in RANKS.items()
        ),
        _SPECIES.source,
        _SPECIES.fields,
        *_SPECIES.period,
    ),
    editing=entity.Editing(
        roles=frozenset({Role.PLANNER, Role.SUPERVISOR, Role.ANALYST}),
        scopes=frozenset({Scope.PROJECTS, Scope.WRITE}),
        guards=(guards.RECORD_PERIOD, accepted_once),
    ),
)

_MASKING = entity.Masking(
    sensitive="oc.sensitivity <> 'open'",
    hidden="oc.sensitivity = 'hidden'",
    geometry="oc.shown",
    geometry_type="geometry-any",
    instead={
        "place": "'cell'",
        "uncertainty_m": (
            "ceil(ST_Length(ST_BoundingDiagonal(oc.shown)::geography)::numeric / 2)"
            "::double precision"
        ),
        **dict.fromkeys(
            ("region", "locality", "occurrence_id", "evidence", "source", "fields"), "NULL"
        ),
    },
    personal=frozenset({"observer", "judged_by"}),
)
OCCURRENCES = entity.masked(
    entity.Entity(
        name="occurrences",
        title=Label("物种分布点", "Occurrences of species"),
        description=Label(
            "物种在何时何地被发现；敏感物种的位置仅对有权者精确，其他人只见 0.1° 网格或不可见。",
            "Where and when species were met with; of sensitive species others than those who may"
            " know the place read the cell of a grid of 0.1 degrees, or nothing.",
        ),
        table="occurrence",
        alias="oc",
        joins=(
            # Each has one; PostgreSQL leaves out what it need not read of an outer join.
            " LEFT JOIN species sp ON sp.id = oc.species_id"
            " LEFT JOIN region r ON r.id = oc.region_id"
            " LEFT JOIN document ev ON ev.id = oc.evidence_id"
        ),
        geometry_type="geometry-point",
        geometry_column="geom",
        published="true",
        public="oc.state = 'verified'",
        properties=(
            _FOUND.code,
            _FOUND.reference(
                "species", "sp.code", Label("物种", "Species"), to="species", required=True
            ),
            entity.Property(
                "scientific_name",
                "sp.scientific_name",
                entity.TEXT,
                Label("学名", "Scientific name"),
                queryable=True,
            ),
            entity.Property(
                "name_zh", "sp.name_zh", columns.NAME, Label("中文名称", "Chinese name"), True
            ),
            entity.Property(
                "name_en", "sp.name_en", columns.NAME, Label("英文名称", "English name"), True
            ),
            entity.Property(
                "protection",
                "sp.protection",
                columns.choice(vocabulary.PROTECTION_CLASSES),
                Label("保护级别", "Protection class"),
                queryable=True,
            ),
            _FOUND.reference(
                "region", "r.code", Label("区域", "Region"), to="regions", required=True
            ),
            entity.Property(
                "place",
                "'exact'",
                columns.choice(vocabulary.PLACES_SHOWN),
                Label("所示位置", "Place shown"),
            ),
            # A cell of the grid: tenths of a degree of CGCS2000, from whole degrees on. Between 24
            # and 30 degrees north it is 11.1 km high and 9.6 to 10.2 km wide, 107 to 113 km².
            entity.Property(
                "cell",
                "(floor(ST_X(oc.geom) * 10) / 10)::text || ','"
                " || (floor(ST_Y(oc.geom) * 10) / 10)::text",
                entity.TEXT,
                Label("网格（西南角）", "Grid cell, its south-western corner"),
                queryable=True,
            ),
            _FOUND.queryable(
                "uncertainty_m",
                columns.POSITIVE,
                Label("位置不确定度", "Uncertainty of the place"),
                unit="m",
            ),
            _FOUND.queryable("locality", entity.TEXT, Label("地点描述", "Locality")),
            _FOUND.queryable(
                "observed_from",
                entity.DATE,
                Label("发现日期", "Observed on, or from"),
                required=True,
            ),
            _FOUND.queryable("observed_to", entity.DATE, Label("发现截止日期", "Observed until")),
            _FOUND.queryable("individuals", columns.ORDER, Label("数量", "Individuals")),
            _FOUND.choice("method", vocabulary.OCCURRENCE_METHODS, Label("方法", "Method")),
            _FOUND.queryable("observer", columns.NAME, Label("观测人", "Observer")),
            _FOUND.queryable("occurrence_id", columns.NAME, Label("记录编号", "occurrenceID")),
            _FOUND.reference("evidence", "ev.code", Label("依据文件", "Evidence"), to="documents"),
            _FOUND.choice("state", vocabulary.OCCURRENCE_STATES, Label("状态", "State")),
            _FOUND.column("judged_by", entity.TEXT, Label("核实人", "Judged by")),
            _FOUND.queryable("judged_on", entity.DATE, Label("核实日期", "Judged on")),
            _FOUND.source,
            _FOUND.fields,
            *_FOUND.period,
        ),
        editing=entity.Editing(
            roles=frozenset({Role.PLANNER, Role.SUPERVISOR, Role.ANALYST, Role.APPROVER}),
            scopes=frozenset({Scope.PROJECTS, Scope.WRITE}),
            lifecycle=entity.Lifecycle(
                property="state",
                initial="recorded",
                steps=(
                    entity.Step("recorded", "verified", _JUDGES),
                    entity.Step("recorded", "doubtful", _JUDGES),
                    entity.Step("doubtful", "verified", _JUDGES),
                    entity.Step("verified", "doubtful", _JUDGES),
                    entity.Step("doubtful", "recorded", _JUDGES),
                ),
            ),
            effects=(named_in_the_list, judged_by_whom),
            sameness=(
                entity.Sameness(("occurrence_id",)),
                entity.Sameness(("species_id", "observed_from"), within_m=100.0),
            ),
            guards=(
                guards.PERIOD,
                guards.in_order("observed_from", "observed_to", "截止日期不得早于起始日期"),
                not_yet,
            ),
        ),
    ),
    _MASKING,
)
