"""How the parts of a Dask cluster trust each other, and how their library is loaded."""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from distributed.security import Security


def load_distributed() -> None:
    """Import Dask's cluster without the log handlers and the open pages it would set up."""
    import dask

    dask.config.set(
        {
            # What asks for no change: its records then go the way of all others.
            "distributed.logging": {
                "version": 1,
                "incremental": True,
                "disable_existing_loggers": False,
            },
            "distributed.scheduler.http.routes": [],
            "distributed.worker.http.routes": [],
            "distributed.worker.profile.enabled": False,
        }
    )
    import distributed  # noqa: F401  (loaded with the configuration above)


def security_of(ca: Path | None, cert: Path | None, key: Path | None) -> "Security":
    """Certificates on both sides, and no way around them where there are any.

    Every part shows the same kind of certificate, and trusts whoever shows one of the authority.
    """
    from distributed.security import Security

    if ca is None:
        return Security(require_encryption=False)
    own = {
        f"tls_{part}_{what}": str(path)
        for part in ("client", "scheduler", "worker")
        for what, path in (("cert", cert), ("key", key))
    }
    return Security(require_encryption=True, tls_ca_file=str(ca), **own)
