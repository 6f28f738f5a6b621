"""Under which account the private servers run."""

import os
import pwd
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from shanhai.errors import Unavailable

SERVER_ACCOUNT = "shanhai"


@dataclass(frozen=True, slots=True)
class Account:
    """An account of the operating system."""

    uid: int
    gid: int

    def can_enter(self, directory: Path) -> bool:
        """Whether the account may reach what lies in `directory`, asked of the system itself."""
        if self.uid == os.geteuid():
            return os.access(directory, os.X_OK)
        answer = subprocess.run(
            ["/usr/bin/test", "-x", str(directory)],
            user=self.uid,
            group=self.gid,
            extra_groups=[],
            cwd="/",
            check=False,
        )
        return answer.returncode == 0


def current_account() -> Account:
    """The account this program runs as."""
    return Account(os.geteuid(), os.getegid())


def server_account() -> Account:
    """The account for new servers: ours, or an unprivileged one when we are root.

    PostgreSQL refuses to run as root, and Redis should not.
    """
    if os.geteuid() != 0:
        return current_account()
    try:
        entry = pwd.getpwnam(SERVER_ACCOUNT)
    except KeyError:
        message = (
            f"the account {SERVER_ACCOUNT!r} for the private servers does not exist;"
            " run deploy/local/bootstrap.sh"
        )
        raise Unavailable(message) from None
    return Account(entry.pw_uid, entry.pw_gid)


def owner_of(path: Path) -> Account:
    """The account that owns `path`."""
    status = path.stat()
    return Account(status.st_uid, status.st_gid)


def run_as(
    account: Account, command: Sequence[str], *, directory: Path, standard_input: str = ""
) -> None:
    """Run a short command as `account`; fail with what it said when it fails."""
    other = account.uid != os.geteuid()
    answer = subprocess.run(
        command,
        cwd=directory,
        env={"PATH": os.defpath, "LANG": "C.UTF-8", "TZ": "UTC"},
        input=standard_input,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        user=account.uid if other else None,
        group=account.gid if other else None,
        extra_groups=[] if other else None,
        check=False,
    )
    if answer.returncode != 0:
        message = f"{Path(command[0]).name} failed (status {answer.returncode}):\n{answer.stdout}"
        raise Unavailable(message)
