"""Records: programmes of plans, parties, sources of money, documents."""

from collections.abc import Sequence
from decimal import Decimal

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.collections.guards import (
    RECORD_AS_CLASSIFIED,
    RECORD_PERIOD,
    no_circle,
    projects_come_along,
    revised_by,
)
from shanhai.db.collections.joint_plans import PARTNERS, part_of_the_plan
from shanhai.db.collections.projects import PROJECTS
from shanhai.db.features.columns import NAME, ORDER, POSITIVE, YEAR, Columns, choice, rows_of
from shanhai.db.features.entity import (
    BOOLEAN,
    DATE,
    INTEGER,
    MOMENT,
    MONEY,
    OBJECTS,
    TEXT,
    TEXTS,
    Editing,
    Entity,
    PendingWrite,
    Property,
)
from shanhai.errors import Fault
from shanhai.vocabulary import (
    DOCUMENT_KINDS,
    FUND_KINDS,
    PARTY_KINDS,
    PARTY_ROLES,
    PROGRAMME_STATUSES,
    Label,
    Role,
    Scope,
)

_USED = text(
    "SELECT min(p.code) FROM document d JOIN project p ON p.code = d.owner_code"
    " JOIN project_event e ON e.project_id = p.id AND d.code = ANY(e.documents)"
    " WHERE d.id = :row_id AND d.owner_collection = 'projects'"
)
_PROVED = text(
    "SELECT lc.code FROM document d JOIN lead_case lc ON lc.code = d.owner_code"
    " JOIN case_event e ON e.case_id = lc.id AND d.code = ANY(e.documents)"
    " WHERE d.id = :row_id AND d.owner_collection = 'cases' LIMIT 1"
)
_BALANCED = text(
    "SELECT min(be.code) FROM document d JOIN balance_entry be ON d.code = ANY(be.evidence)"
    " WHERE d.id = :row_id AND be.deleted_at IS NULL AND be.state <> 'rejected'"
)


async def only_deleted_unused(session: AsyncSession, change: PendingWrite) -> Sequence[Fault]:
    """A file that a step of a project or case was based on stays."""
    if change.verb != "delete":
        return ()
    project = await session.scalar(_USED, {"row_id": change.row_id})
    case = await session.scalar(_PROVED, {"row_id": change.row_id})
    entry = await session.scalar(_BALANCED, {"row_id": change.row_id})
    if entry is not None:
        return (Fault("", f"it proves the entry {entry!r}", f"台账记录 {entry!r} 以其为依据"),)
    if project is None and case is None:
        return ()
    en, zh = ("case", "案件") if project is None else ("project", "项目")
    owner = case if project is None else project
    return (
        Fault(
            "",
            f"a step of {en} {owner!r} was based on it",
            f"{zh} {owner!r} 的状态变更以其为依据",
        ),
    )


_COMMITTED = text(
    "SELECT sum(CASE kind WHEN 'return' THEN -amount ELSE amount END) FROM fund_entry"
    " WHERE source_id = :row_id AND kind <> 'payment'"
)


async def only_above_committed(session: AsyncSession, change: PendingWrite) -> Sequence[Fault]:
    """Money that was promised to projects stays there; a source in the ledger stays known."""
    if change.row_id is None:
        return ()
    committed = await session.scalar(_COMMITTED, {"row_id": change.row_id})
    if committed is None:
        return ()
    if change.after is None:
        return (Fault("", "the ledger has entries of it", "台账中已有其记录"),)
    if Decimal(str(change.after.get("amount"))) >= committed:
        return ()
    return (
        Fault(
            "/amount",
            f"must not be below the {committed} allocated to projects",
            f"不得低于已分配给项目的 {committed}",
        ),
    )


def _moved(name: str, amount: str, title: Label) -> Property:
    """A sum over the ledger of a source; of a former day, over the entries made by then."""
    # Constants of the declarations.
    sums = f"(SELECT coalesce(sum({amount}), 0) FROM fund_entry e WHERE e.source_id = fs.id"  # noqa: S608
    then = f"{sums} AND e.created_at::date <= asked.day)"
    return Property(name, f"{sums})", MONEY, title, former=then)


_SHOWN = (
    "pj.visibility = 'public' AND pj.state NOT IN ('draft', 'proposed', 'rejected', 'cancelled')"
)
_PROGRAMME, _PARTY, _FUND, _DOCUMENT = Columns("pg"), Columns("pa"), Columns("fs"), Columns("dc")

PROGRAMMES = Entity(
    name="programmes",
    title=Label("重点工程", "Programmes"),
    description=Label(
        "规划的重点工程或行动计划。", "The key programmes and action plans of a plan."
    ),
    table="programme",
    alias="pg",
    joins=" JOIN plan p ON p.id = pg.plan_id LEFT JOIN region r ON r.id = pg.region_id",
    live="pg.deleted_at IS NULL AND p.deleted_at IS NULL",
    published="p.status IN ('approved', 'superseded')",
    region="coalesce(pg.region_id, p.region_id)",
    partners=PARTNERS,
    path="/plans/{plan}/programmes",
    properties=(
        _PROGRAMME.code,
        *_PROGRAMME.names(),
        _PROGRAMME.reference("plan", "p.code", Label("规划", "Plan"), to="plans", required=True),
        _PROGRAMME.reference(
            "region", "r.code", Label("所属部分的区域", "Region whose part it is of"), to="regions"
        ),
        _PROGRAMME.copied_from("programme"),
        _PROGRAMME.order,
        *_PROGRAMME.both("summary", Label("摘要", "Summary")),
        *_PROGRAMME.both("extent", Label("建设范围", "Extent"), attribute=True),
        _PROGRAMME.attribute(
            "bank_buffer_m", POSITIVE, Label("距岸宽度", "Width from the bank"), unit="m"
        ),
        _PROGRAMME.attribute("towns", TEXTS, Label("涉及镇街", "Towns")),
        _PROGRAMME.attribute("towns_stated", ORDER, Label("载明镇街数", "Stated number of towns")),
        _PROGRAMME.attribute(
            "towns_complete", BOOLEAN, Label("镇街已列全", "All towns are listed")
        ),
        _PROGRAMME.attribute("lakes", TEXTS, Label("湖库", "Lakes and reservoirs")),
        _PROGRAMME.attribute(
            "islands_stated", ORDER, Label("载明岛屿数", "Stated number of islands")
        ),
        _PROGRAMME.attribute(
            "status", choice(PROGRAMME_STATUSES), Label("新增或延续", "New or continued")
        ),
        Property(
            "projects",
            "(SELECT count(*) FROM plan_membership member JOIN project pj"  # noqa: S608
            " ON pj.id = member.project_id AND pj.deleted_at IS NULL"
            f" WHERE member.plan_id = pg.plan_id AND member.programme_id = pg.id AND {_SHOWN})",
            INTEGER,
            Label("公开项目数", "Public projects"),
            former="(SELECT count(*) FROM plan_members_on(pg.plan_id, asked.day) member"  # noqa: S608
            f" JOIN {rows_of(PROJECTS, former=True)} pj ON pj.id = member.project_id"
            " AND daterange(pj.valid_from, pj.valid_to) @> asked.day"
            f" WHERE member.programme_id = pg.id AND {_SHOWN})",
        ),
        _PROGRAMME.attribute("project_types", OBJECTS, Label("项目类型", "Types of project")),
        revised_by("pg", "programme"),
        _PROGRAMME.source,
        *_PROGRAMME.period,
    ),
    editing=Editing(
        roles=frozenset({Role.PLANNER}),
        moved_by=frozenset({"plan"}),
        effects=(projects_come_along,),
        apart=frozenset({"plan"}),
        guards=(RECORD_PERIOD, part_of_the_plan),
    ),
)

PARTIES = Entity(
    name="parties",
    title=Label("参与方", "Parties"),
    description=Label(
        "部门、企业、社会组织与专家。", "Departments, firms, social bodies and experts."
    ),
    table="party",
    alias="pa",
    joins=(
        " LEFT JOIN region r ON r.id = pa.region_id"
        " LEFT JOIN party parent ON parent.id = pa.parent_id"
    ),
    published="true",
    # Experts are persons.
    public="pa.kind <> 'expert'",
    path="/parties",
    properties=(
        _PARTY.code,
        *_PARTY.names(),
        _PARTY.choice("kind", PARTY_KINDS, Label("类型", "Kind"), required=True),
        _PARTY.reference("region", "r.code", Label("区域", "Region"), to="regions"),
        _PARTY.reference("parent", "parent.code", Label("上级", "Parent"), to="parties"),
        _PARTY.attribute("plan", TEXT, Label("提及它的规划", "Plan that names it")),
        _PARTY.attribute("role", choice(PARTY_ROLES), Label("作用", "Role")),
        _PARTY.attribute("articles", TEXTS, Label("负责条款", "Articles it answers for")),
        _PARTY.source,
        *_PARTY.period,
    ),
    editing=Editing(
        roles=frozenset({Role.PLANNER, Role.ADMIN}),
        guards=(RECORD_PERIOD, no_circle("party", "parent_id", "parent", under="")),
    ),
)

FUND_SOURCES = Entity(
    name="fund_sources",
    title=Label("资金来源", "Sources of funds"),
    description=Label(
        "资金来源及其限定用途；未限定的可用于任何措施。",
        "Sources of money and what it is earmarked for; null allows any measure.",
    ),
    table="fund_source",
    alias="fs",
    joins=" LEFT JOIN region r ON r.id = fs.region_id",
    published="true",
    public="false",
    signed_in="fs.region_id IS NULL",
    path="/fund-sources",
    properties=(
        _FUND.code,
        *_FUND.names(),
        _FUND.choice("kind", FUND_KINDS, Label("类型", "Kind"), required=True),
        _FUND.reference("region", "r.code", Label("区域", "Region"), to="regions"),
        _FUND.queryable("year", YEAR, Label("年度", "Year")),
        _FUND.queryable("amount", MONEY, Label("金额", "Amount"), required=True),
        _FUND.column("allowed_measures", TEXTS, Label("限定用途", "Allowed measures")),
        _moved(
            "allocated",
            "CASE e.kind WHEN 'payment' THEN 0 WHEN 'return' THEN -e.amount ELSE e.amount END",
            Label("已分配", "Allocated"),
        ),
        _moved(
            "paid",
            "CASE e.kind WHEN 'payment' THEN e.amount END",
            Label("已支付", "Paid"),
        ),
        _FUND.source,
        *_FUND.period,
    ),
    editing=Editing(
        roles=frozenset({Role.PLANNER, Role.APPROVER}),
        scopes=frozenset({Scope.PROJECTS, Scope.WRITE}),
        guards=(RECORD_PERIOD, only_above_committed),
    ),
)

DOCUMENTS = Entity(
    name="documents",
    title=Label("文件", "Documents"),
    description=Label("附于规划对象的文件。", "Files that belong to an object of the plan."),
    table="document",
    alias="dc",
    joins=" LEFT JOIN region r ON r.id = dc.region_id",
    # What it belongs to may be a draft, so that those of the region see it who see drafts.
    published=_DOCUMENT.signed_in,
    public=_DOCUMENT.public,
    path="/documents",
    properties=(
        _DOCUMENT.code,
        _DOCUMENT.queryable("title_zh", NAME, Label("标题", "Title, zh"), required=True),
        _DOCUMENT.queryable("title_en", NAME, Label("标题（英文）", "Title, en")),
        _DOCUMENT.shown("kind", choice(DOCUMENT_KINDS), Label("类型", "Kind"), queryable=True),
        Property("measure", "dc.attrs->>'measure'", TEXT, Label("措施", "Measure")),
        Property("period_from", "dc.attrs->>'period_from'", DATE, Label("时段起", "First day")),
        Property("period_to", "dc.attrs->>'period_to'", DATE, Label("时段止", "Last day")),
        Property("quantity", "dc.attrs->>'quantity'", TEXT, Label("量", "Quantity")),
        Property("value", "dc.attrs->>'value'", TEXT, Label("数值", "Value")),
        Property("unit", "dc.attrs->>'unit'", TEXT, Label("单位", "Unit")),
        _DOCUMENT.shown(
            "collection",
            TEXT,
            Label("所属集合", "Collection"),
            column="owner_collection",
            queryable=True,
        ),
        _DOCUMENT.shown(
            "object", TEXT, Label("所属对象", "Object"), column="owner_code", queryable=True
        ),
        _DOCUMENT.shown_region,
        _DOCUMENT.shown("filename", TEXT, Label("文件名", "File name")),
        _DOCUMENT.shown("media_type", TEXT, Label("媒体类型", "Media type"), queryable=True),
        _DOCUMENT.shown("bytes", INTEGER, Label("字节数", "Bytes"), unit="By"),
        _DOCUMENT.shown("sha256", TEXT, Label("校验和", "SHA-256"), queryable=True),
        *_DOCUMENT.access,
        _DOCUMENT.shown(
            "uploaded_at", MOMENT, Label("上传时间", "Uploaded at"), column="created_at"
        ),
        *_DOCUMENT.period,
    ),
    # A file is sent to the object it belongs to, and never changed; what is said of it can be.
    editing=Editing(
        roles=frozenset({Role.OWNER, Role.PLANNER, Role.APPROVER, Role.SUPERVISOR}),
        scopes=frozenset({Scope.PROJECTS, Scope.WRITE}),
        verbs=frozenset({"update", "delete"}),
        guards=(RECORD_PERIOD, RECORD_AS_CLASSIFIED, only_deleted_unused),
    ),
)
