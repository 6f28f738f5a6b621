"""The stages a computation reports, in words."""

from collections.abc import Mapping

from shanhai.vocabulary import JobStatus, Label, Lang

STAGES: Mapping[str, Label] = {
    "wait": Label("等待", "Waiting as asked"),
    "inspect": Label("检查文件", "Inspecting the file"),
    "convert": Label("转换格式", "Converting"),
    "check": Label("检查数据", "Checking the data"),
    "rows": Label("逐行读取", "Reading row by row"),
    "report": Label("撰写报告", "Writing the report"),
    "prepare": Label("准备", "Preparing"),
    "align": Label("对齐到分析格网", "Aligning to the analysis grid"),
    "derive": Label("计算派生图层", "Deriving layers"),
    "supply_demand": Label("计算供给与需求", "Computing supply and demand"),
    "ratio": Label("计算供需比", "Computing supply–demand ratios"),
    "importance": Label("评价重要性", "Ranking importance"),
    "sensitivity": Label("评价敏感性", "Grading sensitivity"),
    "quality": Label("评价质量", "Judging quality"),
    "degradation": Label("分析退化趋势", "Finding trends"),
    "resilience": Label("评价恢复力", "Judging resilience"),
    "carbon": Label("核算碳汇", "Counting carbon"),
    "quantities": Label("核算实物量", "Counting quantities"),
    "account": Label("核算价值量", "Valuing quantities"),
    "indicators": Label("计算指标", "Computing indicators"),
    "pattern": Label("分析景观格局", "Analysing the habitat pattern"),
    "sources": Label("识别生态源地", "Finding sources"),
    "resistance": Label("构建阻力面", "Making the resistance surface"),
    "edits": Label("施加编辑", "Laying the edits over the land"),
    "paths": Label("提取廊道", "Finding corridors"),
    "paths_after": Label("更新编辑影响的廊道", "Finding the corridors the edits reach"),
    "current": Label("计算电流", "Computing currents"),
    "pinch_points": Label("识别夹点", "Finding pinch points"),
    "barriers": Label("识别障碍点", "Finding barriers"),
    "metrics": Label("计算网络指标", "Measuring the network"),
    "priority": Label("计算优先级", "Mapping priority"),
    "candidates": Label("汇集候选地块", "Gathering candidate sites"),
    "gains": Label("计算地块效益", "Measuring what sites give"),
    "select": Label("优化选址", "Choosing sites"),
    "front": Label("计算成本—效益前沿", "Finding the front of cost and gain"),
    "alternatives": Label("比较备选方案", "Comparing other plans"),
    "cluster": Label("聚类", "Clustering"),
    "draws": Label("参数不确定性抽样", "Drawing uncertain parameters"),
    "single_changes": Label("单因素敏感性分析", "Changing one parameter at a time"),
    "zones": Label("划定分区", "Delineating zones"),
    "polygons": Label("生成分区图斑", "Drawing polygons"),
    "statistics": Label("统计", "Computing statistics"),
    "rasters": Label("写出栅格", "Writing rasters"),
    "maps": Label("制图与报告", "Drawing maps and the report"),
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

COUNTED: Mapping[str, Label] = {
    "resumed": Label("从已完成的 {} 个窗口继续", "Going on from {} finished windows"),
    "tiles": Label("共 {} 个瓦片", "{} tiles to make"),
    "zoom": Label("绘制第 {} 级瓦片", "Drawing tiles of level {}"),
    "pack": Label("打包 {} 个瓦片", "Packing {} tiles"),
}
"""Stages that carry a number, told as `name:number`."""


def name_stage(stage: str, lang: Lang) -> str:
    """The stage in words; a stage nobody named is shown as it is."""
    name, _, number = stage.partition(":")
    label = COUNTED.get(name) if number else STAGES.get(name)
    return stage if label is None else label.in_(lang).format(number)
