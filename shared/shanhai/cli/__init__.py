"""The `shanhai` command."""

import sys
from collections.abc import Callable


def main(command: Callable[[], object] | None = None) -> None:
    """Run the command line, or a service; errors of ours and of settings are told in lines."""
    try:
        if command is None:
            from shanhai.cli.app import app

            command = app
        command()
    except Exception as error:
        # Here, because it knows the errors of all libraries, and few commands end in one.
        from shanhai.cli.kit import tell_error

        code = tell_error(error)
        if code is None:
            raise
        sys.exit(code)
