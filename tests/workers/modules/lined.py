"""TelemetryExtension, with the level that the workers set, and `azfunc-ext run`, which these tests leave out."""

import logging
import os
import threading

from ext_telemetry import TelemetryExtension, track_event, track_metric

logging.getLogger().setLevel(logging.INFO)
TelemetryExtension.configure()
logging.getLogger("imports").warning("told early")

all_there = threading.Event()
_lock = threading.Lock()
_there = 0


def arrive():
    """Count an invocation; `all_there` is set once as many as MEETING says have come."""
    global _there
    with _lock:
        _there += 1
        if _there >= int(os.environ["MEETING"]):
            all_there.set()


def tell(number, line):
    """Log, track an event and measure."""
    logging.getLogger("shop").info("%s/%d", number, line)
    track_event("packed", {"part": f"{number}/{line}"})
    track_metric("parts", 1, {"number": number}, kind="counter")
