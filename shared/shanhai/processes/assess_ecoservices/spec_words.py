"""What forms say of the numbers and tables of the methods, in words of either language."""

from collections.abc import Mapping
from typing import Literal

from shanhai.science.ecoservices.method import (
    ConfirmationStatus,
    OptionSpec,
    ParameterSpec,
    Profile,
    TableSpec,
)
from shanhai.vocabulary import Label, Lang

PROFILES: Mapping[Profile | Literal["any"], Label] = {
    "biophysical": Label("生物物理法", "biophysical"),
    "index": Label("指数法", "index"),
    "any": Label("两类方案均可", "in either profile"),
}
STATUSES: Mapping[str, Label] = {
    ConfirmationStatus.VERIFIED: Label("已核对原文", "verified"),
    ConfirmationStatus.LITERATURE: Label("据文献", "from the literature"),
    ConfirmationStatus.ENGINEERING: Label("工程取值", "engineering default"),
    "user": Label("本次设定", "set for this run"),
}
UNITS = {"m3": "m³", "m2": "m²", "Cel": "°C", "deg": "°"}
UNITS_ZH = {"person": "人", "yr": "年", "min": "分钟", "tC": "吨碳"}
NO_MORE = ("engineering default", "engineering choice")
"""Sources that say what the status says."""

SOURCES_ZH: Mapping[str, str] = {
    "Red-line Guideline 2017 for natural classes; cropland, built-up and bare:"
    " engineering default": (
        "自然地类据《生态保护红线划定指南》（2017）；耕地、建设用地与裸地为工程取值"
    ),
    "200 L/d; the local Water Resources Bulletin knows better": (
        "每人每天 200 升；以当地水资源公报为准"
    ),
    "industrial and ecological use of the area, from the Water Resources Bulletin; may be 0": (
        "区域工业与生态用水，取自水资源公报；可为 0"
    ),
    "within the ranges of FAO-56": "在 FAO-56 的取值范围内",
    "within the ranges of FAO-56 and InVEST": "在 FAO-56 与 InVEST 的取值范围内",
    "Z of Donohue et al. 2012; a fifth of the rain days, to be calibrated": (
        "Donohue 等 2012 的 Z 值；约为降雨日数的五分之一，须率定"
    ),
    "InVEST annual water yield: classes without vegetation evaporate min(PET, P)": (
        "InVEST 年产水量：无植被地类的蒸散取潜在蒸散与降水的较小值"
    ),
    "Zhang et al. 2001 for forest and grass; the rest engineering default": (
        "林地与草地据 Zhang 等 2001；其余为工程取值"
    ),
    "Zhang and Fu 2003; daily records make a better layer (Xie et al. 2016)": (
        "章文波、付金生 2003；有逐日降雨时以其制作图层更好（谢云等 2016）"
    ),
    "Williams 1990, calibrated by Zhang et al. 2008": "Williams 1990，经张科利等 2008 校正",
    "the plots of Liu et al. 1994 end at 29 degrees": "Liu 等 1994 的试验小区至 29 度为止",
    "southern red-soil hills, SL 190-2007": "南方红壤丘陵区，SL 190-2007",
    "paddy 0.15, orchard 0.69 in the literature; 0.35 for both and dry fields together. Water and"
    " built-up land have no practice, and no erosion whatever the value": (
        "文献中水田 0.15、果园 0.69；两者与旱地合取 0.35。水体与建设用地无措施，取何值均无侵蚀"
    ),
    "InVEST urban cooling": "InVEST 城市降温模型",
    "InVEST urban cooling; the three weights are rescaled to the sum 1": (
        "InVEST 城市降温模型；三项权重按合计为 1 折算"
    ),
    "engineering default, to be set from a local study of the heat island": (
        "应据当地热岛研究设定"
    ),
    "engineering default, to be set from the local standard": "应据当地标准设定",
    "engineering default, the green classes": "绿色地类",
    "nothing is filled unless asked for": "不要求则不填补",
    "carbon emitted in the area, from the inventory (tCO2·12/44); may be 0": (
        "区域碳排放，取自排放清单（二氧化碳吨数 ×12/44）；可为 0"
    ),
    "years between the two carbon densities": "两期碳密度相隔年数",
    "TR-55 knows no slope; Huang et al. 2006 corrects for it": (
        "TR-55 不计坡度；Huang 等 2006 作坡度修正"
    ),
    "TR-55 (USDA-NRCS 1986): grass and bare land as printed there; connected water after InVEST;"
    " the row of built-up land is for its unsealed part": (
        "TR-55（USDA-NRCS 1986）：草地与裸地照其原表；连通水体据 InVEST；"
        "建设用地一行用于其未硬化部分"
    ),
    "rain of the design storm, from the drainage plan or the capture target": (
        "设计暴雨雨量，取自排水规划或年径流总量控制目标"
    ),
    "InVEST: 99 for connected water": "InVEST：连通水体取 99",
    "0 takes half of the largest degradation, as the InVEST user guide advises": (
        "0 表示取最大退化度的一半，如 InVEST 用户手册所建议"
    ),
    "no shore is taken as open unless asked for; 200 where all are": (
        "不要求则视岸线均不开放；全部开放时取 200"
    ),
}
"""Sources that are sentences; a bare citation is the same in both languages."""


def unit_told(unit: str, lang: Lang) -> str:
    """A unit as people write it; nothing where there is none."""
    words = UNITS | (UNITS_ZH if lang == "zh" else {})
    return "" if unit == "1" else "/".join(words.get(part, part) for part in unit.split("/"))


def described(spec: ParameterSpec | OptionSpec | TableSpec, before: str, lang: Lang) -> str:
    """What stands before, where the usual value comes from, and how far that is confirmed."""
    source = "" if spec.source in NO_MORE else spec.source
    if lang == "zh":
        source = SOURCES_ZH.get(source, source)
    status = STATUSES[spec.status].in_(lang)
    return ("；" if lang == "zh" else "; ").join(part for part in (before, source, status) if part)
