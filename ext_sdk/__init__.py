"""Extensions for Azure Functions in Python that run on every worker, and never hurt the function."""

from ext_sdk.context import current_invocation, propagate
from ext_sdk.errors import ExtensionError, SettingsError
from ext_sdk.extension import AppExtension, FuncExtension
from ext_sdk.insight import extensions
from ext_sdk.invocation import Invocation, Outcome
from ext_sdk.shutdown import flush
from ext_sdk.workers import install as _install

__all__ = [
    "AppExtension",
    "ExtensionError",
    "FuncExtension",
    "Invocation",
    "Outcome",
    "SettingsError",
    "current_invocation",
    "extensions",
    "flush",
    "propagate",
]

# Extensions that know only azure-functions' own base classes run from here on, with or without one of ours.
_install(judging=False)
