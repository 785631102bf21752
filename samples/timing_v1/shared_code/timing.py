"""What all functions of the app share: imported by each of them, set up once."""

from concurrent.futures import ThreadPoolExecutor

from ext_sdk import propagate
from ext_telemetry import TelemetryExtension
from ext_timing import TimingExtension

TelemetryExtension.configure()
TimingExtension.configure(slow_ms=5000)

# What it runs belongs to the invocation that submitted it.
pool = propagate(ThreadPoolExecutor(2))
