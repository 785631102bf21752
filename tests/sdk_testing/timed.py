"""Reads clocks by all kinds of names."""

import time
import time as another
from time import monotonic_ns, perf_counter


def all_of_them():
    return [perf_counter(), time.time(), monotonic_ns(), another.monotonic()]
