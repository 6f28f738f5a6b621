"""The results of an echo: the values as they are."""

from shanhai.processes.kit.publication import publish_values as publish

__all__ = ["publish"]
