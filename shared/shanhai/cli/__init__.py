"""The `shanhai` command."""

from shanhai.cli.app import main

__all__ = ["main"]
