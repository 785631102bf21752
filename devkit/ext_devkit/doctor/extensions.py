"""The extensions of an app, told from its source: which there are, of which kind, and what the app does with them."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ext_devkit.doctor.modules import Module, Sources

Kind = Literal["sdk", "official"]
Level = Literal["app", "function"]

OPENTELEMETRY = "ext_opentelemetry.OpenTelemetryExtension"
OPENCENSUS = "ext_opencensus.OpenCensusExtension"
TELEMETRY = "ext_telemetry.TelemetryExtension"
TIMING = "ext_timing.TimingExtension"
RETIRED = "opencensus.extension.azure.functions.OpenCensusExtension"

_KNOWN: dict[str, tuple[Kind, Level]] = {
    OPENTELEMETRY: ("sdk", "app"),
    OPENCENSUS: ("sdk", "app"),
    TELEMETRY: ("sdk", "app"),
    TIMING: ("sdk", "app"),
    "ext_timing.FunctionTimer": ("sdk", "function"),
    RETIRED: ("official", "app"),
    "elasticapm.contrib.serverless.azure.ElasticAPMExtension": ("official", "app"),
}
_ACTIVATED_BY_PACKAGE = {
    "ext_opentelemetry": OPENTELEMETRY,
    "ext_opencensus": OPENCENSUS,
    "ext_telemetry": TELEMETRY,
    "opencensus.extension.azure.functions": RETIRED,
}
"""Packages whose import alone activates their extension; ext_timing's does not."""

_WITH_SDK = {"ext_sdk", "ext_opentelemetry", "ext_opencensus", "ext_telemetry", "ext_timing"}

_BASES: dict[str, tuple[Kind, Level]] = {
    "AppExtension": ("sdk", "app"),
    "FuncExtension": ("sdk", "function"),
    "AppExtensionBase": ("official", "app"),
    "FuncExtensionBase": ("official", "function"),
}
_HOMES = {"sdk": "ext_sdk", "official": "azure.functions"}
_DEEPEST = 12
"""How many names a name may lead through: modules that import each other would lead on for ever."""


@dataclass(frozen=True)
class Extension:
    """One extension class. `node` and `module` are None where only its name is known."""

    key: str
    kind: Kind
    level: Level
    module: Module | None = field(default=None, compare=False, repr=False)
    node: ast.ClassDef | None = field(default=None, compare=False, repr=False)

    @property
    def name(self) -> str:
        """The class's name."""
        return self.key.rpartition(".")[2]

    @property
    def abstract(self) -> bool:
        """Whether the class says that it is never active."""
        keywords = self.node.keywords if self.node else []
        return any(one.arg == "abstract" and getattr(one.value, "value", True) for one in keywords)


@dataclass(frozen=True)
class Call:
    """One call that the app makes on an extension: `configure`, or the constructor."""

    extension: Extension
    module: Module
    node: ast.Call
    certain: bool

    @property
    def place(self) -> str:
        """File and line."""
        return self.module.at(self.node)

    def value(self, name: str) -> ast.expr | None:
        """Return what a setting is given; None if it is not."""
        return next((one.value for one in self.node.keywords if one.arg == name), None)

    def constant(self, name: str) -> object:
        """Return what a setting is given, if that is written down as a constant; None if it is not."""
        return getattr(self.value(name), "value", None)

    @property
    def open(self) -> bool:
        """Whether there may be settings that the source does not name: `configure(**settings)`."""
        return any(one.arg is None for one in self.node.keywords)


@dataclass
class Found:
    """What an app has of extensions."""

    active: dict[str, str] = field(default_factory=dict)
    """App-level extensions that an import activates: key -> place."""
    maybe: set[str] = field(default_factory=set)
    """Those of them that are imported under a condition only."""
    extensions: dict[str, Extension] = field(default_factory=dict)
    configured: list[Call] = field(default_factory=list)
    made: list[Call] = field(default_factory=list)
    imports_sdk: bool = False

    def certain(self, key: str) -> bool:
        """Whether an extension is active for certain."""
        return key in self.active and key not in self.maybe

    def calls(self, key: str) -> list[Call]:
        """Return the calls of `configure` of one extension."""
        return [one for one in self.configured if one.extension.key == key]


class Classes:
    """Tells which names are extensions."""

    def __init__(self, sources: Sources) -> None:
        self._sources = sources
        self._known: dict[str, Extension | None] = {}

    def of(self, dotted: str, depth: int = 0) -> Extension | None:
        """Return the extension that a whole name stands for; None if it is none, or nobody can tell."""
        if not dotted or depth > _DEEPEST:
            return None
        if dotted not in self._known:
            self._known[dotted] = None  # while it is looked for: a class may name itself
            self._known[dotted] = self._look(dotted, depth)
        return self._known[dotted]

    def definition(self, dotted: str, depth: int = 0) -> tuple[Module, ast.ClassDef] | None:
        """Return where the class of a whole name is written; None if its source is not at hand."""
        home, _, name = dotted.rpartition(".")
        module = self._sources.find(home) if home and depth <= _DEEPEST else None
        if module is None:
            return None
        if node := module.classes.get(name):
            return module, node
        leads = module.names.get(name, "")
        return self.definition(leads, depth + 1) if leads and leads != dotted else None

    def _look(self, dotted: str, depth: int) -> Extension | None:
        if dotted in _KNOWN:
            return Extension(dotted, *_KNOWN[dotted])
        home, _, name = dotted.rpartition(".")
        if not home or (name in _BASES and base_of(dotted)):
            return None
        module = self._sources.find(home)
        if module is None:
            return None
        node = module.classes.get(name)
        if node is None:
            leads = module.names.get(name, "")
            return self.of(leads, depth + 1) if leads != dotted else None
        for base in node.bases:
            leads = module.dotted(base)
            known = base_of(leads)
            if known is None and (parent := self.of(leads, depth + 1)):
                known = (parent.kind, parent.level)
            if known:
                return Extension(dotted, *known, module, node)
        return None


def base_of(dotted: str) -> tuple[Kind, Level] | None:
    """Return kind and level of the classes that all extensions come from; None for any other name."""
    known = _BASES.get(dotted.rpartition(".")[2])
    return known if known and dotted.startswith(f"{_HOMES[known[0]]}.") else None


def find_extensions(modules: list[Module], classes: Classes, sources: Sources) -> Found:
    """Return what the modules of an app that are imported have of extensions."""
    found = Found()
    for module in modules:
        _look_at_imports(module, classes, found)
        _look_into_packages(module, classes, sources, found)
        for name, node in module.classes.items():
            extension = classes.of(f"{module.name}.{name}")
            if extension is not None:
                found.extensions[extension.key] = extension
                if extension.level == "app" and not extension.abstract:
                    found.active.setdefault(extension.key, module.at(node))
        _look_at_calls(module, classes, found)
    if TELEMETRY in found.active and OPENTELEMETRY not in found.active:
        _activate(
            found, Extension(OPENTELEMETRY, "sdk", "app"), found.active[TELEMETRY], certain=found.certain(TELEMETRY)
        )
    return found


def _look_at_imports(module: Module, classes: Classes, found: Found) -> None:
    for one in module.imports:
        found.imports_sdk |= one.target.partition(".")[0] in _WITH_SDK
        place = f"{module.shown}:{one.line}"
        for package, key in _ACTIVATED_BY_PACKAGE.items():
            if f"{one.dotted}.".startswith(f"{package}."):
                _activate(found, Extension(key, *_KNOWN[key]), place, certain=one.certain)
        if _may_be_extension(one.name):
            extension = classes.of(one.dotted)
            if extension is not None:
                found.extensions[extension.key] = extension
                if extension.level == "app" and not extension.abstract:
                    _activate(found, extension, place, certain=one.certain)
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Attribute) and module.dotted(node) == TIMING:
            _activate(found, Extension(TIMING, *_KNOWN[TIMING]), module.at(node), certain=False)


def _look_into_packages(module: Module, classes: Classes, sources: Sources, found: Found) -> None:
    """Find what the import of somebody's package activates, whatever is imported from it."""
    for one in module.imports:
        package = one.target.partition(".")[0]
        if package in _WITH_SDK or package in ("azure", "opencensus") or not sources.speaks_of_extensions(package):
            continue
        home = sources.find(package)
        for name in (*home.names, *home.classes) if home else ():
            extension = classes.of(f"{package}.{name}")
            if extension is not None and extension.node is not None:
                found.imports_sdk |= extension.kind == "sdk"
                if extension.level == "app" and not extension.abstract:
                    _activate(found, extension, f"{module.shown}:{one.line}", certain=one.certain)


def _activate(found: Found, extension: Extension, place: str, *, certain: bool) -> None:
    first = extension.key not in found.active
    found.extensions.setdefault(extension.key, extension)
    found.active.setdefault(extension.key, place)
    if certain:
        found.maybe.discard(extension.key)
    elif first:
        found.maybe.add(extension.key)


def _look_at_calls(module: Module, classes: Classes, found: Found) -> None:
    for node, dotted in module.calls():
        certain = id(node) in module.certain_calls
        owner, _, method = dotted.rpartition(".")
        if method == "configure" and (extension := classes.of(owner)) and extension.level == "app":
            found.configured.append(Call(extension, module, node, certain))
        elif _fits_constructor(node, method) and (extension := classes.of(dotted)) and extension.level == "function":
            found.extensions[extension.key] = extension
            found.made.append(Call(extension, module, node, certain))


def _may_be_extension(name: str) -> bool:
    """Say whether a name is worth reading the package that it is from: that takes time."""
    return "ext" in name.lower() or name == "FunctionTimer"


def _fits_constructor(node: ast.Call, name: str) -> bool:
    takes_file = any(isinstance(one, ast.Name) and one.id == "__file__" for one in node.args)
    return takes_file or name[:1].isupper()


def hooks(node: ast.ClassDef) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Yield the methods that a class defines."""
    for one in node.body:
        if isinstance(one, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield one
