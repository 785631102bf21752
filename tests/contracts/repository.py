"""The repository as the contract tests see it: its distributions, their modules, the files that are committed."""

from __future__ import annotations

import ast
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).resolve().parents[2]
NOT_OURS = {".git", "__pycache__", "_build", "dist", "build", "node_modules"}


@dataclass(frozen=True)
class Distribution:
    """One distribution: the folder with its pyproject.toml and the package inside it."""

    folder: str
    package: str

    @property
    def path(self) -> Path:
        return ROOT / self.folder

    @property
    def source(self) -> Path:
        return self.path / self.package

    @property
    def project(self) -> dict[str, Any]:
        return tomllib.loads((self.path / "pyproject.toml").read_text("utf-8"))["project"]

    def __str__(self) -> str:
        return self.package


SDK = Distribution(".", "ext_sdk")
APPINSIGHTS = Distribution("extensions/appinsights", "ext_appinsights")
OPENTELEMETRY = Distribution("extensions/opentelemetry", "ext_opentelemetry")
OPENCENSUS = Distribution("extensions/opencensus", "ext_opencensus")
TIMING = Distribution("extensions/timing", "ext_timing")
TELEMETRY = Distribution("extensions/telemetry", "ext_telemetry")
DEVKIT = Distribution("devkit", "ext_devkit")
PRODUCTION = (SDK, APPINSIGHTS, OPENTELEMETRY, OPENCENSUS, TIMING, TELEMETRY)
DISTRIBUTIONS = (*PRODUCTION, DEVKIT)


@dataclass(frozen=True)
class Module:
    """One source file of a package, parsed."""

    path: Path
    tree: ast.Module
    lines: int

    @property
    def place(self) -> str:
        """The path as a message shows it."""
        return self.path.relative_to(ROOT).as_posix()


@cache
def modules(distribution: Distribution) -> tuple[Module, ...]:
    """Return each module of a distribution's package. Code that is data of the package (an app to serve) is included."""
    found = []
    for path in sorted(distribution.source.rglob("*.py")):
        text = path.read_text("utf-8")
        found.append(Module(path, ast.parse(text, str(path)), text.count("\n")))
    return tuple(found)


@dataclass(frozen=True)
class Import:
    """One import statement, or one call of `import_module` with a literal name, wherever in the file it stands."""

    module: Module
    line: int
    target: str
    names: tuple[str, ...]
    runs: bool = True
    """Whether it is ever executed: what stands under `if TYPE_CHECKING:` is for the type checker alone."""

    @property
    def root(self) -> str:
        return self.target.partition(".")[0]

    @property
    def place(self) -> str:
        return f"{self.module.place}:{self.line}"


def imports(module: Module, package: str) -> list[Import]:
    """Return what a module imports, at its top or late, relative names resolved."""
    found = []
    checked = _lines_for_the_type_checker(module)
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Import):
            runs = node.lineno not in checked
            found += [Import(module, node.lineno, alias.name, (), runs) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            target = f"{package}.{node.module or ''}" if node.level else node.module or ""
            names = tuple(alias.name for alias in node.names)
            found.append(Import(module, node.lineno, target, names, node.lineno not in checked))
        elif isinstance(node, ast.Call) and _imports_by_name(node):
            found.append(Import(module, node.lineno, node.args[0].value, ()))  # type: ignore[attr-defined]
    return found


def _lines_for_the_type_checker(module: Module) -> set[int]:
    blocks = (
        node for node in ast.walk(module.tree) if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)
    )
    return {line for block in blocks for line in range(block.lineno, (block.end_lineno or block.lineno) + 1)}


def _imports_by_name(call: ast.Call) -> bool:
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    literal = bool(call.args) and isinstance(call.args[0], ast.Constant) and isinstance(call.args[0].value, str)
    return name in {"import_module", "__import__"} and literal


@cache
def committed_files() -> tuple[Path, ...]:
    """Return the files under version control, or in an unpacked archive all that nobody generated."""
    try:
        done = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return tuple(sorted(_files_outside_git()))
    listed = (ROOT / name for name in done.stdout.decode().split("\0") if name)
    return tuple(path for path in listed if path.is_file())


def _files_outside_git() -> list[Path]:
    return [path for path in ROOT.rglob("*") if path.is_file() and not _generated(path.relative_to(ROOT))]


def _generated(path: Path) -> bool:
    hidden = any(part in NOT_OURS or part.startswith((".venv", ".mypy", ".ruff", ".pytest")) for part in path.parts)
    return hidden or any(part.endswith((".egg-info", ".pyc", ".db")) for part in path.parts)


def report(title: str, lines: list[str]) -> str:
    """Return the message of a failed contract: what to do, then each place."""
    return "\n  ".join([title, *lines])
