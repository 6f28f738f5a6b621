"""The classes of the pattern, and how the rasters of the JRC's own tools name them."""

from collections.abc import Mapping
from enum import IntEnum
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from shanhai.errors import InvalidInput
from shanhai.science.arrays import ClassArray
from shanhai.vocabulary import Label


class Mspa(IntEnum):
    """Codes of the pattern raster."""

    BACKGROUND = 0
    CORE = 1
    ISLET = 2
    EDGE = 3
    PERFORATION = 4
    BRIDGE = 5
    LOOP = 6
    BRANCH = 7
    MISSING = 255


LABELS: Mapping[Mspa, Label] = MappingProxyType(
    {
        Mspa.BACKGROUND: Label("背景", "Background"),
        Mspa.CORE: Label("核心区", "Core"),
        Mspa.ISLET: Label("孤岛", "Islet"),
        Mspa.EDGE: Label("边缘区", "Edge"),
        Mspa.PERFORATION: Label("孔隙", "Perforation"),
        Mspa.BRIDGE: Label("桥接区", "Bridge"),
        Mspa.LOOP: Label("环道区", "Loop"),
        Mspa.BRANCH: Label("支线", "Branch"),
        Mspa.MISSING: Label("缺测", "Missing"),
    }
)

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
