"""PostgreSQL's own programs, and how they are told which server to speak to."""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import make_url

from shanhai.errors import Unavailable

DEBIAN = Path("/usr/lib/postgresql")
PASSED_ON = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "PGSSLROOTCERT", "PGSSLCERT", "PGSSLKEY")


@dataclass(frozen=True, slots=True)
class Server:
    """A PostgreSQL server as its programs are told of it: the password not on the command line."""

    address: str
    environment: dict[str, str]

    @classmethod
    def at(cls, url: str) -> "Server":
        """The server of a URL, whatever driver that names."""
        parsed = make_url(url).set(drivername="postgresql")
        environment = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
        if parsed.password:
            environment["PGPASSWORD"] = parsed.password
        # The URL's class has no way to take a password away but to make it anew.
        bare = parsed._replace(password=None)
        return cls(bare.render_as_string(hide_password=False), environment)


def find_program(name: str) -> str:
    """The path of one of PostgreSQL's programs, the newest version's where there are several.

    Raises:
        Unavailable: it is not installed.
    """
    versions = sorted(
        (path for path in DEBIAN.glob(f"*/bin/{name}") if path.parts[-3].isdecimal()),
        key=lambda path: int(path.parts[-3]),
    )
    found = str(versions[-1]) if versions else shutil.which(name)
    if found is None:
        raise Unavailable(
            f"{name} is not installed; it comes with postgresql-client",
            message_zh=f"没有安装 {name}，它在 postgresql-client 中",
        )
    return found
