"""When a test may be skipped: where a platform or a Python lacks what it is about, and it says so."""

import os

import pytest

from helpers.engines import engine_problem

_BY_VALUE = engine_problem("multiprocess")
#: For tests that send a function by value: a dill that is older than this Python cannot.
needs_by_value = pytest.mark.skipif(_BY_VALUE is not None, reason=str(_BY_VALUE))


def fail_avoidable_skip(report):
    """Return the report of a test: a failure if a package was missing, though CI=true promises them all."""
    under_ci = os.environ.get("CI", "").lower() == "true"
    if under_ci and report.skipped and "could not import" in (reason := str(report.longrepr)):
        report.outcome, report.longrepr = "failed", f"under CI=true no package may be missing: {reason}"
    return report
