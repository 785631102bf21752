"""HTTP streaming: functions that take and return the types of a web framework instead of those of azure.functions.

On the workers, an app that imports a web extension (azurefunctions-extensions-http-fastapi) has all its HTTP functions
called with that framework's request; what they return goes out through the framework's own application, chunk by chunk
(azure_functions_runtime/http_v2.py). Here the same application of the extension answers. Nothing of it is imported
before the app has done so.
"""

from __future__ import annotations

import importlib
import os
import sys
from typing import TYPE_CHECKING, Any

from ext_devkit.host.console import logger

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from starlette.types import Receive, Scope, Send

BASE = "azurefunctions.extensions.base"
"""The module that knows which web extension the app has imported."""

INIT_INDEXING = "PYTHON_ENABLE_INIT_INDEXING"
FIRST_WITHOUT_SETTING = (3, 13)
ANSWER = "ext_devkit.answer"
INVOCATION_ID_HEADER = b"x-ms-invocation-id"


class WebFramework:
    """The types of a web extension, and its application."""

    def __init__(self, base: Any) -> None:
        self._base = base
        self.module: str = base.ModuleTrackerMeta.get_module()
        self._asgi: Any = None

    def takes(self, pytype: Any) -> bool:
        """Say whether a function's request may be annotated so."""
        return bool(self._base.RequestTrackerMeta.check_type(pytype))

    def gives(self, pytype: Any) -> bool:
        """Say whether a function's result may be annotated so."""
        return bool(self._base.ResponseTrackerMeta.check_type(pytype))

    def set_route_params(self, request: Any, params: Mapping[str, str]) -> None:
        """Give a request the parameters of the function's route."""
        self._base.RequestTrackerMeta.get_synchronizer().sync_route_params(request, params)

    def open(self) -> None:
        """Make the extension's application: one route for all, which leads to the answer in the request's scope."""
        app = importlib.import_module(self.module).WebApp()

        async def catch_all(request: Any) -> Any:
            return await request.scope[ANSWER](request)

        catch_all.__annotations__ = {"request": self._base.RequestTrackerMeta.get_request_type()}
        app.route(catch_all)
        self._asgi = app.get_app()

    async def serve(
        self,
        scope: Scope,
        receive: Receive,
        send: Send,
        invocation_id: str,
        answer: Callable[[Any], Awaitable[Any]],
    ) -> None:
        """Send what `answer` returns for the framework's request; raise what it or the body raises."""
        headers = [pair for pair in scope["headers"] if pair[0] != INVOCATION_ID_HEADER]
        headers.append((INVOCATION_ID_HEADER, invocation_id.encode("ascii")))
        await self._asgi({**scope, "headers": headers, ANSWER: answer}, receive, send)


def find_web_framework() -> WebFramework | None:
    """Return the framework whose extension the app has imported; None if it has imported none."""
    base = sys.modules.get(BASE)
    if base is None or not base.HttpV2FeatureChecker.http_v2_enabled():
        return None
    if sys.version_info < FIRST_WITHOUT_SETTING and os.environ.get(INIT_INDEXING, "").lower() not in {"1", "true"}:
        logger.warning("On Azure, HTTP streaming needs the app setting %s=1 below Python 3.13.", INIT_INDEXING)
    framework = WebFramework(base)
    framework.open()
    return framework
