"""The results of an account: values and files, and no rows."""

from shanhai.processes.kit.publication import publish_figures as publish

__all__ = ["publish"]
