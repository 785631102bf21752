"""The mapping of ext_opentelemetry, loaded without switching that extension on."""

from __future__ import annotations

import sys
import threading
from functools import cache
from importlib.util import find_spec
from types import ModuleType
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from opentelemetry.sdk.trace import ReadableSpan

    from ext_opentelemetry.as_log import LogMapper
    from ext_opentelemetry.as_metric import MetricMapper
    from ext_opentelemetry.mapping import Mapper
    from ext_opentelemetry.operations import Operation

PACKAGE = "ext_opentelemetry"

_lock = threading.Lock()


class Mappers(NamedTuple):
    """What makes items of spans, log records and data points. Nothing is redacted: it is stored as it was sent."""

    spans: Mapper
    logs: LogMapper
    metrics: MetricMapper
    operations_within: Callable[[Sequence[ReadableSpan]], list[Operation | None]]


def mappers() -> Mappers:
    """Return mappers; any number of threads may share them."""
    with _lock:
        return _made()


@cache
def _made() -> Mappers:
    if PACKAGE in sys.modules:
        return _make()
    # To import the package is to activate its extension, in a process that may be a test of an app that has none. So a
    # package that does nothing stands in for it while the modules of the mapping, which need no more, are loaded.
    found = find_spec(PACKAGE)
    assert found is not None
    stand_in = ModuleType(PACKAGE)
    stand_in.__path__ = list(found.submodule_search_locations or ())
    stand_in.__spec__ = found
    sys.modules[PACKAGE] = stand_in
    try:
        return _make()
    finally:
        del sys.modules[PACKAGE]


def _make() -> Mappers:
    from ext_opentelemetry.as_log import LogMapper
    from ext_opentelemetry.as_metric import MetricMapper
    from ext_opentelemetry.mapping import Mapper
    from ext_opentelemetry.operations import operations_within

    return Mappers(Mapper(None), LogMapper(None), MetricMapper(None), operations_within)
