"""A second yield is called one only where there is no way around it."""

from __future__ import annotations

import inspect
import opcode
import warnings
from textwrap import dedent, indent

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ext_sdk import yields
from ext_sdk.yields import second

FILE = "a_hook_of_test_yields.py"


def made(source):
    """Return the function `hook` of a source."""
    names = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a `return` in a `finally` is a warning on some versions of Python
        exec(compile(source, FILE, "exec", dont_inherit=True), names)
    return names["hook"]


def hook(body):
    return made("def hook(x):\n" + indent(dedent(body).strip("\n"), "    ") + "\n")


@pytest.mark.parametrize(
    ("body", "line"),
    [
        ("yield\nyield", 3),
        ("a = yield\nb = yield\nreturn", 3),
        ("if not x: return\nyield\nyield", 4),
        ("if x:\n    yield\nelse:\n    yield\nyield", 6),
        ("while True:\n    yield", 3),
        ("for i in x:\n    yield\n    yield", 4),
        ("if not x: return\nwhile 1:\n    a = yield\n    print(a)", 4),
        ("try:\n    yield\nfinally:\n    yield", 5),
        ("print((yield), (yield))", 2),
        ("yield\nif x: raise ValueError\nyield", 4),
        ("yield\nfor i in x: print(i)\nyield", 4),
        ("match x:\n    case 1: yield\n    case _: yield\nyield", 5),
        ("def inner(): yield\nyield\nyield", 4),
        ("yield\nwith x:\n    yield\n    print()\nyield", 4),
        ("try:\n    yield\nexcept ValueError:\n    raise\nyield", 6),
        ("try:\n    if x: return\nfinally:\n    yield\n    yield", 6),
    ],
)
def test_a_second_yield_that_no_way_leads_around_is_found(body, line):
    assert second(hook(body).__code__) == line


@pytest.mark.parametrize(
    "body",
    [
        "yield",
        "return\nyield\nyield",
        "if x:\n    yield\nelse:\n    yield",
        "if x:\n    yield\n    return\nyield",
        "if x: yield\nif not x: yield",
        "match x:\n    case 1: yield\n    case _: yield",
        "match x:\n    case 1: yield\nyield",
        "try:\n    yield\nexcept ValueError:\n    yield",
        "try:\n    a = x()\nexcept ValueError:\n    yield\nelse:\n    yield",
        "try:\n    yield\n    x()\n    yield\nexcept ValueError:\n    pass",
        "with x:\n    yield\n    x()\n    yield",
        "while True:\n    yield\n    break",
        "while True:\n    yield\n    if x: return",
        "while True:\n    yield\n    raise ValueError",
        "while x:\n    yield",
        "for i in x:\n    yield",
        "for i in x:\n    yield\n    break\nelse:\n    yield",
        "while True:\n    try:\n        yield\n    except ValueError:\n        break",
        "try:\n    while True:\n        yield\n        x()\nexcept ValueError:\n    pass",
        "(yield) if x else (yield)",
        "x and (yield)\nnot x and (yield)",
        "yield\nyield from x",
        "yield from x\nyield from x",
        "def inner():\n    yield\n    yield\nyield",
        "yield\nx(lambda: (yield))",
        "yield\nfor i in x: print(i)",
        "for i in x: print(i)\nyield",
        "try:\n    yield\n    yield\nfinally:\n    if x: return",
        "try:\n    yield\nfinally:\n    return\nyield",
        "a = 0 < 1 < (yield)\nb = 0 < x < (yield)",
        "assert x, (yield)\nyield",
        "raise NotImplementedError\nyield\nyield",
        "if x:\n    yield from x\nelse:\n    yield\n    yield",
        "while x:\n    if x():\n        yield\n        continue\n    yield\n    yield\n    return",
        "while True:\n    yield\n    if x: break\nraise ValueError",
        "if x:\n    try:\n        yield\n        return\n    finally:\n        x()\nyield\nyield",
        "while x:\n    if x():\n        yield\n        break\n    yield\n    yield\n    return",
    ],
)
def test_a_way_with_one_yield_or_a_way_that_is_not_known_is_accepted(body):
    assert second(hook(body).__code__) is None


def test_no_source_is_needed():
    """As in a zip file, or after `exec`."""
    names = {}
    exec("def hook():\n    yield\n    yield", names)
    assert second(names["hook"].__code__) == 3


def test_byte_code_that_is_not_known_is_left_to_the_invocation(monkeypatch):
    """Such as of a later Python, whose jumps lead elsewhere than is thought."""
    function = hook("while x: print()\nyield\nyield")
    assert second(function.__code__) == 4
    monkeypatch.setattr(yields, "_JUMPS", set(opcode.opmap.values()))
    assert second(function.__code__) is None


def test_a_lambda_is_looked_at_too():
    assert second(made("hook = lambda: [(yield), (yield)]\n").__code__) == 1


def test_a_decorated_method_is_found_where_it_stands():
    source = "class Gate:\n    @staticmethod\n    def hook(x):\n        '''\n  Text.'''\n        yield\n        yield\n\nhook = Gate.hook\n"
    assert second(made(source).__code__) == 7


LEAVES = st.sampled_from(
    ["yield", "yield", "pass", "step()", "return", "raise ValueError", "yield from ()", "ask() and (yield)"]
)


def joined(parts):
    return "\n".join(parts)


def blocks(inner):
    body = st.lists(inner, min_size=1, max_size=3).map(joined).map(lambda text: indent(text, "    "))
    return st.one_of(
        st.builds("if ask():\n{}\nelse:\n{}".format, body, body),
        st.builds("try:\n{}\nexcept ValueError:\n{}\nelse:\n{}\nfinally:\n{}".format, body, body, body, body),
        st.builds("with calm():\n{}".format, body),
        st.builds("while ask():\n{}\n    if ask(): break\nelse:\n{}".format, body, body),
        st.builds("while True:\n{}\n    if ask(): continue".format, body),
        st.builds("while True:\n{}\n    if ask(): break".format, body),
        st.builds("for _ in range(ask()):\n{}".format, body),
        st.builds("match ask():\n    case True:\n{}\n    case _:\n{}".format, body.map(deeper), body.map(deeper)),
    )


def deeper(text):
    return indent(text, "    ")


SOURCES = st.lists(st.recursive(LEAVES, blocks, max_leaves=8), min_size=1, max_size=4).map(joined)


class Calm:
    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        return kind is ValueError


class Enough(Exception):
    pass


def yields_of(function, answers):
    """Run the function with these answers to what it asks; return its yields, or None if it raised or does not end."""
    answers = iter(answers)

    def ask():
        try:
            return next(answers)
        except StopIteration:
            raise Enough from None

    def step():
        if ask():
            raise ValueError

    function.__globals__.update(ask=ask, step=step, calm=Calm)
    generator = function(None)
    count = 0
    try:
        for _ in generator:
            count += 1
            if count > 5:
                return None
    except (ValueError, Enough):
        return None
    finally:
        closed(generator)
    return count


def closed(generator):
    """Close a generator however many of its `finally` blocks yield."""
    for _ in range(50):
        try:
            return generator.close()
        except (RuntimeError, ValueError, Enough):
            pass
    raise AssertionError("it does not end")


@settings(max_examples=400, deadline=None)
@given(SOURCES, st.lists(st.lists(st.booleans(), max_size=12), min_size=1, max_size=25))
def test_no_function_that_can_end_after_one_yield_is_ever_refused(source, runs):
    """Whatever is made of branches, loops, handlers and context managers, and whichever way it then takes."""
    function = hook(source)
    if inspect.isgeneratorfunction(function) and second(function.__code__) is not None:
        assert 1 not in [yields_of(function, answers) for answers in runs]
