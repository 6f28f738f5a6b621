"""Commands of `shanhai` on the database of the tests."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.cli import main
from shanhai.db.engine import Sessions
from shanhai.storage.artifacts import LocalArtifacts
from tests.support.observation_rows import add_station, forget_observations


@pytest.fixture
def run(
    database_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Callable[..., tuple[int, str]]:
    """Runs a command and gives its exit code and what it said."""
    monkeypatch.setenv("SHANHAI_DATABASE_URL", database_url)
    monkeypatch.setenv("SHANHAI_ARTIFACTS_ROOT", str(tmp_path))

    def run(*words: str) -> tuple[int, str]:
        monkeypatch.setattr("sys.argv", ["shanhai", *words])
        with pytest.raises(SystemExit) as ended:
            main()
        said = capsys.readouterr()
        return int(ended.value.code or 0), said.out + said.err

    return run


@pytest.fixture
async def one_station(sessions: Sessions) -> None:
    """The station `a`, and no observation."""
    async with sessions.begin() as session:
        await forget_observations(session)
        await add_station(session, "a")


@pytest.fixture
async def session(sessions: Sessions) -> AsyncIterator[AsyncSession]:
    """A session whose work is rolled back."""
    async with sessions() as session:
        yield session
        await session.rollback()


@pytest.fixture
def empty_store(tmp_path: Path) -> LocalArtifacts:
    """An empty store."""
    return LocalArtifacts(tmp_path / "store")
