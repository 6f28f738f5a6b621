"""The stages that several processes report, in words; a process names its own in its contract."""

from collections.abc import Mapping

from shanhai.vocabulary import JobStatus, Label, Lang

STAGES: Mapping[str, Label] = {
    "inspect": Label("检查文件", "Inspecting the file"),
    "check": Label("检查数据", "Checking the data"),
    "rows": Label("逐行读取", "Reading row by row"),
    "report": Label("撰写报告", "Writing the report"),
    "prepare": Label("准备", "Preparing"),
    "align": Label("对齐到分析格网", "Aligning to the analysis grid"),
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
