"""What is active, and what replaces what."""

from __future__ import annotations

import gc
import importlib
import logging
import sys
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass, make_dataclass
from types import SimpleNamespace

import azure.functions
import pytest

from ext_sdk import AppExtension, ExtensionError, FuncExtension, SettingsError, extensions, flush, registry
from tests.support.lifecycle import invoke, prepare


def names():
    return [one.name for one in extensions()]


def test_defining_an_extension_activates_it():
    class Mine(AppExtension):
        pass

    assert "Mine" in names()


def test_an_abstract_extension_is_never_active():
    class Base(AppExtension, abstract=True):
        pass

    class Derived(Base):
        pass

    assert "Derived" in names()
    assert "Base" not in names()


def test_our_extensions_are_official_ones():
    class Mine(AppExtension):
        pass

    assert issubclass(Mine, azure.functions.AppExtensionBase)
    assert issubclass(FuncExtension, azure.functions.FuncExtensionBase)


def test_a_reload_replaces_and_does_not_add(tmp_path, monkeypatch):
    source = "from ext_sdk import AppExtension\nclass Reloaded(AppExtension):\n    pass\n"
    (tmp_path / "reloaded.py").write_text(source)
    monkeypatch.syspath_prepend(tmp_path)
    module = importlib.import_module("reloaded")
    importlib.reload(module)
    assert names().count("Reloaded") == 1
    sys.modules.pop("reloaded")


def test_a_class_that_was_replaced_is_let_go_of():
    def define():
        class Mine(AppExtension):
            pass

        return Mine

    gone = weakref.ref(define())
    define()
    gc.collect()
    assert gone() is None


def test_a_module_imported_under_two_names_gives_one_extension_with_one_set_of_settings(tmp_path, monkeypatch):
    (tmp_path / "pkg").mkdir()
    (tmp_path / "pkg" / "__init__.py").write_text("")
    (tmp_path / "pkg" / "shared.py").write_text(
        "from dataclasses import dataclass\nfrom ext_sdk import AppExtension\n"
        "class Twice(AppExtension):\n    @dataclass\n    class Settings:\n        n: int = 0\n"
    )
    monkeypatch.syspath_prepend(tmp_path / "pkg")
    monkeypatch.syspath_prepend(tmp_path)
    first = importlib.import_module("shared")
    first.Twice.configure(n=1)
    second = importlib.import_module("pkg.shared")
    assert names().count("Twice") == 1
    assert second.Twice.settings().n == 1
    sys.modules.pop("shared")
    sys.modules.pop("pkg.shared")


def test_init_runs_once_when_the_class_is_defined():
    seen = []

    class Mine(AppExtension):
        @classmethod
        def init(cls):
            seen.append(cls.__name__)

    assert seen == ["Mine"]


def test_a_failing_init_leaves_the_app_importable_and_the_extension_out(caplog):
    class Mine(AppExtension):
        @classmethod
        def init(cls):
            raise ValueError("no disk")

    assert "Mine" not in names()
    assert caplog.messages == ["Mine.init() failed, so the extension is not active: ValueError: no disk"]


def test_a_reload_whose_init_fails_leaves_the_definition_before_in_force(caplog):
    def define(error=None):
        class Mine(AppExtension):
            @classmethod
            def init(cls):
                if error:
                    raise error

            @classmethod
            def around_invocation(cls, invocation):
                invocation.respond(error)
                yield

    define()
    define(ValueError("no disk"))
    assert names() == ["Mine"]
    assert invoke(lambda: "result") is None
    assert caplog.messages == ["Mine.init() failed, so its earlier definition stays active: ValueError: no disk"]


def test_the_definition_that_stays_in_force_keeps_its_own_settings():
    seen = []

    def define(error=None, **defaults):
        class Mine(AppExtension):
            Settings = make_dataclass("Settings", [(name, int, value) for name, value in defaults.items()], frozen=True)

            @classmethod
            def init(cls):
                if error:
                    raise error

            @classmethod
            def around_invocation(cls, invocation):
                seen.append(cls.settings().limit)
                yield

        return Mine

    define(limit=1).configure(limit=2)
    define(OSError("no disk"), most=1)
    invoke(lambda: "result")
    define(OSError("no disk"), limit=1).configure(limit=3)
    invoke(lambda: "result")
    assert seen == [2, 3]


def test_an_init_whose_error_cannot_be_written_leaves_the_app_importable():
    """The classic worker's own handler formats a record without a net."""

    class Unwritable(Exception):
        def __str__(self):
            raise KeyError

    written = []
    handler = logging.Handler()
    handler.emit = lambda record: written.append(record.getMessage())
    logging.getLogger("ext_sdk").addHandler(handler)
    try:

        class Mine(AppExtension):
            @classmethod
            def init(cls):
                raise Unwritable

    finally:
        logging.getLogger("ext_sdk").removeHandler(handler)
    assert written == ["Mine.init() failed, so the extension is not active: Unwritable"]


def test_an_app_level_extension_has_no_instances():
    class Mine(AppExtension):
        pass

    with pytest.raises(ExtensionError) as caught:
        Mine()
    assert str(caught.value) == (
        "Mine is an app-level extension and has no instances: importing it activates it, Mine.configure(...) sets it up."
    )


def test_the_load_hook_runs_once_for_each_function():
    seen = []

    class Mine(AppExtension):
        @classmethod
        def post_function_load_app_level(cls, function_name, function_directory):
            seen.append((function_name, function_directory))

    invoke(lambda: None, name="A")
    invoke(lambda: None, name="A")
    invoke(lambda: None, name="B")
    assert seen == [("A", "/app/A"), ("B", "/app/B")]


def test_an_extension_that_was_defined_again_meets_each_function_again():
    seen = []

    def define():
        class Mine(AppExtension):
            @classmethod
            def post_function_load_app_level(cls, function_name, function_directory):
                seen.append(function_name)

    for _ in range(2):
        define()
        invoke(lambda: None, name="A")
    assert seen == ["A", "A"]


def test_a_slow_load_hook_holds_up_neither_other_functions_nor_a_flush():
    started, release = threading.Event(), threading.Event()

    class Slow(AppExtension):
        @classmethod
        def post_function_load_app_level(cls, function_name, function_directory):
            if function_name == "A":
                started.set()
                release.wait(30)

        @classmethod
        def shutdown(cls, timeout):
            return True

    with ThreadPoolExecutor(2) as pool:
        try:
            slow = pool.submit(invoke, lambda: "A", name="A")
            assert started.wait(30)
            assert pool.submit(invoke, lambda: "B", name="B").result(10) == "B"
            assert flush(10)
            assert not slow.done()
        finally:
            release.set()
        assert slow.result(30) == "A"


def test_no_invocation_runs_before_the_load_hook_that_another_thread_is_at():
    started, release, seen = threading.Event(), threading.Event(), []

    class Slow(AppExtension):
        @classmethod
        def post_function_load_app_level(cls, function_name, function_directory):
            started.set()
            release.wait(30)
            seen.append("loaded")

    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(invoke, lambda: seen.append("called"))
        assert started.wait(30)
        second = pool.submit(invoke, lambda: seen.append("called"))
        wait([second], timeout=0.2)
        release.set()
        first.result(30)
        second.result(30)
    assert seen == ["loaded", "called", "called"]


def test_a_load_hook_may_import_what_another_thread_is_importing(tmp_path, monkeypatch):
    """The import system's lock and ours must not wait for each other."""
    begun, go_on, hook_runs = threading.Event(), threading.Event(), threading.Event()
    monkeypatch.setitem(sys.modules, "events", SimpleNamespace(begun=begun, go_on=go_on))
    (tmp_path / "lazy.py").write_text(
        "import events\nevents.begun.set()\nevents.go_on.wait(30)\n"
        "from ext_sdk import AppExtension\nclass Lazy(AppExtension):\n    pass\n"
    )
    monkeypatch.syspath_prepend(tmp_path)

    class Mine(AppExtension):
        @classmethod
        def post_function_load_app_level(cls, function_name, function_directory):
            hook_runs.set()
            importlib.import_module("lazy")

    threads = [threading.Thread(target=importlib.import_module, args=("lazy",), daemon=True)]
    threads[0].start()
    assert begun.wait(30)
    threads.append(threading.Thread(target=invoke, args=(lambda: None,), daemon=True))
    threads[1].start()
    assert hook_runs.wait(30)
    go_on.set()
    for thread in threads:
        thread.join(10)
    assert [thread.is_alive() for thread in threads] == [False, False]
    sys.modules.pop("lazy")


def test_an_extension_takes_part_only_once_its_init_is_done():
    started, release, seen = threading.Event(), threading.Event(), []

    def define():
        class Slow(AppExtension):
            @classmethod
            def init(cls):
                cls.settings()  # which it may use already
                started.set()
                release.wait(30)
                cls.ready = True

            @classmethod
            def around_invocation(cls, invocation):
                seen.append(cls.ready)
                yield

    with ThreadPoolExecutor(1) as pool:
        defined = pool.submit(define)
        assert started.wait(30)
        invoke(lambda: None)
        assert "Slow" not in names()
        release.set()
        defined.result(30)
    invoke(lambda: None)
    assert seen == [True]
    assert next(one for one in extensions() if one.name == "Slow").failures == {}


def test_an_order_that_is_no_number_is_refused_when_the_class_is_defined():
    with pytest.raises(ExtensionError) as caught:

        class Mine(AppExtension):
            order = "first"

    assert str(caught.value).endswith("Mine.order is 'first', and must be a whole number.")
    assert invoke(lambda: "result") == "result"


def test_so_is_one_that_a_mixin_brings():
    class Mixin:
        order = "first"

    with pytest.raises(ExtensionError, match=r"Mine\.order is 'first', and must be a whole number\.$"):

        class Mine(Mixin, AppExtension):
            pass

    assert invoke(lambda: "result") == "result"


def test_an_instances_order_that_is_no_number_is_refused_when_it_is_made():
    class Mine(FuncExtension):
        order = None

    with pytest.raises(ExtensionError) as caught:
        Mine(function="HttpTrigger")
    assert str(caught.value).endswith("Mine.order is None, and must be a whole number.")
    assert invoke(lambda: "result") == "result"


def test_an_extension_that_arrives_while_a_plan_is_made_outdates_the_plan(monkeypatch):
    active = registry.active

    def active_and_one_more():
        found = active()
        registry.outdate()
        return found

    monkeypatch.setattr(registry, "active", active_and_one_more)
    made_of, _ = registry.plan_for(prepare(lambda: None))
    assert made_of < registry.version


def test_an_extension_that_has_the_failure_hook_alone_is_called():
    seen = []

    class Alarm(AppExtension):
        @classmethod
        def invocation_failed_app_level(cls, logger, context, func_args, error):
            seen.append(repr(error))

    def fail():
        raise KeyError("boom")

    with pytest.raises(KeyError):
        invoke(fail)
    assert seen == ["KeyError('boom')"]


def test_an_extension_whose_init_failed_can_be_configured_and_the_app_goes_on():
    class Mine(AppExtension):
        @dataclass(frozen=True)
        class Settings:
            limit: int = 1

        @classmethod
        def init(cls):
            raise OSError("no disk")

    Mine.configure(limit=2)
    assert Mine.settings().limit == 2
    assert extensions() == []
    with pytest.raises(SettingsError, match="unknown setting 'limits'"):
        Mine.configure(limits=2)
