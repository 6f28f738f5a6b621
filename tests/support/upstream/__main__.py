"""Serve the upstreams, to try by hand: `python -m tests.support.upstream --port 8930`."""

import argparse
import sys
from contextlib import suppress
from pathlib import Path

from tests.support.upstream.regions import write_outlines
from tests.support.upstream.server import Server


def main() -> None:
    """Print the address to read from, write the outlines if asked, and serve until interrupted."""
    parser = argparse.ArgumentParser(prog="python -m tests.support.upstream", description=__doc__)
    parser.add_argument("--port", type=int, default=8930, help="0 takes a free one")
    parser.add_argument("--outlines", type=Path, help="folder for the outlines of both regions")
    asked = parser.parse_args()
    with Server(asked.port) as server:
        sys.stdout.write(f"mirror: {server.address}\n")
        if asked.outlines is not None:
            asked.outlines.mkdir(parents=True, exist_ok=True)
            for name in ("coastal", "inland"):
                sys.stdout.write(f"outlines: {write_outlines(name, asked.outlines)}\n")
        sys.stdout.flush()
        with suppress(KeyboardInterrupt):
            server.serve_forever()


if __name__ == "__main__":
    main()
