"""Extensions with one fault each, and the checks that find it."""

from __future__ import annotations

HEAD = """
import asyncio, contextvars, logging, os, signal, socket, sys, threading, time
from dataclasses import dataclass
import azure.functions as func
from azure.functions import AppExtensionBase, FuncExtensionBase
from ext_sdk import AppExtension, FuncExtension

# The process that measures the import, so that no other check takes as long.
MEASURED = hasattr(sys.modules['__main__'], 'beside')

def quietly(work, *args):
    if threading.current_thread() is threading.main_thread():
        work(*args)

"""

AROUND = """
class Faulty(AppExtension):
    @classmethod
    def around_invocation(cls, invocation):
        {before}
        outcome = yield
        {after}
"""


def around(before="pass", after="pass", head=""):
    return HEAD + head + AROUND.format(before=before, after=after)


FINE = around()

OFFICIAL = """
class Faulty(AppExtensionBase):
    @classmethod
    def init(cls): ...
    @classmethod
    def pre_invocation_app_level(cls, logger, context, func_args={}, *args):
        BODY
"""

OF_A_FUNCTION = """
class Faulty(FuncExtension):
    def around_invocation(self, invocation):
        outcome = yield
        AFTER
"""

PLANTED = {
    "ends the process when it is imported": (HEAD + "sys.exit(3)", ["import"]),
    "has a hook without @classmethod": (
        HEAD + "class Faulty(AppExtension):\n    def around_invocation(cls, invocation):\n        yield\n", ["import"],
    ),
    "has a coroutine function as a hook": (
        HEAD + "class Faulty(AppExtension):\n    @classmethod\n    async def pre_invocation_app_level(cls, *args): ...\n",
        ["import"],
    ),
    "works long when it is imported": (
        around(head="before = time.process_time()\nwhile MEASURED and time.process_time() < 7.5 * before: pass\n"),
        ["import-time"],
    ),
    "waits when it is imported": (around(head="time.sleep(2.5 * MEASURED)\n"), ["import-time"]),
    "asks for the network when it is imported": (
        around(head="try:\n    socket.create_connection(('192.0.2.1', 80), 1)\nexcept OSError:\n    pass\n"),
        ["import-network"],
    ),
    "starts a thread when it is imported": (
        around(head="threading.Thread(target=time.sleep, args=(60,), daemon=True).start()\n"), ["import-threads", "reload"],
    ),
    "changes the environment when it is imported": (around(head="os.environ['MINE'] = '1'\n"), ["import-process"]),
    "replaces a signal's handler when it is imported": (
        around(head="signal.signal(signal.SIGTERM, lambda *_: None)\n"), ["import-process", "sigterm"],
    ),
    "sets up logging when it is imported": (
        around(head="logging.basicConfig(level='DEBUG', force=True)\n"), ["import-logging"],
    ),
    "prints when it is imported": (around(head="print('hello')\n"), ["import-output"]),
    "adds a handler at each import": (
        around(head="logging.getLogger().addHandler(logging.NullHandler())\n"), ["reload"],
    ),
    "registers another extension at each import": (
        around(head="type(f'Other{time.perf_counter_ns()}', (AppExtension,), {})\n"), ["reload"],
    ),
    "has functions fail when it is switched off": (
        around(
            head=(
                "plain = func.HttpRequest.params\n"
                "def params(request):\n    assert os.environ.get('PYTHON_ENABLE_WORKER_EXTENSIONS') != '0', 'off'\n"
                "    return plain.fget(request)\nfunc.HttpRequest.params = property(params)\n"
            ),
        ),
        ["switched-off"],
    ),
    "changes the result": (around(after="outcome.force_result('mine') if outcome.ok else None"), ["result"]),
    "swallows exceptions": (
        around(after="outcome.force_result(None) if isinstance(outcome.error, Exception) else None"), ["exception"],
    ),
    "puts another exception in the place of the function's": (
        around(after="outcome.force_exception(RuntimeError('mine')) if isinstance(outcome.error, Exception) else None"),
        ["exception"],
    ),
    "swallows the end of a task": (
        around(after="outcome.force_result(None) if isinstance(outcome.error, asyncio.CancelledError) else None"),
        ["cancellation"],
    ),
    "takes arguments away": (around(before="invocation.args.pop('req', 0)"),
        ["arguments", "cancellation", "coroutines", "environment", "exception", "result", "threads"],
   ),
    "changes arguments": (
        around(
            before="invocation.args['req'] = changed(invocation.args.get('req'))",
            head=(
                "def changed(it):\n    if not isinstance(it, func.HttpRequest) or not it.get_body():\n        return it\n"
                "    return func.HttpRequest(method=it.method, url=it.url, params=it.params, body=b'mine')\n"
            ),
        ),
        ["arguments"],
    ),
    "fails after the function": (around(after="raise ValueError('mine')"), ["hooks"]),
    "yields a second time": (
        HEAD + AROUND.format(before="pass", after="pass").replace("outcome = yield", "for _ in (1, 2): yield"), ["hooks"],
    ),
    "believes that every function has an HTTP request": (
        around(before="invocation.args['req'].headers.get('x')"), ["triggers"],
    ),
    "shows what cannot be shown": (around(after="f'{outcome.result}'"), ["hostile"]),
    "puts an attribute on every context": (around(before="invocation.context.mine = 1"), ["hostile"]),
    "keeps the invocation in its class": (
        around(
            before="cls.mine = invocation; time.sleep(0.0002)",
            after="assert cls.mine is invocation, 'of another one'",
        ),
        ["threads", "coroutines"],
    ),
    "leaves a context variable set": (
        around(before="variable.set(1)", head="variable = contextvars.ContextVar('variable', default=0)\n"),
        ["context-variables"],
    ),
    "reads its settings at the import": (
        around(
            before="assert not os.environ.get('WEBSITE_SITE_NAME') or SITE, 'read too early'",
            head="SITE = os.environ.get('WEBSITE_SITE_NAME')\n",
        ),
        ["environment"],
    ),
    "blocks the event loop": (around(before="time.sleep(0.06)"), ["blocking", "call-cost"]),
    "costs much": (around(before="sum(range(300_000))"), ["call-cost"]),
    "keeps every invocation": (around(before="kept.append(invocation)", head="kept = []\n"), ["memory"]),
    "starts a thread for each call": (
        around(before="threading.Thread(target=time.sleep, args=(60,), daemon=True).start()"),
        ["call-threads", "memory"],
    ),
    "leaves files open": (around(before="kept.append(os.open(os.devnull, 0))", head="kept = []\n"), ["descriptors"]),
    "needs its thread after a fork": (
        around(
            before="start(); asked.put(1); answers.get()",
            head=(
                "import queue\nasked, answers = queue.Queue(), queue.Queue()\nthreads = []\n"
                "def work():\n    while True:\n        answers.put(asked.get())\n"
                "def start():\n    if not threads:\n        threads.append(threading.Thread(target=work, daemon=True))\n"
                "        threads[0].start()\n"
            ),
        ),
        ["fork"],
    ),
    "takes its time at the end": (
        FINE + "    @classmethod\n    def shutdown(cls, timeout):\n        while True:\n            time.sleep(1)\n",
        ["shutdown"],
    ),
    "replaces a signal's handler when it is called": (
        around(before="quietly(signal.signal, signal.SIGTERM, lambda *_: None)"), ["call-process", "sigterm"],
    ),
    "changes the environment when it is called": (around(before="os.environ['MINE'] = '1'"), ["call-process"]),
    "sets the root logger's level when it is called": (
        around(before="logging.getLogger().setLevel(logging.DEBUG)"), ["call-process"],
    ),
    "adds a handler that prints when it is called": (
        around(before="logging.basicConfig(force=True)"), ["call-process"],
    ),
    "holds a lock while the function runs": (
        around(before="lock.acquire()", after="lock.release()", head="lock = threading.Lock()\n"),
        ["threads", "coroutines"],
    ),
    "complains at each call that it has no settings": (
        around(before="logging.warning('no connection string')"), ["unconfigured"],
    ),
    "cannot do without settings": (
        around(before="assert os.environ.get('EXT_FAULTY_KEY') or invocation.trigger.type == 'timerTrigger'"), ["hooks"],
    ),
    "fails after a function that fails": (around(after="assert outcome.ok, 'only when all is well'"), ["hooks"]),
    "cannot be made, of the official kind": (
        HEAD + "class Faulty(FuncExtensionBase):\n    def pre_invocation(self, *args): ...\n", ["import"],
    ),
    "fails, of the function level": (HEAD + OF_A_FUNCTION.replace("AFTER", "raise ValueError('mine')"), ["hooks"]),
    "swallows exceptions, of the function level": (
        HEAD + OF_A_FUNCTION.replace("AFTER", "outcome.force_result(None) if isinstance(outcome.error, Exception) else 0"),
        ["exception"],
    ),
    "fails, of the official kind": (HEAD + OFFICIAL.replace("BODY", "raise ValueError('mine')"), ["hooks"]),
    "has hooks of the other level, of the official kind": (
        HEAD + OFFICIAL.replace("pre_invocation_app_level", "pre_invocation").replace("BODY", "pass"), ["hooks"],
    ),
    "has a misspelt hook, of the official kind": (
        HEAD + "class Faulty(FuncExtensionBase):\n    def __init__(self, path):\n        super().__init__(path)\n    def before_invocation(self, *args): ...\n", ["hooks"],
    ),
    "takes every context for an HTTP request's, of the official kind": (
        HEAD + OFFICIAL.replace("BODY", "func_args['req'].url"), ["triggers"],
    ),
    "has a thread that keeps the process alive": (
        around(
            before="threads or threads.append(threading.Thread(target=time.sleep, args=(60,))) or threads[0].start()",
            head="threads = []\n",
        ),
        ["exit"],
    ),
}  # fmt: skip
"""Fault -> its source, and the checks that find it: those and no others."""

SAID = {
    "works long when it is imported": {"import-time": r"its import takes [\d.]+ s, [\d.]+ times what azure"},
    "waits when it is imported": {"import-time": r"its import waits 2.5 s; 2 s is the limit."},
    "holds a lock while the function runs": {
        "threads": "others wait before it: its hooks hold a lock.",
        "coroutines": "others wait before it: its hooks hold a lock.",
    },
    "takes its time at the end": {"shutdown": r"shutdown\(0.5\) goes on for more than 1.5 s."},
    "replaces a signal's handler when it is called": {"call-process": "a call of it replaces the handler of SIGTERM."},
    "changes the environment when it is called": {"call-process": "a call of it changes the environment: MINE."},
    "sets the root logger's level when it is called": {
        "call-process": "a call of it sets the root logger's level to DEBUG.",
    },
    "complains at each call that it has no settings": {
        "unconfigured": "10 calls without settings warn 10 times: no connection string",
    },
    "has hooks of the other level, of the official kind": {
        "hooks": "it defines pre_invocation, which no worker calls: they are hooks of the other level.",
    },
    "has a misspelt hook, of the official kind": {"hooks": "it has no hook that a worker calls."},
    "cannot be made, of the official kind": {
        "import": "no instance of it can be made: TypeError: .* abstract .*__init__"
    },
    "costs much": {"call-cost": r"it adds \d+ us to a call; 1000 us is the limit."},
    "fails, of the official kind": {
        "hooks": r"on the classic worker 2 times. A hook failed on the classic worker: ValueError: mine.",
    },
}
"""Fault -> what the checks say of it, those of the messages that no other test reads."""
