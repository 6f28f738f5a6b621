"""What members, codes, addresses and resources are called on pages that show any document.

Summaries and descriptions of operations are written once, in English, in the definition.
"""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import unquote

from markupsafe import Markup, escape

from shanhai import vocabulary
from shanhai.cartography import LAND_COVER
from shanhai.db.collections.catalogue import COLLECTIONS, ENTITIES
from shanhai.db.compliance.rules import activities
from shanhai.reporting.input_words import INPUTS
from shanhai.vocabulary import ECOSERVICES, THEMES, ZONE_CLASSES, Label, Lang, Term
from shanhai_api.words.figures import FIGURES, MANIFEST
from shanhai_api.words.members import (
    ACTIONS,
    CODES,
    HEADINGS,
    LAYERS,
    LINKS,
    MEMBERS,
    OF_ACCOUNTS,
    PROJECT_STATES,
    TABLES,
)
from shanhai_api.words.pages import WORDS

UNSPOKEN = re.compile(
    r"code|id|.*_id|unit|href|rel|type|.*sha256|ref|filename|(name|title|text)(_zh|_en)?|note|reason"
)
"""Members whose values are what they are, even where they spell a code."""
IDENTIFIER = re.compile(r"[A-Za-z][\w-]*([._/:@-][\w-]+)+", re.ASCII)
COLOR = re.compile(r"#[0-9a-f]{6}", re.IGNORECASE)
DIGEST = re.compile(r"[0-9a-f]{32,}")
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d.*")
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
CODE = re.compile(r"[A-Za-z][A-Za-z0-9-]*(?:[._][A-Za-z0-9-]+)+", re.ASCII)
"""What no word of a language looks like."""
WITHIN = re.compile(r"[A-Za-z][A-Za-z0-9]*(?:_[A-Za-z0-9]+)+", re.ASCII)
FORMULA = re.compile(r"\{[{%]")
SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
DIGITS = 3
"""How many of a number that is nearly nothing."""
SMALL = 1e-6
"""Numbers nearer to nothing have a power of ten."""
_YEARS = 10_000
"""Whole numbers below are written without commas, as years are."""


def _known_codes() -> Mapping[str, Label]:
    """The words of all closed lists, of codes that mean the same wherever they stand."""
    found: dict[str, set[Label]] = {}
    for listed in vars(vocabulary).values():
        if isinstance(listed, tuple):
            for term in (each for each in listed if isinstance(each, Term)):
                found.setdefault(term.code, set()).add(term.label)
    classes = {one.code: one.label for one in LAND_COVER.entries}
    zones = {one.code: one.label for one in ZONE_CLASSES}
    for code, label in (*PROJECT_STATES.items(), *classes.items(), *zones.items()):
        found.setdefault(code, set()).add(label)
    return {code: next(iter(labels)) for code, labels in found.items() if len(labels) == 1} | dict(
        CODES
    )


def _known_members() -> Mapping[str, Label]:
    """The titles of properties, of the first entity that has one, below those written for pages."""
    properties = (item for entity in reversed(ENTITIES) for item in entity.properties)
    titles = {item.name: item.title for item in properties}
    return {**INPUTS, **MANIFEST, **titles, **FIGURES, **MEMBERS}


KNOWN_CODES = _known_codes()
KNOWN_MEMBERS = _known_members()
KINDS = {entity.table: entity.title for entity in reversed(ENTITIES)} | {
    **TABLES,
    "account": HEADINGS["accounts"],
    "api_key": HEADINGS["keys"],
    "audit_log": HEADINGS["audit"],
    "job": HEADINGS["jobs"],
}
"""What the rows of a table are, as the audit log names it."""
OF_MEMBER = {"table": KINDS, "action": {**KNOWN_CODES, **ACTIONS}}
"""The words of codes by the member whose values they are, where others mean something else."""


def member_name(name: str, lang: Lang, path: str = "") -> str | None:
    """What a member of a document is called, at an address; None where it has no words."""
    base = re.sub(r"_(zh|en)$", "", name)
    own = OF_ACCOUNTS.get(name) if path.startswith("/accounts") else None
    known = own or KNOWN_MEMBERS.get(name) or KNOWN_MEMBERS.get(base) or KNOWN_CODES.get(name)
    return None if known is None else known.in_(lang)


def code_name(code: str, lang: Lang, member: str = "") -> str | None:
    """What a code means, as the value of a member; None for what is no code of a list."""
    if member and UNSPOKEN.fullmatch(member):
        return None
    known = OF_MEMBER.get(member, KNOWN_CODES).get(code)
    if known is None and (code in activities().known or code in activities().conditions):
        known = activities().conditions.get(code) or activities().name_of(code)
    return None if known is None else known.in_(lang)


def input_name(name: str, lang: Lang) -> str:
    """What a number or theme that a process is given is called; its code where nobody knows."""
    return INPUTS[name].in_(lang) if name in INPUTS else called(name, lang)


def called(code: str, lang: Lang) -> str:
    """What a code is called; the code itself where nobody knows."""
    return code_name(code, lang) or code


def project_state(code: str, lang: Lang) -> str:
    """What a state of a project is called."""
    return PROJECT_STATES[code].in_(lang) if code in PROJECT_STATES else code


def heading_of(path: str, lang: Lang) -> str:
    """What the last word of an address that has a name is called; the address where none has."""
    words = path.strip("/").split("/")
    known = next((HEADINGS[word] for word in reversed(words) if word in HEADINGS), None)
    return path if known is None else known.in_(lang)


def link_name(rel: str, lang: Lang) -> str:
    """What a link without a title leads to, by its relation."""
    word = rel.rpartition("/")[2]
    known = LINKS.get(word) or HEADINGS.get(word)
    return word if known is None else known.in_(lang)


def object_of(path: str) -> str | None:
    """The last code in an address that names an object; None for a list of all."""
    words = [unquote(word) for word in path.strip("/").split("/")]
    codes = (word for word in reversed(words[1:]) if word not in HEADINGS and word != "items")
    return next(codes, None)


def without(document: Mapping[str, Any], *names: str) -> dict[str, Any]:
    """A document but for some members."""
    return {name: item for name, item in document.items() if name not in names}


def layer_name(name: str, lang: Lang) -> str:
    """What a layer of a result is called: its kind, and the service it is of."""
    kind, _, service = name.partition(".")
    known = LAYERS.get(kind)
    if known is None:
        return name
    of = {term.code: term.label for term in (*ECOSERVICES, *THEMES)}.get(service)
    parts = [label.in_(lang) for label in ((of, known) if lang == "zh" else (known, of)) if label]
    return "".join(parts) if lang == "zh" else ": ".join(parts)


def number_words(number: float) -> str:
    """A number for reading: four decimals at most, thousands apart."""
    if isinstance(number, int):
        return str(number) if abs(number) < _YEARS else f"{number:,}"
    if not number or abs(number) >= 0.001:
        return f"{number:,.4f}".rstrip("0").rstrip(".")
    return small_number(number, DIGITS)


def small_number(number: float, digits: int) -> str:
    """A number near nothing without a computer's exponent: `0.0000224`, `3.41 × 10⁻¹⁴`."""
    figures, power = f"{number:.{digits - 1}e}".split("e")
    if abs(number) < SMALL:
        return f"{_bare(figures)} × 10{str(int(power)).translate(SUPERSCRIPT)}"
    return _bare(f"{number:.{digits - 1 - int(power)}f}")


def large_number(number: float, digits: int) -> str:
    """A number to some digits, written out."""
    rounded = float(f"{number:.{digits - 1}e}")
    return f"{rounded:,.0f}" if abs(rounded) >= _YEARS else f"{number:.{digits}g}"


def _bare(figures: str) -> str:
    return figures.rstrip("0").rstrip(".") if "." in figures else figures


def is_identifier(text: str) -> bool:
    """Whether a text looks like a code, an address or a name for programs."""
    return IDENTIFIER.fullmatch(text) is not None


def is_code(text: str) -> bool:
    """Whether a text is a code for certain, and no word that has one of its signs."""
    return (CODE.fullmatch(text) or UUID.fullmatch(text)) is not None


def is_formula(text: str) -> bool:
    """Whether a text is a template, which is for programs."""
    return FORMULA.search(text) is not None


def codes_apart(text: str) -> Markup:
    """A sentence whose codes are set as such."""
    return Markup(WITHIN.sub(r"<code>\g<0></code>", str(escape(text))))  # noqa: S704 - escaped


def name_without(kind: str, code: str) -> str:
    """What something without a name is called: its kind, and what its code ends with."""
    return f"{kind} {code.rpartition('.')[2]}"


def is_color(text: str) -> bool:
    """Whether a text is a colour as documents write it."""
    return COLOR.fullmatch(text) is not None


def is_digest(text: str) -> bool:
    """Whether a text is a hash, of which the first digits tell enough."""
    return DIGEST.fullmatch(text) is not None


def is_moment(text: str) -> bool:
    """Whether a text is a moment as documents write it."""
    if MOMENT.fullmatch(text) is None:
        return False
    try:
        return datetime.fromisoformat(text).tzinfo is not None
    except ValueError:
        return False


def shown_members(row: Mapping[str, Any], lang: Lang) -> dict[str, Any]:
    """The members of a row that are shown: of two languages the one that is read, no links."""
    other = "_en" if lang == "zh" else "_zh"
    own = f"_{lang}"
    return {
        name: item
        for name, item in row.items()
        if name != "links"
        and not (name.endswith(other) and (name[:-3] in row or name[:-3] + own in row))
        and not (name.endswith(own) and name[:-3] in row)
        and not (name.endswith("_name") and name[:-5] in row)
    }


def words_beside(row: Mapping[str, Any], name: str, lang: Lang) -> str | None:
    """The words a row has for a code in it: beside `kind` stand `kind_name` or `kind_zh`."""
    for beside in (f"{name}_name_{lang}", f"{name}_{lang}", f"{name}_name"):
        if isinstance(row.get(beside), str):
            return str(row[beside])
    return None


def own_page(row: Mapping[str, Any]) -> str | None:
    """The page a row of a table leads to, by the link it has to itself."""
    for link in row.get("links") or ():
        if link.get("rel") in {"item", "self", "canonical"}:
            href = str(link["href"])
            return href if "f=html" in href else f"{href}{'&' if '?' in href else '?'}f=html"
    return None


def columns_of_rows(rows: list[Mapping[str, Any]], lang: Lang) -> list[str]:
    """The members of rows, in the order they come; those of no row that says anything left out."""
    found: dict[str, bool] = {}
    for row in rows:
        for name, item in shown_members(row, lang).items():
            found[name] = found.get(name, False) or item not in (None, [], {})
    return [name for name, told in found.items() if told]


IN_PATHS: Mapping[str, str] = {
    "system": "系统状态",
    "refused": "未接收的观测",
    "wording": "文字",
    "comments": "意见",
    "receipts": "回执",
    "open-data": "开放数据",
    "complaints": "公众举报",
    "complaint": "公众举报",
    "photos": "照片",
    "challenge": "工作量证明",
    "contact": "联系人",
    "reply": "答复",
    "acknowledge": "确认",
    "api": "接口定义（OpenAPI 3.0）",
    "application": "申报材料",
    "blank": "空白表",
    "changes": "变更",
    "check": "检查",
    "close": "关闭",
    "collections": "数据集合",
    "compare": "比较",
    "compliance": "合规审查",
    "docs": "接口文档",
    "evaluation": "评估",
    "evaluations": "评估记录",
    "execution": "执行",
    "file": "文件内容",
    "files": "文件",
    "identify": "该点的对象",
    "items": "要素",
    "exception-requests": "例外申请",
    "grant": "批准",
    "refuse": "不予批准",
    "withdraw": "撤回",
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
    "session": "会话",
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
