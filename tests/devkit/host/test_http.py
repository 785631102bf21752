"""Requests and responses: what a function sees, and what a client gets, as under the real host."""

import http.client
import socket
import sys
import time

from tests.support.host import request, serving, v1_app

ECHO = """
import json
import azure.functions as func

def main(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse(json.dumps({
        "method": req.method, "url": req.url, "params": dict(req.params), "headers": dict(req.headers),
        "route": dict(req.route_params), "body": req.get_body().decode(),
    }), mimetype="application/json")
"""


def test_a_function_sees_the_request(tmp_path):
    with serving(v1_app(tmp_path, ECHO, route="in/{kind}/{*rest}")) as url:
        seen = request(f"{url}/api/in/a%20b/c/d%2Fe?q=1&Q=2&empty=&flag", "PUT", b"text", {"X-Mixed": "Yes"}).json

    assert seen["method"] == "PUT"
    assert f"{url}/api/in/a%20b/c/d%2Fe?q=1&Q=2&empty=&flag" == seen["url"]
    assert seen["params"] == {"q": "1,2"}
    assert seen["headers"]["x-mixed"] == "Yes"
    assert seen["route"] == {"kind": "a b", "rest": "c/d%2Fe"}
    assert seen["body"] == "text"


def test_json_and_forms_are_read_by_the_real_request_type(tmp_path):
    code = """
def main(req):
    return str(req.get_json()["a"]) if req.params.get("json") else req.form["a"]
"""
    form = {"content-type": "application/x-www-form-urlencoded"}
    with serving(v1_app(tmp_path, code)) as url:
        assert request(f"{url}/api/Hello?json=1", "POST", b'{"a": 1}').body == b"1"
        assert request(f"{url}/api/Hello", "POST", b"a=two", form).body == b"two"


def test_a_body_in_chunks_arrives_whole(tmp_path):
    with serving(v1_app(tmp_path, ECHO)) as url:
        host = url.removeprefix("http://")
        raw = (
            f"POST /api/Hello HTTP/1.1\r\nHost: {host}\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
            "3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n"
        )
        with socket.create_connection((host.split(":")[0], int(host.split(":")[1]))) as client:
            client.sendall(raw.encode())
            received = b"".join(iter(lambda: client.recv(65536), b""))

    assert b'"body": "onetwo"' in received


def test_a_body_above_100_mb_is_refused_before_it_is_read(tmp_path):
    with serving(v1_app(tmp_path, ECHO)) as url:
        host = url.removeprefix("http://")
        with socket.create_connection((host.split(":")[0], int(host.split(":")[1]))) as client:
            client.sendall(f"POST /api/Hello HTTP/1.1\r\nHost: {host}\r\nContent-Length: 104857601\r\n\r\n".encode())
            assert b"HTTP/1.1 413 " in client.recv(65536)


def test_a_body_in_chunks_is_refused_as_soon_as_it_is_too_large(tmp_path, monkeypatch):
    monkeypatch.setattr("ext_devkit.host.http.MAX_BODY", 5)
    chunked = {"Transfer-Encoding": "chunked"}
    with serving(v1_app(tmp_path, ECHO)) as url:
        assert request(f"{url}/api/Hello", "POST", b"5\r\n12345\r\n0\r\n\r\n", chunked).status == 200
        assert request(f"{url}/api/Hello", "POST", b"6\r\n123456\r\n0\r\n\r\n", chunked).status == 413


def test_a_client_that_goes_away_is_a_line_and_no_invocation(tmp_path, capsys):
    with serving(v1_app(tmp_path, ECHO), output=sys.stdout) as url:
        host = url.removeprefix("http://")
        with socket.create_connection((host.split(":")[0], int(host.split(":")[1]))) as client:
            client.sendall(f"POST /api/Hello HTTP/1.1\r\nHost: {host}\r\nContent-Length: 9\r\n\r\nhalf".encode())
        assert request(f"{url}/api/Hello").status == 200

    printed = capsys.readouterr().out
    assert "The client of Hello went away before its request was whole" in printed
    assert printed.count("Executed") == 1


def test_status_headers_cookies_and_type_reach_the_client(tmp_path):
    code = """
import azure.functions as func

def main(req):
    response = func.HttpResponse("<p>", status_code=418, headers={"X-One": "1", "Content-Length": "7"}, mimetype="text/html")
    response.headers.add("Set-Cookie", "a=1; Path=/; HttpOnly")
    response.headers.add("Set-Cookie", "b=2")
    return response
"""
    with serving(v1_app(tmp_path, code)) as url:
        answer = request(f"{url}/api/Hello")

    assert (answer.status, answer.body) == (418, b"<p>")
    assert answer.header("x-one") == ["1"]
    assert answer.header("content-length") == ["3"]
    assert answer.header("content-type") == ["text/html; charset=utf-8"]
    assert answer.header("set-cookie") == ["a=1; HttpOnly; Path=/", "b=2"]
    assert answer.header("server") == []


def test_a_result_without_a_binding_for_it_fails(tmp_path, capsys):
    with serving(v1_app(tmp_path, "def main(req):\n    return 'x'", out=False), output=sys.stdout) as url:
        assert request(f"{url}/api/Hello").status == 500

    expected = "RuntimeError: function 'Hello' without a $return binding returned a non-None value"
    assert expected in capsys.readouterr().out


def test_the_traceback_has_the_functions_frames_and_causes_but_not_the_hosts(tmp_path, capsys):
    code = """
def main(req):
    try:
        {}["key"]
    except KeyError as error:
        raise ValueError("wrapped") from error
"""
    with serving(v1_app(tmp_path, code), output=sys.stdout) as url:
        request(f"{url}/api/Hello")

    printed = capsys.readouterr().out
    assert "KeyError: 'key'" in printed
    assert "The above exception was the direct cause" in printed
    assert f'File "{tmp_path}/Hello/__init__.py", line 6, in main' in printed
    assert "ext_devkit" not in printed


def test_a_route_without_the_method_is_404_like_on_the_real_host(tmp_path):
    """HEAD included: the host does not derive it from GET (azure-functions-host issues 10098 and 11625)."""
    with serving(v1_app(tmp_path, methods=["get"])) as url:
        statuses = {method: request(f"{url}/api/Hello", method).status for method in ("GET", "POST", "HEAD", "OPTIONS")}

    assert statuses == {"GET": 200, "POST": 404, "HEAD": 404, "OPTIONS": 404}


def test_a_function_for_head_sends_no_body(tmp_path):
    with serving(v1_app(tmp_path, methods=["get", "head"])) as url:
        answer = request(f"{url}/api/Hello", "HEAD")

    assert (answer.status, answer.body, answer.header("content-length")) == (200, b"", ["5"])


def test_the_root_says_that_the_host_is_up(tmp_path):
    with serving(v1_app(tmp_path)) as url:
        answer = request(f"{url}/")

    assert answer.status == 200
    assert b"Your function app is up and running." in answer.body


def test_the_host_tells_its_state_and_its_functions(tmp_path):
    with serving(v1_app(tmp_path, methods=["get"])) as url:
        assert request(f"{url}/admin/host/status").json["state"] == "Running"
        expected = [{"name": "Hello", "route": "api/Hello", "methods": ["GET"]}]
        assert expected == request(f"{url}/admin/functions").json
        assert request(f"{url}/admin/other").status == 404


def test_cors_follows_local_settings(tmp_path):
    app = v1_app(tmp_path)
    (app / "local.settings.json").write_text('{"Host": {"CORS": "http://a.test, http://b.test/"}}')
    with serving(app) as url:
        allowed = request(f"{url}/api/Hello", headers={"Origin": "http://b.test"})
        refused = request(f"{url}/api/Hello", headers={"Origin": "http://c.test"})

    assert allowed.header("access-control-allow-origin") == ["http://b.test"]
    assert allowed.header("access-control-allow-credentials") == []
    assert refused.header("access-control-allow-origin") == []


def test_cors_credentials_and_preflight_follow_local_settings(tmp_path):
    app = v1_app(tmp_path, methods=["put"])
    (app / "local.settings.json").write_text('{"Host": {"CORS": "http://a.test", "CORSCredentials": true}}')
    ask = {"Origin": "http://a.test", "Access-Control-Request-Method": "PUT", "Access-Control-Request-Headers": "x-a"}
    with serving(app) as url:
        answer = request(f"{url}/api/Hello", "OPTIONS", headers=ask)

    assert answer.status == 200
    assert answer.header("access-control-allow-credentials") == ["true"]
    assert "PUT" in answer.header("access-control-allow-methods")[0]
    assert answer.header("access-control-allow-headers") == ["x-a"]


def test_a_request_on_a_kept_connection_does_not_wait_for_an_acknowledgement(tmp_path):
    """With Nagle's algorithm on, head and body of each answer after the first would be 40 ms apart."""
    with serving(v1_app(tmp_path)) as url:
        connection = http.client.HTTPConnection(url.removeprefix("http://"))
        times = []
        for _ in range(10):
            started = time.perf_counter()
            connection.request("GET", "/api/Hello")
            connection.getresponse().read()
            times.append(time.perf_counter() - started)
        connection.close()

    assert min(times[1:]) < 0.035
