"""How often a function yields on its way through: only what is certain.

The paths through the function are followed with the number of yields so far: 0, 1 or 2 (which stands for more). Where
it cannot be known which way a path goes, it goes every way, so that a yield is only ever called the second one if
there is no way around it.
"""

from __future__ import annotations

import ast
import inspect
from opcode import opmap
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import CodeType, FunctionType

    Counts = frozenset[int]

_NONE: Counts = frozenset()
_TWICE = 2
_YIELD = opmap["YIELD_VALUE"]
_OTHER_SCOPE = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)
_COMPREHENSION = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


def second(function: FunctionType) -> int | None:
    """Return the line of the second yield of a generator function that takes no path with exactly one.

    None if it has such a path, or if that cannot be told: `yield from`, or no source that fits the byte code.
    """
    found = _definition(function.__code__)
    if found is None:
        return None
    definition, offset = found
    paths = _Paths()
    done = paths.block(definition.body, frozenset({0})) | paths.returned
    if 1 in done or not (paths.endless or _TWICE in done):
        return None
    return paths.line + offset


def returns_only_none(code: CodeType) -> bool:
    """Return whether each way through a function ends in None; not so if all of them end in an exception."""
    import dis

    ends = False
    last: Any = None
    for step in dis.get_instructions(code):
        if step.opname == "RETURN_VALUE":
            # At the target of a jump the value may be another one than the last that was loaded.
            if step.is_jump_target or last != ("LOAD_CONST", None):
                return False
            ends = True
        elif step.opname == "RETURN_CONST":
            if step.argval is not None:
                return False
            ends = True
        last = (step.opname, step.argval)
    return ends


def _definition(code: CodeType) -> tuple[ast.FunctionDef, int] | None:
    """Return the function's syntax tree, and what to add to its line numbers; None if the source does not fit."""
    try:
        lines, first = inspect.getsourcelines(code)
        indented = lines[0][:1].isspace()
        body = ast.parse(("if 1:\n" if indented else "") + "".join(lines)).body
    except Exception:  # no source, or one that is no longer Python
        return None
    definition = body[0].body[0] if isinstance(body[0], ast.If) else body[0]
    if not isinstance(definition, ast.FunctionDef) or definition.name != code.co_name:
        return None
    offset = first - 1 - indented
    yields = [one for statement in definition.body for one in _own(statement)]
    if any(isinstance(one, ast.YieldFrom) for one in yields):
        return None
    # A file that was edited since it was imported shows here.
    return (definition, offset) if {one.lineno + offset for one in yields} == _lines_of_yields(code) else None


def _own(node: ast.AST) -> Iterable[ast.Yield | ast.YieldFrom]:
    """Return the yields of this scope below the node."""
    if isinstance(node, _OTHER_SCOPE):
        return
    if isinstance(node, ast.Yield | ast.YieldFrom):
        yield node
    for child in ast.iter_child_nodes(node):
        yield from _own(child)


def _lines_of_yields(code: CodeType) -> set[int | None]:
    steps = code.co_code[::2]
    return {
        line for start, end, line in code.co_lines() if any(step == _YIELD for step in steps[start // 2 : end // 2])
    }


class _Paths:
    """The numbers of yields that paths through a function can have, statement by statement.

    Each method takes the numbers with which its node is entered and returns those with which it is left downwards;
    the other ways out are collected in `returned`, `broken` and `continued`, and what an exception may find on its way
    out in each set of `watching`.
    """

    def __init__(self) -> None:
        self.returned = self.broken = self.continued = _NONE
        self.watching: list[set[int]] = []
        self.endless = False
        self.line = 0

    def block(self, statements: Iterable[ast.stmt], counts: Counts) -> Counts:
        for statement in statements:
            if not counts:
                break
            counts = getattr(self, f"_{type(statement).__name__}", self._plain)(statement, counts)
        return counts

    def _plain(self, node: ast.AST, counts: Counts) -> Counts:
        """Follow a node whose parts are all evaluated, in their order."""
        if isinstance(node, _OTHER_SCOPE):
            return counts
        if isinstance(node, ast.BoolOp):
            return self._maybe(node.values[1:], self._plain(node.values[0], counts))
        if isinstance(node, ast.Compare):
            counts = self._plain(node.comparators[0], self._plain(node.left, counts))
            return self._maybe(node.comparators[1:], counts)
        if isinstance(node, ast.IfExp):
            counts = self._plain(node.test, counts)
            return self._plain(node.body, counts) | self._plain(node.orelse, counts)
        if isinstance(node, _COMPREHENSION):  # only the first iterable belongs to this scope
            return self._plain(node.generators[0].iter, counts)
        for child in ast.iter_child_nodes(node):
            counts = self._plain(child, counts)
        return self._one_more(node.lineno, counts) if isinstance(node, ast.Yield) else counts

    def _maybe(self, nodes: Iterable[ast.AST], counts: Counts) -> Counts:
        for node in nodes:
            counts |= self._plain(node, counts)
        return counts

    def _one_more(self, line: int, counts: Counts) -> Counts:
        if not self.line and 1 in counts:
            self.line = line
        counts = frozenset(min(count + 1, _TWICE) for count in counts)
        self._watch(counts)
        return counts

    def _watch(self, counts: Iterable[int]) -> None:
        for watching in self.watching:
            watching.update(counts)

    def _Return(self, node: ast.Return, counts: Counts) -> Counts:  # noqa: N802 - named after the node, as in `ast`
        self.returned |= self._plain(node, counts)
        return _NONE

    def _Raise(self, node: ast.Raise, counts: Counts) -> Counts:  # noqa: N802
        self._plain(node, counts)
        return _NONE

    def _Break(self, _: ast.Break, counts: Counts) -> Counts:  # noqa: N802
        self.broken |= counts
        return _NONE

    def _Continue(self, _: ast.Continue, counts: Counts) -> Counts:  # noqa: N802
        self.continued |= counts
        return _NONE

    def _Assert(self, node: ast.Assert, counts: Counts) -> Counts:  # noqa: N802
        counts = self._plain(node.test, counts)
        if node.msg is not None:  # evaluated on the way to an exception
            self._plain(node.msg, counts)
        return counts

    def _If(self, node: ast.If, counts: Counts) -> Counts:  # noqa: N802
        counts = self._plain(node.test, counts)
        return self.block(node.body, counts) | self.block(node.orelse, counts)

    def _Match(self, node: ast.Match, counts: Counts) -> Counts:  # noqa: N802
        counts = self._plain(node.subject, counts)
        left = _NONE
        for case in node.cases:
            if case.guard is not None:
                counts |= self._plain(case.guard, counts)
            left |= self.block(case.body, counts)
        last = node.cases[-1]
        takes_all = last.guard is None and isinstance(last.pattern, ast.MatchAs) and last.pattern.pattern is None
        return left if takes_all else left | counts

    def _For(self, node: ast.For, counts: Counts) -> Counts:  # noqa: N802
        return self._loop(node, self._plain(node.iter, counts), node.target)

    def _While(self, node: ast.While, counts: Counts) -> Counts:  # noqa: N802
        return self._loop(node, counts, node.test)

    def _loop(self, node: ast.For | ast.While, counts: Counts, test: ast.expr) -> Counts:
        outer = self.broken, self.continued
        self.broken = self.continued = _NONE
        while True:  # ends, as there are only three numbers
            tested = self._plain(test, counts)
            again = counts | self.block(node.body, tested) | self.continued
            if again == counts:
                break
            counts = again
        unconditional = isinstance(test, ast.Constant) and bool(test.value)
        if unconditional and not self.broken and _TWICE in counts:
            self.endless = True
        broken = self.broken
        self.broken, self.continued = outer
        if unconditional:
            return broken
        return broken | self.block(node.orelse, tested if isinstance(node, ast.While) else counts)

    def _With(self, node: ast.With, counts: Counts) -> Counts:  # noqa: N802
        """Follow a block that its context manager may cut short at any point, as contextlib.suppress does."""
        for item in node.items:
            counts = self._plain(item, counts)
        inside = self._watched(counts)
        left = self.block(node.body, counts)
        self.watching.pop()
        return left | frozenset(inside)

    def _watched(self, counts: Counts) -> set[int]:
        inside = set(counts)
        self.watching.append(inside)
        return inside

    def _Try(self, node: ast.Try, counts: Counts) -> Counts:  # noqa: N802
        outer = self.returned, self.broken, self.continued
        self.returned = self.broken = self.continued = _NONE
        everywhere = self._watched(counts)
        inside = self._watched(counts)
        left = self.block(node.body, counts)
        self.watching.pop()
        left = self.block(node.orelse, left)
        caught = frozenset(inside)
        for handler in node.handlers:  # of `except*` more than one may run
            ran = self.block(handler.body, caught)
            left |= ran
            if type(node) is not ast.Try:
                caught |= ran
        self.watching.pop()
        return self._finally(node.finalbody, left, frozenset(everywhere), outer)

    _TryStar = _Try

    def _finally(
        self, body: list[ast.stmt], left: Counts, raised: Counts, outer: tuple[Counts, Counts, Counts]
    ) -> Counts:
        """Send each way out of a `try` through its `finally`."""
        ways = self.returned, self.broken, self.continued
        self.returned, self.broken, self.continued = outer
        left = self.block(body, left)
        self.block(body, raised)  # the exception goes on after it, unless it leaves on a way of its own
        self.returned |= self.block(body, ways[0])
        self.broken |= self.block(body, ways[1])
        self.continued |= self.block(body, ways[2])
        return left
