"""What cannot be served is refused in one line: what is wrong, where, and what to do; exit status 1, no traceback."""

import json
import re
import socket
import sys

import pytest

from ext_devkit.errors import DevkitError
from ext_devkit.host import HostServer
from tests.support.host import HELLO_V1, HTTP_OUT, http_json, refusal, run_in_vain, v1_app, write_app

TRIGGER = {"type": "httpTrigger", "direction": "in", "name": "req"}
APP = "import azure.functions as func\napp = func.FunctionApp()\n"


def test_a_missing_folder():
    assert refusal("nowhere") == "there is no folder 'nowhere'. Name the folder of a function app."


def test_a_file_in_place_of_a_folder(tmp_path):
    (tmp_path / "app.py").touch()

    assert f"'{tmp_path}/app.py' is a file. Name the folder of a function app." == refusal(tmp_path / "app.py")


def test_a_folder_that_is_no_function_app(tmp_path):
    expected = (
        "empty is no function app: it has neither function_app.py (v2 model) nor a folder with function.json "
        "(v1 model). Name the folder that has host.json."
    )
    (tmp_path / "empty").mkdir()

    assert expected == refusal(tmp_path / "empty")


def test_a_busy_port_is_named_with_its_cure(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

        line = refusal(v1_app(tmp_path), "--port", str(port))

    assert f"port {port} is in use by another process. Choose another with --port, or --port 0 for a free one." == line


@pytest.mark.parametrize("port", ["-1", "65536", "http"])
def test_a_port_that_cannot_be_is_wrong_usage(tmp_path, port: str):
    assert run_in_vain(v1_app(tmp_path), "--port", port).exit_code == 2


def test_an_insights_target_that_is_nothing_known(tmp_path):
    expected = "--insights there: expected a URL such as http://127.0.0.1:4319, a connection string, or off."

    assert expected == refusal(v1_app(tmp_path), "--insights", "there")


def test_a_second_app_in_the_same_process(tmp_path):
    with HostServer(v1_app(tmp_path / "one")), pytest.raises(DevkitError) as refused, HostServer(tmp_path / "one"):
        pass

    assert str(refused.value) == "one is loaded in this process already. Unload it first."


class TestCode:
    def test_a_syntax_error_has_file_and_line(self, tmp_path):
        line = refusal(v1_app(tmp_path, "def main(req):\n    return (\n"))

        expected = r"Hello/__init__\.py:2: syntax error: '\(' was never closed\. Mend the line and start again\."
        assert re.fullmatch(expected, line)

    def test_a_syntax_error_in_a_module_that_is_imported(self, tmp_path):
        app = write_app(tmp_path, {"function_app.py": "import lib.broken", "lib/broken.py": "\n\nx = = 1"})

        expected = "lib/broken.py:3: syntax error: invalid syntax. Mend the line and start again."
        assert expected == refusal(app)

    def test_a_module_that_is_not_installed(self, tmp_path):
        line = refusal(v1_app(tmp_path, "import os\nimport not_there.really\n"))

        assert (
            "Hello/__init__.py:2: the module 'not_there' is not installed. Add its package to requirements.txt. "
            f"Run `pip install -r requirements.txt` for this Python ({sys.executable})."
        ) == line

    def test_a_module_that_is_required_but_not_installed(self, tmp_path):
        app = v1_app(tmp_path, "import not_there")
        (app / "requirements.txt").write_text("azure-functions\nnot-there>=1\n")

        assert (
            "Hello/__init__.py:1: the module 'not_there' is not installed. "
            f"Run `pip install -r requirements.txt` for this Python ({sys.executable})."
        ) == refusal(app)

    def test_a_module_of_the_app_that_does_not_exist(self, tmp_path):
        app = v1_app(tmp_path, "from shared_code.helpr import x")
        (app / "shared_code").mkdir()

        expected = (
            "Hello/__init__.py:1: there is no module 'shared_code.helpr' in the app. Check its name and its folder."
        )
        assert expected == refusal(app)

    def test_a_name_that_a_module_does_not_have(self, tmp_path):
        line = refusal(v1_app(tmp_path, "from json import nothing"))

        expected = r"Hello/__init__\.py:1: cannot import name 'nothing' from 'json' \(.+\)\. Check the name and the package's version\."
        assert re.fullmatch(expected, line)

    def test_a_native_library_that_does_not_fit(self, tmp_path):
        """The guide's other known issue: packages that were built for another machine."""
        line = refusal(v1_app(tmp_path, "raise ImportError('libpq.so.5: cannot open shared object file')"))

        assert line == (
            "Hello/__init__.py:1: libpq.so.5: cannot open shared object file. "
            "A native library does not fit this machine: reinstall the package here, with pip."
        )

    @pytest.mark.parametrize(
        ("statement", "what"),
        [
            ("1 / 0", "ZeroDivisionError: division by zero"),
            ("raise SystemExit", "SystemExit"),
            ("assert False", "AssertionError"),
        ],
    )
    def test_an_exception_while_the_app_is_imported(self, tmp_path, statement: str, what: str):
        app = write_app(tmp_path, {"function_app.py": "import lib", "lib.py": f"\n{statement}"})

        assert f"lib.py:2: {what}. The app could not be imported." == refusal(app)

    def test_debug_adds_the_traceback(self, tmp_path):
        result = run_in_vain(v1_app(tmp_path, "1 / 0"), "--debug")

        assert "Traceback (most recent call last)" in result.stderr
        assert "ZeroDivisionError: division by zero" in result.stderr
        last = result.stderr.splitlines()[-1]
        assert last == "Error: Hello/__init__.py:1: ZeroDivisionError: division by zero. The app could not be imported."


class TestFunctionJson:
    @pytest.mark.parametrize(
        ("content", "message"),
        [
            (
                '{"bindings": [\n  {"type": }\n]}',
                "Hello/function.json:2:12: not valid JSON: Expecting value. Mend the file and start again.",
            ),
            ("[]", "Hello/function.json: expected a JSON object {...}, found an array."),
            ({}, 'Hello/function.json: "bindings" must be a list with at least a trigger.'),
            ({"bindings": ["x"]}, "Hello/function.json: each binding must be an object {...}, found 'x'."),
            (
                {"bindings": [{"type": "http"}]},
                "Hello/function.json: a binding has no 'name'. Give it one: {'type': 'http'}.",
            ),
            (
                {"bindings": [{"name": "a"}]},
                "Hello/function.json: a binding has no 'type'. Give it one: {'name': 'a'}.",
            ),
            (
                {"bindings": [HTTP_OUT]},
                "Hello/function.json: a function has exactly one trigger, found none. Mend its bindings.",
            ),
            (
                {"bindings": [TRIGGER, {**TRIGGER, "name": "b"}]},
                "Hello/function.json: a function has exactly one trigger, found httpTrigger, httpTrigger. "
                "Mend its bindings.",
            ),
            (
                {"bindings": [TRIGGER, {**HTTP_OUT, "name": "req"}]},
                "Hello/function.json: the binding name 'req' occurs twice. Rename one.",
            ),
            (
                {"bindings": [{**TRIGGER, "direction": "inout"}]},
                "Hello/function.json: binding 'req' has the direction 'inout'; Python takes \"in\" and \"out\".",
            ),
            (
                {"bindings": [TRIGGER, {**HTTP_OUT, "direction": "in"}]},
                'Hello/function.json: binding "$return" must have "direction": "out".',
            ),
            (
                {"bindings": [TRIGGER], "scriptFile": "gone.py"},
                "Hello/function.json: the scriptFile 'gone.py' does not exist. Create it or mend scriptFile.",
            ),
            (
                {"bindings": [TRIGGER], "scriptFile": "run.js"},
                "Hello/function.json: the scriptFile 'run.js' is no Python file (*.py).",
            ),
            (
                {"bindings": [TRIGGER], "scriptFile": "../../x.py"},
                "Hello/function.json: the scriptFile '../../x.py' is outside of the app. Move it into the app's folder.",
            ),
            (
                {"bindings": [TRIGGER], "entryPoint": "start"},
                "Hello/function.json: the entry point 'start' is no function of Hello/__init__.py. "
                "Define it there or set entryPoint.",
            ),
        ],
    )
    def test_what_is_wrong_in_function_json_is_named(self, tmp_path, content, message: str):
        app = write_app(tmp_path, {"Hello/function.json": content, "Hello/__init__.py": HELLO_V1})

        assert message == refusal(app)

    def test_an_unknown_binding_type_comes_with_its_neighbour(self, tmp_path):
        line = refusal(v1_app(tmp_path, HELLO_V1, {"type": "httpTriger", "direction": "in", "name": "msg"}))

        expected = "Hello/function.json: binding 'msg' has the unknown type 'httpTriger'. Did you mean 'httpTrigger'"
        assert line.startswith(expected)

    def test_an_unknown_binding_type_like_nothing_known_comes_with_the_usual_ones(self, tmp_path):
        line = refusal(v1_app(tmp_path, HELLO_V1, {"type": "zzzz", "direction": "out", "name": "msg"}))

        assert line == (
            "Hello/function.json: binding 'msg' has the unknown type 'zzzz'. Check its spelling. Much used are "
            "httpTrigger, http, timerTrigger, queueTrigger, queue, blobTrigger, blob, serviceBusTrigger."
        )

    def test_methods_that_are_no_list(self, tmp_path):
        expected = 'Hello/function.json: "methods" must be a list such as ["get", "post"], found \'get\'.'

        assert refusal(v1_app(tmp_path, methods="get")) == expected

    def test_a_route_of_the_hosts_own(self, tmp_path):
        """The real host refuses it too."""
        app = v1_app(tmp_path, route="Admin/users")
        (app / "host.json").write_text('{"extensions": {"http": {"routePrefix": ""}}}')

        expected = "Hello/function.json: the route 'Admin/users' is the host's own. Choose another."
        assert refusal(app) == expected

    def test_a_route_with_an_unknown_constraint(self, tmp_path):
        line = refusal(v1_app(tmp_path, route="items/{id:nat}"))

        assert line.startswith("route 'api/items/{id:nat}': the constraint 'nat' is not known here. Known: int, long,")


class TestSignature:
    """The worker's own rules for parameters and annotations."""

    @pytest.mark.parametrize(
        ("definition", "message"),
        [
            (
                "main(req, extra)",
                "parameter 'extra' has no binding of that name. Bindings: req, msg. Rename the parameter or add a binding.",
            ),
            (
                "main(req, msg, a, b)",
                "parameters 'a', 'b' have no binding of that name. Bindings: req, msg. "
                "Rename the parameter or add a binding.",
            ),
            ("main(req)", "binding 'msg' has no parameter of that name. Add the parameter or remove the binding."),
            (
                "main(req: int, msg)",
                "the input binding 'req' (httpTrigger) does not take the annotation int. "
                "Use a type of azure.functions for it.",
            ),
            (
                "main(req: list[int], msg)",
                "the input binding 'req' (httpTrigger) does not take the annotation list[int]. "
                "Use a type of azure.functions for it.",
            ),
            (
                "main(req: func.Out[str], msg)",
                "the input binding 'req' (httpTrigger) must be annotated the value's type, "
                "not azure.functions.Out; found azure.functions.Out[str].",
            ),
            (
                "main(req, msg: str)",
                "the output binding 'msg' (queue) must be annotated azure.functions.Out[...]; found str.",
            ),
            (
                "main(req, msg: func.Out)",
                "the output binding 'msg' (queue) must be annotated azure.functions.Out[...] with one type inside.",
            ),
            (
                "main(req, msg: func.Out[func.HttpResponse])",
                "the output binding 'msg' (queue) does not take the annotation HttpResponse. "
                "Use a type of azure.functions for it.",
            ),
            (
                "main(req, msg, context: int)",
                "the parameter 'context' must be annotated azure.functions.Context or not at all, found int.",
            ),
            (
                "main(req, msg) -> bytes",
                'the output binding "$return" (http) does not take the annotation bytes. '
                "Use a type of azure.functions for it.",
            ),
            (
                "main(req, msg) -> typing.Optional[str]",
                'the output binding "$return" (http) has the return annotation typing.Optional[str]; '
                "the worker takes one plain type here.",
            ),
            (
                "main(req: 'Missing', msg)",
                "its annotations cannot be resolved: NameError: name 'Missing' is not defined.",
            ),
        ],
    )
    def test_a_function_that_does_not_fit_its_bindings(self, tmp_path, definition: str, message: str):
        queue = {"type": "queue", "direction": "out", "name": "msg", "queueName": "q", "connection": "c"}
        code = f"import typing\nimport azure.functions as func\n\ndef {definition}:\n    pass"

        line = refusal(v1_app(tmp_path, code, queue))

        # Python 3.14 shows Optional[str] as a union.
        assert f"Hello/function.json: {message}" == line.replace("str | None", "typing.Optional[str]")


class TestFunctionApp:
    @pytest.mark.parametrize(
        ("code", "message"),
        [
            (
                "import azure.functions",
                "function_app.py: there is no FunctionApp at its top level. Add app = azure.functions.FunctionApp().",
            ),
            (APP, "function_app.py: the FunctionApp has no functions. Decorate one, such as @app.route()."),
            (
                APP + "other = func.FunctionApp()",
                "function_app.py: 2 names hold a FunctionApp (app, other), but the worker takes one. "
                "Keep one and make the others azure.functions.Blueprint.",
            ),
            (
                APP + "@app.route()\ndef a(req, more): ...",
                "function_app.py: function 'a': parameter 'more' has no binding of that name. "
                "Bindings: req. Rename the parameter or add a binding.",
            ),
        ],
    )
    def test_what_is_wrong_in_function_app_is_named(self, tmp_path, code: str, message: str):
        assert message == refusal(write_app(tmp_path, {"function_app.py": code}))

    def test_two_functions_of_one_name(self, tmp_path):
        twice = "@app.function_name('a')\n@app.route(route='{0}')\ndef f{0}(req): ...\n"

        line = refusal(write_app(tmp_path, {"function_app.py": APP + twice.format(1) + twice.format(2)}))

        assert line.startswith("function_app.py: ValueError: Function a does not have a unique function name.")


class TestSettingsFiles:
    @pytest.mark.parametrize(
        ("name", "content", "message"),
        [
            (
                "host.json",
                "{",
                "host.json:1:2: not valid JSON: Expecting property name enclosed in double quotes. "
                "Mend the file and start again.",
            ),
            ("host.json", '{"extensions": 1}', "host.json: extensions must be an object {...}, found 1."),
            (
                "host.json",
                '{"extensions": {"http": {"routePrefix": 5}}}',
                'host.json: extensions.http.routePrefix must be text, found 5. Use "" for none.',
            ),
            ("local.settings.json", "null", "local.settings.json: expected a JSON object {...}, found null."),
            (
                "local.settings.json",
                '{"Values": {"A": {"B": 1}}}',
                "local.settings.json: Values.A is nested, but an app setting is one text. "
                'Write it as a string, or as separate settings named "A__...".',
            ),
            (
                "local.settings.json",
                '{"IsEncrypted": true}',
                "local.settings.json is encrypted (IsEncrypted: true). Run `func settings decrypt` first.",
            ),
            (
                "local.settings.json",
                '{"Host": {"LocalHttpPort": "many"}}',
                "local.settings.json: Host.LocalHttpPort must be a port from 0 to 65535, found 'many'.",
            ),
            (
                "local.settings.json",
                '{"Host": {"CORS": ["a"]}}',
                "local.settings.json: Host.CORS must be text with origins between commas, found ['a'].",
            ),
            (
                "local.settings.json",
                '{"Values": {"FUNCTIONS_WORKER_RUNTIME": "node"}}',
                "FUNCTIONS_WORKER_RUNTIME is 'node', but this host runs Python apps. Set it to python.",
            ),
        ],
    )
    def test_what_is_wrong_in_a_settings_file_is_named(self, tmp_path, monkeypatch, name, content, message):
        monkeypatch.delenv("FUNCTIONS_WORKER_RUNTIME", raising=False)
        app = v1_app(tmp_path)
        (app / name).write_text(content)

        assert message == refusal(app)

    def test_a_file_that_is_not_utf_8(self, tmp_path):
        app = v1_app(tmp_path)
        (app / "host.json").write_bytes(b'{"\xff": 1}')

        assert refusal(app) == "host.json: not UTF-8 text (byte 2). Save the file as UTF-8."

    def test_a_file_that_is_nested_too_deeply(self, tmp_path):
        app = v1_app(tmp_path)
        (app / "host.json").write_text("[" * 200_000)

        assert refusal(app) == "host.json: nested too deeply to be read. Mend the file and start again."


def test_after_a_refusal_another_app_can_be_loaded(tmp_path):
    refusal(v1_app(tmp_path / "bad", "1 / 0"))

    with HostServer(v1_app(tmp_path / "good")) as server:
        assert server.url.startswith("http://127.0.0.1:")


def test_json_of_the_trigger_is_built_as_tests_expect():
    """The helper's own promise, on which the tests above rely."""
    assert http_json()["bindings"] == [{**TRIGGER, "authLevel": "anonymous"}, HTTP_OUT]


@pytest.mark.parametrize("values", [{"A": "x\0"}, {"A": "\ud800"}, {"A=B": "x"}, {"": "x"}, {"\0": "x"}])
def test_a_setting_that_can_be_no_environment_variable(tmp_path, values: dict[str, str]):
    app = v1_app(tmp_path)
    (app / "local.settings.json").write_text(json.dumps({"Values": values}))

    expected = (
        f"local.settings.json: the setting {next(iter(values))!r} in Values cannot be an environment variable. A name "
        'must not be empty or contain "=", and neither name nor value may contain NUL or half a surrogate pair.'
    )
    assert refusal(app) == expected


def test_an_entry_point_whose_parameters_cannot_be_read(tmp_path):
    expected = "Hello/function.json: no signature found for builtin type <class 'int'>. Use a function of your own."

    assert refusal(v1_app(tmp_path, "main = int")) == expected


def test_what_is_raised_at_import_is_named_whatever_it_is(tmp_path):
    expected = "Hello/__init__.py:1: GeneratorExit. The app could not be imported."

    assert refusal(v1_app(tmp_path, "raise GeneratorExit")) == expected


def test_a_syntax_error_without_a_line(tmp_path):
    """As Python 3.11 and later raise it for a NUL in the source."""
    expected = "Hello/__init__.py: syntax error: odd. Mend the line and start again."

    assert refusal(v1_app(tmp_path, "raise SyntaxError('odd')")) == expected
