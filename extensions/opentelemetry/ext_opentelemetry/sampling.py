"""One sampling decision for each invocation, the same that every other Application Insights SDK would make."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opentelemetry import trace
from opentelemetry.sdk.trace.sampling import Decision, Sampler, SamplingResult

from ext_opentelemetry.attributes import SAMPLE_RATE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from opentelemetry.context import Context
    from opentelemetry.trace import Link, SpanKind, TraceState
    from opentelemetry.util.types import Attributes

_WORD = 1 << 32
_SIGN = 1 << 31
_LARGEST = _SIGN - 1


def score(trace_id: int) -> float:
    """Return a number from 0 to 1 for a trace, the same in every service that the trace runs through.

    It is the DJB2 hash of the 32 hexadecimal digits in signed 32-bit arithmetic (azure-monitor-opentelemetry-exporter,
    export/trace/_utils.py).
    """
    number = 5381
    for character in f"{trace_id:032x}":
        number = (number * 33 + ord(character)) % _WORD
    signed = number - _WORD if number >= _SIGN else number
    return min(abs(signed), _LARGEST) / _LARGEST


class InvocationSampler(Sampler):
    """Decides for the outermost span in this process by the trace's score; what is inside follows it.

    A remote parent's flag does not decide: with it, the host's own sampling would take whole traces away.
    """

    def __init__(self, ratio: float) -> None:
        self.ratio = ratio

    def should_sample(
        self,
        parent_context: Context | None,
        trace_id: int,
        name: str,  # noqa: ARG002
        kind: SpanKind | None = None,  # noqa: ARG002
        attributes: Attributes = None,
        links: Sequence[Link] | None = None,  # noqa: ARG002
        trace_state: TraceState | None = None,  # noqa: ARG002
    ) -> SamplingResult:
        """Return the decision, with the rate as an attribute when it is below 100 %."""
        parent = trace.get_current_span(parent_context).get_span_context()
        if parent.is_valid and not parent.is_remote:
            keep = parent.trace_flags.sampled
        else:
            keep = self.ratio >= 1.0 or score(trace_id) < self.ratio
            if keep and self.ratio < 1.0:
                attributes = {**(attributes or {}), SAMPLE_RATE: self.ratio * 100.0}
        decision = Decision.RECORD_AND_SAMPLE if keep else Decision.DROP
        return SamplingResult(decision, attributes if keep else None, parent.trace_state if parent.is_valid else None)

    def get_description(self) -> str:
        """Return the sampler's name and ratio."""
        return f"InvocationSampler{{{self.ratio}}}"
