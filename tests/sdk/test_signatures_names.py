"""Hooks that nothing calls because of where they stand or what they are called."""

from __future__ import annotations

import logging

import pytest

from tests.support.hooks import app, function, message, run

PRE = "\n    @classmethod\n    def pre_invocation_app_level(cls, logger, context, func_args):\n        ..."

MIXIN = """
class Mixin:
    def pre_invocation_app_level(self, logger, context, func_args): ...
"""


def test_a_hook_of_a_mixin_is_looked_at_in_the_extension_that_has_it():
    assert message(run, MIXIN + "class Gate(Mixin, AppExtension, abstract=True): ...") == (
        "Gate.pre_invocation_app_level (from Mixin, gate.py:3) has no @classmethod, so it is not given the class: "
        f"its 'self' would be 'logger'. Write:{PRE}"
    )


def test_a_mixins_hook_that_the_class_replaces_is_its_own_affair():
    hook = "    @classmethod\n    def pre_invocation_app_level(cls, *args): ..."
    run(MIXIN + f"class Gate(Mixin, AppExtension, abstract=True):\n{hook}")


def test_an_extension_that_is_a_base_was_looked_at_before():
    """The hooks of a published class that is no extension of ours stay as they are, too."""
    run(
        """
        from azure.functions import FuncExtensionBase
        class Published(FuncExtensionBase):
            def pre_invocation(self, logger, context): ...
        class Gate(Published, FuncExtension, abstract=True): ...
        """
    )


def test_a_hook_of_the_other_level_is_refused_with_the_one_that_was_meant():
    assert message(app, "@classmethod\ndef pre_invocation(cls, logger, context, func_args): ...") == (
        "Gate.pre_invocation (gate.py:2) is never called: it is a hook of function-level extensions, "
        f"and this one is at app level, where it is called pre_invocation_app_level. Write:{PRE}"
    )
    assert message(function, "def invocation_failed_app_level(self, *args): ...") == (
        "Gate.invocation_failed_app_level (gate.py:2) is never called: it is a hook of app-level extensions, "
        "and this one is at function level, where it is called invocation_failed. Write:\n"
        "    def invocation_failed(self, logger, context, func_args, error):\n        ..."
    )


def test_beside_a_hook_of_its_own_level_it_may_serve_that_one_and_is_warned_of(caplog):
    """An extension that works is not to be refused for what it calls its own."""
    with caplog.at_level(logging.WARNING, "ext_sdk"):
        app("""
            @classmethod
            def pre_invocation(cls, invocation): ...
            @classmethod
            def around_invocation(cls, invocation):
                cls.pre_invocation(invocation)
                yield
        """)
    assert [one.getMessage() for one in caplog.records] == [
        "Gate.pre_invocation (gate.py:2) is no hook, did you mean pre_invocation_app_level?"
    ]


def test_a_mixin_for_both_levels_is_accepted_at_each():
    mixin = """
class Both:
    @staticmethod
    def pre_invocation(logger, context, func_args): ...
    pre_invocation_app_level = pre_invocation
"""
    run(mixin + "class Gate(Both, AppExtension, abstract=True): ...")
    run(mixin + "class Gate(Both, FuncExtension, abstract=True): ...")


def test_a_value_with_the_name_of_a_hook_of_the_other_level_is_none():
    app("pre_invocation = 'text'")


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("post_invocations_app_level", "post_invocation_app_level"),
        ("on_invocation_failed", "invocation_failed_app_level"),
        ("around_invokation", "around_invocation"),
        ("shut_down", "shutdown"),
    ],
)
def test_a_name_that_is_close_to_a_hook_is_warned_of(caplog, name, meant):
    with caplog.at_level(logging.WARNING, "ext_sdk"):
        app(f"@classmethod\ndef {name}(cls, *args): ...")
    assert {one.getMessage() for one in caplog.records} == {
        f"Gate.{name} (gate.py:2) is no hook, did you mean {meant}?"
    }


@pytest.mark.parametrize(
    "hooks",
    [
        "def _around_invokation(self): ...",
        "around_invokation = 3",
        "def after(self): ...\ndef invocation(self): ...\ndef start(self): ...\ndef load(self): ...",
        "@classmethod\ndef shut_down(cls): ...\n@classmethod\ndef shutdown(cls, timeout): ...",
    ],
)
def test_other_names_are_the_authors_own(caplog, hooks):
    with caplog.at_level(logging.WARNING, "ext_sdk"):
        app(hooks)
    assert not caplog.records
