"""Classes with hooks, defined from a source as if it stood in a file gate.py."""

from __future__ import annotations

import abc
import contextlib
import functools
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
    """Run a source, and return the names that it defines."""
    names = dict(KNOWN)
    exec(compile(dedent(source), FILE, "exec", dont_inherit=True), names)
    return names


def app(hooks):
    """Define an app-level extension with these hooks, the first line of which is line 2."""
    run("class Gate(AppExtension, abstract=True):\n" + indent(dedent(hooks).strip("\n"), "    ") + "\n")


def active(hooks):
    """Define one that is no base class."""
    run("class Gate(AppExtension):\n" + indent(dedent(hooks).strip("\n"), "    ") + "\n")


def function(hooks):
    """Define a function-level extension with these hooks, the first line of which is line 2."""
    run("class Gate(FuncExtension, abstract=True):\n" + indent(dedent(hooks).strip("\n"), "    ") + "\n")


def message(define, source):
    """Return the message with which a source is refused."""
    with pytest.raises(ExtensionError) as caught:
        define(source)
    return str(caught.value)
