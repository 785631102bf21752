"""`isolated`: nothing of one test meets another."""

from __future__ import annotations

import logging
import os

import pytest
from azure.functions import AppExtensionBase
from azure.functions.extension import ExtensionMeta

from ext_sdk import AppExtension, ExtensionError, FuncExtension, current_invocation, extensions
from ext_sdk.testing import isolated, reset, run
from tests.sdk_testing import counting
from tests.sdk_testing.counting import Counting


def names():
    return [one.name for one in extensions()]


def test_only_the_extensions_that_are_named_are_active():
    with isolated():
        assert names() == []
    with isolated(Counting):
        assert names() == ["Counting"]
        assert run(lambda: 1).attributes == {"counted": 1}


def test_what_is_defined_inside_is_gone_afterwards():
    before = names()
    with isolated(Counting):

        class Other(AppExtension):
            pass

        assert names() == ["Counting", "Other"]
    assert names() == before


def test_an_extension_has_no_settings_and_no_history_inside():
    with isolated(Counting):
        Counting.configure(step=5)
        run(lambda: None)
        assert (Counting.settings().step, extensions()[0].calls) == (5, 1)
        with isolated(Counting):
            assert (Counting.settings().step, extensions()[0].calls) == (1, 0)
        assert (Counting.settings().step, extensions()[0].calls) == (5, 1)


def test_init_is_called_as_at_an_import():
    counting.inits.clear()
    with isolated(Counting):
        pass
    assert counting.inits == ["Counting"]


def test_environment_and_log_handlers_are_put_back():
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    with isolated():
        os.environ["EXT_COUNTING_STEP"] = "7"
        root.addHandler(logging.NullHandler())
        root.setLevel(level + 1)
    assert "EXT_COUNTING_STEP" not in os.environ
    assert (root.handlers, root.level) == (handlers, level)


def test_handlers_and_levels_of_named_loggers_are_put_back():
    known, unknown = logging.getLogger(__name__), logging.getLogger(f"{__name__}.made_inside")
    known.setLevel(logging.ERROR)
    del logging.root.manager.loggerDict[unknown.name]
    with isolated():
        unknown = logging.getLogger(unknown.name)
        for one in (known, unknown):
            one.addHandler(logging.NullHandler())
            one.setLevel(logging.DEBUG)
            one.propagate = False
    assert (known.handlers, known.level, known.propagate) == ([], logging.ERROR, True)
    assert (unknown.handlers, unknown.level, unknown.propagate) == ([], logging.NOTSET, True)


def test_they_are_put_back_after_an_error_too():
    before = names()
    with pytest.raises(KeyError), isolated(Counting):
        raise KeyError
    assert names() == before


def test_the_current_invocation_is_none_inside():
    def function():
        with isolated():
            return current_invocation()

    with isolated(Counting):
        assert run(function).value is None


def test_extensions_of_the_official_kind_are_gone_too():
    with isolated():

        class OfficialOfThisTest(AppExtensionBase):
            @classmethod
            def pre_invocation_app_level(cls, logger, context, func_args=None, *args, **kwargs):
                pass

        assert ExtensionMeta.get_application_hooks() is not None
    assert "OfficialOfThisTest" not in str(ExtensionMeta.get_registered_extensions_json())


def test_reset_forgets_everything():
    with isolated(Counting):
        reset()
        assert names() == []


def test_what_is_no_app_level_extension_is_refused():
    class Audit(FuncExtension):
        pass

    with pytest.raises(ExtensionError) as caught, isolated(Audit):
        pass
    assert str(caught.value) == (
        f"isolated() takes app-level extensions, not {Audit!r}. Make a function-level one inside of the block."
    )
