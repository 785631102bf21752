"""Everything that is known of one app, read once, for all checks."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ext_devkit.doctor import functions
from ext_devkit.doctor.configuration import AppSettings, HostJson, read_settings
from ext_devkit.doctor.extensions import Classes, Extension, Found, find_extensions
from ext_devkit.doctor.findings import Finding
from ext_devkit.doctor.modules import Module, Sources
from ext_devkit.doctor.python_version import AppPython, find_python
from ext_devkit.doctor.requirements import Requirements, read_requirements
from ext_devkit.doctor.rules import RULES
from ext_devkit.errors import DevkitError
from ext_devkit.host import v2

if TYPE_CHECKING:
    import ast
    from collections.abc import Mapping

    from ext_devkit.doctor.functions import Folder, Function


@dataclass(frozen=True)
class Case:
    """One function app as the checks see it."""

    app: Path
    model: str
    python: AppPython
    settings: AppSettings
    host: HostJson
    requirements: Requirements
    sources: Sources
    classes: Classes
    modules: list[Module]
    """Those that are imported when the app is loaded."""
    others: list[Module]
    """The rest of the app's files, without tests."""
    folders: list[Folder]
    functions: list[Function]
    found: Found

    @classmethod
    def read(
        cls,
        app: Path,
        *,
        python: tuple[int, int] | None = None,
        environment: Mapping[str, str] | None = None,
        settings: Path | None = None,
    ) -> Case:
        """Read the app in a folder. DevkitError: it is no function app, or the list of settings cannot be read."""
        read = read_settings(app, os.environ if environment is None else environment, settings)
        version = find_python(app, python)
        script = read.get("PYTHON_SCRIPT_FILE_NAME") or v2.DEFAULT_SCRIPT
        folders = functions.read_folders(app)
        model = "v2" if (app / script).is_file() else "v1"
        if model == "v1" and not folders:
            raise DevkitError(
                f"{app.name} is no function app: it has neither {script} (v2 model) "
                "nor a folder with function.json (v1 model). Name the folder that has host.json."
            )
        sources = Sources(app)
        classes = Classes(sources)
        entries = [Path(script).stem] if model == "v2" else [one.module_name(app) for one in folders]
        modules = sources.reachable(entries)
        declared = functions.of_decorators(modules) if model == "v2" else functions.of_folders(folders, app, sources)
        return cls(
            app=app,
            model=model,
            python=version,
            settings=read,
            host=HostJson.read(app),
            requirements=read_requirements(app, version.version),
            sources=sources,
            classes=classes,
            modules=modules,
            others=sources.others(modules),
            folders=folders,
            functions=declared,
            found=find_extensions(modules, classes, sources),
        )

    def finding(self, rule: str, place: str, reason: str, fix: str = "") -> Finding:
        """Return a finding of a rule; `fix` if there is a better one than the rule's."""
        return Finding(RULES[rule], place, reason, fix or RULES[rule].fix)

    @property
    def of_opentelemetry(self) -> bool:
        """Whether the host is in OpenTelemetry mode."""
        mode = self.settings.get("AzureFunctionsJobHost__telemetryMode") or self.host.get("telemetryMode")
        return str(mode).strip().lower() == "opentelemetry"

    @property
    def official(self) -> list[Extension]:
        """The active extensions that know azure-functions' base classes only, of both levels."""
        made = {one.extension.key for one in self.found.made}
        known = self.found.extensions
        return [
            known[key] for key in known if known[key].kind == "official" and (key in self.found.active or key in made)
        ]

    def calls_of(self, dotted: str) -> list[tuple[Module, ast.Call]]:
        """Return the calls of a function of a package, by its whole name."""
        return [(module, node) for module in self.modules for node, name in module.calls() if name == dotted]

    def certain_call_of(self, dotted: str) -> tuple[Module, ast.Call] | None:
        """Return the first call of a function that is made whenever the app is imported."""
        calls = self.calls_of(dotted)
        return next((one for one in calls if id(one[1]) in one[0].certain_calls), None)
