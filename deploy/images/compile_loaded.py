"""Compiles to bytecode what is loaded when modules are imported, and so what a start reads.

All of what is installed would be several times as much.

    compile_loaded.py timestamp|unchecked-hash MODULE…

By `timestamp` a file that changes later is compiled anew; by `unchecked-hash` the same sources give
the same bytes, for files that do not change.
"""

import py_compile
import sys
import sysconfig
from importlib import import_module
from pathlib import Path


def main(kept_by: str, *names: str) -> None:
    """Import and compile."""
    mode = py_compile.PycInvalidationMode[kept_by.replace("-", "_").upper()]
    for name in names:
        import_module(name)
    # Python's own files are the system's, which has compiled them.
    own = Path(sysconfig.get_path("stdlib"))
    for module in [*sys.modules.values()]:
        source = getattr(module, "__file__", None) or ""
        if source.endswith(".py") and not Path(source).is_relative_to(own):
            py_compile.compile(source, doraise=True, invalidation_mode=mode)


if __name__ == "__main__":
    main(*sys.argv[1:])
