import subprocess
import sys

FORBIDDEN = {"rasterio", "sqlalchemy", "fastapi", "arq", "redis", "httpx", "pydantic_settings"}

PROBE = """
import importlib, pkgutil, sys
import shanhai.science
for module in pkgutil.walk_packages(shanhai.science.__path__, "shanhai.science."):
    importlib.import_module(module.name)
print(" ".join(sorted(name.partition(".")[0] for name in sys.modules)))
"""


def test_science_loads_nothing_but_the_numerical_stack() -> None:
    output = subprocess.run(
        [sys.executable, "-c", PROBE], check=True, capture_output=True, text=True
    ).stdout
    assert "sklearn" in output.split()
    assert not FORBIDDEN & set(output.split())
