"""A scheduler runs what it is sent, so no address that strangers reach is taken without proof."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from shanhai.raster.windows import Cluster
from shanhai.settings import DaskSettings, require_closed

TLS: dict[str, Any] = {
    "tls_ca": Path("ca.pem"),
    "tls_cert": Path("cert.pem"),
    "tls_key": Path("key.pem"),
}


def test_without_scheduler_there_is_no_cluster() -> None:
    assert Cluster.named_in(DaskSettings()) is None


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:8786", "tcp://localhost:8786"])
def test_this_machine_needs_no_proof(address: str) -> None:
    assert Cluster.named_in(DaskSettings(scheduler=address)) == Cluster(address)


def test_certificates_or_a_closed_network_open_other_machines() -> None:
    proven = DaskSettings(scheduler="tls://dask.example:8786", **TLS)
    assert Cluster.named_in(proven) == Cluster("tls://dask.example:8786", **TLS)
    assert Cluster.named_in(DaskSettings(scheduler="tcp://dask:8786", closed_network=True))


@pytest.mark.parametrize(
    ("given", "rule"),
    [
        ({"scheduler": "tcp://dask.example:8786"}, "without TLS: whoever reaches it"),
        ({"scheduler": "dask.example:8786"}, "must read tls://host:port"),
        ({"scheduler": "tls://dask.example", **TLS}, "must read tls://host:port"),
        ({"scheduler": "tls://dask.example:8786"}, "tls:// needs tls_ca"),
        ({"scheduler": "tcp://127.0.0.1:8786", **TLS}, "they need tls://"),
        ({"tls_ca": Path("ca.pem")}, "given together or not at all"),
    ],
)
def test_what_is_incomplete_or_open_is_refused(given: dict[str, object], rule: str) -> None:
    with pytest.raises(ValidationError, match=rule):
        DaskSettings(**given)  # type: ignore[arg-type]  # of each kind of setting


def test_a_scheduler_listens_to_strangers_only_behind_proof() -> None:
    require_closed("127.0.0.1", tls=False, closed=False)
    require_closed("0.0.0.0", tls=True, closed=False)  # noqa: S104
    with pytest.raises(ValueError, match=r"0\.0\.0\.0 without TLS"):
        require_closed("0.0.0.0", tls=False, closed=False)  # noqa: S104
