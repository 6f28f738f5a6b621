"""The manifest of an assessment, to compute it again, and what a reader must know of it."""

import hashlib
import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from shanhai.errors import InvalidInput
from shanhai.processes.assess_ecoservices.alignment import COVER
from shanhai.processes.assess_ecoservices.assessed import Assessment, compared_by, missing_cells
from shanhai.processes.assess_ecoservices.contract import (
    AssessmentInputs,
    FrozenLimits,
    FrozenReference,
)
from shanhai.processes.assess_ecoservices.plausibility import in_sentence
from shanhai.processes.kit.manifest import build_manifest
from shanhai.processes.kit.task import DatasetTask, Task
from shanhai.science.ecoservices.assembly import Assembled, CheckedFigures
from shanhai.science.ecoservices.graph import AreaFigure, LayerNode
from shanhai.science.ecoservices.inputs import LEAVES
from shanhai.science.ecoservices.layers import RELIEF_RADIUS_M
from shanhai.science.ecoservices.method import OptionSpec, ParameterSpec, Quantity, TableSpec
from shanhai.science.ecoservices.recreation import ACCESS_CUTOFF_M, WATER_CUTOFF_M
from shanhai.science.flags import ResultFlag
from shanhai.science.landcover import LandCover
from shanhai.science.matching import weight_shares
from shanhai.science.normalisation import LIMIT_PROBABILITIES
from shanhai.vocabulary import Label, label_of

USER = "user"
"""Status of what the run changed."""

Spec = ParameterSpec | OptionSpec | TableSpec


def derived_forms(assessment: Assessment) -> dict[str, str]:
    """Which of its forms each layer took; the forms of one layer differ by tens of percent."""
    graph = assessment.assembled.graph
    forms = {key: one.source for key, one in graph.quantities.items() if "." not in key}
    return {key: source for key, source in forms.items() if source} | {
        "sea": "land_cover" if "land_cover" in assessment.place.sources else "none"
    }


def parameters_of(inputs: AssessmentInputs, assessment: Assessment) -> dict[str, Any]:
    """Every number, way and table of the run, each with its source and status."""
    graph = assessment.assembled.graph
    return {
        "cell_m": inputs.cell_m,
        "fill_zero": inputs.fill_zero,
        "parameters": inputs.parameters.model_dump(),
        "layers": [
            record
            for key, quantity in graph.quantities.items()
            for record in _records(quantity, graph.nodes[key])
        ],
        "reach": {
            "halo_cells": assessment.plan.halo,
            "water_cutoff_m": WATER_CUTOFF_M,
            "access_cutoff_m": ACCESS_CUTOFF_M,
            "relief_radius_m": RELIEF_RADIUS_M,
        },
    }


def _records(quantity: Quantity, node: LayerNode) -> Iterator[dict[str, Any]]:
    specs: tuple[Spec, ...] = (*quantity.parameters, *quantity.options, *quantity.tables)
    for one in specs:
        yield {
            "layer": node.key,
            "kind": _kind(one),
            "name": one.name,
            "value": _told(node.constants[one.name]),
            "unit": "" if isinstance(one, OptionSpec) else one.unit,
            "source": one.source,
            "status": USER if _changed(one, node) else one.status.value,
        }


def _kind(spec: Spec) -> str:
    if isinstance(spec, OptionSpec):
        return "option"
    return "table" if isinstance(spec, TableSpec) else "parameter"


def _changed(spec: Spec, node: LayerNode) -> bool:
    own = dict(spec.values) if isinstance(spec, TableSpec) else spec.default
    return bool(node.constants[spec.name] != own)


def _told(value: Any) -> Any:
    if not isinstance(value, Mapping):
        return value
    return {LandCover(code).name.lower(): number for code, number in value.items()}


def figures_of(assessment: Assessment) -> list[dict[str, Any]]:
    """Every number of the whole area that was taken or given; not those no cell gave."""
    return [
        {
            "of": figure.of,
            "kind": figure.kind,
            "probability": figure.probability,
            "where": figure.where,
            "value": value,
        }
        for figure, value in sorted(assessment.figures.items(), key=_place)
        if not math.isnan(value)
    ]


def _place(entry: tuple[AreaFigure, float]) -> tuple[str, str, str, float]:
    """Where a number stands in the list, however it came to be known."""
    figure = entry[0]
    return figure.of, figure.where or "", figure.kind, figure.probability or 0.0


def normalisation_limits(inputs: AssessmentInputs, assessment: Assessment) -> list[dict[str, Any]]:
    """Pairs of quantiles between which layers are normalised, as a later run may be given them."""
    given = {(one.layer, one.where): one for one in inputs.frozen_limits}
    found: dict[tuple[str, str | None], list[AreaFigure]] = {}
    for figure, _ in sorted(assessment.figures.items(), key=_place):
        if figure.kind == "quantile":
            found.setdefault((figure.of, figure.where), []).append(figure)
    return [
        _limits(_pair(taken), assessment, given.get(place), inputs.normalisation)
        for place, taken in found.items()
        if len(taken) > 1
    ]


def _pair(taken: list[AreaFigure]) -> tuple[AreaFigure, AreaFigure]:
    """The quantiles a layer is normalised between, of all that were taken of it."""
    usual = [one for one in taken if one.probability in LIMIT_PROBABILITIES]
    low, *_, high = sorted(
        usual if len(usual) > 1 else taken, key=lambda one: one.probability or 0.0
    )
    return low, high


def _limits(
    pair: tuple[AreaFigure, AreaFigure],
    assessment: Assessment,
    given: FrozenLimits | None,
    reference: FrozenReference | None,
) -> dict[str, Any]:
    low, high = pair
    figures = assessment.figures
    frozen = str(reference.source) if reference and low in assessment.given else None
    return {
        "layer": low.of,
        "lo": figures[low],
        "hi": figures[high],
        "quantiles": [low.probability, high.probability],
        "where": low.where,
        "frozen_from": (given.frozen_from or "given") if given else frozen,
    }


SCHEMA_VERSION = 2


def assessment_manifest(
    task: Task, inputs: AssessmentInputs, assessment: Assessment
) -> dict[str, Any]:
    """The manifest; only `job_id` and `created_utc` differ between equal runs."""
    assembled = assessment.assembled
    warnings = [warning.document() for warning in assessment.warnings]
    of_place = build_manifest(task, assessment.place, warnings=warnings)
    return {
        **of_place,
        "schema_version": SCHEMA_VERSION,
        "aoi": of_place["aoi"] | _coverage(assessment),
        "inputs": [
            one | {"year": _year(task.datasets[theme])} | assessment.tallies[theme].document()
            for theme, one in zip(assessment.place.sources, of_place["inputs"], strict=True)
        ],
        "request": inputs.model_dump(mode="json"),
        "profile": inputs.profile,
        "methods": {service: method.id for service, method in assembled.methods.items()},
        "fallbacks": {
            service: {"wanted": wanted, "missing": list(names)}
            for service, (wanted, names) in assembled.taken.fallbacks.items()
        },
        "not_measured": {
            service: {method: list(names) for method, names in lacks.items()}
            for service, lacks in assembled.taken.not_measured.items()
        },
        "left_out": {service: list(names) for service, names in assembled.taken.left_out.items()},
        "derived": derived_forms(assessment),
        "parameters": parameters_of(inputs, assessment),
        "frozen_limits": normalisation_limits(inputs, assessment),
        "figures": figures_of(assessment),
        "ratio": _ratio(inputs, assessment),
        **_reference(task, inputs),
        "flags": [flag.document() for flag in assessment.flags],
    }


def _reference(task: Task, inputs: AssessmentInputs) -> dict[str, Any]:
    """The run whose numbers were taken over, whole: to compute this one again without it."""
    if task.reference is None or inputs.normalisation is None:
        return {}
    return {"frozen_from": task.reference.name, "reference": task.reference.model_dump(mode="json")}


def _coverage(assessment: Assessment) -> dict[str, Any]:
    own, coverage = assessment.place.store, assessment.coverage
    mask = own.read_classes("valid", own.whole)
    return {
        "region_cells": coverage.inside,
        "sea_cells": coverage.sea,
        "valid_cells": coverage.valid,
        "missing_cells": dict(coverage.missing),
        "sha256_mask": hashlib.sha256(mask.tobytes()).hexdigest(),
        "edge_effect": assessment.edge_effect,
    }


def _year(dataset: DatasetTask) -> int | None:
    """The year of an input that was observed within one."""
    first, last = dataset.observed_from, dataset.observed_to
    return first.year if first and last and first.year == last.year else None


def _ratio(inputs: AssessmentInputs, assessment: Assessment) -> dict[str, Any]:
    extremes = assessment.extremes
    return {
        "max_mode": inputs.parameters.max_mode,
        "weights": weight_shares(inputs.parameters.weights),
        "min_services": inputs.min_services,
        "compared": {
            service: compared_by(method) for service, method in assessment.assembled.methods.items()
        },
        "maxima": {
            service: {
                "supply": extremes[f"supply.{service}"].cap,
                "demand": extremes[f"demand.{service}"].cap,
                "unit": method.unit,
            }
            for service, method in assessment.assembled.methods.items()
            if method.is_physical
        },
    }


_COVER_CUT = ResultFlag.of(
    "land_cover_cut",
    "土地覆盖沿区域边界裁切：界外的 0 视为未知而非海域",
    "land cover was cut along the region's border: its 0 outside is taken as unknown, not as sea",
)
_NO_LAND_COVER = ResultFlag.of(
    "no_land_cover", "无土地覆盖：未掩膜海域", "no land cover: the sea is not masked"
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
        *_not_measured(assessment),
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
    return ResultFlag.of(
        "edge_effect",
        f"有输入数据在区域外不足 {reach_km:g} km 处终止：边界附近考虑邻域的结果只反映已有数据",
        f"an input ends less than {reach_km:g} km outside the region: what looks around a "
        "cell sees near the border only what is inside",
    )


def _alternatives(assessment: Assessment) -> list[ResultFlag]:
    """Layers that stand for better ones that were not given."""
    sources, leaves = assessment.place.sources, assessment.assembled.graph.quantities
    found = []
    if "population" not in sources and "exposure" in leaves:
        text = Label(
            "无人口数据：以夜间灯光代替暴露度", "no population: exposure follows the night lights"
        )
        found.append(ResultFlag("no_population", text))
    if COVER not in sources and "naturalness" in leaves:
        text = Label(
            "无土地覆盖：以植被覆盖度代替自然度", "no land cover: naturalness is vegetation cover"
        )
        found.append(ResultFlag("no_land_cover_naturalness", text))
    return found


def _fallbacks(assessment: Assessment) -> list[ResultFlag]:
    """Services that are calculated otherwise than asked for, or not at all."""
    assembled = assessment.assembled
    taken = [
        ResultFlag.of(
            "method_fallback",
            f"{label_of(service).zh}缺少{_joined_zh(names)}：以方法 "
            f"{assembled.methods[service].id} 代替 {wanted}",
            f"{label_of(service).en} lacks {_joined_en(names)}: the method "
            f"{assembled.methods[service].id} took the place of {wanted}",
        )
        for service, (wanted, names) in assembled.taken.fallbacks.items()
    ]
    left = [
        ResultFlag.of(
            "service_left_out",
            f"{label_of(service).zh}缺少{_joined_zh(names)}，未评估",
            f"{label_of(service).en} lacks {_joined_en(names)} and is left out",
        )
        for service, names in assembled.taken.left_out.items()
    ]
    return [*taken, *left]


_NUMBERS: Mapping[str, Label] = {
    "industrial_use": Label("工业与生态用水总量", "total of industrial and ecological water use"),
    "emissions_total": Label("碳排放总量", "total of carbon emitted"),
    "years": Label("两期碳密度相隔年数", "years between the two carbon densities"),
    "storm_mm": Label("设计暴雨", "design storm"),
}
"""Numbers of the whole area that a method must be given."""


def lack_title(name: str) -> Label:
    """What a number or layer that a method lacks is called."""
    leaf = LEAVES.get(name)
    known = _NUMBERS.get(name)
    if known is None and leaf is not None and leaf.theme is not None:
        known = label_of(leaf.theme)
    return Label(name, name) if known is None else known


def _joined_zh(names: Iterable[str]) -> str:
    return "、".join(f"{lack_title(one).zh} {one}" for one in names)


def _joined_en(names: Iterable[str]) -> str:
    return ", ".join(f"{lack_title(one).en.lower()} {one}" for one in names)


def _not_measured(assessment: Assessment) -> list[ResultFlag]:
    """`index_method`: services without physical zero that more data would give one."""
    lacks = assessment.assembled.taken.not_measured
    if not lacks:
        return []
    # What the first method lacks is what a planner should look for.
    first = [(label_of(service), next(iter(one.values()))) for service, one in lacks.items()]
    text = Label(
        "下列服务以指数法计算，只能比较位次；补齐所缺即可按实物量计算："
        + "；".join(f"{title.zh}（缺{_joined_zh(names)}）" for title, names in first),
        "calculated by indices, whose ranks alone compare; measured in units when given what they"
        " lack: "
        + "; ".join(f"{title.en.lower()} ({_joined_en(names)})" for title, names in first),
    )
    return [ResultFlag("index_method", text)]


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
