"""Made from the OpenAPI documents by `docs/client_types.py`; do not edit.

For type checkers alone: `if TYPE_CHECKING: from shanhai.client.schemas import …`.
"""

from collections.abc import Awaitable
from typing import Any, Literal, NotRequired, TypedDict, overload

from shanhai.client.core import Headers, Query

Account = TypedDict("Account", {"id": int, "issuer": str, "subject": str, "name": str, "email": str | None,
    "party": str | None, "roles": list[RoleHeld], "created": str, "disabled": str | None, "last_seen": str | None,
    "signed_in": str | None})
Accounts = TypedDict("Accounts", {"accounts": list[Account], "links": list[Link]})
ActivityList = TypedDict("ActivityList", {"presumed": str, "activities": list[ActivityNamed],
    "conditions": list[NamedCode], "links": list[Link]})
ActivityNamed = TypedDict("ActivityNamed", {"code": str, "name_zh": str, "name_en": str, "counts_as": list[str]})
Actor = TypedDict("Actor", {"code": str, "name": str})
Actors = TypedDict("Actors", {"actors": list[Actor]})
AdditionalParameters = TypedDict("AdditionalParameters", {"title": str, "parameters": list[NamedValues]})
AdjustedPolygons = TypedDict("AdjustedPolygons", {"type": Literal["MultiPolygon"],
    "coordinates": list[list[list[list[float]]]]})
Adjustment = TypedDict("Adjustment", {"geometry": dict[str, Any], "to_class": str, "note": str,
    "version": NotRequired[int | None]})
AdjustmentListed = TypedDict("AdjustmentListed", {"seq": int, "from_class": str | None, "to_class": str,
    "area_km2": float, "note": str, "actor": str, "at": str, "geometry": AdjustedPolygons})
Alert = TypedDict("Alert", {"id": int, "status": Literal["open", "acknowledged", "closed"], "status_name": str,
    "level": Literal["blue", "yellow", "orange", "red"], "level_name": str, "color": str, "rule": str,
    "rule_name": str,
    "kind": Literal["above", "below", "rate", "no_data", "indicator_behind_target", "red_line_lead", "line_decline", "duty_due", "balance_short", "settlement_waiting", "mine_report_due", "mine_fund_short", "reclamation_due"],
    "kind_name": str,
    "subject": Literal["station", "indicator", "case", "line", "duty", "balance", "settlement", "mine", "reclamation"],
    "subject_kind_name": str, "subject_name": str, "station": str | None, "station_name": str | None,
    "plan": str | None, "indicator": str | None, "region": str | None, "target_year": int | None, "case": str | None,
    "duty": str | None, "balance_kind": str | None, "agreement": str | None, "mine": str | None,
    "reclamation": str | None, "property": str | None, "measure": float, "unit": str | None,
    "facts": dict[str, Any] | None, "began": str, "raised": str, "opened": str, "acknowledged": str | None,
    "acknowledged_by": str | None, "closed": str | None, "closed_by": str | None, "links": list[Link],
    "events": NotRequired[list[AlertEvent]], "proposals": NotRequired[list[ProposalNamed]]})
AlertEvent = TypedDict("AlertEvent", {"at": str,
    "event": Literal["opened", "raised", "acknowledged", "commented", "recovered", "closed", "rule_changed", "rule_expired", "subject_gone"],
    "event_name": str, "level": Literal["blue", "yellow", "orange", "red"], "actor": str | None, "note": str | None,
    "time": str | None, "measure": float | None})
AlertNote = TypedDict("AlertNote", {"note": str})
AlertRule = TypedDict("AlertRule", {"code": str, "name": str, "name_zh": str, "name_en": str,
    "kind": Literal["above", "below", "rate", "no_data", "indicator_behind_target", "red_line_lead", "line_decline", "duty_due", "balance_short", "settlement_waiting", "mine_report_due", "mine_fund_short", "reclamation_due"],
    "kind_name": str, "property": str | None, "unit": str | None, "stations": list[str] | None, "region": str | None,
    "plan": str | None, "indicator": str | None, "control_kind": str | None, "balance_kind": str | None,
    "settlement_state": str | None, "limits": dict[str, float], "reset": float, "min_duration_s": int,
    "max_age_s": int, "any_quality": bool, "enabled": bool, "quiet": Quiet | None, "valid_from": str | None,
    "valid_to": str | None, "links": NotRequired[list[Link]]})
AlertRules = TypedDict("AlertRules", {"rules": list[AlertRule], "links": list[Link]})
Alerts = TypedDict("Alerts", {"alerts": list[Alert], "links": list[Link]})
Alive = TypedDict("Alive", {"status": NotRequired[Literal["ok"]]})
AlteredObject = TypedDict("AlteredObject", {"code": str, "name": str, "area_km2": float | None, "former": str,
    "former_area_km2": float | None, "redrawn": bool, "members": dict[str, MemberInBoth]})
AreaAdjusted = TypedDict("AreaAdjusted", {"scheme": SchemeNamed, "to_class": str, "moved_km2": dict[str, float],
    "total_moved_km2": float, "area_method": NotRequired[Literal["geodesic on the CGCS2000 ellipsoid"]]})
AuditEntries = TypedDict("AuditEntries", {"entries": list[AuditEntry], "links": list[Link]})
AuditEntry = TypedDict("AuditEntry", {"id": int, "at": str, "actor": str | None, "action": str, "table": str | None,
    "object": str | None, "before": dict[str, Any] | None, "after": dict[str, Any] | None, "request": str | None,
    "address": str | None, "digest": str})
BackupCheck = TypedDict("BackupCheck", {"at": str, "opened": bool, "gaps": int})
BackupsTold = TypedDict("BackupsTold", {"base": str | None, "archive": str | None, "check": BackupCheck | None})
BalanceOfKind = TypedDict("BalanceOfKind", {
    "kind": Literal["natural_shoreline", "cultivated_land", "land_link", "wetland", "forest_quota", "sea_area"],
    "kind_name": str, "unit": str, "taken": str, "given": str, "taken_proposed": str, "given_proposed": str,
    "required": str, "counted": str, "from_pool": str, "lacking": str, "grade_taken": str | None,
    "grade_given": str | None, "met": bool, "text_zh": str | None, "text_en": str | None, "before": str,
    "after": str})
BalanceRuleShown = TypedDict("BalanceRuleShown", {
    "kind": Literal["natural_shoreline", "cultivated_land", "land_link", "wetland", "forest_quota", "sea_area"],
    "kind_name": str, "ratio": str, "restore_before_occupy": bool, "pool": bool, "graded": bool,
    "condition": str | None, "legal_basis": str, "text_zh": str | None, "text_en": str | None, "confirm": bool})
BlankProposal = TypedDict("BlankProposal", {"body": ProposalDraft, "links": list[Link]})
BoardDuty = TypedDict("BoardDuty", {"code": str, "name_zh": str, "name_en": str, "article": str | None,
    "state": Literal["open", "on_track", "late", "done", "dropped"], "due": str | None})
BoardRow = TypedDict("BoardRow", {"code": str | None, "name_zh": str, "name_en": str, "total": int,
    "states": dict[str, int], "duties": list[BoardDuty]})
BoundingBox = TypedDict("BoundingBox", {"lowerLeft": list[float], "upperRight": list[float], "crs": NotRequired[str]})
Bulletin = TypedDict("Bulletin", {"code": str, "title": str, "region": str, "region_name": str, "plan": str | None,
    "first": str, "last": str, "year": int, "issue": int, "version": int, "corrects": str | None,
    "state": Literal["draft", "published"], "state_name": str, "public": bool, "created": str,
    "published": str | None, "edited": str | None, "links": list[Link], "created_by": NotRequired[str | None],
    "published_by": NotRequired[str | None], "edited_by": NotRequired[str | None], "corrected_by": str | None,
    "template": str, "template_version": int, "job": str, "files": list[BulletinFile], "content": dict[str, Any]})
BulletinFile = TypedDict("BulletinFile", {"name": str, "media_type": str, "bytes": int, "sha256": str, "href": str})
BulletinHead = TypedDict("BulletinHead", {"code": str, "title": str, "region": str, "region_name": str,
    "plan": str | None, "first": str, "last": str, "year": int, "issue": int, "version": int, "corrects": str | None,
    "state": Literal["draft", "published"], "state_name": str, "public": bool, "created": str,
    "published": str | None, "edited": str | None, "links": list[Link]})
BulletinTemplate = TypedDict("BulletinTemplate", {"code": str, "version": int, "created_by": str | None,
    "created": str | None, "name_zh": str, "name_en": str, "title_zh": str, "title_en": str, "issuer_zh": str,
    "issuer_en": str, "note_zh": str, "note_en": str, "sections": list[Section], "links": list[Link]})
BulletinTemplates = TypedDict("BulletinTemplates", {"templates": list[TemplateNamed], "links": list[Link]})
BulletinWording = TypedDict("BulletinWording", {"title_zh": str, "title_en": str, "issuer_zh": str, "issuer_en": str,
    "note_zh": str, "note_en": str, "sections": list[Section], "edited": str | None, "edited_by": str | None,
    "links": list[Link]})
Bulletins = TypedDict("Bulletins", {"bulletins": list[BulletinHead], "links": list[Link]})
Case = TypedDict("Case", {"code": str, "state": Literal["new", "assigned", "verified", "rectification", "closed"],
    "kind": Literal["construction", "mining", "clearing", "cultivation", "filling", "dumping", "road", "other"],
    "region": str | None, "due": str | None, "overdue": bool,
    "result": Literal["confirmed", "not_change", "lawful"] | None, "assignee": str | None, "source": str,
    "external_id": str, "sensed_before": str, "sensed_after": str, "confidence": float | None, "area_ha": float,
    "inside_ha": float, "lines": list[dict[str, Any]], "lead_geometry": dict[str, Any], "opened_at": str,
    "closed_at": str | None, "links": list[Link], "state_name": str, "kind_name": str, "result_name": str | None,
    "steps": list[CaseStep], "events": list[CaseHistory], "documents": list[CaseDocument]})
CaseComplaint = TypedDict("CaseComplaint", {"case": str,
    "state": Literal["new", "assigned", "verified", "rectification", "closed"], "text": str, "photos": int,
    "reported_at": str, "answer": str | None, "answered_at": str | None, "links": list[Link]})
CaseDocument = TypedDict("CaseDocument", {"code": str, "kind": str, "title_zh": str, "title_en": str | None,
    "filename": str, "media_type": str, "sha256": str, "file": str})
CaseHistory = TypedDict("CaseHistory", {"seq": int,
    "from": Literal["new", "assigned", "verified", "rectification", "closed"] | None,
    "to": Literal["new", "assigned", "verified", "rectification", "closed"], "to_name": str | None, "at": str,
    "actor": str, "note": str | None, "result": Literal["confirmed", "not_change", "lawful"] | None,
    "assignee": str | None, "due": str | None, "documents": list[str]})
CaseStatistics = TypedDict("CaseStatistics", {"total": Figures, "by_region": list[RegionFigures],
    "by_state": list[StateFigures], "by_kind": list[KindFigures], "by_month": list[MonthFigures],
    "links": list[Link]})
CaseStep = TypedDict("CaseStep", {"to": Literal["new", "assigned", "verified", "rectification", "closed"],
    "name": str | None, "roles": list[str], "needs": list[str], "rule": str, "allowed": bool})
CaseStepBody = TypedDict("CaseStepBody", {"to": str, "note": NotRequired[str | None],
    "result": NotRequired[Literal["confirmed", "not_change", "lawful"] | None], "assignee": NotRequired[str | None],
    "region": NotRequired[str | None], "due": NotRequired[str | None], "answer": NotRequired[str | None],
    "documents": NotRequired[list[str]]})
CenterPoint = TypedDict("CenterPoint", {"coordinates": list[float], "crs": NotRequired[str], "tileMatrix": str})
Change = TypedDict("Change", {"seq": int, "at": str, "collection": str, "id": str, "version": NotRequired[int],
    "change": Literal["created", "updated", "deleted"], "row_version": int | None, "links": list[Link]})
ChangedAccount = TypedDict("ChangedAccount", {"name": NotRequired[str], "email": NotRequired[str | None],
    "party": NotRequired[str | None], "roles": NotRequired[list[RoleAsked]],
    "disabled": NotRequired[bool | str | None]})
ChangedProperty = TypedDict("ChangedProperty", {"name_zh": NotRequired[str], "name_en": NotRequired[str],
    "medium": NotRequired[str], "unit": NotRequired[str], "low": NotRequired[float | None],
    "high": NotRequired[float | None], "decimals": NotRequired[int], "moves": NotRequired[bool],
    "hj525": NotRequired[str | None], "aliases": NotRequired[list[str]], "standard": NotRequired[str | None],
    "raw_years": NotRequired[int | None]})
Changes = TypedDict("Changes", {"changes": list[Change], "cursor": str, "numberReturned": int, "links": list[Link]})
CheckComplianceInputs = TypedDict("CheckComplianceInputs", {"geometry": NotRequired[dict[str, Any] | None],
    "crs": NotRequired[str | None], "project": NotRequired[str | None], "activities": NotRequired[list[str]],
    "measures": NotRequired[list[str]], "region": NotRequired[str | None], "as_of": NotRequired[str | None],
    "lines": NotRequired[list[str] | None], "shapes": NotRequired[bool]})
ClassChange = TypedDict("ClassChange", {"from": str, "to": str, "area_km2": float})
ClassDifference = TypedDict("ClassDifference", {"from": str, "to": str, "color": str | None, "area_km2": float,
    "geometry": AdjustedPolygons})
ClassExtent = TypedDict("ClassExtent", {"value": int, "code": str | None, "label_zh": str | None,
    "label_en": str | None, "color": str | None, "cells": int, "area_m2": float, "area_ha": float,
    "share": float | None})
ClassOfZones = TypedDict("ClassOfZones", {"class": str, "name": str, "area_km2": float | None})
ClassStatistics = TypedDict("ClassStatistics", {"cells": int, "area_m2": float, "area_ha": float,
    "nodata_area_m2": float, "classes": list[ClassExtent], "layer": str, "version": str, "band": int, "unit": str,
    "stand_in": bool, "stand_in_notes": list[StandInNote], "kind": NotRequired[Literal["classes"]]})
CodeForm = TypedDict("CodeForm", {"csrf": NotRequired[str | None], "next": NotRequired[str | None], "code": str})
CollectionDescription = TypedDict("CollectionDescription", {"id": str, "title": str, "description": str,
    "itemType": NotRequired[Literal["feature"]], "extent": FeaturesExtent, "crs": list[str],
    "storageCrs": NotRequired[str], "links": list[Link]})
CollectionDescriptions = TypedDict("CollectionDescriptions", {"links": list[Link],
    "collections": list[CollectionDescription], "crs": list[str]})
CommentAnswered = TypedDict("CommentAnswered", {"code": str, "topic": str | None,
    "adoption": Literal["adopted", "partly_adopted", "not_adopted"], "reason": str, "reply": str, "replied_at": str,
    "shown": bool})
CommentContact = TypedDict("CommentContact", {"name": str | None, "contact": str | None, "address": str | None,
    "account": str | None, "delete_on": str})
CommentKept = TypedDict("CommentKept", {"code": str, "notice": str, "at": str, "receipt": NotRequired[str]})
CommentList = TypedDict("CommentList", {"comments": list[CommentShown], "links": list[Link]})
CommentShown = TypedDict("CommentShown", {"code": str, "at": str, "text": str, "place": list[float] | None,
    "authored": Literal["account", "named", "anonymous"], "topic": str | None,
    "adoption": Literal["adopted", "partly_adopted", "not_adopted"] | None, "reason": str | None, "reply": str | None,
    "replied_at": str | None, "shown": bool})
ComparedAreas = TypedDict("ComparedAreas", {"perimeter_ha": float, "control_ha": float, "control_width_m": float,
    "other_projects": int, "cell_m": float, "rule": str, "rule_zh": str, "rule_en": str})
ComparedEdition = TypedDict("ComparedEdition", {"code": str, "name": str,
    "status": Literal["draft", "submitted", "approved", "superseded", "withdrawn"], "status_name": str})
ComparedKind = TypedDict("ComparedKind", {"collection": str, "title": str, "before": EditionSums,
    "after": EditionSums, "added": list[ComparedObject], "dropped": list[ComparedObject],
    "changed": list[AlteredObject], "unchanged": int})
ComparedObject = TypedDict("ComparedObject", {"code": str, "name": str, "area_km2": float | None})
ComparedResult = TypedDict("ComparedResult", {"code": str, "name": str, "name_zh": str, "name_en": str,
    "kind": Literal["evaluation", "benefit", "achievement", "condition", "context", "reference", "count"],
    "kind_name": str, "aspect": Literal["ecological", "social", "economic"] | None, "class_zh": str | None,
    "class_en": str | None, "region": str | None, "region_name": str | None, "first_year": int | None,
    "last_year": int | None, "unit": str | None, "comparator": str | None, "printed": float | None,
    "computed": float | None, "computed_unit": str | None, "difference": float | None,
    "difference_percent": float | None, "reached_percent": float | None, "reason_zh": str | None,
    "reason_en": str | None, "indicator": str | None, "projects": list[str], "source": ComputedSource | None})
ComparedTarget = TypedDict("ComparedTarget", {"indicator": str, "name_zh": str, "name_en": str, "unit": str,
    "region": str, "year": int | None, "verdict": Literal["falls_short", "missing", "conforms"],
    "upper": StatedTarget, "own": StatedTarget | None})
ComplaintForm = TypedDict("ComplaintForm", {"taken": bool, "kinds": list[ComplaintKind], "today": str,
    "most_photos": int, "most_photo_bytes": int, "links": list[Link]})
ComplaintKept = TypedDict("ComplaintKept", {"state": NotRequired[Literal["received"]], "receipt": NotRequired[str]})
ComplaintKind = TypedDict("ComplaintKind", {
    "code": Literal["construction", "mining", "clearing", "cultivation", "filling", "dumping", "road", "other"],
    "name": str, "name_zh": str, "name_en": str})
ComplianceCheck = TypedDict("ComplianceCheck", {"result": dict[str, Any] | None, "links": NotRequired[list[Link]]})
ComponentNode = TypedDict("ComponentNode", {"code": str, "name_zh": str, "name_en": str, "type": str, "order": int,
    "certainty": Literal["stated", "inferred"] | None, "label_zh": str | None, "label_en": str | None,
    "covers": list[str] | None, "area_km2": float | None, "length_km": float | None, "geometry_known": bool,
    "count_stated": int | None, "count_listed": int | None, "source_names_all": bool | None, "links": list[Link],
    "children": list[ComponentNode]})
ComputedSettlement = TypedDict("ComputedSettlement", {"agreement": str, "year": int, "rule": dict[str, Any],
    "observed": dict[str, Any], "lines": list[SettledLineShown], "missing": list[str], "capped": bool,
    "amount": str | None, "payer": Literal["upstream", "downstream"] | None})
ComputedSource = TypedDict("ComputedSource", {
    "origin": Literal["dataset", "indicator", "zoning", "control_areas", "corridors", "regions", "mines", "projects", "tasks", "programmes", "indicators", "zones"],
    "name": str, "code": str | None, "job": str | None, "on": str | None, "year": int | None, "rows": int | None,
    "remark_zh": str | None, "remark_en": str | None, "href": str | None})
Condition = TypedDict("Condition", {"text": str, "text_zh": str, "text_en": str, "code": str, "met": bool | None,
    "pointer": NotRequired[str]})
Conformance = TypedDict("Conformance", {"conformsTo": list[str], "links": list[Link]})
ConformanceClasses = TypedDict("ConformanceClasses", {"conformsTo": list[str]})
CoverageCounts = TypedDict("CoverageCounts", {"problems": int, "problems_without_project": int,
    "places_without_project": int, "projects": int, "projects_without_problem": int})
CoveredProblem = TypedDict("CoveredProblem", {"problem": str, "name": str, "name_zh": str, "name_en": str,
    "type": str, "severity": Literal["info", "low", "medium", "high"] | None,
    "status": Literal["open", "planned", "resolved"], "covered": bool, "projects": list[ProjectOnProblem],
    "places": list[PlaceWithProjects], "places_without_project": list[str]})
DataArray = TypedDict("DataArray", {"Datastream": Reference, "components": list[str],
    "dataArray@iot.count": NotRequired[Any], "dataArray": list[Any]})
DatastreamBody = TypedDict("DatastreamBody", {"@iot.id": NotRequired[str | None], "name": NotRequired[str | None],
    "description": NotRequired[str | None], "observationType": NotRequired[str | None],
    "unitOfMeasurement": NotRequired[Unit | None], "observedArea": NotRequired[Any],
    "phenomenonTime": NotRequired[Any], "resultTime": NotRequired[Any],
    "properties": NotRequired[dict[str, Any] | None], "Thing": NotRequired[ThingBody | None],
    "Sensor": NotRequired[SensorBody | None], "ObservedProperty": NotRequired[ObservedPropertyBody | None],
    "Observations": NotRequired[list[ObservationBody]]})
DayComparison = TypedDict("DayComparison", {"collection": str, "id": str, "from": DayVersion, "to": DayVersion,
    "changed": list[MemberChange], "geometry": GeometryChange, "links": list[Link]})
DayVersion = TypedDict("DayVersion", {"day": str, "row_version": int | None})
DecisionBody = TypedDict("DecisionBody", {"region": str, "decision": Literal["approved", "rejected", "withdrawn"],
    "reason": NotRequired[str | None]})
Definition = TypedDict("Definition", {"openapi": str, "info": dict[str, Any], "paths": dict[str, dict[str, Any]]})
DelimitationFigures = TypedDict("DelimitationFigures", {"areas": int, "drawn": int, "area_km2": float | None,
    "length_km": float | None, "approved_km2": float | None, "approved_from": Literal["region", "parts"] | None,
    "difference_km2": float | None, "share_percent": float | None, "delimitation": str})
DepositBody = TypedDict("DepositBody", {"kind": NotRequired[Literal["due", "paid", "withdrawn", "forfeited"] | None],
    "year": NotRequired[int | None], "amount": NotRequired[float | str | None], "reverses": NotRequired[int | None],
    "note": NotRequired[str | None]})
DepositMade = TypedDict("DepositMade", {"id": int, "kind": Literal["due", "paid", "withdrawn", "forfeited"],
    "year": int, "amount": str, "reverses": int | None, "note": str | None, "actor": str | None, "at": str,
    "mine": str, "links": list[Link]})
DepositShown = TypedDict("DepositShown", {"id": int, "kind": Literal["due", "paid", "withdrawn", "forfeited"],
    "year": int, "amount": str, "reverses": int | None, "note": str | None, "actor": str | None, "at": str})
DisclosureList = TypedDict("DisclosureList", {"rules": list[DisclosureRule], "links": list[Link]})
DisclosureRule = TypedDict("DisclosureRule", {"what": str, "title_zh": str, "title_en": str,
    "public": Literal["all", "published", "flagged", "in_part", "none"], "text_zh": str, "text_en": str,
    "legal_basis": str | None, "to_be_confirmed": bool})
DocumentLink = TypedDict("DocumentLink", {"rel": str, "type": str, "href": str, "title": NotRequired[str],
    "templated": NotRequired[bool]})
DossierMember = TypedDict("DossierMember", {"name": str, "title": str, "unit": str | None})
DossierPartShown = TypedDict("DossierPartShown", {"name": str, "title": str, "total": int, "collection": str | None,
    "members": list[DossierMember], "rows": list[dict[str, Any]]})
DownloadableFile = TypedDict("DownloadableFile", {"format": str, "mediaType": str, "downloadURL": str})
DutyBoard = TypedDict("DutyBoard", {"title": str, "plan": str, "as_of": NotRequired[str],
    "in_force": NotRequired[str | None], "by": Literal["party", "article"], "total": int, "states": dict[str, int],
    "rows": list[BoardRow], "links": list[Link]})
DutyReviewListed = TypedDict("DutyReviewListed", {"year": int, "state": Literal["open", "frozen"],
    "reports_due_on": str, "sha256": str | None, "frozen_at": str | None, "links": list[Link]})
DutyReviewShown = TypedDict("DutyReviewShown", {"title": str, "year": int, "state": Literal["open", "frozen"],
    "reports_due_on": str, "sha256": str | None, "frozen_at": str | None, "content": ReviewContent,
    "content_sha256": str, "links": list[Link]})
DutyReviews = TypedDict("DutyReviews", {"title": str, "plan": str, "as_of": NotRequired[str],
    "in_force": NotRequired[str | None], "reviews": list[DutyReviewListed], "links": list[Link]})
Ecoservice = TypedDict("Ecoservice", {"code": str, "name": str, "name_zh": str, "name_en": str})
Ecoservices = TypedDict("Ecoservices", {"ecoservices": list[Ecoservice], "links": list[Link]})
EditionBegun = TypedDict("EditionBegun", {"code": str,
    "status": Literal["draft", "submitted", "approved", "superseded", "withdrawn"]})
EditionComparison = TypedDict("EditionComparison", {"as_of": NotRequired[str], "in_force": NotRequired[str | None],
    "from": ComparedEdition, "to": ComparedEdition,
    "area_method": NotRequired[Literal["geodesic on the CGCS2000 ellipsoid"]], "same": bool,
    "parts": list[ComparedKind], "links": list[Link]})
EditionListed = TypedDict("EditionListed", {"code": str, "name": str, "edition": int, "version": int,
    "status": Literal["draft", "submitted", "approved", "superseded", "withdrawn"], "status_name": str,
    "supersedes": str | None, "begun_on": str, "in_force_from": str | None, "in_force_to": str | None,
    "links": list[Link]})
EditionProjects = TypedDict("EditionProjects", {"title": str, "plan": str, "as_of": NotRequired[str],
    "in_force": NotRequired[str | None], "projects": list[ProjectInEdition], "links": list[Link]})
EditionSums = TypedDict("EditionSums", {"count": int, "drawn": int, "area_km2": float | None,
    "cost": NotRequired[str]})
EntitySet = TypedDict("EntitySet", {"name": str, "url": str})
EvaluationBody = TypedDict("EvaluationBody", {"year": int, "region": NotRequired[str | None],
    "department": NotRequired[str | None]})
EvaluationListed = TypedDict("EvaluationListed", {"id": str, "year": int, "sha256": str, "created": str,
    "created_by": str, "region": str, "links": list[Link]})
EvaluationTable = TypedDict("EvaluationTable", {"plan": NamedCode, "year": int, "region": str | None,
    "department": NamedCode | None, "summary": StatusSummary, "rows": list[JudgedIndicator]})
Evidence = TypedDict("Evidence", {"alert": NotRequired[int], "case": NotRequired[str], "value": NotRequired[int],
    "job": NotRequired[str], "evaluation": NotRequired[str], "bulletin": NotRequired[str],
    "kind": Literal["alert", "case", "value", "job", "evaluation", "bulletin"], "kind_name": str,
    "href": NotRequired[str]})
EvidenceBody = TypedDict("EvidenceBody", {"alert": NotRequired[int | None], "case": NotRequired[str | None],
    "value": NotRequired[int | None], "job": NotRequired[str | None], "evaluation": NotRequired[str | None],
    "bulletin": NotRequired[str | None]})
ExceptionBody = TypedDict("ExceptionBody", {"rule": NotRequired[str | None], "gap": NotRequired[str | None],
    "reason": str, "project": NotRequired[str | None], "geometry": NotRequired[dict[str, Any] | None],
    "crs": NotRequired[str | None], "region": NotRequired[str | None], "control_area": NotRequired[str | None],
    "valid_from": NotRequired[str | None], "valid_to": NotRequired[str | None], "approver": NotRequired[str | None],
    "document": NotRequired[str | None]})
ExceptionRequestBody = TypedDict("ExceptionRequestBody", {"rule": NotRequired[str | None],
    "gap": NotRequired[str | None], "reason": str, "project": NotRequired[str | None],
    "geometry": NotRequired[dict[str, Any] | None], "crs": NotRequired[str | None], "region": NotRequired[str | None],
    "control_area": NotRequired[str | None], "valid_from": NotRequired[str | None],
    "valid_to": NotRequired[str | None]})
Extent = TypedDict("Extent", {"spatial": SpatialExtent})
FactorAsked = TypedDict("FactorAsked", {"csrf": NotRequired[str | None], "next": NotRequired[str | None],
    "password": str})
FactorShown = TypedDict("FactorShown", {"csrf": NotRequired[str | None], "next": NotRequired[str | None], "code": str,
    "sealed": str})
FeatureAtPoint = TypedDict("FeatureAtPoint", {"type": Literal["Feature"], "id": str,
    "geometry": dict[str, Any] | None, "properties": dict[str, Any], "collection": str, "collection_title": str,
    "in_force": bool, "version": int, "links": list[Link]})
FeatureBody = TypedDict("FeatureBody", {"@iot.id": NotRequired[str | None], "name": NotRequired[str | None],
    "description": NotRequired[str | None], "encodingType": NotRequired[str | None],
    "feature": NotRequired[dict[str, Any] | None], "properties": NotRequired[dict[str, Any] | None]})
FeatureSchema = TypedDict("FeatureSchema", {"$schema": NotRequired[str], "$id": str,
    "type": NotRequired[Literal["object"]], "title": str, "description": str, "properties": dict[str, dict[str, Any]],
    "required": NotRequired[list[str]], "additionalProperties": NotRequired[Literal[False]]})
FeaturesAtPoint = TypedDict("FeaturesAtPoint", {"type": Literal["FeatureCollection"], "point": list[float],
    "features": list[FeatureAtPoint], "numberReturned": int, "links": list[Link]})
FeaturesExtent = TypedDict("FeaturesExtent", {"spatial": FeaturesSpatialExtent, "temporal": FeaturesTemporalExtent})
FeaturesSpatialExtent = TypedDict("FeaturesSpatialExtent", {"bbox": list[list[float]], "crs": str})
FeaturesTemporalExtent = TypedDict("FeaturesTemporalExtent", {"interval": list[list[str | None]], "trs": str})
FigureBody = TypedDict("FigureBody", {"role": Literal["base", "target", "reference"], "year": NotRequired[int | None],
    "value": NotRequired[float | str | None], "unit": NotRequired[str | None],
    "comparator": NotRequired[Literal["ge", "gt", "le", "lt", "eq", "none"] | None],
    "sense": NotRequired[Literal["at_least", "at_most", "track"] | None], "cumulative_from": NotRequired[int | None],
    "revisable": NotRequired[bool], "source": NotRequired[str | None]})
FigureRevision = TypedDict("FigureRevision", {"on": str, "reason": str, "value_before": float | None,
    "proposal": NotRequired[str]})
Figures = TypedDict("Figures", {"cases": int, "open": int, "overdue": int, "area_ha": float, "inside_ha": float})
FindingShown = TypedDict("FindingShown", {"code": str, "kind": str,
    "severity": Literal["info", "low", "medium", "high"], "severity_name": str, "text": str, "text_zh": str,
    "text_en": str, "figures": dict[str, Any], "found_at": str})
FormerValue = TypedDict("FormerValue", {"value": float,
    "quality": Literal["valid", "stopped", "maintenance", "manual", "fault", "calibration", "over_range", "no_connection"],
    "flags": list[str], "received": str, "replaced": str, "result_time": NotRequired[str]})
FundEntryBody = TypedDict("FundEntryBody", {"kind": Literal["allocation", "payment", "return"], "source": str,
    "amount": float | str, "measure": NotRequired[str | None], "paid_on": NotRequired[str | None],
    "note": NotRequired[str | None]})
FundSums = TypedDict("FundSums", {"key": str | None, "name": str, "name_zh": str, "name_en": str, "projects": int,
    "cost": str | None, "allocated": str, "paid": str, "returned": str, "balance": str, "paid_percent": float | None,
    "done_percent": float | None})
GeometryChange = TypedDict("GeometryChange", {"changed": bool, "area_km2": SizeChange | None,
    "length_km": SizeChange | None})
GivenValue = TypedDict("GivenValue", {"unit": str | None, "value": str})
GrantBody = TypedDict("GrantBody", {"approver": NotRequired[str | None], "document": NotRequired[str | None]})
HealthTold = TypedDict("HealthTold", {"status": Literal["ok", "read-only", "down"], "version": str,
    "suite": Literal["international", "commercial"], "checks": dict[str, str]})
HistoricalLocationBody = TypedDict("HistoricalLocationBody", {"@iot.id": NotRequired[str | None],
    "time": NotRequired[str | None], "Thing": NotRequired[Reference | None],
    "Locations": NotRequired[list[Reference] | None]})
IdleProject = TypedDict("IdleProject", {"project": str, "name": str, "name_zh": str, "name_en": str})
IndicatorBase = TypedDict("IndicatorBase", {"year": int | None, "value": float | None})
IndicatorChange = TypedDict("IndicatorChange", {"code": str, "name": str, "name_zh": str, "name_en": str,
    "unit": str | None, "of": Literal["region", "project"], "before_on": str, "before": float, "after_on": str,
    "after": float, "change": float})
IndicatorTargets = TypedDict("IndicatorTargets", {"title": str, "plan": str, "as_of": NotRequired[str],
    "in_force": NotRequired[str | None], "indicator": str, "name_zh": str, "name_en": str, "unit": str, "region": str,
    "targets": list[StatedTarget], "proposals": list[ProposalNamed], "links": list[Link]})
IndicatorTrend = TypedDict("IndicatorTrend", {"per_year": float,
    "course": Literal["steady", "improving", "worsening"], "values": int})
IndicatorValues = TypedDict("IndicatorValues", {"title": str, "plan": str, "as_of": NotRequired[str],
    "in_force": NotRequired[str | None], "indicator": str, "name_zh": str, "name_en": str, "unit": str, "region": str,
    "values": list[ObservedValue], "links": list[Link]})
InputDescription = TypedDict("InputDescription", {"title": str, "description": str,
    "additionalParameters": NotRequired[AdditionalParameters], "schema": dict[str, Any], "minOccurs": int,
    "maxOccurs": int})
JobException = TypedDict("JobException", {"title": str, "detail": str, "class": str,
    "errors": NotRequired[list[dict[str, str]]]})
JobInputs = TypedDict("JobInputs", {"process": str, "inputs": dict[str, Any]})
JobStatus = Literal["accepted", "running", "successful", "failed", "dismissed"]
Jobs = TypedDict("Jobs", {"jobs": list[StatusInfo], "links": list[Link]})
JudgedIndicator = TypedDict("JudgedIndicator", {"status": Literal["reached", "on_track", "behind", "no_data"],
    "gap": float | None, "path_value": float | None, "progress_percent": float | None,
    "remarks": list[StandingRemark], "indicator": str, "order": int, "name_zh": str, "name_en": str, "unit": str,
    "property": Literal["binding", "expected"], "direction": Literal["higher", "lower"], "category": NamedCode | None,
    "department": NamedCode | None, "region": NamedCode, "base": IndicatorBase | None, "target": StatedTarget | None,
    "value": float | None, "value_year": int | None, "targets": list[JudgedTarget], "references": list[StatedTarget],
    "trend": IndicatorTrend | None, "projects": ProjectShare | None})
JudgedTarget = TypedDict("JudgedTarget", {"role": Literal["base", "target", "reference"], "year": int | None,
    "value": float | None, "comparator": Literal["ge", "gt", "le", "lt", "eq", "none"] | None,
    "sense": Literal["at_least", "at_most", "track"], "cumulative_from": int | None, "revisable": bool,
    "source": str | None, "revisions": NotRequired[list[FigureRevision]],
    "status": Literal["reached", "on_track", "behind", "no_data"], "gap": float | None, "path_value": float | None,
    "progress_percent": float | None, "remarks": list[StandingRemark], "stage": Literal["near", "final"] | None})
JudgementBody = TypedDict("JudgementBody", {"verdict": Literal["met", "partly_met", "not_met", "returned"],
    "judgement": NotRequired[str | None]})
Key = TypedDict("Key", {"id": str, "name": str, "scopes": list[Scope], "roles": list[RoleHeld] | None,
    "networks": list[str] | None, "created": str, "expires": str | None, "revoked": str | None,
    "last_used": str | None, "successor": str | None, "key": NotRequired[str]})
KeyForm = TypedDict("KeyForm", {"csrf": NotRequired[str | None], "next": NotRequired[str | None], "key": str})
KeyRotation = TypedDict("KeyRotation", {"overlap_hours": NotRequired[float]})
Keys = TypedDict("Keys", {"keys": list[Key], "links": list[Link]})
KindFigures = TypedDict("KindFigures", {"cases": int, "open": int, "overdue": int, "area_ha": float,
    "inside_ha": float, "name": Name | None,
    "kind": Literal["construction", "mining", "clearing", "cultivation", "filling", "dumping", "road", "other"]})
LandingPage = TypedDict("LandingPage", {"title": str, "description": str, "links": list[Link]})
LayerCollection = TypedDict("LayerCollection", {"id": str, "title": str, "title_zh": str, "title_en": str,
    "attribution": str, "stand_in": bool, "extent": Extent, "links": list[DocumentLink]})
LayerCollections = TypedDict("LayerCollections", {"collections": list[LayerCollection], "links": list[DocumentLink]})
LayerLegend = TypedDict("LayerLegend", {"title": str, "title_zh": str, "title_en": str,
    "kind": Literal["classes", "ramp", "plain"], "symbol": Literal["area", "outline", "line", "point"],
    "property": str | None, "unit": str, "unit_zh": str, "unit_en": str, "entries": list[LegendLine],
    "no_data": NoDataLine | None, "layer": str})
LayerList = TypedDict("LayerList", {"layers": list[LayerSummary]})
LayerSummary = TypedDict("LayerSummary", {"id": str, "title": str, "title_zh": str, "title_en": str,
    "kind": Literal["raster", "vector"], "theme": str, "bounds": list[float], "minzoom": NotRequired[int],
    "maxzoom": int, "version": str, "stand_in": bool, "links": list[DocumentLink]})
LeadResult = TypedDict("LeadResult", {"index": int,
    "outcome": Literal["opened", "duplicate", "no_case", "undetermined", "rejected"], "case": NotRequired[str],
    "href": NotRequired[str], "detail": NotRequired[str], "pointer": NotRequired[str]})
LeadResults = TypedDict("LeadResults", {"opened": int, "duplicate": int, "no_case": int, "undetermined": int,
    "rejected": int, "results": list[LeadResult]})
LedgerFigures = TypedDict("LedgerFigures", {"allocated": str, "paid": str, "balance": str, "currency": Literal["CNY"],
    "by_source": list[SourceBalance], "by_year": list[YearBalance], "entries": list[LedgerLine]})
LedgerLine = TypedDict("LedgerLine", {"id": int, "kind": Literal["allocation", "payment", "return"], "source": str,
    "year": int | None, "amount": str, "measure": str | None, "paid_on": str | None, "note": str | None, "actor": str,
    "at": str})
LedgerLineMade = TypedDict("LedgerLineMade", {"id": int, "kind": Literal["allocation", "payment", "return"],
    "source": str, "year": int | None, "amount": str, "measure": str | None, "paid_on": str | None,
    "note": str | None, "actor": str, "at": str, "project": str, "links": list[Link]})
LegendDescription = TypedDict("LegendDescription", {"title": str, "title_zh": str, "title_en": str,
    "kind": Literal["classes", "ramp", "plain"], "symbol": Literal["area", "outline", "line", "point"],
    "property": str | None, "unit": str, "unit_zh": str, "unit_en": str, "entries": list[LegendLine],
    "no_data": NoDataLine | None})
LegendLine = TypedDict("LegendLine", {"value": float | None, "code": str | None, "values": list[str], "color": str,
    "label": str, "label_zh": str, "label_en": str})
LineDecline = TypedDict("LineDecline", {
    "kind": Literal["red_line", "permanent_basic_farmland", "cultivated_land", "urban_boundary", "eco_control_line", "protected_area", "water_source_area", "habitat", "access_unit", "wetland", "shoreline", "island", "sea_use_right", "legacy_mine", "soil_erosion"],
    "name_zh": str, "name_en": str, "delimitation": str | None, "day": str, "lost": dict[str, float],
    "codes": list[str]})
LineRegister = TypedDict("LineRegister", {"region": str, "region_name_zh": str | None, "region_name_en": str | None,
    "region_area_km2": float | None, "as_of": str | None, "lines": list[RegisteredLine],
    "declines": list[LineDecline], "links": list[Link]})
Link = TypedDict("Link", {"href": str, "rel": str, "type": NotRequired[str], "title": NotRequired[str]})
LinkForm = TypedDict("LinkForm", {"csrf": NotRequired[str | None], "next": NotRequired[str | None], "link": str,
    "new": str, "again": NotRequired[str | None]})
LinkOffered = TypedDict("LinkOffered", {"name": str, "account": str})
Liveness = TypedDict("Liveness", {"status": Literal["live"], "version": str})
LocationBody = TypedDict("LocationBody", {"@iot.id": NotRequired[str | None], "name": NotRequired[str | None],
    "description": NotRequired[str | None], "encodingType": NotRequired[str | None],
    "location": NotRequired[dict[str, Any] | None], "properties": NotRequired[dict[str, Any] | None],
    "Things": NotRequired[list[Reference] | None]})
LoginWays = TypedDict("LoginWays", {"password": bool, "issuers": list[str], "next": NotRequired[str]})
MadeObject = TypedDict("MadeObject", {"code": str, "version": int | None})
Mails = TypedDict("Mails", {"deliveries": list[Sending], "links": list[Link]})
Manifest = TypedDict("Manifest", {"process": NotRequired[str | None], "request": NotRequired[dict[str, Any] | None],
    "seed": NotRequired[int | None], "code_version": NotRequired[str | None],
    "library_versions": NotRequired[dict[str, str] | None], "inputs": NotRequired[list[dict[str, Any]] | None],
    "outputs": NotRequired[list[dict[str, Any]] | None], "warnings": NotRequired[list[dict[str, Any]] | None]})
MapStyle = TypedDict("MapStyle", {"version": NotRequired[Literal[8]], "name": str, "metadata": dict[str, str],
    "sources": dict[str, StyleSource], "layers": list[StyleLayer]})
Measure = TypedDict("Measure", {"measure": str, "order": int, "name_zh": str | None, "name_en": str | None,
    "planned": float | None, "done": float | None, "unit": str | None, "indicator": str | None,
    "progress_percent": float | None})
MeasureBody = TypedDict("MeasureBody", {"order": NotRequired[int], "name_zh": NotRequired[str | None],
    "name_en": NotRequired[str | None], "planned": NotRequired[float | None], "done": NotRequired[float | None],
    "unit": NotRequired[str | None], "indicator": NotRequired[str | None]})
MeasureShown = TypedDict("MeasureShown", {"measure": str, "order": int, "name_zh": str | None, "name_en": str | None,
    "planned": float | None, "done": float | None, "unit": str | None, "indicator": str | None,
    "progress_percent": float | None, "project": str, "links": list[Link]})
MeasureSums = TypedDict("MeasureSums", {"measure": str, "unit": str | None, "projects": int, "planned": float | None,
    "done": float | None})
Measures = TypedDict("Measures", {"project": str, "measures": list[Measure], "links": list[Link]})
MemberChange = TypedDict("MemberChange", {"property": str, "title": str, "from": Any, "to": Any})
MemberInBoth = TypedDict("MemberInBoth", {"from": Any, "to": Any})
Membership = TypedDict("Membership", {"programme": str | None})
Merging = TypedDict("Merging", {"zones": list[str], "note": str, "version": NotRequired[int | None]})
MineFund = TypedDict("MineFund", {"title": str, "mine": str, "currency": Literal["CNY"], "fund_due": str,
    "fund_paid": str, "withdrawn": str, "forfeited": str, "balance": str, "fund_missing": str,
    "entries": list[DepositShown], "links": list[Link]})
MineReportBody = TypedDict("MineReportBody", {"year": int, "disturbed_ha": float | str, "planned_ha": float | str,
    "restored_ha": float | str, "note": NotRequired[str | None]})
MineReportMade = TypedDict("MineReportMade", {"id": int, "year": int, "disturbed_ha": str, "planned_ha": str,
    "restored_ha": str, "area_missing_ha": str, "fund_due": str, "fund_paid": str, "fund_missing": str,
    "case": str | None, "newest": bool, "note": str | None, "actor": str | None, "at": str, "mine": str,
    "links": list[Link]})
MineReportShown = TypedDict("MineReportShown", {"id": int, "year": int, "disturbed_ha": str, "planned_ha": str,
    "restored_ha": str, "area_missing_ha": str, "fund_due": str, "fund_paid": str, "fund_missing": str,
    "case": str | None, "newest": bool, "note": str | None, "actor": str | None, "at": str})
MineReports = TypedDict("MineReports", {"title": str, "mine": str, "reports": list[MineReportShown],
    "links": list[Link]})
MineStock = TypedDict("MineStock", {"region": str | None, "region_name": str | None, "plan": str | None,
    "plan_name": str | None, "mine_count": int, "unmeasured": int, "years": list[StockAtYearEnd],
    "links": list[Link]})
MonthFigures = TypedDict("MonthFigures", {"cases": int, "open": int, "overdue": int, "area_ha": float,
    "inside_ha": float, "name": Name | None, "month": str})
Name = TypedDict("Name", {"zh": str, "en": str})
NamedCode = TypedDict("NamedCode", {"code": str, "name_zh": str, "name_en": str})
NamedValues = TypedDict("NamedValues", {"name": str, "value": list[str]})
NewAccount = TypedDict("NewAccount", {"name": NotRequired[str], "email": NotRequired[str | None],
    "party": NotRequired[str | None], "roles": NotRequired[list[RoleAsked]],
    "disabled": NotRequired[bool | str | None], "issuer": NotRequired[str | None], "subject": str})
NewComplaint = TypedDict("NewComplaint", {
    "kind": Literal["construction", "mining", "clearing", "cultivation", "filling", "dumping", "road", "other"],
    "text": str, "seen_on": str, "place": dict[str, Any], "accuracy_m": NotRequired[float],
    "name": NotRequired[str | None], "contact": NotRequired[str | None], "address": NotRequired[str | None],
    "work": NotRequired[SolvedWork | None]})
NewEdition = TypedDict("NewEdition", {"note": str, "change": NotRequired[dict[str, Any]]})
NewFactor = TypedDict("NewFactor", {"secret": str, "address": str, "sealed": str})
NewKey = TypedDict("NewKey", {"name": str, "scopes": NotRequired[list[Scope] | None],
    "roles": NotRequired[list[RoleAsked] | None], "networks": NotRequired[list[str] | None],
    "expires_at": NotRequired[str | None]})
NewMeasureBody = TypedDict("NewMeasureBody", {"order": NotRequired[int], "name_zh": NotRequired[str | None],
    "name_en": NotRequired[str | None], "planned": NotRequired[float | None], "done": NotRequired[float | None],
    "unit": NotRequired[str | None], "indicator": NotRequired[str | None], "measure": str})
NewProperty = TypedDict("NewProperty", {"name_zh": str, "name_en": NotRequired[str], "medium": str, "unit": str,
    "low": NotRequired[float | None], "high": NotRequired[float | None], "decimals": NotRequired[int],
    "moves": NotRequired[bool], "hj525": NotRequired[str | None], "aliases": NotRequired[list[str]],
    "standard": NotRequired[str | None], "raw_years": NotRequired[int | None], "code": str})
NewReview = TypedDict("NewReview", {"year": int, "reports_due_on": str})
NewRule = TypedDict("NewRule", {"name_zh": str, "name_en": NotRequired[str],
    "kind": Literal["above", "below", "rate", "no_data", "indicator_behind_target", "red_line_lead", "line_decline", "duty_due", "balance_short", "settlement_waiting", "mine_report_due", "mine_fund_short", "reclamation_due"],
    "property": NotRequired[str | None], "stations": NotRequired[list[str] | None], "region": NotRequired[str | None],
    "plan": NotRequired[str | None], "indicator": NotRequired[str | None], "control_kind": NotRequired[str | None],
    "balance_kind": NotRequired[str | None], "settlement_state": NotRequired[str | None], "limits": dict[str, float],
    "reset": NotRequired[float | None], "min_duration_s": NotRequired[int], "max_age_s": NotRequired[int],
    "any_quality": NotRequired[bool], "enabled": NotRequired[bool], "quiet": NotRequired[Quiet | None],
    "valid_from": NotRequired[str | None], "valid_to": NotRequired[str | None], "code": str})
NewSchedule = TypedDict("NewSchedule", {"name_zh": str, "name_en": NotRequired[str], "process": str,
    "inputs": NotRequired[dict[str, Any]], "cron": NotRequired[str | None], "every_s": NotRequired[int | None],
    "starts_at": NotRequired[str | None], "timezone": NotRequired[str],
    "priority": NotRequired[Literal["low", "normal", "high"]], "enabled": NotRequired[bool], "code": str})
NewSecurityKeyForm = TypedDict("NewSecurityKeyForm", {"csrf": NotRequired[str | None],
    "next": NotRequired[str | None], "credential": dict[str, Any], "name": str})
NewSettlement = TypedDict("NewSettlement", {"year": int, "version": NotRequired[int | None]})
NewTileToken = TypedDict("NewTileToken", {"layers": list[str], "seconds": NotRequired[int]})
NewVersion = TypedDict("NewVersion", {"note": str, "version": NotRequired[int | None]})
NewestObservation = TypedDict("NewestObservation", {"station": str, "property": str, "time": str, "value": float,
    "unit": str,
    "quality": Literal["valid", "stopped", "maintenance", "manual", "fault", "calibration", "over_range", "no_connection"],
    "flags": list[str], "received": str, "result_time": NotRequired[str], "revisions": NotRequired[list[FormerValue]],
    "gap": NotRequired[bool], "name": str, "local_time": str})
NoDataLine = TypedDict("NoDataLine", {"label": str, "label_zh": str, "label_en": str})
NoticeHead = TypedDict("NoticeHead", {"code": str, "name_zh": str, "name_en": str, "region": str | None,
    "subject_collection": Literal["plans", "projects", "control_areas", "proposals"], "subject_code": str,
    "state": Literal["draft", "published", "closed", "withdrawn"], "published_on": str | None, "period_from": str,
    "period_to": str, "runs": bool, "href": str})
NoticeList = TypedDict("NoticeList", {"notices": list[NoticeHead], "links": list[Link]})
NoticePage = TypedDict("NoticePage", {"code": str, "name_zh": str, "name_en": str, "region": str | None,
    "subject_collection": Literal["plans", "projects", "control_areas", "proposals"], "subject_code": str,
    "state": Literal["draft", "published", "closed", "withdrawn"], "published_on": str | None, "period_from": str,
    "period_to": str, "runs": bool, "href": str, "text_zh": str, "text_en": str | None, "hearing_on": str | None,
    "hearing_time": str | None, "hearing_place": str | None, "contact_office": str, "documents": list[str],
    "commenters": Literal["account", "named", "anonymous"], "show_comments": bool, "reason": str | None,
    "least_days": int, "legal_basis": str | None, "to_be_confirmed": bool, "geometry": dict[str, Any] | None,
    "comments": list[CommentShown], "summary_sha256": str | None, "links": list[Link]})
NoticeSummaryShown = TypedDict("NoticeSummaryShown", {"title": str, "frozen_at": str | None, "sha256": str | None,
    "content": dict[str, Any], "links": list[Link]})
ObjectState = TypedDict("ObjectState", {"row_version": int, "valid_from": str | None, "valid_to": str | None,
    "recorded_from": str, "recorded_to": str | None, "deleted": bool, "properties": dict[str, Any],
    "links": NotRequired[list[Link]]})
ObjectStates = TypedDict("ObjectStates", {"versions": list[ObjectState], "numberReturned": int, "links": list[Link]})
ObservationBody = TypedDict("ObservationBody", {"@iot.id": NotRequired[str | None],
    "phenomenonTime": NotRequired[str | None], "resultTime": NotRequired[str | None], "result": NotRequired[Any],
    "resultQuality": NotRequired[Any], "validTime": NotRequired[Any], "parameters": NotRequired[Any],
    "Datastream": NotRequired[Reference | None], "FeatureOfInterest": NotRequired[Any]})
ObservationFeature = TypedDict("ObservationFeature", {"type": Literal["Feature"], "geometry": StationPoint | None,
    "properties": StoredObservation | PeriodStatistics})
ObservationFeatures = TypedDict("ObservationFeatures", {"type": Literal["FeatureCollection"],
    "features": list[ObservationFeature], "links": list[Link]})
ObservationPage = TypedDict("ObservationPage", {"observations": list[StoredObservation | PeriodStatistics],
    "links": list[Link]})
ObservationReceipt = TypedDict("ObservationReceipt", {"accepted": int, "duplicates": int, "revised": int,
    "rejected": list[RefusedRow], "rejected_count": int})
ObservedProperties = TypedDict("ObservedProperties", {"properties": list[ObservedProperty], "links": list[Link]})
ObservedProperty = TypedDict("ObservedProperty", {"code": str, "name": str, "name_zh": str, "name_en": str,
    "medium": Literal["water", "sea", "air", "weather", "flow", "ecology", "other"], "unit": str, "low": float | None,
    "high": float | None, "decimals": int, "moves": bool, "hj525": str | None, "aliases": list[str],
    "standard": str | None, "raw_years": int | None, "raw_since": str | None, "variant_of": str | None,
    "updated": str, "ranges": NotRequired[list[StationRange]], "links": NotRequired[list[Link]]})
ObservedPropertyBody = TypedDict("ObservedPropertyBody", {"@iot.id": NotRequired[str | None],
    "name": NotRequired[str | None], "definition": NotRequired[str | None], "description": NotRequired[str | None],
    "properties": NotRequired[dict[str, Any] | None]})
ObservedValue = TypedDict("ObservedValue", {"id": int, "year": int, "value": float, "unit": str,
    "given": GivenValue | None, "cumulative": bool, "counts": bool, "quality": str | None, "method": str | None,
    "source": str | None, "note": str | None, "department": str | None, "dataset": str | None, "job": str | None,
    "provenance": dict[str, Any] | None, "recorded_by": str | None, "recorded_at": str})
OpenApiDefinition = TypedDict("OpenApiDefinition", {"openapi": str, "info": dict[str, Any],
    "paths": dict[str, dict[str, Any]]})
OpenDataPage = TypedDict("OpenDataPage", {"licence_zh": str, "licence_en": str, "licence_to_be_confirmed": bool,
    "dataset": list[OpenDataset], "links": list[Link]})
OpenDataset = TypedDict("OpenDataset", {"identifier": str, "title_zh": str, "title_en": str, "description_zh": str,
    "description_en": str, "records": int, "modified": str | None, "licences": list[str], "landingPage": str,
    "distribution": list[DownloadableFile]})
OpenPlace = TypedDict("OpenPlace", {"place": str, "problem": str})
OpenedLayers = TypedDict("OpenedLayers", {"token": NotRequired[str], "layers": list[str], "expires": str})
OpinionBody = TypedDict("OpinionBody", {"inputs": CheckComplianceInputs})
OutputDescription = TypedDict("OutputDescription", {"title": str, "schema": dict[str, Any]})
OwnAccount = TypedDict("OwnAccount", {"owner": str, "name": str, "own": bool, "key": bool, "roles": list[RoleHeld],
    "scopes": list[Scope], "need": Literal["code", "password", "factor"] | None, "csrf": str, "factor": bool,
    "authenticator": bool, "security_keys": list[SecurityKeyShown], "recovery_codes": int,
    "password_changed": str | None, "sessions": list[SessionShown], "links": list[Link]})
PasswordForm = TypedDict("PasswordForm", {"csrf": NotRequired[str | None], "next": NotRequired[str | None],
    "password": str, "new": str, "again": NotRequired[str | None]})
PatternNode = TypedDict("PatternNode", {"code": NotRequired[str], "name_zh": NotRequired[str | None],
    "name_en": NotRequired[str | None], "level": NotRequired[str | None], "region": NotRequired[str | None],
    "plan": NotRequired[str | None], "copied_from": NotRequired[str | None], "version": NotRequired[int | None],
    "status": NotRequired[Literal["draft", "published", "superseded"] | None],
    "principle_zh": NotRequired[str | None], "principle_en": NotRequired[str | None],
    "set_by": NotRequired[str | None], "note": NotRequired[str | None], "source": NotRequired[str | None],
    "valid_from": NotRequired[str | None], "valid_to": NotRequired[str | None], "links": NotRequired[list[Link]],
    "children": list[ComponentNode]})
PatternTreeShown = TypedDict("PatternTreeShown", {"upper": list[ComponentNode], "tree": PatternNode,
    "links": list[Link]})
PeriodStatistics = TypedDict("PeriodStatistics", {"station": str, "property": str, "time": str, "unit": str,
    "mean": float, "min": float, "max": float, "p50": float, "p98": float, "count": int})
PhotoKept = TypedDict("PhotoKept", {"photos": int})
PhotoShown = TypedDict("PhotoShown", {"code": str, "on": str, "title": str, "href": str, "media_type": str})
PhotosBeforeAfter = TypedDict("PhotosBeforeAfter", {"measure": str | None, "before": PhotoShown, "after": PhotoShown})
PlaceOnTheWay = TypedDict("PlaceOnTheWay", {"depth": int, "code": str, "name": str, "name_zh": str, "name_en": str,
    "kind": Literal["village", "river", "lake", "basin", "section", "bay", "sea_area"], "region": str,
    "region_name": str, "station": str | None, "station_name": str | None, "links": list[Link]})
PlaceWithProjects = TypedDict("PlaceWithProjects", {"place": str, "projects": list[str]})
PlanApprovals = TypedDict("PlanApprovals", {"title": str, "plan": str,
    "status": Literal["draft", "submitted", "approved", "superseded", "withdrawn"], "status_name": str,
    "complete": bool, "approvals": list[RegionApproval], "links": list[Link]})
PlanChecked = TypedDict("PlanChecked", {"plan": str, "found": int, "changed": int})
PlanConformance = TypedDict("PlanConformance", {"title": str, "plan": str, "as_of": NotRequired[str],
    "in_force": NotRequired[str | None], "upper_plan": str | None,
    "verdict": Literal["nothing_to_compare", "departs", "conforms"], "verdict_zh": str, "verdict_en": str,
    "compared": int, "departures": int | None, "targets": list[ComparedTarget], "links": list[Link]})
PlanCoverage = TypedDict("PlanCoverage", {"plan": str, "as_of": NotRequired[str], "in_force": NotRequired[str | None],
    "plan_name": str, "plan_name_zh": str, "plan_name_en": str, "counts": CoverageCounts,
    "problems": list[CoveredProblem], "problems_without_project": list[str],
    "places_without_project": list[OpenPlace], "projects_without_problem": list[IdleProject], "links": list[Link]})
PlanEditions = TypedDict("PlanEditions", {"plan": str, "as_of": NotRequired[str], "in_force": NotRequired[str | None],
    "lineage": str, "editions": list[EditionListed], "links": list[Link]})
PlanEvaluation = TypedDict("PlanEvaluation", {"title": str, "as_of": NotRequired[str],
    "in_force": NotRequired[str | None], "plan": NamedCode, "year": int, "region": str | None,
    "department": NamedCode | None, "summary": StatusSummary, "rows": list[JudgedIndicator], "links": list[Link]})
PlanFindings = TypedDict("PlanFindings", {"plan": str, "as_of": NotRequired[str], "in_force": NotRequired[str | None],
    "checked": bool, "counts": SeverityCounts, "findings": list[FindingShown], "links": list[Link]})
PlanFunds = TypedDict("PlanFunds", {"plan": str, "as_of": NotRequired[str], "in_force": NotRequired[str | None],
    "plan_name": str, "plan_name_zh": str, "plan_name_en": str, "by": Literal["source", "kind", "year", "programme"],
    "allocated": str, "paid": str, "returned": str, "lines": list[FundSums], "links": list[Link]})
PlanInTree = TypedDict("PlanInTree", {"code": str, "name_zh": str, "name_en": str, "kind": str, "level": str,
    "period_start": int, "period_end": int | None,
    "status": Literal["draft", "submitted", "approved", "superseded", "withdrawn"], "links": list[Link]})
PlanNode = TypedDict("PlanNode", {"code": str, "name_zh": str, "name_en": str, "kind": str, "level": str,
    "period_start": int, "period_end": int | None,
    "status": Literal["draft", "submitted", "approved", "superseded", "withdrawn"], "links": list[Link],
    "more": NotRequired[int], "children": list[PlanNode]})
PlanProgress = TypedDict("PlanProgress", {"title": str, "plan": str, "as_of": NotRequired[str],
    "in_force": NotRequired[str | None], "region": str, "year": int, "summary": StatusSummary,
    "indicators": list[JudgedIndicator], "links": list[Link]})
PlanResults = TypedDict("PlanResults", {"plan": str, "as_of": NotRequired[str], "in_force": NotRequired[str | None],
    "plan_name": str, "plan_name_zh": str, "plan_name_en": str, "compared": int, "results": list[ComparedResult],
    "links": list[Link]})
PlanTimetable = TypedDict("PlanTimetable", {"plan": str, "as_of": NotRequired[str],
    "in_force": NotRequired[str | None], "plan_name": str, "plan_name_zh": str, "plan_name_en": str,
    "first_year": int | None, "last_year": int | None, "projects": list[ScheduledProject], "links": list[Link]})
PlanTotals = TypedDict("PlanTotals", {"plan": str, "as_of": NotRequired[str], "in_force": NotRequired[str | None],
    "plan_name": str, "plan_name_zh": str, "plan_name_en": str, "projects": int, "programmes": list[ProgrammeSums],
    "regions": list[RegionSums], "regions_area_km2": float | None, "regions_not_drawn": list[str],
    "links": list[Link]})
PlanTreeShown = TypedDict("PlanTreeShown", {"upper": list[PlanInTree], "tree": PlanNode, "links": list[Link]})
PointFeatures = TypedDict("PointFeatures", {"layer": str, "version": str, "lon": float, "lat": float,
    "stand_in": bool, "stand_in_notes": list[StandInNote], "features": list[dict[str, Any]]})
PointValue = TypedDict("PointValue", {"layer": str, "version": str, "lon": float, "lat": float, "stand_in": bool,
    "stand_in_notes": list[StandInNote], "value": float | None, "unit": str, "class": ValueClass | None,
    "native_resolution_m": float | None})
Problem = TypedDict("Problem", {"type": str, "title": str, "status": int, "detail": NotRequired[str],
    "instance": NotRequired[str], "errors": NotRequired[list[Problem_errors]]})
ProblemDocument = TypedDict("ProblemDocument", {"type": str, "title": str, "status": int, "detail": str,
    "instance": str, "errors": NotRequired[list[ProblemFault]]})
ProblemFault = TypedDict("ProblemFault", {"pointer": str, "detail": str})
ProblemsBody = TypedDict("ProblemsBody", {"problems": list[str]})
ProcessDescription = TypedDict("ProcessDescription", {"id": str, "title": str, "description": str, "version": str,
    "keywords": list[str], "jobControlOptions": list[str], "outputTransmission": list[str], "links": list[Link],
    "additionalParameters": NotRequired[AdditionalParameters], "inputs": dict[str, InputDescription],
    "outputs": dict[str, OutputDescription]})
ProcessList = TypedDict("ProcessList", {"processes": list[ProcessSummary], "links": list[Link]})
ProcessSummary = TypedDict("ProcessSummary", {"id": str, "title": str, "description": str, "version": str,
    "keywords": list[str], "jobControlOptions": list[str], "outputTransmission": list[str], "links": list[Link]})
ProgrammeSums = TypedDict("ProgrammeSums", {"programme": str | None, "name": str, "name_zh": str, "name_en": str,
    "projects": int, "costed": int, "cost": str | None, "allocated": NotRequired[str], "paid": NotRequired[str],
    "balance": NotRequired[str], "area_km2": float | None, "first_year": int | None, "last_year": int | None,
    "states": dict[str, int], "measures": list[MeasureSums]})
ProjectBalanceShown = TypedDict("ProjectBalanceShown", {"project": str, "project_name": str, "met": bool | None,
    "balances": list[BalanceOfKind], "rules": list[BalanceRuleShown], "links": list[Link]})
ProjectDocument = TypedDict("ProjectDocument", {"code": str, "title_zh": str, "title_en": str | None, "kind": str,
    "measure": str | None, "period_from": str | None, "period_to": str | None, "quantity": str | None,
    "value": str | None, "unit": str | None, "collection": str, "object": str, "region": str | None, "filename": str,
    "media_type": str, "bytes": int, "sha256": str, "visibility": str, "data_class": str | None,
    "data_grade": str | None, "uploaded_at": str, "valid_from": str | None, "valid_to": str | None,
    "links": list[Link]})
ProjectDocuments = TypedDict("ProjectDocuments", {"project": str, "documents": list[ProjectDocument],
    "links": list[Link]})
ProjectDossier = TypedDict("ProjectDossier", {"project": str, "name": str, "name_zh": str, "name_en": str,
    "state": str, "state_name": str, "track": list[StateOnTheWay], "transitions": list[ProjectStep],
    "measures": list[Measure], "funds": LedgerFigures | None, "documents": list[ProjectDocument],
    "events": list[ProjectHistory], "links": list[Link]})
ProjectEffectShown = TypedDict("ProjectEffectShown", {"project": str, "name": str, "name_zh": str, "name_en": str,
    "first_year": int, "last_year": int, "job": str | None, "compared_on": str | None, "areas": ComparedAreas | None,
    "rasters": list[RasterEffect], "missing": list[str], "pictures": str | None, "indicators": list[IndicatorChange],
    "photos": list[PhotosBeforeAfter], "signs": list[RestorationSign], "links": list[Link]})
ProjectEventShown = TypedDict("ProjectEventShown", {"seq": int, "from": str, "from_name": str, "to": str,
    "to_name": str, "at": str, "actor": str | None, "note": str | None, "documents": list[str], "links": list[Link]})
ProjectEvents = TypedDict("ProjectEvents", {"project": str, "events": list[ProjectHistory], "numberReturned": int,
    "links": list[Link]})
ProjectHistory = TypedDict("ProjectHistory", {"seq": int, "from": str, "from_name": str, "to": str, "to_name": str,
    "at": str, "actor": str | None, "note": str | None, "documents": list[str]})
ProjectInEdition = TypedDict("ProjectInEdition", {"code": str, "name": str, "state": str, "state_name": str,
    "programme": str | None, "carried": bool, "links": list[Link]})
ProjectLedger = TypedDict("ProjectLedger", {"allocated": str, "paid": str, "balance": str, "currency": Literal["CNY"],
    "by_source": list[SourceBalance], "by_year": list[YearBalance], "entries": list[LedgerLine], "project": str,
    "links": list[Link]})
ProjectOnProblem = TypedDict("ProjectOnProblem", {"project": str, "name": str, "name_zh": str, "name_en": str,
    "by": list[Literal["link", "overlap", "place"]]})
ProjectProblems = TypedDict("ProjectProblems", {"project": str, "problems": list[str]})
ProjectReadiness = TypedDict("ProjectReadiness", {"geometry": bool, "cost": bool, "overlap": bool, "documents": bool})
ProjectRegions = TypedDict("ProjectRegions", {"project": str, "regions": list[str]})
ProjectReserve = TypedDict("ProjectReserve", {"region": str | None, "criteria": list[ReserveCriterion],
    "required_documents": list[Literal["proposal", "design", "notice", "completion", "acceptance", "monitoring", "effect_evaluation", "after_care", "photo", "other"]],
    "projects": list[ReserveProject], "links": list[Link]})
ProjectShare = TypedDict("ProjectShare", {"count": int, "planned": float, "done": float, "accepted": float,
    "mines": int})
ProjectStep = TypedDict("ProjectStep", {"to": str, "name": str, "name_zh": str, "name_en": str, "allowed": bool,
    "role": RoleNeeded, "guard": str | None, "rule": str | None, "conditions": list[Condition]})
ProjectStepTaken = TypedDict("ProjectStepTaken", {"project": str, "state": str, "event": ProjectHistory,
    "links": list[Link]})
ProjectSteps = TypedDict("ProjectSteps", {"project": str, "state": str, "state_name": str, "state_name_zh": str,
    "state_name_en": str, "transitions": list[ProjectStep], "links": list[Link]})
PropertiesSchema = TypedDict("PropertiesSchema", {"type": NotRequired[Literal["object"]],
    "properties": dict[str, dict[str, Any]]})
PropertyDescription = TypedDict("PropertyDescription", {"name": str, "title_zh": str, "title_en": str,
    "unit": str | None, "unit_zh": str, "unit_en": str, "words_zh": dict[str, str], "words_en": dict[str, str]})
Proposal = TypedDict("Proposal", {"code": str, "title": str,
    "kind": Literal["project", "programme", "target", "zone", "plan"], "object": str,
    "state": Literal["draft", "submitted", "accepted", "refused", "withdrawn", "carried_out"], "plan": str | None,
    "region": str | None, "author": str, "reason": str, "evidence": list[Evidence], "revises": dict[str, Any],
    "change": dict[str, Any], "fields": list[dict[str, Any]], "decided_by": str | None, "decided_at": str | None,
    "decision": str | None, "proposed_at": str, "links": list[Link], "kind_name": str, "state_name": str,
    "made": MadeObject | None, "steps": list[ProposalStepOffered], "events": list[ProposalHistory]})
ProposalBody = TypedDict("ProposalBody", {"title": str, "reason": str, "revises": RevisesBody,
    "change": dict[str, Any], "evidence": NotRequired[list[EvidenceBody]]})
ProposalDraft = TypedDict("ProposalDraft", {"title": str, "reason": str, "revises": dict[str, str],
    "change": dict[str, Any], "evidence": list[dict[str, str | int]]})
ProposalHistory = TypedDict("ProposalHistory", {"seq": int,
    "from": Literal["draft", "submitted", "accepted", "refused", "withdrawn", "carried_out"] | None,
    "to": Literal["draft", "submitted", "accepted", "refused", "withdrawn", "carried_out"], "to_name": str, "at": str,
    "actor": str, "reason": str | None})
ProposalNamed = TypedDict("ProposalNamed", {"code": str, "title": str,
    "state": Literal["draft", "submitted", "accepted", "refused", "withdrawn", "carried_out"], "state_name": str,
    "href": str})
ProposalStepBody = TypedDict("ProposalStepBody", {
    "to": Literal["submitted", "accepted", "refused", "withdrawn", "carried_out"], "reason": NotRequired[str | None]})
ProposalStepOffered = TypedDict("ProposalStepOffered", {
    "to": Literal["draft", "submitted", "accepted", "refused", "withdrawn", "carried_out"], "name": str,
    "roles": list[str], "needs": list[str], "rule": str, "allowed": bool})
PublicComment = TypedDict("PublicComment", {"text": str, "place": NotRequired[dict[str, Any] | None],
    "anonymous": NotRequired[bool], "name": NotRequired[str | None], "contact": NotRequired[str | None],
    "address": NotRequired[str | None], "work": NotRequired[SolvedWork | None]})
QuantityStatistics = TypedDict("QuantityStatistics", {"cells": int, "area_m2": float, "area_ha": float,
    "nodata_area_m2": float, "mean": float | None, "sd": float | None, "min": float | None, "max": float | None,
    "quantiles": dict[str, float | None], "layer": str, "version": str, "band": int, "unit": str, "stand_in": bool,
    "stand_in_notes": list[StandInNote], "kind": NotRequired[Literal["quantity"]]})
Quiet = TypedDict("Quiet", {"from": str, "to": str, "days": NotRequired[list[Literal[1, 2, 3, 4, 5, 6, 7]]],
    "time_zone": NotRequired[str], "red_passes": NotRequired[bool]})
QuotaUse = TypedDict("QuotaUse", {"region": str | None, "files": int, "most_files": int, "bytes": int,
    "most_bytes": int})
Range = TypedDict("Range", {"low": float | None, "high": float | None})
RasterDescription = TypedDict("RasterDescription", {"id": str, "title": str, "title_zh": str, "title_en": str,
    "kind": Literal["raster"], "theme": str, "bounds": list[float], "minzoom": NotRequired[int], "maxzoom": int,
    "version": str, "stand_in": bool, "links": list[DocumentLink], "job": str | None,
    "stand_in_notes": list[StandInNote], "sources": list[SourceDescription], "attribution": str, "page": str | None,
    "legend": LegendDescription, "formats": dict[str, str], "tile_matrix_sets": dict[str, str], "unit": str,
    "native_resolution_m": float | None, "cell_m": float, "crs": str, "bands": int,
    "statistics": list[dict[str, float | None]]})
RasterEffect = TypedDict("RasterEffect", {"theme": str, "theme_name": str,
    "quantity": Literal["mean", "sealed_share"], "unit": str, "series": list[SeenAt], "before_on": str | None,
    "after_on": str | None, "inside_change": float | None, "control_change": float | None, "effect": float | None,
    "interim": bool | None})
Readiness = TypedDict("Readiness", {"status": Literal["ready", "not ready"], "checks": dict[str, str]})
Ready = TypedDict("Ready", {"status": NotRequired[Literal["ok"]], "store": str})
ReceiptBody = TypedDict("ReceiptBody", {"receipt": str, "delete_contact": NotRequired[bool]})
ReceiptShown = TypedDict("ReceiptShown", {"about": Literal["comment", "complaint"], "notice": str | None,
    "state": Literal["received", "in_hand", "answered"],
    "adoption": Literal["adopted", "partly_adopted", "not_adopted"] | None, "reason": str | None, "reply": str | None,
    "replied_at": str | None, "contact_kept": bool})
RecoveryCodes = TypedDict("RecoveryCodes", {"codes": list[str], "csrf": str})
Reference = TypedDict("Reference", {"@iot.id": str})
Refusals = TypedDict("Refusals", {"days": int, "refused": list[RefusedObservations], "links": list[Link]})
RefusedObservations = TypedDict("RefusedObservations", {"way": Literal["http", "sta", "mqtt", "hj212"],
    "way_name": str, "station": str | None, "station_name": str | None, "pointer": str, "number": int, "last": str,
    "detail": str})
RefusedRow = TypedDict("RefusedRow", {"index": int, "pointer": str, "detail": str})
RegionApproval = TypedDict("RegionApproval", {"region": str, "name": str,
    "state": Literal["pending", "approved", "rejected", "withdrawn", "lapsed"], "state_name": str, "at": str | None,
    "by": str | None, "reason": str | None})
RegionDossier = TypedDict("RegionDossier", {"title": str, "region": str, "name_zh": str, "name_en": str,
    "level": Literal["nation", "province", "city", "district", "street", "town", "basin", "bay", "island", "cooperation", "demonstration_area"],
    "year": int, "parts": list[DossierPartShown], "links": list[Link]})
RegionFigures = TypedDict("RegionFigures", {"cases": int, "open": int, "overdue": int, "area_ha": float,
    "inside_ha": float, "name": Name | None, "region": str | None})
RegionInTree = TypedDict("RegionInTree", {"code": str, "name_zh": str, "name_en": str,
    "level": Literal["nation", "province", "city", "district", "street", "town", "basin", "bay", "island", "cooperation", "demonstration_area"],
    "area_km2": float | None, "links": list[Link]})
RegionNode = TypedDict("RegionNode", {"code": str, "name_zh": str, "name_en": str,
    "level": Literal["nation", "province", "city", "district", "street", "town", "basin", "bay", "island", "cooperation", "demonstration_area"],
    "area_km2": float | None, "links": list[Link], "more": NotRequired[int], "children": list[RegionNode]})
RegionOfBalance = TypedDict("RegionOfBalance", {
    "kind": Literal["natural_shoreline", "cultivated_land", "land_link", "wetland", "forest_quota", "sea_area"],
    "kind_name": str, "unit": str, "taken": str, "given": str, "taken_proposed": str, "given_proposed": str,
    "region": str, "name": str, "name_zh": str, "name_en": str, "year": int, "balance": str})
RegionSums = TypedDict("RegionSums", {"region": str | None, "name": str, "name_zh": str, "name_en": str,
    "region_area_km2": float | None, "projects": int, "costed": int, "cost": str | None,
    "allocated": NotRequired[str], "paid": NotRequired[str], "balance": NotRequired[str], "drawn": int,
    "area_km2": float | None, "first_year": int | None, "last_year": int | None})
RegionTreeShown = TypedDict("RegionTreeShown", {"upper": list[RegionInTree], "tree": RegionNode, "links": list[Link]})
RegionalBalances = TypedDict("RegionalBalances", {"region": str | None, "region_name": str | None, "year": int | None,
    "as_of": str | None, "balances": list[YearOfBalance], "regions": list[RegionOfBalance],
    "rules": list[BalanceRuleShown], "links": list[Link]})
RegionsBody = TypedDict("RegionsBody", {"regions": list[str]})
RegisteredLine = TypedDict("RegisteredLine", {"areas": int, "drawn": int, "area_km2": float | None,
    "length_km": float | None, "approved_km2": float | None, "approved_from": Literal["region", "parts"] | None,
    "difference_km2": float | None, "share_percent": float | None,
    "kind": Literal["red_line", "permanent_basic_farmland", "cultivated_land", "urban_boundary", "eco_control_line", "protected_area", "water_source_area", "habitat", "access_unit", "wetland", "shoreline", "island", "sea_use_right", "legacy_mine", "soil_erosion"],
    "name_zh": str, "name_en": str, "delimitations": list[DelimitationFigures]})
ReplicaTold = TypedDict("ReplicaTold", {"lag_bytes": float})
ReplyBody = TypedDict("ReplyBody", {"reply": str, "adoption": Literal["adopted", "partly_adopted", "not_adopted"],
    "reason": str, "topic": NotRequired[str | None], "shown": NotRequired[bool]})
ReportBody = TypedDict("ReportBody", {"text": str, "figures": NotRequired[list[ReportedFigure]],
    "evidence": NotRequired[list[str]]})
ReportedFigure = TypedDict("ReportedFigure", {"name": str, "value": float | str, "unit": NotRequired[str | None]})
ReserveCriterion = TypedDict("ReserveCriterion", {"criterion": str, "weight": int, "name": str, "name_zh": str,
    "name_en": str, "rule": str})
ReserveProject = TypedDict("ReserveProject", {"rank": int, "project": str, "name": str, "name_zh": str,
    "name_en": str, "region": str, "programme": str | None, "start_year": int, "end_year": int, "cost": str | None,
    "score": float, "points": dict[str, float], "values": dict[str, float],
    "verdict": Literal["pass", "conditional", "undetermined", "refused"] | None, "verdict_zh": str | None,
    "verdict_en": str | None, "ready": bool, "readiness": ProjectReadiness,
    "lacking": list[Literal["geometry", "cost", "overlap", "documents"]], "links": list[Link]})
RestorationSign = TypedDict("RestorationSign", {
    "code": Literal["ndvi_fell_back", "ndvi_flat", "sealed_grew", "no_observation"], "text": str, "text_zh": str,
    "text_en": str})
ResultLink = TypedDict("ResultLink", {"href": str, "rel": str, "type": str, "title": str, "length": NotRequired[int]})
Results = echo_results | import_dataset_results | import_features_results | import_plan_results | check_compliance_results | assess_ecoservices_results | delineate_zones_results | evaluate_ecosystem_results | account_gep_results | evaluate_indicators_results | evaluate_effect_results | build_network_results | run_scenario_results | select_sites_results | publish_bulletin_results | compose_map_sheet_results | seed_tiles_results
ReviewContent = TypedDict("ReviewContent", {"plan": NamedCode, "year": int, "reports_due_on": str,
    "summary": dict[str, Any], "duties": list[ReviewedDuty]})
ReviewedDuty = TypedDict("ReviewedDuty", {"code": str, "name_zh": str, "name_en": str, "article": str | None,
    "state": Literal["open", "on_track", "late", "done", "dropped"], "due": str | None, "heading_zh": str | None,
    "heading_en": str | None, "success_zh": str | None, "success_en": str | None, "start_year": int | None,
    "end_year": int | None, "reason": str | None, "parties": dict[str, list[NamedCode]],
    "reports": list[ReviewedReport]})
ReviewedReport = TypedDict("ReviewedReport", {"party": NamedCode,
    "outcome": Literal["met", "partly_met", "not_met", "returned", "waiting", "missing"], "text": str | None,
    "figures": list[dict[str, str | None]], "evidence": list[str], "reported_at": str | None, "judgement": str | None,
    "judged_at": str | None})
RevisesBody = TypedDict("RevisesBody", {"project": NotRequired[str | None], "programme": NotRequired[str | None],
    "plan": NotRequired[str | None], "indicator": NotRequired[str | None], "region": NotRequired[str | None],
    "scheme": NotRequired[str | None], "zone": NotRequired[str | None]})
Revocation = TypedDict("Revocation", {"by": str, "at": str, "reason": str})
RevokeBody = TypedDict("RevokeBody", {"reason": str})
Role = Literal["viewer", "owner", "planner", "approver", "supervisor", "analyst", "auditor", "feed", "admin"]
RoleAsked = TypedDict("RoleAsked", {"role": Role, "region": NotRequired[str | None]})
RoleHeld = TypedDict("RoleHeld", {"role": Role, "region": str | None})
RoleNeeded = TypedDict("RoleNeeded", {"text": str, "text_zh": str, "text_en": str, "any_of": list[str], "met": bool})
RuleContents = TypedDict("RuleContents", {"name_zh": str, "name_en": NotRequired[str],
    "kind": Literal["above", "below", "rate", "no_data", "indicator_behind_target", "red_line_lead", "line_decline", "duty_due", "balance_short", "settlement_waiting", "mine_report_due", "mine_fund_short", "reclamation_due"],
    "property": NotRequired[str | None], "stations": NotRequired[list[str] | None], "region": NotRequired[str | None],
    "plan": NotRequired[str | None], "indicator": NotRequired[str | None], "control_kind": NotRequired[str | None],
    "balance_kind": NotRequired[str | None], "settlement_state": NotRequired[str | None], "limits": dict[str, float],
    "reset": NotRequired[float | None], "min_duration_s": NotRequired[int], "max_age_s": NotRequired[int],
    "any_quality": NotRequired[bool], "enabled": NotRequired[bool], "quiet": NotRequired[Quiet | None],
    "valid_from": NotRequired[str | None], "valid_to": NotRequired[str | None]})
RuleException = TypedDict("RuleException", {"code": str, "rule": str | None, "gap": str | None, "project": str | None,
    "geometry_sha256": str | None, "region": str | None, "control_area": str | None, "reason": str, "approver": str,
    "approved_at": str, "valid_from": str | None, "valid_to": str | None, "document": str | None,
    "request": str | None, "requested_by": str | None, "revoked": Revocation | None, "links": list[Link]})
RuleExceptionRequest = TypedDict("RuleExceptionRequest", {"code": str,
    "state": Literal["requested", "granted", "refused", "withdrawn"], "state_name": str, "rule": str | None,
    "gap": str | None, "about_name": str, "project": str | None, "project_name": str | None,
    "geometry": NotRequired[dict[str, Any]], "geometry_sha256": str, "region": str, "region_name": str,
    "control_area": str | None, "reason": str, "valid_from": str | None, "valid_to": str | None, "requested_by": str,
    "requested_at": str, "decided_by": str | None, "decided_at": str | None, "decision_reason": str | None,
    "exception": str | None, "steps": list[Literal["grant", "refuse", "withdraw"]], "links": list[Link]})
RuleExceptionRequests = TypedDict("RuleExceptionRequests", {"requests": list[RuleExceptionRequest],
    "numberReturned": int, "links": list[Link]})
RuleExceptions = TypedDict("RuleExceptions", {"exceptions": list[RuleException], "numberReturned": int,
    "links": list[Link]})
RunningJob = TypedDict("RunningJob", {"id": str, "process": str, "progress": int, "started": str | None})
Schedule = TypedDict("Schedule", {"code": str, "name_zh": str, "name_en": str, "process": str,
    "inputs": dict[str, Any], "cron": str | None, "every_s": int | None, "starts_at": str, "timezone": str,
    "priority": Literal["low", "normal", "high"], "enabled": bool, "owner": str, "next_at": str | None,
    "links": list[Link]})
ScheduleContents = TypedDict("ScheduleContents", {"name_zh": str, "name_en": NotRequired[str], "process": str,
    "inputs": NotRequired[dict[str, Any]], "cron": NotRequired[str | None], "every_s": NotRequired[int | None],
    "starts_at": NotRequired[str | None], "timezone": NotRequired[str],
    "priority": NotRequired[Literal["low", "normal", "high"]], "enabled": NotRequired[bool]})
ScheduleException = TypedDict("ScheduleException", {"title": str, "detail": str, "class": str,
    "errors": NotRequired[list[dict[str, str]]]})
ScheduleRun = TypedDict("ScheduleRun", {"due_at": str, "at": str, "missed": int, "job": NotRequired[str],
    "status": NotRequired[JobStatus], "links": NotRequired[list[Link]], "exception": NotRequired[ScheduleException]})
ScheduleRuns = TypedDict("ScheduleRuns", {"runs": list[ScheduleRun], "links": list[Link]})
ScheduledProject = TypedDict("ScheduledProject", {"project": str, "name": str, "name_zh": str, "name_en": str,
    "programme": str | None, "programme_name": str | None, "region": str, "state": str, "state_name": str,
    "start_year": int, "end_year": int, "href": str})
Schedules = TypedDict("Schedules", {"schedules": list[Schedule], "links": list[Link]})
SchemeNamed = TypedDict("SchemeNamed", {"code": str, "version": int,
    "status": Literal["draft", "review", "approved", "published", "superseded"]})
Scope = Literal["read", "write", "projects", "observe", "jobs", "admin"]
SecretRotation = TypedDict("SecretRotation", {"overlap_hours": NotRequired[float]})
Section = TypedDict("Section", {
    "kind": Literal["text", "summary", "indicators", "observations", "water", "air", "series", "map", "alerts", "leads", "projects", "balances", "settlements", "mines"],
    "heading_zh": str, "heading_en": NotRequired[str], "text_zh": NotRequired[str], "text_en": NotRequired[str]})
SecurityKeyChallenge = TypedDict("SecurityKeyChallenge", {"options": dict[str, Any]})
SecurityKeyForm = TypedDict("SecurityKeyForm", {"csrf": NotRequired[str | None], "next": NotRequired[str | None],
    "credential": dict[str, Any]})
SecurityKeyShown = TypedDict("SecurityKeyShown", {"id": int, "name": str, "made": str, "used": str | None})
SeenAt = TypedDict("SeenAt", {"dataset": str, "on": str, "inside": float | None, "control": float | None,
    "inside_known_percent": float | None, "control_known_percent": float | None})
Sending = TypedDict("Sending", {"id": str, "type": str, "status": Literal["waiting", "delivered", "dead"],
    "status_name": str, "attempts": int, "answered": int | None, "reason": str | None, "due": str | None,
    "created": str, "finished": str | None})
SensorBody = TypedDict("SensorBody", {"@iot.id": NotRequired[str | None], "name": NotRequired[str | None],
    "description": NotRequired[str | None], "encodingType": NotRequired[str | None], "metadata": NotRequired[Any],
    "properties": NotRequired[dict[str, Any] | None]})
SensorThingsDataArrays = TypedDict("SensorThingsDataArrays", {"@iot.count": NotRequired[int],
    "@iot.nextLink": NotRequired[str], "value": list[SensorThingsDataArrays_value]})
SensorThingsDatastream = TypedDict("SensorThingsDatastream", {"@iot.id": NotRequired[str], "@iot.selfLink": str,
    "name": NotRequired[str | None], "description": NotRequired[str | None],
    "observationType": NotRequired[str | None], "unitOfMeasurement": NotRequired[Any],
    "observedArea": NotRequired[SensorThingsDatastream_observedArea | None],
    "phenomenonTime": NotRequired[str | None], "properties": NotRequired[Any],
    "Thing@iot.navigationLink": NotRequired[str], "Thing": NotRequired[SensorThingsThing | None],
    "Sensor@iot.navigationLink": NotRequired[str], "Sensor": NotRequired[SensorThingsSensor | None],
    "ObservedProperty@iot.navigationLink": NotRequired[str],
    "ObservedProperty": NotRequired[SensorThingsObservedProperty | None],
    "Observations@iot.navigationLink": NotRequired[str], "Observations": NotRequired[list[SensorThingsObservation]],
    "Observations@iot.count": NotRequired[int], "Observations@iot.nextLink": NotRequired[str]})
SensorThingsDatastreams = TypedDict("SensorThingsDatastreams", {"@iot.count": NotRequired[int],
    "@iot.nextLink": NotRequired[str], "value": list[SensorThingsDatastream]})
SensorThingsFeatureOfInterest = TypedDict("SensorThingsFeatureOfInterest", {"@iot.id": NotRequired[str],
    "@iot.selfLink": str, "name": NotRequired[str | None], "description": NotRequired[str | None],
    "encodingType": NotRequired[str | None], "feature": NotRequired[SensorThingsFeatureOfInterest_feature | None],
    "properties": NotRequired[Any], "Observations@iot.navigationLink": NotRequired[str],
    "Observations": NotRequired[list[SensorThingsObservation]], "Observations@iot.count": NotRequired[int],
    "Observations@iot.nextLink": NotRequired[str]})
SensorThingsFeaturesOfInterest = TypedDict("SensorThingsFeaturesOfInterest", {"@iot.count": NotRequired[int],
    "@iot.nextLink": NotRequired[str], "value": list[SensorThingsFeatureOfInterest]})
SensorThingsHistoricalLocation = TypedDict("SensorThingsHistoricalLocation", {"@iot.id": NotRequired[str],
    "@iot.selfLink": str, "time": NotRequired[str | None], "Thing@iot.navigationLink": NotRequired[str],
    "Thing": NotRequired[SensorThingsThing | None], "Locations@iot.navigationLink": NotRequired[str],
    "Locations": NotRequired[list[SensorThingsLocation]], "Locations@iot.count": NotRequired[int],
    "Locations@iot.nextLink": NotRequired[str]})
SensorThingsHistoricalLocations = TypedDict("SensorThingsHistoricalLocations", {"@iot.count": NotRequired[int],
    "@iot.nextLink": NotRequired[str], "value": list[SensorThingsHistoricalLocation]})
SensorThingsIndex = TypedDict("SensorThingsIndex", {"value": list[EntitySet], "serverSettings": ServiceConformance})
SensorThingsLocation = TypedDict("SensorThingsLocation", {"@iot.id": NotRequired[str], "@iot.selfLink": str,
    "name": NotRequired[str | None], "description": NotRequired[str | None], "encodingType": NotRequired[str | None],
    "location": NotRequired[SensorThingsLocation_location | None], "properties": NotRequired[Any],
    "Things@iot.navigationLink": NotRequired[str], "Things": NotRequired[list[SensorThingsThing]],
    "Things@iot.count": NotRequired[int], "Things@iot.nextLink": NotRequired[str],
    "HistoricalLocations@iot.navigationLink": NotRequired[str],
    "HistoricalLocations": NotRequired[list[SensorThingsHistoricalLocation]],
    "HistoricalLocations@iot.count": NotRequired[int], "HistoricalLocations@iot.nextLink": NotRequired[str]})
SensorThingsLocations = TypedDict("SensorThingsLocations", {"@iot.count": NotRequired[int],
    "@iot.nextLink": NotRequired[str], "value": list[SensorThingsLocation]})
SensorThingsMember = dict[str, Any]
SensorThingsObservation = TypedDict("SensorThingsObservation", {"@iot.id": NotRequired[str], "@iot.selfLink": str,
    "phenomenonTime": NotRequired[str | None], "resultTime": NotRequired[str | None],
    "result": NotRequired[float | None], "resultQuality": NotRequired[str | None], "parameters": NotRequired[Any],
    "Datastream@iot.navigationLink": NotRequired[str], "Datastream": NotRequired[SensorThingsDatastream | None],
    "FeatureOfInterest@iot.navigationLink": NotRequired[str],
    "FeatureOfInterest": NotRequired[SensorThingsFeatureOfInterest | None]})
SensorThingsObservations = TypedDict("SensorThingsObservations", {"@iot.count": NotRequired[int],
    "@iot.nextLink": NotRequired[str], "value": list[SensorThingsObservation]})
SensorThingsObservedProperties = TypedDict("SensorThingsObservedProperties", {"@iot.count": NotRequired[int],
    "@iot.nextLink": NotRequired[str], "value": list[SensorThingsObservedProperty]})
SensorThingsObservedProperty = TypedDict("SensorThingsObservedProperty", {"@iot.id": NotRequired[str],
    "@iot.selfLink": str, "name": NotRequired[str | None], "definition": NotRequired[str | None],
    "description": NotRequired[str | None], "properties": NotRequired[Any],
    "Datastreams@iot.navigationLink": NotRequired[str], "Datastreams": NotRequired[list[SensorThingsDatastream]],
    "Datastreams@iot.count": NotRequired[int], "Datastreams@iot.nextLink": NotRequired[str]})
SensorThingsReferences = TypedDict("SensorThingsReferences", {"@iot.count": NotRequired[int],
    "@iot.nextLink": NotRequired[str], "value": list[SensorThingsReferences_value]})
SensorThingsSensor = TypedDict("SensorThingsSensor", {"@iot.id": NotRequired[str], "@iot.selfLink": str,
    "name": NotRequired[str | None], "description": NotRequired[str | None], "encodingType": NotRequired[str | None],
    "metadata": NotRequired[Any], "properties": NotRequired[Any], "Datastreams@iot.navigationLink": NotRequired[str],
    "Datastreams": NotRequired[list[SensorThingsDatastream]], "Datastreams@iot.count": NotRequired[int],
    "Datastreams@iot.nextLink": NotRequired[str]})
SensorThingsSensors = TypedDict("SensorThingsSensors", {"@iot.count": NotRequired[int],
    "@iot.nextLink": NotRequired[str], "value": list[SensorThingsSensor]})
SensorThingsThing = TypedDict("SensorThingsThing", {"@iot.id": NotRequired[str], "@iot.selfLink": str,
    "name": NotRequired[str | None], "description": NotRequired[str | None], "properties": NotRequired[Any],
    "Locations@iot.navigationLink": NotRequired[str], "Locations": NotRequired[list[SensorThingsLocation]],
    "Locations@iot.count": NotRequired[int], "Locations@iot.nextLink": NotRequired[str],
    "HistoricalLocations@iot.navigationLink": NotRequired[str],
    "HistoricalLocations": NotRequired[list[SensorThingsHistoricalLocation]],
    "HistoricalLocations@iot.count": NotRequired[int], "HistoricalLocations@iot.nextLink": NotRequired[str],
    "Datastreams@iot.navigationLink": NotRequired[str], "Datastreams": NotRequired[list[SensorThingsDatastream]],
    "Datastreams@iot.count": NotRequired[int], "Datastreams@iot.nextLink": NotRequired[str]})
SensorThingsThings = TypedDict("SensorThingsThings", {"@iot.count": NotRequired[int],
    "@iot.nextLink": NotRequired[str], "value": list[SensorThingsThing]})
ServiceConformance = TypedDict("ServiceConformance", {"conformance": list[str]})
ServiceDescription = TypedDict("ServiceDescription", {"title": str, "description": str, "links": list[DocumentLink]})
ServiceMethod = TypedDict("ServiceMethod", {"method": str | None,
    "profile": Literal["biophysical", "index", "any"] | None, "compared": Literal["amounts", "ranks"] | None,
    "lacking": list[str]})
SessionBegun = TypedDict("SessionBegun", {"need": Literal["code", "password", "factor"] | None, "csrf": str})
SessionForm = TypedDict("SessionForm", {"csrf": NotRequired[str | None], "next": NotRequired[str | None]})
SessionShown = TypedDict("SessionShown", {"id": int, "current": bool, "new_device": bool, "address": str | None,
    "agent": str, "made": str, "used": str, "expires": str, "ended": str | None})
SettledLineShown = TypedDict("SettledLineShown", {"name": str, "observed": str, "amount": str})
SettlementEvent = TypedDict("SettlementEvent", {
    "state": Literal["proposed", "confirmed", "disputed", "paid", "withdrawn"],
    "side": Literal["upstream", "downstream"] | None, "reason": str | None, "evidence": list[str], "at": str})
SettlementList = TypedDict("SettlementList", {"title": str, "agreement": str, "settlements": list[SettlementListed],
    "links": list[Link]})
SettlementListed = TypedDict("SettlementListed", {"year": int,
    "state": Literal["proposed", "confirmed", "disputed", "paid", "withdrawn"], "amount": str,
    "payer": Literal["upstream", "downstream"] | None, "paid_on": str | None, "sha256": str})
SettlementShown = TypedDict("SettlementShown", {"year": int,
    "state": Literal["proposed", "confirmed", "disputed", "paid", "withdrawn"], "amount": str,
    "payer": Literal["upstream", "downstream"] | None, "paid_on": str | None, "sha256": str, "title": str,
    "content": ComputedSettlement, "upstream_confirmed": bool, "downstream_confirmed": bool,
    "events": list[SettlementEvent], "links": list[Link]})
SettlementStepBody = TypedDict("SettlementStepBody", {"to": Literal["confirmed", "disputed", "paid", "withdrawn"],
    "side": NotRequired[Literal["upstream", "downstream"] | None], "reason": NotRequired[str | None],
    "paid_on": NotRequired[str | None], "evidence": NotRequired[list[str]]})
SeverityCounts = TypedDict("SeverityCounts", {"high": NotRequired[int], "medium": NotRequired[int],
    "low": NotRequired[int], "info": NotRequired[int]})
SignInForm = TypedDict("SignInForm", {"csrf": NotRequired[str | None], "next": NotRequired[str | None], "name": str,
    "password": str})
SignInLink = TypedDict("SignInLink", {"link": NotRequired[str], "expires": str})
SizeChange = TypedDict("SizeChange", {"from": float, "to": float, "added": float, "removed": float})
SolvedWork = TypedDict("SolvedWork", {"challenge": str, "solution": str})
SourceBalance = TypedDict("SourceBalance", {"allocated": str, "paid": str, "balance": str, "source": str,
    "name_zh": str, "name_en": str,
    "kind": Literal["central", "provincial", "municipal", "district", "bond", "social", "loan", "transfer", "ocean", "eod", "bot", "other"],
    "year": int | None, "allowed_measures": list[str] | None})
SourceDescription = TypedDict("SourceDescription", {"dataset": str, "title_zh": str, "title_en": str,
    "native_resolution_m": float | None, "source": str | None, "licence": str | None, "stand_in": bool})
SpatialExtent = TypedDict("SpatialExtent", {"bbox": list[list[float]], "crs": NotRequired[str]})
SpeciesCounts = TypedDict("SpeciesCounts", {"species": int, "first_class": int, "second_class": int,
    "provincial": int, "threatened": int, "invasive": int, "occurrences": int, "last_observed": str | None})
SpeciesOfArea = TypedDict("SpeciesOfArea", {"species": int, "first_class": int, "second_class": int,
    "provincial": int, "threatened": int, "invasive": int, "occurrences": int, "last_observed": str | None,
    "area": str, "name": str, "name_zh": str, "name_en": str,
    "level": Literal["national", "provincial", "city", "district", "local"] | None, "years": list[SpeciesOfYear]})
SpeciesOfRegion = TypedDict("SpeciesOfRegion", {"title": str, "region": str, "region_name": str, "year": int | None,
    "complete": bool, "total": SpeciesCounts, "years": list[SpeciesOfYear], "areas": list[SpeciesOfArea],
    "links": list[Link]})
SpeciesOfYear = TypedDict("SpeciesOfYear", {"species": int, "first_class": int, "second_class": int,
    "provincial": int, "threatened": int, "invasive": int, "occurrences": int, "last_observed": str | None,
    "year": int})
Splitting = TypedDict("Splitting", {"zone": str, "line": dict[str, Any], "note": str,
    "version": NotRequired[int | None]})
StandInNote = TypedDict("StandInNote", {"dataset": str, "title_zh": str, "title_en": str, "note_zh": str | None,
    "note_en": str | None})
StandingRemark = TypedDict("StandingRemark", {"code": str, "zh": str, "en": str})
StateFigures = TypedDict("StateFigures", {"cases": int, "open": int, "overdue": int, "area_ha": float,
    "inside_ha": float, "name": Name | None,
    "state": Literal["new", "assigned", "verified", "rectification", "closed"]})
StateOnTheWay = TypedDict("StateOnTheWay", {"state": str, "name": str, "terminal": bool,
    "place": Literal["past", "now", "ahead"]})
StatedTarget = TypedDict("StatedTarget", {"role": Literal["base", "target", "reference"], "year": int | None,
    "value": float | None, "comparator": Literal["ge", "gt", "le", "lt", "eq", "none"] | None,
    "sense": Literal["at_least", "at_most", "track"], "cumulative_from": int | None, "revisable": bool,
    "source": str | None, "revisions": NotRequired[list[FigureRevision]]})
StationObservations = TypedDict("StationObservations", {"station": str, "name": str, "interval_s": int | None,
    "properties": list[NewestObservation], "property": str | None, "range": Literal["day", "month", "year"],
    "start": str, "end": str, "observations": list[StoredObservation | PeriodStatistics],
    "marked": list[StoredObservation], "links": list[Link]})
StationPoint = TypedDict("StationPoint", {"type": Literal["Point"], "coordinates": list[float]})
StationRange = TypedDict("StationRange", {"station": str, "low": float | None, "high": float | None})
StatusCounts = TypedDict("StatusCounts", {"reached": int, "on_track": int, "behind": int, "no_data": int})
StatusInfo = TypedDict("StatusInfo", {"processID": str, "type": Literal["process"], "jobID": str, "status": JobStatus,
    "title": NotRequired[str], "message": str, "created": NotRequired[str], "started": NotRequired[str],
    "finished": NotRequired[str], "updated": NotRequired[str], "progress": NotRequired[int],
    "stage": NotRequired[str], "attempt": int, "priority": int, "retryOf": NotRequired[str],
    "notBefore": NotRequired[str], "methods": NotRequired[dict[str, ServiceMethod]], "links": list[Link],
    "exception": NotRequired[JobException]})
StatusSummary = TypedDict("StatusSummary", {"binding": StatusCounts, "expected": StatusCounts})
StepTaken = TypedDict("StepTaken", {"case": str,
    "state": Literal["new", "assigned", "verified", "rectification", "closed"],
    "result": Literal["confirmed", "not_change", "lawful"] | None, "links": list[Link]})
StockAtYearEnd = TypedDict("StockAtYearEnd", {"year": int, "listed_ha": str, "open_ha": str, "restored_ha": str,
    "mines_open": int})
StoredEvaluation = TypedDict("StoredEvaluation", {"title": str, "id": str, "year": int, "sha256": str, "created": str,
    "created_by": str, "content": EvaluationTable, "links": list[Link]})
StoredEvaluations = TypedDict("StoredEvaluations", {"title": str, "plan": str, "as_of": NotRequired[str],
    "in_force": NotRequired[str | None], "evaluations": list[EvaluationListed], "links": list[Link]})
StoredObservation = TypedDict("StoredObservation", {"station": str, "property": str, "time": str, "value": float,
    "unit": str,
    "quality": Literal["valid", "stopped", "maintenance", "manual", "fault", "calibration", "over_range", "no_connection"],
    "flags": list[str], "received": str, "result_time": NotRequired[str], "revisions": NotRequired[list[FormerValue]],
    "gap": NotRequired[bool]})
StyleLayer = TypedDict("StyleLayer", {"id": str, "type": Literal["raster", "fill", "line", "circle", "symbol"],
    "source": str, "source-layer": NotRequired[str], "filter": NotRequired[list[Any]], "minzoom": NotRequired[int],
    "layout": NotRequired[dict[str, Any]], "paint": dict[str, Any]})
StyleSource = TypedDict("StyleSource", {"type": Literal["raster", "vector"], "tiles": list[str], "minzoom": int,
    "maxzoom": int, "bounds": list[float], "attribution": str, "tileSize": NotRequired[int]})
Subscription = TypedDict("Subscription", {"id": int, "name": str, "address": str, "lang": Literal["zh", "en"],
    "levels": list[Literal["blue", "yellow", "orange", "red"]], "time_zone": str, "endings": bool, "enabled": bool,
    "rules": list[str] | None, "region": str | None, "digest_at": str | None, "unsubscribed": str | None,
    "created": str, "links": list[Link]})
SubscriptionContents = TypedDict("SubscriptionContents", {"name": str, "address": str,
    "lang": NotRequired[Literal["zh", "en"]], "levels": NotRequired[list[Literal["blue", "yellow", "orange", "red"]]],
    "rules": NotRequired[list[str] | None], "region": NotRequired[str | None], "digest_at": NotRequired[str | None],
    "time_zone": NotRequired[str], "endings": NotRequired[bool], "enabled": NotRequired[bool]})
Subscriptions = TypedDict("Subscriptions", {"subscriptions": list[Subscription], "links": list[Link]})
Suggestion = TypedDict("Suggestion", {
    "rule": Literal["target_behind", "project_late", "project_suspended", "alert_serious"], "found": str,
    "plan": NotRequired[str], "indicator": NotRequired[str], "region": NotRequired[str], "project": NotRequired[str],
    "alert": NotRequired[int], "proposals": list[ProposalNamed], "links": list[Link]})
SuggestionRule = TypedDict("SuggestionRule", {
    "rule": Literal["target_behind", "project_late", "project_suspended", "alert_serious"], "name": str})
Suggestions = TypedDict("Suggestions", {"title": str, "plan": str, "year": int, "rules": list[SuggestionRule],
    "suggestions": list[Suggestion], "links": list[Link]})
SystemTold = TypedDict("SystemTold", {"workers": list[WorkerTold], "backups": BackupsTold,
    "replica": ReplicaTold | None, "replica_seen": str | None, "links": list[Link]})
TargetsBody = TypedDict("TargetsBody", {"targets": list[FigureBody], "reason": NotRequired[str | None]})
Template = TypedDict("Template", {"title_zh": str, "title_en": NotRequired[str], "issuer_zh": str,
    "issuer_en": NotRequired[str], "note_zh": NotRequired[str], "note_en": NotRequired[str],
    "sections": list[Section], "name_zh": str, "name_en": NotRequired[str]})
TemplateNamed = TypedDict("TemplateNamed", {"code": str, "version": int, "created_by": str | None,
    "created": str | None, "name": str, "links": list[Link]})
TemplateVersions = TypedDict("TemplateVersions", {"versions": list[TemplateNamed], "links": list[Link]})
ThingBody = TypedDict("ThingBody", {"@iot.id": NotRequired[str | None], "name": NotRequired[str | None],
    "description": NotRequired[str | None], "properties": NotRequired[dict[str, Any] | None],
    "Locations": NotRequired[list[LocationBody]], "Datastreams": NotRequired[list[DatastreamBody]]})
TileFields = TypedDict("TileFields", {"id": str, "fields": dict[str, str], "minzoom": int, "maxzoom": int})
TileJson = TypedDict("TileJson", {"tilejson": NotRequired[Literal["3.0.0"]], "name": str, "description": str,
    "version": NotRequired[Literal["1.0.0"]], "attribution": str, "scheme": NotRequired[Literal["xyz"]],
    "format": str, "tiles": list[str], "minzoom": int, "maxzoom": int, "bounds": list[float],
    "center": list[float | int], "legend": str, "tile_matrix_set": NotRequired[str],
    "vector_layers": NotRequired[list[TileFields]]})
TileMatrixDescription = TypedDict("TileMatrixDescription", {"id": str, "scaleDenominator": float, "cellSize": float,
    "cornerOfOrigin": NotRequired[Literal["topLeft"]], "pointOfOrigin": list[float], "tileWidth": int,
    "tileHeight": int, "matrixWidth": int, "matrixHeight": int})
TileMatrixLimits = TypedDict("TileMatrixLimits", {"tileMatrix": str, "minTileRow": int, "maxTileRow": int,
    "minTileCol": int, "maxTileCol": int})
TileMatrixSetDescription = TypedDict("TileMatrixSetDescription", {"id": str, "title": str, "uri": NotRequired[str],
    "crs": str, "orderedAxes": list[str], "wellKnownScaleSet": NotRequired[str],
    "tileMatrices": list[TileMatrixDescription]})
TileMatrixSetItem = TypedDict("TileMatrixSetItem", {"id": str, "title": str, "crs": str, "uri": NotRequired[str],
    "links": list[DocumentLink]})
TileMatrixSetList = TypedDict("TileMatrixSetList", {"tileMatrixSets": list[TileMatrixSetItem]})
TilesetDescription = TypedDict("TilesetDescription", {"title": str, "dataType": Literal["vector", "map", "coverage"],
    "crs": str, "tileMatrixSetId": str, "tileMatrixSetURI": str, "tileMatrixSetLimits": list[TileMatrixLimits],
    "links": list[DocumentLink], "boundingBox": BoundingBox, "centerPoint": CenterPoint, "layers": list[TilesetLayer],
    "attribution": str})
TilesetItem = TypedDict("TilesetItem", {"title": str, "dataType": Literal["vector", "map", "coverage"], "crs": str,
    "tileMatrixSetId": str, "tileMatrixSetURI": str, "tileMatrixSetLimits": list[TileMatrixLimits],
    "links": list[DocumentLink]})
TilesetLayer = TypedDict("TilesetLayer", {"id": str, "title": str, "dataType": Literal["vector", "map", "coverage"],
    "minTileMatrix": str, "maxTileMatrix": str, "boundingBox": BoundingBox, "stand_in": bool,
    "stand_in_notes": list[StandInNote], "propertiesSchema": NotRequired[PropertiesSchema]})
TilesetList = TypedDict("TilesetList", {"tilesets": list[TilesetItem], "links": list[DocumentLink]})
TransitionBody = TypedDict("TransitionBody", {"to": str, "note": NotRequired[str | None],
    "documents": NotRequired[list[str]]})
TrialBody = TypedDict("TrialBody", {"year": int, "version": NotRequired[int | None],
    "rule": NotRequired[dict[str, Any] | None]})
TrialShown = TypedDict("TrialShown", {"title": str, "content": ComputedSettlement, "links": list[Link]})
Unit = TypedDict("Unit", {"name": NotRequired[str | None], "symbol": NotRequired[str | None],
    "definition": NotRequired[str | None]})
Unready = TypedDict("Unready", {"status": NotRequired[Literal["unavailable"]], "reason": str})
Unsubscribing = TypedDict("Unsubscribing", {"name": str, "address": str, "ended": bool})
UploadState = TypedDict("UploadState", {"upload": str, "bytes": int, "total_bytes": int, "sha256": str | None,
    "expires": str})
Uploads = TypedDict("Uploads", {"uploads": list[UploadState], "quotas": list[QuotaUse], "links": list[Link]})
ValueBody = TypedDict("ValueBody", {"year": int, "value": float | str, "unit": NotRequired[str | None],
    "region": NotRequired[str | None], "cumulative": NotRequired[bool], "quality": NotRequired[str | None],
    "method": NotRequired[str | None], "source": NotRequired[str | None], "department": NotRequired[str | None],
    "dataset": NotRequired[str | None], "note": NotRequired[str | None]})
ValueClass = TypedDict("ValueClass", {"value": int, "code": str, "label_zh": str, "label_en": str, "color": str,
    "requirement_zh": str | None, "requirement_en": str | None})
ValueRecorded = TypedDict("ValueRecorded", {"id": int, "year": int, "value": float, "unit": str,
    "given": GivenValue | None, "cumulative": bool, "counts": bool, "quality": str | None, "method": str | None,
    "source": str | None, "note": str | None, "department": str | None, "dataset": str | None, "job": str | None,
    "provenance": dict[str, Any] | None, "recorded_by": str | None, "recorded_at": str, "indicator": str,
    "region": str})
VectorDescription = TypedDict("VectorDescription", {"id": str, "title": str, "title_zh": str, "title_en": str,
    "kind": Literal["vector"], "theme": str, "bounds": list[float], "minzoom": NotRequired[int], "maxzoom": int,
    "version": str, "stand_in": bool, "links": list[DocumentLink], "job": str | None,
    "stand_in_notes": list[StandInNote], "sources": list[SourceDescription], "attribution": str, "page": str | None,
    "legend": LegendDescription, "formats": dict[str, str], "tile_matrix_sets": dict[str, str],
    "properties": list[PropertyDescription]})
VersionBegun = TypedDict("VersionBegun", {"scheme": SchemeNamed})
WaterChain = TypedDict("WaterChain", {"title": str, "places": list[PlaceOnTheWay], "links": list[Link]})
Webhook = TypedDict("Webhook", {"id": str, "name": str, "url": str,
    "events": list[Literal["alert.opened", "alert.escalated", "alert.acknowledged", "alert.closed", "case.opened", "case.assigned", "case.verified", "case.rectification", "case.closed", "bulletin.published"]],
    "event_names": list[str], "region": str | None, "lang": Literal["zh", "en"], "enabled": bool,
    "disabled_reason": str | None, "former_secret_until": str | None, "created": str, "created_by": str,
    "updated": str, "links": list[Link], "secret": NotRequired[str]})
WebhookContents = TypedDict("WebhookContents", {"name": str, "url": str, "events": list[str],
    "region": NotRequired[str | None], "lang": NotRequired[Literal["zh", "en"]], "enabled": NotRequired[bool]})
WebhookDeliveries = TypedDict("WebhookDeliveries", {"deliveries": list[WebhookDelivery], "links": list[Link]})
WebhookDelivery = TypedDict("WebhookDelivery", {"id": str, "type": str,
    "status": Literal["waiting", "delivered", "dead"], "status_name": str, "attempts": int, "answered": int | None,
    "reason": str | None, "due": str | None, "created": str, "finished": str | None, "type_name": str,
    "links": list[Link], "payload": NotRequired[dict[str, Any]]})
Webhooks = TypedDict("Webhooks", {"webhooks": list[Webhook], "links": list[Link]})
Words = TypedDict("Words", {"title_zh": str, "title_en": NotRequired[str], "issuer_zh": str,
    "issuer_en": NotRequired[str], "note_zh": NotRequired[str], "note_en": NotRequired[str],
    "sections": list[Section]})
WorkChallenge = TypedDict("WorkChallenge", {"challenge": str, "bits": int, "expires_at": str})
WorkerTold = TypedDict("WorkerTold", {"machine": str, "pid": int, "alive": bool, "version": str, "slots": int,
    "began": str, "seen": str, "jobs": list[RunningJob]})
YearBalance = TypedDict("YearBalance", {"allocated": str, "paid": str, "balance": str, "year": int | None})
YearOfBalance = TypedDict("YearOfBalance", {
    "kind": Literal["natural_shoreline", "cultivated_land", "land_link", "wetland", "forest_quota", "sea_area"],
    "kind_name": str, "unit": str, "taken": str, "given": str, "taken_proposed": str, "given_proposed": str,
    "year": int, "balance": str, "carried": str})
ZoneOverlap = TypedDict("ZoneOverlap", {"zones": list[str], "area_km2": float})
ZonesLeft = TypedDict("ZonesLeft", {"scheme": SchemeNamed, "zones": dict[str, float],
    "area_method": NotRequired[Literal["geodesic on the CGCS2000 ellipsoid"]]})
ZoningAdjustments = TypedDict("ZoningAdjustments", {"scheme": SchemeNamed, "adjustments": list[AdjustmentListed],
    "links": list[Link]})
ZoningDifferences = TypedDict("ZoningDifferences", {"from": SchemeNamed, "to": SchemeNamed,
    "area_method": NotRequired[Literal["geodesic on the CGCS2000 ellipsoid"]], "differences": list[ClassDifference],
    "links": list[Link]})
ZoningGap = TypedDict("ZoningGap", {"area_km2": float, "point": list[float]})
ZoningTopology = TypedDict("ZoningTopology", {"scheme": SchemeNamed, "valid": bool,
    "area_method": NotRequired[Literal["geodesic on the CGCS2000 ellipsoid"]], "region_area_km2": float | None,
    "zones_area_km2": float, "zones": int, "zones_without_geometry": int, "overlap_area_km2": float,
    "overlaps": list[ZoneOverlap], "gap_area_km2": float, "gap_percent": float | None, "gaps": list[ZoningGap],
    "slivers": int, "sliver_below_m2": float, "links": list[Link]})
ZoningsCompared = TypedDict("ZoningsCompared", {"from": SchemeNamed, "to": SchemeNamed,
    "area_method": NotRequired[Literal["geodesic on the CGCS2000 ellipsoid"]], "unchanged_km2": float,
    "changed_km2": float, "from_classes": list[ClassOfZones], "to_classes": list[ClassOfZones],
    "moves": list[ClassChange], "links": list[Link]})
account_gep_results = TypedDict("account_gep_results", {
    "account": NotRequired[ResultLink | dict[str, Any] | str | float | bool | None | list[Any]],
    "table": NotRequired[ResultLink], "report": NotRequired[ResultLink], "report_pdf": NotRequired[ResultLink],
    "report_docx": NotRequired[ResultLink]})
assess_ecoservices_results = TypedDict("assess_ecoservices_results", {
    "layers": NotRequired[ResultLink | dict[str, Any] | str | float | bool | None | list[Any]],
    "statistics": NotRequired[ResultLink | dict[str, Any] | str | float | bool | None | list[Any]],
    "table": NotRequired[ResultLink], "report": NotRequired[ResultLink], "report_pdf": NotRequired[ResultLink],
    "report_docx": NotRequired[ResultLink], "ratio_map_zh": NotRequired[ResultLink],
    "ratio_map_en": NotRequired[ResultLink]})
balance_entries = TypedDict("balance_entries", {"code": NotRequired[str], "title_zh": NotRequired[str | None],
    "title_en": NotRequired[str | None],
    "kind": NotRequired[Literal["natural_shoreline", "cultivated_land", "land_link", "wetland", "forest_quota", "sea_area"] | None],
    "direction": NotRequired[Literal["taken", "given"] | None], "amount": NotRequired[str | float | None],
    "unit": NotRequired[Literal["ha", "m", "mu"] | None], "quality_grade": NotRequired[int | None],
    "region": NotRequired[str | None], "project": NotRequired[str | None], "control_area": NotRequired[str | None],
    "year": NotRequired[int | None],
    "state": NotRequired[Literal["proposed", "accepted", "reversed", "rejected"] | None],
    "accepted_on": NotRequired[str | None], "evidence": NotRequired[list[str] | None],
    "reverses": NotRequired[str | None], "counterpart": NotRequired[str | None], "party": NotRequired[str | None],
    "source": NotRequired[str | None], "fields": NotRequired[dict[str, Any] | None],
    "valid_from": NotRequired[str | None], "valid_to": NotRequired[str | None], "links": NotRequired[list[Link]]})
balance_entries_change = TypedDict("balance_entries_change", {"code": NotRequired[str | int | None],
    "title_zh": NotRequired[str], "title_en": NotRequired[str | None],
    "kind": NotRequired[Literal["natural_shoreline", "cultivated_land", "land_link", "wetland", "forest_quota", "sea_area"]],
    "direction": NotRequired[Literal["taken", "given"]], "amount": NotRequired[str | float],
    "unit": NotRequired[Literal["ha", "m", "mu"]], "quality_grade": NotRequired[int | None],
    "region": NotRequired[str], "project": NotRequired[str | None], "control_area": NotRequired[str | None],
    "year": NotRequired[int], "state": NotRequired[Literal["proposed", "accepted", "reversed", "rejected"] | None],
    "accepted_on": NotRequired[str | None], "evidence": NotRequired[list[str] | None],
    "reverses": NotRequired[str | None], "counterpart": NotRequired[str | None], "party": NotRequired[str | None],
    "source": NotRequired[str | None], "fields": NotRequired[dict[str, Any] | None],
    "valid_from": NotRequired[str | None], "valid_to": NotRequired[str | None]})
balance_entries_new = TypedDict("balance_entries_new", {"code": NotRequired[str | int | None], "title_zh": str,
    "title_en": NotRequired[str | None],
    "kind": Literal["natural_shoreline", "cultivated_land", "land_link", "wetland", "forest_quota", "sea_area"],
    "direction": Literal["taken", "given"], "amount": str | float, "unit": Literal["ha", "m", "mu"],
    "quality_grade": NotRequired[int | None], "region": str, "project": NotRequired[str | None],
    "control_area": NotRequired[str | None], "year": int,
    "state": NotRequired[Literal["proposed", "accepted", "reversed", "rejected"] | None],
    "accepted_on": NotRequired[str | None], "evidence": NotRequired[list[str] | None],
    "reverses": NotRequired[str | None], "counterpart": NotRequired[str | None], "party": NotRequired[str | None],
    "source": NotRequired[str | None], "fields": NotRequired[dict[str, Any] | None],
    "valid_from": NotRequired[str | None], "valid_to": NotRequired[str | None]})
build_network_results = TypedDict("build_network_results", {
    "layers": NotRequired[ResultLink | dict[str, Any] | str | float | bool | None | list[Any]],
    "statistics": NotRequired[ResultLink | dict[str, Any] | str | float | bool | None | list[Any]],
    "table": NotRequired[ResultLink],
    "corridor_lines": NotRequired[ResultLink | dict[str, Any] | str | float | bool | None | list[Any]],
    "named_corridors": NotRequired[ResultLink | dict[str, Any] | str | float | bool | None | list[Any]],
    "named_table": NotRequired[ResultLink],
    "corridor_nodes": NotRequired[ResultLink | dict[str, Any] | str | float | bool | None | list[Any]],
    "map_zh": NotRequired[ResultLink], "map_en": NotRequired[ResultLink], "report": NotRequired[ResultLink],
    "report_pdf": NotRequired[ResultLink], "report_docx": NotRequired[ResultLink]})
cases = TypedDict("cases", {"code": NotRequired[str],
    "state": NotRequired[Literal["new", "assigned", "verified", "rectification", "closed"] | None],
    "kind": NotRequired[Literal["construction", "mining", "clearing", "cultivation", "filling", "dumping", "road", "other"] | None],
    "region": NotRequired[str | None], "due": NotRequired[str | None], "overdue": NotRequired[bool | None],
    "result": NotRequired[Literal["confirmed", "not_change", "lawful"] | None], "assignee": NotRequired[str | None],
    "source": NotRequired[str | None], "external_id": NotRequired[str | None],
    "sensed_before": NotRequired[str | None], "sensed_after": NotRequired[str | None],
    "confidence": NotRequired[float | None], "area_ha": NotRequired[float | None],
    "inside_ha": NotRequired[float | None], "lines": NotRequired[list[dict[str, Any]] | None],
    "lead_geometry": NotRequired[dict[str, Any] | None], "opened_at": NotRequired[str | None],
    "closed_at": NotRequired[str | None], "links": NotRequired[list[Link]]})
check_compliance_results = TypedDict("check_compliance_results", {
    "result": NotRequired[ResultLink | dict[str, Any] | str | float | bool | None | list[Any]]})
compensation_agreements = TypedDict("compensation_agreements", {"code": NotRequired[str],
    "name_zh": NotRequired[str | None], "name_en": NotRequired[str | None], "region": NotRequired[str | None],
    "upstream": NotRequired[str | None], "downstream": NotRequired[str | None],
    "basis": NotRequired[Literal["section", "service"] | None], "station": NotRequired[str | None],
    "service": NotRequired[Literal["water_conservation", "soil_retention", "cooling", "carbon_sink", "stormwater_regulation", "biodiversity", "recreation"] | None],
    "scheme": NotRequired[str | None], "rule": NotRequired[dict[str, Any] | None],
    "start_year": NotRequired[int | None], "end_year": NotRequired[int | None],
    "state": NotRequired[Literal["draft", "in_force", "ended"] | None], "document": NotRequired[str | None],
    "source": NotRequired[str | None], "valid_from": NotRequired[str | None], "valid_to": NotRequired[str | None],
    "links": NotRequired[list[Link]]})
compensation_agreements_change = TypedDict("compensation_agreements_change", {"code": NotRequired[str | int | None],
    "name_zh": NotRequired[str], "name_en": NotRequired[str | None], "region": NotRequired[str],
    "upstream": NotRequired[str], "downstream": NotRequired[str], "basis": NotRequired[Literal["section", "service"]],
    "station": NotRequired[str | None],
    "service": NotRequired[Literal["water_conservation", "soil_retention", "cooling", "carbon_sink", "stormwater_regulation", "biodiversity", "recreation"] | None],
    "scheme": NotRequired[str | None], "rule": NotRequired[dict[str, Any]], "start_year": NotRequired[int],
    "end_year": NotRequired[int | None], "state": NotRequired[Literal["draft", "in_force", "ended"] | None],
    "document": NotRequired[str | None], "source": NotRequired[str | None], "valid_from": NotRequired[str | None],
    "valid_to": NotRequired[str | None]})
compensation_agreements_new = TypedDict("compensation_agreements_new", {"code": NotRequired[str | int | None],
    "name_zh": str, "name_en": NotRequired[str | None], "region": str, "upstream": str, "downstream": str,
    "basis": Literal["section", "service"], "station": NotRequired[str | None],
    "service": NotRequired[Literal["water_conservation", "soil_retention", "cooling", "carbon_sink", "stormwater_regulation", "biodiversity", "recreation"] | None],
    "scheme": NotRequired[str | None], "rule": dict[str, Any], "start_year": int, "end_year": NotRequired[int | None],
    "state": NotRequired[Literal["draft", "in_force", "ended"] | None], "document": NotRequired[str | None],
    "source": NotRequired[str | None], "valid_from": NotRequired[str | None], "valid_to": NotRequired[str | None]})
compose_map_sheet_results = TypedDict("compose_map_sheet_results", {
    "sheet": NotRequired[ResultLink | dict[str, Any] | str | float | bool | None | list[Any]],
    "pdf": NotRequired[ResultLink], "png": NotRequired[ResultLink], "svg": NotRequired[ResultLink]})
control_areas = TypedDict("control_areas", {"type": Literal["Feature"], "id": NotRequired[str],
    "geometry": dict[str, Any] | None, "properties": control_areas_properties, "links": NotRequired[list[Link]]})
control_areas_change = TypedDict("control_areas_change", {"type": NotRequired[Literal["Feature"]],
    "id": NotRequired[str | int | None], "geometry": NotRequired[dict[str, Any] | None],
    "properties": NotRequired[control_areas_change_properties]})
control_areas_new = TypedDict("control_areas_new", {"type": Literal["Feature"], "id": NotRequired[str | int | None],
    "geometry": dict[str, Any] | None, "properties": control_areas_new_properties})
control_areas_properties = TypedDict("control_areas_properties", {"code": NotRequired[str],
    "name_zh": NotRequired[str | None], "name_en": NotRequired[str | None],
    "kind": NotRequired[Literal["red_line", "permanent_basic_farmland", "cultivated_land", "urban_boundary", "eco_control_line", "protected_area", "water_source_area", "habitat", "access_unit", "wetland", "shoreline", "island", "sea_use_right", "legacy_mine", "soil_erosion"] | None],
    "class": NotRequired[str | None],
    "level": NotRequired[Literal["national", "provincial", "city", "district", "local"] | None],
    "region": NotRequired[str | None], "plan": NotRequired[str | None], "copied_from": NotRequired[str | None],
    "legal_basis": NotRequired[str | None], "delimitation": NotRequired[str | None],
    "approved_area_km2": NotRequired[float | None],
    "comparator": NotRequired[Literal["ge", "gt", "le", "lt", "eq"] | None], "area_km2": NotRequired[float | None],
    "length_km": NotRequired[float | None], "status": NotRequired[Literal["draft", "published"] | None],
    "visibility": NotRequired[Literal["public", "signed_in", "region"] | None],
    "data_class": NotRequired[Literal["open", "internal", "sensitive"] | None],
    "data_grade": NotRequired[Literal["important", "core"] | None],
    "origin": NotRequired[Literal["imported", "drawn", "computed"] | None], "job": NotRequired[str | None],
    "source": NotRequired[str | None], "fields": NotRequired[dict[str, Any] | None],
    "valid_from": NotRequired[str | None], "valid_to": NotRequired[str | None]})
control_rules = TypedDict("control_rules", {"code": NotRequired[str],
    "scope": NotRequired[Literal["control_area", "outside_control_area", "zone_class", "everywhere"] | None],
    "subject": NotRequired[str | None], "region": NotRequired[str | None], "plan": NotRequired[str | None],
    "copied_from": NotRequired[str | None], "activity": NotRequired[str | None],
    "activity_zh": NotRequired[str | None], "activity_en": NotRequired[str | None],
    "decision": NotRequired[Literal["forbidden", "restricted", "conditional", "capped", "encouraged", "required"] | None],
    "conditions": NotRequired[list[str] | None], "legal_basis": NotRequired[str | None],
    "text_zh": NotRequired[str | None], "text_en": NotRequired[str | None], "text_official": NotRequired[str | None],
    "covers": NotRequired[list[str] | None], "classes": NotRequired[list[str] | None],
    "confirm": NotRequired[bool | None], "source": NotRequired[str | None], "source_zh": NotRequired[str | None],
    "valid_from": NotRequired[str | None], "valid_to": NotRequired[str | None], "links": NotRequired[list[Link]]})
control_rules_change = TypedDict("control_rules_change", {"code": NotRequired[str | int | None],
    "scope": NotRequired[Literal["control_area", "outside_control_area", "zone_class", "everywhere"]],
    "subject": NotRequired[str | None], "region": NotRequired[str | None], "plan": NotRequired[str | None],
    "activity": NotRequired[str], "activity_zh": NotRequired[str | None], "activity_en": NotRequired[str | None],
    "decision": NotRequired[Literal["forbidden", "restricted", "conditional", "capped", "encouraged", "required"]],
    "conditions": NotRequired[list[str] | None], "legal_basis": NotRequired[str | None],
    "text_zh": NotRequired[str | None], "text_en": NotRequired[str | None], "text_official": NotRequired[str | None],
    "covers": NotRequired[list[str] | None], "classes": NotRequired[list[str] | None],
    "confirm": NotRequired[bool | None], "source": NotRequired[str | None], "source_zh": NotRequired[str | None],
    "valid_from": NotRequired[str | None], "valid_to": NotRequired[str | None]})
control_rules_new = TypedDict("control_rules_new", {"code": NotRequired[str | int | None],
    "scope": Literal["control_area", "outside_control_area", "zone_class", "everywhere"],
    "subject": NotRequired[str | None], "region": NotRequired[str | None], "plan": NotRequired[str | None],
    "activity": str, "activity_zh": NotRequired[str | None], "activity_en": NotRequired[str | None],
    "decision": Literal["forbidden", "restricted", "conditional", "capped", "encouraged", "required"],
    "conditions": NotRequired[list[str] | None], "legal_basis": NotRequired[str | None],
    "text_zh": NotRequired[str | None], "text_en": NotRequired[str | None], "text_official": NotRequired[str | None],
    "covers": NotRequired[list[str] | None], "classes": NotRequired[list[str] | None],
    "confirm": NotRequired[bool | None], "source": NotRequired[str | None], "source_zh": NotRequired[str | None],
    "valid_from": NotRequired[str | None], "valid_to": NotRequired[str | None]})
corridor_nodes = TypedDict("corridor_nodes", {"type": Literal["Feature"], "id": NotRequired[str],
    "geometry": dict[str, Any] | None, "properties": corridor_nodes_properties, "links": NotRequired[list[Link]]})
corridor_nodes_change = TypedDict("corridor_nodes_change", {"type": NotRequired[Literal["Feature"]],
    "id": NotRequired[str | int | None], "geometry": NotRequired[dict[str, Any] | None],
    "properties": NotRequired[corridor_nodes_change_properties]})
corridor_nodes_new = TypedDict("corridor_nodes_new", {"type": Literal["Feature"], "id": NotRequired[str | int | None],
    "geometry": dict[str, Any] | None, "properties": corridor_nodes_new_properties})
corridor_nodes_properties = TypedDict("corridor_nodes_properties", {"code": NotRequired[str],
    "name_zh": NotRequired[str | None], "name_en": NotRequired[str | None],
    "kind": NotRequired[Literal["source", "stepping_stone", "pinch_point", "barrier", "junction", "saddle", "crossing"] | None],
    "region": NotRequired[str | None], "plan": NotRequired[str | None], "copied_from": NotRequired[str | None],
    "corridors": NotRequired[list[str] | None], "score": NotRequired[float | None],
    "area_km2": NotRequired[float | None], "footprint": NotRequired[dict[str, Any] | None],
    "quality": NotRequired[dict[str, Any] | None],
    "origin": NotRequired[Literal["imported", "drawn", "computed"] | None], "job": NotRequired[str | None],
    "status": NotRequired[Literal["draft", "published", "superseded"] | None], "source": NotRequired[str | None],
    "fields": NotRequired[dict[str, Any] | None], "valid_from": NotRequired[str | None],
    "valid_to": NotRequired[str | None]})
corridors = TypedDict("corridors", {"type": Literal["Feature"], "id": NotRequired[str],
    "geometry": dict[str, Any] | None, "properties": corridors_properties, "links": NotRequired[list[Link]]})
corridors_change = TypedDict("corridors_change", {"type": NotRequired[Literal["Feature"]],
    "id": NotRequired[str | int | None], "geometry": NotRequired[dict[str, Any] | None],
    "properties": NotRequired[corridors_change_properties]})
corridors_new = TypedDict("corridors_new", {"type": Literal["Feature"], "id": NotRequired[str | int | None],
    "geometry": dict[str, Any] | None, "properties": corridors_new_properties})
corridors_properties = TypedDict("corridors_properties", {"code": NotRequired[str],
    "name_zh": NotRequired[str | None], "name_en": NotRequired[str | None], "region": NotRequired[str | None],
    "plan": NotRequired[str | None], "copied_from": NotRequired[str | None], "pattern": NotRequired[str | None],
    "order": NotRequired[int | None],
    "type": NotRequired[Literal["mountain_sea", "river", "greenway", "habitat"] | None],
    "class": NotRequired[Literal["main", "branch"] | None], "width_m": NotRequired[float | None],
    "connects": NotRequired[list[str] | None], "length_km": NotRequired[float | None],
    "footprint": NotRequired[dict[str, Any] | None], "quality": NotRequired[dict[str, Any] | None],
    "origin": NotRequired[Literal["imported", "drawn", "computed"] | None], "job": NotRequired[str | None],
    "status": NotRequired[Literal["draft", "published", "superseded"] | None], "source": NotRequired[str | None],
    "fields": NotRequired[dict[str, Any] | None], "valid_from": NotRequired[str | None],
    "valid_to": NotRequired[str | None]})
datasets = TypedDict("datasets", {"type": Literal["Feature"], "id": NotRequired[str],
    "geometry": dict[str, Any] | None, "properties": datasets_properties, "links": NotRequired[list[Link]]})
datasets_change = TypedDict("datasets_change", {"type": NotRequired[Literal["Feature"]],
    "id": NotRequired[str | int | None], "geometry": NotRequired[Any],
    "properties": NotRequired[datasets_change_properties]})
datasets_new = TypedDict("datasets_new", {"type": Literal["Feature"], "id": NotRequired[str | int | None],
    "geometry": NotRequired[Any], "properties": datasets_new_properties})
datasets_properties = TypedDict("datasets_properties", {"code": NotRequired[str], "name_zh": NotRequired[str | None],
    "name_en": NotRequired[str | None], "region": NotRequired[str | None], "theme": NotRequired[str | None],
    "kind": NotRequired[str | None], "unit": NotRequired[str | None], "crs": NotRequired[str | None],
    "native_resolution_m": NotRequired[float | None], "stand_in": NotRequired[bool | None],
    "stand_in_note_zh": NotRequired[str | None], "stand_in_note_en": NotRequired[str | None],
    "source": NotRequired[str | None], "licence": NotRequired[str | None], "observed_from": NotRequired[str | None],
    "observed_to": NotRequired[str | None], "origin": NotRequired[Literal["imported", "drawn", "computed"] | None],
    "job": NotRequired[str | None], "visibility": NotRequired[Literal["public", "signed_in", "region"] | None],
    "data_class": NotRequired[Literal["open", "internal", "sensitive"] | None],
    "data_grade": NotRequired[Literal["important", "core"] | None], "checksum": NotRequired[str | None],
    "source_sha256": NotRequired[str | None], "bytes": NotRequired[int | None],
    "grid": NotRequired[dict[str, Any] | None], "registered_at": NotRequired[str | None]})
delineate_zones_results = TypedDict("delineate_zones_results", {
    "scheme": NotRequired[ResultLink | dict[str, Any] | str | float | bool | None | list[Any]],
    "layers": NotRequired[ResultLink | dict[str, Any] | str | float | bool | None | list[Any]],
    "statistics": NotRequired[ResultLink | dict[str, Any] | str | float | bool | None | list[Any]],
    "report": NotRequired[ResultLink], "report_pdf": NotRequired[ResultLink], "report_docx": NotRequired[ResultLink],
    "map_zh": NotRequired[ResultLink], "map_en": NotRequired[ResultLink], "ratio_map_zh": NotRequired[ResultLink],
    "ratio_map_en": NotRequired[ResultLink],
    "patches": NotRequired[ResultLink | dict[str, Any] | str | float | bool | None | list[Any]],
    "clusters_table": NotRequired[ResultLink]})
demonstration_criteria = TypedDict("demonstration_criteria", {"code": NotRequired[str],
    "name_zh": NotRequired[str | None], "name_en": NotRequired[str | None], "region": NotRequired[str | None],
    "order": NotRequired[int | None], "weight": NotRequired[str | float | None], "text_zh": NotRequired[str | None],
    "text_en": NotRequired[str | None], "source": NotRequired[str | None], "valid_from": NotRequired[str | None],
    "valid_to": NotRequired[str | None], "links": NotRequired[list[Link]]})
demonstration_criteria_change = TypedDict("demonstration_criteria_change", {"code": NotRequired[str | int | None],
    "name_zh": NotRequired[str], "name_en": NotRequired[str | None], "region": NotRequired[str],
    "order": NotRequired[int | None], "weight": NotRequired[str | float | None], "text_zh": NotRequired[str | None],
    "text_en": NotRequired[str | None], "source": NotRequired[str | None], "valid_from": NotRequired[str | None],
    "valid_to": NotRequired[str | None]})
demonstration_criteria_new = TypedDict("demonstration_criteria_new", {"code": NotRequired[str | int | None],
    "name_zh": str, "name_en": NotRequired[str | None], "region": str, "order": NotRequired[int | None],
    "weight": NotRequired[str | float | None], "text_zh": NotRequired[str | None], "text_en": NotRequired[str | None],
    "source": NotRequired[str | None], "valid_from": NotRequired[str | None], "valid_to": NotRequired[str | None]})
demonstration_members = TypedDict("demonstration_members", {"code": NotRequired[str],
    "name_zh": NotRequired[str | None], "name_en": NotRequired[str | None], "region": NotRequired[str | None],
    "order": NotRequired[int | None], "section": NotRequired[Literal["summit", "basin", "sea", "urban"] | None],
    "state": NotRequired[Literal["planned", "in_work", "reached"] | None], "member": NotRequired[str | None],
    "place": NotRequired[str | None], "feature": NotRequired[str | None], "text_zh": NotRequired[str | None],
    "text_en": NotRequired[str | None], "source": NotRequired[str | None], "valid_from": NotRequired[str | None],
    "valid_to": NotRequired[str | None], "links": NotRequired[list[Link]]})
demonstration_members_change = TypedDict("demonstration_members_change", {"code": NotRequired[str | int | None],
    "name_zh": NotRequired[str], "name_en": NotRequired[str | None], "region": NotRequired[str],
    "order": NotRequired[int | None], "section": NotRequired[Literal["summit", "basin", "sea", "urban"] | None],
    "state": NotRequired[Literal["planned", "in_work", "reached"] | None], "member": NotRequired[str | None],
    "place": NotRequired[str | None], "feature": NotRequired[str | None], "text_zh": NotRequired[str | None],
    "text_en": NotRequired[str | None], "source": NotRequired[str | None], "valid_from": NotRequired[str | None],
    "valid_to": NotRequired[str | None]})
demonstration_members_new = TypedDict("demonstration_members_new", {"code": NotRequired[str | int | None],
    "name_zh": str, "name_en": NotRequired[str | None], "region": str, "order": NotRequired[int | None],
    "section": NotRequired[Literal["summit", "basin", "sea", "urban"] | None],
    "state": NotRequired[Literal["planned", "in_work", "reached"] | None], "member": NotRequired[str | None],
    "place": NotRequired[str | None], "feature": NotRequired[str | None], "text_zh": NotRequired[str | None],
    "text_en": NotRequired[str | None], "source": NotRequired[str | None], "valid_from": NotRequired[str | None],
    "valid_to": NotRequired[str | None]})
demonstration_scores = TypedDict("demonstration_scores", {"code": NotRequired[str], "region": NotRequired[str | None],
    "criterion": NotRequired[str | None], "year": NotRequired[int | None], "score": NotRequired[str | float | None],
    "text_zh": NotRequired[str | None], "text_en": NotRequired[str | None], "evidence": NotRequired[list[str] | None],
    "source": NotRequired[str | None], "valid_from": NotRequired[str | None], "valid_to": NotRequired[str | None],
    "links": NotRequired[list[Link]]})
demonstration_scores_change = TypedDict("demonstration_scores_change", {"code": NotRequired[str | int | None],
    "region": NotRequired[str], "criterion": NotRequired[str], "year": NotRequired[int],
    "score": NotRequired[str | float], "text_zh": NotRequired[str | None], "text_en": NotRequired[str | None],
    "evidence": NotRequired[list[str] | None], "source": NotRequired[str | None],
    "valid_from": NotRequired[str | None], "valid_to": NotRequired[str | None]})
demonstration_scores_new = TypedDict("demonstration_scores_new", {"code": NotRequired[str | int | None],
    "region": str, "criterion": str, "year": int, "score": str | float, "text_zh": NotRequired[str | None],
    "text_en": NotRequired[str | None], "evidence": NotRequired[list[str] | None], "source": NotRequired[str | None],
    "valid_from": NotRequired[str | None], "valid_to": NotRequired[str | None]})
documents = TypedDict("documents", {"code": NotRequired[str], "title_zh": NotRequired[str | None],
    "title_en": NotRequired[str | None],
    "kind": NotRequired[Literal["proposal", "design", "notice", "completion", "acceptance", "monitoring", "effect_evaluation", "after_care", "photo", "other"] | None],
    "measure": NotRequired[str | None], "period_from": NotRequired[str | None], "period_to": NotRequired[str | None],
    "quantity": NotRequired[str | None], "value": NotRequired[str | None], "unit": NotRequired[str | None],
    "collection": NotRequired[str | None], "object": NotRequired[str | None], "region": NotRequired[str | None],
    "filename": NotRequired[str | None], "media_type": NotRequired[str | None], "bytes": NotRequired[int | None],
    "sha256": NotRequired[str | None], "visibility": NotRequired[Literal["public", "signed_in", "region"] | None],
    "data_class": NotRequired[Literal["open", "internal", "sensitive"] | None],
    "data_grade": NotRequired[Literal["important", "core"] | None], "uploaded_at": NotRequired[str | None],
    "valid_from": NotRequired[str | None], "valid_to": NotRequired[str | None], "links": NotRequired[list[Link]]})
documents_change = TypedDict("documents_change", {"code": NotRequired[str | int | None], "title_zh": NotRequired[str],
    "title_en": NotRequired[str | None], "visibility": NotRequired[Literal["public", "signed_in", "region"] | None],
    "data_class": NotRequired[Literal["open", "internal", "sensitive"] | None],
    "data_grade": NotRequired[Literal["important", "core"] | None], "valid_from": NotRequired[str | None],
    "valid_to": NotRequired[str | None]})
documents_new = TypedDict("documents_new", {"code": NotRequired[str | int | None], "title_zh": str,
    "title_en": NotRequired[str | None], "visibility": NotRequired[Literal["public", "signed_in", "region"] | None],
    "data_class": NotRequired[Literal["open", "internal", "sensitive"] | None],
    "data_grade": NotRequired[Literal["important", "core"] | None], "valid_from": NotRequired[str | None],
    "valid_to": NotRequired[str | None]})
duties = TypedDict("duties", {"code": NotRequired[str], "name_zh": NotRequired[str | None],
    "name_en": NotRequired[str | None], "plan": NotRequired[str | None], "copied_from": NotRequired[str | None],
    "order": NotRequired[int | None], "article": NotRequired[str | None], "heading_zh": NotRequired[str | None],
    "heading_en": NotRequired[str | None], "text_zh": NotRequired[str | None], "text_en": NotRequired[str | None],
    "success_zh": NotRequired[str | None], "success_en": NotRequired[str | None],
    "start_year": NotRequired[int | None], "end_year": NotRequired[int | None], "due_on": NotRequired[str | None],
    "due": NotRequired[str | None],
    "state": NotRequired[Literal["open", "on_track", "late", "done", "dropped"] | None],
    "reason": NotRequired[str | None], "lead": NotRequired[list[str] | None],
    "cooperating": NotRequired[list[str] | None], "supervising": NotRequired[list[str] | None],
    "named": NotRequired[list[str] | None], "parties": NotRequired[list[str] | None],
    "source": NotRequired[str | None], "valid_from": NotRequired[str | None], "valid_to": NotRequired[str | None],
    "links": NotRequired[list[Link]]})
duties_change = TypedDict("duties_change", {"code": NotRequired[str | int | None], "name_zh": NotRequired[str],
    "name_en": NotRequired[str | None], "plan": NotRequired[str], "order": NotRequired[int | None],
    "article": NotRequired[str | None], "text_zh": NotRequired[str | None], "text_en": NotRequired[str | None],
    "success_zh": NotRequired[str | None], "success_en": NotRequired[str | None],
    "start_year": NotRequired[int | None], "end_year": NotRequired[int | None], "due_on": NotRequired[str | None],
    "state": NotRequired[Literal["open", "on_track", "late", "done", "dropped"] | None],
    "reason": NotRequired[str | None], "lead": NotRequired[list[str] | None],
    "cooperating": NotRequired[list[str] | None], "supervising": NotRequired[list[str] | None],
    "named": NotRequired[list[str] | None], "source": NotRequired[str | None], "valid_from": NotRequired[str | None],
    "valid_to": NotRequired[str | None]})
duties_new = TypedDict("duties_new", {"code": NotRequired[str | int | None], "name_zh": str,
    "name_en": NotRequired[str | None], "plan": NotRequired[str], "order": NotRequired[int | None],
    "article": NotRequired[str | None], "text_zh": NotRequired[str | None], "text_en": NotRequired[str | None],
    "success_zh": NotRequired[str | None], "success_en": NotRequired[str | None],
    "start_year": NotRequired[int | None], "end_year": NotRequired[int | None], "due_on": NotRequired[str | None],
    "state": NotRequired[Literal["open", "on_track", "late", "done", "dropped"] | None],
    "reason": NotRequired[str | None], "lead": NotRequired[list[str] | None],
    "cooperating": NotRequired[list[str] | None], "supervising": NotRequired[list[str] | None],
    "named": NotRequired[list[str] | None], "source": NotRequired[str | None], "valid_from": NotRequired[str | None],
    "valid_to": NotRequired[str | None]})
echo_results = TypedDict("echo_results", {"message": NotRequired[ResultLink | str | dict[str, Any]],
    "number": NotRequired[ResultLink | float | dict[str, Any]],
    "array": NotRequired[ResultLink | list[int] | dict[str, Any]], "bbox": NotRequired[Any],
    "object": NotRequired[ResultLink | dict[str, Any]], "geometry": NotRequired[Any],
    "binary": NotRequired[ResultLink | str | dict[str, Any]],
    "mixed": NotRequired[ResultLink | str | dict[str, Any] | dict[str, Any]]})
evaluate_ecosystem_results = TypedDict("evaluate_ecosystem_results", {
    "layers": NotRequired[ResultLink | dict[str, Any] | str | float | bool | None | list[Any]],
    "statistics": NotRequired[ResultLink | dict[str, Any] | str | float | bool | None | list[Any]],
    "table": NotRequired[ResultLink], "report": NotRequired[ResultLink], "report_pdf": NotRequired[ResultLink],
    "report_docx": NotRequired[ResultLink]})
evaluate_effect_results = TypedDict("evaluate_effect_results", {
    "effect": NotRequired[ResultLink | dict[str, Any] | str | float | bool | None | list[Any]],
    "pictures": NotRequired[ResultLink]})
evaluate_indicators_results = TypedDict("evaluate_indicators_results", {
    "indicators": NotRequired[ResultLink | dict[str, Any] | str | float | bool | None | list[Any]],
    "statistics": NotRequired[ResultLink | dict[str, Any] | str | float | bool | None | list[Any]],
    "table": NotRequired[ResultLink], "report": NotRequired[ResultLink], "report_pdf": NotRequired[ResultLink],
    "report_docx": NotRequired[ResultLink]})
figures = TypedDict("figures", {"code": NotRequired[str], "name_zh": NotRequired[str | None],
    "name_en": NotRequired[str | None], "plan": NotRequired[str | None], "copied_from": NotRequired[str | None],
    "kind": NotRequired[Literal["evaluation", "benefit", "achievement", "condition", "context", "reference", "count"] | None],
    "aspect": NotRequired[Literal["ecological", "social", "economic"] | None], "order": NotRequired[int | None],
    "class_zh": NotRequired[str | None], "class_en": NotRequired[str | None],
    "comparator": NotRequired[Literal["ge", "gt", "le", "lt", "eq"] | None], "value": NotRequired[float | None],
    "unit": NotRequired[str | None], "share_percent": NotRequired[float | None],
    "trend": NotRequired[Literal["better", "stable_to_better", "stable", "worse"] | None],
    "start_year": NotRequired[int | None], "end_year": NotRequired[int | None], "indicator": NotRequired[str | None],
    "region": NotRequired[str | None],
    "computed_by": NotRequired[Literal["evaluation_area", "evaluation_mean", "zone_area", "control_area", "region_area", "corridor_length", "row_count", "mine_restored", "work_done"] | None],
    "computed_of": NotRequired[list[str] | None], "projects": NotRequired[list[str] | None],
    "places": NotRequired[list[str] | None], "untold": NotRequired[list[str] | None],
    "article": NotRequired[str | None], "note_zh": NotRequired[str | None], "note_en": NotRequired[str | None],
    "source": NotRequired[str | None], "valid_from": NotRequired[str | None], "valid_to": NotRequired[str | None],
    "links": NotRequired[list[Link]]})
figures_change = TypedDict("figures_change", {"code": NotRequired[str | int | None], "name_zh": NotRequired[str],
    "name_en": NotRequired[str | None], "plan": NotRequired[str],
    "kind": NotRequired[Literal["evaluation", "benefit", "achievement", "condition", "context", "reference", "count"]],
    "aspect": NotRequired[Literal["ecological", "social", "economic"] | None], "order": NotRequired[int | None],
    "class_zh": NotRequired[str | None], "class_en": NotRequired[str | None],
    "comparator": NotRequired[Literal["ge", "gt", "le", "lt", "eq"] | None], "value": NotRequired[float | None],
    "unit": NotRequired[str | None], "share_percent": NotRequired[float | None],
    "trend": NotRequired[Literal["better", "stable_to_better", "stable", "worse"] | None],
    "start_year": NotRequired[int | None], "end_year": NotRequired[int | None], "indicator": NotRequired[str | None],
    "region": NotRequired[str | None],
    "computed_by": NotRequired[Literal["evaluation_area", "evaluation_mean", "zone_area", "control_area", "region_area", "corridor_length", "row_count", "mine_restored", "work_done"] | None],
    "computed_of": NotRequired[list[str] | None], "projects": NotRequired[list[str] | None],
    "places": NotRequired[list[str] | None], "untold": NotRequired[list[str] | None],
    "article": NotRequired[str | None], "note_zh": NotRequired[str | None], "note_en": NotRequired[str | None],
    "source": NotRequired[str | None], "valid_from": NotRequired[str | None], "valid_to": NotRequired[str | None]})
figures_new = TypedDict("figures_new", {"code": NotRequired[str | int | None], "name_zh": str,
    "name_en": NotRequired[str | None], "plan": NotRequired[str],
    "kind": Literal["evaluation", "benefit", "achievement", "condition", "context", "reference", "count"],
    "aspect": NotRequired[Literal["ecological", "social", "economic"] | None], "order": NotRequired[int | None],
    "class_zh": NotRequired[str | None], "class_en": NotRequired[str | None],
    "comparator": NotRequired[Literal["ge", "gt", "le", "lt", "eq"] | None], "value": NotRequired[float | None],
    "unit": NotRequired[str | None], "share_percent": NotRequired[float | None],
    "trend": NotRequired[Literal["better", "stable_to_better", "stable", "worse"] | None],
    "start_year": NotRequired[int | None], "end_year": NotRequired[int | None], "indicator": NotRequired[str | None],
    "region": NotRequired[str | None],
    "computed_by": NotRequired[Literal["evaluation_area", "evaluation_mean", "zone_area", "control_area", "region_area", "corridor_length", "row_count", "mine_restored", "work_done"] | None],
    "computed_of": NotRequired[list[str] | None], "projects": NotRequired[list[str] | None],
    "places": NotRequired[list[str] | None], "untold": NotRequired[list[str] | None],
    "article": NotRequired[str | None], "note_zh": NotRequired[str | None], "note_en": NotRequired[str | None],
    "source": NotRequired[str | None], "valid_from": NotRequired[str | None], "valid_to": NotRequired[str | None]})
fishing_harbours = TypedDict("fishing_harbours", {"type": Literal["Feature"], "id": NotRequired[str],
    "geometry": dict[str, Any] | None, "properties": fishing_harbours_properties, "links": NotRequired[list[Link]]})
fishing_harbours_change = TypedDict("fishing_harbours_change", {"type": NotRequired[Literal["Feature"]],
    "id": NotRequired[str | int | None], "geometry": NotRequired[dict[str, Any] | None],
    "properties": NotRequired[fishing_harbours_change_properties]})
fishing_harbours_new = TypedDict("fishing_harbours_new", {"type": Literal["Feature"],
    "id": NotRequired[str | int | None], "geometry": dict[str, Any] | None,
    "properties": fishing_harbours_new_properties})
fishing_harbours_properties = TypedDict("fishing_harbours_properties", {"code": NotRequired[str],
    "name_zh": NotRequired[str | None], "name_en": NotRequired[str | None],
    "grade": NotRequired[Literal["central", "first_class", "second_class", "third_class"] | None],
    "region": NotRequired[str | None], "operator": NotRequired[str | None], "berths": NotRequired[int | None],
    "area_km2": NotRequired[float | None], "source": NotRequired[str | None],
    "fields": NotRequired[dict[str, Any] | None], "valid_from": NotRequired[str | None],
    "valid_to": NotRequired[str | None]})
fund_sources = TypedDict("fund_sources", {"code": NotRequired[str], "name_zh": NotRequired[str | None],
    "name_en": NotRequired[str | None],
    "kind": NotRequired[Literal["central", "provincial", "municipal", "district", "bond", "social", "loan", "transfer", "ocean", "eod", "bot", "other"] | None],
    "region": NotRequired[str | None], "year": NotRequired[int | None], "amount": NotRequired[str | float | None],
    "allowed_measures": NotRequired[list[str] | None], "allocated": NotRequired[str | float | None],
    "paid": NotRequired[str | float | None], "source": NotRequired[str | None], "valid_from": NotRequired[str | None],
    "valid_to": NotRequired[str | None], "links": NotRequired[list[Link]]})
fund_sources_change = TypedDict("fund_sources_change", {"code": NotRequired[str | int | None],
    "name_zh": NotRequired[str], "name_en": NotRequired[str | None],
    "kind": NotRequired[Literal["central", "provincial", "municipal", "district", "bond", "social", "loan", "transfer", "ocean", "eod", "bot", "other"]],
    "region": NotRequired[str | None], "year": NotRequired[int | None], "amount": NotRequired[str | float],
    "allowed_measures": NotRequired[list[str] | None], "source": NotRequired[str | None],
    "valid_from": NotRequired[str | None], "valid_to": NotRequired[str | None]})
fund_sources_new = TypedDict("fund_sources_new", {"code": NotRequired[str | int | None], "name_zh": str,
    "name_en": NotRequired[str | None],
    "kind": Literal["central", "provincial", "municipal", "district", "bond", "social", "loan", "transfer", "ocean", "eod", "bot", "other"],
    "region": NotRequired[str | None], "year": NotRequired[int | None], "amount": str | float,
    "allowed_measures": NotRequired[list[str] | None], "source": NotRequired[str | None],
    "valid_from": NotRequired[str | None], "valid_to": NotRequired[str | None]})
import_dataset_results = TypedDict("import_dataset_results", {
    "dataset": NotRequired[ResultLink | dict[str, Any] | str | float | bool | None | list[Any]],
    "summary": NotRequired[ResultLink | dict[str, Any] | str | float | bool | None | list[Any]]})
import_features_results = TypedDict("import_features_results", {
    "summary": NotRequired[ResultLink | dict[str, Any] | str | float | bool | None | list[Any]],
    "report": NotRequired[ResultLink | dict[str, Any] | str | float | bool | None | list[Any]],
    "table": NotRequired[ResultLink], "page": NotRequired[ResultLink]})
import_plan_results = TypedDict("import_plan_results", {
    "summary": NotRequired[ResultLink | dict[str, Any] | str | float | bool | None | list[Any]]})
indicators = TypedDict("indicators", {"code": NotRequired[str], "name_zh": NotRequired[str | None],
    "name_en": NotRequired[str | None], "unit": NotRequired[str | None],
    "property": NotRequired[Literal["binding", "expected"] | None],
    "direction": NotRequired[Literal["higher", "lower"] | None], "category": NotRequired[str | None],
    "formula_zh": NotRequired[str | None], "formula_en": NotRequired[str | None], "least": NotRequired[float | None],
    "most": NotRequired[float | None], "valid_from": NotRequired[str | None], "valid_to": NotRequired[str | None],
    "links": NotRequired[list[Link]]})
indicators_change = TypedDict("indicators_change", {"code": NotRequired[str | int | None],
    "name_zh": NotRequired[str], "name_en": NotRequired[str | None], "unit": NotRequired[str],
    "property": NotRequired[Literal["binding", "expected"]], "direction": NotRequired[Literal["higher", "lower"]],
    "category": NotRequired[str | None], "formula_zh": NotRequired[str | None], "formula_en": NotRequired[str | None],
    "least": NotRequired[float | None], "most": NotRequired[float | None], "valid_from": NotRequired[str | None],
    "valid_to": NotRequired[str | None]})
indicators_new = TypedDict("indicators_new", {"code": NotRequired[str | int | None], "name_zh": str,
    "name_en": NotRequired[str | None], "unit": str, "property": Literal["binding", "expected"],
    "direction": Literal["higher", "lower"], "category": NotRequired[str | None],
    "formula_zh": NotRequired[str | None], "formula_en": NotRequired[str | None], "least": NotRequired[float | None],
    "most": NotRequired[float | None], "valid_from": NotRequired[str | None], "valid_to": NotRequired[str | None]})
islands = TypedDict("islands", {"type": Literal["Feature"], "id": NotRequired[str], "geometry": dict[str, Any] | None,
    "properties": islands_properties, "links": NotRequired[list[Link]]})
islands_change = TypedDict("islands_change", {"type": NotRequired[Literal["Feature"]],
    "id": NotRequired[str | int | None], "geometry": NotRequired[dict[str, Any] | None],
    "properties": NotRequired[islands_change_properties]})
islands_new = TypedDict("islands_new", {"type": Literal["Feature"], "id": NotRequired[str | int | None],
    "geometry": dict[str, Any] | None, "properties": islands_new_properties})
islands_properties = TypedDict("islands_properties", {"code": NotRequired[str], "name_zh": NotRequired[str | None],
    "name_en": NotRequired[str | None], "waters": NotRequired[Literal["sea", "river"] | None],
    "class": NotRequired[Literal["inhabited", "uninhabited", "protected"] | None], "region": NotRequired[str | None],
    "feature": NotRequired[str | None], "problem": NotRequired[str | None],
    "allowed_uses": NotRequired[list[str] | None], "area_km2": NotRequired[float | None],
    "source": NotRequired[str | None], "fields": NotRequired[dict[str, Any] | None],
    "valid_from": NotRequired[str | None], "valid_to": NotRequired[str | None]})
mines = TypedDict("mines", {"type": Literal["Feature"], "id": NotRequired[str], "geometry": dict[str, Any] | None,
    "properties": mines_properties, "links": NotRequired[list[Link]]})
mines_change = TypedDict("mines_change", {"type": NotRequired[Literal["Feature"]],
    "id": NotRequired[str | int | None], "geometry": NotRequired[dict[str, Any] | None],
    "properties": NotRequired[mines_change_properties]})
mines_new = TypedDict("mines_new", {"type": Literal["Feature"], "id": NotRequired[str | int | None],
    "geometry": dict[str, Any] | None, "properties": mines_new_properties})
mines_properties = TypedDict("mines_properties", {"code": NotRequired[str], "name_zh": NotRequired[str | None],
    "name_en": NotRequired[str | None], "kind": NotRequired[Literal["legacy", "producing"] | None],
    "region": NotRequired[str | None], "towns": NotRequired[list[str] | None], "part_of": NotRequired[str | None],
    "minerals": NotRequired[list[str] | None], "hazards": NotRequired[list[str] | None],
    "minerals_en": NotRequired[list[str] | None], "hazards_en": NotRequired[list[str] | None],
    "owner": NotRequired[str | None], "area_ha": NotRequired[float | None],
    "measured_area_ha": NotRequired[float | None], "listed_year": NotRequired[int | None],
    "state": NotRequired[Literal["open", "planned", "in_work", "restored", "accepted", "watched"] | None],
    "plan": NotRequired[str | None], "problem": NotRequired[str | None], "project": NotRequired[str | None],
    "licence": NotRequired[str | None], "licence_until": NotRequired[str | None],
    "restoration_plan": NotRequired[str | None], "closed_on": NotRequired[str | None],
    "accepted_on": NotRequired[str | None], "accepted_area_ha": NotRequired[float | None],
    "evidence": NotRequired[list[str] | None], "source": NotRequired[str | None],
    "details": NotRequired[dict[str, Any] | None], "fields": NotRequired[dict[str, Any] | None],
    "valid_from": NotRequired[str | None], "valid_to": NotRequired[str | None]})
named_features = TypedDict("named_features", {"type": Literal["Feature"], "id": NotRequired[str],
    "geometry": dict[str, Any] | None, "properties": named_features_properties, "links": NotRequired[list[Link]]})
named_features_change = TypedDict("named_features_change", {"type": NotRequired[Literal["Feature"]],
    "id": NotRequired[str | int | None], "geometry": NotRequired[dict[str, Any] | None],
    "properties": NotRequired[named_features_change_properties]})
named_features_new = TypedDict("named_features_new", {"type": Literal["Feature"], "id": NotRequired[str | int | None],
    "geometry": dict[str, Any] | None, "properties": named_features_new_properties})
named_features_properties = TypedDict("named_features_properties", {"code": NotRequired[str],
    "name_zh": NotRequired[str | None], "name_en": NotRequired[str | None],
    "kind": NotRequired[Literal["nature_reserve", "forest_park", "park", "species", "mountain", "river", "lake", "reservoir", "bay", "sea_area", "river_island", "hot_spring", "works", "practice_base"] | None],
    "region": NotRequired[str | None], "article": NotRequired[str | None], "note_zh": NotRequired[str | None],
    "note_en": NotRequired[str | None], "area_km2": NotRequired[float | None], "length_km": NotRequired[float | None],
    "source": NotRequired[str | None], "valid_from": NotRequired[str | None], "valid_to": NotRequired[str | None]})
notices = TypedDict("notices", {"type": Literal["Feature"], "id": NotRequired[str], "geometry": dict[str, Any] | None,
    "properties": notices_properties, "links": NotRequired[list[Link]]})
notices_change = TypedDict("notices_change", {"type": NotRequired[Literal["Feature"]],
    "id": NotRequired[str | int | None], "geometry": NotRequired[dict[str, Any] | None],
    "properties": NotRequired[notices_change_properties]})
notices_new = TypedDict("notices_new", {"type": Literal["Feature"], "id": NotRequired[str | int | None],
    "geometry": dict[str, Any] | None, "properties": notices_new_properties})
notices_properties = TypedDict("notices_properties", {"code": NotRequired[str], "name_zh": NotRequired[str | None],
    "name_en": NotRequired[str | None], "region": NotRequired[str | None],
    "subject_collection": NotRequired[Literal["plans", "projects", "control_areas", "proposals"] | None],
    "subject_code": NotRequired[str | None], "text_zh": NotRequired[str | None], "text_en": NotRequired[str | None],
    "period_from": NotRequired[str | None], "period_to": NotRequired[str | None],
    "hearing_on": NotRequired[str | None], "hearing_time": NotRequired[str | None],
    "hearing_place": NotRequired[str | None], "contact_office": NotRequired[str | None],
    "documents": NotRequired[list[str] | None],
    "commenters": NotRequired[Literal["account", "named", "anonymous"] | None],
    "show_comments": NotRequired[bool | None],
    "state": NotRequired[Literal["draft", "published", "closed", "withdrawn"] | None],
    "published_on": NotRequired[str | None], "reason": NotRequired[str | None], "source": NotRequired[str | None],
    "fields": NotRequired[dict[str, Any] | None], "valid_from": NotRequired[str | None],
    "valid_to": NotRequired[str | None]})
occurrences = TypedDict("occurrences", {"type": Literal["Feature"], "id": NotRequired[str],
    "geometry": dict[str, Any] | None, "properties": occurrences_properties, "links": NotRequired[list[Link]]})
occurrences_change = TypedDict("occurrences_change", {"type": NotRequired[Literal["Feature"]],
    "id": NotRequired[str | int | None], "geometry": NotRequired[dict[str, Any] | None],
    "properties": NotRequired[occurrences_change_properties]})
occurrences_new = TypedDict("occurrences_new", {"type": Literal["Feature"], "id": NotRequired[str | int | None],
    "geometry": dict[str, Any] | None, "properties": occurrences_new_properties})
occurrences_properties = TypedDict("occurrences_properties", {"code": NotRequired[str],
    "species": NotRequired[str | None], "scientific_name": NotRequired[str | None],
    "name_zh": NotRequired[str | None], "name_en": NotRequired[str | None],
    "protection": NotRequired[Literal["first_class", "second_class", "provincial", "none"] | None],
    "region": NotRequired[str | None], "place": NotRequired[Literal["exact", "cell"] | None],
    "cell": NotRequired[str | None], "uncertainty_m": NotRequired[float | None], "locality": NotRequired[str | None],
    "observed_from": NotRequired[str | None], "observed_to": NotRequired[str | None],
    "individuals": NotRequired[int | None],
    "method": NotRequired[Literal["sighting", "transect", "plot", "camera_trap", "acoustic", "tracking", "trapping", "edna", "specimen", "literature"] | None],
    "observer": NotRequired[str | None], "occurrence_id": NotRequired[str | None],
    "evidence": NotRequired[str | None], "state": NotRequired[Literal["recorded", "verified", "doubtful"] | None],
    "judged_by": NotRequired[str | None], "judged_on": NotRequired[str | None], "source": NotRequired[str | None],
    "fields": NotRequired[dict[str, Any] | None], "valid_from": NotRequired[str | None],
    "valid_to": NotRequired[str | None]})
outfalls = TypedDict("outfalls", {"type": Literal["Feature"], "id": NotRequired[str],
    "geometry": dict[str, Any] | None, "properties": outfalls_properties, "links": NotRequired[list[Link]]})
outfalls_change = TypedDict("outfalls_change", {"type": NotRequired[Literal["Feature"]],
    "id": NotRequired[str | int | None], "geometry": NotRequired[dict[str, Any] | None],
    "properties": NotRequired[outfalls_change_properties]})
outfalls_new = TypedDict("outfalls_new", {"type": Literal["Feature"], "id": NotRequired[str | int | None],
    "geometry": dict[str, Any] | None, "properties": outfalls_new_properties})
outfalls_properties = TypedDict("outfalls_properties", {"code": NotRequired[str], "name_zh": NotRequired[str | None],
    "name_en": NotRequired[str | None],
    "kind": NotRequired[Literal["industrial", "sewage_works", "agricultural", "storm_drain", "other_outfall"] | None],
    "region": NotRequired[str | None], "discharger": NotRequired[str | None], "station": NotRequired[str | None],
    "permit": NotRequired[str | None], "permit_from": NotRequired[str | None],
    "permit_until": NotRequired[str | None], "limits": NotRequired[dict[str, Any] | None],
    "source": NotRequired[str | None], "fields": NotRequired[dict[str, Any] | None],
    "valid_from": NotRequired[str | None], "valid_to": NotRequired[str | None]})
parties = TypedDict("parties", {"code": NotRequired[str], "name_zh": NotRequired[str | None],
    "name_en": NotRequired[str | None],
    "kind": NotRequired[Literal["government", "department", "firm", "social_body", "expert"] | None],
    "region": NotRequired[str | None], "parent": NotRequired[str | None], "plan": NotRequired[str | None],
    "role": NotRequired[Literal["lead", "leading_group", "coordination", "funding", "green_finance"] | None],
    "articles": NotRequired[list[str] | None], "source": NotRequired[str | None],
    "valid_from": NotRequired[str | None], "valid_to": NotRequired[str | None], "links": NotRequired[list[Link]]})
parties_change = TypedDict("parties_change", {"code": NotRequired[str | int | None], "name_zh": NotRequired[str],
    "name_en": NotRequired[str | None],
    "kind": NotRequired[Literal["government", "department", "firm", "social_body", "expert"]],
    "region": NotRequired[str | None], "parent": NotRequired[str | None], "plan": NotRequired[str | None],
    "role": NotRequired[Literal["lead", "leading_group", "coordination", "funding", "green_finance"] | None],
    "articles": NotRequired[list[str] | None], "source": NotRequired[str | None],
    "valid_from": NotRequired[str | None], "valid_to": NotRequired[str | None]})
parties_new = TypedDict("parties_new", {"code": NotRequired[str | int | None], "name_zh": str,
    "name_en": NotRequired[str | None], "kind": Literal["government", "department", "firm", "social_body", "expert"],
    "region": NotRequired[str | None], "parent": NotRequired[str | None], "plan": NotRequired[str | None],
    "role": NotRequired[Literal["lead", "leading_group", "coordination", "funding", "green_finance"] | None],
    "articles": NotRequired[list[str] | None], "source": NotRequired[str | None],
    "valid_from": NotRequired[str | None], "valid_to": NotRequired[str | None]})
pattern_components = TypedDict("pattern_components", {"type": Literal["Feature"], "id": NotRequired[str],
    "geometry": dict[str, Any] | None, "properties": pattern_components_properties, "links": NotRequired[list[Link]]})
pattern_components_change = TypedDict("pattern_components_change", {"type": NotRequired[Literal["Feature"]],
    "id": NotRequired[str | int | None], "geometry": NotRequired[dict[str, Any] | None],
    "properties": NotRequired[pattern_components_change_properties]})
pattern_components_new = TypedDict("pattern_components_new", {"type": Literal["Feature"],
    "id": NotRequired[str | int | None], "geometry": dict[str, Any] | None,
    "properties": pattern_components_new_properties})
pattern_components_properties = TypedDict("pattern_components_properties", {"code": NotRequired[str],
    "name_zh": NotRequired[str | None], "name_en": NotRequired[str | None], "pattern": NotRequired[str | None],
    "pattern_name_zh": NotRequired[str | None], "pattern_name_en": NotRequired[str | None],
    "parent": NotRequired[str | None], "region": NotRequired[str | None], "plan": NotRequired[str | None],
    "copied_from": NotRequired[str | None], "status": NotRequired[Literal["draft", "published", "superseded"] | None],
    "type": NotRequired[str | None], "order": NotRequired[int | None],
    "certainty": NotRequired[Literal["stated", "inferred"] | None], "label_zh": NotRequired[str | None],
    "label_en": NotRequired[str | None], "covers": NotRequired[list[str] | None], "role_zh": NotRequired[str | None],
    "role_en": NotRequired[str | None], "rule_zh": NotRequired[str | None], "rule_en": NotRequired[str | None],
    "count_stated": NotRequired[int | None], "complete": NotRequired[bool | None],
    "members_of": NotRequired[str | None], "area_km2": NotRequired[float | None],
    "length_km": NotRequired[float | None], "source": NotRequired[str | None],
    "fields": NotRequired[dict[str, Any] | None], "valid_from": NotRequired[str | None],
    "valid_to": NotRequired[str | None]})
patterns = TypedDict("patterns", {"code": NotRequired[str], "name_zh": NotRequired[str | None],
    "name_en": NotRequired[str | None], "level": NotRequired[str | None], "region": NotRequired[str | None],
    "plan": NotRequired[str | None], "copied_from": NotRequired[str | None], "version": NotRequired[int | None],
    "status": NotRequired[Literal["draft", "published", "superseded"] | None],
    "principle_zh": NotRequired[str | None], "principle_en": NotRequired[str | None],
    "set_by": NotRequired[str | None], "note": NotRequired[str | None], "source": NotRequired[str | None],
    "valid_from": NotRequired[str | None], "valid_to": NotRequired[str | None], "links": NotRequired[list[Link]]})
patterns_change = TypedDict("patterns_change", {"code": NotRequired[str | int | None], "name_zh": NotRequired[str],
    "name_en": NotRequired[str | None], "level": NotRequired[str | None], "region": NotRequired[str],
    "plan": NotRequired[str | None], "version": NotRequired[int | None],
    "status": NotRequired[Literal["draft", "published", "superseded"] | None],
    "principle_zh": NotRequired[str | None], "principle_en": NotRequired[str | None],
    "set_by": NotRequired[str | None], "note": NotRequired[str | None], "source": NotRequired[str | None],
    "valid_from": NotRequired[str | None], "valid_to": NotRequired[str | None]})
patterns_new = TypedDict("patterns_new", {"code": NotRequired[str | int | None], "name_zh": str,
    "name_en": NotRequired[str | None], "level": NotRequired[str | None], "region": str,
    "plan": NotRequired[str | None], "version": NotRequired[int | None],
    "status": NotRequired[Literal["draft", "published", "superseded"] | None],
    "principle_zh": NotRequired[str | None], "principle_en": NotRequired[str | None],
    "set_by": NotRequired[str | None], "note": NotRequired[str | None], "source": NotRequired[str | None],
    "valid_from": NotRequired[str | None], "valid_to": NotRequired[str | None]})
plan_indicators = TypedDict("plan_indicators", {"code": NotRequired[str], "plan": NotRequired[str | None],
    "region": NotRequired[str | None], "indicator": NotRequired[str | None], "order": NotRequired[int | None],
    "name_zh": NotRequired[str | None], "name_en": NotRequired[str | None], "unit": NotRequired[str | None],
    "property": NotRequired[Literal["binding", "expected"] | None],
    "direction": NotRequired[Literal["higher", "lower"] | None], "category": NotRequired[str | None],
    "category_zh": NotRequired[str | None], "category_en": NotRequired[str | None],
    "department": NotRequired[str | None], "base_year": NotRequired[int | None],
    "base_value": NotRequired[float | None], "source": NotRequired[str | None],
    "floor": NotRequired[dict[str, Any] | None], "inventory_problem": NotRequired[str | None],
    "complement_problem": NotRequired[str | None], "targets": NotRequired[list[dict[str, Any]] | None],
    "valid_from": NotRequired[str | None], "valid_to": NotRequired[str | None], "links": NotRequired[list[Link]]})
plan_indicators_change = TypedDict("plan_indicators_change", {"code": NotRequired[str | int | None],
    "plan": NotRequired[str], "region": NotRequired[str | None], "indicator": NotRequired[str],
    "order": NotRequired[int], "property": NotRequired[Literal["binding", "expected"] | None],
    "category": NotRequired[str | None], "category_zh": NotRequired[str | None],
    "category_en": NotRequired[str | None], "department": NotRequired[str | None], "source": NotRequired[str | None],
    "floor": NotRequired[dict[str, Any] | None], "inventory_problem": NotRequired[str | None],
    "complement_problem": NotRequired[str | None], "valid_from": NotRequired[str | None],
    "valid_to": NotRequired[str | None]})
plan_indicators_new = TypedDict("plan_indicators_new", {"code": NotRequired[str | int | None],
    "plan": NotRequired[str], "region": NotRequired[str | None], "indicator": str, "order": int,
    "property": NotRequired[Literal["binding", "expected"] | None], "category": NotRequired[str | None],
    "category_zh": NotRequired[str | None], "category_en": NotRequired[str | None],
    "department": NotRequired[str | None], "source": NotRequired[str | None],
    "floor": NotRequired[dict[str, Any] | None], "inventory_problem": NotRequired[str | None],
    "complement_problem": NotRequired[str | None], "valid_from": NotRequired[str | None],
    "valid_to": NotRequired[str | None]})
plan_parts = TypedDict("plan_parts", {"code": NotRequired[str], "name_zh": NotRequired[str | None],
    "name_en": NotRequired[str | None], "plan": NotRequired[str | None], "copied_from": NotRequired[str | None],
    "region": NotRequired[str | None], "department": NotRequired[str | None], "text_zh": NotRequired[str | None],
    "text_en": NotRequired[str | None], "area_km2": NotRequired[float | None], "source": NotRequired[str | None],
    "valid_from": NotRequired[str | None], "valid_to": NotRequired[str | None], "links": NotRequired[list[Link]]})
plan_parts_change = TypedDict("plan_parts_change", {"code": NotRequired[str | int | None],
    "name_zh": NotRequired[str], "name_en": NotRequired[str | None], "plan": NotRequired[str],
    "region": NotRequired[str], "department": NotRequired[str | None], "text_zh": NotRequired[str | None],
    "text_en": NotRequired[str | None], "source": NotRequired[str | None], "valid_from": NotRequired[str | None],
    "valid_to": NotRequired[str | None]})
plan_parts_new = TypedDict("plan_parts_new", {"code": NotRequired[str | int | None], "name_zh": str,
    "name_en": NotRequired[str | None], "plan": NotRequired[str], "region": str,
    "department": NotRequired[str | None], "text_zh": NotRequired[str | None], "text_en": NotRequired[str | None],
    "source": NotRequired[str | None], "valid_from": NotRequired[str | None], "valid_to": NotRequired[str | None]})
plans = TypedDict("plans", {"type": Literal["Feature"], "id": NotRequired[str], "geometry": dict[str, Any] | None,
    "properties": plans_properties, "links": NotRequired[list[Link]]})
plans_change = TypedDict("plans_change", {"type": NotRequired[Literal["Feature"]],
    "id": NotRequired[str | int | None], "geometry": NotRequired[Any],
    "properties": NotRequired[plans_change_properties]})
plans_new = TypedDict("plans_new", {"type": Literal["Feature"], "id": NotRequired[str | int | None],
    "geometry": NotRequired[Any], "properties": plans_new_properties})
plans_properties = TypedDict("plans_properties", {"code": NotRequired[str], "name_zh": NotRequired[str | None],
    "name_en": NotRequired[str | None], "kind": NotRequired[str | None], "level": NotRequired[str | None],
    "region": NotRequired[str | None], "regions": NotRequired[list[str] | None],
    "regions_not_drawn": NotRequired[list[str] | None], "upper_plan": NotRequired[str | None],
    "spatial_plan": NotRequired[str | None], "period_start": NotRequired[int | None],
    "period_end": NotRequired[int | None], "base_year": NotRequired[int | None],
    "near_target_year": NotRequired[int | None], "target_year": NotRequired[int | None],
    "document": NotRequired[str | None], "mandate": NotRequired[str | None], "issuer": NotRequired[str | None],
    "issued_on": NotRequired[str | None], "external": NotRequired[bool | None],
    "indicator_group": NotRequired[str | None], "name_note": NotRequired[str | None],
    "period_note": NotRequired[str | None], "status_note": NotRequired[str | None],
    "status": NotRequired[Literal["draft", "submitted", "approved", "superseded", "withdrawn"] | None],
    "version": NotRequired[int | None], "lineage": NotRequired[str | None], "edition": NotRequired[int | None],
    "in_force_from": NotRequired[str | None], "in_force_to": NotRequired[str | None],
    "supersedes": NotRequired[str | None], "superseded_by": NotRequired[list[str] | None],
    "made_by": NotRequired[str | None], "revised_by": NotRequired[list[str] | None],
    "source": NotRequired[str | None], "details": NotRequired[dict[str, Any] | None],
    "fields": NotRequired[dict[str, Any] | None], "valid_from": NotRequired[str | None],
    "valid_to": NotRequired[str | None]})
problems = TypedDict("problems", {"type": Literal["Feature"], "id": NotRequired[str],
    "geometry": dict[str, Any] | None, "properties": problems_properties, "links": NotRequired[list[Link]]})
problems_change = TypedDict("problems_change", {"type": NotRequired[Literal["Feature"]],
    "id": NotRequired[str | int | None], "geometry": NotRequired[dict[str, Any] | None],
    "properties": NotRequired[problems_change_properties]})
problems_new = TypedDict("problems_new", {"type": Literal["Feature"], "id": NotRequired[str | int | None],
    "geometry": dict[str, Any] | None, "properties": problems_new_properties})
problems_properties = TypedDict("problems_properties", {"code": NotRequired[str], "name_zh": NotRequired[str | None],
    "name_en": NotRequired[str | None], "type": NotRequired[str | None], "element": NotRequired[str | None],
    "level": NotRequired[Literal["region", "city", "district"] | None], "region": NotRequired[str | None],
    "plan": NotRequired[str | None], "copied_from": NotRequired[str | None], "quantity": NotRequired[float | None],
    "unit": NotRequired[str | None], "severity": NotRequired[Literal["info", "low", "medium", "high"] | None],
    "status": NotRequired[Literal["open", "planned", "resolved"] | None],
    "visibility": NotRequired[Literal["public", "signed_in", "region"] | None],
    "data_class": NotRequired[Literal["open", "internal", "sensitive"] | None],
    "data_grade": NotRequired[Literal["important", "core"] | None], "cause": NotRequired[str | None],
    "places": NotRequired[list[str] | None], "stated_year": NotRequired[int | None],
    "effects_zh": NotRequired[list[str] | None], "effects_en": NotRequired[list[str] | None],
    "minerals_zh": NotRequired[list[str] | None], "minerals_en": NotRequired[list[str] | None],
    "shares": NotRequired[list[problems_properties_shares]], "projects": NotRequired[list[str] | None],
    "area_km2": NotRequired[float | None], "source": NotRequired[str | None],
    "details": NotRequired[dict[str, Any] | None], "fields": NotRequired[dict[str, Any] | None],
    "valid_from": NotRequired[str | None], "valid_to": NotRequired[str | None]})
programmes = TypedDict("programmes", {"code": NotRequired[str], "name_zh": NotRequired[str | None],
    "name_en": NotRequired[str | None], "plan": NotRequired[str | None], "region": NotRequired[str | None],
    "copied_from": NotRequired[str | None], "order": NotRequired[int | None], "summary_zh": NotRequired[str | None],
    "summary_en": NotRequired[str | None], "extent_zh": NotRequired[str | None], "extent_en": NotRequired[str | None],
    "bank_buffer_m": NotRequired[float | None], "towns": NotRequired[list[str] | None],
    "towns_stated": NotRequired[int | None], "towns_complete": NotRequired[bool | None],
    "lakes": NotRequired[list[str] | None], "islands_stated": NotRequired[int | None],
    "status": NotRequired[Literal["new", "continued"] | None], "projects": NotRequired[int | None],
    "project_types": NotRequired[list[dict[str, Any]] | None], "revised_by": NotRequired[list[str] | None],
    "source": NotRequired[str | None], "valid_from": NotRequired[str | None], "valid_to": NotRequired[str | None],
    "links": NotRequired[list[Link]]})
programmes_change = TypedDict("programmes_change", {"code": NotRequired[str | int | None],
    "name_zh": NotRequired[str], "name_en": NotRequired[str | None], "plan": NotRequired[str],
    "region": NotRequired[str | None], "order": NotRequired[int | None], "summary_zh": NotRequired[str | None],
    "summary_en": NotRequired[str | None], "extent_zh": NotRequired[str | None], "extent_en": NotRequired[str | None],
    "bank_buffer_m": NotRequired[float | None], "towns": NotRequired[list[str] | None],
    "towns_stated": NotRequired[int | None], "towns_complete": NotRequired[bool | None],
    "lakes": NotRequired[list[str] | None], "islands_stated": NotRequired[int | None],
    "status": NotRequired[Literal["new", "continued"] | None],
    "project_types": NotRequired[list[dict[str, Any]] | None], "source": NotRequired[str | None],
    "valid_from": NotRequired[str | None], "valid_to": NotRequired[str | None]})
programmes_new = TypedDict("programmes_new", {"code": NotRequired[str | int | None], "name_zh": str,
    "name_en": NotRequired[str | None], "plan": NotRequired[str], "region": NotRequired[str | None],
    "order": NotRequired[int | None], "summary_zh": NotRequired[str | None], "summary_en": NotRequired[str | None],
    "extent_zh": NotRequired[str | None], "extent_en": NotRequired[str | None],
    "bank_buffer_m": NotRequired[float | None], "towns": NotRequired[list[str] | None],
    "towns_stated": NotRequired[int | None], "towns_complete": NotRequired[bool | None],
    "lakes": NotRequired[list[str] | None], "islands_stated": NotRequired[int | None],
    "status": NotRequired[Literal["new", "continued"] | None],
    "project_types": NotRequired[list[dict[str, Any]] | None], "source": NotRequired[str | None],
    "valid_from": NotRequired[str | None], "valid_to": NotRequired[str | None]})
projects = TypedDict("projects", {"type": Literal["Feature"], "id": NotRequired[str],
    "geometry": dict[str, Any] | None, "properties": projects_properties, "links": NotRequired[list[Link]]})
projects_change = TypedDict("projects_change", {"type": NotRequired[Literal["Feature"]],
    "id": NotRequired[str | int | None], "geometry": NotRequired[dict[str, Any] | None],
    "properties": NotRequired[projects_change_properties]})
projects_new = TypedDict("projects_new", {"type": Literal["Feature"], "id": NotRequired[str | int | None],
    "geometry": dict[str, Any] | None, "properties": projects_new_properties})
projects_properties = TypedDict("projects_properties", {"code": NotRequired[str], "name_zh": NotRequired[str | None],
    "name_en": NotRequired[str | None], "summary_zh": NotRequired[str | None], "summary_en": NotRequired[str | None],
    "content_zh": NotRequired[str | None], "content_en": NotRequired[str | None], "order_no": NotRequired[int | None],
    "places": NotRequired[list[str] | None], "lakes": NotRequired[list[str] | None],
    "towns_stated": NotRequired[int | None], "towns_complete": NotRequired[bool | None],
    "towns_rule_zh": NotRequired[str | None], "towns_rule_en": NotRequired[str | None],
    "region": NotRequired[str | None], "regions": NotRequired[list[str] | None], "plan": NotRequired[str | None],
    "editions": NotRequired[list[str] | None], "programme": NotRequired[str | None], "owner": NotRequired[str | None],
    "plan_group": NotRequired[str | None], "type": NotRequired[str | None], "state": NotRequired[str | None],
    "state_name_zh": NotRequired[str | None], "state_name_en": NotRequired[str | None],
    "start_year": NotRequired[int | None], "end_year": NotRequired[int | None],
    "cost": NotRequired[str | float | None], "currency": NotRequired[str | None], "score": NotRequired[float | None],
    "measures": NotRequired[list[str] | None], "problems": NotRequired[list[str] | None],
    "area_km2": NotRequired[float | None], "length_km": NotRequired[float | None],
    "geometry_final": NotRequired[bool | None], "fund_share_percent": NotRequired[float | None],
    "comment_until": NotRequired[str | None], "after_care_until": NotRequired[str | None],
    "job": NotRequired[str | None], "visibility": NotRequired[Literal["public", "signed_in", "region"] | None],
    "data_class": NotRequired[Literal["open", "internal", "sensitive"] | None],
    "data_grade": NotRequired[Literal["important", "core"] | None], "revised_by": NotRequired[list[str] | None],
    "source": NotRequired[str | None], "details": NotRequired[dict[str, Any] | None],
    "fields": NotRequired[dict[str, Any] | None], "valid_from": NotRequired[str | None],
    "valid_to": NotRequired[str | None]})
proposals = TypedDict("proposals", {"code": NotRequired[str], "title": NotRequired[str | None],
    "kind": NotRequired[Literal["project", "programme", "target", "zone", "plan"] | None],
    "object": NotRequired[str | None],
    "state": NotRequired[Literal["draft", "submitted", "accepted", "refused", "withdrawn", "carried_out"] | None],
    "plan": NotRequired[str | None], "region": NotRequired[str | None], "author": NotRequired[str | None],
    "reason": NotRequired[str | None], "evidence": NotRequired[list[str] | None],
    "revises": NotRequired[dict[str, Any] | None], "change": NotRequired[dict[str, Any] | None],
    "fields": NotRequired[list[dict[str, Any]] | None], "decided_by": NotRequired[str | None],
    "decided_at": NotRequired[str | None], "decision": NotRequired[str | None],
    "proposed_at": NotRequired[str | None], "links": NotRequired[list[Link]]})
provisions = TypedDict("provisions", {"code": NotRequired[str], "name_zh": NotRequired[str | None],
    "name_en": NotRequired[str | None], "plan": NotRequired[str | None], "copied_from": NotRequired[str | None],
    "kind": NotRequired[Literal["article", "task", "objective", "challenge", "opportunity", "safeguard", "step", "stage", "demonstration"] | None],
    "order": NotRequired[int | None], "article": NotRequired[str | None],
    "form": NotRequired[Literal["state", "deliverable"] | None],
    "level": NotRequired[Literal["nation", "province", "city", "district", "street", "town", "basin", "bay", "island", "cooperation", "demonstration_area"] | None],
    "start_year": NotRequired[int | None], "end_year": NotRequired[int | None],
    "places": NotRequired[list[str] | None], "regions": NotRequired[list[str] | None],
    "departments": NotRequired[list[str] | None], "text_zh": NotRequired[str | None],
    "text_en": NotRequired[str | None], "text_official": NotRequired[str | None], "source": NotRequired[str | None],
    "valid_from": NotRequired[str | None], "valid_to": NotRequired[str | None], "links": NotRequired[list[Link]]})
provisions_change = TypedDict("provisions_change", {"code": NotRequired[str | int | None],
    "name_zh": NotRequired[str], "name_en": NotRequired[str | None], "plan": NotRequired[str],
    "kind": NotRequired[Literal["article", "task", "objective", "challenge", "opportunity", "safeguard", "step", "stage", "demonstration"]],
    "order": NotRequired[int | None], "article": NotRequired[str | None],
    "form": NotRequired[Literal["state", "deliverable"] | None],
    "level": NotRequired[Literal["nation", "province", "city", "district", "street", "town", "basin", "bay", "island", "cooperation", "demonstration_area"] | None],
    "start_year": NotRequired[int | None], "end_year": NotRequired[int | None],
    "places": NotRequired[list[str] | None], "regions": NotRequired[list[str] | None],
    "text_zh": NotRequired[str | None], "text_en": NotRequired[str | None], "text_official": NotRequired[str | None],
    "source": NotRequired[str | None], "valid_from": NotRequired[str | None], "valid_to": NotRequired[str | None]})
provisions_new = TypedDict("provisions_new", {"code": NotRequired[str | int | None], "name_zh": str,
    "name_en": NotRequired[str | None], "plan": NotRequired[str],
    "kind": Literal["article", "task", "objective", "challenge", "opportunity", "safeguard", "step", "stage", "demonstration"],
    "order": NotRequired[int | None], "article": NotRequired[str | None],
    "form": NotRequired[Literal["state", "deliverable"] | None],
    "level": NotRequired[Literal["nation", "province", "city", "district", "street", "town", "basin", "bay", "island", "cooperation", "demonstration_area"] | None],
    "start_year": NotRequired[int | None], "end_year": NotRequired[int | None],
    "places": NotRequired[list[str] | None], "regions": NotRequired[list[str] | None],
    "text_zh": NotRequired[str | None], "text_en": NotRequired[str | None], "text_official": NotRequired[str | None],
    "source": NotRequired[str | None], "valid_from": NotRequired[str | None], "valid_to": NotRequired[str | None]})
publish_bulletin_results = TypedDict("publish_bulletin_results", {
    "bulletin": NotRequired[ResultLink | dict[str, Any] | str | float | bool | None | list[Any]],
    "content": NotRequired[ResultLink | dict[str, Any] | str | float | bool | None | list[Any]],
    "pictures": NotRequired[ResultLink], "html_zh": NotRequired[ResultLink], "html_en": NotRequired[ResultLink],
    "pdf_zh": NotRequired[ResultLink], "pdf_en": NotRequired[ResultLink], "docx_zh": NotRequired[ResultLink],
    "docx_en": NotRequired[ResultLink]})
reclamations = TypedDict("reclamations", {"type": Literal["Feature"], "id": NotRequired[str],
    "geometry": dict[str, Any] | None, "properties": reclamations_properties, "links": NotRequired[list[Link]]})
reclamations_change = TypedDict("reclamations_change", {"type": NotRequired[Literal["Feature"]],
    "id": NotRequired[str | int | None], "geometry": NotRequired[dict[str, Any] | None],
    "properties": NotRequired[reclamations_change_properties]})
reclamations_new = TypedDict("reclamations_new", {"type": Literal["Feature"], "id": NotRequired[str | int | None],
    "geometry": dict[str, Any] | None, "properties": reclamations_new_properties})
reclamations_properties = TypedDict("reclamations_properties", {"code": NotRequired[str],
    "name_zh": NotRequired[str | None], "name_en": NotRequired[str | None], "region": NotRequired[str | None],
    "owner": NotRequired[str | None], "project": NotRequired[str | None],
    "state": NotRequired[Literal["planned", "deposit_paid", "in_use", "reclaimed", "accepted", "forfeited"] | None],
    "start_on": NotRequired[str | None], "end_on": NotRequired[str | None], "area_ha": NotRequired[float | None],
    "measured_area_ha": NotRequired[float | None], "land_class_before": NotRequired[str | None],
    "land_class_after": NotRequired[str | None], "deposit_required": NotRequired[str | float | None],
    "deposit_paid": NotRequired[str | float | None], "accepted_on": NotRequired[str | None],
    "evidence": NotRequired[list[str] | None], "forfeit_reason": NotRequired[str | None],
    "visibility": NotRequired[Literal["public", "signed_in", "region"] | None],
    "data_class": NotRequired[Literal["open", "internal", "sensitive"] | None],
    "data_grade": NotRequired[Literal["important", "core"] | None], "source": NotRequired[str | None],
    "fields": NotRequired[dict[str, Any] | None], "valid_from": NotRequired[str | None],
    "valid_to": NotRequired[str | None]})
region_links = TypedDict("region_links", {"code": NotRequired[str], "name_zh": NotRequired[str | None],
    "name_en": NotRequired[str | None],
    "kind": NotRequired[Literal["village", "river", "lake", "basin", "section", "bay", "sea_area"] | None],
    "region": NotRequired[str | None], "flows_to": NotRequired[str | None], "station": NotRequired[str | None],
    "source": NotRequired[str | None], "valid_from": NotRequired[str | None], "valid_to": NotRequired[str | None],
    "links": NotRequired[list[Link]]})
region_links_change = TypedDict("region_links_change", {"code": NotRequired[str | int | None],
    "name_zh": NotRequired[str], "name_en": NotRequired[str | None],
    "kind": NotRequired[Literal["village", "river", "lake", "basin", "section", "bay", "sea_area"]],
    "region": NotRequired[str], "flows_to": NotRequired[str | None], "station": NotRequired[str | None],
    "source": NotRequired[str | None], "valid_from": NotRequired[str | None], "valid_to": NotRequired[str | None]})
region_links_new = TypedDict("region_links_new", {"code": NotRequired[str | int | None], "name_zh": str,
    "name_en": NotRequired[str | None],
    "kind": Literal["village", "river", "lake", "basin", "section", "bay", "sea_area"], "region": str,
    "flows_to": NotRequired[str | None], "station": NotRequired[str | None], "source": NotRequired[str | None],
    "valid_from": NotRequired[str | None], "valid_to": NotRequired[str | None]})
regions = TypedDict("regions", {"type": Literal["Feature"], "id": NotRequired[str], "geometry": dict[str, Any] | None,
    "properties": regions_properties, "links": NotRequired[list[Link]]})
regions_change = TypedDict("regions_change", {"type": NotRequired[Literal["Feature"]],
    "id": NotRequired[str | int | None], "geometry": NotRequired[dict[str, Any] | None],
    "properties": NotRequired[regions_change_properties]})
regions_new = TypedDict("regions_new", {"type": Literal["Feature"], "id": NotRequired[str | int | None],
    "geometry": dict[str, Any] | None, "properties": regions_new_properties})
regions_properties = TypedDict("regions_properties", {"code": NotRequired[str], "name_zh": NotRequired[str | None],
    "name_en": NotRequired[str | None],
    "level": NotRequired[Literal["nation", "province", "city", "district", "street", "town", "basin", "bay", "island", "cooperation", "demonstration_area"] | None],
    "parent": NotRequired[str | None], "members": NotRequired[list[str] | None], "adcode": NotRequired[str | None],
    "metric_epsg": NotRequired[int | None], "area_km2": NotRequired[float | None],
    "stated_area_km2": NotRequired[float | None], "name_zh_variants": NotRequired[list[str] | None],
    "source": NotRequired[str | None], "licence": NotRequired[str | None],
    "fields": NotRequired[dict[str, Any] | None], "valid_from": NotRequired[str | None],
    "valid_to": NotRequired[str | None]})
run_scenario_results = TypedDict("run_scenario_results", {
    "layers": NotRequired[ResultLink | dict[str, Any] | str | float | bool | None | list[Any]],
    "statistics": NotRequired[ResultLink | dict[str, Any] | str | float | bool | None | list[Any]],
    "table": NotRequired[ResultLink], "corridors_table": NotRequired[ResultLink],
    "ratio_table": NotRequired[ResultLink], "zones_table": NotRequired[ResultLink],
    "corridor_lines": NotRequired[ResultLink | dict[str, Any] | str | float | bool | None | list[Any]],
    "edits": NotRequired[ResultLink | dict[str, Any] | str | float | bool | None | list[Any]],
    "map_zh": NotRequired[ResultLink], "map_en": NotRequired[ResultLink], "report": NotRequired[ResultLink],
    "report_pdf": NotRequired[ResultLink], "report_docx": NotRequired[ResultLink]})
seed_tiles_results = TypedDict("seed_tiles_results", {
    "summary": NotRequired[ResultLink | dict[str, Any] | str | float | bool | None | list[Any]],
    "pmtiles": NotRequired[ResultLink], "mbtiles": NotRequired[ResultLink]})
select_sites_results = TypedDict("select_sites_results", {
    "layers": NotRequired[ResultLink | dict[str, Any] | str | float | bool | None | list[Any]],
    "statistics": NotRequired[ResultLink | dict[str, Any] | str | float | bool | None | list[Any]],
    "table": NotRequired[ResultLink],
    "sites": NotRequired[ResultLink | dict[str, Any] | str | float | bool | None | list[Any]],
    "payments": NotRequired[ResultLink], "pareto": NotRequired[ResultLink], "curves": NotRequired[ResultLink],
    "priority_table": NotRequired[ResultLink],
    "priority_units": NotRequired[ResultLink | dict[str, Any] | str | float | bool | None | list[Any]],
    "map_zh": NotRequired[ResultLink], "map_en": NotRequired[ResultLink], "report": NotRequired[ResultLink],
    "report_pdf": NotRequired[ResultLink], "report_docx": NotRequired[ResultLink]})
species = TypedDict("species", {"code": NotRequired[str], "scientific_name": NotRequired[str | None],
    "name_zh": NotRequired[str | None], "name_en": NotRequired[str | None],
    "protection": NotRequired[Literal["first_class", "second_class", "provincial", "none"] | None],
    "red_list": NotRequired[Literal["EX", "EW", "CR", "EN", "VU", "NT", "LC", "DD", "NE"] | None],
    "invasive": NotRequired[bool | None], "sensitivity": NotRequired[Literal["open", "cell", "hidden"] | None],
    "accepted": NotRequired[str | None], "kingdom": NotRequired[str | None], "phylum": NotRequired[str | None],
    "class": NotRequired[str | None], "order": NotRequired[str | None], "family": NotRequired[str | None],
    "source": NotRequired[str | None], "fields": NotRequired[dict[str, Any] | None],
    "valid_from": NotRequired[str | None], "valid_to": NotRequired[str | None], "links": NotRequired[list[Link]]})
species_change = TypedDict("species_change", {"code": NotRequired[str | int | None],
    "scientific_name": NotRequired[str], "name_zh": NotRequired[str | None], "name_en": NotRequired[str | None],
    "protection": NotRequired[Literal["first_class", "second_class", "provincial", "none"] | None],
    "red_list": NotRequired[Literal["EX", "EW", "CR", "EN", "VU", "NT", "LC", "DD", "NE"] | None],
    "invasive": NotRequired[bool | None], "sensitivity": NotRequired[Literal["open", "cell", "hidden"] | None],
    "accepted": NotRequired[str | None], "kingdom": NotRequired[str | None], "phylum": NotRequired[str | None],
    "class": NotRequired[str | None], "order": NotRequired[str | None], "family": NotRequired[str | None],
    "source": NotRequired[str | None], "fields": NotRequired[dict[str, Any] | None],
    "valid_from": NotRequired[str | None], "valid_to": NotRequired[str | None]})
species_new = TypedDict("species_new", {"code": NotRequired[str | int | None], "scientific_name": str,
    "name_zh": NotRequired[str | None], "name_en": NotRequired[str | None],
    "protection": NotRequired[Literal["first_class", "second_class", "provincial", "none"] | None],
    "red_list": NotRequired[Literal["EX", "EW", "CR", "EN", "VU", "NT", "LC", "DD", "NE"] | None],
    "invasive": NotRequired[bool | None], "sensitivity": NotRequired[Literal["open", "cell", "hidden"] | None],
    "accepted": NotRequired[str | None], "kingdom": NotRequired[str | None], "phylum": NotRequired[str | None],
    "class": NotRequired[str | None], "order": NotRequired[str | None], "family": NotRequired[str | None],
    "source": NotRequired[str | None], "fields": NotRequired[dict[str, Any] | None],
    "valid_from": NotRequired[str | None], "valid_to": NotRequired[str | None]})
stations = TypedDict("stations", {"type": Literal["Feature"], "id": NotRequired[str],
    "geometry": dict[str, Any] | None, "properties": stations_properties, "links": NotRequired[list[Link]]})
stations_change = TypedDict("stations_change", {"type": NotRequired[Literal["Feature"]],
    "id": NotRequired[str | int | None], "geometry": NotRequired[dict[str, Any] | None],
    "properties": NotRequired[stations_change_properties]})
stations_new = TypedDict("stations_new", {"type": Literal["Feature"], "id": NotRequired[str | int | None],
    "geometry": dict[str, Any] | None, "properties": stations_new_properties})
stations_properties = TypedDict("stations_properties", {"code": NotRequired[str], "name_zh": NotRequired[str | None],
    "name_en": NotRequired[str | None],
    "kind": NotRequired[Literal["sky", "air", "land", "sea", "water_section"] | None],
    "region": NotRequired[str | None], "owner": NotRequired[str | None], "interval_s": NotRequired[int | None],
    "description": NotRequired[str | None], "annotations": NotRequired[dict[str, Any] | None],
    "visibility": NotRequired[Literal["public", "signed_in", "region"] | None],
    "data_class": NotRequired[Literal["open", "internal", "sensitive"] | None],
    "data_grade": NotRequired[Literal["important", "core"] | None], "source": NotRequired[str | None],
    "fields": NotRequired[dict[str, Any] | None], "valid_from": NotRequired[str | None],
    "valid_to": NotRequired[str | None]})
titles = TypedDict("titles", {"code": NotRequired[str], "name_zh": NotRequired[str | None],
    "name_en": NotRequired[str | None],
    "series": NotRequired[Literal["beautiful_city", "beautiful_village", "beautiful_river_lake", "beautiful_bay", "beautiful_park", "two_mountains_base", "demonstration"] | None],
    "level": NotRequired[Literal["nation", "province", "city"] | None], "region": NotRequired[str | None],
    "feature": NotRequired[str | None], "plan": NotRequired[str | None], "article": NotRequired[str | None],
    "target_year": NotRequired[int | None],
    "state": NotRequired[Literal["candidate", "approved", "withdrawn"] | None], "year": NotRequired[int | None],
    "document": NotRequired[str | None], "evidence": NotRequired[list[str] | None], "reason": NotRequired[str | None],
    "source": NotRequired[str | None], "valid_from": NotRequired[str | None], "valid_to": NotRequired[str | None],
    "links": NotRequired[list[Link]]})
titles_change = TypedDict("titles_change", {"code": NotRequired[str | int | None], "name_zh": NotRequired[str],
    "name_en": NotRequired[str | None],
    "series": NotRequired[Literal["beautiful_city", "beautiful_village", "beautiful_river_lake", "beautiful_bay", "beautiful_park", "two_mountains_base", "demonstration"]],
    "level": NotRequired[Literal["nation", "province", "city"] | None], "region": NotRequired[str],
    "feature": NotRequired[str | None], "plan": NotRequired[str | None], "article": NotRequired[str | None],
    "target_year": NotRequired[int | None],
    "state": NotRequired[Literal["candidate", "approved", "withdrawn"] | None], "year": NotRequired[int | None],
    "document": NotRequired[str | None], "evidence": NotRequired[list[str] | None], "reason": NotRequired[str | None],
    "source": NotRequired[str | None], "valid_from": NotRequired[str | None], "valid_to": NotRequired[str | None]})
titles_new = TypedDict("titles_new", {"code": NotRequired[str | int | None], "name_zh": str,
    "name_en": NotRequired[str | None],
    "series": Literal["beautiful_city", "beautiful_village", "beautiful_river_lake", "beautiful_bay", "beautiful_park", "two_mountains_base", "demonstration"],
    "level": NotRequired[Literal["nation", "province", "city"] | None], "region": str,
    "feature": NotRequired[str | None], "plan": NotRequired[str | None], "article": NotRequired[str | None],
    "target_year": NotRequired[int | None],
    "state": NotRequired[Literal["candidate", "approved", "withdrawn"] | None], "year": NotRequired[int | None],
    "document": NotRequired[str | None], "evidence": NotRequired[list[str] | None], "reason": NotRequired[str | None],
    "source": NotRequired[str | None], "valid_from": NotRequired[str | None], "valid_to": NotRequired[str | None]})
zone_classes = TypedDict("zone_classes", {"code": NotRequired[str], "scheme_kind": NotRequired[str | None],
    "class_code": NotRequired[str | None], "value": NotRequired[int | None], "group": NotRequired[str | None],
    "name_zh": NotRequired[str | None], "name_en": NotRequired[str | None], "color": NotRequired[str | None],
    "requirement_zh": NotRequired[str | None], "requirement_en": NotRequired[str | None],
    "text_official": NotRequired[str | None], "traits_zh": NotRequired[str | None],
    "traits_en": NotRequired[str | None], "relation": NotRequired[str | None],
    "restoration_modes": NotRequired[list[str] | None], "activity_rules": NotRequired[list[dict[str, Any]] | None],
    "source": NotRequired[str | None], "valid_from": NotRequired[str | None], "valid_to": NotRequired[str | None],
    "links": NotRequired[list[Link]]})
zone_classes_change = TypedDict("zone_classes_change", {"code": NotRequired[str | int | None],
    "scheme_kind": NotRequired[str], "class_code": NotRequired[str], "value": NotRequired[int],
    "group": NotRequired[str | None], "name_zh": NotRequired[str], "name_en": NotRequired[str | None],
    "color": NotRequired[str | None], "requirement_zh": NotRequired[str | None],
    "requirement_en": NotRequired[str | None], "text_official": NotRequired[str | None],
    "traits_zh": NotRequired[str | None], "traits_en": NotRequired[str | None], "relation": NotRequired[str | None],
    "restoration_modes": NotRequired[list[str] | None], "source": NotRequired[str | None],
    "valid_from": NotRequired[str | None], "valid_to": NotRequired[str | None]})
zone_classes_new = TypedDict("zone_classes_new", {"code": NotRequired[str | int | None], "scheme_kind": str,
    "class_code": str, "value": int, "group": NotRequired[str | None], "name_zh": str,
    "name_en": NotRequired[str | None], "color": NotRequired[str | None], "requirement_zh": NotRequired[str | None],
    "requirement_en": NotRequired[str | None], "text_official": NotRequired[str | None],
    "traits_zh": NotRequired[str | None], "traits_en": NotRequired[str | None], "relation": NotRequired[str | None],
    "restoration_modes": NotRequired[list[str] | None], "source": NotRequired[str | None],
    "valid_from": NotRequired[str | None], "valid_to": NotRequired[str | None]})
zone_schemes = TypedDict("zone_schemes", {"type": Literal["Feature"], "id": NotRequired[str],
    "geometry": dict[str, Any] | None, "properties": zone_schemes_properties, "links": NotRequired[list[Link]]})
zone_schemes_change = TypedDict("zone_schemes_change", {"type": NotRequired[Literal["Feature"]],
    "id": NotRequired[str | int | None], "geometry": NotRequired[Any],
    "properties": NotRequired[zone_schemes_change_properties]})
zone_schemes_new = TypedDict("zone_schemes_new", {"type": Literal["Feature"], "id": NotRequired[str | int | None],
    "geometry": NotRequired[Any], "properties": zone_schemes_new_properties})
zone_schemes_properties = TypedDict("zone_schemes_properties", {"code": NotRequired[str],
    "name_zh": NotRequired[str | None], "name_en": NotRequired[str | None], "region": NotRequired[str | None],
    "plan": NotRequired[str | None], "kind": NotRequired[str | None],
    "origin": NotRequired[Literal["imported", "drawn", "computed"] | None], "job": NotRequired[str | None],
    "status": NotRequired[Literal["draft", "review", "approved", "published", "superseded"] | None],
    "version": NotRequired[int | None], "fields": NotRequired[dict[str, Any] | None],
    "valid_from": NotRequired[str | None], "valid_to": NotRequired[str | None],
    "robustness": NotRequired[dict[str, Any] | None], "gap_reason": NotRequired[str | None],
    "made_by": NotRequired[str | None], "revised_by": NotRequired[list[str] | None],
    "source": NotRequired[str | None], "details": NotRequired[dict[str, Any] | None]})
zones = TypedDict("zones", {"type": Literal["Feature"], "id": NotRequired[str], "geometry": dict[str, Any] | None,
    "properties": zones_properties, "links": NotRequired[list[Link]]})
zones_change = TypedDict("zones_change", {"type": NotRequired[Literal["Feature"]],
    "id": NotRequired[str | int | None], "geometry": NotRequired[dict[str, Any] | None],
    "properties": NotRequired[zones_change_properties]})
zones_new = TypedDict("zones_new", {"type": Literal["Feature"], "id": NotRequired[str | int | None],
    "geometry": dict[str, Any] | None, "properties": zones_new_properties})
zones_properties = TypedDict("zones_properties", {"code": NotRequired[str], "scheme": NotRequired[str | None],
    "version": NotRequired[int | None],
    "status": NotRequired[Literal["draft", "review", "approved", "published", "superseded"] | None],
    "region": NotRequired[str | None], "plan": NotRequired[str | None], "kind": NotRequired[str | None],
    "zone_class": NotRequired[str | None], "class": NotRequired[str | None], "class_value": NotRequired[int | None],
    "class_name_zh": NotRequired[str | None], "class_name_en": NotRequired[str | None],
    "group": NotRequired[str | None], "color": NotRequired[str | None], "requirement_zh": NotRequired[str | None],
    "requirement_en": NotRequired[str | None], "name_zh": NotRequired[str | None], "name_en": NotRequired[str | None],
    "functions": NotRequired[list[str] | None], "problems": NotRequired[list[str] | None],
    "towns": NotRequired[list[str] | None], "location_zh": NotRequired[str | None],
    "location_en": NotRequired[str | None], "functions_zh": NotRequired[list[str] | None],
    "functions_en": NotRequired[list[str] | None], "problems_zh": NotRequired[list[str] | None],
    "problems_en": NotRequired[list[str] | None], "towns_stated": NotRequired[int | None],
    "towns_complete": NotRequired[bool | None], "features": NotRequired[dict[str, Any] | None],
    "counts_stated": NotRequired[dict[str, Any] | None], "area_km2": NotRequired[float | None],
    "stated_area_km2": NotRequired[float | None], "area_raster_km2": NotRequired[float | None],
    "share_percent": NotRequired[float | None], "cells": NotRequired[int | None],
    "statistics": NotRequired[dict[str, Any] | None], "flags": NotRequired[list[dict[str, Any]] | None],
    "job": NotRequired[str | None], "fields": NotRequired[dict[str, Any] | None],
    "valid_from": NotRequired[str | None], "valid_to": NotRequired[str | None]})
Problem_errors = TypedDict("Problem_errors", {"pointer": str, "detail": str})
SensorThingsDataArrays_value = TypedDict("SensorThingsDataArrays_value", {
    "Datastream@iot.navigationLink": NotRequired[str], "components": list[str],
    "dataArray@iot.count": NotRequired[int], "dataArray": list[list[Any]]})
SensorThingsDatastream_observedArea = TypedDict("SensorThingsDatastream_observedArea", {"type": str,
    "coordinates": NotRequired[list[Any]]})
SensorThingsFeatureOfInterest_feature = TypedDict("SensorThingsFeatureOfInterest_feature", {"type": str,
    "coordinates": NotRequired[list[Any]]})
SensorThingsLocation_location = TypedDict("SensorThingsLocation_location", {"type": str,
    "coordinates": NotRequired[list[Any]]})
SensorThingsReferences_value = TypedDict("SensorThingsReferences_value", {"@iot.selfLink": NotRequired[str]})
control_areas_change_properties = TypedDict("control_areas_change_properties", {
    "code": NotRequired[str | int | None], "name_zh": NotRequired[str], "name_en": NotRequired[str | None],
    "kind": NotRequired[Literal["red_line", "permanent_basic_farmland", "cultivated_land", "urban_boundary", "eco_control_line", "protected_area", "water_source_area", "habitat", "access_unit", "wetland", "shoreline", "island", "sea_use_right", "legacy_mine", "soil_erosion"]],
    "class": NotRequired[str | None],
    "level": NotRequired[Literal["national", "provincial", "city", "district", "local"] | None],
    "region": NotRequired[str], "plan": NotRequired[str | None], "legal_basis": NotRequired[str | None],
    "delimitation": NotRequired[str | None], "approved_area_km2": NotRequired[float | None],
    "comparator": NotRequired[Literal["ge", "gt", "le", "lt", "eq"] | None],
    "status": NotRequired[Literal["draft", "published"] | None],
    "visibility": NotRequired[Literal["public", "signed_in", "region"] | None],
    "data_class": NotRequired[Literal["open", "internal", "sensitive"] | None],
    "data_grade": NotRequired[Literal["important", "core"] | None],
    "origin": NotRequired[Literal["imported", "drawn", "computed"] | None], "source": NotRequired[str | None],
    "fields": NotRequired[dict[str, Any] | None], "valid_from": NotRequired[str | None],
    "valid_to": NotRequired[str | None]})
control_areas_new_properties = TypedDict("control_areas_new_properties", {"code": NotRequired[str | int | None],
    "name_zh": str, "name_en": NotRequired[str | None],
    "kind": Literal["red_line", "permanent_basic_farmland", "cultivated_land", "urban_boundary", "eco_control_line", "protected_area", "water_source_area", "habitat", "access_unit", "wetland", "shoreline", "island", "sea_use_right", "legacy_mine", "soil_erosion"],
    "class": NotRequired[str | None],
    "level": NotRequired[Literal["national", "provincial", "city", "district", "local"] | None], "region": str,
    "plan": NotRequired[str | None], "legal_basis": NotRequired[str | None], "delimitation": NotRequired[str | None],
    "approved_area_km2": NotRequired[float | None],
    "comparator": NotRequired[Literal["ge", "gt", "le", "lt", "eq"] | None],
    "status": NotRequired[Literal["draft", "published"] | None],
    "visibility": NotRequired[Literal["public", "signed_in", "region"] | None],
    "data_class": NotRequired[Literal["open", "internal", "sensitive"] | None],
    "data_grade": NotRequired[Literal["important", "core"] | None],
    "origin": NotRequired[Literal["imported", "drawn", "computed"] | None], "source": NotRequired[str | None],
    "fields": NotRequired[dict[str, Any] | None], "valid_from": NotRequired[str | None],
    "valid_to": NotRequired[str | None]})
corridor_nodes_change_properties = TypedDict("corridor_nodes_change_properties", {
    "code": NotRequired[str | int | None], "name_zh": NotRequired[str | None], "name_en": NotRequired[str | None],
    "kind": NotRequired[Literal["source", "stepping_stone", "pinch_point", "barrier", "junction", "saddle", "crossing"]],
    "region": NotRequired[str], "plan": NotRequired[str | None], "corridors": NotRequired[list[str] | None],
    "score": NotRequired[float | None], "quality": NotRequired[dict[str, Any] | None],
    "origin": NotRequired[Literal["imported", "drawn", "computed"] | None],
    "status": NotRequired[Literal["draft", "published", "superseded"] | None], "source": NotRequired[str | None],
    "fields": NotRequired[dict[str, Any] | None], "valid_from": NotRequired[str | None],
    "valid_to": NotRequired[str | None]})
corridor_nodes_new_properties = TypedDict("corridor_nodes_new_properties", {"code": NotRequired[str | int | None],
    "name_zh": NotRequired[str | None], "name_en": NotRequired[str | None],
    "kind": Literal["source", "stepping_stone", "pinch_point", "barrier", "junction", "saddle", "crossing"],
    "region": str, "plan": NotRequired[str | None], "corridors": NotRequired[list[str] | None],
    "score": NotRequired[float | None], "quality": NotRequired[dict[str, Any] | None],
    "origin": NotRequired[Literal["imported", "drawn", "computed"] | None],
    "status": NotRequired[Literal["draft", "published", "superseded"] | None], "source": NotRequired[str | None],
    "fields": NotRequired[dict[str, Any] | None], "valid_from": NotRequired[str | None],
    "valid_to": NotRequired[str | None]})
corridors_change_properties = TypedDict("corridors_change_properties", {"code": NotRequired[str | int | None],
    "name_zh": NotRequired[str], "name_en": NotRequired[str | None], "region": NotRequired[str],
    "plan": NotRequired[str | None], "pattern": NotRequired[str | None], "order": NotRequired[int | None],
    "type": NotRequired[Literal["mountain_sea", "river", "greenway", "habitat"]],
    "class": NotRequired[Literal["main", "branch"] | None], "width_m": NotRequired[float | None],
    "connects": NotRequired[list[str] | None], "quality": NotRequired[dict[str, Any] | None],
    "origin": NotRequired[Literal["imported", "drawn", "computed"] | None],
    "status": NotRequired[Literal["draft", "published", "superseded"] | None], "source": NotRequired[str | None],
    "fields": NotRequired[dict[str, Any] | None], "valid_from": NotRequired[str | None],
    "valid_to": NotRequired[str | None]})
corridors_new_properties = TypedDict("corridors_new_properties", {"code": NotRequired[str | int | None],
    "name_zh": str, "name_en": NotRequired[str | None], "region": str, "plan": NotRequired[str | None],
    "pattern": NotRequired[str | None], "order": NotRequired[int | None],
    "type": Literal["mountain_sea", "river", "greenway", "habitat"],
    "class": NotRequired[Literal["main", "branch"] | None], "width_m": NotRequired[float | None],
    "connects": NotRequired[list[str] | None], "quality": NotRequired[dict[str, Any] | None],
    "origin": NotRequired[Literal["imported", "drawn", "computed"] | None],
    "status": NotRequired[Literal["draft", "published", "superseded"] | None], "source": NotRequired[str | None],
    "fields": NotRequired[dict[str, Any] | None], "valid_from": NotRequired[str | None],
    "valid_to": NotRequired[str | None]})
datasets_change_properties = TypedDict("datasets_change_properties", {"code": NotRequired[str | int | None],
    "name_zh": NotRequired[str], "name_en": NotRequired[str | None], "unit": NotRequired[str | None],
    "native_resolution_m": NotRequired[float | None], "stand_in": NotRequired[bool | None],
    "stand_in_note_zh": NotRequired[str | None], "stand_in_note_en": NotRequired[str | None],
    "source": NotRequired[str | None], "licence": NotRequired[str | None], "observed_from": NotRequired[str | None],
    "observed_to": NotRequired[str | None],
    "visibility": NotRequired[Literal["public", "signed_in", "region"] | None],
    "data_class": NotRequired[Literal["open", "internal", "sensitive"] | None],
    "data_grade": NotRequired[Literal["important", "core"] | None]})
datasets_new_properties = TypedDict("datasets_new_properties", {"code": NotRequired[str | int | None], "name_zh": str,
    "name_en": NotRequired[str | None], "unit": NotRequired[str | None],
    "native_resolution_m": NotRequired[float | None], "stand_in": NotRequired[bool | None],
    "stand_in_note_zh": NotRequired[str | None], "stand_in_note_en": NotRequired[str | None],
    "source": NotRequired[str | None], "licence": NotRequired[str | None], "observed_from": NotRequired[str | None],
    "observed_to": NotRequired[str | None],
    "visibility": NotRequired[Literal["public", "signed_in", "region"] | None],
    "data_class": NotRequired[Literal["open", "internal", "sensitive"] | None],
    "data_grade": NotRequired[Literal["important", "core"] | None]})
fishing_harbours_change_properties = TypedDict("fishing_harbours_change_properties", {
    "code": NotRequired[str | int | None], "name_zh": NotRequired[str], "name_en": NotRequired[str | None],
    "grade": NotRequired[Literal["central", "first_class", "second_class", "third_class"] | None],
    "region": NotRequired[str], "operator": NotRequired[str | None], "berths": NotRequired[int | None],
    "source": NotRequired[str | None], "fields": NotRequired[dict[str, Any] | None],
    "valid_from": NotRequired[str | None], "valid_to": NotRequired[str | None]})
fishing_harbours_new_properties = TypedDict("fishing_harbours_new_properties", {
    "code": NotRequired[str | int | None], "name_zh": str, "name_en": NotRequired[str | None],
    "grade": NotRequired[Literal["central", "first_class", "second_class", "third_class"] | None], "region": str,
    "operator": NotRequired[str | None], "berths": NotRequired[int | None], "source": NotRequired[str | None],
    "fields": NotRequired[dict[str, Any] | None], "valid_from": NotRequired[str | None],
    "valid_to": NotRequired[str | None]})
islands_change_properties = TypedDict("islands_change_properties", {"code": NotRequired[str | int | None],
    "name_zh": NotRequired[str], "name_en": NotRequired[str | None], "waters": NotRequired[Literal["sea", "river"]],
    "class": NotRequired[Literal["inhabited", "uninhabited", "protected"] | None], "region": NotRequired[str],
    "feature": NotRequired[str | None], "problem": NotRequired[str | None],
    "allowed_uses": NotRequired[list[str] | None], "source": NotRequired[str | None],
    "fields": NotRequired[dict[str, Any] | None], "valid_from": NotRequired[str | None],
    "valid_to": NotRequired[str | None]})
islands_new_properties = TypedDict("islands_new_properties", {"code": NotRequired[str | int | None], "name_zh": str,
    "name_en": NotRequired[str | None], "waters": Literal["sea", "river"],
    "class": NotRequired[Literal["inhabited", "uninhabited", "protected"] | None], "region": str,
    "feature": NotRequired[str | None], "problem": NotRequired[str | None],
    "allowed_uses": NotRequired[list[str] | None], "source": NotRequired[str | None],
    "fields": NotRequired[dict[str, Any] | None], "valid_from": NotRequired[str | None],
    "valid_to": NotRequired[str | None]})
mines_change_properties = TypedDict("mines_change_properties", {"code": NotRequired[str | int | None],
    "name_zh": NotRequired[str], "name_en": NotRequired[str | None],
    "kind": NotRequired[Literal["legacy", "producing"]], "region": NotRequired[str],
    "towns": NotRequired[list[str] | None], "part_of": NotRequired[str | None],
    "minerals": NotRequired[list[str] | None], "hazards": NotRequired[list[str] | None],
    "minerals_en": NotRequired[list[str] | None], "hazards_en": NotRequired[list[str] | None],
    "owner": NotRequired[str | None], "area_ha": NotRequired[float | None], "listed_year": NotRequired[int | None],
    "state": NotRequired[Literal["open", "planned", "in_work", "restored", "accepted", "watched"] | None],
    "plan": NotRequired[str | None], "problem": NotRequired[str | None], "project": NotRequired[str | None],
    "licence": NotRequired[str | None], "licence_until": NotRequired[str | None],
    "restoration_plan": NotRequired[str | None], "closed_on": NotRequired[str | None],
    "accepted_on": NotRequired[str | None], "accepted_area_ha": NotRequired[float | None],
    "evidence": NotRequired[list[str] | None], "source": NotRequired[str | None],
    "fields": NotRequired[dict[str, Any] | None], "valid_from": NotRequired[str | None],
    "valid_to": NotRequired[str | None]})
mines_new_properties = TypedDict("mines_new_properties", {"code": NotRequired[str | int | None], "name_zh": str,
    "name_en": NotRequired[str | None], "kind": Literal["legacy", "producing"], "region": str,
    "towns": NotRequired[list[str] | None], "part_of": NotRequired[str | None],
    "minerals": NotRequired[list[str] | None], "hazards": NotRequired[list[str] | None],
    "minerals_en": NotRequired[list[str] | None], "hazards_en": NotRequired[list[str] | None],
    "owner": NotRequired[str | None], "area_ha": NotRequired[float | None], "listed_year": NotRequired[int | None],
    "state": NotRequired[Literal["open", "planned", "in_work", "restored", "accepted", "watched"] | None],
    "plan": NotRequired[str | None], "problem": NotRequired[str | None], "project": NotRequired[str | None],
    "licence": NotRequired[str | None], "licence_until": NotRequired[str | None],
    "restoration_plan": NotRequired[str | None], "closed_on": NotRequired[str | None],
    "accepted_on": NotRequired[str | None], "accepted_area_ha": NotRequired[float | None],
    "evidence": NotRequired[list[str] | None], "source": NotRequired[str | None],
    "fields": NotRequired[dict[str, Any] | None], "valid_from": NotRequired[str | None],
    "valid_to": NotRequired[str | None]})
named_features_change_properties = TypedDict("named_features_change_properties", {
    "code": NotRequired[str | int | None], "name_zh": NotRequired[str], "name_en": NotRequired[str | None],
    "kind": NotRequired[Literal["nature_reserve", "forest_park", "park", "species", "mountain", "river", "lake", "reservoir", "bay", "sea_area", "river_island", "hot_spring", "works", "practice_base"]],
    "region": NotRequired[str], "article": NotRequired[str | None], "note_zh": NotRequired[str | None],
    "note_en": NotRequired[str | None], "source": NotRequired[str | None], "valid_from": NotRequired[str | None],
    "valid_to": NotRequired[str | None]})
named_features_new_properties = TypedDict("named_features_new_properties", {"code": NotRequired[str | int | None],
    "name_zh": str, "name_en": NotRequired[str | None],
    "kind": Literal["nature_reserve", "forest_park", "park", "species", "mountain", "river", "lake", "reservoir", "bay", "sea_area", "river_island", "hot_spring", "works", "practice_base"],
    "region": str, "article": NotRequired[str | None], "note_zh": NotRequired[str | None],
    "note_en": NotRequired[str | None], "source": NotRequired[str | None], "valid_from": NotRequired[str | None],
    "valid_to": NotRequired[str | None]})
notices_change_properties = TypedDict("notices_change_properties", {"code": NotRequired[str | int | None],
    "name_zh": NotRequired[str], "name_en": NotRequired[str | None], "region": NotRequired[str | None],
    "subject_collection": NotRequired[Literal["plans", "projects", "control_areas", "proposals"]],
    "subject_code": NotRequired[str], "text_zh": NotRequired[str], "text_en": NotRequired[str | None],
    "period_from": NotRequired[str], "period_to": NotRequired[str], "hearing_on": NotRequired[str | None],
    "hearing_time": NotRequired[str | None], "hearing_place": NotRequired[str | None],
    "contact_office": NotRequired[str], "documents": NotRequired[list[str] | None],
    "commenters": NotRequired[Literal["account", "named", "anonymous"] | None],
    "show_comments": NotRequired[bool | None],
    "state": NotRequired[Literal["draft", "published", "closed", "withdrawn"] | None],
    "reason": NotRequired[str | None], "source": NotRequired[str | None],
    "fields": NotRequired[dict[str, Any] | None], "valid_from": NotRequired[str | None],
    "valid_to": NotRequired[str | None]})
notices_new_properties = TypedDict("notices_new_properties", {"code": NotRequired[str | int | None], "name_zh": str,
    "name_en": NotRequired[str | None], "region": NotRequired[str | None],
    "subject_collection": Literal["plans", "projects", "control_areas", "proposals"], "subject_code": str,
    "text_zh": str, "text_en": NotRequired[str | None], "period_from": str, "period_to": str,
    "hearing_on": NotRequired[str | None], "hearing_time": NotRequired[str | None],
    "hearing_place": NotRequired[str | None], "contact_office": str, "documents": NotRequired[list[str] | None],
    "commenters": NotRequired[Literal["account", "named", "anonymous"] | None],
    "show_comments": NotRequired[bool | None],
    "state": NotRequired[Literal["draft", "published", "closed", "withdrawn"] | None],
    "reason": NotRequired[str | None], "source": NotRequired[str | None],
    "fields": NotRequired[dict[str, Any] | None], "valid_from": NotRequired[str | None],
    "valid_to": NotRequired[str | None]})
occurrences_change_properties = TypedDict("occurrences_change_properties", {"code": NotRequired[str | int | None],
    "species": NotRequired[str], "region": NotRequired[str], "uncertainty_m": NotRequired[float | None],
    "locality": NotRequired[str | None], "observed_from": NotRequired[str], "observed_to": NotRequired[str | None],
    "individuals": NotRequired[int | None],
    "method": NotRequired[Literal["sighting", "transect", "plot", "camera_trap", "acoustic", "tracking", "trapping", "edna", "specimen", "literature"] | None],
    "observer": NotRequired[str | None], "occurrence_id": NotRequired[str | None],
    "evidence": NotRequired[str | None], "state": NotRequired[Literal["recorded", "verified", "doubtful"] | None],
    "judged_by": NotRequired[str | None], "judged_on": NotRequired[str | None], "source": NotRequired[str | None],
    "fields": NotRequired[dict[str, Any] | None], "valid_from": NotRequired[str | None],
    "valid_to": NotRequired[str | None]})
occurrences_new_properties = TypedDict("occurrences_new_properties", {"code": NotRequired[str | int | None],
    "species": str, "region": str, "uncertainty_m": NotRequired[float | None], "locality": NotRequired[str | None],
    "observed_from": str, "observed_to": NotRequired[str | None], "individuals": NotRequired[int | None],
    "method": NotRequired[Literal["sighting", "transect", "plot", "camera_trap", "acoustic", "tracking", "trapping", "edna", "specimen", "literature"] | None],
    "observer": NotRequired[str | None], "occurrence_id": NotRequired[str | None],
    "evidence": NotRequired[str | None], "state": NotRequired[Literal["recorded", "verified", "doubtful"] | None],
    "judged_by": NotRequired[str | None], "judged_on": NotRequired[str | None], "source": NotRequired[str | None],
    "fields": NotRequired[dict[str, Any] | None], "valid_from": NotRequired[str | None],
    "valid_to": NotRequired[str | None]})
outfalls_change_properties = TypedDict("outfalls_change_properties", {"code": NotRequired[str | int | None],
    "name_zh": NotRequired[str], "name_en": NotRequired[str | None],
    "kind": NotRequired[Literal["industrial", "sewage_works", "agricultural", "storm_drain", "other_outfall"]],
    "region": NotRequired[str], "discharger": NotRequired[str | None], "station": NotRequired[str | None],
    "permit": NotRequired[str | None], "permit_from": NotRequired[str | None],
    "permit_until": NotRequired[str | None], "limits": NotRequired[dict[str, Any] | None],
    "source": NotRequired[str | None], "fields": NotRequired[dict[str, Any] | None],
    "valid_from": NotRequired[str | None], "valid_to": NotRequired[str | None]})
outfalls_new_properties = TypedDict("outfalls_new_properties", {"code": NotRequired[str | int | None], "name_zh": str,
    "name_en": NotRequired[str | None],
    "kind": Literal["industrial", "sewage_works", "agricultural", "storm_drain", "other_outfall"], "region": str,
    "discharger": NotRequired[str | None], "station": NotRequired[str | None], "permit": NotRequired[str | None],
    "permit_from": NotRequired[str | None], "permit_until": NotRequired[str | None],
    "limits": NotRequired[dict[str, Any] | None], "source": NotRequired[str | None],
    "fields": NotRequired[dict[str, Any] | None], "valid_from": NotRequired[str | None],
    "valid_to": NotRequired[str | None]})
pattern_components_change_properties = TypedDict("pattern_components_change_properties", {
    "code": NotRequired[str | int | None], "name_zh": NotRequired[str], "name_en": NotRequired[str | None],
    "pattern": NotRequired[str], "parent": NotRequired[str | None], "type": NotRequired[str],
    "order": NotRequired[int | None], "certainty": NotRequired[Literal["stated", "inferred"] | None],
    "label_zh": NotRequired[str | None], "label_en": NotRequired[str | None], "covers": NotRequired[list[str] | None],
    "role_zh": NotRequired[str | None], "role_en": NotRequired[str | None], "rule_zh": NotRequired[str | None],
    "rule_en": NotRequired[str | None], "count_stated": NotRequired[int | None], "complete": NotRequired[bool | None],
    "members_of": NotRequired[str | None], "source": NotRequired[str | None],
    "fields": NotRequired[dict[str, Any] | None], "valid_from": NotRequired[str | None],
    "valid_to": NotRequired[str | None]})
pattern_components_new_properties = TypedDict("pattern_components_new_properties", {
    "code": NotRequired[str | int | None], "name_zh": str, "name_en": NotRequired[str | None], "pattern": str,
    "parent": NotRequired[str | None], "type": str, "order": NotRequired[int | None],
    "certainty": NotRequired[Literal["stated", "inferred"] | None], "label_zh": NotRequired[str | None],
    "label_en": NotRequired[str | None], "covers": NotRequired[list[str] | None], "role_zh": NotRequired[str | None],
    "role_en": NotRequired[str | None], "rule_zh": NotRequired[str | None], "rule_en": NotRequired[str | None],
    "count_stated": NotRequired[int | None], "complete": NotRequired[bool | None],
    "members_of": NotRequired[str | None], "source": NotRequired[str | None],
    "fields": NotRequired[dict[str, Any] | None], "valid_from": NotRequired[str | None],
    "valid_to": NotRequired[str | None]})
plans_change_properties = TypedDict("plans_change_properties", {"code": NotRequired[str | int | None],
    "name_zh": NotRequired[str], "name_en": NotRequired[str | None], "kind": NotRequired[str],
    "level": NotRequired[str], "region": NotRequired[str | None], "regions": NotRequired[list[str] | None],
    "upper_plan": NotRequired[str | None], "spatial_plan": NotRequired[str | None], "period_start": NotRequired[int],
    "period_end": NotRequired[int | None], "base_year": NotRequired[int | None],
    "near_target_year": NotRequired[int | None], "target_year": NotRequired[int | None],
    "document": NotRequired[str | None], "mandate": NotRequired[str | None], "issuer": NotRequired[str | None],
    "issued_on": NotRequired[str | None], "external": NotRequired[bool | None],
    "indicator_group": NotRequired[str | None], "name_note": NotRequired[str | None],
    "period_note": NotRequired[str | None], "status_note": NotRequired[str | None],
    "status": NotRequired[Literal["draft", "submitted", "approved", "superseded", "withdrawn"] | None],
    "version": NotRequired[int | None], "source": NotRequired[str | None],
    "fields": NotRequired[dict[str, Any] | None], "valid_from": NotRequired[str | None],
    "valid_to": NotRequired[str | None]})
plans_new_properties = TypedDict("plans_new_properties", {"code": NotRequired[str | int | None], "name_zh": str,
    "name_en": NotRequired[str | None], "kind": str, "level": str, "region": NotRequired[str | None],
    "regions": NotRequired[list[str] | None], "upper_plan": NotRequired[str | None],
    "spatial_plan": NotRequired[str | None], "period_start": int, "period_end": NotRequired[int | None],
    "base_year": NotRequired[int | None], "near_target_year": NotRequired[int | None],
    "target_year": NotRequired[int | None], "document": NotRequired[str | None], "mandate": NotRequired[str | None],
    "issuer": NotRequired[str | None], "issued_on": NotRequired[str | None], "external": NotRequired[bool | None],
    "indicator_group": NotRequired[str | None], "name_note": NotRequired[str | None],
    "period_note": NotRequired[str | None], "status_note": NotRequired[str | None],
    "status": NotRequired[Literal["draft", "submitted", "approved", "superseded", "withdrawn"] | None],
    "version": NotRequired[int | None], "source": NotRequired[str | None],
    "fields": NotRequired[dict[str, Any] | None], "valid_from": NotRequired[str | None],
    "valid_to": NotRequired[str | None]})
problems_change_properties = TypedDict("problems_change_properties", {"code": NotRequired[str | int | None],
    "name_zh": NotRequired[str], "name_en": NotRequired[str | None], "type": NotRequired[str],
    "element": NotRequired[str | None], "level": NotRequired[Literal["region", "city", "district"] | None],
    "region": NotRequired[str], "plan": NotRequired[str | None], "quantity": NotRequired[float | None],
    "unit": NotRequired[str | None], "severity": NotRequired[Literal["info", "low", "medium", "high"] | None],
    "status": NotRequired[Literal["open", "planned", "resolved"] | None],
    "visibility": NotRequired[Literal["public", "signed_in", "region"] | None],
    "data_class": NotRequired[Literal["open", "internal", "sensitive"] | None],
    "data_grade": NotRequired[Literal["important", "core"] | None], "cause": NotRequired[str | None],
    "places": NotRequired[list[str] | None], "stated_year": NotRequired[int | None],
    "effects_zh": NotRequired[list[str] | None], "effects_en": NotRequired[list[str] | None],
    "minerals_zh": NotRequired[list[str] | None], "minerals_en": NotRequired[list[str] | None],
    "shares": NotRequired[list[problems_change_properties_shares]], "source": NotRequired[str | None],
    "fields": NotRequired[dict[str, Any] | None], "valid_from": NotRequired[str | None],
    "valid_to": NotRequired[str | None]})
problems_new_properties = TypedDict("problems_new_properties", {"code": NotRequired[str | int | None], "name_zh": str,
    "name_en": NotRequired[str | None], "type": str, "element": NotRequired[str | None],
    "level": NotRequired[Literal["region", "city", "district"] | None], "region": str,
    "plan": NotRequired[str | None], "quantity": NotRequired[float | None], "unit": NotRequired[str | None],
    "severity": NotRequired[Literal["info", "low", "medium", "high"] | None],
    "status": NotRequired[Literal["open", "planned", "resolved"] | None],
    "visibility": NotRequired[Literal["public", "signed_in", "region"] | None],
    "data_class": NotRequired[Literal["open", "internal", "sensitive"] | None],
    "data_grade": NotRequired[Literal["important", "core"] | None], "cause": NotRequired[str | None],
    "places": NotRequired[list[str] | None], "stated_year": NotRequired[int | None],
    "effects_zh": NotRequired[list[str] | None], "effects_en": NotRequired[list[str] | None],
    "minerals_zh": NotRequired[list[str] | None], "minerals_en": NotRequired[list[str] | None],
    "shares": NotRequired[list[problems_new_properties_shares]], "source": NotRequired[str | None],
    "fields": NotRequired[dict[str, Any] | None], "valid_from": NotRequired[str | None],
    "valid_to": NotRequired[str | None]})
problems_properties_shares = TypedDict("problems_properties_shares", {"name_zh": str, "name_en": NotRequired[str],
    "part": float, "whole_of": Literal["region", "quantity"], "printed_percent": float})
projects_change_properties = TypedDict("projects_change_properties", {"code": NotRequired[str | int | None],
    "name_zh": NotRequired[str], "name_en": NotRequired[str | None], "summary_zh": NotRequired[str | None],
    "summary_en": NotRequired[str | None], "content_zh": NotRequired[str | None],
    "content_en": NotRequired[str | None], "order_no": NotRequired[int | None],
    "places": NotRequired[list[str] | None], "lakes": NotRequired[list[str] | None],
    "towns_stated": NotRequired[int | None], "towns_complete": NotRequired[bool | None],
    "towns_rule_zh": NotRequired[str | None], "towns_rule_en": NotRequired[str | None], "region": NotRequired[str],
    "plan": NotRequired[str | None], "programme": NotRequired[str | None], "owner": NotRequired[str | None],
    "plan_group": NotRequired[str | None], "type": NotRequired[str | None], "start_year": NotRequired[int],
    "end_year": NotRequired[int], "cost": NotRequired[str | float | None], "currency": NotRequired[str | None],
    "score": NotRequired[float | None], "geometry_final": NotRequired[bool | None],
    "fund_share_percent": NotRequired[float | None], "comment_until": NotRequired[str | None],
    "after_care_until": NotRequired[str | None],
    "visibility": NotRequired[Literal["public", "signed_in", "region"] | None],
    "data_class": NotRequired[Literal["open", "internal", "sensitive"] | None],
    "data_grade": NotRequired[Literal["important", "core"] | None], "source": NotRequired[str | None],
    "fields": NotRequired[dict[str, Any] | None], "valid_from": NotRequired[str | None],
    "valid_to": NotRequired[str | None]})
projects_new_properties = TypedDict("projects_new_properties", {"code": NotRequired[str | int | None], "name_zh": str,
    "name_en": NotRequired[str | None], "summary_zh": NotRequired[str | None], "summary_en": NotRequired[str | None],
    "content_zh": NotRequired[str | None], "content_en": NotRequired[str | None], "order_no": NotRequired[int | None],
    "places": NotRequired[list[str] | None], "lakes": NotRequired[list[str] | None],
    "towns_stated": NotRequired[int | None], "towns_complete": NotRequired[bool | None],
    "towns_rule_zh": NotRequired[str | None], "towns_rule_en": NotRequired[str | None], "region": str,
    "plan": NotRequired[str | None], "programme": NotRequired[str | None], "owner": NotRequired[str | None],
    "plan_group": NotRequired[str | None], "type": NotRequired[str | None], "start_year": int, "end_year": int,
    "cost": NotRequired[str | float | None], "currency": NotRequired[str | None], "score": NotRequired[float | None],
    "geometry_final": NotRequired[bool | None], "fund_share_percent": NotRequired[float | None],
    "comment_until": NotRequired[str | None], "after_care_until": NotRequired[str | None],
    "visibility": NotRequired[Literal["public", "signed_in", "region"] | None],
    "data_class": NotRequired[Literal["open", "internal", "sensitive"] | None],
    "data_grade": NotRequired[Literal["important", "core"] | None], "source": NotRequired[str | None],
    "fields": NotRequired[dict[str, Any] | None], "valid_from": NotRequired[str | None],
    "valid_to": NotRequired[str | None]})
reclamations_change_properties = TypedDict("reclamations_change_properties", {"code": NotRequired[str | int | None],
    "name_zh": NotRequired[str], "name_en": NotRequired[str | None], "region": NotRequired[str],
    "owner": NotRequired[str | None], "project": NotRequired[str | None],
    "state": NotRequired[Literal["planned", "deposit_paid", "in_use", "reclaimed", "accepted", "forfeited"] | None],
    "start_on": NotRequired[str], "end_on": NotRequired[str], "area_ha": NotRequired[float | None],
    "land_class_before": NotRequired[str], "land_class_after": NotRequired[str | None],
    "deposit_required": NotRequired[str | float | None], "deposit_paid": NotRequired[str | float | None],
    "accepted_on": NotRequired[str | None], "evidence": NotRequired[list[str] | None],
    "forfeit_reason": NotRequired[str | None],
    "visibility": NotRequired[Literal["public", "signed_in", "region"] | None],
    "data_class": NotRequired[Literal["open", "internal", "sensitive"] | None],
    "data_grade": NotRequired[Literal["important", "core"] | None], "source": NotRequired[str | None],
    "fields": NotRequired[dict[str, Any] | None], "valid_from": NotRequired[str | None],
    "valid_to": NotRequired[str | None]})
reclamations_new_properties = TypedDict("reclamations_new_properties", {"code": NotRequired[str | int | None],
    "name_zh": str, "name_en": NotRequired[str | None], "region": str, "owner": NotRequired[str | None],
    "project": NotRequired[str | None],
    "state": NotRequired[Literal["planned", "deposit_paid", "in_use", "reclaimed", "accepted", "forfeited"] | None],
    "start_on": str, "end_on": str, "area_ha": NotRequired[float | None], "land_class_before": str,
    "land_class_after": NotRequired[str | None], "deposit_required": NotRequired[str | float | None],
    "deposit_paid": NotRequired[str | float | None], "accepted_on": NotRequired[str | None],
    "evidence": NotRequired[list[str] | None], "forfeit_reason": NotRequired[str | None],
    "visibility": NotRequired[Literal["public", "signed_in", "region"] | None],
    "data_class": NotRequired[Literal["open", "internal", "sensitive"] | None],
    "data_grade": NotRequired[Literal["important", "core"] | None], "source": NotRequired[str | None],
    "fields": NotRequired[dict[str, Any] | None], "valid_from": NotRequired[str | None],
    "valid_to": NotRequired[str | None]})
regions_change_properties = TypedDict("regions_change_properties", {"code": NotRequired[str | int | None],
    "name_zh": NotRequired[str], "name_en": NotRequired[str | None],
    "level": NotRequired[Literal["nation", "province", "city", "district", "street", "town", "basin", "bay", "island", "cooperation", "demonstration_area"]],
    "parent": NotRequired[str | None], "members": NotRequired[list[str] | None], "adcode": NotRequired[str | None],
    "metric_epsg": NotRequired[int | None], "stated_area_km2": NotRequired[float | None],
    "name_zh_variants": NotRequired[list[str] | None], "source": NotRequired[str | None],
    "licence": NotRequired[str | None], "fields": NotRequired[dict[str, Any] | None],
    "valid_from": NotRequired[str | None], "valid_to": NotRequired[str | None]})
regions_new_properties = TypedDict("regions_new_properties", {"code": NotRequired[str | int | None], "name_zh": str,
    "name_en": NotRequired[str | None],
    "level": Literal["nation", "province", "city", "district", "street", "town", "basin", "bay", "island", "cooperation", "demonstration_area"],
    "parent": NotRequired[str | None], "members": NotRequired[list[str] | None], "adcode": NotRequired[str | None],
    "metric_epsg": NotRequired[int | None], "stated_area_km2": NotRequired[float | None],
    "name_zh_variants": NotRequired[list[str] | None], "source": NotRequired[str | None],
    "licence": NotRequired[str | None], "fields": NotRequired[dict[str, Any] | None],
    "valid_from": NotRequired[str | None], "valid_to": NotRequired[str | None]})
stations_change_properties = TypedDict("stations_change_properties", {"code": NotRequired[str | int | None],
    "name_zh": NotRequired[str], "name_en": NotRequired[str | None],
    "kind": NotRequired[Literal["sky", "air", "land", "sea", "water_section"]], "region": NotRequired[str | None],
    "owner": NotRequired[str | None], "interval_s": NotRequired[int | None], "description": NotRequired[str | None],
    "annotations": NotRequired[dict[str, Any] | None],
    "visibility": NotRequired[Literal["public", "signed_in", "region"] | None],
    "data_class": NotRequired[Literal["open", "internal", "sensitive"] | None],
    "data_grade": NotRequired[Literal["important", "core"] | None], "source": NotRequired[str | None],
    "fields": NotRequired[dict[str, Any] | None], "valid_from": NotRequired[str | None],
    "valid_to": NotRequired[str | None]})
stations_new_properties = TypedDict("stations_new_properties", {"code": NotRequired[str | int | None], "name_zh": str,
    "name_en": NotRequired[str | None], "kind": Literal["sky", "air", "land", "sea", "water_section"],
    "region": NotRequired[str | None], "owner": NotRequired[str | None], "interval_s": NotRequired[int | None],
    "description": NotRequired[str | None], "annotations": NotRequired[dict[str, Any] | None],
    "visibility": NotRequired[Literal["public", "signed_in", "region"] | None],
    "data_class": NotRequired[Literal["open", "internal", "sensitive"] | None],
    "data_grade": NotRequired[Literal["important", "core"] | None], "source": NotRequired[str | None],
    "fields": NotRequired[dict[str, Any] | None], "valid_from": NotRequired[str | None],
    "valid_to": NotRequired[str | None]})
zone_schemes_change_properties = TypedDict("zone_schemes_change_properties", {"code": NotRequired[str | int | None],
    "name_zh": NotRequired[str], "name_en": NotRequired[str | None], "region": NotRequired[str],
    "plan": NotRequired[str | None], "kind": NotRequired[str],
    "origin": NotRequired[Literal["imported", "drawn", "computed"]],
    "status": NotRequired[Literal["draft", "review", "approved", "published", "superseded"] | None],
    "fields": NotRequired[dict[str, Any] | None], "valid_from": NotRequired[str | None],
    "valid_to": NotRequired[str | None], "gap_reason": NotRequired[str | None], "source": NotRequired[str | None]})
zone_schemes_new_properties = TypedDict("zone_schemes_new_properties", {"code": NotRequired[str | int | None],
    "name_zh": str, "name_en": NotRequired[str | None], "region": str, "plan": NotRequired[str | None], "kind": str,
    "origin": Literal["imported", "drawn", "computed"],
    "status": NotRequired[Literal["draft", "review", "approved", "published", "superseded"] | None],
    "fields": NotRequired[dict[str, Any] | None], "valid_from": NotRequired[str | None],
    "valid_to": NotRequired[str | None], "gap_reason": NotRequired[str | None], "source": NotRequired[str | None]})
zones_change_properties = TypedDict("zones_change_properties", {"code": NotRequired[str | int | None],
    "scheme": NotRequired[str], "zone_class": NotRequired[str], "name_zh": NotRequired[str | None],
    "name_en": NotRequired[str | None], "functions": NotRequired[list[str] | None],
    "problems": NotRequired[list[str] | None], "location_zh": NotRequired[str | None],
    "location_en": NotRequired[str | None], "functions_zh": NotRequired[list[str] | None],
    "functions_en": NotRequired[list[str] | None], "problems_zh": NotRequired[list[str] | None],
    "problems_en": NotRequired[list[str] | None], "towns_stated": NotRequired[int | None],
    "towns_complete": NotRequired[bool | None], "features": NotRequired[dict[str, Any] | None],
    "counts_stated": NotRequired[dict[str, Any] | None], "stated_area_km2": NotRequired[float | None],
    "fields": NotRequired[dict[str, Any] | None]})
zones_new_properties = TypedDict("zones_new_properties", {"code": NotRequired[str | int | None], "scheme": str,
    "zone_class": str, "name_zh": NotRequired[str | None], "name_en": NotRequired[str | None],
    "functions": NotRequired[list[str] | None], "problems": NotRequired[list[str] | None],
    "location_zh": NotRequired[str | None], "location_en": NotRequired[str | None],
    "functions_zh": NotRequired[list[str] | None], "functions_en": NotRequired[list[str] | None],
    "problems_zh": NotRequired[list[str] | None], "problems_en": NotRequired[list[str] | None],
    "towns_stated": NotRequired[int | None], "towns_complete": NotRequired[bool | None],
    "features": NotRequired[dict[str, Any] | None], "counts_stated": NotRequired[dict[str, Any] | None],
    "stated_area_km2": NotRequired[float | None], "fields": NotRequired[dict[str, Any] | None]})
problems_change_properties_shares = TypedDict("problems_change_properties_shares", {"name_zh": str,
    "name_en": NotRequired[str], "part": float, "whole_of": Literal["region", "quantity"], "printed_percent": float})
problems_new_properties_shares = TypedDict("problems_new_properties_shares", {"name_zh": str,
    "name_en": NotRequired[str], "part": float, "whole_of": Literal["region", "quantity"], "printed_percent": float})
class Paths:
    @overload
    def get(self, path: Literal["/observations"], /, *, headers: Headers | None = ..., **query: Query) -> ObservationPage: ...
    @overload
    def get(self, path: Literal["/open-data"], /, *, headers: Headers | None = ..., **query: Query) -> OpenDataPage: ...
    @overload
    def get(self, path: Literal["/disclosure"], /, *, headers: Headers | None = ..., **query: Query) -> DisclosureList: ...
    @overload
    def get(self, path: Literal["/collections/{collection}"], /, *, headers: Headers | None = ..., **query: Query) -> CollectionDescription: ...
    @overload
    def get(self, path: Literal["/collections/{collection}/schema"], /, *, headers: Headers | None = ..., **query: Query) -> FeatureSchema: ...
    @overload
    def get(self, path: Literal["/collections/{collection}/queryables"], /, *, headers: Headers | None = ..., **query: Query) -> FeatureSchema: ...
    @overload
    def get(self, path: Literal["/collections/{collection}/sortables"], /, *, headers: Headers | None = ..., **query: Query) -> FeatureSchema: ...
    @overload
    def get(self, path: Literal["/ecoservices"], /, *, headers: Headers | None = ..., **query: Query) -> Ecoservices: ...
    @overload
    def get(self, path: Literal["/identify"], /, *, headers: Headers | None = ..., **query: Query) -> FeaturesAtPoint: ...
    @overload
    def get(self, path: Literal["/changes"], /, *, headers: Headers | None = ..., **query: Query) -> Changes: ...
    @overload
    def get(self, path: Literal["/regions/{code}/tree"], /, *, headers: Headers | None = ..., **query: Query) -> RegionTreeShown: ...
    @overload
    def get(self, path: Literal["/plans/{code}/tree"], /, *, headers: Headers | None = ..., **query: Query) -> PlanTreeShown: ...
    @overload
    def get(self, path: Literal["/patterns/{code}/tree"], /, *, headers: Headers | None = ..., **query: Query) -> PatternTreeShown: ...
    @overload
    def get(self, path: Literal["/region-links/{code}/chain"], /, *, headers: Headers | None = ..., **query: Query) -> WaterChain: ...
    @overload
    def get(self, path: Literal["/regions/{code}/dossier"], /, *, headers: Headers | None = ..., **query: Query) -> RegionDossier: ...
    @overload
    def get(self, path: Literal["/regions/{region}/species"], /, *, headers: Headers | None = ..., **query: Query) -> SpeciesOfRegion: ...
    @overload
    def get(self, path: Literal["/zone-schemes/{code}/topology"], /, *, headers: Headers | None = ..., **query: Query) -> ZoningTopology: ...
    @overload
    def get(self, path: Literal["/zone-schemes/{code}/compare"], /, *, headers: Headers | None = ..., **query: Query) -> ZoningsCompared: ...
    @overload
    def get(self, path: Literal["/zone-schemes/{code}/differences"], /, *, headers: Headers | None = ..., **query: Query) -> ZoningDifferences: ...
    @overload
    def get(self, path: Literal["/zone-schemes/{code}/adjustments"], /, *, headers: Headers | None = ..., **query: Query) -> ZoningAdjustments: ...
    @overload
    def get(self, path: Literal["/plans/{plan}/indicators/{indicator}/targets"], /, *, headers: Headers | None = ..., **query: Query) -> IndicatorTargets: ...
    @overload
    def get(self, path: Literal["/plans/{plan}/indicators/{indicator}/values"], /, *, headers: Headers | None = ..., **query: Query) -> IndicatorValues: ...
    @overload
    def get(self, path: Literal["/plans/{plan}/progress"], /, *, headers: Headers | None = ..., **query: Query) -> PlanProgress: ...
    @overload
    def get(self, path: Literal["/plans/{plan}/conformance"], /, *, headers: Headers | None = ..., **query: Query) -> PlanConformance: ...
    @overload
    def get(self, path: Literal["/plans/{plan}/evaluation"], /, *, headers: Headers | None = ..., **query: Query) -> PlanEvaluation: ...
    @overload
    def get(self, path: Literal["/plans/{plan}/evaluations"], /, *, headers: Headers | None = ..., **query: Query) -> StoredEvaluations: ...
    @overload
    def get(self, path: Literal["/plans/{plan}/evaluations/{evaluation}"], /, *, headers: Headers | None = ..., **query: Query) -> StoredEvaluation: ...
    @overload
    def get(self, path: Literal["/plans/{plan}/duty-board"], /, *, headers: Headers | None = ..., **query: Query) -> DutyBoard: ...
    @overload
    def get(self, path: Literal["/plans/{plan}/duty-reviews"], /, *, headers: Headers | None = ..., **query: Query) -> DutyReviews: ...
    @overload
    def get(self, path: Literal["/plans/{plan}/duty-reviews/{year}"], /, *, headers: Headers | None = ..., **query: Query) -> DutyReviewShown: ...
    @overload
    def get(self, path: Literal["/plans/{plan}/approvals"], /, *, headers: Headers | None = ..., **query: Query) -> PlanApprovals: ...
    @overload
    def get(self, path: Literal["/plans/{plan}/editions"], /, *, headers: Headers | None = ..., **query: Query) -> PlanEditions: ...
    @overload
    def get(self, path: Literal["/plans/{plan}/compare"], /, *, headers: Headers | None = ..., **query: Query) -> EditionComparison: ...
    @overload
    def get(self, path: Literal["/plans/{plan}/projects"], /, *, headers: Headers | None = ..., **query: Query) -> EditionProjects: ...
    @overload
    def get(self, path: Literal["/plans/{plan}/totals"], /, *, headers: Headers | None = ..., **query: Query) -> PlanTotals: ...
    @overload
    def get(self, path: Literal["/plans/{plan}/funds"], /, *, headers: Headers | None = ..., **query: Query) -> PlanFunds: ...
    @overload
    def get(self, path: Literal["/plans/{plan}/results"], /, *, headers: Headers | None = ..., **query: Query) -> PlanResults: ...
    @overload
    def get(self, path: Literal["/plans/{plan}/coverage"], /, *, headers: Headers | None = ..., **query: Query) -> PlanCoverage: ...
    @overload
    def get(self, path: Literal["/plans/{plan}/timetable"], /, *, headers: Headers | None = ..., **query: Query) -> PlanTimetable: ...
    @overload
    def get(self, path: Literal["/projects/reserve"], /, *, headers: Headers | None = ..., **query: Query) -> ProjectReserve: ...
    @overload
    def get(self, path: Literal["/projects/{project}"], /, *, headers: Headers | None = ..., **query: Query) -> ProjectDossier: ...
    @overload
    def get(self, path: Literal["/projects/{project}/transitions"], /, *, headers: Headers | None = ..., **query: Query) -> ProjectSteps: ...
    @overload
    def get(self, path: Literal["/projects/{project}/events"], /, *, headers: Headers | None = ..., **query: Query) -> ProjectEvents: ...
    @overload
    def get(self, path: Literal["/projects/{project}/events/{seq}"], /, *, headers: Headers | None = ..., **query: Query) -> ProjectEventShown: ...
    @overload
    def get(self, path: Literal["/projects/{project}/measures"], /, *, headers: Headers | None = ..., **query: Query) -> Measures: ...
    @overload
    def get(self, path: Literal["/projects/{project}/measures/{measure}"], /, *, headers: Headers | None = ..., **query: Query) -> MeasureShown: ...
    @overload
    def get(self, path: Literal["/projects/{project}/funds"], /, *, headers: Headers | None = ..., **query: Query) -> ProjectLedger: ...
    @overload
    def get(self, path: Literal["/projects/{project}/effect"], /, *, headers: Headers | None = ..., **query: Query) -> ProjectEffectShown: ...
    @overload
    def get(self, path: Literal["/balances"], /, *, headers: Headers | None = ..., **query: Query) -> RegionalBalances: ...
    @overload
    def get(self, path: Literal["/projects/{project}/balance"], /, *, headers: Headers | None = ..., **query: Query) -> ProjectBalanceShown: ...
    @overload
    def get(self, path: Literal["/compensation-agreements/{agreement}/settlements"], /, *, headers: Headers | None = ..., **query: Query) -> SettlementList: ...
    @overload
    def get(self, path: Literal["/compensation-agreements/{agreement}/settlements/{year}"], /, *, headers: Headers | None = ..., **query: Query) -> SettlementShown: ...
    @overload
    def get(self, path: Literal["/projects/{project}/documents"], /, *, headers: Headers | None = ..., **query: Query) -> ProjectDocuments: ...
    @overload
    def get(self, path: Literal["/mines/stock"], /, *, headers: Headers | None = ..., **query: Query) -> MineStock: ...
    @overload
    def get(self, path: Literal["/mines/{mine}/deposits"], /, *, headers: Headers | None = ..., **query: Query) -> MineFund: ...
    @overload
    def get(self, path: Literal["/mines/{mine}/reports"], /, *, headers: Headers | None = ..., **query: Query) -> MineReports: ...
    @overload
    def get(self, path: Literal["/plans/{plan}/findings"], /, *, headers: Headers | None = ..., **query: Query) -> PlanFindings: ...
    @overload
    def get(self, path: Literal["/compliance/check"], /, *, headers: Headers | None = ..., **query: Query) -> ComplianceCheck: ...
    @overload
    def get(self, path: Literal["/compliance/activities"], /, *, headers: Headers | None = ..., **query: Query) -> ActivityList: ...
    @overload
    def get(self, path: Literal["/compliance/exceptions"], /, *, headers: Headers | None = ..., **query: Query) -> RuleExceptions: ...
    @overload
    def get(self, path: Literal["/compliance/exceptions/{exception}"], /, *, headers: Headers | None = ..., **query: Query) -> RuleException: ...
    @overload
    def get(self, path: Literal["/compliance/exception-requests"], /, *, headers: Headers | None = ..., **query: Query) -> RuleExceptionRequests: ...
    @overload
    def get(self, path: Literal["/compliance/exception-requests/{exception_request}"], /, *, headers: Headers | None = ..., **query: Query) -> RuleExceptionRequest: ...
    @overload
    def get(self, path: Literal["/regions/{region}/lines"], /, *, headers: Headers | None = ..., **query: Query) -> LineRegister: ...
    @overload
    def get(self, path: Literal["/bulletins"], /, *, headers: Headers | None = ..., **query: Query) -> Bulletins: ...
    @overload
    def get(self, path: Literal["/bulletins/{bulletin}"], /, *, headers: Headers | None = ..., **query: Query) -> Bulletin: ...
    @overload
    def get(self, path: Literal["/bulletins/{bulletin}/wording"], /, *, headers: Headers | None = ..., **query: Query) -> BulletinWording: ...
    @overload
    def get(self, path: Literal["/bulletin-templates"], /, *, headers: Headers | None = ..., **query: Query) -> BulletinTemplates: ...
    @overload
    def get(self, path: Literal["/bulletin-templates/{template}"], /, *, headers: Headers | None = ..., **query: Query) -> BulletinTemplate: ...
    @overload
    def get(self, path: Literal["/bulletin-templates/{template}/versions"], /, *, headers: Headers | None = ..., **query: Query) -> TemplateVersions: ...
    @overload
    def get(self, path: Literal["/complaints"], /, *, headers: Headers | None = ..., **query: Query) -> ComplaintForm: ...
    @overload
    def get(self, path: Literal["/complaints/challenge"], /, *, headers: Headers | None = ..., **query: Query) -> WorkChallenge: ...
    @overload
    def get(self, path: Literal["/cases/{case}/complaint"], /, *, headers: Headers | None = ..., **query: Query) -> CaseComplaint: ...
    @overload
    def get(self, path: Literal["/cases/{case}/contact"], /, *, headers: Headers | None = ..., **query: Query) -> CommentContact: ...
    @overload
    def get(self, path: Literal["/cases/statistics"], /, *, headers: Headers | None = ..., **query: Query) -> CaseStatistics: ...
    @overload
    def get(self, path: Literal["/cases/{case}"], /, *, headers: Headers | None = ..., **query: Query) -> Case: ...
    @overload
    def get(self, path: Literal["/proposals/blank"], /, *, headers: Headers | None = ..., **query: Query) -> BlankProposal: ...
    @overload
    def get(self, path: Literal["/plans/{plan}/suggestions"], /, *, headers: Headers | None = ..., **query: Query) -> Suggestions: ...
    @overload
    def get(self, path: Literal["/proposals/{proposal}"], /, *, headers: Headers | None = ..., **query: Query) -> Proposal: ...
    @overload
    def get(self, path: Literal["/notices"], /, *, headers: Headers | None = ..., **query: Query) -> NoticeList: ...
    @overload
    def get(self, path: Literal["/notices/{notice}"], /, *, headers: Headers | None = ..., **query: Query) -> NoticePage: ...
    @overload
    def get(self, path: Literal["/notices/{notice}/challenge"], /, *, headers: Headers | None = ..., **query: Query) -> WorkChallenge: ...
    @overload
    def get(self, path: Literal["/notices/{notice}/comments"], /, *, headers: Headers | None = ..., **query: Query) -> CommentList: ...
    @overload
    def get(self, path: Literal["/notices/{notice}/comments/{comment}/contact"], /, *, headers: Headers | None = ..., **query: Query) -> CommentContact: ...
    @overload
    def get(self, path: Literal["/notices/{notice}/summary"], /, *, headers: Headers | None = ..., **query: Query) -> NoticeSummaryShown: ...
    @overload
    def get(self, path: Literal["/observations/refused"], /, *, headers: Headers | None = ..., **query: Query) -> Refusals: ...
    @overload
    def get(self, path: Literal["/stations/{station}/observations"], /, *, headers: Headers | None = ..., **query: Query) -> StationObservations: ...
    @overload
    def get(self, path: Literal["/properties"], /, *, headers: Headers | None = ..., **query: Query) -> ObservedProperties: ...
    @overload
    def get(self, path: Literal["/properties/{property}"], /, *, headers: Headers | None = ..., **query: Query) -> ObservedProperty: ...
    @overload
    def get(self, path: Literal["/alert-rules"], /, *, headers: Headers | None = ..., **query: Query) -> AlertRules: ...
    @overload
    def get(self, path: Literal["/alert-rules/{rule}"], /, *, headers: Headers | None = ..., **query: Query) -> AlertRule: ...
    @overload
    def get(self, path: Literal["/alerts"], /, *, headers: Headers | None = ..., **query: Query) -> Alerts: ...
    @overload
    def get(self, path: Literal["/alerts/{alert}"], /, *, headers: Headers | None = ..., **query: Query) -> Alert: ...
    @overload
    def get(self, path: Literal["/subscriptions"], /, *, headers: Headers | None = ..., **query: Query) -> Subscriptions: ...
    @overload
    def get(self, path: Literal["/subscriptions/{number}"], /, *, headers: Headers | None = ..., **query: Query) -> Subscription: ...
    @overload
    def get(self, path: Literal["/subscriptions/{number}/deliveries"], /, *, headers: Headers | None = ..., **query: Query) -> Mails: ...
    @overload
    def get(self, path: Literal["/unsubscribe"], /, *, headers: Headers | None = ..., **query: Query) -> Unsubscribing: ...
    @overload
    def get(self, path: Literal["/webhooks"], /, *, headers: Headers | None = ..., **query: Query) -> Webhooks: ...
    @overload
    def get(self, path: Literal["/webhooks/{webhook}"], /, *, headers: Headers | None = ..., **query: Query) -> Webhook: ...
    @overload
    def get(self, path: Literal["/webhooks/{webhook}/deliveries"], /, *, headers: Headers | None = ..., **query: Query) -> WebhookDeliveries: ...
    @overload
    def get(self, path: Literal["/webhooks/{webhook}/deliveries/{delivery}"], /, *, headers: Headers | None = ..., **query: Query) -> WebhookDelivery: ...
    @overload
    def get(self, path: Literal["/sta/v1.1"], /, *, headers: Headers | None = ..., **query: Query) -> SensorThingsIndex: ...
    @overload
    def get(self, path: Literal["/sta/v1.1/{path}"], /, *, headers: Headers | None = ..., **query: Query) -> SensorThingsThing | SensorThingsLocation | SensorThingsHistoricalLocation | SensorThingsDatastream | SensorThingsSensor | SensorThingsObservedProperty | SensorThingsObservation | SensorThingsFeatureOfInterest | SensorThingsThings | SensorThingsLocations | SensorThingsHistoricalLocations | SensorThingsDatastreams | SensorThingsSensors | SensorThingsObservedProperties | SensorThingsObservations | SensorThingsFeaturesOfInterest | SensorThingsDataArrays | SensorThingsReferences | SensorThingsMember | float: ...
    @overload
    def get(self, path: Literal["/processes"], /, *, headers: Headers | None = ..., **query: Query) -> ProcessList: ...
    @overload
    def get(self, path: Literal["/processes/{process}"], /, *, headers: Headers | None = ..., **query: Query) -> ProcessDescription: ...
    @overload
    def get(self, path: Literal["/jobs"], /, *, headers: Headers | None = ..., **query: Query) -> Jobs: ...
    @overload
    def get(self, path: Literal["/jobs/{job}"], /, *, headers: Headers | None = ..., **query: Query) -> StatusInfo: ...
    @overload
    def get(self, path: Literal["/jobs/{job}/inputs"], /, *, headers: Headers | None = ..., **query: Query) -> JobInputs: ...
    @overload
    def get(self, path: Literal["/jobs/{job}/manifest"], /, *, headers: Headers | None = ..., **query: Query) -> Manifest: ...
    @overload
    def get(self, path: Literal["/jobs/{job}/events"], /, *, headers: Headers | None = ..., **query: Query) -> StatusInfo: ...
    @overload
    def get(self, path: Literal["/schedules"], /, *, headers: Headers | None = ..., **query: Query) -> Schedules: ...
    @overload
    def get(self, path: Literal["/schedules/{schedule}"], /, *, headers: Headers | None = ..., **query: Query) -> Schedule: ...
    @overload
    def get(self, path: Literal["/schedules/{schedule}/runs"], /, *, headers: Headers | None = ..., **query: Query) -> ScheduleRuns: ...
    @overload
    def get(self, path: Literal["/uploads"], /, *, headers: Headers | None = ..., **query: Query) -> Uploads: ...
    @overload
    def get(self, path: Literal["/uploads/{upload}"], /, *, headers: Headers | None = ..., **query: Query) -> UploadState: ...
    @overload
    def get(self, path: Literal["/keys"], /, *, headers: Headers | None = ..., **query: Query) -> Keys: ...
    @overload
    def get(self, path: Literal["/keys/{key}"], /, *, headers: Headers | None = ..., **query: Query) -> Key: ...
    @overload
    def get(self, path: Literal["/accounts"], /, *, headers: Headers | None = ..., **query: Query) -> Accounts: ...
    @overload
    def get(self, path: Literal["/accounts/{account}"], /, *, headers: Headers | None = ..., **query: Query) -> Account: ...
    @overload
    def get(self, path: Literal["/session/login"], /, *, headers: Headers | None = ..., **query: Query) -> LoginWays: ...
    @overload
    def get(self, path: Literal["/session/callback"], /, *, headers: Headers | None = ..., **query: Query) -> SessionBegun: ...
    @overload
    def get(self, path: Literal["/session/start"], /, *, headers: Headers | None = ..., **query: Query) -> LinkOffered: ...
    @overload
    def get(self, path: Literal["/session"], /, *, headers: Headers | None = ..., **query: Query) -> OwnAccount: ...
    @overload
    def get(self, path: Literal["/audit"], /, *, headers: Headers | None = ..., **query: Query) -> AuditEntries: ...
    @overload
    def get(self, path: Literal["/actors"], /, *, headers: Headers | None = ..., **query: Query) -> Actors: ...
    @overload
    def get(self, path: Literal["/system"], /, *, headers: Headers | None = ..., **query: Query) -> SystemTold: ...
    @overload
    def get(self, path: Literal["/health"], /, *, headers: Headers | None = ..., **query: Query) -> HealthTold: ...
    @overload
    def get(self, path: Literal["/collections/regions/items/{code}"], /, *, headers: Headers | None = ..., **query: Query) -> regions: ...
    @overload
    def get(self, path: Literal["/collections/regions/items/{code}/compare"], /, *, headers: Headers | None = ..., **query: Query) -> DayComparison: ...
    @overload
    def get(self, path: Literal["/collections/plans/items/{code}"], /, *, headers: Headers | None = ..., **query: Query) -> plans: ...
    @overload
    def get(self, path: Literal["/collections/plans/items/{code}/compare"], /, *, headers: Headers | None = ..., **query: Query) -> DayComparison: ...
    @overload
    def get(self, path: Literal["/collections/pattern_components/items/{code}"], /, *, headers: Headers | None = ..., **query: Query) -> pattern_components: ...
    @overload
    def get(self, path: Literal["/collections/pattern_components/items/{code}/compare"], /, *, headers: Headers | None = ..., **query: Query) -> DayComparison: ...
    @overload
    def get(self, path: Literal["/collections/corridors/items/{code}"], /, *, headers: Headers | None = ..., **query: Query) -> corridors: ...
    @overload
    def get(self, path: Literal["/collections/corridors/items/{code}/compare"], /, *, headers: Headers | None = ..., **query: Query) -> DayComparison: ...
    @overload
    def get(self, path: Literal["/collections/corridor_nodes/items/{code}"], /, *, headers: Headers | None = ..., **query: Query) -> corridor_nodes: ...
    @overload
    def get(self, path: Literal["/collections/corridor_nodes/items/{code}/compare"], /, *, headers: Headers | None = ..., **query: Query) -> DayComparison: ...
    @overload
    def get(self, path: Literal["/collections/zone_schemes/items/{code}"], /, *, headers: Headers | None = ..., **query: Query) -> zone_schemes: ...
    @overload
    def get(self, path: Literal["/collections/zone_schemes/items/{code}/compare"], /, *, headers: Headers | None = ..., **query: Query) -> DayComparison: ...
    @overload
    def get(self, path: Literal["/collections/zones/items/{code}"], /, *, headers: Headers | None = ..., **query: Query) -> zones: ...
    @overload
    def get(self, path: Literal["/collections/zones/items/{code}/compare"], /, *, headers: Headers | None = ..., **query: Query) -> DayComparison: ...
    @overload
    def get(self, path: Literal["/collections/control_areas/items/{code}"], /, *, headers: Headers | None = ..., **query: Query) -> control_areas: ...
    @overload
    def get(self, path: Literal["/collections/control_areas/items/{code}/compare"], /, *, headers: Headers | None = ..., **query: Query) -> DayComparison: ...
    @overload
    def get(self, path: Literal["/collections/problems/items/{code}"], /, *, headers: Headers | None = ..., **query: Query) -> problems: ...
    @overload
    def get(self, path: Literal["/collections/problems/items/{code}/compare"], /, *, headers: Headers | None = ..., **query: Query) -> DayComparison: ...
    @overload
    def get(self, path: Literal["/collections/named_features/items/{code}"], /, *, headers: Headers | None = ..., **query: Query) -> named_features: ...
    @overload
    def get(self, path: Literal["/collections/named_features/items/{code}/compare"], /, *, headers: Headers | None = ..., **query: Query) -> DayComparison: ...
    @overload
    def get(self, path: Literal["/collections/projects/items/{code}"], /, *, headers: Headers | None = ..., **query: Query) -> projects: ...
    @overload
    def get(self, path: Literal["/collections/projects/items/{code}/compare"], /, *, headers: Headers | None = ..., **query: Query) -> DayComparison: ...
    @overload
    def get(self, path: Literal["/collections/notices/items/{code}"], /, *, headers: Headers | None = ..., **query: Query) -> notices: ...
    @overload
    def get(self, path: Literal["/collections/notices/items/{code}/compare"], /, *, headers: Headers | None = ..., **query: Query) -> DayComparison: ...
    @overload
    def get(self, path: Literal["/collections/mines/items/{code}"], /, *, headers: Headers | None = ..., **query: Query) -> mines: ...
    @overload
    def get(self, path: Literal["/collections/mines/items/{code}/compare"], /, *, headers: Headers | None = ..., **query: Query) -> DayComparison: ...
    @overload
    def get(self, path: Literal["/collections/reclamations/items/{code}"], /, *, headers: Headers | None = ..., **query: Query) -> reclamations: ...
    @overload
    def get(self, path: Literal["/collections/reclamations/items/{code}/compare"], /, *, headers: Headers | None = ..., **query: Query) -> DayComparison: ...
    @overload
    def get(self, path: Literal["/collections/islands/items/{code}"], /, *, headers: Headers | None = ..., **query: Query) -> islands: ...
    @overload
    def get(self, path: Literal["/collections/islands/items/{code}/compare"], /, *, headers: Headers | None = ..., **query: Query) -> DayComparison: ...
    @overload
    def get(self, path: Literal["/collections/outfalls/items/{code}"], /, *, headers: Headers | None = ..., **query: Query) -> outfalls: ...
    @overload
    def get(self, path: Literal["/collections/outfalls/items/{code}/compare"], /, *, headers: Headers | None = ..., **query: Query) -> DayComparison: ...
    @overload
    def get(self, path: Literal["/collections/fishing_harbours/items/{code}"], /, *, headers: Headers | None = ..., **query: Query) -> fishing_harbours: ...
    @overload
    def get(self, path: Literal["/collections/fishing_harbours/items/{code}/compare"], /, *, headers: Headers | None = ..., **query: Query) -> DayComparison: ...
    @overload
    def get(self, path: Literal["/collections/occurrences/items/{code}"], /, *, headers: Headers | None = ..., **query: Query) -> occurrences: ...
    @overload
    def get(self, path: Literal["/collections/occurrences/items/{code}/compare"], /, *, headers: Headers | None = ..., **query: Query) -> DayComparison: ...
    @overload
    def get(self, path: Literal["/collections/stations/items/{code}"], /, *, headers: Headers | None = ..., **query: Query) -> stations: ...
    @overload
    def get(self, path: Literal["/collections/stations/items/{code}/compare"], /, *, headers: Headers | None = ..., **query: Query) -> DayComparison: ...
    @overload
    def get(self, path: Literal["/collections/datasets/items/{code}"], /, *, headers: Headers | None = ..., **query: Query) -> datasets: ...
    @overload
    def get(self, path: Literal["/collections/datasets/items/{code}/compare"], /, *, headers: Headers | None = ..., **query: Query) -> DayComparison: ...
    @overload
    def get(self, path: Literal["/patterns/{code}"], /, *, headers: Headers | None = ..., **query: Query) -> patterns: ...
    @overload
    def get(self, path: Literal["/zone-classes/{code}"], /, *, headers: Headers | None = ..., **query: Query) -> zone_classes: ...
    @overload
    def get(self, path: Literal["/control-rules/{code}"], /, *, headers: Headers | None = ..., **query: Query) -> control_rules: ...
    @overload
    def get(self, path: Literal["/indicators/{code}"], /, *, headers: Headers | None = ..., **query: Query) -> indicators: ...
    @overload
    def get(self, path: Literal["/plans/{plan}/indicators/{code}"], /, *, headers: Headers | None = ..., **query: Query) -> plan_indicators: ...
    @overload
    def get(self, path: Literal["/plans/{plan}/parts/{code}"], /, *, headers: Headers | None = ..., **query: Query) -> plan_parts: ...
    @overload
    def get(self, path: Literal["/plans/{plan}/provisions/{code}"], /, *, headers: Headers | None = ..., **query: Query) -> provisions: ...
    @overload
    def get(self, path: Literal["/plans/{plan}/figures/{code}"], /, *, headers: Headers | None = ..., **query: Query) -> figures: ...
    @overload
    def get(self, path: Literal["/plans/{plan}/duties/{code}"], /, *, headers: Headers | None = ..., **query: Query) -> duties: ...
    @overload
    def get(self, path: Literal["/plans/{plan}/programmes/{code}"], /, *, headers: Headers | None = ..., **query: Query) -> programmes: ...
    @overload
    def get(self, path: Literal["/parties/{code}"], /, *, headers: Headers | None = ..., **query: Query) -> parties: ...
    @overload
    def get(self, path: Literal["/fund-sources/{code}"], /, *, headers: Headers | None = ..., **query: Query) -> fund_sources: ...
    @overload
    def get(self, path: Literal["/region-links/{code}"], /, *, headers: Headers | None = ..., **query: Query) -> region_links: ...
    @overload
    def get(self, path: Literal["/demonstration-members/{code}"], /, *, headers: Headers | None = ..., **query: Query) -> demonstration_members: ...
    @overload
    def get(self, path: Literal["/demonstration-criteria/{code}"], /, *, headers: Headers | None = ..., **query: Query) -> demonstration_criteria: ...
    @overload
    def get(self, path: Literal["/demonstration-scores/{code}"], /, *, headers: Headers | None = ..., **query: Query) -> demonstration_scores: ...
    @overload
    def get(self, path: Literal["/titles/{code}"], /, *, headers: Headers | None = ..., **query: Query) -> titles: ...
    @overload
    def get(self, path: Literal["/compensation-agreements/{code}"], /, *, headers: Headers | None = ..., **query: Query) -> compensation_agreements: ...
    @overload
    def get(self, path: Literal["/documents/{code}"], /, *, headers: Headers | None = ..., **query: Query) -> documents: ...
    @overload
    def get(self, path: Literal["/balances/entries/{code}"], /, *, headers: Headers | None = ..., **query: Query) -> balance_entries: ...
    @overload
    def get(self, path: Literal["/species/{code}"], /, *, headers: Headers | None = ..., **query: Query) -> species: ...
    @overload
    def get(self, path: Literal["/tileMatrixSets"], /, *, headers: Headers | None = ..., **query: Query) -> TileMatrixSetList: ...
    @overload
    def get(self, path: Literal["/tileMatrixSets/{tms}"], /, *, headers: Headers | None = ..., **query: Query) -> TileMatrixSetDescription: ...
    @overload
    def get(self, path: Literal["/layers"], /, *, headers: Headers | None = ..., **query: Query) -> LayerList: ...
    @overload
    def get(self, path: Literal["/layers/{layer}"], /, *, headers: Headers | None = ..., **query: Query) -> RasterDescription | VectorDescription: ...
    @overload
    def get(self, path: Literal["/layers/{layer}/tilejson.json"], /, *, headers: Headers | None = ..., **query: Query) -> TileJson: ...
    @overload
    def get(self, path: Literal["/layers/{layer}/style.json"], /, *, headers: Headers | None = ..., **query: Query) -> MapStyle: ...
    @overload
    def get(self, path: Literal["/layers/{layer}/legend.json"], /, *, headers: Headers | None = ..., **query: Query) -> LayerLegend: ...
    @overload
    def get(self, path: Literal["/layers/{layer}/point"], /, *, headers: Headers | None = ..., **query: Query) -> PointValue | PointFeatures: ...
    @overload
    def get(self, path: Literal["/layers/{layer}/statistics"], /, *, headers: Headers | None = ..., **query: Query) -> ClassStatistics | QuantityStatistics: ...
    @overload
    def get(self, path: Literal["/collections/{layer}"], /, *, headers: Headers | None = ..., **query: Query) -> LayerCollection: ...
    @overload
    def get(self, path: Literal["/collections/{layer}/tiles"], /, *, headers: Headers | None = ..., **query: Query) -> TilesetList: ...
    @overload
    def get(self, path: Literal["/collections/{layer}/tiles/{tileMatrixSetId}"], /, *, headers: Headers | None = ..., **query: Query) -> TilesetDescription: ...
    @overload
    def get(self, path: Literal["/collections/{layer}/map/tiles"], /, *, headers: Headers | None = ..., **query: Query) -> TilesetList: ...
    @overload
    def get(self, path: Literal["/collections/{layer}/map/tiles/{tileMatrixSetId}"], /, *, headers: Headers | None = ..., **query: Query) -> TilesetDescription: ...
    @overload
    def get(self, path: Literal["/tiles"], /, *, headers: Headers | None = ..., **query: Query) -> TilesetList: ...
    @overload
    def get(self, path: Literal["/tiles/{tileMatrixSetId}"], /, *, headers: Headers | None = ..., **query: Query) -> TilesetDescription: ...
    @overload
    def get(self, path: Literal["/wmts"], /, *, headers: Headers | None = ..., **query: Query) -> PointValue | PointFeatures: ...
    @overload
    def get(self, path: Literal["/wmts/1.0.0/{layer}/{style}/{matrix_set}/{matrix}/{row}/{column}/{j}/{i}.{suffix}"], /, *, headers: Headers | None = ..., **query: Query) -> PointValue | PointFeatures: ...
    @overload
    def get(self, path: str, /, *, headers: Headers | None = ..., **query: Query) -> Any: ...
    @overload
    def post(self, path: Literal["/observations"], body: dict[str, Any] | list[dict[str, Any]], /, *, headers: Headers | None = ..., **query: Query) -> ObservationReceipt: ...
    @overload
    def post(self, path: Literal["/processes/{process}/execution"], body: dict[str, Any], /, *, headers: Headers | None = ..., **query: Query) -> StatusInfo | dict[str, Any]: ...
    @overload
    def post(self, path: Literal["/zone-schemes/{code}/versions"], body: NewVersion, /, *, headers: Headers | None = ..., **query: Query) -> VersionBegun: ...
    @overload
    def post(self, path: Literal["/zone-schemes/{code}/adjustments"], body: Adjustment, /, *, headers: Headers | None = ..., **query: Query) -> AreaAdjusted: ...
    @overload
    def post(self, path: Literal["/zone-schemes/{code}/splits"], body: Splitting, /, *, headers: Headers | None = ..., **query: Query) -> ZonesLeft: ...
    @overload
    def post(self, path: Literal["/zone-schemes/{code}/mergers"], body: Merging, /, *, headers: Headers | None = ..., **query: Query) -> ZonesLeft: ...
    @overload
    def post(self, path: Literal["/plans/{plan}/indicators/{indicator}/values"], body: ValueBody, /, *, headers: Headers | None = ..., **query: Query) -> ValueRecorded: ...
    @overload
    def post(self, path: Literal["/plans/{plan}/evaluations"], body: EvaluationBody, /, *, headers: Headers | None = ..., **query: Query) -> StoredEvaluation: ...
    @overload
    def post(self, path: Literal["/plans/{plan}/duty-reviews"], body: NewReview, /, *, headers: Headers | None = ..., **query: Query) -> DutyReviewShown: ...
    @overload
    def post(self, path: Literal["/plans/{plan}/duty-reviews/{year}/reports/{duty}/{party}/judgement"], body: JudgementBody, /, *, headers: Headers | None = ..., **query: Query) -> DutyReviewShown: ...
    @overload
    def post(self, path: Literal["/plans/{plan}/duty-reviews/{year}/freeze"], /, *, headers: Headers | None = ..., **query: Query) -> DutyReviewShown: ...
    @overload
    def post(self, path: Literal["/plans/{plan}/approvals"], body: DecisionBody, /, *, headers: Headers | None = ..., **query: Query) -> PlanApprovals: ...
    @overload
    def post(self, path: Literal["/plans/{plan}/editions"], body: NewEdition, /, *, headers: Headers | None = ..., **query: Query) -> EditionBegun: ...
    @overload
    def post(self, path: Literal["/projects/{project}/transitions"], body: TransitionBody, /, *, headers: Headers | None = ..., **query: Query) -> ProjectStepTaken: ...
    @overload
    def post(self, path: Literal["/projects/{project}/measures"], body: NewMeasureBody, /, *, headers: Headers | None = ..., **query: Query) -> MeasureShown: ...
    @overload
    def post(self, path: Literal["/projects/{project}/funds"], body: FundEntryBody, /, *, headers: Headers | None = ..., **query: Query) -> LedgerLineMade: ...
    @overload
    def post(self, path: Literal["/compensation-agreements/{agreement}/settlements"], body: NewSettlement, /, *, headers: Headers | None = ..., **query: Query) -> SettlementShown: ...
    @overload
    def post(self, path: Literal["/compensation-agreements/{agreement}/settlements/{year}/steps"], body: SettlementStepBody, /, *, headers: Headers | None = ..., **query: Query) -> SettlementShown: ...
    @overload
    def post(self, path: Literal["/compensation-agreements/{agreement}/what-if"], body: TrialBody, /, *, headers: Headers | None = ..., **query: Query) -> TrialShown: ...
    @overload
    def post(self, path: Literal["/projects/{project}/documents"], body: Any = ..., /, *, headers: Headers | None = ..., **query: Query) -> ProjectDocument: ...
    @overload
    def post(self, path: Literal["/mines/{mine}/deposits"], body: DepositBody, /, *, headers: Headers | None = ..., **query: Query) -> DepositMade: ...
    @overload
    def post(self, path: Literal["/mines/{mine}/reports"], body: MineReportBody, /, *, headers: Headers | None = ..., **query: Query) -> MineReportMade: ...
    @overload
    def post(self, path: Literal["/plans/{plan}/findings"], /, *, headers: Headers | None = ..., **query: Query) -> PlanChecked: ...
    @overload
    def post(self, path: Literal["/compliance/opinion"], body: OpinionBody, /, *, headers: Headers | None = ..., **query: Query) -> Any: ...
    @overload
    def post(self, path: Literal["/compliance/exceptions"], body: ExceptionBody, /, *, headers: Headers | None = ..., **query: Query) -> RuleException: ...
    @overload
    def post(self, path: Literal["/compliance/exceptions/{exception}/revoke"], body: RevokeBody, /, *, headers: Headers | None = ..., **query: Query) -> RuleException: ...
    @overload
    def post(self, path: Literal["/compliance/exception-requests"], body: ExceptionRequestBody, /, *, headers: Headers | None = ..., **query: Query) -> RuleExceptionRequest: ...
    @overload
    def post(self, path: Literal["/compliance/exception-requests/{exception_request}/grant"], body: GrantBody, /, *, headers: Headers | None = ..., **query: Query) -> RuleExceptionRequest: ...
    @overload
    def post(self, path: Literal["/compliance/exception-requests/{exception_request}/refuse"], body: RevokeBody, /, *, headers: Headers | None = ..., **query: Query) -> RuleExceptionRequest: ...
    @overload
    def post(self, path: Literal["/compliance/exception-requests/{exception_request}/withdraw"], /, *, headers: Headers | None = ..., **query: Query) -> RuleExceptionRequest: ...
    @overload
    def post(self, path: Literal["/bulletins/{bulletin}/publish"], /, *, headers: Headers | None = ..., **query: Query) -> Bulletin: ...
    @overload
    def post(self, path: Literal["/bulletins/{bulletin}/wording/preview"], body: Words, /, *, headers: Headers | None = ..., **query: Query) -> Any: ...
    @overload
    def post(self, path: Literal["/bulletin-templates/preview"], body: Template, /, *, headers: Headers | None = ..., **query: Query) -> Any: ...
    @overload
    def post(self, path: Literal["/complaints"], body: NewComplaint, /, *, headers: Headers | None = ..., **query: Query) -> ComplaintKept: ...
    @overload
    def post(self, path: Literal["/complaints/photos"], /, *, headers: Headers | None = ..., **query: Query) -> PhotoKept: ...
    @overload
    def post(self, path: Literal["/cases"], body: dict[str, Any], /, *, headers: Headers | None = ..., **query: Query) -> LeadResults: ...
    @overload
    def post(self, path: Literal["/cases/{case}/transitions"], body: CaseStepBody, /, *, headers: Headers | None = ..., **query: Query) -> StepTaken: ...
    @overload
    def post(self, path: Literal["/cases/{case}/documents"], /, *, headers: Headers | None = ..., **query: Query) -> CaseDocument: ...
    @overload
    def post(self, path: Literal["/proposals"], body: ProposalBody, /, *, headers: Headers | None = ..., **query: Query) -> Proposal: ...
    @overload
    def post(self, path: Literal["/proposals/{proposal}/transitions"], body: ProposalStepBody, /, *, headers: Headers | None = ..., **query: Query) -> Proposal: ...
    @overload
    def post(self, path: Literal["/notices/{notice}/comments"], body: PublicComment, /, *, headers: Headers | None = ..., **query: Query) -> CommentKept: ...
    @overload
    def post(self, path: Literal["/notices/{notice}/summary"], /, *, headers: Headers | None = ..., **query: Query) -> NoticeSummaryShown: ...
    @overload
    def post(self, path: Literal["/receipts"], body: ReceiptBody, /, *, headers: Headers | None = ..., **query: Query) -> ReceiptShown: ...
    @overload
    def post(self, path: Literal["/properties"], body: NewProperty, /, *, headers: Headers | None = ..., **query: Query) -> ObservedProperty: ...
    @overload
    def post(self, path: Literal["/alert-rules"], body: NewRule, /, *, headers: Headers | None = ..., **query: Query) -> AlertRule: ...
    @overload
    def post(self, path: Literal["/alerts/{alert}/acknowledge"], body: AlertNote, /, *, headers: Headers | None = ..., **query: Query) -> Alert: ...
    @overload
    def post(self, path: Literal["/alerts/{alert}/comments"], body: AlertNote, /, *, headers: Headers | None = ..., **query: Query) -> Alert: ...
    @overload
    def post(self, path: Literal["/alerts/{alert}/close"], body: AlertNote, /, *, headers: Headers | None = ..., **query: Query) -> Alert: ...
    @overload
    def post(self, path: Literal["/subscriptions"], body: SubscriptionContents, /, *, headers: Headers | None = ..., **query: Query) -> Subscription: ...
    @overload
    def post(self, path: Literal["/subscriptions/{number}/test"], /, *, headers: Headers | None = ..., **query: Query) -> Subscription: ...
    @overload
    def post(self, path: Literal["/unsubscribe"], /, *, headers: Headers | None = ..., **query: Query) -> Unsubscribing: ...
    @overload
    def post(self, path: Literal["/webhooks"], body: WebhookContents, /, *, headers: Headers | None = ..., **query: Query) -> Webhook: ...
    @overload
    def post(self, path: Literal["/webhooks/{webhook}/rotate"], body: SecretRotation, /, *, headers: Headers | None = ..., **query: Query) -> Webhook: ...
    @overload
    def post(self, path: Literal["/webhooks/{webhook}/test"], /, *, headers: Headers | None = ..., **query: Query) -> WebhookDelivery: ...
    @overload
    def post(self, path: Literal["/webhooks/{webhook}/deliveries/{delivery}/redeliver"], /, *, headers: Headers | None = ..., **query: Query) -> WebhookDelivery: ...
    @overload
    def post(self, path: Literal["/sta/v1.1/{path}"], body: ThingBody | LocationBody | HistoricalLocationBody | DatastreamBody | SensorBody | ObservedPropertyBody | ObservationBody | FeatureBody | list[DataArray], /, *, headers: Headers | None = ..., **query: Query) -> SensorThingsThing | SensorThingsLocation | SensorThingsHistoricalLocation | SensorThingsDatastream | SensorThingsSensor | SensorThingsObservedProperty | SensorThingsObservation | SensorThingsFeatureOfInterest | list[str]: ...
    @overload
    def post(self, path: Literal["/jobs/{job}/retry"], /, *, headers: Headers | None = ..., **query: Query) -> StatusInfo: ...
    @overload
    def post(self, path: Literal["/schedules"], body: NewSchedule, /, *, headers: Headers | None = ..., **query: Query) -> Schedule: ...
    @overload
    def post(self, path: Literal["/uploads"], /, *, headers: Headers | None = ..., **query: Query) -> UploadState: ...
    @overload
    def post(self, path: Literal["/keys"], body: NewKey, /, *, headers: Headers | None = ..., **query: Query) -> Key: ...
    @overload
    def post(self, path: Literal["/keys/{key}/rotate"], body: KeyRotation, /, *, headers: Headers | None = ..., **query: Query) -> Key: ...
    @overload
    def post(self, path: Literal["/tile-tokens"], body: NewTileToken, /, *, headers: Headers | None = ..., **query: Query) -> OpenedLayers: ...
    @overload
    def post(self, path: Literal["/accounts"], body: NewAccount, /, *, headers: Headers | None = ..., **query: Query) -> Account: ...
    @overload
    def post(self, path: Literal["/accounts/{account}/link"], /, *, headers: Headers | None = ..., **query: Query) -> SignInLink: ...
    @overload
    def post(self, path: Literal["/session/login"], body: SignInForm, /, *, headers: Headers | None = ..., **query: Query) -> SessionBegun: ...
    @overload
    def post(self, path: Literal["/session/key"], body: KeyForm, /, *, headers: Headers | None = ..., **query: Query) -> SessionBegun: ...
    @overload
    def post(self, path: Literal["/session/start"], body: LinkForm, /, *, headers: Headers | None = ..., **query: Query) -> SessionBegun: ...
    @overload
    def post(self, path: Literal["/session/code"], body: CodeForm, /, *, headers: Headers | None = ..., **query: Query) -> SessionBegun: ...
    @overload
    def post(self, path: Literal["/session/password"], body: PasswordForm, /, *, headers: Headers | None = ..., **query: Query) -> SessionBegun: ...
    @overload
    def post(self, path: Literal["/session/factor"], body: FactorAsked, /, *, headers: Headers | None = ..., **query: Query) -> NewFactor: ...
    @overload
    def post(self, path: Literal["/session/factor/confirm"], body: FactorShown, /, *, headers: Headers | None = ..., **query: Query) -> RecoveryCodes: ...
    @overload
    def post(self, path: Literal["/session/logout"], body: SessionForm, /, *, headers: Headers | None = ..., **query: Query) -> None: ...
    @overload
    def post(self, path: Literal["/session/end-others"], body: SessionForm, /, *, headers: Headers | None = ..., **query: Query) -> None: ...
    @overload
    def post(self, path: Literal["/session/{number}/end"], body: SessionForm, /, *, headers: Headers | None = ..., **query: Query) -> None: ...
    @overload
    def post(self, path: Literal["/session/security-keys/challenge"], body: SessionForm, /, *, headers: Headers | None = ..., **query: Query) -> SecurityKeyChallenge: ...
    @overload
    def post(self, path: Literal["/session/security-keys/show"], body: SecurityKeyForm, /, *, headers: Headers | None = ..., **query: Query) -> SessionBegun: ...
    @overload
    def post(self, path: Literal["/session/security-keys"], body: FactorAsked, /, *, headers: Headers | None = ..., **query: Query) -> SecurityKeyChallenge: ...
    @overload
    def post(self, path: Literal["/session/security-keys/confirm"], body: NewSecurityKeyForm, /, *, headers: Headers | None = ..., **query: Query) -> RecoveryCodes: ...
    @overload
    def post(self, path: Literal["/session/security-keys/{number}/remove"], body: FactorAsked, /, *, headers: Headers | None = ..., **query: Query) -> None: ...
    @overload
    def post(self, path: Literal["/collections/regions/items"], body: regions_new, /, *, headers: Headers | None = ..., **query: Query) -> regions: ...
    @overload
    def post(self, path: Literal["/collections/plans/items"], body: plans_new, /, *, headers: Headers | None = ..., **query: Query) -> plans: ...
    @overload
    def post(self, path: Literal["/collections/pattern_components/items"], body: pattern_components_new, /, *, headers: Headers | None = ..., **query: Query) -> pattern_components: ...
    @overload
    def post(self, path: Literal["/collections/corridors/items"], body: corridors_new, /, *, headers: Headers | None = ..., **query: Query) -> corridors: ...
    @overload
    def post(self, path: Literal["/collections/corridor_nodes/items"], body: corridor_nodes_new, /, *, headers: Headers | None = ..., **query: Query) -> corridor_nodes: ...
    @overload
    def post(self, path: Literal["/collections/zone_schemes/items"], body: zone_schemes_new, /, *, headers: Headers | None = ..., **query: Query) -> zone_schemes: ...
    @overload
    def post(self, path: Literal["/collections/zones/items"], body: zones_new, /, *, headers: Headers | None = ..., **query: Query) -> zones: ...
    @overload
    def post(self, path: Literal["/collections/control_areas/items"], body: control_areas_new, /, *, headers: Headers | None = ..., **query: Query) -> control_areas: ...
    @overload
    def post(self, path: Literal["/collections/problems/items"], body: problems_new, /, *, headers: Headers | None = ..., **query: Query) -> problems: ...
    @overload
    def post(self, path: Literal["/collections/named_features/items"], body: named_features_new, /, *, headers: Headers | None = ..., **query: Query) -> named_features: ...
    @overload
    def post(self, path: Literal["/collections/projects/items"], body: projects_new, /, *, headers: Headers | None = ..., **query: Query) -> projects: ...
    @overload
    def post(self, path: Literal["/collections/notices/items"], body: notices_new, /, *, headers: Headers | None = ..., **query: Query) -> notices: ...
    @overload
    def post(self, path: Literal["/collections/mines/items"], body: mines_new, /, *, headers: Headers | None = ..., **query: Query) -> mines: ...
    @overload
    def post(self, path: Literal["/collections/reclamations/items"], body: reclamations_new, /, *, headers: Headers | None = ..., **query: Query) -> reclamations: ...
    @overload
    def post(self, path: Literal["/collections/islands/items"], body: islands_new, /, *, headers: Headers | None = ..., **query: Query) -> islands: ...
    @overload
    def post(self, path: Literal["/collections/outfalls/items"], body: outfalls_new, /, *, headers: Headers | None = ..., **query: Query) -> outfalls: ...
    @overload
    def post(self, path: Literal["/collections/fishing_harbours/items"], body: fishing_harbours_new, /, *, headers: Headers | None = ..., **query: Query) -> fishing_harbours: ...
    @overload
    def post(self, path: Literal["/collections/occurrences/items"], body: occurrences_new, /, *, headers: Headers | None = ..., **query: Query) -> occurrences: ...
    @overload
    def post(self, path: Literal["/collections/stations/items"], body: stations_new, /, *, headers: Headers | None = ..., **query: Query) -> stations: ...
    @overload
    def post(self, path: Literal["/patterns"], body: patterns_new, /, *, headers: Headers | None = ..., **query: Query) -> patterns: ...
    @overload
    def post(self, path: Literal["/zone-classes"], body: zone_classes_new, /, *, headers: Headers | None = ..., **query: Query) -> zone_classes: ...
    @overload
    def post(self, path: Literal["/control-rules"], body: control_rules_new, /, *, headers: Headers | None = ..., **query: Query) -> control_rules: ...
    @overload
    def post(self, path: Literal["/indicators"], body: indicators_new, /, *, headers: Headers | None = ..., **query: Query) -> indicators: ...
    @overload
    def post(self, path: Literal["/plans/{plan}/indicators"], body: plan_indicators_new, /, *, headers: Headers | None = ..., **query: Query) -> plan_indicators: ...
    @overload
    def post(self, path: Literal["/plans/{plan}/parts"], body: plan_parts_new, /, *, headers: Headers | None = ..., **query: Query) -> plan_parts: ...
    @overload
    def post(self, path: Literal["/plans/{plan}/provisions"], body: provisions_new, /, *, headers: Headers | None = ..., **query: Query) -> provisions: ...
    @overload
    def post(self, path: Literal["/plans/{plan}/figures"], body: figures_new, /, *, headers: Headers | None = ..., **query: Query) -> figures: ...
    @overload
    def post(self, path: Literal["/plans/{plan}/duties"], body: duties_new, /, *, headers: Headers | None = ..., **query: Query) -> duties: ...
    @overload
    def post(self, path: Literal["/plans/{plan}/programmes"], body: programmes_new, /, *, headers: Headers | None = ..., **query: Query) -> programmes: ...
    @overload
    def post(self, path: Literal["/parties"], body: parties_new, /, *, headers: Headers | None = ..., **query: Query) -> parties: ...
    @overload
    def post(self, path: Literal["/fund-sources"], body: fund_sources_new, /, *, headers: Headers | None = ..., **query: Query) -> fund_sources: ...
    @overload
    def post(self, path: Literal["/region-links"], body: region_links_new, /, *, headers: Headers | None = ..., **query: Query) -> region_links: ...
    @overload
    def post(self, path: Literal["/demonstration-members"], body: demonstration_members_new, /, *, headers: Headers | None = ..., **query: Query) -> demonstration_members: ...
    @overload
    def post(self, path: Literal["/demonstration-criteria"], body: demonstration_criteria_new, /, *, headers: Headers | None = ..., **query: Query) -> demonstration_criteria: ...
    @overload
    def post(self, path: Literal["/demonstration-scores"], body: demonstration_scores_new, /, *, headers: Headers | None = ..., **query: Query) -> demonstration_scores: ...
    @overload
    def post(self, path: Literal["/titles"], body: titles_new, /, *, headers: Headers | None = ..., **query: Query) -> titles: ...
    @overload
    def post(self, path: Literal["/compensation-agreements"], body: compensation_agreements_new, /, *, headers: Headers | None = ..., **query: Query) -> compensation_agreements: ...
    @overload
    def post(self, path: Literal["/balances/entries"], body: balance_entries_new, /, *, headers: Headers | None = ..., **query: Query) -> balance_entries: ...
    @overload
    def post(self, path: Literal["/species"], body: species_new, /, *, headers: Headers | None = ..., **query: Query) -> species: ...
    @overload
    def post(self, path: Literal["/layers/{layer}/statistics"], body: dict[str, Any], /, *, headers: Headers | None = ..., **query: Query) -> ClassStatistics | QuantityStatistics: ...
    @overload
    def post(self, path: str, body: Any = ..., /, *, headers: Headers | None = ..., **query: Query) -> Any: ...
    @overload
    def put(self, path: Literal["/plans/{plan}/indicators/{indicator}/targets"], body: TargetsBody, /, *, headers: Headers | None = ..., **query: Query) -> IndicatorTargets: ...
    @overload
    def put(self, path: Literal["/plans/{plan}/duty-reviews/{year}/reports/{duty}/{party}"], body: ReportBody, /, *, headers: Headers | None = ..., **query: Query) -> DutyReviewShown: ...
    @overload
    def put(self, path: Literal["/plans/{plan}/projects/{project}"], body: Membership, /, *, headers: Headers | None = ..., **query: Query) -> None: ...
    @overload
    def put(self, path: Literal["/projects/{project}/measures/{measure}"], body: MeasureBody, /, *, headers: Headers | None = ..., **query: Query) -> MeasureShown: ...
    @overload
    def put(self, path: Literal["/projects/{project}/problems"], body: ProblemsBody, /, *, headers: Headers | None = ..., **query: Query) -> ProjectProblems: ...
    @overload
    def put(self, path: Literal["/projects/{project}/regions"], body: RegionsBody, /, *, headers: Headers | None = ..., **query: Query) -> ProjectRegions: ...
    @overload
    def put(self, path: Literal["/bulletins/{bulletin}/wording"], body: Words, /, *, headers: Headers | None = ..., **query: Query) -> BulletinWording: ...
    @overload
    def put(self, path: Literal["/bulletin-templates/{template}"], body: Template, /, *, headers: Headers | None = ..., **query: Query) -> BulletinTemplate: ...
    @overload
    def put(self, path: Literal["/proposals/{proposal}"], body: ProposalBody, /, *, headers: Headers | None = ..., **query: Query) -> Proposal: ...
    @overload
    def put(self, path: Literal["/notices/{notice}/comments/{comment}/reply"], body: ReplyBody, /, *, headers: Headers | None = ..., **query: Query) -> CommentAnswered: ...
    @overload
    def put(self, path: Literal["/properties/{property}/ranges/{station}"], body: Range, /, *, headers: Headers | None = ..., **query: Query) -> None: ...
    @overload
    def put(self, path: Literal["/alert-rules/{rule}"], body: RuleContents, /, *, headers: Headers | None = ..., **query: Query) -> AlertRule: ...
    @overload
    def put(self, path: Literal["/subscriptions/{number}"], body: SubscriptionContents, /, *, headers: Headers | None = ..., **query: Query) -> Subscription: ...
    @overload
    def put(self, path: Literal["/webhooks/{webhook}"], body: WebhookContents, /, *, headers: Headers | None = ..., **query: Query) -> Webhook: ...
    @overload
    def put(self, path: Literal["/schedules/{schedule}"], body: ScheduleContents, /, *, headers: Headers | None = ..., **query: Query) -> Schedule: ...
    @overload
    def put(self, path: Literal["/uploads/{upload}"], /, *, headers: Headers | None = ..., **query: Query) -> UploadState: ...
    @overload
    def put(self, path: Literal["/collections/regions/items/{code}"], body: regions_new, /, *, headers: Headers | None = ..., **query: Query) -> regions: ...
    @overload
    def put(self, path: Literal["/collections/plans/items/{code}"], body: plans_new, /, *, headers: Headers | None = ..., **query: Query) -> plans: ...
    @overload
    def put(self, path: Literal["/collections/pattern_components/items/{code}"], body: pattern_components_new, /, *, headers: Headers | None = ..., **query: Query) -> pattern_components: ...
    @overload
    def put(self, path: Literal["/collections/corridors/items/{code}"], body: corridors_new, /, *, headers: Headers | None = ..., **query: Query) -> corridors: ...
    @overload
    def put(self, path: Literal["/collections/corridor_nodes/items/{code}"], body: corridor_nodes_new, /, *, headers: Headers | None = ..., **query: Query) -> corridor_nodes: ...
    @overload
    def put(self, path: Literal["/collections/zone_schemes/items/{code}"], body: zone_schemes_new, /, *, headers: Headers | None = ..., **query: Query) -> zone_schemes: ...
    @overload
    def put(self, path: Literal["/collections/zones/items/{code}"], body: zones_new, /, *, headers: Headers | None = ..., **query: Query) -> zones: ...
    @overload
    def put(self, path: Literal["/collections/control_areas/items/{code}"], body: control_areas_new, /, *, headers: Headers | None = ..., **query: Query) -> control_areas: ...
    @overload
    def put(self, path: Literal["/collections/problems/items/{code}"], body: problems_new, /, *, headers: Headers | None = ..., **query: Query) -> problems: ...
    @overload
    def put(self, path: Literal["/collections/named_features/items/{code}"], body: named_features_new, /, *, headers: Headers | None = ..., **query: Query) -> named_features: ...
    @overload
    def put(self, path: Literal["/collections/projects/items/{code}"], body: projects_new, /, *, headers: Headers | None = ..., **query: Query) -> projects: ...
    @overload
    def put(self, path: Literal["/collections/notices/items/{code}"], body: notices_new, /, *, headers: Headers | None = ..., **query: Query) -> notices: ...
    @overload
    def put(self, path: Literal["/collections/mines/items/{code}"], body: mines_new, /, *, headers: Headers | None = ..., **query: Query) -> mines: ...
    @overload
    def put(self, path: Literal["/collections/reclamations/items/{code}"], body: reclamations_new, /, *, headers: Headers | None = ..., **query: Query) -> reclamations: ...
    @overload
    def put(self, path: Literal["/collections/islands/items/{code}"], body: islands_new, /, *, headers: Headers | None = ..., **query: Query) -> islands: ...
    @overload
    def put(self, path: Literal["/collections/outfalls/items/{code}"], body: outfalls_new, /, *, headers: Headers | None = ..., **query: Query) -> outfalls: ...
    @overload
    def put(self, path: Literal["/collections/fishing_harbours/items/{code}"], body: fishing_harbours_new, /, *, headers: Headers | None = ..., **query: Query) -> fishing_harbours: ...
    @overload
    def put(self, path: Literal["/collections/occurrences/items/{code}"], body: occurrences_new, /, *, headers: Headers | None = ..., **query: Query) -> occurrences: ...
    @overload
    def put(self, path: Literal["/collections/stations/items/{code}"], body: stations_new, /, *, headers: Headers | None = ..., **query: Query) -> stations: ...
    @overload
    def put(self, path: Literal["/collections/datasets/items/{code}"], body: datasets_new, /, *, headers: Headers | None = ..., **query: Query) -> datasets: ...
    @overload
    def put(self, path: Literal["/patterns/{code}"], body: patterns_new, /, *, headers: Headers | None = ..., **query: Query) -> patterns: ...
    @overload
    def put(self, path: Literal["/zone-classes/{code}"], body: zone_classes_new, /, *, headers: Headers | None = ..., **query: Query) -> zone_classes: ...
    @overload
    def put(self, path: Literal["/control-rules/{code}"], body: control_rules_new, /, *, headers: Headers | None = ..., **query: Query) -> control_rules: ...
    @overload
    def put(self, path: Literal["/indicators/{code}"], body: indicators_new, /, *, headers: Headers | None = ..., **query: Query) -> indicators: ...
    @overload
    def put(self, path: Literal["/plans/{plan}/indicators/{code}"], body: plan_indicators_new, /, *, headers: Headers | None = ..., **query: Query) -> plan_indicators: ...
    @overload
    def put(self, path: Literal["/plans/{plan}/parts/{code}"], body: plan_parts_new, /, *, headers: Headers | None = ..., **query: Query) -> plan_parts: ...
    @overload
    def put(self, path: Literal["/plans/{plan}/provisions/{code}"], body: provisions_new, /, *, headers: Headers | None = ..., **query: Query) -> provisions: ...
    @overload
    def put(self, path: Literal["/plans/{plan}/figures/{code}"], body: figures_new, /, *, headers: Headers | None = ..., **query: Query) -> figures: ...
    @overload
    def put(self, path: Literal["/plans/{plan}/duties/{code}"], body: duties_new, /, *, headers: Headers | None = ..., **query: Query) -> duties: ...
    @overload
    def put(self, path: Literal["/plans/{plan}/programmes/{code}"], body: programmes_new, /, *, headers: Headers | None = ..., **query: Query) -> programmes: ...
    @overload
    def put(self, path: Literal["/parties/{code}"], body: parties_new, /, *, headers: Headers | None = ..., **query: Query) -> parties: ...
    @overload
    def put(self, path: Literal["/fund-sources/{code}"], body: fund_sources_new, /, *, headers: Headers | None = ..., **query: Query) -> fund_sources: ...
    @overload
    def put(self, path: Literal["/region-links/{code}"], body: region_links_new, /, *, headers: Headers | None = ..., **query: Query) -> region_links: ...
    @overload
    def put(self, path: Literal["/demonstration-members/{code}"], body: demonstration_members_new, /, *, headers: Headers | None = ..., **query: Query) -> demonstration_members: ...
    @overload
    def put(self, path: Literal["/demonstration-criteria/{code}"], body: demonstration_criteria_new, /, *, headers: Headers | None = ..., **query: Query) -> demonstration_criteria: ...
    @overload
    def put(self, path: Literal["/demonstration-scores/{code}"], body: demonstration_scores_new, /, *, headers: Headers | None = ..., **query: Query) -> demonstration_scores: ...
    @overload
    def put(self, path: Literal["/titles/{code}"], body: titles_new, /, *, headers: Headers | None = ..., **query: Query) -> titles: ...
    @overload
    def put(self, path: Literal["/compensation-agreements/{code}"], body: compensation_agreements_new, /, *, headers: Headers | None = ..., **query: Query) -> compensation_agreements: ...
    @overload
    def put(self, path: Literal["/species/{code}"], body: species_new, /, *, headers: Headers | None = ..., **query: Query) -> species: ...
    @overload
    def put(self, path: str, body: Any = ..., /, *, headers: Headers | None = ..., **query: Query) -> Any: ...
    @overload
    def patch(self, path: Literal["/properties/{property}"], body: ChangedProperty, /, *, headers: Headers | None = ..., **query: Query) -> ObservedProperty: ...
    @overload
    def patch(self, path: Literal["/sta/v1.1/{path}"], body: ThingBody | LocationBody | HistoricalLocationBody | DatastreamBody | SensorBody | ObservedPropertyBody | ObservationBody | FeatureBody, /, *, headers: Headers | None = ..., **query: Query) -> SensorThingsThing | SensorThingsLocation | SensorThingsHistoricalLocation | SensorThingsDatastream | SensorThingsSensor | SensorThingsObservedProperty | SensorThingsObservation | SensorThingsFeatureOfInterest: ...
    @overload
    def patch(self, path: Literal["/accounts/{account}"], body: ChangedAccount, /, *, headers: Headers | None = ..., **query: Query) -> Account: ...
    @overload
    def patch(self, path: Literal["/collections/regions/items/{code}"], body: regions_change, /, *, headers: Headers | None = ..., **query: Query) -> regions: ...
    @overload
    def patch(self, path: Literal["/collections/plans/items/{code}"], body: plans_change, /, *, headers: Headers | None = ..., **query: Query) -> plans: ...
    @overload
    def patch(self, path: Literal["/collections/pattern_components/items/{code}"], body: pattern_components_change, /, *, headers: Headers | None = ..., **query: Query) -> pattern_components: ...
    @overload
    def patch(self, path: Literal["/collections/corridors/items/{code}"], body: corridors_change, /, *, headers: Headers | None = ..., **query: Query) -> corridors: ...
    @overload
    def patch(self, path: Literal["/collections/corridor_nodes/items/{code}"], body: corridor_nodes_change, /, *, headers: Headers | None = ..., **query: Query) -> corridor_nodes: ...
    @overload
    def patch(self, path: Literal["/collections/zone_schemes/items/{code}"], body: zone_schemes_change, /, *, headers: Headers | None = ..., **query: Query) -> zone_schemes: ...
    @overload
    def patch(self, path: Literal["/collections/zones/items/{code}"], body: zones_change, /, *, headers: Headers | None = ..., **query: Query) -> zones: ...
    @overload
    def patch(self, path: Literal["/collections/control_areas/items/{code}"], body: control_areas_change, /, *, headers: Headers | None = ..., **query: Query) -> control_areas: ...
    @overload
    def patch(self, path: Literal["/collections/problems/items/{code}"], body: problems_change, /, *, headers: Headers | None = ..., **query: Query) -> problems: ...
    @overload
    def patch(self, path: Literal["/collections/named_features/items/{code}"], body: named_features_change, /, *, headers: Headers | None = ..., **query: Query) -> named_features: ...
    @overload
    def patch(self, path: Literal["/collections/projects/items/{code}"], body: projects_change, /, *, headers: Headers | None = ..., **query: Query) -> projects: ...
    @overload
    def patch(self, path: Literal["/collections/notices/items/{code}"], body: notices_change, /, *, headers: Headers | None = ..., **query: Query) -> notices: ...
    @overload
    def patch(self, path: Literal["/collections/mines/items/{code}"], body: mines_change, /, *, headers: Headers | None = ..., **query: Query) -> mines: ...
    @overload
    def patch(self, path: Literal["/collections/reclamations/items/{code}"], body: reclamations_change, /, *, headers: Headers | None = ..., **query: Query) -> reclamations: ...
    @overload
    def patch(self, path: Literal["/collections/islands/items/{code}"], body: islands_change, /, *, headers: Headers | None = ..., **query: Query) -> islands: ...
    @overload
    def patch(self, path: Literal["/collections/outfalls/items/{code}"], body: outfalls_change, /, *, headers: Headers | None = ..., **query: Query) -> outfalls: ...
    @overload
    def patch(self, path: Literal["/collections/fishing_harbours/items/{code}"], body: fishing_harbours_change, /, *, headers: Headers | None = ..., **query: Query) -> fishing_harbours: ...
    @overload
    def patch(self, path: Literal["/collections/occurrences/items/{code}"], body: occurrences_change, /, *, headers: Headers | None = ..., **query: Query) -> occurrences: ...
    @overload
    def patch(self, path: Literal["/collections/stations/items/{code}"], body: stations_change, /, *, headers: Headers | None = ..., **query: Query) -> stations: ...
    @overload
    def patch(self, path: Literal["/collections/datasets/items/{code}"], body: datasets_change, /, *, headers: Headers | None = ..., **query: Query) -> datasets: ...
    @overload
    def patch(self, path: Literal["/patterns/{code}"], body: patterns_change, /, *, headers: Headers | None = ..., **query: Query) -> patterns: ...
    @overload
    def patch(self, path: Literal["/zone-classes/{code}"], body: zone_classes_change, /, *, headers: Headers | None = ..., **query: Query) -> zone_classes: ...
    @overload
    def patch(self, path: Literal["/control-rules/{code}"], body: control_rules_change, /, *, headers: Headers | None = ..., **query: Query) -> control_rules: ...
    @overload
    def patch(self, path: Literal["/indicators/{code}"], body: indicators_change, /, *, headers: Headers | None = ..., **query: Query) -> indicators: ...
    @overload
    def patch(self, path: Literal["/plans/{plan}/indicators/{code}"], body: plan_indicators_change, /, *, headers: Headers | None = ..., **query: Query) -> plan_indicators: ...
    @overload
    def patch(self, path: Literal["/plans/{plan}/parts/{code}"], body: plan_parts_change, /, *, headers: Headers | None = ..., **query: Query) -> plan_parts: ...
    @overload
    def patch(self, path: Literal["/plans/{plan}/provisions/{code}"], body: provisions_change, /, *, headers: Headers | None = ..., **query: Query) -> provisions: ...
    @overload
    def patch(self, path: Literal["/plans/{plan}/figures/{code}"], body: figures_change, /, *, headers: Headers | None = ..., **query: Query) -> figures: ...
    @overload
    def patch(self, path: Literal["/plans/{plan}/duties/{code}"], body: duties_change, /, *, headers: Headers | None = ..., **query: Query) -> duties: ...
    @overload
    def patch(self, path: Literal["/plans/{plan}/programmes/{code}"], body: programmes_change, /, *, headers: Headers | None = ..., **query: Query) -> programmes: ...
    @overload
    def patch(self, path: Literal["/parties/{code}"], body: parties_change, /, *, headers: Headers | None = ..., **query: Query) -> parties: ...
    @overload
    def patch(self, path: Literal["/fund-sources/{code}"], body: fund_sources_change, /, *, headers: Headers | None = ..., **query: Query) -> fund_sources: ...
    @overload
    def patch(self, path: Literal["/region-links/{code}"], body: region_links_change, /, *, headers: Headers | None = ..., **query: Query) -> region_links: ...
    @overload
    def patch(self, path: Literal["/demonstration-members/{code}"], body: demonstration_members_change, /, *, headers: Headers | None = ..., **query: Query) -> demonstration_members: ...
    @overload
    def patch(self, path: Literal["/demonstration-criteria/{code}"], body: demonstration_criteria_change, /, *, headers: Headers | None = ..., **query: Query) -> demonstration_criteria: ...
    @overload
    def patch(self, path: Literal["/demonstration-scores/{code}"], body: demonstration_scores_change, /, *, headers: Headers | None = ..., **query: Query) -> demonstration_scores: ...
    @overload
    def patch(self, path: Literal["/titles/{code}"], body: titles_change, /, *, headers: Headers | None = ..., **query: Query) -> titles: ...
    @overload
    def patch(self, path: Literal["/compensation-agreements/{code}"], body: compensation_agreements_change, /, *, headers: Headers | None = ..., **query: Query) -> compensation_agreements: ...
    @overload
    def patch(self, path: Literal["/documents/{code}"], body: documents_change, /, *, headers: Headers | None = ..., **query: Query) -> documents: ...
    @overload
    def patch(self, path: Literal["/balances/entries/{code}"], body: balance_entries_change, /, *, headers: Headers | None = ..., **query: Query) -> balance_entries: ...
    @overload
    def patch(self, path: Literal["/species/{code}"], body: species_change, /, *, headers: Headers | None = ..., **query: Query) -> species: ...
    @overload
    def patch(self, path: str, body: Any = ..., /, *, headers: Headers | None = ..., **query: Query) -> Any: ...
    @overload
    def delete(self, path: Literal["/plans/{plan}/projects/{project}"], /, *, headers: Headers | None = ..., **query: Query) -> None: ...
    @overload
    def delete(self, path: Literal["/projects/{project}/measures/{measure}"], /, *, headers: Headers | None = ..., **query: Query) -> None: ...
    @overload
    def delete(self, path: Literal["/cases/{case}/contact"], /, *, headers: Headers | None = ..., **query: Query) -> None: ...
    @overload
    def delete(self, path: Literal["/notices/{notice}/comments/{comment}/contact"], /, *, headers: Headers | None = ..., **query: Query) -> None: ...
    @overload
    def delete(self, path: Literal["/properties/{property}/ranges/{station}"], /, *, headers: Headers | None = ..., **query: Query) -> None: ...
    @overload
    def delete(self, path: Literal["/alert-rules/{rule}"], /, *, headers: Headers | None = ..., **query: Query) -> None: ...
    @overload
    def delete(self, path: Literal["/subscriptions/{number}"], /, *, headers: Headers | None = ..., **query: Query) -> None: ...
    @overload
    def delete(self, path: Literal["/webhooks/{webhook}"], /, *, headers: Headers | None = ..., **query: Query) -> None: ...
    @overload
    def delete(self, path: Literal["/sta/v1.1/{path}"], /, *, headers: Headers | None = ..., **query: Query) -> None: ...
    @overload
    def delete(self, path: Literal["/jobs/{job}"], /, *, headers: Headers | None = ..., **query: Query) -> StatusInfo: ...
    @overload
    def delete(self, path: Literal["/schedules/{schedule}"], /, *, headers: Headers | None = ..., **query: Query) -> None: ...
    @overload
    def delete(self, path: Literal["/uploads/{upload}"], /, *, headers: Headers | None = ..., **query: Query) -> None: ...
    @overload
    def delete(self, path: Literal["/keys/{key}"], /, *, headers: Headers | None = ..., **query: Query) -> None: ...
    @overload
    def delete(self, path: Literal["/accounts/{account}/factor"], /, *, headers: Headers | None = ..., **query: Query) -> None: ...
    @overload
    def delete(self, path: Literal["/accounts/{account}/sessions"], /, *, headers: Headers | None = ..., **query: Query) -> None: ...
    @overload
    def delete(self, path: Literal["/collections/regions/items/{code}"], /, *, headers: Headers | None = ..., **query: Query) -> None: ...
    @overload
    def delete(self, path: Literal["/collections/plans/items/{code}"], /, *, headers: Headers | None = ..., **query: Query) -> None: ...
    @overload
    def delete(self, path: Literal["/collections/pattern_components/items/{code}"], /, *, headers: Headers | None = ..., **query: Query) -> None: ...
    @overload
    def delete(self, path: Literal["/collections/corridors/items/{code}"], /, *, headers: Headers | None = ..., **query: Query) -> None: ...
    @overload
    def delete(self, path: Literal["/collections/corridor_nodes/items/{code}"], /, *, headers: Headers | None = ..., **query: Query) -> None: ...
    @overload
    def delete(self, path: Literal["/collections/zone_schemes/items/{code}"], /, *, headers: Headers | None = ..., **query: Query) -> None: ...
    @overload
    def delete(self, path: Literal["/collections/zones/items/{code}"], /, *, headers: Headers | None = ..., **query: Query) -> None: ...
    @overload
    def delete(self, path: Literal["/collections/control_areas/items/{code}"], /, *, headers: Headers | None = ..., **query: Query) -> None: ...
    @overload
    def delete(self, path: Literal["/collections/problems/items/{code}"], /, *, headers: Headers | None = ..., **query: Query) -> None: ...
    @overload
    def delete(self, path: Literal["/collections/named_features/items/{code}"], /, *, headers: Headers | None = ..., **query: Query) -> None: ...
    @overload
    def delete(self, path: Literal["/collections/projects/items/{code}"], /, *, headers: Headers | None = ..., **query: Query) -> None: ...
    @overload
    def delete(self, path: Literal["/collections/notices/items/{code}"], /, *, headers: Headers | None = ..., **query: Query) -> None: ...
    @overload
    def delete(self, path: Literal["/collections/mines/items/{code}"], /, *, headers: Headers | None = ..., **query: Query) -> None: ...
    @overload
    def delete(self, path: Literal["/collections/reclamations/items/{code}"], /, *, headers: Headers | None = ..., **query: Query) -> None: ...
    @overload
    def delete(self, path: Literal["/collections/islands/items/{code}"], /, *, headers: Headers | None = ..., **query: Query) -> None: ...
    @overload
    def delete(self, path: Literal["/collections/outfalls/items/{code}"], /, *, headers: Headers | None = ..., **query: Query) -> None: ...
    @overload
    def delete(self, path: Literal["/collections/fishing_harbours/items/{code}"], /, *, headers: Headers | None = ..., **query: Query) -> None: ...
    @overload
    def delete(self, path: Literal["/collections/occurrences/items/{code}"], /, *, headers: Headers | None = ..., **query: Query) -> None: ...
    @overload
    def delete(self, path: Literal["/collections/stations/items/{code}"], /, *, headers: Headers | None = ..., **query: Query) -> None: ...
    @overload
    def delete(self, path: Literal["/collections/datasets/items/{code}"], /, *, headers: Headers | None = ..., **query: Query) -> None: ...
    @overload
    def delete(self, path: Literal["/patterns/{code}"], /, *, headers: Headers | None = ..., **query: Query) -> None: ...
    @overload
    def delete(self, path: Literal["/zone-classes/{code}"], /, *, headers: Headers | None = ..., **query: Query) -> None: ...
    @overload
    def delete(self, path: Literal["/control-rules/{code}"], /, *, headers: Headers | None = ..., **query: Query) -> None: ...
    @overload
    def delete(self, path: Literal["/indicators/{code}"], /, *, headers: Headers | None = ..., **query: Query) -> None: ...
    @overload
    def delete(self, path: Literal["/plans/{plan}/indicators/{code}"], /, *, headers: Headers | None = ..., **query: Query) -> None: ...
    @overload
    def delete(self, path: Literal["/plans/{plan}/parts/{code}"], /, *, headers: Headers | None = ..., **query: Query) -> None: ...
    @overload
    def delete(self, path: Literal["/plans/{plan}/provisions/{code}"], /, *, headers: Headers | None = ..., **query: Query) -> None: ...
    @overload
    def delete(self, path: Literal["/plans/{plan}/figures/{code}"], /, *, headers: Headers | None = ..., **query: Query) -> None: ...
    @overload
    def delete(self, path: Literal["/plans/{plan}/duties/{code}"], /, *, headers: Headers | None = ..., **query: Query) -> None: ...
    @overload
    def delete(self, path: Literal["/plans/{plan}/programmes/{code}"], /, *, headers: Headers | None = ..., **query: Query) -> None: ...
    @overload
    def delete(self, path: Literal["/parties/{code}"], /, *, headers: Headers | None = ..., **query: Query) -> None: ...
    @overload
    def delete(self, path: Literal["/fund-sources/{code}"], /, *, headers: Headers | None = ..., **query: Query) -> None: ...
    @overload
    def delete(self, path: Literal["/region-links/{code}"], /, *, headers: Headers | None = ..., **query: Query) -> None: ...
    @overload
    def delete(self, path: Literal["/demonstration-members/{code}"], /, *, headers: Headers | None = ..., **query: Query) -> None: ...
    @overload
    def delete(self, path: Literal["/demonstration-criteria/{code}"], /, *, headers: Headers | None = ..., **query: Query) -> None: ...
    @overload
    def delete(self, path: Literal["/demonstration-scores/{code}"], /, *, headers: Headers | None = ..., **query: Query) -> None: ...
    @overload
    def delete(self, path: Literal["/titles/{code}"], /, *, headers: Headers | None = ..., **query: Query) -> None: ...
    @overload
    def delete(self, path: Literal["/compensation-agreements/{code}"], /, *, headers: Headers | None = ..., **query: Query) -> None: ...
    @overload
    def delete(self, path: Literal["/documents/{code}"], /, *, headers: Headers | None = ..., **query: Query) -> None: ...
    @overload
    def delete(self, path: Literal["/species/{code}"], /, *, headers: Headers | None = ..., **query: Query) -> None: ...
    @overload
    def delete(self, path: str, /, *, headers: Headers | None = ..., **query: Query) -> Any: ...
class AsyncPaths:
    @overload
    def get(self, path: Literal["/observations"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[ObservationPage]: ...
    @overload
    def get(self, path: Literal["/open-data"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[OpenDataPage]: ...
    @overload
    def get(self, path: Literal["/disclosure"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[DisclosureList]: ...
    @overload
    def get(self, path: Literal["/collections/{collection}"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[CollectionDescription]: ...
    @overload
    def get(self, path: Literal["/collections/{collection}/schema"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[FeatureSchema]: ...
    @overload
    def get(self, path: Literal["/collections/{collection}/queryables"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[FeatureSchema]: ...
    @overload
    def get(self, path: Literal["/collections/{collection}/sortables"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[FeatureSchema]: ...
    @overload
    def get(self, path: Literal["/ecoservices"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[Ecoservices]: ...
    @overload
    def get(self, path: Literal["/identify"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[FeaturesAtPoint]: ...
    @overload
    def get(self, path: Literal["/changes"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[Changes]: ...
    @overload
    def get(self, path: Literal["/regions/{code}/tree"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[RegionTreeShown]: ...
    @overload
    def get(self, path: Literal["/plans/{code}/tree"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[PlanTreeShown]: ...
    @overload
    def get(self, path: Literal["/patterns/{code}/tree"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[PatternTreeShown]: ...
    @overload
    def get(self, path: Literal["/region-links/{code}/chain"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[WaterChain]: ...
    @overload
    def get(self, path: Literal["/regions/{code}/dossier"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[RegionDossier]: ...
    @overload
    def get(self, path: Literal["/regions/{region}/species"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[SpeciesOfRegion]: ...
    @overload
    def get(self, path: Literal["/zone-schemes/{code}/topology"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[ZoningTopology]: ...
    @overload
    def get(self, path: Literal["/zone-schemes/{code}/compare"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[ZoningsCompared]: ...
    @overload
    def get(self, path: Literal["/zone-schemes/{code}/differences"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[ZoningDifferences]: ...
    @overload
    def get(self, path: Literal["/zone-schemes/{code}/adjustments"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[ZoningAdjustments]: ...
    @overload
    def get(self, path: Literal["/plans/{plan}/indicators/{indicator}/targets"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[IndicatorTargets]: ...
    @overload
    def get(self, path: Literal["/plans/{plan}/indicators/{indicator}/values"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[IndicatorValues]: ...
    @overload
    def get(self, path: Literal["/plans/{plan}/progress"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[PlanProgress]: ...
    @overload
    def get(self, path: Literal["/plans/{plan}/conformance"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[PlanConformance]: ...
    @overload
    def get(self, path: Literal["/plans/{plan}/evaluation"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[PlanEvaluation]: ...
    @overload
    def get(self, path: Literal["/plans/{plan}/evaluations"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[StoredEvaluations]: ...
    @overload
    def get(self, path: Literal["/plans/{plan}/evaluations/{evaluation}"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[StoredEvaluation]: ...
    @overload
    def get(self, path: Literal["/plans/{plan}/duty-board"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[DutyBoard]: ...
    @overload
    def get(self, path: Literal["/plans/{plan}/duty-reviews"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[DutyReviews]: ...
    @overload
    def get(self, path: Literal["/plans/{plan}/duty-reviews/{year}"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[DutyReviewShown]: ...
    @overload
    def get(self, path: Literal["/plans/{plan}/approvals"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[PlanApprovals]: ...
    @overload
    def get(self, path: Literal["/plans/{plan}/editions"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[PlanEditions]: ...
    @overload
    def get(self, path: Literal["/plans/{plan}/compare"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[EditionComparison]: ...
    @overload
    def get(self, path: Literal["/plans/{plan}/projects"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[EditionProjects]: ...
    @overload
    def get(self, path: Literal["/plans/{plan}/totals"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[PlanTotals]: ...
    @overload
    def get(self, path: Literal["/plans/{plan}/funds"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[PlanFunds]: ...
    @overload
    def get(self, path: Literal["/plans/{plan}/results"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[PlanResults]: ...
    @overload
    def get(self, path: Literal["/plans/{plan}/coverage"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[PlanCoverage]: ...
    @overload
    def get(self, path: Literal["/plans/{plan}/timetable"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[PlanTimetable]: ...
    @overload
    def get(self, path: Literal["/projects/reserve"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[ProjectReserve]: ...
    @overload
    def get(self, path: Literal["/projects/{project}"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[ProjectDossier]: ...
    @overload
    def get(self, path: Literal["/projects/{project}/transitions"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[ProjectSteps]: ...
    @overload
    def get(self, path: Literal["/projects/{project}/events"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[ProjectEvents]: ...
    @overload
    def get(self, path: Literal["/projects/{project}/events/{seq}"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[ProjectEventShown]: ...
    @overload
    def get(self, path: Literal["/projects/{project}/measures"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[Measures]: ...
    @overload
    def get(self, path: Literal["/projects/{project}/measures/{measure}"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[MeasureShown]: ...
    @overload
    def get(self, path: Literal["/projects/{project}/funds"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[ProjectLedger]: ...
    @overload
    def get(self, path: Literal["/projects/{project}/effect"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[ProjectEffectShown]: ...
    @overload
    def get(self, path: Literal["/balances"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[RegionalBalances]: ...
    @overload
    def get(self, path: Literal["/projects/{project}/balance"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[ProjectBalanceShown]: ...
    @overload
    def get(self, path: Literal["/compensation-agreements/{agreement}/settlements"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[SettlementList]: ...
    @overload
    def get(self, path: Literal["/compensation-agreements/{agreement}/settlements/{year}"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[SettlementShown]: ...
    @overload
    def get(self, path: Literal["/projects/{project}/documents"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[ProjectDocuments]: ...
    @overload
    def get(self, path: Literal["/mines/stock"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[MineStock]: ...
    @overload
    def get(self, path: Literal["/mines/{mine}/deposits"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[MineFund]: ...
    @overload
    def get(self, path: Literal["/mines/{mine}/reports"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[MineReports]: ...
    @overload
    def get(self, path: Literal["/plans/{plan}/findings"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[PlanFindings]: ...
    @overload
    def get(self, path: Literal["/compliance/check"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[ComplianceCheck]: ...
    @overload
    def get(self, path: Literal["/compliance/activities"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[ActivityList]: ...
    @overload
    def get(self, path: Literal["/compliance/exceptions"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[RuleExceptions]: ...
    @overload
    def get(self, path: Literal["/compliance/exceptions/{exception}"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[RuleException]: ...
    @overload
    def get(self, path: Literal["/compliance/exception-requests"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[RuleExceptionRequests]: ...
    @overload
    def get(self, path: Literal["/compliance/exception-requests/{exception_request}"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[RuleExceptionRequest]: ...
    @overload
    def get(self, path: Literal["/regions/{region}/lines"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[LineRegister]: ...
    @overload
    def get(self, path: Literal["/bulletins"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[Bulletins]: ...
    @overload
    def get(self, path: Literal["/bulletins/{bulletin}"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[Bulletin]: ...
    @overload
    def get(self, path: Literal["/bulletins/{bulletin}/wording"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[BulletinWording]: ...
    @overload
    def get(self, path: Literal["/bulletin-templates"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[BulletinTemplates]: ...
    @overload
    def get(self, path: Literal["/bulletin-templates/{template}"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[BulletinTemplate]: ...
    @overload
    def get(self, path: Literal["/bulletin-templates/{template}/versions"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[TemplateVersions]: ...
    @overload
    def get(self, path: Literal["/complaints"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[ComplaintForm]: ...
    @overload
    def get(self, path: Literal["/complaints/challenge"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[WorkChallenge]: ...
    @overload
    def get(self, path: Literal["/cases/{case}/complaint"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[CaseComplaint]: ...
    @overload
    def get(self, path: Literal["/cases/{case}/contact"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[CommentContact]: ...
    @overload
    def get(self, path: Literal["/cases/statistics"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[CaseStatistics]: ...
    @overload
    def get(self, path: Literal["/cases/{case}"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[Case]: ...
    @overload
    def get(self, path: Literal["/proposals/blank"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[BlankProposal]: ...
    @overload
    def get(self, path: Literal["/plans/{plan}/suggestions"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[Suggestions]: ...
    @overload
    def get(self, path: Literal["/proposals/{proposal}"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[Proposal]: ...
    @overload
    def get(self, path: Literal["/notices"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[NoticeList]: ...
    @overload
    def get(self, path: Literal["/notices/{notice}"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[NoticePage]: ...
    @overload
    def get(self, path: Literal["/notices/{notice}/challenge"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[WorkChallenge]: ...
    @overload
    def get(self, path: Literal["/notices/{notice}/comments"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[CommentList]: ...
    @overload
    def get(self, path: Literal["/notices/{notice}/comments/{comment}/contact"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[CommentContact]: ...
    @overload
    def get(self, path: Literal["/notices/{notice}/summary"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[NoticeSummaryShown]: ...
    @overload
    def get(self, path: Literal["/observations/refused"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[Refusals]: ...
    @overload
    def get(self, path: Literal["/stations/{station}/observations"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[StationObservations]: ...
    @overload
    def get(self, path: Literal["/properties"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[ObservedProperties]: ...
    @overload
    def get(self, path: Literal["/properties/{property}"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[ObservedProperty]: ...
    @overload
    def get(self, path: Literal["/alert-rules"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[AlertRules]: ...
    @overload
    def get(self, path: Literal["/alert-rules/{rule}"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[AlertRule]: ...
    @overload
    def get(self, path: Literal["/alerts"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[Alerts]: ...
    @overload
    def get(self, path: Literal["/alerts/{alert}"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[Alert]: ...
    @overload
    def get(self, path: Literal["/subscriptions"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[Subscriptions]: ...
    @overload
    def get(self, path: Literal["/subscriptions/{number}"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[Subscription]: ...
    @overload
    def get(self, path: Literal["/subscriptions/{number}/deliveries"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[Mails]: ...
    @overload
    def get(self, path: Literal["/unsubscribe"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[Unsubscribing]: ...
    @overload
    def get(self, path: Literal["/webhooks"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[Webhooks]: ...
    @overload
    def get(self, path: Literal["/webhooks/{webhook}"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[Webhook]: ...
    @overload
    def get(self, path: Literal["/webhooks/{webhook}/deliveries"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[WebhookDeliveries]: ...
    @overload
    def get(self, path: Literal["/webhooks/{webhook}/deliveries/{delivery}"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[WebhookDelivery]: ...
    @overload
    def get(self, path: Literal["/sta/v1.1"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[SensorThingsIndex]: ...
    @overload
    def get(self, path: Literal["/sta/v1.1/{path}"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[SensorThingsThing | SensorThingsLocation | SensorThingsHistoricalLocation | SensorThingsDatastream | SensorThingsSensor | SensorThingsObservedProperty | SensorThingsObservation | SensorThingsFeatureOfInterest | SensorThingsThings | SensorThingsLocations | SensorThingsHistoricalLocations | SensorThingsDatastreams | SensorThingsSensors | SensorThingsObservedProperties | SensorThingsObservations | SensorThingsFeaturesOfInterest | SensorThingsDataArrays | SensorThingsReferences | SensorThingsMember | float]: ...
    @overload
    def get(self, path: Literal["/processes"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[ProcessList]: ...
    @overload
    def get(self, path: Literal["/processes/{process}"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[ProcessDescription]: ...
    @overload
    def get(self, path: Literal["/jobs"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[Jobs]: ...
    @overload
    def get(self, path: Literal["/jobs/{job}"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[StatusInfo]: ...
    @overload
    def get(self, path: Literal["/jobs/{job}/inputs"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[JobInputs]: ...
    @overload
    def get(self, path: Literal["/jobs/{job}/manifest"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[Manifest]: ...
    @overload
    def get(self, path: Literal["/jobs/{job}/events"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[StatusInfo]: ...
    @overload
    def get(self, path: Literal["/schedules"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[Schedules]: ...
    @overload
    def get(self, path: Literal["/schedules/{schedule}"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[Schedule]: ...
    @overload
    def get(self, path: Literal["/schedules/{schedule}/runs"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[ScheduleRuns]: ...
    @overload
    def get(self, path: Literal["/uploads"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[Uploads]: ...
    @overload
    def get(self, path: Literal["/uploads/{upload}"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[UploadState]: ...
    @overload
    def get(self, path: Literal["/keys"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[Keys]: ...
    @overload
    def get(self, path: Literal["/keys/{key}"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[Key]: ...
    @overload
    def get(self, path: Literal["/accounts"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[Accounts]: ...
    @overload
    def get(self, path: Literal["/accounts/{account}"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[Account]: ...
    @overload
    def get(self, path: Literal["/session/login"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[LoginWays]: ...
    @overload
    def get(self, path: Literal["/session/callback"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[SessionBegun]: ...
    @overload
    def get(self, path: Literal["/session/start"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[LinkOffered]: ...
    @overload
    def get(self, path: Literal["/session"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[OwnAccount]: ...
    @overload
    def get(self, path: Literal["/audit"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[AuditEntries]: ...
    @overload
    def get(self, path: Literal["/actors"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[Actors]: ...
    @overload
    def get(self, path: Literal["/system"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[SystemTold]: ...
    @overload
    def get(self, path: Literal["/health"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[HealthTold]: ...
    @overload
    def get(self, path: Literal["/collections/regions/items/{code}"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[regions]: ...
    @overload
    def get(self, path: Literal["/collections/regions/items/{code}/compare"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[DayComparison]: ...
    @overload
    def get(self, path: Literal["/collections/plans/items/{code}"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[plans]: ...
    @overload
    def get(self, path: Literal["/collections/plans/items/{code}/compare"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[DayComparison]: ...
    @overload
    def get(self, path: Literal["/collections/pattern_components/items/{code}"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[pattern_components]: ...
    @overload
    def get(self, path: Literal["/collections/pattern_components/items/{code}/compare"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[DayComparison]: ...
    @overload
    def get(self, path: Literal["/collections/corridors/items/{code}"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[corridors]: ...
    @overload
    def get(self, path: Literal["/collections/corridors/items/{code}/compare"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[DayComparison]: ...
    @overload
    def get(self, path: Literal["/collections/corridor_nodes/items/{code}"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[corridor_nodes]: ...
    @overload
    def get(self, path: Literal["/collections/corridor_nodes/items/{code}/compare"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[DayComparison]: ...
    @overload
    def get(self, path: Literal["/collections/zone_schemes/items/{code}"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[zone_schemes]: ...
    @overload
    def get(self, path: Literal["/collections/zone_schemes/items/{code}/compare"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[DayComparison]: ...
    @overload
    def get(self, path: Literal["/collections/zones/items/{code}"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[zones]: ...
    @overload
    def get(self, path: Literal["/collections/zones/items/{code}/compare"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[DayComparison]: ...
    @overload
    def get(self, path: Literal["/collections/control_areas/items/{code}"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[control_areas]: ...
    @overload
    def get(self, path: Literal["/collections/control_areas/items/{code}/compare"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[DayComparison]: ...
    @overload
    def get(self, path: Literal["/collections/problems/items/{code}"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[problems]: ...
    @overload
    def get(self, path: Literal["/collections/problems/items/{code}/compare"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[DayComparison]: ...
    @overload
    def get(self, path: Literal["/collections/named_features/items/{code}"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[named_features]: ...
    @overload
    def get(self, path: Literal["/collections/named_features/items/{code}/compare"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[DayComparison]: ...
    @overload
    def get(self, path: Literal["/collections/projects/items/{code}"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[projects]: ...
    @overload
    def get(self, path: Literal["/collections/projects/items/{code}/compare"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[DayComparison]: ...
    @overload
    def get(self, path: Literal["/collections/notices/items/{code}"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[notices]: ...
    @overload
    def get(self, path: Literal["/collections/notices/items/{code}/compare"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[DayComparison]: ...
    @overload
    def get(self, path: Literal["/collections/mines/items/{code}"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[mines]: ...
    @overload
    def get(self, path: Literal["/collections/mines/items/{code}/compare"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[DayComparison]: ...
    @overload
    def get(self, path: Literal["/collections/reclamations/items/{code}"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[reclamations]: ...
    @overload
    def get(self, path: Literal["/collections/reclamations/items/{code}/compare"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[DayComparison]: ...
    @overload
    def get(self, path: Literal["/collections/islands/items/{code}"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[islands]: ...
    @overload
    def get(self, path: Literal["/collections/islands/items/{code}/compare"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[DayComparison]: ...
    @overload
    def get(self, path: Literal["/collections/outfalls/items/{code}"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[outfalls]: ...
    @overload
    def get(self, path: Literal["/collections/outfalls/items/{code}/compare"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[DayComparison]: ...
    @overload
    def get(self, path: Literal["/collections/fishing_harbours/items/{code}"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[fishing_harbours]: ...
    @overload
    def get(self, path: Literal["/collections/fishing_harbours/items/{code}/compare"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[DayComparison]: ...
    @overload
    def get(self, path: Literal["/collections/occurrences/items/{code}"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[occurrences]: ...
    @overload
    def get(self, path: Literal["/collections/occurrences/items/{code}/compare"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[DayComparison]: ...
    @overload
    def get(self, path: Literal["/collections/stations/items/{code}"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[stations]: ...
    @overload
    def get(self, path: Literal["/collections/stations/items/{code}/compare"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[DayComparison]: ...
    @overload
    def get(self, path: Literal["/collections/datasets/items/{code}"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[datasets]: ...
    @overload
    def get(self, path: Literal["/collections/datasets/items/{code}/compare"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[DayComparison]: ...
    @overload
    def get(self, path: Literal["/patterns/{code}"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[patterns]: ...
    @overload
    def get(self, path: Literal["/zone-classes/{code}"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[zone_classes]: ...
    @overload
    def get(self, path: Literal["/control-rules/{code}"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[control_rules]: ...
    @overload
    def get(self, path: Literal["/indicators/{code}"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[indicators]: ...
    @overload
    def get(self, path: Literal["/plans/{plan}/indicators/{code}"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[plan_indicators]: ...
    @overload
    def get(self, path: Literal["/plans/{plan}/parts/{code}"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[plan_parts]: ...
    @overload
    def get(self, path: Literal["/plans/{plan}/provisions/{code}"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[provisions]: ...
    @overload
    def get(self, path: Literal["/plans/{plan}/figures/{code}"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[figures]: ...
    @overload
    def get(self, path: Literal["/plans/{plan}/duties/{code}"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[duties]: ...
    @overload
    def get(self, path: Literal["/plans/{plan}/programmes/{code}"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[programmes]: ...
    @overload
    def get(self, path: Literal["/parties/{code}"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[parties]: ...
    @overload
    def get(self, path: Literal["/fund-sources/{code}"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[fund_sources]: ...
    @overload
    def get(self, path: Literal["/region-links/{code}"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[region_links]: ...
    @overload
    def get(self, path: Literal["/demonstration-members/{code}"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[demonstration_members]: ...
    @overload
    def get(self, path: Literal["/demonstration-criteria/{code}"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[demonstration_criteria]: ...
    @overload
    def get(self, path: Literal["/demonstration-scores/{code}"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[demonstration_scores]: ...
    @overload
    def get(self, path: Literal["/titles/{code}"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[titles]: ...
    @overload
    def get(self, path: Literal["/compensation-agreements/{code}"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[compensation_agreements]: ...
    @overload
    def get(self, path: Literal["/documents/{code}"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[documents]: ...
    @overload
    def get(self, path: Literal["/balances/entries/{code}"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[balance_entries]: ...
    @overload
    def get(self, path: Literal["/species/{code}"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[species]: ...
    @overload
    def get(self, path: Literal["/tileMatrixSets"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[TileMatrixSetList]: ...
    @overload
    def get(self, path: Literal["/tileMatrixSets/{tms}"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[TileMatrixSetDescription]: ...
    @overload
    def get(self, path: Literal["/layers"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[LayerList]: ...
    @overload
    def get(self, path: Literal["/layers/{layer}"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[RasterDescription | VectorDescription]: ...
    @overload
    def get(self, path: Literal["/layers/{layer}/tilejson.json"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[TileJson]: ...
    @overload
    def get(self, path: Literal["/layers/{layer}/style.json"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[MapStyle]: ...
    @overload
    def get(self, path: Literal["/layers/{layer}/legend.json"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[LayerLegend]: ...
    @overload
    def get(self, path: Literal["/layers/{layer}/point"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[PointValue | PointFeatures]: ...
    @overload
    def get(self, path: Literal["/layers/{layer}/statistics"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[ClassStatistics | QuantityStatistics]: ...
    @overload
    def get(self, path: Literal["/collections/{layer}"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[LayerCollection]: ...
    @overload
    def get(self, path: Literal["/collections/{layer}/tiles"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[TilesetList]: ...
    @overload
    def get(self, path: Literal["/collections/{layer}/tiles/{tileMatrixSetId}"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[TilesetDescription]: ...
    @overload
    def get(self, path: Literal["/collections/{layer}/map/tiles"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[TilesetList]: ...
    @overload
    def get(self, path: Literal["/collections/{layer}/map/tiles/{tileMatrixSetId}"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[TilesetDescription]: ...
    @overload
    def get(self, path: Literal["/tiles"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[TilesetList]: ...
    @overload
    def get(self, path: Literal["/tiles/{tileMatrixSetId}"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[TilesetDescription]: ...
    @overload
    def get(self, path: Literal["/wmts"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[PointValue | PointFeatures]: ...
    @overload
    def get(self, path: Literal["/wmts/1.0.0/{layer}/{style}/{matrix_set}/{matrix}/{row}/{column}/{j}/{i}.{suffix}"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[PointValue | PointFeatures]: ...
    @overload
    def get(self, path: str, /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[Any]: ...
    @overload
    def post(self, path: Literal["/observations"], body: dict[str, Any] | list[dict[str, Any]], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[ObservationReceipt]: ...
    @overload
    def post(self, path: Literal["/processes/{process}/execution"], body: dict[str, Any], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[StatusInfo | dict[str, Any]]: ...
    @overload
    def post(self, path: Literal["/zone-schemes/{code}/versions"], body: NewVersion, /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[VersionBegun]: ...
    @overload
    def post(self, path: Literal["/zone-schemes/{code}/adjustments"], body: Adjustment, /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[AreaAdjusted]: ...
    @overload
    def post(self, path: Literal["/zone-schemes/{code}/splits"], body: Splitting, /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[ZonesLeft]: ...
    @overload
    def post(self, path: Literal["/zone-schemes/{code}/mergers"], body: Merging, /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[ZonesLeft]: ...
    @overload
    def post(self, path: Literal["/plans/{plan}/indicators/{indicator}/values"], body: ValueBody, /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[ValueRecorded]: ...
    @overload
    def post(self, path: Literal["/plans/{plan}/evaluations"], body: EvaluationBody, /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[StoredEvaluation]: ...
    @overload
    def post(self, path: Literal["/plans/{plan}/duty-reviews"], body: NewReview, /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[DutyReviewShown]: ...
    @overload
    def post(self, path: Literal["/plans/{plan}/duty-reviews/{year}/reports/{duty}/{party}/judgement"], body: JudgementBody, /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[DutyReviewShown]: ...
    @overload
    def post(self, path: Literal["/plans/{plan}/duty-reviews/{year}/freeze"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[DutyReviewShown]: ...
    @overload
    def post(self, path: Literal["/plans/{plan}/approvals"], body: DecisionBody, /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[PlanApprovals]: ...
    @overload
    def post(self, path: Literal["/plans/{plan}/editions"], body: NewEdition, /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[EditionBegun]: ...
    @overload
    def post(self, path: Literal["/projects/{project}/transitions"], body: TransitionBody, /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[ProjectStepTaken]: ...
    @overload
    def post(self, path: Literal["/projects/{project}/measures"], body: NewMeasureBody, /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[MeasureShown]: ...
    @overload
    def post(self, path: Literal["/projects/{project}/funds"], body: FundEntryBody, /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[LedgerLineMade]: ...
    @overload
    def post(self, path: Literal["/compensation-agreements/{agreement}/settlements"], body: NewSettlement, /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[SettlementShown]: ...
    @overload
    def post(self, path: Literal["/compensation-agreements/{agreement}/settlements/{year}/steps"], body: SettlementStepBody, /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[SettlementShown]: ...
    @overload
    def post(self, path: Literal["/compensation-agreements/{agreement}/what-if"], body: TrialBody, /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[TrialShown]: ...
    @overload
    def post(self, path: Literal["/projects/{project}/documents"], body: Any = ..., /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[ProjectDocument]: ...
    @overload
    def post(self, path: Literal["/mines/{mine}/deposits"], body: DepositBody, /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[DepositMade]: ...
    @overload
    def post(self, path: Literal["/mines/{mine}/reports"], body: MineReportBody, /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[MineReportMade]: ...
    @overload
    def post(self, path: Literal["/plans/{plan}/findings"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[PlanChecked]: ...
    @overload
    def post(self, path: Literal["/compliance/opinion"], body: OpinionBody, /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[Any]: ...
    @overload
    def post(self, path: Literal["/compliance/exceptions"], body: ExceptionBody, /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[RuleException]: ...
    @overload
    def post(self, path: Literal["/compliance/exceptions/{exception}/revoke"], body: RevokeBody, /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[RuleException]: ...
    @overload
    def post(self, path: Literal["/compliance/exception-requests"], body: ExceptionRequestBody, /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[RuleExceptionRequest]: ...
    @overload
    def post(self, path: Literal["/compliance/exception-requests/{exception_request}/grant"], body: GrantBody, /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[RuleExceptionRequest]: ...
    @overload
    def post(self, path: Literal["/compliance/exception-requests/{exception_request}/refuse"], body: RevokeBody, /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[RuleExceptionRequest]: ...
    @overload
    def post(self, path: Literal["/compliance/exception-requests/{exception_request}/withdraw"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[RuleExceptionRequest]: ...
    @overload
    def post(self, path: Literal["/bulletins/{bulletin}/publish"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[Bulletin]: ...
    @overload
    def post(self, path: Literal["/bulletins/{bulletin}/wording/preview"], body: Words, /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[Any]: ...
    @overload
    def post(self, path: Literal["/bulletin-templates/preview"], body: Template, /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[Any]: ...
    @overload
    def post(self, path: Literal["/complaints"], body: NewComplaint, /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[ComplaintKept]: ...
    @overload
    def post(self, path: Literal["/complaints/photos"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[PhotoKept]: ...
    @overload
    def post(self, path: Literal["/cases"], body: dict[str, Any], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[LeadResults]: ...
    @overload
    def post(self, path: Literal["/cases/{case}/transitions"], body: CaseStepBody, /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[StepTaken]: ...
    @overload
    def post(self, path: Literal["/cases/{case}/documents"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[CaseDocument]: ...
    @overload
    def post(self, path: Literal["/proposals"], body: ProposalBody, /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[Proposal]: ...
    @overload
    def post(self, path: Literal["/proposals/{proposal}/transitions"], body: ProposalStepBody, /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[Proposal]: ...
    @overload
    def post(self, path: Literal["/notices/{notice}/comments"], body: PublicComment, /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[CommentKept]: ...
    @overload
    def post(self, path: Literal["/notices/{notice}/summary"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[NoticeSummaryShown]: ...
    @overload
    def post(self, path: Literal["/receipts"], body: ReceiptBody, /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[ReceiptShown]: ...
    @overload
    def post(self, path: Literal["/properties"], body: NewProperty, /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[ObservedProperty]: ...
    @overload
    def post(self, path: Literal["/alert-rules"], body: NewRule, /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[AlertRule]: ...
    @overload
    def post(self, path: Literal["/alerts/{alert}/acknowledge"], body: AlertNote, /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[Alert]: ...
    @overload
    def post(self, path: Literal["/alerts/{alert}/comments"], body: AlertNote, /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[Alert]: ...
    @overload
    def post(self, path: Literal["/alerts/{alert}/close"], body: AlertNote, /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[Alert]: ...
    @overload
    def post(self, path: Literal["/subscriptions"], body: SubscriptionContents, /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[Subscription]: ...
    @overload
    def post(self, path: Literal["/subscriptions/{number}/test"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[Subscription]: ...
    @overload
    def post(self, path: Literal["/unsubscribe"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[Unsubscribing]: ...
    @overload
    def post(self, path: Literal["/webhooks"], body: WebhookContents, /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[Webhook]: ...
    @overload
    def post(self, path: Literal["/webhooks/{webhook}/rotate"], body: SecretRotation, /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[Webhook]: ...
    @overload
    def post(self, path: Literal["/webhooks/{webhook}/test"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[WebhookDelivery]: ...
    @overload
    def post(self, path: Literal["/webhooks/{webhook}/deliveries/{delivery}/redeliver"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[WebhookDelivery]: ...
    @overload
    def post(self, path: Literal["/sta/v1.1/{path}"], body: ThingBody | LocationBody | HistoricalLocationBody | DatastreamBody | SensorBody | ObservedPropertyBody | ObservationBody | FeatureBody | list[DataArray], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[SensorThingsThing | SensorThingsLocation | SensorThingsHistoricalLocation | SensorThingsDatastream | SensorThingsSensor | SensorThingsObservedProperty | SensorThingsObservation | SensorThingsFeatureOfInterest | list[str]]: ...
    @overload
    def post(self, path: Literal["/jobs/{job}/retry"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[StatusInfo]: ...
    @overload
    def post(self, path: Literal["/schedules"], body: NewSchedule, /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[Schedule]: ...
    @overload
    def post(self, path: Literal["/uploads"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[UploadState]: ...
    @overload
    def post(self, path: Literal["/keys"], body: NewKey, /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[Key]: ...
    @overload
    def post(self, path: Literal["/keys/{key}/rotate"], body: KeyRotation, /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[Key]: ...
    @overload
    def post(self, path: Literal["/tile-tokens"], body: NewTileToken, /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[OpenedLayers]: ...
    @overload
    def post(self, path: Literal["/accounts"], body: NewAccount, /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[Account]: ...
    @overload
    def post(self, path: Literal["/accounts/{account}/link"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[SignInLink]: ...
    @overload
    def post(self, path: Literal["/session/login"], body: SignInForm, /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[SessionBegun]: ...
    @overload
    def post(self, path: Literal["/session/key"], body: KeyForm, /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[SessionBegun]: ...
    @overload
    def post(self, path: Literal["/session/start"], body: LinkForm, /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[SessionBegun]: ...
    @overload
    def post(self, path: Literal["/session/code"], body: CodeForm, /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[SessionBegun]: ...
    @overload
    def post(self, path: Literal["/session/password"], body: PasswordForm, /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[SessionBegun]: ...
    @overload
    def post(self, path: Literal["/session/factor"], body: FactorAsked, /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[NewFactor]: ...
    @overload
    def post(self, path: Literal["/session/factor/confirm"], body: FactorShown, /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[RecoveryCodes]: ...
    @overload
    def post(self, path: Literal["/session/logout"], body: SessionForm, /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[None]: ...
    @overload
    def post(self, path: Literal["/session/end-others"], body: SessionForm, /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[None]: ...
    @overload
    def post(self, path: Literal["/session/{number}/end"], body: SessionForm, /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[None]: ...
    @overload
    def post(self, path: Literal["/session/security-keys/challenge"], body: SessionForm, /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[SecurityKeyChallenge]: ...
    @overload
    def post(self, path: Literal["/session/security-keys/show"], body: SecurityKeyForm, /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[SessionBegun]: ...
    @overload
    def post(self, path: Literal["/session/security-keys"], body: FactorAsked, /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[SecurityKeyChallenge]: ...
    @overload
    def post(self, path: Literal["/session/security-keys/confirm"], body: NewSecurityKeyForm, /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[RecoveryCodes]: ...
    @overload
    def post(self, path: Literal["/session/security-keys/{number}/remove"], body: FactorAsked, /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[None]: ...
    @overload
    def post(self, path: Literal["/collections/regions/items"], body: regions_new, /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[regions]: ...
    @overload
    def post(self, path: Literal["/collections/plans/items"], body: plans_new, /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[plans]: ...
    @overload
    def post(self, path: Literal["/collections/pattern_components/items"], body: pattern_components_new, /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[pattern_components]: ...
    @overload
    def post(self, path: Literal["/collections/corridors/items"], body: corridors_new, /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[corridors]: ...
    @overload
    def post(self, path: Literal["/collections/corridor_nodes/items"], body: corridor_nodes_new, /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[corridor_nodes]: ...
    @overload
    def post(self, path: Literal["/collections/zone_schemes/items"], body: zone_schemes_new, /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[zone_schemes]: ...
    @overload
    def post(self, path: Literal["/collections/zones/items"], body: zones_new, /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[zones]: ...
    @overload
    def post(self, path: Literal["/collections/control_areas/items"], body: control_areas_new, /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[control_areas]: ...
    @overload
    def post(self, path: Literal["/collections/problems/items"], body: problems_new, /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[problems]: ...
    @overload
    def post(self, path: Literal["/collections/named_features/items"], body: named_features_new, /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[named_features]: ...
    @overload
    def post(self, path: Literal["/collections/projects/items"], body: projects_new, /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[projects]: ...
    @overload
    def post(self, path: Literal["/collections/notices/items"], body: notices_new, /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[notices]: ...
    @overload
    def post(self, path: Literal["/collections/mines/items"], body: mines_new, /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[mines]: ...
    @overload
    def post(self, path: Literal["/collections/reclamations/items"], body: reclamations_new, /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[reclamations]: ...
    @overload
    def post(self, path: Literal["/collections/islands/items"], body: islands_new, /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[islands]: ...
    @overload
    def post(self, path: Literal["/collections/outfalls/items"], body: outfalls_new, /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[outfalls]: ...
    @overload
    def post(self, path: Literal["/collections/fishing_harbours/items"], body: fishing_harbours_new, /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[fishing_harbours]: ...
    @overload
    def post(self, path: Literal["/collections/occurrences/items"], body: occurrences_new, /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[occurrences]: ...
    @overload
    def post(self, path: Literal["/collections/stations/items"], body: stations_new, /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[stations]: ...
    @overload
    def post(self, path: Literal["/patterns"], body: patterns_new, /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[patterns]: ...
    @overload
    def post(self, path: Literal["/zone-classes"], body: zone_classes_new, /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[zone_classes]: ...
    @overload
    def post(self, path: Literal["/control-rules"], body: control_rules_new, /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[control_rules]: ...
    @overload
    def post(self, path: Literal["/indicators"], body: indicators_new, /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[indicators]: ...
    @overload
    def post(self, path: Literal["/plans/{plan}/indicators"], body: plan_indicators_new, /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[plan_indicators]: ...
    @overload
    def post(self, path: Literal["/plans/{plan}/parts"], body: plan_parts_new, /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[plan_parts]: ...
    @overload
    def post(self, path: Literal["/plans/{plan}/provisions"], body: provisions_new, /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[provisions]: ...
    @overload
    def post(self, path: Literal["/plans/{plan}/figures"], body: figures_new, /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[figures]: ...
    @overload
    def post(self, path: Literal["/plans/{plan}/duties"], body: duties_new, /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[duties]: ...
    @overload
    def post(self, path: Literal["/plans/{plan}/programmes"], body: programmes_new, /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[programmes]: ...
    @overload
    def post(self, path: Literal["/parties"], body: parties_new, /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[parties]: ...
    @overload
    def post(self, path: Literal["/fund-sources"], body: fund_sources_new, /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[fund_sources]: ...
    @overload
    def post(self, path: Literal["/region-links"], body: region_links_new, /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[region_links]: ...
    @overload
    def post(self, path: Literal["/demonstration-members"], body: demonstration_members_new, /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[demonstration_members]: ...
    @overload
    def post(self, path: Literal["/demonstration-criteria"], body: demonstration_criteria_new, /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[demonstration_criteria]: ...
    @overload
    def post(self, path: Literal["/demonstration-scores"], body: demonstration_scores_new, /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[demonstration_scores]: ...
    @overload
    def post(self, path: Literal["/titles"], body: titles_new, /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[titles]: ...
    @overload
    def post(self, path: Literal["/compensation-agreements"], body: compensation_agreements_new, /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[compensation_agreements]: ...
    @overload
    def post(self, path: Literal["/balances/entries"], body: balance_entries_new, /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[balance_entries]: ...
    @overload
    def post(self, path: Literal["/species"], body: species_new, /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[species]: ...
    @overload
    def post(self, path: Literal["/layers/{layer}/statistics"], body: dict[str, Any], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[ClassStatistics | QuantityStatistics]: ...
    @overload
    def post(self, path: str, body: Any = ..., /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[Any]: ...
    @overload
    def put(self, path: Literal["/plans/{plan}/indicators/{indicator}/targets"], body: TargetsBody, /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[IndicatorTargets]: ...
    @overload
    def put(self, path: Literal["/plans/{plan}/duty-reviews/{year}/reports/{duty}/{party}"], body: ReportBody, /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[DutyReviewShown]: ...
    @overload
    def put(self, path: Literal["/plans/{plan}/projects/{project}"], body: Membership, /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[None]: ...
    @overload
    def put(self, path: Literal["/projects/{project}/measures/{measure}"], body: MeasureBody, /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[MeasureShown]: ...
    @overload
    def put(self, path: Literal["/projects/{project}/problems"], body: ProblemsBody, /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[ProjectProblems]: ...
    @overload
    def put(self, path: Literal["/projects/{project}/regions"], body: RegionsBody, /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[ProjectRegions]: ...
    @overload
    def put(self, path: Literal["/bulletins/{bulletin}/wording"], body: Words, /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[BulletinWording]: ...
    @overload
    def put(self, path: Literal["/bulletin-templates/{template}"], body: Template, /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[BulletinTemplate]: ...
    @overload
    def put(self, path: Literal["/proposals/{proposal}"], body: ProposalBody, /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[Proposal]: ...
    @overload
    def put(self, path: Literal["/notices/{notice}/comments/{comment}/reply"], body: ReplyBody, /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[CommentAnswered]: ...
    @overload
    def put(self, path: Literal["/properties/{property}/ranges/{station}"], body: Range, /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[None]: ...
    @overload
    def put(self, path: Literal["/alert-rules/{rule}"], body: RuleContents, /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[AlertRule]: ...
    @overload
    def put(self, path: Literal["/subscriptions/{number}"], body: SubscriptionContents, /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[Subscription]: ...
    @overload
    def put(self, path: Literal["/webhooks/{webhook}"], body: WebhookContents, /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[Webhook]: ...
    @overload
    def put(self, path: Literal["/schedules/{schedule}"], body: ScheduleContents, /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[Schedule]: ...
    @overload
    def put(self, path: Literal["/uploads/{upload}"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[UploadState]: ...
    @overload
    def put(self, path: Literal["/collections/regions/items/{code}"], body: regions_new, /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[regions]: ...
    @overload
    def put(self, path: Literal["/collections/plans/items/{code}"], body: plans_new, /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[plans]: ...
    @overload
    def put(self, path: Literal["/collections/pattern_components/items/{code}"], body: pattern_components_new, /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[pattern_components]: ...
    @overload
    def put(self, path: Literal["/collections/corridors/items/{code}"], body: corridors_new, /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[corridors]: ...
    @overload
    def put(self, path: Literal["/collections/corridor_nodes/items/{code}"], body: corridor_nodes_new, /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[corridor_nodes]: ...
    @overload
    def put(self, path: Literal["/collections/zone_schemes/items/{code}"], body: zone_schemes_new, /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[zone_schemes]: ...
    @overload
    def put(self, path: Literal["/collections/zones/items/{code}"], body: zones_new, /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[zones]: ...
    @overload
    def put(self, path: Literal["/collections/control_areas/items/{code}"], body: control_areas_new, /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[control_areas]: ...
    @overload
    def put(self, path: Literal["/collections/problems/items/{code}"], body: problems_new, /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[problems]: ...
    @overload
    def put(self, path: Literal["/collections/named_features/items/{code}"], body: named_features_new, /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[named_features]: ...
    @overload
    def put(self, path: Literal["/collections/projects/items/{code}"], body: projects_new, /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[projects]: ...
    @overload
    def put(self, path: Literal["/collections/notices/items/{code}"], body: notices_new, /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[notices]: ...
    @overload
    def put(self, path: Literal["/collections/mines/items/{code}"], body: mines_new, /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[mines]: ...
    @overload
    def put(self, path: Literal["/collections/reclamations/items/{code}"], body: reclamations_new, /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[reclamations]: ...
    @overload
    def put(self, path: Literal["/collections/islands/items/{code}"], body: islands_new, /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[islands]: ...
    @overload
    def put(self, path: Literal["/collections/outfalls/items/{code}"], body: outfalls_new, /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[outfalls]: ...
    @overload
    def put(self, path: Literal["/collections/fishing_harbours/items/{code}"], body: fishing_harbours_new, /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[fishing_harbours]: ...
    @overload
    def put(self, path: Literal["/collections/occurrences/items/{code}"], body: occurrences_new, /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[occurrences]: ...
    @overload
    def put(self, path: Literal["/collections/stations/items/{code}"], body: stations_new, /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[stations]: ...
    @overload
    def put(self, path: Literal["/collections/datasets/items/{code}"], body: datasets_new, /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[datasets]: ...
    @overload
    def put(self, path: Literal["/patterns/{code}"], body: patterns_new, /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[patterns]: ...
    @overload
    def put(self, path: Literal["/zone-classes/{code}"], body: zone_classes_new, /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[zone_classes]: ...
    @overload
    def put(self, path: Literal["/control-rules/{code}"], body: control_rules_new, /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[control_rules]: ...
    @overload
    def put(self, path: Literal["/indicators/{code}"], body: indicators_new, /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[indicators]: ...
    @overload
    def put(self, path: Literal["/plans/{plan}/indicators/{code}"], body: plan_indicators_new, /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[plan_indicators]: ...
    @overload
    def put(self, path: Literal["/plans/{plan}/parts/{code}"], body: plan_parts_new, /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[plan_parts]: ...
    @overload
    def put(self, path: Literal["/plans/{plan}/provisions/{code}"], body: provisions_new, /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[provisions]: ...
    @overload
    def put(self, path: Literal["/plans/{plan}/figures/{code}"], body: figures_new, /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[figures]: ...
    @overload
    def put(self, path: Literal["/plans/{plan}/duties/{code}"], body: duties_new, /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[duties]: ...
    @overload
    def put(self, path: Literal["/plans/{plan}/programmes/{code}"], body: programmes_new, /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[programmes]: ...
    @overload
    def put(self, path: Literal["/parties/{code}"], body: parties_new, /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[parties]: ...
    @overload
    def put(self, path: Literal["/fund-sources/{code}"], body: fund_sources_new, /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[fund_sources]: ...
    @overload
    def put(self, path: Literal["/region-links/{code}"], body: region_links_new, /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[region_links]: ...
    @overload
    def put(self, path: Literal["/demonstration-members/{code}"], body: demonstration_members_new, /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[demonstration_members]: ...
    @overload
    def put(self, path: Literal["/demonstration-criteria/{code}"], body: demonstration_criteria_new, /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[demonstration_criteria]: ...
    @overload
    def put(self, path: Literal["/demonstration-scores/{code}"], body: demonstration_scores_new, /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[demonstration_scores]: ...
    @overload
    def put(self, path: Literal["/titles/{code}"], body: titles_new, /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[titles]: ...
    @overload
    def put(self, path: Literal["/compensation-agreements/{code}"], body: compensation_agreements_new, /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[compensation_agreements]: ...
    @overload
    def put(self, path: Literal["/species/{code}"], body: species_new, /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[species]: ...
    @overload
    def put(self, path: str, body: Any = ..., /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[Any]: ...
    @overload
    def patch(self, path: Literal["/properties/{property}"], body: ChangedProperty, /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[ObservedProperty]: ...
    @overload
    def patch(self, path: Literal["/sta/v1.1/{path}"], body: ThingBody | LocationBody | HistoricalLocationBody | DatastreamBody | SensorBody | ObservedPropertyBody | ObservationBody | FeatureBody, /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[SensorThingsThing | SensorThingsLocation | SensorThingsHistoricalLocation | SensorThingsDatastream | SensorThingsSensor | SensorThingsObservedProperty | SensorThingsObservation | SensorThingsFeatureOfInterest]: ...
    @overload
    def patch(self, path: Literal["/accounts/{account}"], body: ChangedAccount, /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[Account]: ...
    @overload
    def patch(self, path: Literal["/collections/regions/items/{code}"], body: regions_change, /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[regions]: ...
    @overload
    def patch(self, path: Literal["/collections/plans/items/{code}"], body: plans_change, /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[plans]: ...
    @overload
    def patch(self, path: Literal["/collections/pattern_components/items/{code}"], body: pattern_components_change, /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[pattern_components]: ...
    @overload
    def patch(self, path: Literal["/collections/corridors/items/{code}"], body: corridors_change, /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[corridors]: ...
    @overload
    def patch(self, path: Literal["/collections/corridor_nodes/items/{code}"], body: corridor_nodes_change, /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[corridor_nodes]: ...
    @overload
    def patch(self, path: Literal["/collections/zone_schemes/items/{code}"], body: zone_schemes_change, /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[zone_schemes]: ...
    @overload
    def patch(self, path: Literal["/collections/zones/items/{code}"], body: zones_change, /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[zones]: ...
    @overload
    def patch(self, path: Literal["/collections/control_areas/items/{code}"], body: control_areas_change, /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[control_areas]: ...
    @overload
    def patch(self, path: Literal["/collections/problems/items/{code}"], body: problems_change, /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[problems]: ...
    @overload
    def patch(self, path: Literal["/collections/named_features/items/{code}"], body: named_features_change, /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[named_features]: ...
    @overload
    def patch(self, path: Literal["/collections/projects/items/{code}"], body: projects_change, /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[projects]: ...
    @overload
    def patch(self, path: Literal["/collections/notices/items/{code}"], body: notices_change, /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[notices]: ...
    @overload
    def patch(self, path: Literal["/collections/mines/items/{code}"], body: mines_change, /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[mines]: ...
    @overload
    def patch(self, path: Literal["/collections/reclamations/items/{code}"], body: reclamations_change, /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[reclamations]: ...
    @overload
    def patch(self, path: Literal["/collections/islands/items/{code}"], body: islands_change, /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[islands]: ...
    @overload
    def patch(self, path: Literal["/collections/outfalls/items/{code}"], body: outfalls_change, /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[outfalls]: ...
    @overload
    def patch(self, path: Literal["/collections/fishing_harbours/items/{code}"], body: fishing_harbours_change, /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[fishing_harbours]: ...
    @overload
    def patch(self, path: Literal["/collections/occurrences/items/{code}"], body: occurrences_change, /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[occurrences]: ...
    @overload
    def patch(self, path: Literal["/collections/stations/items/{code}"], body: stations_change, /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[stations]: ...
    @overload
    def patch(self, path: Literal["/collections/datasets/items/{code}"], body: datasets_change, /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[datasets]: ...
    @overload
    def patch(self, path: Literal["/patterns/{code}"], body: patterns_change, /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[patterns]: ...
    @overload
    def patch(self, path: Literal["/zone-classes/{code}"], body: zone_classes_change, /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[zone_classes]: ...
    @overload
    def patch(self, path: Literal["/control-rules/{code}"], body: control_rules_change, /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[control_rules]: ...
    @overload
    def patch(self, path: Literal["/indicators/{code}"], body: indicators_change, /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[indicators]: ...
    @overload
    def patch(self, path: Literal["/plans/{plan}/indicators/{code}"], body: plan_indicators_change, /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[plan_indicators]: ...
    @overload
    def patch(self, path: Literal["/plans/{plan}/parts/{code}"], body: plan_parts_change, /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[plan_parts]: ...
    @overload
    def patch(self, path: Literal["/plans/{plan}/provisions/{code}"], body: provisions_change, /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[provisions]: ...
    @overload
    def patch(self, path: Literal["/plans/{plan}/figures/{code}"], body: figures_change, /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[figures]: ...
    @overload
    def patch(self, path: Literal["/plans/{plan}/duties/{code}"], body: duties_change, /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[duties]: ...
    @overload
    def patch(self, path: Literal["/plans/{plan}/programmes/{code}"], body: programmes_change, /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[programmes]: ...
    @overload
    def patch(self, path: Literal["/parties/{code}"], body: parties_change, /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[parties]: ...
    @overload
    def patch(self, path: Literal["/fund-sources/{code}"], body: fund_sources_change, /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[fund_sources]: ...
    @overload
    def patch(self, path: Literal["/region-links/{code}"], body: region_links_change, /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[region_links]: ...
    @overload
    def patch(self, path: Literal["/demonstration-members/{code}"], body: demonstration_members_change, /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[demonstration_members]: ...
    @overload
    def patch(self, path: Literal["/demonstration-criteria/{code}"], body: demonstration_criteria_change, /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[demonstration_criteria]: ...
    @overload
    def patch(self, path: Literal["/demonstration-scores/{code}"], body: demonstration_scores_change, /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[demonstration_scores]: ...
    @overload
    def patch(self, path: Literal["/titles/{code}"], body: titles_change, /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[titles]: ...
    @overload
    def patch(self, path: Literal["/compensation-agreements/{code}"], body: compensation_agreements_change, /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[compensation_agreements]: ...
    @overload
    def patch(self, path: Literal["/documents/{code}"], body: documents_change, /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[documents]: ...
    @overload
    def patch(self, path: Literal["/balances/entries/{code}"], body: balance_entries_change, /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[balance_entries]: ...
    @overload
    def patch(self, path: Literal["/species/{code}"], body: species_change, /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[species]: ...
    @overload
    def patch(self, path: str, body: Any = ..., /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[Any]: ...
    @overload
    def delete(self, path: Literal["/plans/{plan}/projects/{project}"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[None]: ...
    @overload
    def delete(self, path: Literal["/projects/{project}/measures/{measure}"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[None]: ...
    @overload
    def delete(self, path: Literal["/cases/{case}/contact"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[None]: ...
    @overload
    def delete(self, path: Literal["/notices/{notice}/comments/{comment}/contact"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[None]: ...
    @overload
    def delete(self, path: Literal["/properties/{property}/ranges/{station}"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[None]: ...
    @overload
    def delete(self, path: Literal["/alert-rules/{rule}"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[None]: ...
    @overload
    def delete(self, path: Literal["/subscriptions/{number}"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[None]: ...
    @overload
    def delete(self, path: Literal["/webhooks/{webhook}"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[None]: ...
    @overload
    def delete(self, path: Literal["/sta/v1.1/{path}"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[None]: ...
    @overload
    def delete(self, path: Literal["/jobs/{job}"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[StatusInfo]: ...
    @overload
    def delete(self, path: Literal["/schedules/{schedule}"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[None]: ...
    @overload
    def delete(self, path: Literal["/uploads/{upload}"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[None]: ...
    @overload
    def delete(self, path: Literal["/keys/{key}"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[None]: ...
    @overload
    def delete(self, path: Literal["/accounts/{account}/factor"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[None]: ...
    @overload
    def delete(self, path: Literal["/accounts/{account}/sessions"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[None]: ...
    @overload
    def delete(self, path: Literal["/collections/regions/items/{code}"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[None]: ...
    @overload
    def delete(self, path: Literal["/collections/plans/items/{code}"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[None]: ...
    @overload
    def delete(self, path: Literal["/collections/pattern_components/items/{code}"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[None]: ...
    @overload
    def delete(self, path: Literal["/collections/corridors/items/{code}"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[None]: ...
    @overload
    def delete(self, path: Literal["/collections/corridor_nodes/items/{code}"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[None]: ...
    @overload
    def delete(self, path: Literal["/collections/zone_schemes/items/{code}"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[None]: ...
    @overload
    def delete(self, path: Literal["/collections/zones/items/{code}"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[None]: ...
    @overload
    def delete(self, path: Literal["/collections/control_areas/items/{code}"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[None]: ...
    @overload
    def delete(self, path: Literal["/collections/problems/items/{code}"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[None]: ...
    @overload
    def delete(self, path: Literal["/collections/named_features/items/{code}"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[None]: ...
    @overload
    def delete(self, path: Literal["/collections/projects/items/{code}"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[None]: ...
    @overload
    def delete(self, path: Literal["/collections/notices/items/{code}"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[None]: ...
    @overload
    def delete(self, path: Literal["/collections/mines/items/{code}"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[None]: ...
    @overload
    def delete(self, path: Literal["/collections/reclamations/items/{code}"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[None]: ...
    @overload
    def delete(self, path: Literal["/collections/islands/items/{code}"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[None]: ...
    @overload
    def delete(self, path: Literal["/collections/outfalls/items/{code}"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[None]: ...
    @overload
    def delete(self, path: Literal["/collections/fishing_harbours/items/{code}"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[None]: ...
    @overload
    def delete(self, path: Literal["/collections/occurrences/items/{code}"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[None]: ...
    @overload
    def delete(self, path: Literal["/collections/stations/items/{code}"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[None]: ...
    @overload
    def delete(self, path: Literal["/collections/datasets/items/{code}"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[None]: ...
    @overload
    def delete(self, path: Literal["/patterns/{code}"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[None]: ...
    @overload
    def delete(self, path: Literal["/zone-classes/{code}"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[None]: ...
    @overload
    def delete(self, path: Literal["/control-rules/{code}"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[None]: ...
    @overload
    def delete(self, path: Literal["/indicators/{code}"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[None]: ...
    @overload
    def delete(self, path: Literal["/plans/{plan}/indicators/{code}"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[None]: ...
    @overload
    def delete(self, path: Literal["/plans/{plan}/parts/{code}"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[None]: ...
    @overload
    def delete(self, path: Literal["/plans/{plan}/provisions/{code}"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[None]: ...
    @overload
    def delete(self, path: Literal["/plans/{plan}/figures/{code}"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[None]: ...
    @overload
    def delete(self, path: Literal["/plans/{plan}/duties/{code}"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[None]: ...
    @overload
    def delete(self, path: Literal["/plans/{plan}/programmes/{code}"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[None]: ...
    @overload
    def delete(self, path: Literal["/parties/{code}"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[None]: ...
    @overload
    def delete(self, path: Literal["/fund-sources/{code}"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[None]: ...
    @overload
    def delete(self, path: Literal["/region-links/{code}"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[None]: ...
    @overload
    def delete(self, path: Literal["/demonstration-members/{code}"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[None]: ...
    @overload
    def delete(self, path: Literal["/demonstration-criteria/{code}"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[None]: ...
    @overload
    def delete(self, path: Literal["/demonstration-scores/{code}"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[None]: ...
    @overload
    def delete(self, path: Literal["/titles/{code}"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[None]: ...
    @overload
    def delete(self, path: Literal["/compensation-agreements/{code}"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[None]: ...
    @overload
    def delete(self, path: Literal["/documents/{code}"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[None]: ...
    @overload
    def delete(self, path: Literal["/species/{code}"], /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[None]: ...
    @overload
    def delete(self, path: str, /, *, headers: Headers | None = ..., **query: Query) -> Awaitable[Any]: ...
