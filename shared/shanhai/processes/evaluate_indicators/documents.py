"""Documents, table and manifest of an evaluation of indicators."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from shanhai.processes.evaluate_indicators.attainment import Outlook, describe
from shanhai.processes.evaluate_indicators.computations import BY_ID
from shanhai.processes.evaluate_indicators.contract import IndicatorTask
from shanhai.processes.evaluate_indicators.values import Figure, Found, Material, Missing
from shanhai.processes.kit import manifest
from shanhai.processes.kit.task import DatasetTask
from shanhai.science.flags import ResultFlag
from shanhai.science.units import plain, unit_label
from shanhai.vector.formats import neutralised
from shanhai.vocabulary import Label

TABLE_HEAD = (
    *("code", "name_zh", "name_en", "unit", "year", "value", "origin", "counts"),
    *("method_zh", "method_en", "standard", "missing_zh", "missing_en"),
    *("target_year", "target", "status", "gap", "slope_per_year", "p_value"),
    *("forecast_year", "forecast", "forecast_low", "forecast_high"),
    *("forecast_target_year", "expected"),
)
MOST_LISTED = 50
"""Sections or lines that are kept with a value one by one; the documents of its job have all."""
BY_HAND = Label(
    "人工填报：平台没有该指标的计算",
    "entered by hand: the platform has no computation of this indicator",
)


@dataclass(frozen=True, slots=True)
class Evaluated:
    """An indicator with what its computation gave for each year, and how it stands."""

    outlook: Outlook
    found: Mapping[int, Found]

    @property
    def indicator(self) -> IndicatorTask:
        """The indicator."""
        return self.outlook.indicator


def indicators_document(material: Material, evaluated: Sequence[Evaluated]) -> dict[str, Any]:
    """What was found, with how each value was found."""
    held, region = material.held, material.task.region
    return {
        "plan": {
            "code": material.task.plan,
            "name_zh": held.plan_name_zh,
            "name_en": held.plan_name_en,
        },
        "region": None
        if region is None
        else {"code": region.code, "name_zh": region.name_zh, "name_en": region.name_en},
        "years": material.inputs.years,
        "confidence": material.inputs.confidence,
        "summary": summary(evaluated),
        "indicators": [_indicator(one) for one in evaluated],
    }


def summary(evaluated: Sequence[Evaluated]) -> dict[str, Any]:
    """How many indicators were computed, and how many have each status."""
    status = Counter(one.outlook.standing.status.value for one in evaluated)
    return {
        "indicators": len(evaluated),
        "computed": sum(bool(one.outlook.computed) for one in evaluated),
        "values": sum(len(one.outlook.computed) for one in evaluated),
        "by_hand": sum(one.indicator.computation is None for one in evaluated),
        "status": dict(sorted(status.items())),
    }


def _indicator(one: Evaluated) -> dict[str, Any]:
    own = one.indicator
    computation = None if own.computation is None else BY_ID[own.computation]
    return {
        "code": own.code,
        "indicator": own.indicator,
        "name_zh": own.name_zh,
        "name_en": own.name_en,
        "unit": own.unit,
        "unit_zh": unit_label(own.unit).zh,
        "unit_en": unit_label(own.unit).en,
        "property": "binding" if own.binding else "expected",
        "direction": own.direction,
        "computation": own.computation,
        "formula_zh": None if computation is None else computation.formula.zh,
        "formula_en": None if computation is None else computation.formula.en,
        "computed": [
            _computed(one, year, figure)
            for year, figure in sorted(one.found.items())
            if isinstance(figure, Figure)
        ],
        "missing": list(_missing(one)),
        "entered": [
            {"year": each.year, "value": plain(each.value), "job": each.by_job}
            for each in own.values
        ],
        **describe(one.outlook),
    }


def _computed(one: Evaluated, year: int, figure: Figure) -> dict[str, Any]:
    return {
        "year": year,
        "value": plain(one.outlook.computed[year]),
        "counts": year in one.outlook.counting,
        **origin_of(figure),
    }


def origin_of(figure: Figure) -> dict[str, Any]:
    """How a value was found, by which standard, and from what."""
    return {
        "method_zh": figure.method.zh,
        "method_en": figure.method.en,
        "standard": None if figure.standard is None else dict(figure.standard),
        "inputs": dict(figure.inputs),
    }


def provenance_of(one: Evaluated, year: int) -> dict[str, Any]:
    """What is kept with a recorded value: formula, method, standard, inputs and parts.

    Raises:
        LookupError: nothing was computed for the year.
    """
    figure, computation = one.found[year], one.indicator.computation
    if not isinstance(figure, Figure) or computation is None:
        raise LookupError(f"{one.indicator.code} has no computed value of {year}")
    formula = BY_ID[computation].formula
    told = {**origin_of(figure), "details": dict(figure.details)}
    return {
        "computation": computation,
        "formula_zh": formula.zh,
        "formula_en": formula.en,
        **{name: brief(member) for name, member in told.items()},
    }


def brief(member: Any) -> Any:
    """A member of a document in which long lists are told by their count and SHA-256."""
    if isinstance(member, Mapping):
        return {name: brief(value) for name, value in member.items()}
    if isinstance(member, list) and len(member) > MOST_LISTED:
        held = orjson.dumps(member, option=orjson.OPT_SORT_KEYS)
        return {"count": len(member), "sha256": hashlib.sha256(held).hexdigest()}
    return member


def _missing(one: Evaluated) -> Iterable[dict[str, Any]]:
    if one.indicator.computation is None:
        yield {"year": None, "zh": BY_HAND.zh, "en": BY_HAND.en}
    for year, found in sorted(one.found.items()):
        if isinstance(found, Missing):
            yield {"year": year, "zh": found.reason.zh, "en": found.reason.en}


def statistics_document(evaluated: Sequence[Evaluated]) -> dict[str, Any]:
    """The parts of every value, such as the class of each section."""
    return {
        "indicators": [
            {
                "code": one.indicator.code,
                "computation": one.indicator.computation,
                "years": [
                    {"year": year, "details": dict(found.details)}
                    for year, found in sorted(one.found.items())
                    if isinstance(found, Figure)
                ],
            }
            for one in evaluated
            if one.outlook.computed
        ]
    }


def table_rows(document: Mapping[str, Any]) -> Iterable[list[Any]]:
    """A row for each value that was computed or is known, and for each that is missing."""
    for one in document["indicators"]:
        head = [one["code"], one["name_zh"], one["name_en"], one["unit"]]
        tail = _tail(one)
        computed = {each["year"]: each for each in one["computed"]}
        for year, each in computed.items():
            standard = each["standard"]["id"] if each["standard"] else None
            yield _safe(
                [
                    *(*head, year, each["value"], "computed", each["counts"]),
                    *(each["method_zh"], each["method_en"], standard, None, None, *tail),
                ]
            )
        for each in one["entered"]:
            counts = not computed.get(each["year"], {}).get("counts", False)
            origin = "entered" if each["job"] is None else "computed before"
            yield _safe(
                [
                    *(*head, each["year"], each["value"], origin, counts),
                    *(None, None, None, None, None, *tail),
                ]
            )
        for each in one["missing"]:
            yield _safe(
                [
                    *(*head, each["year"], None, None, None, None, None, None),
                    *(each["zh"], each["en"], *tail),
                ]
            )


def _tail(one: Mapping[str, Any]) -> list[Any]:
    target, trend, ahead = one["target"] or {}, one["trend"] or {}, one["forecast"] or {}
    return [
        *(target.get("year"), target.get("value"), one["status"], one["gap"]),
        *(trend.get("per_year"), trend.get("p_value"), ahead.get("year"), ahead.get("value")),
        *(ahead.get("low"), ahead.get("high"), ahead.get("target_year"), ahead.get("expected")),
    ]


def _safe(cells: Iterable[Any]) -> list[Any]:
    """Cells of which no text becomes a formula."""
    return [neutralised(cell) if isinstance(cell, str) else cell for cell in cells]


def build_manifest(material: Material, warnings: list[dict[str, str]]) -> dict[str, Any]:
    """The manifest; only `job_id` and `created_utc` differ between equal runs."""
    task, held = material.task, material.held
    return manifest.build_manifest(
        task,
        None,
        inputs=[_dataset(key, one) for key, one in sorted(task.datasets.items())],
        indicators=[one.model_dump(mode="json") for one in held.indicators],
        stations=[one.model_dump(mode="json") for one in held.stations],
        air=[one.model_dump(mode="json") for one in held.air],
        control_areas=[one.model_dump(mode="json", exclude={"geometry"}) for one in held.shapes],
        sea_units=[one.code for one in held.sea_units],
        warnings=warnings,
    )


def _dataset(key: str, dataset: DatasetTask) -> dict[str, Any]:
    return {
        **manifest.dataset_record(dataset),
        "read_as": key,
        "resampling": "nearest" if key.startswith("land_cover") else "bilinear",
    }


def flags_of(evaluated: Sequence[Evaluated]) -> list[ResultFlag]:
    """What a reader should know: values beside one by hand, thin years and unknown land."""
    flags = []
    for one in evaluated:
        beside = sorted(set(one.outlook.computed) - one.outlook.counting)
        name = Label(one.indicator.name_zh, one.indicator.name_en)
        if beside:
            years = ", ".join(map(str, beside))
            flags.append(
                ResultFlag.of(
                    "entered_by_hand_kept",
                    f"{name.zh}：{years} 年已有人工填报值，计算值未替换",
                    f"{name.en}: {years} has a value entered by hand, which was kept",
                )
            )
        for year, found in one.found.items():
            flags += _gaps(name, year, found.details if isinstance(found, Figure) else {})
    return flags


def _gaps(name: Label, year: int, details: Mapping[str, Any]) -> Iterable[ResultFlag]:
    if details.get("enough_days") is False:
        said = Label(
            f"{name.zh}：{year} 年有效天数不足 324 天",
            f"{name.en}: {year} has fewer than 324 valid days",
        )
        yield ResultFlag("few_valid_days", said)
    if (missing := details.get("missing_percent", 0.0)) > 1:
        said = Label(
            f"{name.zh}：{year} 年土地覆盖在 {missing:.1f} % 的陆地缺测，未计入",
            f"{name.en}: land cover of {year} is unknown in {missing:.1f} % of the land, which is"
            " left out",
        )
        yield ResultFlag("missing_cells", said)
    if (missing := details.get("untimed_percent", 0.0)) > 1:
        said = Label(
            f"{name.zh}：{year} 年 {missing:.1f} % 的建设用地没有步行时间，未计入",
            f"{name.en}: {missing:.1f} % of built-up land has no time on foot in {year}: left out",
        )
        yield ResultFlag("missing_cells", said)
