"""What every part of the worker shares; made once, in `app`."""

import asyncio
from dataclasses import dataclass, field

from shanhai.db.engine import Sessions
from shanhai.jobs.line import NO_QUOTA, Quota
from shanhai.jobs.queue import Dispatcher
from shanhai.raster.windows import Cluster
from shanhai.settings import OidcSettings, WorkerSettings
from shanhai.storage.artifacts import ArtifactStore
from shanhai.storage.job_folders import KeptFolders
from shanhai_worker.meters import Meters
from shanhai_worker.supervise import ForkServer
from shanhai_worker.tile_access import TileAccess


@dataclass(frozen=True, slots=True)
class Context:
    """Settings and open facilities.

    `stopping` is set when no more jobs are taken, `leaving` when running ones must be handed back.

    `windows` holds what this machine has finished of jobs, where it has a folder for that.
    """

    name: str
    settings: WorkerSettings
    sessions: Sessions
    artifacts: ArtifactStore
    kept: KeptFolders
    tiles: TileAccess
    dispatcher: Dispatcher
    windows: KeptFolders | None = None
    quota: Quota = NO_QUOTA
    cluster: Cluster | None = None
    oidc: OidcSettings = field(default_factory=OidcSettings)
    computing: ForkServer = field(default_factory=ForkServer)
    meters: Meters = field(default_factory=Meters)
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    leaving: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def outliving(self) -> tuple[KeptFolders, ...]:
        """Where jobs keep what outlives an attempt, for all workers and on this machine."""
        return (self.kept,) if self.windows is None else (self.kept, self.windows)
