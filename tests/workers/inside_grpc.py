"""Runs inside a child process: a Functions host for a worker with a gRPC protocol, which is a child of this process.

Usage: python inside_grpc.py APP LOADED PACKAGE FOLDER, with the worker's package (`azure_functions_worker` or
`proxy_worker`) and the folder that holds it. Lines of JSON go in (requests) and out (answers); see drive.py.
"""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import threading
from concurrent import futures
from importlib import import_module
from pathlib import Path

from forward import forward
from json_lines import say

PACKAGE, FOLDER = sys.argv[3:5]
sys.path.insert(0, FOLDER)

import grpc  # noqa: E402

protos = import_module(PACKAGE + ".protos")
VERSION = import_module(PACKAGE + ".version").VERSION

WAIT = 30.0
SUCCESS = protos.StatusResult.Success


class Host(protos.FunctionRpcServicer):
    """The host's end of the stream: requests go to the worker, answers to whoever waits for them."""

    def __init__(self, loaded: dict[str, str] | None) -> None:
        self.loaded = loaded
        self.ids: dict[str, str] = {}
        self.uri = ""
        self.requests: queue.Queue = queue.Queue()
        self.waiting: dict[str, futures.Future] = {"start_stream": futures.Future()}

    def EventStream(self, messages, context):
        threading.Thread(target=self._take, args=(messages,), daemon=True).start()
        return iter(self.requests.get, None)

    def _take(self, messages) -> None:
        try:
            for message in messages:
                kind = message.WhichOneof("content")
                answer = getattr(message, kind)
                if kind == "rpc_log":
                    self.log(answer)
                    continue
                key = getattr(answer, "invocation_id", "") or getattr(answer, "function_id", "") or kind
                waiting = self.waiting.pop(key, None)
                if waiting is not None:
                    waiting.set_result(answer)
        except grpc.RpcError:
            pass  # the worker is gone

    @staticmethod
    def log(log) -> None:
        print(f"[{log.category}] {log.message}", file=sys.stderr, flush=True)
        say(log={"category": log.category, "message": log.message, "id": log.invocation_id, "level": log.level,
                 "system": log.log_category == protos.RpcLog.RpcLogCategory.Value("System")})  # fmt: skip

    def ask(self, key: str, **content: object) -> futures.Future:
        answer = self.waiting[key] = futures.Future()
        self.requests.put(protos.StreamingMessage(request_id="r", **content))
        return answer

    def must(self, key: str, **content: object):
        """Ask, wait for the answer, and raise what the worker says has failed."""
        answer = self.ask(key, **content).result(WAIT)
        if answer.result.status != SUCCESS:
            raise RuntimeError(f"{answer.result.exception.message}\n{answer.result.exception.stack_trace}")
        return answer

    def start(self, app: Path) -> None:
        self.waiting["start_stream"].result(WAIT)
        init = protos.WorkerInitRequest(host_version="4", function_app_directory=str(app), worker_directory=FOLDER)
        started = self.must("worker_init_response", worker_init_request=init)
        if any(app.iterdir()):
            self.load(app, started)
        else:
            say(ready={}, worker=f"{PACKAGE} {VERSION}")

    def specialize(self, app: Path, environment: dict[str, str]) -> None:
        request = protos.FunctionEnvironmentReloadRequest(
            function_app_directory=str(app), environment_variables=environment
        )
        self.load(app, self.must("function_environment_reload_response", function_environment_reload_request=request))

    def load(self, app: Path, started) -> None:
        self.uri = started.capabilities.get("HttpUri", "")
        functions = [v1_metadata(spec.parent) for spec in sorted(app.glob("*/function.json"))]
        if not functions and self.loaded is not None:
            functions = [known_metadata(app, name, found) for name, found in self.loaded.items()]
        elif not functions or self.loaded is None:
            wanted = protos.FunctionsMetadataRequest(function_app_directory=str(app))
            found = self.must("function_metadata_response", functions_metadata_request=wanted)
            functions = functions if found.use_default_metadata_indexing else list(found.function_metadata_results)
        for one in functions:
            request = protos.FunctionLoadRequest(function_id=one.function_id, metadata=one)
            self.must(one.function_id, function_load_request=request)
        self.ids = {one.name: one.function_id for one in functions}
        say(ready=self.ids, worker=f"{PACKAGE} {VERSION}")

    def serve(self, request: dict) -> None:
        invocation = protos.InvocationRequest(
            invocation_id=request["id"], function_id=self.ids[request["function"]],
            trace_context={"trace_parent": request["traceparent"], "trace_state": ""},
            input_data=[protos.ParameterBinding(name=name, data=data) for name, data in inputs_of(request)],
            trigger_metadata={name: data_of(one) for name, one in request["metadata"].items()},
        )  # fmt: skip
        answer = self.ask(request["id"], invocation_request=invocation)
        if self.uri and "http" in request:
            threading.Thread(target=self.forwarded, args=(request, answer), daemon=True).start()
        else:
            answer.add_done_callback(lambda done: pass_on(request["id"], done.result()))

    def forwarded(self, request: dict, answer: futures.Future) -> None:
        response = forward(self.uri, request)
        pass_on(request["id"], answer.result(WAIT), response)


def inputs_of(request: dict):
    if "inputs" in request:
        return [(name, data_of(one)) for name, one in request["inputs"].items()]
    http = request["http"]
    sent = protos.RpcHttp(method=http["method"], url=http["url"], headers=http["headers"], query=http["query"])
    sent.params.update(http["params"])
    sent.body.bytes = http["body"].encode()
    return [("req", protos.TypedData(http=sent))]


def data_of(one: dict):
    return protos.TypedData(
        **{kind: {"string": value} if isinstance(value, list) else value for kind, value in one.items()}
    )


def v1_metadata(directory: Path):
    spec = json.loads((directory / "function.json").read_text())
    metadata = protos.RpcFunctionMetadata(
        name=directory.name, directory=str(directory), function_id=f"id-of-{directory.name}", language="python",
        script_file=str(directory / spec.get("scriptFile", "__init__.py")), entry_point=spec.get("entryPoint", ""),
    )  # fmt: skip
    for one in spec["bindings"]:
        metadata.bindings[one["name"]].type = one["type"]
        metadata.bindings[one["name"]].direction = {"in": 0, "out": 1}[one["direction"]]
    return metadata


def known_metadata(app: Path, name: str, function_id: str):
    """What the host tells a second worker of a function that the first one has indexed."""
    metadata = protos.RpcFunctionMetadata(name=name, directory=str(app), function_id=function_id, language="python")
    metadata.properties["worker_indexed"] = "True"
    return metadata


def pass_on(invocation_id: str, answer, response: dict | None = None) -> None:
    if answer.result.status == SUCCESS:
        outputs = {one.name: value_of(one.data)[1] for one in answer.output_data}
        say(id=invocation_id, ok=True, outputs=outputs, **(response or result_of(answer.return_value)))
    else:
        error = answer.result.exception
        say(id=invocation_id, ok=False, error=error.message, stack=error.stack_trace, **(response or {}))


def value_of(data) -> tuple[str | None, object]:
    kind = data.WhichOneof("data")
    return kind, kind and getattr(data, kind)


def result_of(data) -> dict:
    kind, value = value_of(data)
    if kind != "http":
        return {"value": value}
    return {"status": int(value.status_code), "body": value.body.bytes.decode(), "headers": dict(value.headers)}


def main(app: Path) -> int:
    host, server = Host(json.loads(sys.argv[2])), grpc.server(futures.ThreadPoolExecutor(4))
    protos.add_FunctionRpcServicer_to_server(host, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    installed = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    environment = dict(os.environ, PYTHONPATH=os.pathsep.join([FOLDER, str(app), *filter(None, installed)]))
    arguments = ["--host", "127.0.0.1", "--port", str(port), "--workerId", "w", "--requestId", "r"]
    worker = subprocess.Popen([sys.executable, "-m", PACKAGE, *arguments], cwd=app, env=environment, stdout=sys.stderr)
    try:
        return serve_all(host, worker, app)
    finally:
        worker.kill()
        worker.wait()
        host.requests.put(None)
        server.stop(None)


def serve_all(host: Host, worker: subprocess.Popen, app: Path) -> int:
    try:
        host.start(app)
    except Exception as error:
        say(failed=repr(error))
        return 1
    for line in sys.stdin:
        request = json.loads(line)
        if "signal" in request:
            worker.send_signal(request["signal"])
            return worker.wait(WAIT)
        if "environment" in request:
            host.specialize(Path(request["app"]), request["environment"])
        else:
            host.serve(request)
    worker.terminate()
    return worker.wait(WAIT)


sys.exit(main(Path(sys.argv[1])))
