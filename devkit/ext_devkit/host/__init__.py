"""A local Functions host: serves the HTTP functions of an app folder, as the workers and the real host would.

`FunctionHost.load(path)` loads an app, `HostServer(path)` serves one on a thread, `azfunc-ext run` in front.
"""

from __future__ import annotations

from ext_devkit.host.host import FunctionHost
from ext_devkit.host.server import HostServer

__all__ = ["FunctionHost", "HostServer"]
