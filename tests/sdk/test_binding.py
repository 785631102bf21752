"""Function level: by file, by name and as a decorator, and what is said if there is no such function."""

from __future__ import annotations

import functools
import gc
import sys
import weakref

import azure.durable_functions as df
import azure.functions as func
import pytest

from ext_sdk import ExtensionError, FuncExtension, extensions, lifecycle, registry, workers
from ext_sdk.function import Function
from ext_sdk.workers import calls, driving, function_app
from tests.support.lifecycle import invoke, prepare
from tests.support.worker_module import FunctionInfo, new_worker


@pytest.fixture
def seen():
    return []


@pytest.fixture
def audit_class(seen):
    class Audit(FuncExtension):
        def around_invocation(self, invocation):
            seen.append(invocation.function_name)
            yield

    return Audit


@pytest.fixture
def gate_class():
    class Gate(FuncExtension):
        critical = True

    return Gate


@pytest.fixture
def v1_app(tmp_path, monkeypatch):
    """A v1 app with the functions Orders and Health, and a folder of shared code."""
    for name in ("Orders", "Health"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "function.json").write_text("{}")
    (tmp_path / "shared").mkdir()
    monkeypatch.setenv("AzureWebJobsScriptRoot", str(tmp_path))
    return tmp_path


def collect(app):
    """Collect a v2 app's functions as a worker does, and return our records of them, by name."""
    functions = app.get_functions()
    described = [function_app.describe(one) for one in functions]
    registry.check_functions(described)
    return {one.name: one for one in described}


def call(function, **args):
    """Call a collected function through the extensions that apply to it."""
    _, plan = registry.plan_for(function)
    return lifecycle.run(function, plan, args)


def request():
    return func.HttpRequest("GET", "http://localhost/", body=b"")


class TestAsADecorator:
    def test_it_returns_what_it_decorates(self, audit_class):
        def function(req):
            return None

        assert audit_class()(function) is function

    def test_below_the_trigger_it_takes_part_in_that_function_alone(self, audit_class, seen):
        app, audit = func.FunctionApp(), audit_class()

        @app.route(route="a")
        @audit
        def a(req):
            return "a"

        @app.route(route="b")
        def b(req):
            return "b"

        functions = collect(app)
        assert (call(functions["a"], req=request()), call(functions["b"], req=request())) == ("a", "b")
        assert seen == ["a"]

    def test_above_the_trigger_it_takes_part_too(self, audit_class, seen):
        app, audit = func.FunctionApp(), audit_class()

        @audit
        @app.route(route="a")
        def a(req):
            return "a"

        call(collect(app)["a"], req=request())
        assert seen == ["a"]

    def test_between_decorators_of_azure_it_changes_nothing(self, audit_class, seen):
        app, audit = func.FunctionApp(), audit_class()

        @app.function_name("Renamed")
        @audit
        @app.route(route="a")
        def a(req):
            return "a"

        (function,) = collect(app).values()
        call(function, req=request())
        assert seen == ["Renamed"]
        assert [one.function for one in extensions()] == ["Renamed"]

    def test_in_a_blueprint_it_takes_part_once_the_blueprint_is_registered(self, audit_class, seen):
        app, blueprint, audit = func.FunctionApp(), func.Blueprint(), audit_class()

        @blueprint.timer_trigger("timer", "0 * * * * *")
        @audit
        def tick(timer):
            return None

        app.register_functions(blueprint)
        call(collect(app)["tick"], timer=None)
        assert seen == ["tick"]

    def test_a_decorator_that_wraps_the_function_may_stand_between(self, audit_class, seen):
        app, audit = func.FunctionApp(), audit_class()

        def logged(function):
            @functools.wraps(function)
            def inner(req):
                return function(req)

            return inner

        @app.route(route="a")
        @logged
        @audit
        def a(req):
            return "a"

        call(collect(app)["a"], req=request())
        assert seen == ["a"]

    def test_one_instance_may_decorate_several_functions(self, audit_class, seen):
        app, audit = func.FunctionApp(), audit_class()

        @app.route(route="a")
        @audit
        def a(req):
            return "a"

        @audit
        @app.route(route="b")
        def b(req):
            return "b"

        for function in collect(app).values():
            call(function, req=request())
        assert seen == ["a", "b"]
        (status,) = extensions()
        assert (status.function, status.calls) == ("a, b", 2)

    def test_instances_that_one_line_makes_for_several_functions_are_several(self, audit_class, seen):
        app = func.FunctionApp()

        def audited(function):
            return audit_class()(function)

        @app.route(route="a")
        @audited
        def a(req):
            return "a"

        @app.route(route="b")
        @audited
        def b(req):
            return "b"

        for function in collect(app).values():
            call(function, req=request())
        assert seen == ["a", "b"]

    def test_an_orchestrator_of_durable_functions_is_found_behind_durables_own_function(self, audit_class, seen):
        app, audit = df.DFApp(), audit_class()

        @app.orchestration_trigger(context_name="context")
        @audit
        def orchestrate(context):
            yield

        functions = app.get_functions()
        (function,) = [function_app.describe(one) for one in functions]
        assert [one.applies_to(function) for one in registry.active()] == [True]
        assert not function.has_context

    def test_a_reload_of_the_module_replaces_it(self, audit_class, seen):
        source = "app = func.FunctionApp()\naudit = Audit()\n@app.route(route='a')\n@audit\ndef a(req): return 'a'\n"
        code = compile(source, "function_app.py", "exec")
        for _ in range(2):
            scope = {"func": func, "Audit": audit_class}
            exec(code, scope)
        call(collect(scope["app"])["a"], req=request())
        assert seen == ["a"]

    def test_functions_of_one_name_that_a_loop_makes_have_an_instance_each(self, audit_class, seen):
        source = (
            "app = func.FunctionApp()\n"
            "def make(name):\n"
            "    @app.function_name(name)\n"
            "    @app.route(route=name)\n"
            "    @Audit()\n"
            "    def handler(req): return name\n"
            "make('a'), make('b')\n"
        )
        for _ in range(2):  # the second time as a reload
            scope = {"func": func, "Audit": audit_class}
            exec(compile(source, "function_app.py", "exec"), scope)
        functions = collect(scope["app"])
        assert [call(functions[name], req=request()) for name in ("a", "b")] == ["a", "b"]
        assert seen == ["a", "b"]
        assert len(extensions()) == 2

    def test_a_module_that_is_imported_under_several_names_is_covered_under_all(self, audit_class, seen):
        """The worker calls the function of `__app__.Orders`, another function's module has imported `Orders` since."""
        scopes = [{"Audit": audit_class} for _ in range(3)]
        for scope in scopes:
            exec(compile("audit = Audit()\n@audit\ndef main(): return 'm'\n", "/app/Orders/__init__.py", "exec"), scope)
        for scope in scopes:
            assert invoke(scope["main"], name="Orders") == "m"
        assert seen == ["Orders"] * 3
        assert [one.function for one in extensions()] == ["Orders"]

    def test_a_function_that_is_decorated_after_its_first_call_is_covered_from_then_on(self, audit_class, seen):
        def first():
            return None

        def second():
            return None

        audit = audit_class()
        audit(first)
        through = calls.through_extensions(prepare(second))
        through()
        audit(second)
        through()
        assert seen == ["HttpTrigger"]

    def test_a_function_that_is_decorated_again_at_the_same_place_has_the_last_instance_alone(self, audit_class, seen):
        def function():
            return None

        for _ in range(2):
            audit_class()(function)
        invoke(function)
        assert seen == ["HttpTrigger"]
        assert len(extensions()) == 1

    def test_an_entity_of_durable_functions_is_found_behind_durables_own_function(self, audit_class):
        app, audit = df.DFApp(), audit_class()

        @app.entity_trigger(context_name="context")
        @audit
        def counter(context):
            return None

        (function,) = [function_app.describe(one) for one in app.get_functions()]
        assert [one.applies_to(function) for one in registry.active()] == [True]

    def test_a_function_that_claims_to_wrap_itself_is_looked_at_once(self, audit_class, seen):
        def function():
            return "called"

        function.__wrapped__ = function
        audit_class()(lambda: None)
        assert (
            lifecycle.run(Function("a", "/app", function), registry.plan_for(Function("a", "/app", function))[1], {})
            == "called"
        )
        assert seen == []

    def test_above_the_trigger_it_takes_part_where_the_functions_are_wrapped_as_well(self, audit_class, seen):
        """The builder then holds the function that stands in for the user's."""
        app, audit = func.FunctionApp(), audit_class()

        @audit
        @app.route(route="a")
        def a(req):
            return "a"

        (collected,) = app.get_functions()
        function_app.drive(collected, function_app.describe(collected))
        assert collected.get_user_function()(req=request()) == "a"
        assert seen == ["a"]

    def test_a_class_that_decorates_in_place_of_an_instance_is_refused_with_the_cure(self, audit_class):
        def function(req):
            return None

        with pytest.raises(ExtensionError) as caught:
            audit_class(function)
        assert str(caught.value) == (
            f"Audit takes the path of a function's file, not {function!r}. "
            "To decorate a function make an instance first, one = Audit(), then put @one above it."
        )

    @pytest.mark.parametrize("target", [3, object, None])
    def test_what_is_no_function_is_refused_with_the_cure(self, audit_class, target):
        with pytest.raises(ExtensionError) as caught:
            audit_class()(target)
        assert str(caught.value) == (
            f"Audit decorates functions, not {target!r}. Make it without a name, one = Audit(), and put @one directly "
            "above or below the trigger's decorator, such as @app.route(...)."
        )

    def test_an_instance_that_has_its_function_by_name_decorates_none(self, audit_class):
        with pytest.raises(ExtensionError) as caught:
            audit_class(function="Orders")(len)
        assert str(caught.value) == (
            "Audit belongs to function 'Orders' already. To decorate functions make it without a name: Audit()."
        )

    def test_a_gate_that_another_decorator_hides_stops_the_app(self):
        class Gate(FuncExtension):
            critical = True

            def pre_invocation(self, *args):
                raise PermissionError

        def hiding(function):
            def inner(req):
                return function(req)

            return inner

        app, gate = func.FunctionApp(), Gate()

        @app.route(route="a")
        @gate
        def a(req):
            return "a"

        @app.function_name("b")
        @app.route(route="b")
        @hiding
        @gate
        def b(req):
            return "b"

        with pytest.raises(ExtensionError) as caught:
            collect(app)
        assert str(caught.value) == (
            "Gate stands above b, which is none of the app's functions: it does not run. Put it directly above "
            "or below the trigger's decorator, such as @app.route(...)."
        )

    def test_above_what_is_no_function_of_the_app_it_says_that_it_does_not_run(self, audit_class, caplog):
        app, audit = func.FunctionApp(), audit_class()

        @audit
        def helper():
            return None

        @app.route(route="a")
        def a(req):
            return "a"

        collect(app)
        assert caplog.messages == [
            "Audit stands above helper, which is none of the app's functions: it does not run. Put it directly above "
            "or below the trigger's decorator, such as @app.route(...)."
        ]


class TestThatBelongsToNoFunction:
    """An instance that was made without a function and decorates none."""

    SAID = (
        "Audit() was made and belongs to no function, so it does not run. Decorate a function with it, or name one: "
        'Audit(function="name"), in the v1 model also Audit(__file__).'
    )

    def test_it_is_said_when_a_v2_app_is_collected(self, audit_class, monkeypatch, caplog):
        _load_a_worker(monkeypatch)
        audit_class()
        func.FunctionApp().get_functions()
        assert [one for one in caplog.messages if "Audit" in one] == [self.SAID]

    def test_it_is_said_before_the_first_call_in_a_v1_app(self, audit_class, monkeypatch, caplog):
        worker = _load_a_worker(monkeypatch)
        audit_class()
        worker.registry.functions["1"] = FunctionInfo(lambda req: req)
        for _ in range(2):
            worker.registry.get_function("1")
        assert caplog.messages == [self.SAID]

    def test_a_gate_stops_the_load_of_a_v2_app(self, monkeypatch):
        _load_a_worker(monkeypatch)

        class Gate(FuncExtension):
            critical = True

        Gate()
        with pytest.raises(ExtensionError) as caught:
            func.FunctionApp().get_functions()
        assert str(caught.value) == self.SAID.replace("Audit", "Gate")

    def test_a_gate_stops_each_load(self, gate_class, monkeypatch):
        """The worker collects the functions again where the app's import went well and what came after it did not."""
        _load_a_worker(monkeypatch)
        gate_class()
        app = func.FunctionApp()
        for _ in range(2):
            with pytest.raises(ExtensionError):
                app.get_functions()

    def test_a_gate_beside_an_instance_of_its_class_that_is_none(self, monkeypatch):
        _load_a_worker(monkeypatch)

        class Gate(FuncExtension):
            def __init__(self, critical):
                super().__init__()
                self.critical = critical

        Gate(critical=True)
        Gate(critical=False)
        with pytest.raises(ExtensionError):
            func.FunctionApp().get_functions()

    def test_one_of_an_import_that_failed_is_not_meant(self, gate_class, monkeypatch, caplog):
        """The next import makes it again."""
        _load_a_worker(monkeypatch)
        app = func.FunctionApp()
        source = "gate = Gate()\nif fails: raise OSError\n@app.route('a')\n@gate\ndef orders(req): return None\n"
        with pytest.raises(OSError):
            exec(compile(source, "function_app.py", "exec"), {"app": app, "Gate": gate_class, "fails": True})
        exec(compile(source, "function_app.py", "exec"), {"app": app, "Gate": gate_class, "fails": False})
        app.get_functions()
        assert caplog.messages == []

    def test_a_gate_that_one_line_makes_beside_another(self, gate_class, monkeypatch):
        """Both are of the same import."""
        _load_a_worker(monkeypatch)
        app = func.FunctionApp()
        _, used = [gate_class() for _ in range(2)]

        @app.route(route="a")
        @used
        def orders(req):
            return None

        with pytest.raises(ExtensionError):
            app.get_functions()

    def test_one_that_is_made_after_the_first_call_is_spoken_of_at_the_next_load(
        self, audit_class, monkeypatch, caplog
    ):
        """Nor does one that has been spoken of stay in memory."""
        worker = _load_a_worker(monkeypatch)
        for _ in range(2):
            gone = weakref.ref(audit_class())
            worker.registry.functions[str(id(gone))] = FunctionInfo(lambda req: req)
            worker.registry.get_function(str(id(gone)))
            gc.collect()
            assert gone() is None
        assert caplog.messages == [self.SAID] * 2

    def test_one_that_decorates_or_names_a_function_is_not_meant(self, audit_class, monkeypatch, caplog):
        _load_a_worker(monkeypatch)
        app = func.FunctionApp()
        audit_class(function="orders")

        @app.route(route="a")
        @audit_class()
        def orders(req):
            return None

        app.get_functions()
        assert caplog.messages == []


class TestByName:
    def test_a_v2_function_is_found_whatever_the_case_of_its_name(self, audit_class, seen):
        app = func.FunctionApp()
        audit_class(function="ORDERS")

        @app.route(route="a")
        def orders(req):
            return "a"

        call(collect(app)["orders"], req=request())
        assert seen == ["orders"]

    def test_a_name_that_no_v2_function_has_is_an_error_that_lists_them(self, audit_class, monkeypatch):
        app = func.FunctionApp()
        audit_class(function="ordres")
        _load_a_worker(monkeypatch)

        @app.route(route="a")
        def orders(req):
            return "a"

        @app.route(route="b")
        def health(req):
            return "b"

        with pytest.raises(ExtensionError) as caught:
            app.get_functions()
        assert str(caught.value) == (
            "Audit was made for function 'ordres', and the app has no function of this name. "
            "Its functions: health, orders."
        )

    def test_a_name_that_no_v1_function_has_is_an_error_at_once(self, audit_class, v1_app):
        with pytest.raises(ExtensionError) as caught:
            audit_class(function="Ordres")
        assert str(caught.value) == (
            "Audit was made for function 'Ordres', and the app has no function of this name. "
            "Its functions: Health, Orders."
        )

    def test_a_file_in_a_folder_of_shared_code_is_in_no_function(self, audit_class, v1_app):
        with pytest.raises(ExtensionError, match=r"^Audit was made for function 'shared', and the app has no function"):
            audit_class(str(v1_app / "shared" / "audits.py"))

    def test_a_v1_functions_own_file_tells_its_name(self, audit_class, v1_app, seen):
        audit_class(str(v1_app / "Orders" / "__init__.py"))
        invoke(lambda: None, name="Orders")
        invoke(lambda: None, name="Health")
        assert seen == ["Orders"]


def _load_a_worker(monkeypatch):
    module = new_worker("worker_of_names.functions")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setattr(driving, "_workers", [module.__name__])
    workers.install()
    return module
