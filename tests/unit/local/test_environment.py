"""The settings of a stack, for a shell."""

import stat
import subprocess
from pathlib import Path

from shanhai.local.stack import write_environment


def test_a_shell_reads_what_was_written(tmp_path: Path) -> None:
    secret = 'it\'s a $HOME `id` "secret"'
    path = write_environment(tmp_path, {"SHANHAI_B": "plain", "SHANHAI_A": secret})
    said = subprocess.run(  # noqa: S602 - the file is made to be read by a shell
        f". '{path}'; printf '%s|%s' \"$SHANHAI_A\" \"$SHANHAI_B\"",
        shell=True,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    assert said == f"{secret}|plain"


def test_it_is_for_the_owner_alone(tmp_path: Path) -> None:
    path = write_environment(tmp_path, {"SHANHAI_A": "x"})
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
