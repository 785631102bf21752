"""Classes with hooks, defined from a source as if it stood in a file gate.py."""

from __future__ import annotations

import abc
import contextlib
import functools
import linecache
from textwrap import dedent, indent

import pytest

from ext_sdk import AppExtension, ExtensionError, FuncExtension

FILE = "gate.py"
KNOWN = {
    "__name__": "gate",
    "AppExtension": AppExtension,
    "FuncExtension": FuncExtension,
    "abc": abc,
    "contextlib": contextlib,
    "functools": functools,
}


def run(source):
    """Run a source, and return the names that it defines; Python's own tools find its lines again."""
    source = dedent(source)
    linecache.cache[FILE] = (len(source), None, source.splitlines(keepends=True), FILE)
    names = dict(KNOWN)
    exec(compile(source, FILE, "exec", dont_inherit=True), names)
    return names


def app(hooks):
    """Define an app-level extension with these hooks, the first line of which is line 2."""
    run("class Gate(AppExtension, abstract=True):\n" + indent(dedent(hooks).strip("\n"), "    ") + "\n")


def function(hooks):
    """Define a function-level extension with these hooks, the first line of which is line 2."""
    run("class Gate(FuncExtension, abstract=True):\n" + indent(dedent(hooks).strip("\n"), "    ") + "\n")


def message(define, source):
    """Return the message with which a source is refused."""
    with pytest.raises(ExtensionError) as caught:
        define(source)
    return str(caught.value)
