"""Function level as a decorator, in the v2 model: above, below and between the decorators of azure.functions."""

from __future__ import annotations

import functools

import azure.durable_functions as df
import azure.functions as func
import pytest

from ext_sdk import ExtensionError, FuncExtension, extensions, lifecycle, registry
from ext_sdk.function import Function
from ext_sdk.workers import calls, function_app
from tests.support.collected import call, collect, request
from tests.support.lifecycle import invoke, prepare


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
