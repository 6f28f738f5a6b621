"""Rasters of patterns that the JRC's programmes wrote, in our classes."""

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from shanhai.errors import InvalidInput
from shanhai.science.corridors.mspa.pattern import Mspa
from shanhai.science.grid import ClassArray

_JRC_MISSING = 129
_JRC_BORDER_OPENING = 220
_JRC_INTERNAL = 100
"""Added to the code of whatever lies in the opening of a core."""

_JRC_CODES: Mapping[int, Mspa] = MappingProxyType(
    {
        0: Mspa.BACKGROUND,
        1: Mspa.BRANCH,
        3: Mspa.EDGE,
        5: Mspa.PERFORATION,
        9: Mspa.ISLET,
        17: Mspa.CORE,
        33: Mspa.BRIDGE,
        35: Mspa.BRIDGE,
        37: Mspa.BRIDGE,
        65: Mspa.LOOP,
        67: Mspa.LOOP,
        69: Mspa.LOOP,
    }
)


def _jrc_table() -> dict[int, Mspa]:
    inside = {code + _JRC_INTERNAL: pattern for code, pattern in _JRC_CODES.items()}
    special = {_JRC_MISSING: Mspa.MISSING, _JRC_BORDER_OPENING: Mspa.BACKGROUND}
    return {**_JRC_CODES, **inside, **special}


def from_jrc(values: NDArray[np.integer]) -> ClassArray:
    """The classes of a raster that GuidosToolbox or its kin wrote.

    Args:
        values: Codes of the JRC: 17 core, 9 islet, 3 edge, 5 perforation, 33, 35 and 37 bridge, 65,
            67 and 69 loop, 1 branch; 100 more inside an opening; 129 missing, 220 border opening.

    Returns:
        Codes of `Mspa`.

    Raises:
        InvalidInput: a code is none of these; all such are listed.

    Source: Soille and Vogt 2009; codes of the GuidosToolbox, status L.
    """
    table = _jrc_table()
    codes, inverse = np.unique(values, return_inverse=True)
    unknown = [int(code) for code in codes if int(code) not in table]
    if unknown:
        listing = ", ".join(map(str, unknown))
        raise InvalidInput(
            f"codes without a meaning in a JRC pattern raster: {listing}",
            message_zh=f"JRC 形态格局栅格中含未知代码：{listing}",
            pointer="/mspa",
        )
    internal = np.array([table[int(code)] for code in codes], dtype=np.uint8)
    return np.asarray(internal[inverse].reshape(values.shape))
