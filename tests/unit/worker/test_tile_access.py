"""What jobs are given to reach the tile service."""

import time

import pytest
from pydantic import SecretStr

from shanhai.db.authentication import unseal
from shanhai.errors import Unauthenticated
from shanhai.processes.kit.task import Task
from shanhai.settings import PublicSettings, TileTokenSettings, WorkerSettings
from shanhai_worker.context import TileAccess

SECRET = "s" * 40
TASK = Task(process="seed-tiles", inputs={}, layers=["zones", "ratio.xiamen"])


def access(**public: str) -> TileAccess:
    return TileAccess.named_in(
        PublicSettings.model_validate(public),
        TileTokenSettings(secret=SecretStr(SECRET)),
        WorkerSettings(job_timeout_s=100),
    )


def test_a_token_speaks_for_the_owner_of_the_job_and_its_layers_alone() -> None:
    given = access().of(TASK, "key:abcdefgh")
    assert given is not None
    assert given.token is not None
    token = unseal(given.token, SECRET)
    assert (token.owner, token.layers) == ("key:abcdefgh", frozenset(TASK.layers))
    assert 100 < token.expires_at - time.time() <= 700
    with pytest.raises(Unauthenticated):
        unseal(given.token, "t" * 40)


def test_the_internal_address_goes_before_the_public_one() -> None:
    public = {"tiles_url": "https://maps.example/tiles"}
    for named, url in (("", "https://maps.example/tiles"), ("http://t:8001/", "http://t:8001")):
        given = access(**public, tiles_internal_url=named).of(TASK, "key:abcdefgh")
        assert given is not None
        assert given.url == url


def test_nobody_gets_no_token_and_a_task_without_layers_nothing() -> None:
    given = access().of(TASK, "anonymous")
    assert given is not None
    assert given.token is None
    without_secret = TileAccess("http://t:8001").of(TASK, "key:abcdefgh")
    assert without_secret is not None
    assert without_secret.token is None
    assert access().of(Task(process="echo", inputs={}), "key:abcdefgh") is None
