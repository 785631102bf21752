"""The only place that knows a Functions worker: where invocations pass by, and what the worker tells of a function."""

from ext_sdk.workers.app import ROOT, v1_functions
from ext_sdk.workers.driving import check_critical, driven_by, install

__all__ = ["ROOT", "check_critical", "driven_by", "install", "v1_functions"]
