"""The kinds of control areas a zoning reads."""

LINE_KINDS = ("red_line", "permanent_basic_farmland", "urban_boundary")
"""Kinds of control areas whose overlap with the zones is told."""

RESERVE, CORE = "protected_area", "core"
"""Kind and class of the cores of reserves, which an overlay holds to strict protection."""

PROTECTED = ("red_line", RESERVE)
"""Kinds within which nature is protected by law."""

OVERLAYS = "/inputs/parameters/overlays"
