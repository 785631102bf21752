"""On real workers: a record that is logged for an invocation, from wherever `propagate` takes it, has its id."""

from __future__ import annotations

import json

import pytest

from tests.workers import drive

PLACES = '''
import asyncio, contextvars, logging, os, threading
from concurrent.futures import ThreadPoolExecutor

from ext_sdk import AppExtension, current_invocation, propagate


class Any(AppExtension):
    @classmethod
    def around_invocation(cls, invocation):
        yield


pool = propagate(ThreadPoolExecutor(1))
default = propagate(ThreadPoolExecutor(1))
elsewhere = asyncio.new_event_loop()
threading.Thread(target=elsewhere.run_forever, daemon=True).start()


def log(place, invocation_id=None):
    logging.getLogger("places").warning("%s|%s", place, invocation_id or current_invocation().id)


async def log_twice(place):
    log(place)
    await asyncio.sleep(0)
    log(place)


def log_uncarried(place):
    """Log on the pool's one thread, for no invocation."""
    ThreadPoolExecutor.submit(pool, log, place, "none").result()


def sync():
    log("function")
    thread = threading.Thread(target=propagate(log), args=["thread"])
    thread.start()
    thread.join()
    pool.submit(log, "pool").result()
    list(pool.map(log, ["map"]))
    log_uncarried("left on the pool's thread")
    asyncio.run_coroutine_threadsafe(propagate(log_twice)("event loop elsewhere"), elsewhere).result()


async def async_():
    log("function")
    loop = asyncio.get_running_loop()
    await asyncio.create_task(log_twice("task"))
    await asyncio.to_thread(propagate(log), "to_thread")
    await loop.run_in_executor(pool, log, "run_in_executor")
    log_uncarried("left on the pool's thread")
    await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(propagate(log_twice)("loop elsewhere"), elsewhere))
    loop.set_default_executor(default)
    await asyncio.to_thread(log, "to_thread of the default executor")
    called = asyncio.Event()
    loop.call_soon(propagate(lambda: (log("call_soon"), called.set())))
    await called.wait()
    if os.environ["INHERITS"]:
        await asyncio.to_thread(log, "to_thread, not carried")
        await loop.run_in_executor(None, contextvars.copy_context().run, log, "a copy of the context")
        await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(log_twice("loop elsewhere, not carried"), elsewhere))
'''

RECORDS = {"sync_one": 7, "async_one": 10}

INHERITING = {"proxy": 4}
"""Further records where asyncio itself takes the id along, as the id is in a context variable."""

BODIES = {"sync_one": ("def", "places.sync()"), "async_one": ("async def", "await places.async_()")}
BINDINGS = [
    {"type": "httpTrigger", "direction": "in", "name": "req", "authLevel": "anonymous"},
    {"type": "http", "direction": "out", "name": "$return"},
]


def write_v1(app):
    for name, (head, body) in BODIES.items():
        (app / name).mkdir()
        (app / name / "function.json").write_text(json.dumps({"bindings": BINDINGS}))
        code = f"import azure.functions as func, places\n{head} main(req: func.HttpRequest) -> str:\n    {body}\n"
        (app / name / "__init__.py").write_text(code + "    return 'ok'\n")


def write_v2(app):
    code = "import azure.functions as func, places\napp = func.FunctionApp()\n"
    for name, (head, body) in BODIES.items():
        code += f"@app.route(route='{name}')\n{head} {name}(req: func.HttpRequest) -> str:\n    {body}\n"
        code += "    return 'ok'\n"
    (app / "function_app.py").write_text(code)


@pytest.mark.workers
@pytest.mark.parametrize("write", [write_v1, write_v2], ids=["v1", "v2"])
@pytest.mark.parametrize("kind", list(drive.GRPC))
def test_each_record_has_the_id_of_the_invocation_that_it_is_logged_for(kind, write, tmp_path):
    """Of invocations one after the other and at the same time; a thread that worked for one has no id afterwards."""
    if reason := drive.why_not(kind):
        pytest.skip(reason)
    app = tmp_path / "app"
    app.mkdir()
    (app / "host.json").write_text("{}")
    (app / "places.py").write_text(PLACES)
    write(app)

    with drive.Worker(kind, app, INHERITS="1" if kind in INHERITING else "") as worker:
        answers = [worker.invoke(name) for name in BODIES]
        sent = [worker.send(name) for name in list(BODIES) * 5]
        answers += [one.result(drive.WAIT) for one in sent]

    assert [one for one in answers if not one["ok"]] == [], worker.log()
    records = [(one["message"], one["id"]) for one in worker.logs if one["category"] == "places"]
    wrong = [(message, given) for message, given in records if message.partition("|")[2] != (given or "none")]
    assert wrong == []
    assert len(records) == 6 * (sum(RECORDS.values()) + INHERITING.get(kind, 0))
