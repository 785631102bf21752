"""A function app, loaded: its functions, their routes, and the ASGI application that serves them."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ext_devkit.errors import DevkitError
from ext_devkit.host import v1, v2
from ext_devkit.host.answers import Answers
from ext_devkit.host.application import Application, Route, with_cors
from ext_devkit.host.console import logger
from ext_devkit.host.environment import AppProcess
from ext_devkit.host.functions import Registry
from ext_devkit.host.invocation import Invoker
from ext_devkit.host.routing import Template, join_prefix
from ext_devkit.host.settings import HostSettings, LocalSettings, read_host_settings, read_local_settings
from ext_devkit.host.signature import read_signature
from ext_devkit.host.streaming import StreamedAnswers
from ext_devkit.host.web import find_web_framework

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ext_devkit.host.answers import Answering
    from ext_devkit.host.bindings import Binding
    from ext_devkit.host.functions import FunctionInfo
    from ext_devkit.host.model import Declared
    from ext_devkit.host.web import WebFramework

_loaded: FunctionHost | None = None


class FunctionHost:
    """The functions of one app folder. Loading makes the process the app's; `unload` gives it back.

    One app is loaded at a time, because settings, import path and modules belong to the process.
    """

    def __init__(self, app: Path, local: LocalSettings, host: HostSettings) -> None:
        self.app = app
        self.local = local
        self.settings = host
        self.model = ""
        self.routes: list[Route] = []
        self.not_served: dict[str, str] = {}
        self.refused: dict[str, str] = {}
        """Functions that cannot be invoked at all, with the reason."""
        self.triggers: dict[str, Binding] = {}
        self.registry = Registry()
        self.web: WebFramework | None = None
        self._process = AppProcess(app)

    @classmethod
    def load(cls, path: str | Path, *, insights: str = "off") -> FunctionHost:
        """Load an app folder; raise DevkitError with one line if that is not possible.

        `insights` is the URL of a local Application Insights, a connection string, or "off": what
        APPLICATIONINSIGHTS_CONNECTION_STRING is set to if the app and the environment do not set it.
        """
        global _loaded
        if _loaded is not None:
            raise DevkitError(f"{_loaded.app.name} is loaded in this process already. Unload it first.")
        app = app_folder(path)
        host = cls(app, read_local_settings(app), read_host_settings(app))
        _loaded = host
        try:
            host._enter(insights)
        except BaseException:
            host.unload()
            raise
        return host

    def unload(self) -> None:
        """Stop the threads and restore environment, import path and modules."""
        global _loaded
        if _loaded is self:
            if hasattr(self, "invoker"):
                self.invoker.close()
            self._process.leave()
            _loaded = None

    def _enter(self, insights: str) -> None:
        self._process.enter(self.local.values, insights)
        if framework := sys.modules.get("ext_sdk.workers"):
            # Imported ahead of the host. Else it finds the registry at its import, as it finds those of the workers: an
            # app that does not import it has it neither here nor there.
            framework.install()
        self._process.hide(Path(v2.script_name()).stem)
        self.invoker = Invoker(self.registry)
        if self.settings.missing:
            logger.warning('host.json is missing; func and Azure need one. {"version": "2.0"} is enough.')
        functions = self._declared()
        self.web = find_web_framework() if self.model == "v2" else None
        for declared in functions:
            self._add(declared)
        _warn_of_doubles(self.routes)
        self.asgi = with_cors(Application(self.routes, self._answering()), self.local)

    def _answering(self) -> Answering:
        if self.web is None:
            return Answers(self.registry, self.invoker, self.app)
        return StreamedAnswers(self.registry, self.invoker, self.app, self.web)

    def _declared(self) -> Sequence[Declared]:
        if (self.app / v2.script_name()).is_file():
            self.model = "v2"
            return v2.load(self.app)
        self.model = "v1"
        if v1.function_folders(self.app):
            return v1.load(self.app)
        raise DevkitError(
            f"{self.app.name} is no function app: it has neither {v2.script_name()} (v2 model) "
            "nor a folder with function.json (v1 model). Name the folder that has host.json."
        )

    def _add(self, declared: Declared) -> None:
        if declared.not_served is not None:
            self.not_served[declared.name] = declared.not_served
        if declared.func is None:
            self.refused[declared.name] = "it is disabled."
            return
        try:
            info = self._register(declared, declared.func)
        except DevkitError as error:
            if declared.not_served is None:
                raise
            self.refused[declared.name] = str(error)
            logger.warning("%s", error)  # a type that this host does not know does no harm where it does not serve
            return
        if declared.trigger is not None:
            self.triggers[declared.name] = declared.trigger
            if declared.not_served is None:
                self._route(declared, declared.trigger.name, info.function_id)

    def _register(self, declared: Declared, func: Callable[..., Any]) -> FunctionInfo:
        """Register a function, and look it up once, as the workers do when they load it."""
        signature = read_signature(func, declared.bindings, declared.place, self.web)
        info = self.registry.add(declared, func, signature)
        self.registry.get_function(info.function_id)
        return info

    def _route(self, declared: Declared, trigger: str, function_id: str) -> None:
        template = Template(join_prefix(self.settings.route_prefix, declared.route))
        if template.is_reserved:
            raise DevkitError(f"{declared.place}: the route {template.route!r} is the host's own. Choose another.")
        self.routes.append(Route(declared.name, function_id, trigger, template, declared.methods))

    def describe(self, url: str) -> list[str]:
        """Return the lines of the start screen: what is served where, and what is not."""
        lines = [f"{self.app.name}: {self.model} model, Python {sys.version.split()[0]}", "", "Functions:", ""]
        lines += [f"    {route.name}: [{route.shown_methods}] {url}/{route.template.route}" for route in self.routes]
        if not self.routes:
            lines.append("    none with an HTTP trigger")
        if self.not_served:
            lines += ["", "Not served by this version:", ""]
            lines += [f"    {name}: {reason}" for name, reason in self.not_served.items()]
        return [*lines, ""]


def app_folder(path: str | Path) -> Path:
    """Return the whole path of an app folder; raise DevkitError if there is none."""
    app = Path(path).resolve()
    if not app.exists():
        raise DevkitError(f"there is no folder {str(path)!r}. Name the folder of a function app.")
    if not app.is_dir():
        raise DevkitError(f"{str(path)!r} is a file. Name the folder of a function app.")
    return app


def _warn_of_doubles(routes: Sequence[Route]) -> None:
    for index, second in enumerate(routes):
        for first in routes[:index]:
            if first.template.shape == second.template.shape and (shared := _shared_methods(first, second)):
                logger.warning(
                    "%s and %s both answer %s /%s; the first one does. Change a route or its methods.",
                    *(first.name, second.name, shared, second.template.route),
                )


def _shared_methods(first: Route, second: Route) -> str:
    if first.methods is None or second.methods is None:
        return (first if second.methods is None else second).shown_methods
    return ",".join(method for method in first.methods if method in second.methods)
