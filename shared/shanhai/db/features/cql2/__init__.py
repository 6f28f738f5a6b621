"""CQL2 filters: from text or JSON to a condition over an entity's rows, its values bound."""

from shanhai.db.features.cql2.compiler import Compiled, compile_filter
from shanhai.db.features.cql2.reading import FilterLanguage

__all__ = ["Compiled", "FilterLanguage", "compile_filter"]
