"""The guards of a project's steps: lists of conditions, and the facts they judge by."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.balances import ProjectBalance, judge_project
from shanhai.db.collections.notices import NoticeLack, lacking_publicity, notice_rule
from shanhai.db.collections.shores import island_refusals
from shanhai.db.identity import EVERYTHING
from shanhai.db.projects.queries import ProjectSeen
from shanhai.db.projects.reserve import RuleHit, check_rules, comment_days, required_papers
from shanhai.science.ledgers import BalanceVerdict
from shanhai.vocabulary import DOCUMENT_KINDS, Label, label_in

# Papers of a state are those that came since the project entered it.
FACTS = text(
    """
WITH entered (at) AS (
  SELECT max(e.at) FROM project_event e JOIN project p ON p.id = e.project_id
   WHERE e.project_id = :project AND e.to_state = p.state
), monitored (since) AS (
  SELECT coalesce(max(e.at)::date, '-infinity') FROM project_event e
   WHERE e.project_id = :project AND e.to_state = 'monitoring'
), paper (kind, measure, at, told_from, told_to, figured, public_on) AS (
  SELECT d.kind, d.attrs->>'measure', d.created_at,
         CAST(d.attrs->>'period_from' AS date), CAST(d.attrs->>'period_to' AS date),
         jsonb_exists_all(d.attrs, ARRAY['quantity', 'value', 'unit']),
         CASE WHEN d.visibility = 'public' THEN coalesce(
           (SELECT max(was.recorded_to) FROM document_history was
             WHERE was.id = d.id AND was.visibility <> 'public'), d.created_at)::date END
    FROM document d JOIN project p ON d.owner_code = p.code
   WHERE d.owner_collection = 'projects' AND p.id = :project AND d.deleted_at IS NULL
)
SELECT btrim(pj.name_zh) <> '' AND btrim(pj.name_en) <> '' AS named,
       pj.type_code IS NOT NULL AS typed,
       pj.geom IS NOT NULL AND NOT ST_IsEmpty(pj.geom) AS drawn,
       coalesce(CAST(pj.attrs->>'geometry_final' AS boolean), false) AS settled_geometry,
       pj.cost,
       CAST(pj.attrs->>'fund_share_percent' AS numeric) AS fund_share_percent,
       CAST(pj.attrs->>'comment_until' AS date) AS comment_until,
       CAST(pj.attrs->>'after_care_until' AS date) AS after_care_until,
       current_date AS today,
       (SELECT count(*) FROM project_measure m WHERE m.project_id = pj.id) AS measures,
       ARRAY(SELECT m.measure FROM project_measure m
              WHERE m.project_id = pj.id AND m.done IS NULL ORDER BY m.order_no, m.measure)
         AS undone,
       ARRAY(SELECT m.measure FROM project_measure m
              WHERE m.project_id = pj.id AND NOT EXISTS (
                    SELECT FROM paper WHERE kind = 'completion'
                       AND (paper.measure IS NULL OR paper.measure = m.measure))
              ORDER BY m.order_no, m.measure) AS unproven,
       ARRAY(SELECT DISTINCT paper.kind FROM paper
              WHERE paper.at >= coalesce((SELECT at FROM entered), '-infinity')) AS papers,
       ARRAY(SELECT DISTINCT paper.kind FROM paper) AS filed,
       (SELECT min(public_on) FROM paper WHERE kind = 'notice') AS notice_on,
       EXISTS (SELECT FROM paper, monitored
                WHERE kind = 'monitoring' AND figured
                  AND paper.at >= coalesce((SELECT at FROM entered), '-infinity')
                  AND told_from >= monitored.since
                  AND told_to BETWEEN told_from AND current_date) AS monitored,
       EXISTS (SELECT FROM paper, monitored
                WHERE kind = 'effect_evaluation' AND figured
                  AND paper.at >= coalesce((SELECT at FROM entered), '-infinity')
                  AND told_to >= monitored.since
                  AND told_to BETWEEN told_from AND current_date) AS evaluated,
       EXISTS (SELECT FROM fund_entry f WHERE f.project_id = pj.id AND f.kind = 'allocation')
         AS funded,
       coalesce((SELECT sum(CASE f.kind WHEN 'allocation' THEN f.amount ELSE -f.amount END)
                   FROM fund_entry f WHERE f.project_id = pj.id), 0) AS balance
  FROM project pj WHERE pj.id = :project
"""
)


@dataclass(frozen=True, slots=True)
class Facts:
    """A project as its guards see it.

    Attributes:
        undone: Measures without a done amount.
        unproven: Measures no paper tells the completion of.
        papers: Kinds of the papers that came since the project entered its state.
        filed: Kinds of all its papers.
        notice_on: The day since which a notice of it is public; None where none is.
        monitored: A result of monitoring tells a figure of a period after acceptance.
        evaluated: An evaluation tells a figure of a period that reaches beyond acceptance.
        balance: What was allocated and neither paid nor given back.
        hits: Rules that forbid or restrict what the project does where it lies.
        unknown: What could bind where it lies, is not known and was not decided about.
        balances: How it stands to the rules of the ledger, of each kind it has entries of.
        islands: Why islands it lies on are kept from measures of it.
        notices: What its notices lack before it is decided on; None where it has none, and a paper
            of kind `notice` counts.
        note: The reason sent with the request; None while nothing was sent.
    """

    named: bool
    typed: bool
    drawn: bool
    settled_geometry: bool
    cost: Decimal | None
    fund_share_percent: Decimal | None
    comment_until: date | None
    after_care_until: date | None
    today: date
    measures: int
    undone: Sequence[str]
    unproven: Sequence[str]
    papers: Sequence[str]
    filed: Sequence[str]
    notice_on: date | None
    monitored: bool
    evaluated: bool
    funded: bool
    balance: Decimal
    hits: Sequence[RuleHit]
    unknown: Sequence[Label]
    balances: Sequence[ProjectBalance]
    islands: Sequence[Label]
    notices: Sequence[NoticeLack] | None
    note: str | None = None

    @property
    def comments_end(self) -> date | None:
        """The last day for comments: as stated, but not before a notice was public for long."""
        if self.notice_on is None or self.comment_until is None:
            return None
        return max(self.comment_until, self.notice_on + timedelta(days=comment_days()))

    @property
    def unfiled(self) -> list[str]:
        """The kinds of documents an approval needs and that are not there."""
        return [kind for kind in required_papers() if kind not in self.filed]

    def unheard(self, condition: str) -> list[Label]:
        """What its notices lack by that condition."""
        return [lack.text for lack in self.notices or () if lack.code == condition]

    @property
    def comments_over(self) -> bool:
        """Whether the time for comments is over, of its notices or of the paper."""
        if self.notices is not None:
            return not self.unheard("comment_period")
        return self.comments_end is not None and self.comments_end < self.today

    def against(self, decision: str) -> list[str]:
        """The rules of that decision from which no exception was approved."""
        return [hit.rule for hit in self.hits if hit.decision == decision and not hit.excepted]


async def read_facts(session: AsyncSession, project: ProjectSeen, note: str | None) -> Facts:
    """All that the guards of a project ask about, as it is now."""
    row = (await session.execute(FACTS, {"project": project.id})).one()
    checked = await check_rules(session, project.code) if row.drawn else None
    hits, unknown = (checked.hits, checked.unknown) if checked is not None else ((), ())
    balances = await judge_project(session, project.id, project.region_id, EVERYTHING)
    refused = await island_refusals(session, project.id)
    rule = notice_rule("projects")
    return Facts(
        **row._mapping,
        hits=hits,
        unknown=unknown,
        balances=balances,
        islands=refused,
        notices=await lacking_publicity(session, "projects", project.id, rule),
        note=note,
    )


@dataclass(frozen=True, slots=True)
class TransitionCondition:
    """Something that must hold before a step.

    Attributes:
        holds: Tells it from the facts; None when it depends on what will be sent.
        lacking: What is wrong when it does not hold, where the rule alone does not tell.
        pointer: The member of the request it is about.
    """

    code: str
    rule: Label
    holds: Callable[[Facts], bool | None]
    lacking: Callable[[Facts], Label] | None = None
    pointer: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """How a condition stands; `met` is None when it depends on what will be sent."""

    code: str
    met: bool | None
    text: Label
    pointer: str


def judge(
    guard: str | None, facts: Facts, step: tuple[str, str], *, known: bool = True
) -> list[Verdict]:
    """How the conditions of a guard stand, and those of the step itself.

    Args:
        step: The states it leads from and to.
        known: Whether to tell what is lacking, which can be money; else the rules alone.

    Raises:
        LookupError: the guard is not known: a step nobody can judge is not taken.
    """
    if guard is not None and guard not in GUARDS:
        raise LookupError(f"no conditions are known for the guard {guard!r}")
    stated = () if guard is None else GUARDS[guard]
    return [_verdict(one, facts, known) for one in (*stated, *OF_STEPS.get(step, ()))]


def _verdict(condition: TransitionCondition, facts: Facts, known: bool) -> Verdict:
    met, told = condition.holds(facts), condition.rule
    if known and met is False and condition.lacking is not None:
        more = condition.lacking(facts)
        told = Label(f"{told.zh}：{more.zh}", f"{told.en}: {more.en}")
    return Verdict(condition.code, met, told, condition.pointer)


def _noted(facts: Facts) -> bool | None:
    return None if facts.note is None else bool(facts.note.strip())


def _listed(names: Callable[[Facts], Sequence[str]]) -> Callable[[Facts], Label]:
    def told(facts: Facts) -> Label:
        found = names(facts)
        return Label("、".join(found), ", ".join(found))

    return told


def _unfiled_kinds(facts: Facts) -> Label:
    zh = [label_in(DOCUMENT_KINDS, kind, "zh") for kind in facts.unfiled]
    en = [label_in(DOCUMENT_KINDS, kind, "en") for kind in facts.unfiled]
    return Label("、".join(zh), ", ".join(en))


def _paper(kind: str, rule: Label) -> TransitionCondition:
    return TransitionCondition(kind, rule, lambda facts: kind in facts.papers)


def _unexcepted(code: str, decision: str, rule: Label) -> TransitionCondition:
    return TransitionCondition(
        code,
        rule,
        lambda facts: not facts.against(decision),
        _listed(lambda facts: facts.against(decision)),
    )


def _until(day: str, unstated: Label) -> Callable[[Facts], Label]:
    def told(facts: Facts) -> Label:
        value = getattr(facts, day)
        return unstated if value is None else Label(f"至 {value}", f"until {value}")

    return told


def _words(found: Sequence[Label]) -> Label:
    return Label("；".join(one.zh for one in found), "; ".join(one.en for one in found))


def _heard(code: str, rule: Label) -> TransitionCondition:
    return TransitionCondition(
        code,
        rule,
        lambda facts: not facts.unheard(code),
        lambda facts: _words(facts.unheard(code)),
    )


def _comments_end(facts: Facts) -> Label:
    return _words(facts.unheard("comment_period")) if facts.notices else _PAPER_ENDS(facts)


_PAPER_ENDS = _until(
    "comments_end",
    Label(
        "未发布公示，亦未公开公示文件，或公示文件未载明意见截止日",
        "no notice is public (one of its own, or a document that is one), or the last day for"
        " comments on such a document is not stated",
    ),
)
REASON = TransitionCondition(
    "reason", Label("须说明理由", "a reason must be given in `note`"), _noted, pointer="/note"
)
FAULTS = TransitionCondition(
    "faults",
    Label("须在 note 中列出整改问题", "the faults to be mended must be listed in `note`"),
    _noted,
    pointer="/note",
)
DRAWN = TransitionCondition(
    "geometry", Label("须有空间范围", "geometry must be given"), lambda f: f.drawn
)
ALLOWED = _unexcepted(
    "rules",
    "forbidden",
    Label(
        "管控线与分区规则不得禁止其措施",
        "no rule of lines and zones may forbid its measures",
    ),
)
OFF_ISLANDS = TransitionCondition(
    "islands",
    Label("不得违反海岛的保护类别", "islands must be kept from what their class forbids"),
    lambda facts: not facts.islands,
    lambda facts: _words(facts.islands),
)
KNOWN = TransitionCondition(
    "known",
    Label(
        "可能约束该处的管控线、分区与规则须已知，或已由审批人决定",
        "lines, zones and rules that could bind there must be known, or an approver must have"
        " decided about them",
    ),
    lambda facts: not facts.unknown,
    lambda facts: _words(facts.unknown),
)
_BALANCE = Label(
    "占用须已按规则补充（占补台账）",
    "what is taken must be given back by the rules of the ledger of balances",
)
BALANCED = TransitionCondition(
    "balance",
    _BALANCE,
    lambda facts: all(found.verdict.met for found in facts.balances),
    lambda facts: _lacking([(one, one.verdict) for one in facts.balances]),
)
BALANCE_SETTLED = TransitionCondition(
    "balance_settled",
    _BALANCE,
    lambda facts: all(found.final.met for found in facts.balances),
    lambda facts: _lacking([(one, one.final) for one in facts.balances]),
)


def _lacking(found: Sequence[tuple[ProjectBalance, BalanceVerdict]]) -> Label:
    return _words([one.lacking(verdict) for one, verdict in found if not verdict.met])


_COMPLETE = (
    TransitionCondition("name", Label("须有名称", "names must be given"), lambda f: f.named),
    TransitionCondition("type", Label("须有项目类型", "the type must be given"), lambda f: f.typed),
    TransitionCondition(
        "measures",
        Label("至少须有一项措施", "at least one measure must be given"),
        lambda f: f.measures > 0,
    ),
)
_CHECKED = (
    DRAWN,
    TransitionCondition(
        "cost", Label("须有投资额", "the cost must be given"), lambda f: f.cost is not None
    ),
    ALLOWED,
    OFF_ISLANDS,
    KNOWN,
)
_DECIDED = (
    _unexcepted(
        "exceptions",
        "restricted",
        Label("例外事项须已有决定", "exceptions from restricting rules must be decided"),
    ),
    TransitionCondition(
        "fund_share",
        Label("资金份额须已知", "the share of funds must be known, or funds allocated"),
        lambda f: f.funded or f.fund_share_percent is not None,
    ),
    TransitionCondition(
        "comment_period",
        Label("公示期须已满", "the comment period must be over"),
        lambda f: f.comments_over,
        _comments_end,
    ),
    _heard("replies", Label("公众意见须均已答复", "every comment must have a reply")),
    _heard(
        "summary", Label("须有定稿的意见汇总报告", "the summary of the comments must be frozen")
    ),
    TransitionCondition(
        "documents",
        Label("须有下列文件", "documents of these kinds must be there"),
        lambda f: not f.unfiled,
        _unfiled_kinds,
    ),
    BALANCED,
)
_READY = (
    DRAWN,
    TransitionCondition(
        "geometry_final",
        Label("范围须已最终确定", "the geometry must be final"),
        lambda f: f.settled_geometry,
    ),
    ALLOWED,
    OFF_ISLANDS,
    KNOWN,
    BALANCED,
)
_DONE = (
    TransitionCondition(
        "done",
        Label("每项措施均须有完成量", "every measure must have a done amount"),
        lambda f: f.measures > 0 and not f.undone,
        _listed(lambda f: f.undone),
    ),
    TransitionCondition(
        "completion",
        Label("每项措施均须有完工文件", "every measure must have a document of kind `completion`"),
        lambda f: not f.unproven,
        _listed(lambda f: f.unproven),
    ),
)
_SETTLED = (
    REASON,
    TransitionCondition(
        "settled",
        Label("资金须已结清", "the money must be settled"),
        lambda f: f.balance == 0,
        lambda f: Label(f"余额 {f.balance}", f"the balance is {f.balance}"),
    ),
)
_CARE_OVER = (
    TransitionCondition(
        "after_care",
        Label("管护期须已满", "the period of after-care must be over"),
        lambda f: f.after_care_until is not None and f.after_care_until <= f.today,
        _until("after_care_until", Label("未载明管护期", "its end is not stated")),
    ),
)
_ACCEPTED = Label("须有验收文件", "there must be a document of kind `acceptance`")
_MONITORED = TransitionCondition(
    "monitoring",
    Label(
        "验收后须至少有一次监测结果，载明验收后的时段与数值",
        "there must be a document of kind `monitoring` that tells a figure of a period after"
        " acceptance",
    ),
    lambda f: f.monitored,
)
_EVALUATED = TransitionCondition(
    "effect_evaluation",
    Label(
        "须有成效评估文件，载明验收之后结束的时段与数值",
        "there must be a document of kind `effect_evaluation` that tells a figure of a period that"
        " ends after acceptance",
    ),
    lambda f: f.evaluated,
)

GUARDS: Mapping[str, tuple[TransitionCondition, ...]] = {
    "reason": (REASON,),
    "complete": _COMPLETE,
    "checked": _CHECKED,
    "decided": _DECIDED,
    "ready": _READY,
    "settled": _SETTLED,
    "done": _DONE,
    "faults": (FAULTS,),
    "accepted": (_paper("acceptance", _ACCEPTED), BALANCE_SETTLED),
    "monitored": (_MONITORED,),
    "goal_missed": (REASON,),
    "evaluated": (_EVALUATED,),
    "care_over": _CARE_OVER,
}
"""By the code in `project_transition.guard`."""
OF_STEPS: Mapping[tuple[str, str], tuple[TransitionCondition, ...]] = {
    # What was given back may have been reversed since the work began.
    ("suspended", "implementation"): (BALANCED,),
}
"""What steps ask besides their guard, by the states they lead from and to."""
