"""The manifest of an evaluation of indicators: what it was computed from, shapes by checksum."""

from collections.abc import Sequence
from typing import Any

from shanhai.processes.evaluate_indicators.documents import Evaluated
from shanhai.processes.evaluate_indicators.values import Figure, Material
from shanhai.processes.kit.manifest import SCHEMA_VERSION
from shanhai.processes.kit.run_record import run_record
from shanhai.processes.kit.task import DatasetTask
from shanhai.science.flags import ResultFlag
from shanhai.vocabulary import Label


def build_manifest(material: Material, warnings: list[dict[str, str]]) -> dict[str, Any]:
    """The manifest; only `job_id` and `created_utc` differ between equal runs."""
    task, held = material.task, material.held
    return {
        "schema_version": SCHEMA_VERSION,
        **run_record(task),
        "request": task.inputs,
        "inputs": [_dataset(key, one) for key, one in sorted(task.datasets.items())],
        "indicators": [one.model_dump(mode="json") for one in held.indicators],
        "stations": [one.model_dump(mode="json") for one in held.stations],
        "air": [one.model_dump(mode="json") for one in held.air],
        "control_areas": [one.model_dump(mode="json", exclude={"geometry"}) for one in held.shapes],
        "sea_units": [one.code for one in held.sea_units],
        "warnings": warnings,
    }


def _dataset(key: str, dataset: DatasetTask) -> dict[str, Any]:
    return {
        **dataset.model_dump(
            mode="json",
            include={
                *("theme", "uri", "unit", "native_resolution_m", "source", "licence"),
                *("name_zh", "name_en", "stand_in", "stand_in_note_zh", "stand_in_note_en"),
                *("observed_from", "observed_to"),
            },
        ),
        "id": dataset.code,
        "sha256": dataset.checksum,
        "read_as": key,
        "resampling": "nearest" if key.startswith("land_cover") else "bilinear",
    }


def flags_of(evaluated: Sequence[Evaluated]) -> list[ResultFlag]:
    """What a reader should know: values that stand beside one by hand, and thin years."""
    flags = []
    for one in evaluated:
        beside = sorted(set(one.outlook.computed) - one.outlook.counting)
        name = Label(one.indicator.name_zh, one.indicator.name_en)
        if beside:
            years = ", ".join(map(str, beside))
            flags.append(
                ResultFlag(
                    "entered_by_hand_kept",
                    Label(
                        f"{name.zh}：{years} 年已有人工填报值，计算值未替换",
                        f"{name.en}: {years} has a value entered by hand, which was kept",
                    ),
                )
            )
        flags += [_thin(name, year) for year, found in one.found.items() if _is_thin(found)]
    return flags


def _is_thin(found: object) -> bool:
    return isinstance(found, Figure) and found.details.get("enough_days") is False


def _thin(name: Label, year: int) -> ResultFlag:
    return ResultFlag(
        "few_valid_days",
        Label(
            f"{name.zh}：{year} 年有效天数不足 324 天",
            f"{name.en}: {year} has fewer than 324 valid days",
        ),
    )
