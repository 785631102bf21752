"""Part of the apps of these tests: an extension of one function, in an app where no other function has any."""

from notes import note

from ext_sdk import FuncExtension


class Alone(FuncExtension):
    """Tells that it was there."""

    def around_invocation(self, invocation):
        note("alone", invocation.context)
        yield


class Stop(BaseException):
    """As in recorder.py, which is not imported here."""
