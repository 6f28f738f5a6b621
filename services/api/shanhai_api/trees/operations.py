"""What can be asked of trees."""

from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.features.selection import Selection
from shanhai.db.hierarchy import Branching, HierarchyNode, read_tree
from shanhai.errors import NotFound


async def demand_tree(
    session: AsyncSession, branching: Branching, selection: Selection, depth: int
) -> HierarchyNode:
    """The tree below the object a selection means by its code.

    Raises:
        NotFound: there is none, or none the caller may know of.
    """
    code, name = selection.code or "", branching.entity.name
    readable = "\x00" not in code
    root = await read_tree(session, branching, selection, depth=depth) if readable else None
    if root is None:
        raise NotFound(f"there is no {code!r} in {name}", message_zh=f"{name} 中没有 {code!r}")
    return root
