"""Records: members, criteria and scores of demonstration areas, and titles."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from shanhai import vocabulary
from shanhai.db.collections import guards
from shanhai.db.engine import read_today
from shanhai.db.features import columns, entity
from shanhai.errors import Fault
from shanhai.vocabulary import Label, Role, Scope

_MEMBER, _CRITERION = columns.Columns("dm"), columns.Columns("dc")
_SCORE, _TITLE = columns.Columns("ds"), columns.Columns("ti")
_WRITERS = frozenset({Role.PLANNER, Role.SUPERVISOR})
_JUDGES = frozenset({Role.APPROVER, Role.SUPERVISOR})
_SCOPES = frozenset({Scope.PROJECTS, Scope.WRITE})
_HUNDREDTHS: Mapping[str, Any] = {**entity.QUANTITY, entity.DIGITS: 2}
_AREA = Label("示范引领区", "Demonstration area")


def _editing(*rules: entity.Guard) -> entity.Editing:
    return entity.Editing(roles=_WRITERS, scopes=_SCOPES, guards=(guards.RECORD_PERIOD, *rules))


@guards.of_values
async def within_scale(session: AsyncSession, change: entity.PendingWrite) -> Sequence[Fault]:
    """Scores go from 0 to 100, and weigh something."""
    after = change.after or {}
    faults = []
    score, weight = after.get("score"), after.get("weight")
    if score is not None and not 0 <= Decimal(str(score)) <= 100:
        faults.append(Fault("/score", f"{score} is not from 0 to 100", f"{score} 不在 0–100 之间"))
    if weight is not None and not 0 < Decimal(str(weight)) < 10_000:
        rule = (f"{weight} is not above 0 and below 10000", f"{weight} 须大于 0 且小于 10000")
        faults.append(Fault("/weight", *rule))
    return faults


async def given_with_its_document(
    session: AsyncSession, change: entity.PendingWrite
) -> Sequence[Fault]:
    """A title is given in a year by a document, and withdrawn for a reason."""
    after = change.after or {}
    state, faults = after.get("state"), []
    if state == "withdrawn" and not (after.get("reason") or "").strip():
        rule = ("a title is withdrawn with its reason", "撤销称号须说明原因")
        faults.append(Fault("/reason", *rule))
    if state != "approved":
        return faults
    year, this_year = after.get("year"), (await read_today(session)).year
    if year is None:
        faults.append(Fault("/year", "a title is given in a year", "授予称号须填年份"))
    elif int(year) > this_year:
        faults.append(Fault("/year", f"{year} is still to come", f"{year} 年尚未到来"))
    if after.get("level") is None:
        faults.append(Fault("/level", "a title is given at a level", "授予称号须填级别"))
    if not (after.get("document") or "").strip():
        rule = ("a title is given by a document with its number", "授予称号须填文件名称及文号")
        faults.append(Fault("/document", *rule))
    return faults


DEMONSTRATION_MEMBERS = entity.Entity(
    name="demonstration_members",
    title=Label("示范引领区组成", "Members of demonstration areas"),
    description=Label(
        "示范引领区自山顶至海洋依次的组成部分及其建设状态。",
        "The places of demonstration areas in their order from the summit to the sea, and how far"
        " each of them is.",
    ),
    table="demonstration_member",
    alias="dm",
    joins=(
        " LEFT JOIN region r ON r.id = dm.region_id LEFT JOIN region part ON part.id = dm.member_id"
        " LEFT JOIN region_link w ON w.id = dm.place_id"
        " LEFT JOIN named_feature nf ON nf.id = dm.feature_id"
    ),
    published="true",
    path="/demonstration-members",
    properties=(
        _MEMBER.code,
        *_MEMBER.names(),
        _MEMBER.reference("region", "r.code", _AREA, to="regions", required=True),
        _MEMBER.order,
        _MEMBER.choice("section", vocabulary.DEMONSTRATION_SECTIONS, Label("区段", "Section")),
        _MEMBER.choice("state", vocabulary.MEMBER_STATES, Label("建设状态", "State")),
        _MEMBER.reference("member", "part.code", Label("组成区域", "Region it is"), to="regions"),
        _MEMBER.reference(
            "place", "w.code", Label("上下游位置", "Place on the water's way"), to="region_links"
        ),
        _MEMBER.reference(
            "feature", "nf.code", Label("命名地物", "Named feature"), to="named_features"
        ),
        *_MEMBER.both("text", Label("内容", "Text")),
        _MEMBER.source,
        *_MEMBER.period,
    ),
    editing=_editing(),
)

DEMONSTRATION_CRITERIA = entity.Entity(
    name="demonstration_criteria",
    title=Label("示范引领区评价准则", "Criteria of demonstration areas"),
    description=Label(
        "评价一个区域内各示范引领区的准则及其权重；未设权重的按 1 计。",
        "What the demonstration areas of a region are judged by, and what each counts; without a"
        " weight it counts as 1.",
    ),
    table="demonstration_criterion",
    alias="dc",
    joins=" LEFT JOIN region r ON r.id = dc.region_id",
    published="true",
    path="/demonstration-criteria",
    properties=(
        _CRITERION.code,
        *_CRITERION.names(),
        _CRITERION.reference(
            "region", "r.code", Label("适用区域", "Region"), to="regions", required=True
        ),
        _CRITERION.order,
        _CRITERION.queryable("weight", _HUNDREDTHS, Label("权重", "Weight")),
        *_CRITERION.both("text", Label("说明", "Text")),
        _CRITERION.source,
        *_CRITERION.period,
    ),
    editing=_editing(within_scale),
)

DEMONSTRATION_SCORES = entity.Entity(
    name="demonstration_scores",
    title=Label("示范引领区评分", "Scores of demonstration areas"),
    description=Label(
        "示范引领区某年在某项准则上的得分（0–100）及依据。",
        "How a demonstration area does by a criterion in a year, from 0 to 100, and what that"
        " rests on.",
    ),
    table="demonstration_score",
    alias="ds",
    joins=(
        " LEFT JOIN region r ON r.id = ds.region_id"
        " LEFT JOIN demonstration_criterion dc ON dc.id = ds.criterion_id"
    ),
    published="true",
    path="/demonstration-scores",
    properties=(
        _SCORE.code,
        _SCORE.reference("region", "r.code", _AREA, to="regions", required=True),
        _SCORE.reference(
            "criterion",
            "dc.code",
            Label("准则", "Criterion"),
            to="demonstration_criteria",
            required=True,
        ),
        _SCORE.queryable("year", columns.YEAR, Label("年份", "Year"), required=True),
        _SCORE.queryable("score", _HUNDREDTHS, Label("得分", "Score"), required=True),
        *_SCORE.both("text", Label("依据", "What it rests on")),
        _SCORE.evidence,
        _SCORE.source,
        *_SCORE.period,
    ),
    editing=_editing(within_scale, guards.documents_known),
)

TITLES = entity.Entity(
    name="titles",
    title=Label("称号", "Titles"),
    description=Label(
        "区域或地物争创、获得的称号：五美系列、“两山”基地、生态文明示范等。",
        "Titles that regions and places strive for or hold: the five beautiful series, bases of the"
        " Two Mountains, demonstrations of ecological civilisation.",
    ),
    table="title",
    alias="ti",
    joins=(
        " LEFT JOIN region r ON r.id = ti.region_id LEFT JOIN plan p ON p.id = ti.plan_id"
        " LEFT JOIN named_feature nf ON nf.id = ti.feature_id"
    ),
    published="true",
    path="/titles",
    properties=(
        _TITLE.code,
        *_TITLE.names(),
        _TITLE.choice("series", vocabulary.TITLE_SERIES, Label("系列", "Series"), required=True),
        _TITLE.choice("level", vocabulary.TITLE_LEVELS, Label("级别", "Level")),
        _TITLE.reference("region", "r.code", Label("区域", "Region"), to="regions", required=True),
        _TITLE.reference(
            "feature", "nf.code", Label("命名地物", "Named feature"), to="named_features"
        ),
        _TITLE.reference("plan", "p.code", Label("规划", "Plan"), to="plans").of_some,
        _TITLE.queryable("article", entity.TEXT, Label("条款", "Article")),
        _TITLE.queryable("target_year", columns.YEAR, Label("目标年", "Year it is aimed at")),
        _TITLE.choice("state", vocabulary.TITLE_STATES, Label("状态", "State")),
        _TITLE.queryable("year", columns.YEAR, Label("授予年份", "Year it was given")),
        _TITLE.column("document", entity.TEXT, Label("授予文件", "Document it was given by")),
        _TITLE.evidence,
        _TITLE.column("reason", entity.TEXT, Label("撤销原因", "Why it was withdrawn")),
        _TITLE.source,
        *_TITLE.period,
    ),
    editing=entity.Editing(
        roles=_WRITERS | _JUDGES,
        scopes=_SCOPES,
        guards=(guards.RECORD_PERIOD, given_with_its_document, guards.documents_known),
        lifecycle=entity.Lifecycle(
            property="state",
            initial="candidate",
            steps=(
                entity.Step("candidate", "approved", _JUDGES),
                entity.Step("candidate", "withdrawn", _WRITERS | _JUDGES),
                entity.Step("approved", "withdrawn", _JUDGES, frozenset({"reason"})),
                entity.Step("withdrawn", "candidate", _WRITERS),
            ),
            settled=frozenset({"approved"}),
        ),
    ),
)
