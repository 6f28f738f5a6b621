"""Whether a place and what is to be done there keep to the lines, the rules and the zones."""

from shanhai.db.compliance.check import CheckRequest, check_geometry, check_project
from shanhai.db.compliance.result import CheckResult

__all__ = ["CheckRequest", "CheckResult", "check_geometry", "check_project"]
