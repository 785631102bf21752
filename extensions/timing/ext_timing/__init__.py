"""How long each invocation took: a log line, and the Server-Timing header on HTTP responses."""

from ext_timing.extension import TimingExtension

__all__ = ["TimingExtension"]
