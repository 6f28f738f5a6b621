"""The tables, one module per noun; importing this package fills the metadata."""

from shanhai.db.tables import (
    access,
    alert,
    control,
    corridor,
    dataset,
    delivery,
    indicator,
    job,
    observation,
    plan,
    project,
    provision,
    station,
    zone,
)

__all__ = [
    "access",
    "alert",
    "control",
    "corridor",
    "dataset",
    "delivery",
    "indicator",
    "job",
    "observation",
    "plan",
    "project",
    "provision",
    "station",
    "zone",
]
