"""The results of a map sheet: what is told of it, and no rows."""

from shanhai.processes.kit.publication import publish_figures as publish

__all__ = ["publish"]
