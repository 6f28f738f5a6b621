"""What resources are called in Chinese, by the words of their paths.

Summaries and descriptions of operations are written once, in English, in the definition.
"""

from collections.abc import Mapping

from shanhai.db.collections.catalogue import COLLECTIONS, ENTITIES
from shanhai_api.member_words import HEADINGS
from shanhai_api.page_words import WORDS

IN_PATHS: Mapping[str, str] = {
    "acknowledge": "确认",
    "api": "接口定义（OpenAPI 3.0）",
    "application": "申报材料",
    "blank": "空白表",
    "changes": "变更",
    "check": "检查",
    "close": "关闭",
    "collections": "数据集合",
    "compare": "比较",
    "compliance": "合规检查",
    "docs": "接口文档",
    "evaluation": "评估",
    "evaluations": "评估记录",
    "execution": "执行",
    "file": "文件内容",
    "files": "文件",
    "identify": "该点的对象",
    "items": "要素",
    "lines": "管控线登记",
    "live": "存活",
    "metrics": "运行指标",
    "openapi.json": "接口定义（OpenAPI 3.1）",
    "package": "规划数据包",
    "preview": "预览",
    "progress": "进展",
    "publish": "发布",
    "ranges": "范围",
    "ready": "就绪",
    "redeliver": "重新投递",
    "retry": "重试",
    "revoke": "撤销",
    "rotate": "更换",
    "runs": "执行记录",
    "sta": "SensorThings",
    "suggestions": "建议项目",
    "test": "测试",
    "tile-tokens": "瓦片令牌",
    "tree": "层级",
    "unsubscribe": "退订",
    "uploads": "上传",
    "v1.1": "1.1 版",
    "values": "数值",
    "zone-schemes": "分区方案",
}
ENTITY_WORDS = {
    **{(entity.path or "").rpartition("/")[2]: entity.title.zh for entity in ENTITIES},
    **{entity.name: entity.title.zh for entity in COLLECTIONS},
}


def resource_name(path: str) -> str:
    """What a resource is called: the words of its path from left to right, as far as known."""
    if path == "/":
        return WORDS["home"].zh
    words = [word for word in path.strip("/").split("/") if not word.startswith("{")]
    if words[0] == "collections" and len(words) > 1 and words[1] in ENTITY_WORDS:
        words = [word for word in words[1:] if word != "items"]
    return " · ".join(filter(None, map(_name, words)))


def _name(word: str) -> str | None:
    if word in ENTITY_WORDS:
        return ENTITY_WORDS[word]
    if word in IN_PATHS:
        return IN_PATHS[word]
    known = HEADINGS.get(word) or WORDS.get(word)
    return None if known is None else known.zh
