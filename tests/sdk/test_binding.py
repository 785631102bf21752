"""Function level: by file and by name, and what is said if there is no such function."""

from __future__ import annotations

import gc
import weakref

import azure.functions as func
import pytest

from ext_sdk import ExtensionError, FuncExtension
from tests.support.collected import call, collect, load_a_worker, request
from tests.support.lifecycle import invoke
from tests.support.worker_module import FunctionInfo


@pytest.fixture
def v1_app(tmp_path, monkeypatch):
    """A v1 app with the functions Orders and Health, and a folder of shared code."""
    for name in ("Orders", "Health"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "function.json").write_text("{}")
    (tmp_path / "shared").mkdir()
    monkeypatch.setenv("AzureWebJobsScriptRoot", str(tmp_path))
    return tmp_path


class TestThatBelongsToNoFunction:
    """An instance that was made without a function and decorates none."""

    SAID = (
        "Audit() was made and belongs to no function, so it does not run. Decorate a function with it, or name one: "
        'Audit(function="name"), in the v1 model also Audit(__file__).'
    )

    def test_it_is_said_when_a_v2_app_is_collected(self, audit_class, monkeypatch, caplog):
        load_a_worker(monkeypatch)
        audit_class()
        func.FunctionApp().get_functions()
        assert [one for one in caplog.messages if "Audit" in one] == [self.SAID]

    def test_it_is_said_before_the_first_call_in_a_v1_app(self, audit_class, monkeypatch, caplog):
        worker = load_a_worker(monkeypatch)
        audit_class()
        worker.registry.functions["1"] = FunctionInfo(lambda req: req)
        for _ in range(2):
            worker.registry.get_function("1")
        assert caplog.messages == [self.SAID]

    def test_a_gate_stops_the_load_of_a_v2_app(self, monkeypatch):
        load_a_worker(monkeypatch)

        class Gate(FuncExtension):
            critical = True

        Gate()
        with pytest.raises(ExtensionError) as caught:
            func.FunctionApp().get_functions()
        assert str(caught.value) == self.SAID.replace("Audit", "Gate")

    def test_a_gate_stops_each_load(self, gate_class, monkeypatch):
        """The worker collects the functions again where the app's import went well and what came after it did not."""
        load_a_worker(monkeypatch)
        gate_class()
        app = func.FunctionApp()
        for _ in range(2):
            with pytest.raises(ExtensionError):
                app.get_functions()

    def test_a_gate_beside_an_instance_of_its_class_that_is_none(self, monkeypatch):
        load_a_worker(monkeypatch)

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
        load_a_worker(monkeypatch)
        app = func.FunctionApp()
        source = "gate = Gate()\nif fails: raise OSError\n@app.route('a')\n@gate\ndef orders(req): return None\n"
        with pytest.raises(OSError):
            exec(compile(source, "function_app.py", "exec"), {"app": app, "Gate": gate_class, "fails": True})
        exec(compile(source, "function_app.py", "exec"), {"app": app, "Gate": gate_class, "fails": False})
        app.get_functions()
        assert caplog.messages == []

    def test_a_gate_that_one_line_makes_beside_another(self, gate_class, monkeypatch):
        """Both are of the same import."""
        load_a_worker(monkeypatch)
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
        worker = load_a_worker(monkeypatch)
        for _ in range(2):
            gone = weakref.ref(audit_class())
            worker.registry.functions[str(id(gone))] = FunctionInfo(lambda req: req)
            worker.registry.get_function(str(id(gone)))
            gc.collect()
            assert gone() is None
        assert [one.getMessage() for one in caplog.records if one.name.startswith("ext_sdk")] == [self.SAID] * 2

    def test_one_that_decorates_or_names_a_function_is_not_meant(self, audit_class, monkeypatch, caplog):
        load_a_worker(monkeypatch)
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
        load_a_worker(monkeypatch)

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
