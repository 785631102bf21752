"""Small modules, short functions, and the files that every distribution carries."""

from __future__ import annotations

import ast
from statistics import median

import pytest

from tests.contracts.repository import DISTRIBUTIONS, ROOT, SDK, Distribution, Module, committed_files, modules, report

MODULE_LINES = 500
FUNCTION_LINES = 50
MODULE_MEDIAN = 150
FUNCTION_MEDIAN = 8


def function_lengths(module: Module) -> list[tuple[str, int]]:
    """Return each function's place and its lines from `def` to its end, docstring included."""
    return [
        (f"{module.place}:{node.lineno} {node.name}", (node.end_lineno or node.lineno) - node.lineno + 1)
        for node in ast.walk(module.tree)
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
    ]


def code_lines(module: Module) -> list[int]:
    """Return each function's length without its docstring, which is prose."""
    lengths = []
    for node in ast.walk(module.tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            prose = node.body[0] if ast.get_docstring(node) is not None else None
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            lengths.append(lines - ((prose.end_lineno or 0) - prose.lineno + 1 if prose else 0))
    return lengths


def test_no_module_is_longer_than_500_lines():
    """Tests and helpers included: a file that long has more than one reason to exist."""
    long = []
    for path in committed_files():
        if path.suffix == ".py" and (lines := path.read_text("utf-8").count("\n")) > MODULE_LINES:
            long.append(f"{path.relative_to(ROOT)}: {lines}")

    assert not long, report("Split these files by what they are for:", long)


@pytest.mark.parametrize("distribution", DISTRIBUTIONS, ids=str)
def test_no_function_is_longer_than_50_lines(distribution: Distribution):
    """A function is read in one glance."""
    lengths = [length for module in modules(distribution) for length in function_lengths(module)]

    long = [f"{place}: {lines} lines" for place, lines in lengths if lines > FUNCTION_LINES]

    assert not long, report("Give the parts of these functions names of their own:", long)


def test_the_usual_module_and_function_are_short():
    """Limits alone are kept by code which is all just below them; the medians say what is usual."""
    found = [module for distribution in DISTRIBUTIONS for module in modules(distribution)]
    lines = median(module.lines for module in found)
    code = median(length for module in found for length in code_lines(module))

    assert lines <= MODULE_MEDIAN, f"The median module has {lines} lines, not <= {MODULE_MEDIAN}: split the long ones."
    assert code <= FUNCTION_MEDIAN, (
        f"The median function has {code} lines, not <= {FUNCTION_MEDIAN}: split the long ones."
    )


@pytest.mark.parametrize("distribution", DISTRIBUTIONS, ids=str)
def test_every_package_says_that_it_is_typed(distribution: Distribution):
    """PEP 561: without py.typed a type checker ignores the annotations."""
    assert (distribution.source / "py.typed").is_file(), f"Add an empty {distribution.package}/py.typed."


@pytest.mark.parametrize("distribution", DISTRIBUTIONS, ids=str)
def test_every_distribution_carries_the_licence_and_a_readme(distribution: Distribution):
    """Each wheel stands alone, so it has the licence's own text and says what it is."""
    licence = (distribution.path / "LICENSE").read_text("utf-8")
    readme = (distribution.path / distribution.project["readme"]).read_text("utf-8")

    assert licence == (SDK.path / "LICENSE").read_text("utf-8"), f"Copy LICENSE to {distribution.folder}/."
    assert len(readme.split()) > 20, (
        f"{distribution.folder}/{distribution.project['readme']} says nothing: write what the distribution is for."
    )
