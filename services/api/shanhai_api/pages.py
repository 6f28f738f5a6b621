"""HTML pages: templates, their words in two languages, no script."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, pass_context
from jinja2.runtime import Context

from shanhai.db.compliance.activities import activities
from shanhai.vocabulary import ALERT_SUBJECTS, FLAGS, QUALITIES, Label, Lang
from shanhai_api.naming import (
    called,
    code_name,
    columns_of_rows,
    heading_of,
    is_digest,
    is_identifier,
    is_moment,
    layer_name,
    link_name,
    member_name,
    number_words,
    object_of,
    own_page,
    project_state,
    shown_members,
    unit_words,
    without,
    words_beside,
)

WORDS: Mapping[str, Label] = {
    "title": Label("山海", "Shanhai"),
    "subtitle": Label("生态保护修复规划空间平台", "Geospatial platform for ecological restoration"),
    "home": Label("首页", "Home"),
    "collections": Label("数据集合", "Collections"),
    "processes": Label("处理流程", "Processes"),
    "jobs": Label("作业", "Jobs"),
    "api": Label("接口文档", "API documentation"),
    "other_language": Label("English", "中文"),
    "formats": Label("其他格式", "Other formats"),
    "items": Label("要素", "Items"),
    "editions": Label("规划各版", "Editions of the plan"),
    "edition": Label("版次", "Edition"),
    "edition_comparison": Label("两版比较", "Comparison of editions"),
    "begun_on": Label("起草日期", "Begun on"),
    "in_force": Label("施行", "In force"),
    "no_difference": Label("两版内容相同", "Both say the same"),
    "former_edition": Label("前版", "Former"),
    "later_edition": Label("后版", "Later"),
    "dropped": Label("删去", "Dropped"),
    "redrawn": Label("范围改绘", "redrawn"),
    "comparison": Label("方案比较", "Comparison of zonings"),
    "unchanged": Label("类别未变", "Unchanged"),
    "changed": Label("类别改变", "Changed"),
    "from_class": Label("原类别", "From class"),
    "to_class": Label("新类别", "To class"),
    "not_covered": Label("未覆盖", "Not covered"),
    "total": Label("合计", "Total"),
    "geodesic": Label("CGCS2000 椭球面积", "areas on the CGCS2000 ellipsoid"),
    "compared": Label("两日比较", "Two days compared"),
    "property": Label("属性", "Property"),
    "not_there": Label("不存在", "not there"),
    "added": Label("增加", "Added"),
    "removed": Label("减少", "Removed"),
    "same_geometry": Label("几何未变", "The geometry is the same"),
    "upper": Label("上级", "Above"),
    "drawn": Label("已绘制", "drawn"),
    "not_drawn": Label("未绘制", "not drawn"),
    "stated_and_listed": Label("原文所述 / 列出", "stated / listed"),
    "more_below": Label("项下级未展开", "more below"),
    "changes": Label("变更", "Changes"),
    "seq": Label("序号", "Number"),
    "changed_at": Label("时间", "Time"),
    "object": Label("对象", "Object"),
    "change": Label("变更类型", "Change"),
    "change_created": Label("新建", "created"),
    "change_updated": Label("修改", "changed"),
    "change_deleted": Label("删除", "removed"),
    "work_and_monitoring": Label("工作与监测", "Work and monitoring"),
    "for_programs": Label("供程序使用", "For programs"),
    "plan_objects": Label("规划要素与名录", "Objects of the plan"),
    "longitude": Label("经度", "Longitude"),
    "latitude": Label("纬度", "Latitude"),
    "look": Label("查看", "Look"),
    "at_point": Label("该点的对象", "Objects at the point"),
    "collection": Label("数据集合", "Collection"),
    "schema": Label("字段结构", "Schema"),
    "schema_type": Label("数据类型", "Type"),
    "schema_codes": Label("可取的值", "Values it can have"),
    "queryables": Label("可查询字段", "Queryables"),
    "extent": Label("范围", "Extent"),
    "links": Label("链接", "Links"),
    "matched": Label("个符合条件", "matched"),
    "returned": Label("个在本页", "on this page"),
    "next": Label("下一页", "Next page"),
    "previous": Label("上一页", "Previous page"),
    "map": Label("在地图上查看", "View on the map"),
    "geometry": Label("几何", "Geometry"),
    "none": Label("无", "none"),
    "identify_yourself": Label("如何表明身份", "How to identify yourself"),
    "identify_by_key": Label(
        "该页面仅供有身份的人员和程序使用。请在请求头 Authorization 中发送接口密钥或令牌：",
        "This page is for people and programs with an identity. Send a key or token of yours in the"
        " header Authorization:",
    ),
    "identify_in_browser": Label(
        "浏览器本身不发送该请求头；请使用能为本站点添加请求头的扩展或本单位的门户。",
        "A browser does not send that header by itself: use an extension that adds it for this"
        " site, or the portal of your organisation.",
    ),
    "identify_by_token": Label(
        "可使用以下统一身份认证的令牌：", "Tokens of this issuer are taken:"
    ),
    "identify_who_gives": Label(
        "密钥由本平台管理员发放（shanhai keys create）。",
        "Keys are given by the administrator of the platform (shanhai keys create).",
    ),
    "identify_public": Label("查看公开内容", "See what is public"),
    "inputs": Label("输入", "Inputs"),
    "outputs": Label("输出", "Outputs"),
    "required": Label("必填", "required"),
    "optional": Label("可选", "optional"),
    "default": Label("默认", "default"),
    "status": Label("状态", "Status"),
    "progress": Label("进度", "Progress"),
    "process": Label("流程", "Process"),
    "created": Label("创建时间", "Created"),
    "message": Label("说明", "Message"),
    "results": Label("结果", "Results"),
    "manifest": Label("来源清单", "Manifest"),
    "parameters": Label("参数", "Parameters"),
    "answers": Label("响应", "Answers"),
    "stand_in": Label("替代数据，不是实测值", "stand-in, not a measurement"),
    "name": Label("名称", "Name"),
    "code": Label("代码", "Code"),
    "observations": Label("观测数据", "Observations"),
    "station": Label("站点", "Station"),
    "value": Label("数值", "Value"),
    "quality": Label("质量", "Quality"),
    "flags": Label("标记", "Marks"),
    "mean": Label("均值", "Mean"),
    "min": Label("最小", "Least"),
    "max": Label("最大", "Greatest"),
    "p50": Label("中位数", "Median"),
    "p98": Label("第98百分位", "98th percentile"),
    "count": Label("个数", "Number"),
    "newest_values": Label("最新观测值", "Newest values"),
    "no_observations": Label("没有观测数据", "There are no observations"),
    "gap": Label("数据中断", "Silent for long"),
    "range_day": Label("日", "Day"),
    "range_month": Label("月", "Month"),
    "range_year": Label("年", "Year"),
    "earlier": Label("← 之前", "← earlier"),
    "later": Label("之后 →", "later →"),
    "chart_values": Label(
        "观测值；线断处为数据中断。",
        "Values as observed; the line is broken where some are missing.",
    ),
    "chart_statistics": Label(
        "线为时段均值，浅色带为时段最小至最大值（只计有效值）；线断处为数据中断。",
        "The line is the mean of each stretch of time, the band its least to greatest value, of"
        " valid values; the line is broken where some are missing.",
    ),
    "marked_values": Label("有标记或非有效的观测值", "Values marked or not valid"),
    "observed_properties": Label("观测项目", "What can be observed"),
    "sensorthings": Label("SensorThings 接口", "SensorThings"),
    "cases": Label("红线线索", "Red-line leads"),
    "region": Label("区域", "Region"),
    "bulletins": Label("公报", "Bulletins"),
    "bulletin_period": Label("时段", "Period"),
    "bulletin_issue": Label("期号", "Issue"),
    "bulletin_read": Label("阅读全文", "Read it"),
    "bulletin_content": Label("内容数据", "Content as data"),
    "in_zh": Label("中文", "Chinese"),
    "in_en": Label("英文", "English"),
    "bulletin_files": Label("文件与校验值", "Files and hashes"),
    "bulletin_bytes": Label("字节", "Bytes"),
    "bulletin_corrects": Label("更正并替代：", "It corrects and replaces"),
    "bulletin_corrected_by": Label("已被更正：", "It was corrected by"),
    "bulletin_permanent": Label(
        "发布后不再改变；永久编号：", "Once published it never changes. Code:"
    ),
    "proposals": Label("修订建议", "Proposals"),
    "alert": Label("预警", "Alert"),
    "alerts": Label("预警", "Alerts"),
    "webhook": Label("回调订阅", "Webhook"),
    "webhooks": Label("回调订阅", "Webhooks"),
    "deliveries": Label("投递记录", "Deliveries"),
    "delivery": Label("投递", "Delivery"),
    "delivery_waiting": Label("待送达", "Waiting"),
    "delivery_delivered": Label("已送达", "Delivered"),
    "delivery_dead": Label("已放弃", "Given up"),
    "delivery_attempts": Label("尝试次数", "Attempts"),
    "delivery_answered": Label("对方应答", "Answered"),
    "delivery_reason": Label("未送达原因", "Why not delivered"),
    "delivery_due": Label("下次尝试", "Next attempt"),
    "delivery_told": Label("消息内容", "What is told"),
    "webhook_address": Label("地址", "Address"),
    "webhook_told_of": Label("订阅事件", "Told of"),
    "webhook_enabled": Label("启用", "Enabled"),
    "webhook_disabled": Label("已停用", "Disabled"),
    "webhook_everywhere": Label("全部区域", "All regions"),
    "alert_rule": Label("规则", "Rule"),
    "alert_rules": Label("预警规则", "Rules"),
    "alert_open": Label("未处理", "Open"),
    "alert_acknowledged": Label("已确认", "Acknowledged"),
    "alert_closed": Label("已关闭", "Closed"),
    "subject": Label("对象", "Subject"),
    **{f"alert_of_{item.code}": item.label for item in ALERT_SUBJECTS},
    "alert_known": Label("判定依据", "As it was judged"),
    "alert_path": Label("进度要求", "asked by then"),
    "alert_target": Label("目标", "target"),
    "unsubscribe": Label("退订预警邮件", "End mails about alerts"),
    "unsubscribe_asked": Label(
        "不再接收预警邮件？", "Should no more mails about alerts be sent to this address?"
    ),
    "unsubscribed": Label("已退订，不再发送。", "No more mails are sent to this address."),
    "since": Label("开始时间", "Since"),
    "job_dead": Label("已放弃待处理", "Given up"),
    "job_retry_of": Label("重试自", "Retry of"),
    "schedule": Label("定时任务", "Schedule"),
    "schedules": Label("定时任务", "Schedules"),
    "schedule_enabled": Label("启用", "Enabled"),
    "schedule_paused": Label("已暂停", "Paused"),
    "schedule_late": Label("逾期未执行", "Overdue"),
    "schedule_over": Label("不再执行", "Never due again"),
    "schedule_timing": Label("执行周期", "When"),
    "schedule_every": Label("每隔", "Every"),
    "schedule_from": Label("起始", "from"),
    "schedule_next": Label("下次执行", "Next"),
    "schedule_last": Label("上次执行", "Last"),
    "schedule_runs": Label("执行记录", "Times it was due"),
    "schedule_all_runs": Label("全部执行记录", "All times it was due"),
    "schedule_due": Label("应执行时间", "Due"),
    "schedule_attended": Label("实际时间", "Attended to"),
    "schedule_missed": Label("随后错过次数", "Missed after it"),
    "schedule_refused": Label("未能提交", "Refused"),
    "schedule_owner": Label("所有者", "Owner"),
    "evidence": Label("引起预警的依据", "What raised it"),
    "possible_range": Label("可能范围", "Possible range"),
    "standard": Label("标准", "Standard"),
    "on_map": Label("地图", "Map"),
    "zones_map": Label("在地图上查看分区", "The zones on a map"),
    "job": Label("作业", "Job"),
    "all_results": Label("全部结果", "All results"),
    "values": Label("数值", "Values"),
    "members": Label("项", "members"),
    "accepted": Label("排队中", "accepted"),
    "running": Label("运行中", "running"),
    "successful": Label("成功", "successful"),
    "failed": Label("失败", "failed"),
    "dismissed": Label("已取消", "dismissed"),
    "started": Label("开始时间", "Started"),
    "finished": Label("结束时间", "Finished"),
    "search": Label("名称或代码包含", "Name or code contains"),
    "filter": Label("筛选", "Filter"),
    "bbox": Label("范围（西,南,东,北）", "Box (west,south,east,north)"),
    "as_of": Label("截至日期的状态", "State of the day"),
    "cql2": Label("筛选表达式（CQL2）", "Filter expression (CQL2)"),
    "sort": Label("排序", "Order"),
    "page_size": Label("每页数量", "Rows on a page"),
    "show": Label("显示", "Show"),
    "clear": Label("清除", "Clear"),
    "versions": Label("历史版本", "Versions"),
    "findings": Label("数据检查结果", "Findings in the figures"),
    "finding": Label("发现", "Finding"),
    "figures": Label("数值", "Figures"),
    "severity": Label("程度", "Severity"),
    "check": Label("合规检查", "Compliance check"),
    "verdict": Label("结论", "Verdict"),
    "not_known": Label("未知项", "What is not known"),
    "drawn_area": Label("已绘制面积", "Drawn area"),
    "not_judged": Label("未判定的条件", "Conditions that were not judged"),
    "unjudged": Label("未判定", "not judged"),
    "control_lines": Label("管控线", "Control lines"),
    "no_lines": Label("未涉及管控线", "no line is touched"),
    "touched_zones": Label("涉及分区", "Zones touched"),
    "no_zones": Label("未涉及已发布分区", "no published zone is touched"),
    "rules_met": Label("涉及规则", "Rules that speak of it"),
    "no_rules": Label("无", "none"),
    "place": Label("位置", "Place"),
    "activity": Label("活动", "Activity"),
    "activities": Label("活动或措施（代码，逗号分隔）", "Activities or measures (codes, commas)"),
    "decision": Label("规定", "Decision"),
    "conditions": Label("条件", "Conditions"),
    "legal_basis": Label("依据", "Legal basis"),
    "to_be_confirmed": Label("待主管部门确认", "to be confirmed by the bureau"),
    "presumed": Label("未说明活动，按开发建设判定", "no activity was named; judged as development"),
    "duties": Label("该处的要求", "What is demanded there"),
    "exceptions": Label("已批准的例外", "Exceptions granted"),
    "outdated": Label("项目范围已变，须复核", "the project's shape has changed since"),
    "excepted": Label("例外", "exception"),
    "unknown_activities": Label("未知活动", "Unknown activities"),
    "share": Label("占比", "Share"),
    "area": Label("面积", "Area"),
    "length": Label("长度", "Length"),
    "delimitation": Label("划定版本", "Delimitation"),
    "level": Label("级别", "Level"),
    "requirement": Label("管控要求", "Requirement"),
    "project": Label("项目（代码）", "Project (code)"),
    "geojson": Label("几何（GeoJSON）", "Geometry (GeoJSON)"),
    "region_name": Label("区域", "Region"),
    "region_code": Label("区域（代码）", "Region (code)"),
    "line_kinds": Label("管控线类型（代码，逗号分隔）", "Kinds of lines (codes, commas)"),
    "approved_area": Label("批准面积", "Approved area"),
    "difference": Label("差值", "Difference"),
    "declines": Label("面积减少", "Declines"),
    "no_declines": Label("同一划定版本内未见减少", "none within one delimitation"),
    "day": Label("日期", "Day"),
    "by_parts": Label("下级合计", "sum of lower regions"),
    "totals": Label("重点工程汇总", "Programmes in sums"),
    "by_region": Label("按区域汇总", "By region"),
    "region_area": Label("区域面积（km²）", "Area of the region (km²)"),
    "programme": Label("重点工程", "Programme"),
    "projects": Label("项目", "Projects"),
    "cost": Label("投资（元）", "Cost (CNY)"),
    "years": Label("年份", "Years"),
    "state": Label("状态", "State"),
    "measures": Label("措施", "Measures"),
    "measure": Label("措施", "Measure"),
    "planned": Label("计划量", "Planned"),
    "done": Label("完成量", "Done"),
    "unit": Label("单位", "Unit"),
    "coverage": Label("问题与项目对应", "Problems and projects"),
    "problem": Label("问题", "Problem"),
    "no_project": Label("无项目应对", "no project"),
    "places_without_project": Label("无项目点名的地点", "Places no project names"),
    "projects_without_problem": Label("未对应问题的项目", "Projects without a problem"),
    "by_link": Label("人工关联", "linked"),
    "by_overlap": Label("范围重叠", "by overlap"),
    "by_place": Label("地点相同", "by place"),
    "timetable": Label("实施时序", "Timetable"),
    "phase_before": Label("前期", "before work"),
    "phase_work": Label("实施", "at work"),
    "phase_after": Label("验收后", "after acceptance"),
    "reserve": Label("项目储备库", "Projects in reserve"),
    "criteria": Label("评分标准（权重）", "Criteria (weights)"),
    "score": Label("评分", "Score"),
    "lacking": Label("尚缺", "Lacking"),
    "ready": Label("已就绪", "ready"),
    "lacks_geometry": Label("范围", "geometry"),
    "lacks_cost": Label("投资额", "cost"),
    "lacks_overlap": Label("管控线检查", "check of lines"),
    "lacks_documents": Label("文件", "documents"),
    "properties": Label("属性", "Properties"),
    "next_steps": Label("可进行的状态变更", "Next steps"),
    "allowed": Label("可行", "allowed"),
    "not_allowed": Label("尚不可行", "not now"),
    "funds": Label("资金", "Funds"),
    "source": Label("来源", "Source"),
    "year": Label("年度", "Year"),
    "allocated": Label("已分配", "Allocated"),
    "paid": Label("已支付", "Paid"),
    "balance": Label("余额", "Balance"),
    "sum": Label("合计", "Sum"),
    "documents": Label("文件", "Documents"),
    "events": Label("状态变更记录", "Steps taken"),
    "yes": Label("是", "yes"),
    "no": Label("否", "no"),
    **{f"quality_{item.code}": item.label for item in QUALITIES},
    **{f"flag_{item.code}": item.label for item in FLAGS},
}


@pass_context
def word(context: Context, key: str) -> str:
    """A word of the page in its language."""
    return WORDS[key].in_(context["lang"])


UNITS: Mapping[str, str] = {"km2": "km²", "km": "km", "m": "m", "%": "%", "s": "s"}
"""How pages write a unit; that of a byte count goes without saying."""
IN_TENTHS = frozenset({"km2", "km", "%"})


def figure(number: float, unit: str | None) -> str:
    """A number for reading: areas and shares in tenths, lengths in metres whole."""
    if unit in IN_TENTHS:
        return f"{number:,.1f}"
    return f"{number:,.0f}" if unit in {"m", "s"} else number_words(number)


@pass_context
def local(context: Context, at: str, *, seconds: bool = False) -> str:
    """A moment of a document, as clocks show it where the platform is."""
    there = datetime.fromisoformat(at).astimezone(context["zone"])
    return there.isoformat(" ", "seconds" if seconds else "minutes").replace("+", " +")


def moment(at: datetime) -> str:
    """A moment as documents have it: in its zone, and UTC by its letter."""
    return at.isoformat().replace("+00:00", "Z")


def reading(number: float) -> str:
    """A measured number for reading: six digits, as written in small and large."""
    return f"{number:.6g}"


SPELT = (("ug/", "µg/"), ("m3", "m³"), ("m2", "m²"), ("Cel", "°C"), ("[degF]", "°F"), ("deg", "°"))
"""How codes of units are written for people."""


def unit_name(code: str, lang: Lang = "en") -> str:
    """A unit as people write it; a dash for numbers without one."""
    if lang == "zh" and code != "1" and (known := unit_words(code, lang)) != code:
        return known
    for plain, nice in SPELT:
        code = code.replace(plain, nice)
    return "–" if code == "1" else code


def activity(code: str, lang: Lang) -> str:
    """What an activity or measure is called; its code where nobody knows."""
    return activities().name_of(code).in_(lang)


ENVIRONMENT = Environment(
    loader=PackageLoader("shanhai_api"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
ENVIRONMENT.globals.update(word=word, UNITS=UNITS, activity=activity)
ENVIRONMENT.filters.update(
    figure=figure,
    local=local,
    moment=moment,
    reading=reading,
    unit=unit_name,
    called=called,
    code_name=code_name,
    columns_of_rows=columns_of_rows,
    heading=heading_of,
    layer=layer_name,
    link_name=link_name,
    member_name=member_name,
    object_of=object_of,
    own_page=own_page,
    plain=number_words,
    project_state=project_state,
    shown_members=shown_members,
    without=without,
    words_beside=words_beside,
)
ENVIRONMENT.tests.update(digest=is_digest, identifier=is_identifier, moment=is_moment)


def render(template: str, context: Mapping[str, Any]) -> bytes:
    """A page."""
    return ENVIRONMENT.get_template(template).render(context).encode()
