"""Takes symbols for debugging out of the shared libraries below a folder, where they still load.

A library that was patched when its wheel was packed may not load any more once it is stripped: each
is loaded by a process of its own before it takes the place of what was there.
"""

import ctypes
import os
import subprocess
import sys
from pathlib import Path


def main(folder: Path) -> None:
    """Strip what can be, and say what that saved."""
    before = after = 0
    for path in sorted(p for p in folder.rglob("*.so*") if _is_library(p)):
        before += path.stat().st_size
        stripped = path.with_name(f"{path.name}.stripped")
        words = ["/usr/bin/strip", "--strip-unneeded", "-o", str(stripped), str(path)]
        made = subprocess.run(words, check=False)
        if made.returncode == 0 and _loads(stripped):
            stripped.chmod(path.stat().st_mode)
            stripped.replace(path)
        stripped.unlink(missing_ok=True)
        after += path.stat().st_size
    told = f"{before / 1e6:.0f} MB of libraries, {after / 1e6:.0f} MB without their symbols\n"
    sys.stdout.write(told)


def _is_library(path: Path) -> bool:
    if path.is_symlink() or not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(4) == b"\x7fELF"


def _loads(path: Path) -> bool:
    child = os.fork()
    if child == 0:
        try:
            ctypes.CDLL(str(path))
        except OSError:
            os._exit(1)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


if __name__ == "__main__":
    main(Path(sys.argv[1]))
