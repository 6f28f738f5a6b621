"""Whether a place and what is to be done there keep to the lines, the rules and the zones."""

from shanhai.db.compliance.checking import Asked, check_geometry, check_project
from shanhai.db.compliance.result import Result

__all__ = ["Asked", "Result", "check_geometry", "check_project"]
