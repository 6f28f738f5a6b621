"""What a scenario without a server is given in files: its edits, and a former assessment."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from shanhai.errors import Fault, InvalidInput
from shanhai.processes.kit.task import (
    AreaTask,
    AssessedTask,
    DistrictTask,
    ReferenceTask,
    RegionTask,
)
from shanhai.processes.run_scenario.contract import RunScenarioInputs
from shanhai.processes.run_scenario.resolve import ASSESSMENT, judge_assessed


@dataclass(frozen=True, slots=True)
class FormerAssessment:
    """An assessment that was made before.

    Attributes:
        task: What it was asked for.
        region: Where.
        checksums: SHA-256 of the raster of each theme it read.
    """

    task: AssessedTask
    region: RegionTask
    checksums: Mapping[str, str]


class _Input(BaseModel):
    theme: str
    sha256: str


class _Lines(BaseModel):
    areas: list[AreaTask] = []


class _Manifest(BaseModel):
    """What of a manifest a scenario is held against; what else it tells is not needed."""

    model_config = ConfigDict(frozen=True)

    process: str
    job_id: str | None = None
    request: dict[str, Any]
    seed: int = 0
    region: RegionTask
    inputs: list[_Input]
    control_areas: _Lines = Field(default_factory=_Lines)
    unit_polygons: list[DistrictTask] = []
    reference: ReferenceTask | None = None


def read_former(path: Path) -> FormerAssessment:
    """The assessment of a manifest.

    Raises:
        InvalidInput: the file is none, or lacks what the assessment is computed from.
    """
    try:
        manifest = _Manifest.model_validate_json(path.read_bytes())
    except ValidationError as error:
        missing = ", ".join(".".join(map(str, one["loc"])) or one["type"] for one in error.errors())
        raise InvalidInput(
            f"{path.name} is no manifest of an assessment; missing or wrong: {missing}",
            message_zh=f"{path.name} 不是评估的清单；缺少或有误：{missing}",
            pointer=ASSESSMENT,
        ) from error
    task = AssessedTask(
        process=manifest.process,
        job_id=manifest.job_id,
        inputs=manifest.request,
        seed=manifest.seed,
        themes=sorted(one.theme for one in manifest.inputs),
        areas=manifest.control_areas.areas,
        units=manifest.unit_polygons,
        reference=manifest.reference,
    )
    checksums = {one.theme: one.sha256 for one in manifest.inputs}
    return FormerAssessment(task, manifest.region, checksums)


def judge_former(
    inputs: RunScenarioInputs, former: FormerAssessment | None, region: RegionTask
) -> list[Fault]:
    """What keeps a scenario from being held against an assessment, where that is asked for."""
    if not inputs.compares_services:
        return []
    if former is None:
        return [
            Fault(
                ASSESSMENT,
                "the ratio and the zones before the edits are those of an assessment: give the "
                "manifest it left",
                "编辑前的供需比与分区取自一次评估：请给出该评估的清单文件",
            )
        ]
    return judge_assessed(inputs, former.task, region, former.region)


def judge_inputs_of(former: FormerAssessment, checksums: Mapping[str, str]) -> list[Fault]:
    """A fault for each raster that is not the one the assessment read.

    Args:
        former: The assessment.
        checksums: SHA-256 of the raster of each theme there is.
    """
    return [
        _other_file(theme, expected, there=theme in checksums)
        for theme, expected in former.checksums.items()
        if checksums.get(theme) != expected
    ]


def _other_file(theme: str, expected: str, *, there: bool) -> Fault:
    said, said_zh = ("is another file", "不是同一文件") if there else ("is missing", "未给出")
    return Fault(
        f"/inputs/datasets/{theme}",
        f"{said}: the assessment read one with SHA-256 {expected}",
        f"{said_zh}：评估所读文件的 SHA-256 为 {expected}",
    )
