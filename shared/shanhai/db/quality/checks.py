"""All checks of a plan, the most severe findings first."""

from shanhai.db.quality.coverage import check_coverage
from shanhai.db.quality.figures import Figures, Finding
from shanhai.db.quality.shares import check_shares
from shanhai.db.quality.targets import check_targets
from shanhai.db.quality.zoning import check_zoning

SEVERITY_ORDER = ("high", "medium", "low", "info")


def check_plan(figures: Figures) -> list[Finding]:
    """What the checks find in a plan's figures."""
    checks = (check_zoning, check_shares, check_targets, check_coverage)
    found = [finding for check in checks for finding in check(figures)]
    return sorted(found, key=lambda item: (SEVERITY_ORDER.index(item.severity), item.code))
