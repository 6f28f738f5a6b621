"""The ledger of what is taken and what is given back; its entries are reversed, never edited."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.balance_rules import balance_rules
from shanhai.db.collections.guards import became, documents_known
from shanhai.db.features import columns, entity
from shanhai.db.queries.audit import Act, record
from shanhai.errors import Conflict, Fault, InvalidInput
from shanhai.vocabulary import BALANCE_DIRECTIONS, BALANCE_KINDS, BALANCE_STATES, Label, Role, Scope

UNIT_OF = {kind.code: kind.unit for kind in BALANCE_KINDS}
MOST = Decimal(10) ** 10
"""Amounts are below it, in the unit of their kind."""
MIRRORED = (
    *("kind", "direction", "unit", "quality_grade", "region", "project", "control_area"),
    "amount",
)
"""What an entry that reverses another has in common with it."""
UNDECIDED = frozenset({"accepted_on", "evidence"})
MOVING = UNDECIDED | {"state", "valid_from", "valid_to"}
"""What may change of an entry at all; `UNDECIDED` until it is decided."""
GRADE: Mapping[str, Any] = {**entity.INTEGER, "minimum": 1, "maximum": 15}
UNIT: Mapping[str, Any] = {**entity.TEXT, "enum": sorted(set(UNIT_OF.values()))}

_TODAY = text("SELECT current_date")
_OTHER = text(
    """SELECT be.state, be.kind, be.direction, be.unit, be.quality_grade, r.code AS region,
              pj.code AS project, ca.code AS control_area, be.amount,
              be.reverses_id IS NOT NULL AS reverses, be.accepted_on
         FROM balance_entry be JOIN region r ON r.id = be.region_id
         LEFT JOIN project pj ON pj.id = be.project_id
         LEFT JOIN control_area ca ON ca.id = be.control_area_id
        WHERE be.code = :code AND be.deleted_at IS NULL"""
)
_REVERSED = text(
    """SELECT count(*) FROM balance_entry be JOIN balance_entry was ON was.id = be.reverses_id
        WHERE was.code = :code AND was.deleted_at IS NULL AND be.deleted_at IS NULL
          AND be.state <> 'rejected'"""
)
# Whoever reverses the same entry at the same time waits here, and then finds it reversed.
_REVERSE = text(
    """UPDATE balance_entry
          SET state = 'reversed', row_version = row_version + 1, updated_at = now(),
              valid_from = CASE WHEN coalesce(valid_from <= current_date, true)
                                THEN current_date ELSE valid_from END
        WHERE code = :code AND deleted_at IS NULL AND state = 'accepted'
        RETURNING id, row_version"""
)


async def accept_entry(
    session: AsyncSession, act: Act, change: entity.PendingWrite
) -> Mapping[str, Any]:
    """Acceptance tells its day; of a reversal, it reverses the entry that is named."""
    if not became(change, "state", "accepted"):
        return {}
    after = change.after or {}
    code = after.get("reverses")
    if code is not None:
        row = (await session.execute(_REVERSE, {"code": code})).first()
        if row is None:
            raise Conflict.of([_fault("/reverses", _not_accepted(code))])
        record(
            session,
            act,
            "update",
            table="balance_entry",
            object_id=code,
            before={"id": row.id, "row_version": row.row_version - 1, "state": "accepted"},
            after={
                "id": row.id,
                "row_version": row.row_version,
                "state": "reversed",
                "reversed_by": after.get("code"),
            },
        )
    if after.get("accepted_on") is not None:
        return {}
    return {"accepted_on": await session.scalar(_TODAY)}


async def only_its_state_moves(
    session: AsyncSession, change: entity.PendingWrite
) -> Sequence[Fault]:
    """An entry is never edited: another one reverses it."""
    before, after = change.before, change.after
    if before is None or after is None:
        return ()
    edited = [name for name, value in after.items() if not _same(name, before.get(name), value)]
    faults = [
        Fault(
            f"/{name}",
            "is never edited in the ledger: reverse the entry by another one (`reverses`)",
            "台账记录不得更改：请以冲销记录（`reverses`）更正",
        )
        for name in edited
        if name not in MOVING or (name in UNDECIDED and before["state"] != "proposed")
    ]
    if became(change, "state", "reversed"):
        en = "an entry is reversed by accepting an entry that names it in `reverses`"
        faults.append(Fault("/state", en, "须由在 `reverses` 中指明它的冲销记录获采纳后冲销"))
    return faults


def _same(name: str, before: Any, after: Any) -> bool:
    """Whether two values of a member say the same; files write amounts in their own ways."""
    if name == "amount":
        return Decimal(str(before)) == Decimal(str(after))
    return bool(before == after or (before in (None, []) and after in (None, [])))


async def entry_is_whole(session: AsyncSession, change: entity.PendingWrite) -> Sequence[Fault]:
    """A new entry keeps to its kind, and goes with the entries it names."""
    after = change.after
    if change.before is not None or after is None:
        return ()
    if faults := _of_kind(after):
        raise InvalidInput.of(faults)
    if after.get("reverses") is not None:
        faults += await _reversal(session, after)
    if after.get("counterpart") is not None:
        faults += await _counterpart(session, after)
    return faults


async def acceptance_is_proved(
    session: AsyncSession, change: entity.PendingWrite
) -> Sequence[Fault]:
    """What is given back is accepted by its documents; no day is to come, or before its cause."""
    after = change.after or {}
    faults: list[Fault] = []
    day = after.get("accepted_on")
    if day is not None and str(day) > str(await session.scalar(_TODAY)):
        faults.append(Fault("/accepted_on", "must not be after today", "不得晚于今日"))
    other = (await session.execute(_OTHER, {"code": after.get("reverses")})).first()
    first = None if other is None else other.accepted_on
    if None not in {day, first} and str(day) < str(first):
        en = f"must not be before {first}, when what it reverses was accepted"
        faults.append(Fault("/accepted_on", en, f"不得早于所冲销记录的采纳日期 {first}"))
    if not became(change, "state", "accepted") or after.get("reverses") is not None:
        return faults
    if after.get("direction") == "given" and not after.get("evidence"):
        en = "what is given back is accepted by documents; the entry names none"
        faults.append(Fault("/evidence", en, "补充须有文件证明方可采纳，该记录未列文件"))
    return faults


def _of_kind(after: Mapping[str, Any]) -> list[Fault]:
    """What the kind demands of unit, amount and grade."""
    kind, faults = str(after.get("kind")), []
    unit, grade = UNIT_OF[kind], after.get("quality_grade")
    graded = balance_rules()[kind].rule.graded
    if after.get("unit") != unit:
        faults.append(
            Fault("/unit", f"must be {unit!r} for {kind!r}", f"{kind!r} 的单位须为 {unit!r}")
        )
    if not 0 < Decimal(str(after.get("amount"))) < MOST:
        faults.append(Fault("/amount", "must be above 0 and below 10^10", "须大于 0 且小于 10^10"))
    if graded != (grade is not None):
        rule = Label("须载明质量等级", "is required") if graded else Label("不载明", "is not told")
        faults.append(Fault("/quality_grade", f"{rule.en} for {kind!r}", f"{kind!r} {rule.zh}"))
    return faults


async def _reversal(session: AsyncSession, after: Mapping[str, Any]) -> list[Fault]:
    code = after["reverses"]
    other = (await session.execute(_OTHER, {"code": code})).first()
    if other is None:
        # The reference tells that there is none.
        return []
    if other.state != "accepted" or await session.scalar(_REVERSED, {"code": code}):
        return [_fault("/reverses", _not_accepted(code))]
    if other.reverses:
        undone = Label(
            f"{code!r} 本身即为冲销记录", f"{code!r} reverses an entry itself: make a new entry"
        )
        return [_fault("/reverses", undone)]
    return [
        _fault(
            f"/{name}",
            Label(
                f"须与所冲销的 {code!r} 一致：{_told(other, name)}",
                f"must be that of {code!r}, which it reverses: {_told(other, name)}",
            ),
        )
        for name in MIRRORED
        if not _same(name, _told(other, name), after.get(name))
    ]


async def _counterpart(session: AsyncSession, after: Mapping[str, Any]) -> list[Fault]:
    code = after["counterpart"]
    other = (await session.execute(_OTHER, {"code": code})).first()
    if other is None or (
        other.kind == after.get("kind") and other.direction != after.get("direction")
    ):
        return []
    rule = Label(
        "须为同一类别、相反方向的记录", "must be an entry of the same kind and the other direction"
    )
    return [_fault("/counterpart", rule)]


def _told(other: Any, name: str) -> Any:
    value = getattr(other, name)
    return str(value) if isinstance(value, Decimal) else value


def _not_accepted(code: str) -> Label:
    return Label(
        f"{code!r} 未处于已采纳状态，或已有冲销记录",
        f"{code!r} is not accepted, or is reversed by another entry already",
    )


def _fault(pointer: str, rule: Label) -> Fault:
    return Fault(pointer, rule.en, rule.zh)


_OWN = columns.Columns("be")
_PROPOSERS = frozenset({Role.PLANNER})
_JUDGES = frozenset({Role.APPROVER, Role.SUPERVISOR})

BALANCE_ENTRIES = entity.Entity(
    name="balance_entries",
    title=Label("占补台账", "Ledger of balances"),
    description=Label(
        "占用与补充的台账：自然岸线、耕地占补平衡、增减挂钩、湿地、林地定额、海域。记录只增不改，以冲销更正。",
        "What is taken and what is given back: natural shoreline, cultivated land, linked"
        " construction land, wetland, forest quota, sea area. Entries are added and reversed,"
        " never edited.",
    ),
    table="balance_entry",
    alias="be",
    joins=(
        " JOIN region r ON r.id = be.region_id"
        " LEFT JOIN project pj ON pj.id = be.project_id"
        " LEFT JOIN control_area ca ON ca.id = be.control_area_id"
        " LEFT JOIN party pa ON pa.id = be.party_id"
        " LEFT JOIN balance_entry was ON was.id = be.reverses_id"
        " LEFT JOIN balance_entry other ON other.id = be.counterpart_id"
    ),
    published="be.state IN ('accepted', 'reversed')",
    path="/balances/entries",
    properties=(
        _OWN.code,
        _OWN.queryable("title_zh", columns.NAME, Label("标题", "Title, zh"), required=True),
        _OWN.queryable("title_en", columns.NAME, Label("标题（英文）", "Title, en")),
        _OWN.choice("kind", BALANCE_KINDS, Label("类型", "Kind"), required=True),
        _OWN.choice("direction", BALANCE_DIRECTIONS, Label("方向", "Direction"), required=True),
        _OWN.queryable("amount", entity.QUANTITY, Label("数量", "Amount"), required=True),
        _OWN.queryable("unit", UNIT, Label("单位", "Unit"), required=True),
        _OWN.queryable("quality_grade", GRADE, Label("质量等级", "Quality grade")),
        _OWN.reference("region", "r.code", Label("区域", "Region"), to="regions", required=True),
        _OWN.reference("project", "pj.code", Label("项目", "Project"), to="projects").of_some,
        _OWN.reference(
            "control_area", "ca.code", Label("管控线", "Control area"), to="control_areas"
        ).of_some,
        _OWN.queryable("year", columns.YEAR, Label("年度", "Year"), required=True),
        _OWN.choice("state", BALANCE_STATES, Label("状态", "State")),
        _OWN.queryable("accepted_on", entity.DATE, Label("验收日期", "Accepted on")),
        _OWN.evidence,
        _OWN.reference(
            "reverses", "was.code", Label("冲销的记录", "Entry it reverses"), to="balance_entries"
        ).of_some,
        _OWN.reference(
            "counterpart", "other.code", Label("对应记录", "Counterpart"), to="balance_entries"
        ).of_some,
        _OWN.reference("party", "pa.code", Label("对方", "Other party"), to="parties"),
        _OWN.source,
        _OWN.fields,
        *_OWN.period,
    ),
    editing=entity.Editing(
        roles=_PROPOSERS,
        scopes=frozenset({Scope.PROJECTS, Scope.WRITE}),
        verbs=frozenset({"create", "update"}),
        lifecycle=entity.Lifecycle(
            property="state",
            initial="proposed",
            steps=(
                entity.Step("proposed", "accepted", _JUDGES),
                entity.Step("proposed", "rejected", _JUDGES),
                entity.Step("accepted", "reversed", _JUDGES),
            ),
            settled=frozenset({"accepted", "reversed", "rejected"}),
        ),
        effects=(accept_entry,),
        guards=(only_its_state_moves, entry_is_whole, documents_known, acceptance_is_proved),
    ),
)
