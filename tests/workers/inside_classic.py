"""Runs inside a child process: a Functions host for the classic worker, over the worker's own gRPC protocol.

Usage: python inside_classic.py APP. Lines of JSON go in (requests) and out (answers); see drive.py. The environment
variable AZURE_FUNCTIONS_WORKER names the folder with `azure_functions_worker` and its protocol modules.
"""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import threading
from concurrent import futures
from pathlib import Path

folder = os.environ["AZURE_FUNCTIONS_WORKER"]
sys.path.insert(0, folder)

import grpc  # noqa: E402
from azure_functions_worker import protos  # noqa: E402
from azure_functions_worker.version import VERSION  # noqa: E402

WAIT = 30.0
SUCCESS = protos.StatusResult.Success


def say(**message: object) -> None:
    print(json.dumps(message), flush=True)


class Host(protos.FunctionRpcServicer):
    """The host's end of the stream: requests go to the worker, answers to whoever waits for them."""

    def __init__(self) -> None:
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
                    print(f"[{answer.category}] {answer.message}", file=sys.stderr, flush=True)
                    continue
                key = getattr(answer, "invocation_id", "") or getattr(answer, "function_id", "") or kind
                waiting = self.waiting.pop(key, None)
                if waiting is not None:
                    waiting.set_result(answer)
        except grpc.RpcError:
            pass  # the worker is gone

    def ask(self, key: str, **content: object) -> futures.Future:
        answer = self.waiting[key] = futures.Future()
        self.requests.put(protos.StreamingMessage(request_id="r", **content))
        return answer

    def load(self, app: Path) -> dict[str, str]:
        """Return name -> id of the functions."""
        self.waiting["start_stream"].result(WAIT)
        init = protos.WorkerInitRequest(host_version="4", function_app_directory=str(app), worker_directory=folder)
        self.ask("worker_init_response", worker_init_request=init).result(WAIT)
        wanted = protos.FunctionsMetadataRequest(function_app_directory=str(app))
        found = self.ask("function_metadata_response", functions_metadata_request=wanted).result(WAIT)
        if found.result.status != SUCCESS:
            raise RuntimeError(found.result.exception.message)
        functions = list(found.function_metadata_results)
        if found.use_default_metadata_indexing:
            functions = [self.v1_metadata(spec.parent) for spec in sorted(app.glob("*/function.json"))]
        for one in functions:
            request = protos.FunctionLoadRequest(function_id=one.function_id, metadata=one)
            loaded = self.ask(one.function_id, function_load_request=request).result(WAIT)
            if loaded.result.status != SUCCESS:
                raise RuntimeError(loaded.result.exception.message)
        return {one.name: one.function_id for one in functions}

    def v1_metadata(self, directory: Path):
        spec = json.loads((directory / "function.json").read_text())
        metadata = protos.RpcFunctionMetadata(
            name=directory.name, directory=str(directory), function_id=f"id-of-{directory.name}", language="python",
            script_file=str(directory / spec.get("scriptFile", "__init__.py")), entry_point=spec.get("entryPoint", ""),
        )  # fmt: skip
        for one in spec["bindings"]:
            metadata.bindings[one["name"]].type = one["type"]
            metadata.bindings[one["name"]].direction = {"in": 0, "out": 1}[one["direction"]]
        return metadata

    def serve(self, request: dict, ids: dict[str, str]) -> None:
        http = protos.RpcHttp(
            method=request["method"], url=request["url"], headers=request["headers"], query=request["query"]
        )
        http.body.bytes = request["body"].encode()
        invocation = protos.InvocationRequest(
            invocation_id=request["id"], function_id=ids[request["function"]],
            trace_context={"trace_parent": request["traceparent"], "trace_state": ""},
            input_data=[protos.ParameterBinding(name="req", data=protos.TypedData(http=http))],
        )  # fmt: skip
        answer = self.ask(request["id"], invocation_request=invocation)
        answer.add_done_callback(lambda done: self.pass_on(request["id"], done.result()))

    @staticmethod
    def pass_on(invocation_id: str, answer) -> None:
        if answer.result.status == SUCCESS:
            result = answer.return_value.http
            say(id=invocation_id, ok=True, status=int(result.status_code), body=result.body.bytes.decode(),
                headers=dict(result.headers))  # fmt: skip
        else:
            error = answer.result.exception
            say(id=invocation_id, ok=False, error=error.message, stack=error.stack_trace)


def main(app: Path) -> None:
    host, server = Host(), grpc.server(futures.ThreadPoolExecutor(4))
    protos.add_FunctionRpcServicer_to_server(host, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    environment = dict(os.environ, PYTHONPATH=os.pathsep.join([folder, str(app)]))
    arguments = ["--host", "127.0.0.1", "--port", str(port), "--workerId", "w", "--requestId", "r"]
    worker = subprocess.Popen(
        [sys.executable, "-m", "azure_functions_worker", *arguments], cwd=app, env=environment, stdout=sys.stderr
    )
    try:
        try:
            ids = host.load(app)
        except Exception as error:
            say(failed=repr(error))
            return
        say(ready=list(ids), worker=f"azure_functions_worker {VERSION}")
        for line in sys.stdin:
            host.serve(json.loads(line), ids)
    finally:
        worker.terminate()
        try:
            status = worker.wait(WAIT)
        finally:
            worker.kill()
            host.requests.put(None)
            server.stop(None)
    sys.exit(status)


main(Path(sys.argv[1]))
