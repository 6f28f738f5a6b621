"""Verification figures of Circuitscape.jl (MIT licence; Anantharaman et al. 2020), to its digits.

Its cases sgVerify10 and 11, oneToAllVerify9 and 11, allToOneVerify9 and 11 and mgVerify5: regions
of several cells, partly on nodata, short-circuit regions that share cells with them, weak grounds.
"""

from dataclasses import replace

import numpy as np
import pytest

from shanhai.science.corridors.circuit import substructures
from shanhai.science.corridors.circuit.advanced import advanced
from shanhai.science.corridors.circuit.modes import all_to_one, one_to_all, pairwise
from shanhai.science.corridors.circuit.solver import CircuitSettings, Method
from shanhai.science.grid import FloatArray, IntArray
from tests.unit.science.corridors.circuit.networks import UNIT

RESISTANCES = CircuitSettings(joining="average_resistance")
CONDUCTANCES = CircuitSettings(joining="average_conductance")


def grid(text: str) -> FloatArray:
    return np.array([row.split() for row in text.strip().splitlines()], dtype=np.float64)


def regions(text: str) -> IntArray:
    return grid(text.replace(".", "0")).astype(np.int64)


def of_conductance(text: str) -> FloatArray:
    conductance = grid(text.replace("-", "0"))
    with np.errstate(divide="ignore"):
        return 1 / conductance


POINTS = regions("""
1 2 . . .
. . . . .
3 . . 7 .
4 . . . .
1 . . . 2
""")
GAPPED = of_conductance("""
- - - 1 1
- - - 3.01 2
1 2 2 1 1
1 2 2 1 1
1 2 2 - 1
""")
GAPPED_SHORT = regions("""
1 9 . . .
. . . . .
. . . 9 .
1 . . . .
1 . . . 2
""")
WHOLE = of_conductance("""
1 1 2.002 1 1
1 2 2 3.01 2
1 2 2 1 1
1 2 2 1 1
1 2 2 1 1
""")
WHOLE_SHORT = regions("""
. 3 3 3 2
. . . . .
. . 6 . .
. . 5 . .
. . 5 . 2
""")


@pytest.fixture(params=["direct", "windows"])
def method(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Method:
    """How circuits are solved; windows are two cells wide."""
    monkeypatch.setattr(substructures, "WINDOW_SIDE", 2)
    found: Method = request.param
    return found


def agree(found: FloatArray, expected: FloatArray) -> None:
    """Its maps were solved to fewer digits than ours."""
    np.testing.assert_allclose(np.nan_to_num(found), expected, atol=1e-6, rtol=0)


@pytest.mark.parametrize(
    ("short", "expected"),
    [
        (
            None,
            """
            0 1.301128923 0.6608942844 0.422582884 0.6793577214
            1.301128923 0 1.290061343 1.174527439 0.8642225397
            0.6608942844 1.290061343 0 0.422582884 0.6609479645
            0.422582884 1.174527439 0.422582884 0 0.5490851492
            0.6793577214 0.8642225397 0.6609479645 0.5490851492 0
            """,
        ),
        (
            GAPPED_SHORT,
            """
            0 0.4818662422 0.4024945292 0 0.4985357057
            0.4818662422 0 0.6379883491 0.4818662422 0
            0.4024945292 0.6379883491 0 0.4024945292 0.6540425805
            0 0.4818662422 0.4024945292 0 0.4985357057
            0.4985357057 0 0.6540425805 0.4985357057 0
            """,
        ),
    ],
    ids=["sgVerify10", "sgVerify11"],
)
def test_pairs(short: IntArray | None, expected: str, method: Method) -> None:
    asked = replace(RESISTANCES, method=method)
    found = pairwise(GAPPED, POINTS, UNIT, asked, short_circuits=short)
    np.testing.assert_allclose(found.resistance, grid(expected), atol=1e-9)


def test_one_to_all_over_nodata(method: Method) -> None:
    asked = replace(RESISTANCES, method=method)
    found = one_to_all(GAPPED, POINTS, UNIT, asked, short_circuits=GAPPED_SHORT)
    np.testing.assert_allclose(
        found.resistance,
        [0.2802114009, 0.4441654859, 0.3709984087, 0.2802114009, 0.4441654859],
        atol=1e-9,
    )
    agree(
        found.maps.cumulative,
        grid("""
        4.132253488 3.131219515 0 0.03220653904 0.0325359129
        0 0 0 0.5963306339 0.1816778302
        2.73652666 1.461806676 1.565587805 3.131219515 0.2113226123
        4.132253488 1.963111309 1.462325403 1.057391321 0.2655366826
        4.132253488 1.130799177 0.6460522732 0 3.131219515
        """),
    )


def test_all_to_one_over_nodata(method: Method) -> None:
    asked = replace(RESISTANCES, method=method)
    found = all_to_one(GAPPED, POINTS, UNIT, asked, short_circuits=GAPPED_SHORT)
    agree(
        found.maps.cumulative,
        grid("""
        12.06587755 11.99999996 0 0.1242283318 0.1254987859
        0 0 0 2.298251964 0.7004206755
        7.99999992 4.830502434 6.043019792 11.99999996 0.8113175262
        12.06587755 6.318009909 5.45883511 4.034286041 1.015088224
        12.06587755 3.478819759 2.305745191 0 11.99999996
        """),
    )


def test_averages_of_conductances(method: Method) -> None:
    asked = replace(CONDUCTANCES, method=method)
    to_all = one_to_all(WHOLE, POINTS, UNIT, asked, short_circuits=WHOLE_SHORT)
    np.testing.assert_allclose(
        to_all.resistance,
        [0.1818679246, 0.1100515239, 0.2198203856, 0.2093656026, 0.157864073],
        atol=1e-9,
    )
    to_one = all_to_one(WHOLE, POINTS, UNIT, asked, short_circuits=WHOLE_SHORT)
    agree(
        to_one.maps.cumulative,
        grid("""
        8.388536085 8.832968576 8.832968576 8.832968576 8.832968576
        2.014565946 3.787341632 2.703819652 2.52937352 1.025068963
        8.139535209 3.760595186 2.827270996 8.029056067 0.7051792011
        8.211871159 4.03595238 3.497463426 1.523383105 0.7503071661
        8.388536085 2.437965684 3.497463426 0.8172614229 8.832968576
        """),
    )


def test_any_sources_and_weak_grounds() -> None:
    sources = grid("1 0 0 1 0\n0 0 0 0 0\n0 0 0 -1 0\n0 0 10 0 0\n0 0 0 0 0")
    grounds = np.full((5, 5), 0.002)
    grounds[[0, 4], 4] = 1.0
    grounds[2:4, 2] = 10.0
    grounds[1, 2] = grounds[4, 0] = 0.0
    found = advanced(WHOLE, sources, grounds, UNIT, CONDUCTANCES, short_circuits=WHOLE_SHORT)
    agree(
        found.potential,
        grid("""
        0.9306246186 0.5975851314 0.5975851314 0.5975851314 0.3851536681
        0.6437207577 0.574058639 0.499705733 0.4600892042 0.4483820288
        0.5910979719 0.5533264289 0.3067574203 0.3649868198 0.4461241481
        0.6040787796 0.6008171332 0.7140261882 0.515284598 0.4560640628
        0.6241102782 0.6539353696 0.7140261882 0.579020407 0.3851536681
        """),
    )
    agree(
        found.current,
        grid("""
        0.9999999304 1.365662292 1.365662292 1.365662292 0.7703073896
        0.2869038837 0.5693393582 0.6280271625 0.6185628407 0.1875802627
        0.075912452 0.5700757856 3.067574203 1.088073842 0.08202957653
        0.07291243177 0.5223550043 9.999999787 0.5726456407 0.1461638
        0.04473763714 0.2051628879 9.999999787 0.3457039268 0.7703073896
        """),
    )
