"""The Python files of an app, parsed and never imported: which module imports what, and what a name stands for."""

from __future__ import annotations

import ast
import os
import re
import sys
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

NAMESPACE = "__app__."
"""What the v1 model puts before the names of an app's modules."""

_NOT_OF_THE_APP = {"site-packages", "node_modules", "__pycache__", "tests", "test"}

_SIGNS = re.compile(rb"\bimport ext_sdk|\bfrom ext_sdk |\b(?:App|Func)ExtensionBase\b")
_MOST_FILES = 200
"""Files of one package that are searched for these words."""


@dataclass(frozen=True)
class Imported:
    """One name that an import statement brings: `from target import name as local`, or `import target`."""

    line: int
    target: str
    name: str
    local: str
    certain: bool
    """Whether it runs whenever the module is imported: at the top, under no condition."""

    @property
    def dotted(self) -> str:
        """The whole name of what is imported."""
        return f"{self.target}.{self.name}" if self.name else self.target

    @property
    def stands_for(self) -> str:
        """What the local name is: of `import a.b` it is `a`."""
        return self.local if not self.name and f"{self.target}.".startswith(f"{self.local}.") else self.dotted


@dataclass
class Module:
    """One parsed file. `shown` is what findings call it."""

    name: str
    shown: str
    tree: ast.Module
    is_package: bool
    imports: list[Imported] = field(default_factory=list)

    def __post_init__(self) -> None:
        for node, certain, runs in _statements(self.tree.body):
            self.imports += _imported(node, self._package, certain) if runs else []
            if not runs:
                self._for_the_type_checker += _imported(node, self._package, certain)

    @cached_property
    def _for_the_type_checker(self) -> list[Imported]:
        return []

    @property
    def _package(self) -> list[str]:
        parts = self.name.split(".")
        return parts if self.is_package else parts[:-1]

    @cached_property
    def names(self) -> dict[str, str]:
        """Local name -> the whole name that it stands for; what the module defines itself included."""
        defined = {
            node.name: f"{self.name}.{node.name}"
            for node in self.tree.body
            if isinstance(node, (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef))
        }
        every = [*self._for_the_type_checker, *self.imports]
        return {one.local: one.stands_for for one in every} | defined

    @cached_property
    def classes(self) -> dict[str, ast.ClassDef]:
        """The classes at the module's top, by name."""
        return {node.name: node for node in ast.walk(self.tree) if isinstance(node, ast.ClassDef)}

    @cached_property
    def certain_calls(self) -> set[int]:
        """Ids of the calls that run whenever the module is imported."""
        found: set[int] = set()
        for node, certain, runs in _statements(self.tree.body):
            if certain and runs and isinstance(node, (ast.Expr, ast.Assign, ast.AnnAssign)):
                found.update(id(one) for one in ast.walk(node) if isinstance(one, ast.Call))
        return found

    def dotted(self, node: ast.AST | None) -> str:
        """Return the whole name that an expression stands for; empty if it is no name that the module knows."""
        if isinstance(node, ast.Name):
            return self.names.get(node.id, "")
        if isinstance(node, ast.Attribute) and (owner := self.dotted(node.value)):
            return f"{owner}.{node.attr}"
        return ""

    def calls(self) -> Iterator[tuple[ast.Call, str]]:
        """Yield each call with the whole name of what is called."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Call):
                yield node, self.dotted(node.func)

    def at(self, node: ast.AST) -> str:
        """Return the place of a node, as findings show it."""
        return f"{self.shown}:{getattr(node, 'lineno', 1)}"


def _statements(body: list[ast.stmt], certain: bool = True, runs: bool = True) -> Iterator[tuple[ast.stmt, bool, bool]]:
    """Yield each statement with whether it always runs at the import, and whether it ever runs."""
    for node in body:
        yield node, certain, runs
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            yield from _statements(node.body, certain=False, runs=False)
            yield from _statements(node.orelse, certain, runs)
            continue
        surely = certain and isinstance(node, (ast.With, ast.ClassDef))
        for name in ("body", "orelse", "finalbody"):
            yield from _statements(getattr(node, name, []), surely, runs)
        for part in [*getattr(node, "handlers", []), *getattr(node, "cases", [])]:
            yield from _statements(part.body, certain=False, runs=runs)


def _imported(node: ast.stmt, package: list[str], certain: bool) -> list[Imported]:
    if isinstance(node, ast.Import):
        return [
            Imported(node.lineno, _plain(one.name), "", one.asname or one.name.partition(".")[0], certain)
            if not one.asname
            else Imported(node.lineno, *_split(_plain(one.name)), one.asname, certain)
            for one in node.names
        ]
    if isinstance(node, ast.ImportFrom):
        base = package[: len(package) - node.level + 1] if node.level else []
        target = _plain(".".join([*base, *([node.module] if node.module else [])]))
        return [Imported(node.lineno, target, one.name, one.asname or one.name, certain) for one in node.names]
    return []


def _plain(name: str) -> str:
    return "" if name == NAMESPACE[:-1] else name.removeprefix(NAMESPACE)


def _split(name: str) -> tuple[str, str]:
    target, _, last = name.rpartition(".")
    return (target, last) if target else (name, "")


class Sources:
    """Finds and parses modules: those of the app, and those of packages that lie where the app would find them."""

    def __init__(self, app: Path) -> None:
        self.app = app
        self.unreadable: list[tuple[str, str]] = []
        """Place and reason of each file of the app that is no Python."""
        self._known: dict[str, Module | None] = {}
        packages = [
            app / ".python_packages" / "lib" / "site-packages",
            *sorted(app.glob(".venv/[lL]ib/python*/site-packages")),
        ]
        self._elsewhere = [*(one for one in packages if one.is_dir()), *(Path(one) for one in sys.path if one)]

    def find(self, name: str) -> Module | None:
        """Return a module by its whole name; None if there is none, or it is no Python file."""
        if name not in self._known:
            self._known[name] = None
            for root in [self.app, *(self._elsewhere if _fit_to_look_into(name) else [])]:
                if path := _file(root, name):
                    self._known[name] = self._parse(path, name, own=root == self.app)
                    break
        return self._known[name]

    def adopt(self, module: Module) -> None:
        """Let a module be found by its name that nothing imports."""
        self._known.setdefault(module.name, module)

    def speaks_of_extensions(self, package: str) -> bool:
        """Say whether a file of a package that is not the app's names a base class of extensions, or ext_sdk."""
        for root in self._elsewhere if _fit_to_look_into(package) and not _file(self.app, package) else []:
            if path := _file(root, package):
                files = sorted(path.parent.glob("*.py"))[:_MOST_FILES] if path.name == "__init__.py" else [path]
                return any(_SIGNS.search(file.read_bytes()) for file in files)
        return False

    def is_own(self, module: Module) -> bool:
        """Say whether a module is the app's."""
        return (self.app / module.shown).exists()

    def _parse(self, path: Path, name: str, *, own: bool, said: bool = True) -> Module | None:
        shown = path.relative_to(self.app).as_posix() if own else str(path)
        try:
            tree = ast.parse(path.read_bytes())
        except (SyntaxError, ValueError, RecursionError, OSError) as error:
            if own and said:
                line = getattr(error, "lineno", None)
                self.unreadable.append(
                    (f"{shown}:{line}" if line else shown, getattr(error, "msg", None) or str(error))
                )
            return None
        return Module(name, shown, tree, path.name == "__init__.py")

    def reachable(self, entries: list[str]) -> list[Module]:
        """Return the app's modules that are imported when the `entries` are, those included, in that order."""
        waiting, seen, found = list(entries), set(), []
        while waiting:
            name = waiting.pop(0)
            if not name or name in seen:
                continue
            seen.add(name)
            waiting.append(name.rpartition(".")[0])
            module = self.find(name) if _file(self.app, name) else None
            if module is not None:
                found.append(module)
                waiting += [part for one in module.imports for part in (one.target, one.dotted)]
        return found

    def others(self, known: list[Module]) -> list[Module]:
        """Return the app's other modules, without tests and what is installed in its folder."""
        names = {module.shown for module in known}
        found = []
        for path in sorted(_python_files(self.app)):
            inside = path.relative_to(self.app)
            if inside.as_posix() in names or inside.name.startswith(("test_", "conftest")):
                continue
            module = self._parse(
                path, ".".join(inside.with_suffix("").parts).removesuffix(".__init__"), own=True, said=False
            )
            found += [module] if module else []
        return found


def _python_files(app: Path) -> Iterator[Path]:
    """Yield the app's own files, without going into folders of tests, of tools or of installed packages."""
    for folder, inner, files in os.walk(app):
        inner[:] = [one for one in inner if not one.startswith(".") and one not in _NOT_OF_THE_APP]
        if "pyvenv.cfg" in files:
            inner[:] = []
            continue
        yield from (Path(folder, one) for one in files if one.endswith(".py"))


def _file(root: Path, name: str) -> Path | None:
    base = root.joinpath(*name.split("."))
    return next((path for path in (base / "__init__.py", base.with_name(f"{base.name}.py")) if path.is_file()), None)


def _fit_to_look_into(name: str) -> bool:
    return name.partition(".")[0] not in sys.stdlib_module_names
