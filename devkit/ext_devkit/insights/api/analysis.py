"""What the items say together: performance, failures, metrics, the application map."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ext_devkit.insights.analysis.application_map import application_map
from ext_devkit.insights.analysis.failures import failures
from ext_devkit.insights.analysis.metrics import AGGREGATIONS, metrics, series
from ext_devkit.insights.analysis.performance import KINDS, histogram, performance, slowest
from ext_devkit.insights.api.resource import (
    INTEGER,
    ITEM,
    NUMBER,
    NUMBER_OR_NULL,
    ROLE,
    TEXT,
    TEXT_OR_NULL,
    WINDOW,
    Resource,
    array,
    listing,
    number,
    one_of,
    text,
    without_empty,
)  # fmt: skip

if TYPE_CHECKING:
    from ext_devkit.insights.analysis.window import Window
    from ext_devkit.insights.store.reader import Reader

KIND = one_of("kind", "whose times are meant.", KINDS, default="requests")
NAME = text("name", "the one operation that is meant.")


def samples(reader: Reader, *, limit: int, window: Window, **asked: Any) -> dict[str, Any]:
    """Answer the slowest calls."""
    found = slowest(reader, window, limit=limit, **asked)
    return {"items": [without_empty(row) for row in found["items"]]}


TIMES = {
    "count": INTEGER, "failed": INTEGER, "mean": NUMBER, "p50": NUMBER, "p95": NUMBER, "p99": NUMBER, "max": NUMBER,
    "sum": NUMBER,
}  # fmt: skip
CALLS = listing(count=INTEGER, failed=INTEGER)
SEEN = {
    "count": INTEGER, "per_minute": NUMBER, "failed": INTEGER, "mean": NUMBER_OR_NULL, "p95": NUMBER_OR_NULL,
}  # fmt: skip

RESOURCES = (
    Resource(
        "/api/performance",
        "How long calls take: by operation, in all, and over time. Durations are milliseconds.",
        performance,
        (KIND, ROLE, NAME, *WINDOW),
        listing(
            operations=array(listing(name=TEXT, **TIMES)),
            overall={"oneOf": [listing(**TIMES), {"type": "null"}]},
            series=array(listing(t=TEXT, count=INTEGER, failed=INTEGER, p50=NUMBER_OR_NULL, p95=NUMBER_OR_NULL)),
            step_s=INTEGER,
        ),
    ),
    Resource(
        "/api/performance/samples",
        "The calls that took longest.",
        samples,
        (KIND, ROLE, NAME, *WINDOW, number("limit", "how many of them.", 1, 100, default=10)),
        listing(items=array(ITEM)),
    ),
    Resource(
        "/api/performance/histogram",
        "How many calls took how long, in milliseconds; ten buckets make a factor of ten.",
        histogram,
        (KIND, ROLE, NAME, *WINDOW),
        listing(buckets=array(listing(**{"from": NUMBER, "to": NUMBER, "count": INTEGER}))),
    ),
    Resource(
        "/api/failures",
        "What went wrong: by operation, result, exception and dependency, and over time.",
        failures,
        (ROLE, *WINDOW),
        listing(
            requests=CALLS,
            dependencies=CALLS,
            exceptions=listing(count=INTEGER),
            by_operation=array(listing(name=TEXT, count=INTEGER, failed=INTEGER)),
            by_result_code=array(listing(resultCode=TEXT, count=INTEGER)),
            by_exception=array(
                listing(
                    problemId=TEXT_OR_NULL,
                    type=TEXT_OR_NULL,
                    message=TEXT_OR_NULL,
                    count=INTEGER,
                    last=TEXT,
                    operations=INTEGER,
                )
            ),
            by_dependency=array(
                listing(type=TEXT_OR_NULL, target=TEXT_OR_NULL, name=TEXT, count=INTEGER, failed=INTEGER)
            ),
            series=array(listing(t=TEXT, failed_requests=INTEGER, failed_dependencies=INTEGER, exceptions=INTEGER)),
            step_s=INTEGER,
        ),
    ),
    Resource(
        "/api/metrics",
        "Which metrics there are, and what dimensions their latest items have.",
        metrics,
        WINDOW,
        listing(
            metrics=array(
                listing(
                    name=TEXT, namespace=TEXT_OR_NULL, origin=TEXT, count=INTEGER, last=TEXT, dimensions=array(TEXT)
                )
            )
        ),
    ),
    Resource(
        "/api/metrics/series",
        "A metric over time, in steps.",
        series,
        (
            text("name", "the metric's name.", required=True),
            text("namespace", "its namespace; without it all are meant."),
            one_of("aggregation", "what is made of a step's values.", AGGREGATIONS, default="avg"),
            text("split", "a dimension; each of its values has a line of its own."),
            number("step_s", "seconds of a step; without it some sixty steps are made.", 1, 31 * 86400),
            *WINDOW,
        ),
        listing(
            name=TEXT,
            aggregation=TEXT,
            step_s=INTEGER,
            series=array(
                listing(
                    label=TEXT,
                    points=array(
                        {"type": "array", "items": {"type": ["string", "number", "null"]}, "minItems": 2, "maxItems": 2}
                    ),
                )
            ),
        ),
    ),
    Resource(
        "/api/map",
        "Who calls whom: roles, and what they call.",
        application_map,
        WINDOW,
        listing(
            nodes=array(listing(id=TEXT, name=TEXT, kind=TEXT, **SEEN)),
            edges=array(listing(source=TEXT, target=TEXT, **SEEN)),
        ),
    ),
)
