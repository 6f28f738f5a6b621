"""How jobs reach the tile service: its address, and a token in the name of who asked for them."""

import time
from dataclasses import dataclass

from shanhai.db.identity import ANONYMOUS
from shanhai.db.tile_tokens import TileToken, seal
from shanhai.processes.kit.task import Task, TilesTask
from shanhai.settings import PublicSettings, TileTokenSettings, WorkerSettings

MARGIN_S = 600
"""Seconds a token outlives the longest job."""


@dataclass(frozen=True, slots=True)
class TileAccess:
    """Where the tile service is, and what tokens are signed with; without a secret there are none.

    A job cannot ask for a token by itself: its process is given no secret. What the token shows is
    what its owner may see when it is used, and only of the layers the job names.
    """

    url: str
    secret: str = ""
    valid_s: float = 0.0

    @classmethod
    def named_in(
        cls, public: PublicSettings, tokens: TileTokenSettings, worker: WorkerSettings
    ) -> "TileAccess":
        """What the settings say."""
        url = public.tiles_internal_url or public.tiles_url
        return cls(url, tokens.secret.get_secret_value(), worker.job_timeout_s + MARGIN_S)

    def of(self, task: Task, owner: str) -> TilesTask | None:
        """What a task is given; nothing when it asks for no layer."""
        if not task.layers:
            return None
        if not self.secret or owner == ANONYMOUS:
            return TilesTask(url=self.url)
        expires_at = int(time.time() + self.valid_s)
        token = TileToken(owner, frozenset(task.layers), expires_at)
        return TilesTask(url=self.url, token=seal(token, self.secret))
