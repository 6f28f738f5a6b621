"""The accounts by role of a test server: services run as theirs, as where they are deployed."""

import asyncio

from sqlalchemy import make_url

from shanhai.db.grants import ACCOUNTS, DatabaseRole, provision
from shanhai.db.migrate import upgrade
from shanhai.local.servers import DATABASE, PrivatePostgres


def migrate_with_accounts(server: PrivatePostgres, database: str = DATABASE) -> None:
    """Make the accounts by role, with the superuser's password, and migrate as the owner."""
    url = server.url(database)
    asyncio.run(provision(url, dict.fromkeys(ACCOUNTS, server.password)))
    upgrade(account_url(url, "owner"))


def account_url(database_url: str, role: DatabaseRole) -> str:
    """The URL of a database of the test servers as the account of a role, not the superuser's."""
    url = make_url(database_url).set(username=ACCOUNTS[role])
    return url.render_as_string(hide_password=False)
