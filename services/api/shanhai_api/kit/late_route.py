"""Routes that find out what their endpoints take when they are first asked."""

from collections.abc import Callable
from threading import RLock
from typing import Any

from fastapi.routing import APIRoute
from starlette.routing import compile_path

_BUILDING = RLock()
"""The definition of the API may be made in a thread while requests are answered."""


class LateRoute(APIRoute):
    """A route of which only address and methods are known until it is asked or described.

    To find out about the dependencies, the query and the models of all routes takes seconds, and
    half of those of a start; of one route it takes milliseconds.
    """

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        self.path = path
        self.endpoint = endpoint
        self.name = options["name"] or endpoint.__name__
        self.methods = {method.upper() for method in options["methods"] or ("GET",)}
        self.path_regex, self.path_format, self.param_convertors = compile_path(path)
        self._options: dict[str, Any] | None = options

    def build(self, options: dict[str, Any]) -> None:
        """Find out everything else."""
        super().__init__(self.path, self.endpoint, **options)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        with _BUILDING:
            # Taken away first: an attribute that is missing while it is built is missing.
            options = self.__dict__.get("_options")
            self._options = None
            if options is not None:
                self.build(options)
        return super().__getattribute__(name)
