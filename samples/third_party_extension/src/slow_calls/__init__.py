"""Slow calls: an extension for Azure Functions in Python."""

from slow_calls.extension import SlowCallsExtension

__all__ = ["SlowCallsExtension"]
