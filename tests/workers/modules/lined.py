"""The logs of ext_telemetry alone, as TelemetryExtension has them around an invocation."""

import logging

from ext_sdk import AppExtension
from ext_telemetry import logs
from ext_telemetry.settings import Settings as Declared


class TelemetryExtension(AppExtension):
    Settings = Declared

    @classmethod
    def around_invocation(cls, invocation):
        around = logs.around(invocation, cls.settings())
        outcome = None
        try:
            outcome = yield
        finally:
            around.end(outcome)


logging.getLogger().setLevel(logging.INFO)  # as the workers do, and `azfunc-ext run`, which these tests leave out
logs.install(TelemetryExtension.settings())
