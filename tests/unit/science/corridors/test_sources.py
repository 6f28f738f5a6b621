from dataclasses import replace

import numpy as np
import pytest

from shanhai.errors import InvalidInput
from shanhai.science.corridors.connectivity import dispersal_graph, link_graph, patch_importance
from shanhai.science.corridors.source_parameters import SourceEvidence, SourceParameters
from shanhai.science.corridors.sources import identify_sources, source_levels

PARAMETERS = SourceParameters(min_area_ha=2, dpc_min=5)


def cores() -> np.ndarray:
    """Of 100 m cells: 100, 25, 16 and 4 ha, the last far away, and one cell too small."""
    core = np.zeros((40, 60), dtype=bool)
    core[2:12, 2:12] = True
    core[2:7, 15:20] = True
    core[15:19, 2:6] = True
    core[36:38, 56:58] = True
    core[30, 30] = True
    return core


def test_sources_by_connectivity() -> None:
    found = identify_sources(cores(), 100, PARAMETERS)
    assert found.patches.area_ha.tolist() == [100, 25, 16]
    assert found.dropped == 1
    assert found.level.tolist() == [1, 2, 2]
    # The far patch counts too: its ways run from edge to edge.
    areas, gaps = np.array([100.0, 25, 16, 4]), np.zeros((4, 4))
    gaps[np.triu_indices(4, 1)] = np.hypot([3, 0, 44, 9, 36, 50], [0, 3, 24, 8, 29, 17])
    dpc, diic = (
        patch_importance(graph(areas, 100 * (gaps + gaps.T), 2500)).total
        for graph in (dispersal_graph, link_graph)
    )
    np.testing.assert_allclose(found.dpc.total, dpc[:3], rtol=1e-9)
    np.testing.assert_allclose(found.diic, diic[:3], rtol=1e-9)
    assert found.highest_dpc == dpc.max()
    assert set(found.dpc_by_d50) == {1000, 2500, 5000}
    np.testing.assert_array_equal(found.dpc_by_d50[2500], found.dpc.total)
    assert np.isnan(found.importance).all()
    assert np.isnan(found.red_line_share).all()


def test_the_red_line_keeps_what_connects_little() -> None:
    red_line = np.zeros((40, 60), dtype=bool)
    red_line[36:38, 55:57] = True
    found = identify_sources(cores(), 100, PARAMETERS, SourceEvidence(red_line=red_line))
    assert found.patches.area_ha.tolist() == [100, 25, 16, 4]
    assert found.red_line_share.tolist() == [0, 0, 0, 0.5]
    red_line[36, 56] = False
    assert (
        identify_sources(cores(), 100, PARAMETERS, SourceEvidence(red_line=red_line)).dropped == 1
    )


def test_quality_weighs_area_and_importance_is_told() -> None:
    values = np.full((40, 60), 0.1)
    values[15:19, 2:6] = 1.0
    found = identify_sources(
        cores(), 100, PARAMETERS, SourceEvidence(importance=values, quality=values)
    )
    assert found.dpc.intra[2] == pytest.approx(found.dpc.intra[0] * (16 / 10) ** 2)
    np.testing.assert_allclose(found.importance, [0.1, 0.1, 1.0])


def test_an_unusual_share_and_a_single_source_are_told() -> None:
    assert [one.code for one in identify_sources(cores(), 100, PARAMETERS).remarks] == []
    few = identify_sources(cores(), 100, PARAMETERS, area_cells=100_000)
    assert [one.code for one in few.remarks] == ["source_share"]
    assert "0.1%" in few.remarks[0].label.en
    single = identify_sources(cores(), 100, SourceParameters(min_area_ha=50))
    assert [one.code for one in single.remarks] == ["source_share", "single_source"]


def test_levels_by_natural_breaks() -> None:
    assert source_levels(np.array([40.0, 38, 12, 11, 2, 1])).tolist() == [1, 1, 2, 2, 2, 2]
    assert source_levels(np.array([7.0, 7.0])).tolist() == [1, 1]


@pytest.mark.parametrize(
    ("parameters", "pointer"),
    [
        (SourceParameters(min_area_ha=1000), "/min_area_ha"),
        (SourceParameters(min_area_ha=2, dpc_min=99.9), "/dpc_min"),
    ],
)
def test_parameters_that_leave_nothing_are_named(
    parameters: SourceParameters, pointer: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        identify_sources(cores(), 100, parameters)
    assert refused.value.faults[0].pointer == pointer


@pytest.mark.parametrize(
    "name", ["min_area_ha", "merge_gap_m", "dpc_min", "d50_m", "pc_share", "erosion_cells"]
)
def test_parameters_out_of_range_are_named(name: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        replace(SourceParameters(), **{name: -1})
    assert refused.value.faults[0].pointer == f"/{name}"
    with pytest.raises(InvalidInput, match="d50_m is 0"):
        SourceParameters(d50_m=0)


def test_a_patch_of_unknown_quality_is_refused() -> None:
    with pytest.raises(InvalidInput, match="1 of 4 patches"):
        identify_sources(
            cores(),
            100,
            PARAMETERS,
            SourceEvidence(quality=np.where(np.arange(60) > 50, np.nan, 0.5) + np.zeros((40, 60))),
        )
