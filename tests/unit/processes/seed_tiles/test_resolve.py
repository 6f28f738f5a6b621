"""What is refused of seeding before a tile service is asked."""

import pytest

from shanhai.errors import Fault
from shanhai.jobs.messages import name_stage
from shanhai.processes.seed_tiles.contract import SEED_TILES, SeedTilesInputs
from shanhai.processes.seed_tiles.resolve import judge_seeding


def faults_of(**inputs: object) -> list[Fault]:
    return list(judge_seeding(SeedTilesInputs.model_validate({"layers": ["zones"], **inputs})))


@pytest.mark.parametrize(
    "inputs",
    [
        {},
        {"pack": "pmtiles", "format": "png"},
        {"grid": "CGCS2000GK117", "bbox": [118, 24, 119, 25]},
        {"min_zoom": 3, "max_zoom": 3, "region": "xiamen"},
        {"bbox": [-180, -90, 180, 90], "rescale": [-1, 1]},
    ],
)
def test_what_makes_sense_is_accepted(inputs: dict[str, object]) -> None:
    assert faults_of(**inputs) == []


@pytest.mark.parametrize(
    ("inputs", "pointer"),
    [
        ({"min_zoom": 4, "max_zoom": 3}, "/inputs/max_zoom"),
        ({"layers": ["zones", "zones"]}, "/inputs/layers"),
        ({"rescale": [1, 1]}, "/inputs/rescale"),
        ({"rescale": [1, 1 + 1e-9]}, "/inputs/rescale"),
        ({"rescale": [0, 1e39]}, "/inputs/rescale"),
        ({"rescale": [0, 1e-37]}, "/inputs/rescale"),
        ({"bbox": [119, 24, 118, 25]}, "/inputs/bbox"),
        ({"bbox": [118, 24, 119, 91]}, "/inputs/bbox"),
        ({"bbox": [118, 24, 119, 25], "region": "xiamen"}, "/inputs/bbox"),
        ({"pack": "mbtiles", "grid": "CGCS2000Quad"}, "/inputs/grid"),
        ({"pack": "pmtiles", "grid": "c"}, "/inputs/grid"),
        ({"pack": "pmtiles", "format": "npy"}, "/inputs/format"),
    ],
)
def test_each_fault_is_told_with_its_pointer_in_both_languages(
    inputs: dict[str, object], pointer: str
) -> None:
    (fault,) = faults_of(**inputs)
    assert fault.pointer == pointer
    assert fault.detail_zh is not None
    assert fault.detail_zh != fault.detail
    assert any("\u4e00" <= letter <= "\u9fff" for letter in fault.detail_zh)


def test_all_faults_are_told_at_once() -> None:
    found = faults_of(min_zoom=9, max_zoom=1, pack="pmtiles", grid="c", format="npy")
    assert [fault.pointer for fault in found] == [
        "/inputs/max_zoom",
        "/inputs/grid",
        "/inputs/format",
    ]


def test_stages_with_a_number_are_told_in_words() -> None:
    assert name_stage("zoom:12", "en", SEED_TILES.stages) == "Drawing tiles of level 12"
    assert name_stage("zoom:12", "zh", SEED_TILES.stages) == "绘制第 12 级瓦片"
    assert name_stage("tiles:341", "zh", SEED_TILES.stages) == "共 341 个瓦片"
    assert name_stage("ratio", "en", SEED_TILES.stages) == "Computing supply–demand ratios"
    assert name_stage("nobody:knows", "en", SEED_TILES.stages) == "nobody:knows"
