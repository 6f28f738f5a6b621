"""The results of the effect of a project: the values as they are."""

from shanhai.processes.kit.publication import publish_values as publish

__all__ = ["publish"]
