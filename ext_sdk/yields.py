"""How often a function yields on its way through: only what is certain.

All ways through the byte code are followed with the number of yields so far: 0, 1 or 2 (which stands for more). Where
it cannot be known which way it goes, it goes every way, also from each step of a `try` or `with` block to its handler;
so a yield is only ever called the second one if there is no way around it.
"""

from __future__ import annotations

import dis
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import CodeType

    Places = dict[tuple[int, int], None]

_TWICE = 2
_JUMPS = {*dis.hasjrel, *dis.hasjabs}
_NEVER_GOES_ON = {"JUMP_FORWARD", "JUMP_ABSOLUTE", "JUMP_BACKWARD", "RERAISE"}


def second(code: CodeType) -> int | None:
    """Return the line of the second yield of a function none of whose ways returns after exactly one.

    None if one does, or if that cannot be told, as with `yield from`.
    """
    steps = list(dis.get_instructions(code))
    if any(step.opname == "GET_YIELD_FROM_ITER" for step in steps):
        return None
    try:
        places = _places(steps, _handlers(code, steps))
    except (AttributeError, LookupError):  # the byte code of a Python that is not known
        return None
    left = {(_way_out(steps[at]), count) for at, count in places}
    if ("return", 1) in left or (("return", _TWICE) not in left and ("raise", 1) in left):
        return None
    seconds = (at for at, count in places if count and steps[at].opname == "YIELD_VALUE")
    return next((_line(code, steps[at].offset) for at in seconds), None)


def returns_only_none(code: CodeType) -> bool:
    """Return whether each way through a function ends in None; not so if all of them end in an exception."""
    ends = False
    last: object = None
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


def _places(steps: list[dis.Instruction], handlers: dict[int, list[int]]) -> Places:
    """Return each step that can be reached, as its index with each number of yields that can lie before it.

    What fewer steps lead to goes first.
    """
    index = {step.offset: at for at, step in enumerate(steps)}
    found: Places = {}
    todo = [(0, 0)]
    for at, count in todo:  # which grows
        if (at, count) in found:
            continue
        found[at, count] = None
        step = steps[at]
        todo += [(index[target], count) for target in handlers.get(at, ())]
        after = min(count + (step.opname == "YIELD_VALUE"), _TWICE)
        if step.opcode in _JUMPS:
            todo.append((index[step.argval], after))
        if not (_way_out(step) or step.opname in _NEVER_GOES_ON):
            todo.append((at + 1, after))
    return found


def _way_out(step: dis.Instruction) -> str:
    if step.opname == "RAISE_VARARGS":
        return "raise"
    return "return" if step.opname in ("RETURN_VALUE", "RETURN_CONST") else ""


def _handlers(code: CodeType, steps: list[dis.Instruction]) -> dict[int, list[int]]:
    """Return where an exception may lead to, for the index of each step."""
    blocks = list(_blocks(code, steps))
    return {
        at: [target for start, end, target in blocks if start <= step.offset < end] for at, step in enumerate(steps)
    }


def _blocks(code: CodeType, steps: list[dis.Instruction]) -> Iterator[tuple[int, int, int]]:
    """Return the offsets of the blocks whose exceptions are caught: first, behind the last, and the handler's."""
    if sys.version_info >= (3, 11):
        for entry in dis.Bytecode(code).exception_entries:
            yield entry.start, entry.end, entry.target
    for step in steps:
        if step.opname in ("SETUP_FINALLY", "SETUP_WITH"):  # Python 3.10, where each block ends before its handler
            yield step.offset, step.argval, step.argval


def _line(code: CodeType, offset: int) -> int:
    return next(line for start, end, line in code.co_lines() if start <= offset < end and line)
