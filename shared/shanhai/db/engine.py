"""Engine and sessions."""

from sqlalchemy import URL, make_url
from sqlalchemy.ext.asyncio import (
    AsyncEngine,
    AsyncSession,
    async_sessionmaker,
    create_async_engine,
)

from shanhai.settings import DatabaseSettings

Sessions = async_sessionmaker[AsyncSession]


def async_url(url: str) -> URL:
    """The URL with the asyncpg driver named, whatever driver the setting names."""
    return make_url(url).set(drivername="postgresql+asyncpg")


def create_engine(settings: DatabaseSettings, *, application: str) -> AsyncEngine:
    """An engine whose connections carry the application's name and a statement timeout."""
    timeout_ms = int(settings.statement_timeout_s * 1000)
    return create_async_engine(
        async_url(settings.url.get_secret_value()),
        pool_size=settings.pool_size,
        max_overflow=0,
        pool_timeout=5,
        pool_pre_ping=True,
        connect_args={
            "timeout": 5,
            "server_settings": {
                "application_name": application,
                "statement_timeout": str(timeout_ms),
                "idle_in_transaction_session_timeout": "10000",
                "timezone": "UTC",
            },
        },
    )


def create_sessions(engine: AsyncEngine) -> Sessions:
    """A maker of sessions whose objects stay readable after commit."""
    return async_sessionmaker(engine, expire_on_commit=False)
