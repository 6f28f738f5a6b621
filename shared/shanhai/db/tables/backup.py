"""What was backed up last."""

from sqlalchemy import CheckConstraint
from sqlalchemy.orm import Mapped, mapped_column

from shanhai.db.base import Attributes, Base, Moment


class BackupMark(Base):
    """How far a part of the backups reaches: base backups, or the archive of the log."""

    __tablename__ = "backup_mark"
    __table_args__ = (CheckConstraint("part IN ('base', 'archive')", name="part"),)

    part: Mapped[str] = mapped_column(primary_key=True)
    reached: Mapped[Moment]
    noted_at: Mapped[Moment]
    detail: Mapped[Attributes]
