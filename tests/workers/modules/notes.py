"""Part of the apps of these tests: writes down what happens, one line of JSON each."""

import json
import os
import threading

from ext_sdk import current_invocation


def current_id():
    """Return the id of the invocation that this code works for, as ext_sdk knows it."""
    invocation = current_invocation()
    return invocation.id if invocation else ""


def note(what, context=None, *, of="", **facts):
    """Write down that something happened, and in which invocation."""
    known = of or getattr(context, "invocation_id", None) or current_id()
    with open(os.environ["RECORD"], "a") as file:
        file.write(json.dumps({"what": what, "id": known, "thread": threading.get_ident(), **facts}) + "\n")
