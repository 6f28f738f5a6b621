"""The tables, one module per noun; importing this package fills the metadata."""

from shanhai.db.tables.access import ApiKey, AuditLog, IdempotencyKey
from shanhai.db.tables.dataset import Dataset, Upload
from shanhai.db.tables.job import Job, JobDataset
from shanhai.db.tables.plan import Plan
from shanhai.db.tables.region import Region
from shanhai.db.tables.zone import Zone, ZoneClass, ZoneScheme

__all__ = [
    "ApiKey",
    "AuditLog",
    "Dataset",
    "IdempotencyKey",
    "Job",
    "JobDataset",
    "Plan",
    "Region",
    "Upload",
    "Zone",
    "ZoneClass",
    "ZoneScheme",
]
