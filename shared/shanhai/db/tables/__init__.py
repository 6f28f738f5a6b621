"""The tables, one module per noun; importing this package fills the metadata."""

from shanhai.db.tables.access import (
    Account,
    AccountRole,
    ApiKey,
    AuditChain,
    AuditLog,
    AuditRange,
    IdempotencyKey,
)
from shanhai.db.tables.alert import (
    Alert,
    AlertDue,
    AlertEvent,
    AlertNotice,
    AlertRule,
    AlertWatch,
    Subscription,
)
from shanhai.db.tables.backup import BackupMark
from shanhai.db.tables.bulletin import Bulletin, BulletinTemplate
from shanhai.db.tables.case import CaseEvent, LeadCase
from shanhai.db.tables.compliance import ComplianceException, DataFinding, PlanCheck
from shanhai.db.tables.control import ControlArea, ControlRule
from shanhai.db.tables.corridor import Corridor, CorridorNode
from shanhai.db.tables.dataset import Dataset, Upload
from shanhai.db.tables.delivery import Delivery, Webhook
from shanhai.db.tables.device import Hj212Device
from shanhai.db.tables.document import Document
from shanhai.db.tables.fund import FundEntry, FundSource
from shanhai.db.tables.indicator import (
    EvaluationSnapshot,
    Indicator,
    IndicatorTarget,
    IndicatorValue,
    PlanIndicator,
)
from shanhai.db.tables.job import Job, JobDataset
from shanhai.db.tables.observation import (
    Observation,
    ObservationChange,
    ObservationDay,
    ObservationHour,
    ObservationLatest,
    ObservationMonth,
    ObservationRevision,
    ObservationSource,
    ObservedProperty,
    RollupDue,
    StationRange,
)
from shanhai.db.tables.observation_archive import (
    ArchivedSeries,
    ObservationArchive,
    ObservationHold,
)
from shanhai.db.tables.party import Party
from shanhai.db.tables.pattern import Pattern, PatternComponent
from shanhai.db.tables.plan import Plan, PlanDecision, PlanPart, PlanProject
from shanhai.db.tables.problem import Problem
from shanhai.db.tables.project import (
    Programme,
    Project,
    ProjectEvent,
    ProjectMeasure,
    ProjectProblem,
    ProjectRegion,
    ProjectState,
    ProjectTransition,
)
from shanhai.db.tables.proposal import Proposal, ProposalEvent, ProposalEvidence
from shanhai.db.tables.provision import NamedFeature, PlanFigure, PlanProvision
from shanhai.db.tables.region import Region
from shanhai.db.tables.schedule import Schedule, ScheduleRun
from shanhai.db.tables.sensing import (
    Datastream,
    HistoricalLocation,
    Location,
    SamplingFeature,
    Sensor,
    UnsampledStation,
)
from shanhai.db.tables.station import Station
from shanhai.db.tables.tile import TileChange, TileFloor, TilePending
from shanhai.db.tables.zone import Zone, ZoneAdjustment, ZoneClass, ZoneScheme, ZoneTown

__all__ = [
    "Account",
    "AccountRole",
    "Alert",
    "AlertDue",
    "AlertEvent",
    "AlertNotice",
    "AlertRule",
    "AlertWatch",
    "ApiKey",
    "ArchivedSeries",
    "AuditChain",
    "AuditLog",
    "AuditRange",
    "BackupMark",
    "Bulletin",
    "BulletinTemplate",
    "CaseEvent",
    "ComplianceException",
    "ControlArea",
    "ControlRule",
    "Corridor",
    "CorridorNode",
    "DataFinding",
    "Dataset",
    "Datastream",
    "Delivery",
    "Document",
    "EvaluationSnapshot",
    "FundEntry",
    "FundSource",
    "HistoricalLocation",
    "Hj212Device",
    "IdempotencyKey",
    "Indicator",
    "IndicatorTarget",
    "IndicatorValue",
    "Job",
    "JobDataset",
    "LeadCase",
    "Location",
    "NamedFeature",
    "Observation",
    "ObservationArchive",
    "ObservationChange",
    "ObservationDay",
    "ObservationHold",
    "ObservationHour",
    "ObservationLatest",
    "ObservationMonth",
    "ObservationRevision",
    "ObservationSource",
    "ObservedProperty",
    "Party",
    "Pattern",
    "PatternComponent",
    "Plan",
    "PlanCheck",
    "PlanDecision",
    "PlanFigure",
    "PlanIndicator",
    "PlanPart",
    "PlanProject",
    "PlanProvision",
    "Problem",
    "Programme",
    "Project",
    "ProjectEvent",
    "ProjectMeasure",
    "ProjectProblem",
    "ProjectRegion",
    "ProjectState",
    "ProjectTransition",
    "Proposal",
    "ProposalEvent",
    "ProposalEvidence",
    "Region",
    "RollupDue",
    "SamplingFeature",
    "Schedule",
    "ScheduleRun",
    "Sensor",
    "Station",
    "StationRange",
    "Subscription",
    "TileChange",
    "TileFloor",
    "TilePending",
    "UnsampledStation",
    "Upload",
    "Webhook",
    "Zone",
    "ZoneAdjustment",
    "ZoneClass",
    "ZoneScheme",
    "ZoneTown",
]
