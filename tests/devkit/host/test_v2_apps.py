"""Apps of the v2 programming model: function_app.py, blueprints, ASGI and WSGI apps."""

import gc

from tests.support.host import request, serving, write_app

APP = """
import azure.functions as func
from more import more

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)
app.register_functions(more)

@app.route(route="items/{id:int}", methods=["GET", "POST"])
def items(req: func.HttpRequest, context: func.Context) -> func.HttpResponse:
    return func.HttpResponse(f"{req.method} {req.route_params['id']} {context.function_name}")

@app.function_name("renamed")
@app.route()
async def original(req: func.HttpRequest) -> str:
    return "async"

@app.timer_trigger(arg_name="timer", schedule="0 0 * * * *")
def tick(timer: func.TimerRequest) -> None:
    pass
"""
MORE = """
import azure.functions as func

more = func.Blueprint()

@more.route(route="from-blueprint")
def blue(req: func.HttpRequest, context) -> str:
    return context.function_directory
"""


def test_functions_of_app_and_blueprint_are_served(tmp_path):
    with serving(write_app(tmp_path, {"function_app.py": APP, "more.py": MORE})) as url:
        assert request(f"{url}/api/items/5", "POST").body == b"POST 5 items"
        assert request(f"{url}/api/renamed").body == b"async"
        assert str(tmp_path).encode() == request(f"{url}/api/from-blueprint").body
        assert request(f"{url}/api/items/five").status == 404
        assert request(f"{url}/api/original").status == 404


def test_the_script_may_have_another_name(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHON_SCRIPT_FILE_NAME", "main_app.py")
    with serving(write_app(tmp_path, {"main_app.py": APP, "more.py": MORE})) as url:
        assert request(f"{url}/api/renamed").body == b"async"


def test_an_asgi_app_is_served_as_a_function(tmp_path):
    code = """
import azure.functions as func

async def asgi(scope, receive, send):
    if scope["type"] == "lifespan":
        await receive()
        await send({"type": "lifespan.startup.complete"})
        return
    await send({"type": "http.response.start", "status": 202, "headers": [(b"x-path", scope["path"].encode())]})
    await send({"type": "http.response.body", "body": b"asgi"})

app = func.AsgiFunctionApp(app=asgi, http_auth_level=func.AuthLevel.ANONYMOUS)
"""
    host_json = {"version": "2.0", "extensions": {"http": {"routePrefix": ""}}}
    with serving(write_app(tmp_path, {"function_app.py": code, "host.json": host_json})) as url:
        answer = request(f"{url}/some/path")
    gc.collect()  # AsgiFunctionApp ends by asyncio.run in its __del__, which fails on the event loop of a later test

    assert (answer.status, answer.body, answer.header("x-path")) == (202, b"asgi", ["/some/path"])


def test_a_wsgi_app_is_served_as_a_function(tmp_path):
    code = """
import azure.functions as func

def wsgi(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [environ["PATH_INFO"].encode()]

app = func.WsgiFunctionApp(app=wsgi, http_auth_level=func.AuthLevel.ANONYMOUS)
"""
    with serving(write_app(tmp_path, {"function_app.py": code})) as url:
        assert request(f"{url}/api/some/path").body == b"/api/some/path"


def test_a_module_of_the_same_name_elsewhere_does_not_get_in_the_way(tmp_path):
    """Two apps in one process, one after the other, both with a function_app.py."""
    import sys
    from types import ModuleType

    stranger = ModuleType("function_app")
    sys.modules["function_app"] = stranger
    try:
        with serving(write_app(tmp_path, {"function_app.py": APP, "more.py": MORE})) as url:
            assert request(f"{url}/api/renamed").body == b"async"
        assert sys.modules["function_app"] is stranger
    finally:
        del sys.modules["function_app"]


def test_a_function_that_is_not_served_anyway_does_not_keep_the_app_from_starting(tmp_path, capsys):
    """Its types may be of a package that only the workers know, such as the SDK types of deferred bindings."""
    code = (
        APP
        + """
@app.queue_trigger(arg_name="message", queue_name="q", connection="c")
def odd(message: dict) -> None:
    pass
"""
    )
    import sys

    with serving(write_app(tmp_path, {"function_app.py": code, "more.py": MORE}), output=sys.stdout) as url:
        assert request(f"{url}/api/renamed").status == 200

    assert "WARNING function_app.py: function 'odd': the input binding 'message'" in capsys.readouterr().out
