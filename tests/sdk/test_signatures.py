"""A hook that cannot work is found when its class is defined, with its place and the code to write."""

from __future__ import annotations

import subprocess
import sys
from textwrap import dedent

import pytest

from ext_sdk import AppExtension, ExtensionError
from ext_sdk.insight import extensions
from tests.support.hooks import active, app, function, message

PRE = "\n    @classmethod\n    def pre_invocation_app_level(cls, logger, context, func_args):\n        ..."
AROUND = "\n    @classmethod\n    def around_invocation(cls, invocation):\n        outcome = yield"
CALLED = "it is called as pre_invocation_app_level(logger, context, func_args)"


@pytest.mark.parametrize(
    ("hooks", "what"),
    [
        (
            "def pre_invocation_app_level(self, logger, context, func_args): ...",
            "has no @classmethod, so it is not given the class: its 'self' would be 'logger'.",
        ),
        (
            "def pre_invocation_app_level(cls, logger, context, func_args=None): ...",
            "has no @classmethod, so it is not given the class: its 'cls' would be 'logger'.",
        ),
        (
            "def pre_invocation_app_level(klass, logger, context, func_args): ...",
            "has no @classmethod, so it is not given the class: its 'klass' would be 'logger'.",
        ),
        (
            "def pre_invocation_app_level(logger, context, func_args, user): ...",
            f"requires 'user', which it is not given, so every call would fail: {CALLED}.",
        ),
        (
            "@staticmethod\ndef pre_invocation_app_level(cls, logger, context, func_args=None): ...",
            "is a staticmethod, which is not given the class: its 'cls' would be 'logger'.",
        ),
        (
            "@classmethod\ndef pre_invocation_app_level(logger, context, func_args, *more): ...",
            "has no parameter for the class, so its 'logger' would be the class.",
        ),
        (
            "@classmethod\ndef pre_invocation_app_level(): ...",
            "has no parameter for the class and 'logger' and 'context' and 'func_args', so every call would fail: "
            f"{CALLED}.",
        ),
        (
            "@classmethod\ndef pre_invocation_app_level(cls, logger, context): ...",
            f"has no parameter for 'func_args', so every call would fail: {CALLED}.",
        ),
        (
            "@staticmethod\ndef pre_invocation_app_level(logger): ...",
            f"has no parameter for 'context' and 'func_args', so every call would fail: {CALLED}.",
        ),
        (
            "@classmethod\ndef pre_invocation_app_level(cls, logger, context, func_args, request, user): ...",
            f"requires 'request' and 'user', which it is not given, so every call would fail: {CALLED}.",
        ),
        (
            "@classmethod\ndef pre_invocation_app_level(cls, *args, level): ...",
            f"requires 'level' by name, so every call would fail: {CALLED}, by position.",
        ),
        (
            "@classmethod\nasync def pre_invocation_app_level(cls, logger, context, func_args): ...",
            "is async, and nothing awaits a hook, so none of its code would run. Hooks run around async functions, "
            "too: write it without `async`, and give what is to be awaited to a task or thread of its own.",
        ),
        (
            "@classmethod\ndef pre_invocation_app_level(cls, logger, context, func_args):\n    yield",
            "has a `yield`, so a call only makes a generator and none of its code would run.",
        ),
    ],
)
def test_a_wrong_hook_at_app_level_is_refused_with_its_place_and_the_code_to_write(hooks, what):
    assert message(app, hooks) == f"Gate.pre_invocation_app_level (gate.py:2) {what} Write:{PRE}"


@pytest.mark.parametrize(
    ("hooks", "what"),
    [
        (
            "def pre_invocation(logger, context, func_args): ...",
            "has no parameter for the instance, so its 'logger' would be the instance.",
        ),
        (
            "@classmethod\ndef pre_invocation(logger, context, func_args): ...",
            "has no parameter for the class, so its 'logger' would be the class.",
        ),
        (
            "def pre_invocation(self, logger): ...",
            "has no parameter for 'context' and 'func_args', so every call would fail: "
            "it is called as pre_invocation(logger, context, func_args).",
        ),
        (
            "@staticmethod\ndef pre_invocation(self, logger, context, func_args=None): ...",
            "is a staticmethod, which is not given the instance: its 'self' would be 'logger'.",
        ),
        (
            "async def pre_invocation(self, logger, context, func_args): ...",
            "is async, and nothing awaits a hook, so none of its code would run. Hooks run around async functions, "
            "too: write it without `async`, and give what is to be awaited to a task or thread of its own.",
        ),
    ],
)
def test_a_wrong_hook_at_function_level_is_refused_with_its_place_and_the_code_to_write(hooks, what):
    cure = "\n    def pre_invocation(self, logger, context, func_args):\n        ..."
    assert message(function, hooks) == f"Gate.pre_invocation (gate.py:2) {what} Write:{cure}"


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("post_function_load_app_level", "function_name, function_directory"),
        ("pre_invocation_app_level", "logger, context, func_args"),
        ("post_invocation_app_level", "logger, context, func_args, func_ret"),
        ("invocation_failed_app_level", "logger, context, func_args, error"),
        ("shutdown", "timeout"),
        ("init", ""),
    ],
)
def test_each_hook_at_app_level_has_to_take_what_it_is_called_with(name, parameters):
    app(f"@classmethod\ndef {name}(cls, {parameters}): ...")
    app(f"@staticmethod\ndef {name}({parameters}): ...")
    assert message(app, f"@classmethod\ndef {name}(cls, {parameters + ', ' * bool(parameters)}more): ...") == (
        f"Gate.{name} (gate.py:2) requires 'more', which it is not given, so every call would fail: "
        f"it is called as {name}({parameters}). Write:\n"
        f"    @classmethod\n    def {name}({', '.join(filter(None, ['cls', parameters]))}):\n        ..."
    )


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("post_function_load", "function_name, function_directory"),
        ("pre_invocation", "logger, context, func_args"),
        ("post_invocation", "logger, context, func_args, func_ret"),
        ("invocation_failed", "logger, context, func_args, error"),
        ("shutdown", "timeout"),
    ],
)
def test_each_hook_at_function_level_has_to_take_what_it_is_called_with(name, parameters):
    function(f"def {name}(self, {parameters}): ...")
    function(f"@classmethod\ndef {name}(cls, {parameters}): ...")
    function(f"@staticmethod\ndef {name}({parameters}): ...")
    missing = parameters.split(", ")[-1]
    kept = ", ".join(["self", *parameters.split(", ")[:-1]])
    assert message(function, f"def {name}({kept}): ...") == (
        f"Gate.{name} (gate.py:2) has no parameter for {missing!r}, so every call would fail: "
        f"it is called as {name}({parameters}). Write:\n    def {name}(self, {parameters}):\n        ..."
    )


def test_configure_takes_what_its_author_likes():
    app("@classmethod\ndef configure(cls, key, *, level, **more): ...")
    app("@staticmethod\ndef configure(key): ...")
    app("@classmethod\nasync def configure(cls): ...")


def test_configure_has_to_be_given_the_class():
    assert message(app, "def configure(cls, **settings): ...") == (
        "Gate.configure (gate.py:2) has no @classmethod, so it is not given the class: its 'cls' would get nothing. "
        "Write:\n    @classmethod\n    def configure(cls, **settings):\n        ..."
    )


def test_none_switches_a_hook_off_that_a_base_class_has():
    app("pre_invocation_app_level = None")


@pytest.mark.parametrize(
    "hooks",
    [
        "def pre_invocation_app_level(logger, context, func_args): ...",
        "pre_invocation_app_level = print",
        "pre_invocation_app_level = lambda *args: None",
        "pre_invocation_app_level = functools.partial(print, 1)",
        "pre_invocation_app_level = classmethod(functools.partial(print, 1))",
        "pre_invocation_app_level = functools.partialmethod(classmethod(lambda cls, a, b, c, d: None), 1)",
        "pre_invocation_app_level = staticmethod(staticmethod(lambda a, b, c: None))",
        "pre_invocation_app_level = [].append\npre_invocation_app_level = 'x'.format",
        "pre_invocation_app_level = functools.singledispatchmethod(lambda *args: None)",
        "class pre_invocation_app_level:\n    def __init__(self, a, b, c): ...",
        "pre_invocation_app_level = type('Hook', (), {'__call__': lambda self, a, b, c: None})()",
        "@property\ndef pre_invocation_app_level(self): ...",
        "pre_invocation_app_level = 7",
        "@classmethod\n@functools.wraps(len)\ndef pre_invocation_app_level(*args, **kwargs): ...",
        "@classmethod\n@abc.abstractmethod\ndef around_invocation(cls, invocation): ...",
    ],
)
def test_whatever_takes_the_call_is_accepted(hooks):
    app(hooks)


def test_a_property_that_returns_a_hook_works_on_an_instance():
    function("@property\ndef pre_invocation(self): return print")


@pytest.mark.parametrize(
    ("hooks", "what"),
    [
        (
            "@classmethod\nasync def around_invocation(cls, invocation):\n    yield",
            "is async, and nothing awaits a hook, so none of its code would run. Hooks run around async functions, "
            "too: write it without `async`, and give what is to be awaited to a task or thread of its own.",
        ),
        (
            "@classmethod\n@contextlib.contextmanager\ndef around_invocation(cls, invocation):\n    yield",
            "has @contextmanager, so it would make no generator and fail at each invocation.",
        ),
        (
            "@classmethod\n@contextlib.asynccontextmanager\nasync def around_invocation(cls, invocation):\n    yield",
            "has @asynccontextmanager, so it would make no generator and fail at each invocation.",
        ),
        (
            "@classmethod\ndef around_invocation(cls, invocation):\n    yield\n    yield",
            "yields a second time in line 5, so it would fail after each invocation. "
            "The function runs once, at the one yield.",
        ),
        (
            "@staticmethod\ndef around_invocation(cls, invocation):\n    yield",
            "is a staticmethod, which is not given the class: its 'cls' would be 'invocation'.",
        ),
    ],
)
def test_around_invocation_has_to_be_a_generator_function_with_one_yield(hooks, what):
    assert message(app, hooks) == f"Gate.around_invocation (gate.py:2) {what} Write:{AROUND}"


NEVER = [
    "@classmethod\ndef around_invocation(cls, invocation):\n    print(invocation)",
    "@classmethod\ndef around_invocation(cls, invocation):\n    return",
    "@classmethod\ndef around_invocation(cls, invocation):\n    def inner(): yield\n    inner()",
    "@classmethod\ndef around_invocation(cls, invocation):\n    'To be written.'",
]


@pytest.mark.parametrize("hooks", NEVER)
def test_around_invocation_has_to_yield(hooks):
    assert message(active, hooks) == (
        "Gate.around_invocation (gate.py:2) never yields, so it would fail at each invocation: "
        f"the function runs at its `yield`. Write:{AROUND}"
    )


@pytest.mark.parametrize("hooks", NEVER)
def test_an_around_invocation_of_an_abstract_class_is_there_to_be_replaced(hooks):
    app(hooks)


@pytest.mark.parametrize(
    "hooks",
    [
        "@classmethod\ndef around_invocation(cls, invocation):\n    return super().around_invocation(invocation)",
        "@classmethod\ndef around_invocation(cls, invocation):\n    raise NotImplementedError",
        "@classmethod\ndef around_invocation(cls, invocation):\n    return cls.one(invocation) if invocation else None",
        "@classmethod\ndef around_invocation(cls, invocation):\n    return invocation and cls.one(invocation)",
        "around_invocation = lambda invocation: iter([None])",
        "around_invocation = classmethod(lambda cls, invocation: (yield))",
        "around_invocation = functools.partial(lambda name, invocation: (yield), 'x')",
        """
        def traced(hook):
            @functools.wraps(hook)
            def wrapper(*args):
                return hook(*args)
            return wrapper
        @classmethod
        @traced
        def around_invocation(cls, invocation):
            yield
        """,
        """
        def traced(hook):
            @functools.wraps(hook)
            def wrapper(*args):
                yield from hook(*args)
                yield from ()
            return wrapper
        @classmethod
        @traced
        def around_invocation(cls, invocation):
            yield
        """,
    ],
)
def test_what_may_make_a_generator_is_left_to_the_invocation(hooks):
    app(hooks)


def test_what_is_refused_was_not_activated():
    with pytest.raises(ExtensionError):

        class Gate(AppExtension):
            @classmethod
            def init(cls):
                raise AssertionError("init() ran")

            @classmethod
            async def shutdown(cls, timeout): ...

    assert "Gate" not in [one.name for one in extensions()]


def test_an_ordinary_extension_loads_no_search_for_near_names():
    source = dedent("""
        import sys
        from ext_sdk import AppExtension
        class Gate(AppExtension):
            @classmethod
            def around_invocation(cls, invocation):
                outcome = yield
            @classmethod
            def helper(cls): ...
        print("difflib" in sys.modules)
    """)
    told = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, timeout=60, check=True)
    assert told.stdout == "False\n"
