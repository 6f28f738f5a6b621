"""What another process must have before it may compute windows of a job."""

import os
from dataclasses import replace
from pathlib import Path

import pytest

from shanhai.errors import Unavailable
from shanhai.raster.dask_security import Handshake, security_of
from shanhai.raster.dask_windows import compute
from tests.support.certificates import make_certificates


@pytest.fixture
def offered(tmp_path: Path) -> Handshake:
    source = tmp_path / "dem.tif"
    source.write_bytes(b"12345")
    return Handshake.offered([tmp_path, source])


def test_what_is_the_same_is_fit(offered: Handshake) -> None:
    offered.check()
    offered.withdraw()
    assert not offered.token.exists()


def test_a_folder_of_another_machine_is_told(offered: Handshake) -> None:
    offered.token.write_text("of another job")
    with pytest.raises(Unavailable, match=f"does not see {offered.token.parent} as the job does"):
        offered.check()
    offered.token.unlink()
    with pytest.raises(Unavailable, match="must be shared under the same paths") as caught:
        offered.check()
    assert str(offered.token.parent) in caught.value.message_zh


def test_a_folder_the_account_may_not_write_in_is_told(
    offered: Handshake, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = offered.token.parent
    folder.chmod(0o555)
    if os.geteuid() == 0:
        monkeypatch.setattr("os.access", lambda path, mode: (path, mode) != (folder, os.W_OK))
    with pytest.raises(Unavailable, match=rf"account {os.geteuid()}\).* or may not write there"):
        offered.check()
    folder.chmod(0o755)


def test_a_missing_or_different_file_is_told(offered: Handshake) -> None:
    source = offered.files[0][0]
    source.write_bytes(b"123")
    with pytest.raises(Unavailable, match=f"does not see {source}"):
        offered.check()
    source.unlink()
    with pytest.raises(Unavailable, match=f"does not see {source}"):
        offered.check()


def test_other_programs_and_other_arithmetic_are_refused(offered: Handshake) -> None:
    older = replace(offered, programs=offered.programs.replace("numpy ", "numpy 0."))
    with pytest.raises(Unavailable, match=r"programs of the Dask worker .* numpy"):
        older.check()
    with pytest.raises(Unavailable, match="so results would differ") as caught:
        replace(offered, arithmetic="0" * 64).check()
    assert "浮点运算结果" in caught.value.message_zh


def test_nothing_is_unpacked_where_the_handshake_fails(
    offered: Handshake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "shanhai.raster.dask_windows.pickle.loads", lambda _: pytest.fail("unpacked")
    )
    with pytest.raises(Unavailable):
        compute(replace(offered, secret="another"), b"")


@pytest.mark.parametrize("key", ["another's", "absent"])
def test_files_that_are_no_certificate_with_its_key_are_told(tmp_path: Path, key: str) -> None:
    tls, other = make_certificates(tmp_path / "own"), make_certificates(tmp_path / "another's")
    tls["tls_key"] = other["tls_key"].replace("another's", key)
    with pytest.raises(Unavailable, match=f"SHANHAI_DASK_TLS_CA, .*{tls['tls_key']}"):
        security_of(*map(Path, tls.values()))
