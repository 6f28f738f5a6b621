"""How far a change of what is read is felt, layer by layer."""

from collections.abc import Collection, Mapping

from shanhai.science.ecoservices.graph import Node
from shanhai.science.ecoservices.plan import reach_cells


def reaches(nodes: Mapping[str, Node], changed: Collection[str], cell_m: float) -> dict[str, int]:
    """Cells around a change within which a layer may be another, for each layer it can alter.

    Numbers of the whole area are taken to stay as they were: what rests on a layer through such a
    number alone is not altered. The distance is that of rows and columns, whichever is larger.

    Args:
        nodes: Calculated layers, each after those it rests on.
        changed: Layers that change, read or calculated; their own reach is 0.
        cell_m: Side of a cell, m.

    Returns:
        Cells by layer, `changed` included; layers that no change alters are left out. The reach of
        a layer is the largest reach among what it rests on, and its own.
    """
    found = dict.fromkeys(changed, 0)
    for key, node in nodes.items():
        below = [found[name] for name in node.inputs.values() if name in found]
        if below and key not in found:
            found[key] = max(below) + reach_cells(node, cell_m)
    return found
