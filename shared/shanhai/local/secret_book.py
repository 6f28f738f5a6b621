"""The stack's secrets in one file that only its owner can read."""

import json
from dataclasses import dataclass
from pathlib import Path

from shanhai.local.files import write_whole


@dataclass(frozen=True, slots=True)
class SecretBook:
    """Passwords and keys by name."""

    path: Path

    def get(self, name: str) -> str | None:
        """The secret kept under `name`, if any."""
        return self._read().get(name)

    def keep(self, name: str, secret: str) -> None:
        """Keep `secret` under `name`."""
        book = self._read()
        if book.get(name) != secret:
            text = json.dumps(book | {name: secret}, indent=2) + "\n"
            write_whole(self.path, text, mode=0o600)

    def _read(self) -> dict[str, str]:
        try:
            book = json.loads(self.path.read_text())
        except (FileNotFoundError, ValueError):
            return {}
        return {str(name): str(secret) for name, secret in book.items()}
