"""The extension: `context.telemetry` for each invocation, and the app's log records."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, ClassVar

from ext_opentelemetry import OpenTelemetryExtension
from ext_sdk import AppExtension, SettingsError
from ext_telemetry import logs
from ext_telemetry import settings as declared
from ext_telemetry.telemetry import Telemetry

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping

    from ext_sdk import Invocation, Outcome

_log = logging.getLogger("ext_telemetry")


def _stand_in() -> object:
    from ext_telemetry.stand_in import NoTelemetry

    return NoTelemetry()


class TelemetryExtension(AppExtension):
    """Custom telemetry and logs of every invocation, through the pipeline of OpenTelemetryExtension.

    Importing it is enough, and activates that extension as well: its settings say where telemetry goes. `configure`
    takes the fields of `Settings`. The function finds `context.telemetry`, a `Telemetry`.
    """

    Settings = declared.Settings  # type: ignore[assignment]

    order = OpenTelemetryExtension.order + 10
    """Inside of the invocation's span, outside of other extensions, so that what they log belongs to it."""

    stand_ins: ClassVar[Mapping[str, Callable[[], object]]] = {"telemetry": _stand_in}
    """What the function finds on `context` where extensions are switched off."""

    _last: ClassVar[declared.Settings] = declared.Settings()
    _refused: ClassVar[str] = ""

    @classmethod
    def init(cls) -> None:
        """Take log records from now on: those of the app's modules, while they are imported, too."""
        cls._install()

    @classmethod
    def configure(cls, **settings: Any) -> None:
        """Set the extension up; may be called any number of times, and the last call wins.

        Raises SettingsError if a name is unknown or a value is not allowed; what was set before then stays in force.
        """
        super().configure(**settings)
        cls._install()

    @classmethod
    def around_invocation(cls, invocation: Invocation) -> Generator[None, Outcome, None]:
        """Give the function its `context.telemetry`, and put log records down to the invocation."""
        telemetry = Telemetry(invocation)
        context: Any = invocation.context
        try:
            context.telemetry = telemetry
        except AttributeError:  # the worker's own object, which takes no new attribute: the module's functions serve
            pass
        around = logs.around(invocation, cls._in_force())
        outcome = None
        try:
            outcome = yield
        finally:
            telemetry.end()
            around.end(outcome)

    @classmethod
    def shutdown(cls, timeout: float) -> bool:
        """Export what is still to be said of log records: OpenTelemetryExtension, which delivers, has had its turn."""
        return not logs.tell() or OpenTelemetryExtension.shutdown(timeout)

    @classmethod
    def _install(cls) -> None:
        if not cls.switched_off():
            logs.install(cls._in_force())

    @classmethod
    def _in_force(cls) -> declared.Settings:
        """Return the settings; those before, if an app setting is wrong, which is said once."""
        try:
            cls._last = cls.settings()
        except SettingsError as error:
            if cls._refused != str(error):
                cls._refused = str(error)
                _log.error("%s", error)
        return cls._last
