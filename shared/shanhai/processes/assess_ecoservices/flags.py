"""What a reader should know of the inputs and results of an assessment."""

from collections.abc import Mapping

from shanhai.errors import InvalidInput
from shanhai.processes.assess_ecoservices.alignment import COVER
from shanhai.processes.assess_ecoservices.assessed import Assessment
from shanhai.processes.assess_ecoservices.coverage import in_sentence, missing_cells
from shanhai.science.ecoservices.assembly import Assembled, CheckedFigures
from shanhai.science.ecoservices.graph import AreaFigure
from shanhai.science.flags import ResultFlag
from shanhai.science.normalisation import LIMIT_PROBABILITIES
from shanhai.vocabulary import Label, label_of

_COVER_CUT = ResultFlag(
    "land_cover_cut",
    Label(
        "土地覆盖沿区域边界裁切：界外的 0 视为未知而非海域",
        "land cover was cut along the region's border: its 0 outside is taken as unknown, not as "
        "sea",
    ),
)
_NO_LAND_COVER = ResultFlag(
    "no_land_cover",
    Label("无土地覆盖：未掩膜海域", "no land cover: the sea is not masked"),
)


def assessment_warnings(assessment: Assessment, *, cover_cut: bool) -> list[ResultFlag]:
    """Everything that is worth a warning, in a fixed order."""
    said = {
        _edge_effect(assessment): assessment.edge_effect,
        _COVER_CUT: cover_cut,
        _NO_LAND_COVER: COVER not in assessment.place.sources,
    }
    return [
        *(flag for flag, applies in said.items() if applies),
        *_alternatives(assessment),
        *_fallbacks(assessment),
        *missing_cells(assessment.coverage),
        *_constant_layers(assessment),
        *_unexpected(assessment),
        *_broken(assessment),
    ]


def require_laws(assembled: Assembled, figures: Mapping[AreaFigure, float]) -> None:
    """Refuse results that break a law without which they mean nothing.

    Raises:
        InvalidInput: one is broken; told with its numbers.
    """
    for one in assembled.checked:
        numbers = {name: figures[figure] for name, figure in one.figures.items()}
        if one.check.stops and not one.check.holds(numbers):
            text = _law(one, numbers)
            raise InvalidInput(
                text.en, message_zh=text.zh, pointer=f"/ecoservices/{one.service}/method"
            )


def _law(checked: CheckedFigures, numbers: Mapping[str, float]) -> Label:
    told = ", ".join(f"{name} {number:.4g}" for name, number in numbers.items())
    label, service = checked.check.label, checked.service
    return Label(
        f"{label_of(service).zh}：{label.zh}，实际为 {told}；请检查输入数据与参数",
        f"{service}: {label.en}, but it is {told}; check the inputs and parameters",
    )


def _broken(assessment: Assessment) -> list[ResultFlag]:
    """Laws the results do not keep."""
    found = []
    for one in assessment.assembled.checked:
        numbers = {name: assessment.figures[figure] for name, figure in one.figures.items()}
        if not one.check.holds(numbers):
            found.append(ResultFlag(one.check.code, _law(one, numbers)))
    return found


def _edge_effect(assessment: Assessment) -> ResultFlag:
    reach_km = assessment.place.area.pad * assessment.plan.cell_m / 1000
    return ResultFlag(
        "edge_effect",
        Label(
            f"有输入数据在区域外不足 {reach_km:g} km 处终止：边界附近考虑邻域的结果只反映已有数据",
            f"an input ends less than {reach_km:g} km outside the region: what looks around a "
            "cell sees near the border only what is inside",
        ),
    )


def _alternatives(assessment: Assessment) -> list[ResultFlag]:
    """Layers that stand for better ones that were not given."""
    sources, leaves = assessment.place.sources, assessment.assembled.graph.quantities
    found = []
    if "population" not in sources and "exposure" in leaves:
        text = Label(
            "无人口数据：以夜间灯光代替暴露度",
            "no population: exposure follows the night lights",
        )
        found.append(ResultFlag("no_population", text))
    if COVER not in sources and "naturalness" in leaves:
        text = Label(
            "无土地覆盖：以植被覆盖度代替自然度",
            "no land cover: naturalness is vegetation cover",
        )
        found.append(ResultFlag("no_land_cover_naturalness", text))
    return found


def _fallbacks(assessment: Assessment) -> list[ResultFlag]:
    """Services that are calculated otherwise than asked for, or not at all."""
    assembled = assessment.assembled
    taken = [
        ResultFlag(
            "method_fallback",
            Label(
                f"{label_of(service).zh}缺少 {'、'.join(names)}：以方法 "
                f"{assembled.methods[service].id} 代替 {wanted}",
                f"{service} lacks {', '.join(names)}: the method "
                f"{assembled.methods[service].id} took the place of {wanted}",
            ),
        )
        for service, (wanted, names) in assembled.fallbacks.items()
    ]
    left = [
        ResultFlag(
            "service_left_out",
            Label(
                f"{label_of(service).zh}缺少 {'、'.join(names)}，未评估",
                f"{service} lacks {', '.join(names)} and is left out",
            ),
        )
        for service, names in assembled.left_out.items()
    ]
    return [*taken, *left]


def _constant_layers(assessment: Assessment) -> list[ResultFlag]:
    """A layer that tells no two places apart is worth saying: its index is 0 everywhere."""
    graph, figures = assessment.assembled.graph, assessment.figures
    constant = []
    for figure in figures:
        low, high = (AreaFigure(figure.of, "quantile", one) for one in LIMIT_PROBABILITIES)
        if figure != low or high not in figures or "." in figure.of:
            continue
        if figures[high] <= figures[low]:
            constant.append(graph.title_of(figure.of))
    if not constant:
        return []
    text = Label(
        f"在区域内无变化，归一化后为 0：{'、'.join(title.zh for title in constant)}",
        "the same everywhere, so that the normalised index is 0: "
        + ", ".join(in_sentence(title.en) for title in constant),
    )
    return [ResultFlag("constant_layer", text)]


def _unexpected(assessment: Assessment) -> list[ResultFlag]:
    """Layers whose mean lies where a wrong unit or scale would put it."""
    found = []
    for figure in assessment.assembled.expected:
        quantity = assessment.assembled.graph.quantities[figure.of]
        mean = assessment.figures[figure]
        low, high = quantity.expected or (mean, mean)
        if not low <= mean <= high:
            label = quantity.label
            text = Label(
                f"{figure.of}（{label.zh}）均值为 {mean:.4g} {quantity.unit}，"
                f"预期在 {low:g} 与 {high:g} 之间：请检查输入数据的单位与比例系数",
                f"the mean of {figure.of} ({label.en}) is {mean:.4g} {quantity.unit}; between "
                f"{low:g} and {high:g} is expected: check units and scales of the inputs",
            )
            found.append(ResultFlag("unexpected_mean", text))
    return found
