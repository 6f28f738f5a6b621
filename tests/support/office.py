"""A platform as a bureau's user has it: its addresses, a key, and the command line."""

from dataclasses import dataclass
from pathlib import Path

from typer.testing import CliRunner, Result

from shanhai.cli.app import app
from shanhai.client import ApiClient
from shanhai.local.stack import Stack, admin_key


@dataclass(frozen=True, slots=True)
class Office:
    """A platform, and a key to it."""

    url: str
    tiles: str
    key: str

    def command(self, *words: str | Path) -> Result:
        """Run a command of `shanhai` against it."""
        options = ["--api", self.url, "--key", self.key]
        return CliRunner(env={"COLUMNS": "250"}).invoke(app, [*map(str, words), *options])

    def imported(self, path: Path, *words: str) -> tuple[int, dict[str, str]]:
        """Import a folder or pack; the exit code, and what became of each file."""
        done = self.command("import", path, *words)
        rows = [line.split("│") for line in done.stdout.splitlines() if line.startswith("│")]
        assert rows, (done.output, done.exception)
        # What is long goes on in rows without a name.
        told = {row[1].strip(): row[2].strip() for row in rows if row[1].strip()}
        return done.exit_code, told

    def client(self) -> ApiClient:
        """A client of its API."""
        return ApiClient(self.url, self.key)


def office(stack: Stack) -> Office:
    """The platform of a stack, with its administrator's key."""
    return Office(stack.api_url, stack.tiles_url, admin_key(stack))
