"""`python -m shanhai.local demo|up|down|status`: what the Makefile calls."""

import argparse
import sys
from datetime import timedelta

from rich.console import Console
from rich.table import Table

from shanhai.errors import ShanhaiError
from shanhai.local.places import Home
from shanhai.local.stack import PartStatus, Stack, write_environment


def main() -> int:
    """Run one command; 0 when it did what it says."""
    parser = argparse.ArgumentParser(prog="python -m shanhai.local", description=__doc__)
    parser.add_argument("command", choices=sorted(COMMANDS))
    command = COMMANDS[parser.parse_args().command]
    try:
        command(Stack(Home.of_checkout()))
    except ShanhaiError as error:
        print(f"error: {error.message}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted; `make down` stops what has been started", file=sys.stderr)
        return 130
    return 0


def up(stack: Stack) -> None:
    """Start what is not running."""
    stack.up()
    status(stack)
    path = write_environment(stack.home.path, stack.environment_of_shell())
    print(f"API {stack.api_url}  tiles {stack.tiles_url}")
    print(f"for the shanhai command in this shell: . {path}")


def down(stack: Stack) -> None:
    """Stop everything, and say what that was."""
    stopped = stack.down()
    print(f"stopped: {', '.join(stopped)}" if stopped else "nothing was running")


def status(stack: Stack) -> None:
    """Show how each part fares."""
    table = Table("service", "pid", "port", "health", "uptime", box=None, pad_edge=False)
    for condition in stack.status():
        table.add_row(*_cells(condition))
    Console().print(table)


def _cells(condition: PartStatus) -> tuple[str, ...]:
    if condition.pid is None:
        return (condition.name, "-", "-", "stopped", "-")
    health = "ready" if condition.healthy else "not ready"
    uptime = str(timedelta(seconds=round(condition.uptime_s or 0)))
    return (condition.name, str(condition.pid), str(condition.port or "-"), health, uptime)


def demo(stack: Stack) -> None:
    """Run the demonstration on the stack."""
    # Only here: stopping the stack must not need all that the demonstration does.
    from shanhai.local.demo.run import Demo

    Demo(stack).run()


COMMANDS = {"demo": demo, "up": up, "down": down, "status": status}

if __name__ == "__main__":
    sys.exit(main())
