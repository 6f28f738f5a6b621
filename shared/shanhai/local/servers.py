"""The private servers a stack or a test run starts."""

from shanhai.local.broker import PrivateBroker
from shanhai.local.postgres import PrivatePostgres
from shanhai.local.redis import PrivateRedis
from shanhai.local.server import Surroundings

__all__ = ["PrivateBroker", "PrivatePostgres", "PrivateRedis", "Surroundings"]
