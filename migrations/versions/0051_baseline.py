"""Make all that the first release begins with, noun by noun, from the SQL files of `baseline`."""

from collections.abc import Sequence
from pathlib import Path

from alembic import op
from sqlalchemy import PoolProxiedConnection

from shanhai.errors import Conflict

revision: str = "0051"
down_revision: str | None = None
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

BASELINE = Path(__file__).parents[1] / "baseline"


def upgrade() -> None:
    # The driver begins its transaction with the first single statement, and takes a file whole.
    op.execute("SELECT 1")
    connection: PoolProxiedConnection = op.get_bind().connection
    for path in sorted(BASELINE.glob("*.sql")):
        script = path.read_text("utf-8")
        connection.run_async(lambda driver, script=script: driver.execute(script))


def downgrade() -> None:
    raise Conflict(
        "there is nothing before the baseline: drop the database, or restore a backup",
        message_zh="基线之前没有版本：请删除数据库或恢复备份",
    )
