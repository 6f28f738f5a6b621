"""What people are told of a job: the stage it is at, and why it failed."""

import errno
import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from shanhai.errors import Fault, InternalError, InvalidInput, ShanhaiError, Unavailable
from shanhai.vocabulary import JobStatus, Label, Lang

STAGES: Mapping[str, Label] = {
    "inspect": Label("检查文件", "Inspecting the file"),
    "check": Label("检查数据", "Checking the data"),
    "rows": Label("逐行读取", "Reading row by row"),
    "report": Label("撰写报告", "Writing the report"),
    "connect": Label("等待 Dask 集群应答", "Waiting for the Dask cluster to answer"),
    "prepare": Label("准备", "Preparing"),
    "align": Label("对齐到分析格网", "Aligning to the analysis grid"),
    "derive": Label("计算派生图层", "Deriving layers"),
    "supply_demand": Label("计算供给与需求", "Computing supply and demand"),
    "ratio": Label("计算供需比", "Computing supply–demand ratios"),
    "importance": Label("评价重要性", "Ranking importance"),
    "sensitivity": Label("评价敏感性", "Grading sensitivity"),
    "quality": Label("评价质量", "Judging quality"),
    "carbon": Label("核算碳汇", "Counting carbon"),
    "quantities": Label("核算实物量", "Counting quantities"),
    "indicators": Label("计算指标", "Computing indicators"),
    "pattern": Label("分析景观格局", "Analysing the habitat pattern"),
    "sources": Label("识别生态源地", "Finding sources"),
    "resistance": Label("构建阻力面", "Making the resistance surface"),
    "paths": Label("提取廊道", "Finding corridors"),
    "current": Label("计算电流", "Computing currents"),
    "pinch_points": Label("识别夹点", "Finding pinch points"),
    "barriers": Label("识别障碍点", "Finding barriers"),
    "metrics": Label("计算网络指标", "Measuring the network"),
    "priority": Label("计算优先级", "Mapping priority"),
    "candidates": Label("汇集候选地块", "Gathering candidate sites"),
    "cluster": Label("聚类", "Clustering"),
    "single_changes": Label("单因素敏感性分析", "Changing one parameter at a time"),
    "zones": Label("划定分区", "Delineating zones"),
    "polygons": Label("生成分区图斑", "Drawing polygons"),
    "statistics": Label("统计", "Computing statistics"),
    "rasters": Label("写出栅格", "Writing rasters"),
    "maps": Label("制图与报告", "Drawing maps and the report"),
    "resumed": Label("从已完成的 {} 个窗口继续", "Going on from {} finished windows"),
    "done": Label("计算完成", "Computed"),
    "publish": Label("发布成果", "Publishing the results"),
    "pdf": Label(
        "成果已发布，正在排版 PDF 报告", "Results are published; setting the report as PDF"
    ),
}

STATUS_MESSAGES: Mapping[JobStatus, Label] = {
    JobStatus.ACCEPTED: Label("排队等待", "Waiting for a worker"),
    JobStatus.RUNNING: Label("计算中", "Running"),
    JobStatus.SUCCESSFUL: Label("已完成", "Done"),
    JobStatus.FAILED: Label("失败", "Failed"),
    JobStatus.DISMISSED: Label("已取消", "Cancelled"),
}


ENDING = Label("正在取消", "Being cancelled")
AGAIN = Label("等待重试：{}", "Waiting to be tried again: {}")
HELD_BACK = Label(
    "等待：您同时运行的作业已达上限", "Waiting: as many of your jobs are running as may at once"
)


def name_stage(stage: str, lang: Lang, own: Mapping[str, Label]) -> str:
    """The stage in words; a stage nobody named is shown as it is.

    Args:
        stage: Its name, or `name:number` where it carries a number.
        lang: The language.
        own: Stages of the process itself.
    """
    name, _, number = stage.partition(":")
    label = own.get(name) or STAGES.get(name)
    return stage if label is None else label.in_(lang).format(number)


FailureClass = Literal["invalid", "resource", "transient", "bug", "lost"]

TITLES: dict[FailureClass, Label] = {
    "invalid": Label("输入无效", "Invalid input"),
    "resource": Label("超出资源限制", "Resource limit exceeded"),
    "transient": Label("依赖服务不可用", "Dependency unavailable"),
    "bug": Label("内部错误", "Internal error"),
    "lost": Label("进程丢失", "Process lost"),
}


@dataclass(frozen=True, slots=True)
class Failure:
    """A reason in both languages, with the inputs at fault."""

    kind: FailureClass
    detail: Label
    faults: tuple[Fault, ...] = ()

    @property
    def title(self) -> Label:
        """The class in words."""
        return TITLES[self.kind]

    def document(self) -> dict[str, Any]:
        """As it is kept in the job's row."""
        return {
            "class": self.kind,
            "title": self.title.en,
            "title_zh": self.title.zh,
            "detail": self.detail.en,
            "detail_zh": self.detail.zh,
            "faults": [asdict(fault) for fault in self.faults],
        }

    @classmethod
    def parse(cls, document: dict[str, Any]) -> "Failure":
        """Read back what `document` wrote."""
        return cls(
            document["class"],
            Label(document["detail_zh"], document["detail"]),
            tuple(Fault(**fault) for fault in document["faults"]),
        )


def classify(
    error: BaseException, *, memory_limit_mb: int | None = None, memory_mb: float | None = None
) -> Failure:
    """What an exception of a computation or a publication means for its job.

    `memory_mb` is what the computation held when it was refused more than its limit.

    The text of an error nobody foresaw stays in the log: it may name paths or values.
    """
    if isinstance(error, InvalidInput):
        return Failure("invalid", Label(error.message_zh, error.message), error.faults)
    if any(_is_out_of_memory(cause) for cause in _causes(error)):
        return out_of_memory(memory_limit_mb, memory_mb)
    if any(_is_full_disk(cause) for cause in _causes(error)):
        return Failure("resource", Label("磁盘空间不足", "the disk is full"))
    if any(isinstance(cause, OSError) and cause.errno == errno.EFBIG for cause in _causes(error)):
        return Failure("resource", Label("文件过大", "a file grew beyond what a job may write"))
    if isinstance(error, Unavailable):
        return Failure("transient", Label(error.message_zh, error.message))
    if isinstance(error, ConnectionError | TimeoutError):
        return unreachable()
    if isinstance(error, ShanhaiError):
        kind: FailureClass = "bug" if isinstance(error, InternalError) else "invalid"
        return Failure(kind, Label(error.message_zh, error.message))
    name = type(error).__name__
    return Failure(
        "bug",
        Label(
            f"计算因意外错误（{name}）停止，详见工作进程日志",
            f"the computation stopped on an unexpected {name}; see the worker's log",
        ),
    )


def unreachable() -> Failure:
    """Something the computation or the publication needs did not answer."""
    return Failure(
        "transient",
        Label("所依赖的服务没有响应", "a service this depends on did not answer"),
    )


def given_up(failure: Failure, tries: int) -> Failure:
    """A passing failure that did not pass in as many tries as there are."""
    detail = failure.detail
    told = Label(f"{detail.zh}（已尝试 {tries} 次）", f"{detail.en} (tried {tries} times)")
    return replace(failure, detail=told)


def out_of_memory(limit_mb: int | None, held_mb: float | None = None) -> Failure:
    """The computation asked for more memory than a job may use."""
    zh, en = (f"{limit_mb} MB", f"{limit_mb} MB") if limit_mb else ("可用", "available")
    if held_mb is not None:
        zh, en = f"{zh}，已用 {held_mb:.0f} MB", f"{en}, and it held {held_mb:.0f} MB"
    return Failure(
        "resource",
        Label(
            f"计算所需内存超过限制（{zh}）；请增大像元或缩小范围",
            f"the computation needs more memory than the limit ({en}); use larger cells"
            " or a smaller region",
        ),
    )


def out_of_time(limit_s: float, ran_s: float | None = None) -> Failure:
    """The computation ran longer than a job may."""
    zh, en = f"{limit_s:g} 秒", f"{limit_s:g} s"
    if ran_s is not None:
        zh, en = f"{zh}，已运行 {ran_s:.1f} 秒", f"{en}, stopped after {ran_s:.1f} s"
    return Failure(
        "resource",
        Label(f"计算时间超过限制（{zh}）", f"the computation ran longer than the limit ({en})"),
    )


WORKER_LOST = Label("工作进程丢失，租约到期", "the worker was lost: its lease ran out")


def lost(tries: int, last: Label = WORKER_LOST) -> Failure:
    """What ran the job, its worker or its process, died again and again; how it did at last."""
    return given_up(Failure("lost", last), tries)


NOT_MAPPED = "failed to map segment from shared object"
"""What the loader says of a library for which no memory is left."""


def _is_out_of_memory(error: BaseException) -> bool:
    """Whether Python, the system or the loader of libraries was refused memory."""
    if isinstance(error, OSError) and error.errno == errno.ENOMEM:
        return True
    if isinstance(error, ImportError | OSError):
        return NOT_MAPPED in str(error)
    return isinstance(error, MemoryError)


def _is_full_disk(error: BaseException) -> bool:
    """Whether the system or SQLite, which writes packs of tiles, had no room."""
    if isinstance(error, sqlite3.OperationalError):
        return getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL
    return isinstance(error, OSError) and error.errno in {errno.ENOSPC, errno.EDQUOT}


def _causes(error: BaseException) -> Iterator[BaseException]:
    cause: BaseException | None = error
    while cause is not None:
        yield cause
        cause = cause.__cause__ or cause.__context__
