"""The only place that knows a Functions worker: where invocations pass by, and what the worker tells of a function."""

from ext_sdk.workers.seam import driven_by, install, register_worker

__all__ = ["driven_by", "install", "register_worker"]
