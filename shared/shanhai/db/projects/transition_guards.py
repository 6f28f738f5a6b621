"""The guards of a project's steps: lists of conditions, by the codes in the table of steps."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from shanhai.db.projects.transition_facts import Facts
from shanhai.vocabulary import Label


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


def judge(guard: str | None, facts: Facts) -> list[Verdict]:
    """How the conditions of a guard stand.

    Raises:
        LookupError: the guard is not known: a step nobody can judge is not taken.
    """
    if guard is None:
        return []
    if guard not in GUARDS:
        raise LookupError(f"no conditions are known for the guard {guard!r}")
    return [_verdict(condition, facts) for condition in GUARDS[guard]]


def _verdict(condition: TransitionCondition, facts: Facts) -> Verdict:
    met, told = condition.holds(facts), condition.rule
    if met is False and condition.lacking is not None:
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
KNOWN = TransitionCondition(
    "known",
    Label(
        "可能约束该处的管控线、分区与规则须已知，或已由审批人决定",
        "lines, zones and rules that could bind there must be known, or an approver must have"
        " decided about them",
    ),
    lambda facts: not facts.unknown,
    lambda facts: Label(
        "；".join(gap.zh for gap in facts.unknown), "; ".join(gap.en for gap in facts.unknown)
    ),
)
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
        lambda f: f.comments_end is not None and f.comments_end < f.today,
        _until(
            "comments_end",
            Label(
                "未公开公示文件（notice）或未载明截止日（comment_until）",
                "no notice is public (a document of kind `notice`), or its last day"
                " (`comment_until`) is not stated",
            ),
        ),
    ),
    TransitionCondition(
        "documents",
        Label("须有下列文件", "documents of these kinds must be there"),
        lambda f: not f.unfiled,
        _listed(lambda f: f.unfiled),
    ),
)
_READY = (
    DRAWN,
    TransitionCondition(
        "geometry_final",
        Label("范围须已最终确定", "the geometry must be final"),
        lambda f: f.settled_geometry,
    ),
    ALLOWED,
    KNOWN,
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
    "accepted": (_paper("acceptance", _ACCEPTED),),
    "monitored": (_MONITORED,),
    "goal_missed": (REASON,),
    "evaluated": (_EVALUATED,),
    "care_over": _CARE_OVER,
}
"""By the code in `project_transition.guard`."""
