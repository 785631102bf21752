"""Part of the apps of these tests: extensions that set and read context variables, in sync calls that wait for each other."""

import logging
import threading
from contextvars import ContextVar

from notes import current_id, note

from ext_sdk import AppExtension

THREADS = 32

barrier = threading.Barrier(THREADS, timeout=50)
mine = ContextVar("mine", default="nobody's")


class Marks(AppExtension):
    """Sets what it reads again when all functions have met."""

    @classmethod
    def around_invocation(cls, invocation):
        note("in", invocation.context, found=mine.get())
        mine.set(invocation.id)
        yield
        note("out", invocation.context, found=mine.get())


def meet(context):
    """Wait until all functions are here, then tell who this one is, in every way there is."""
    barrier.wait()
    logging.getLogger("contexts").info("met by %s", context.invocation_id)
    return f"{current_id()} {mine.get()}"
