"""What `azfunc-ext demo` shows: a function app, real requests to it, and the telemetry that they cause.

`app/` is a complete function app. It is part of the package, and not taken from the repository's samples, so that the
demo runs wherever the devkit is installed; the samples can then change without changing what the demo promises.
"""
