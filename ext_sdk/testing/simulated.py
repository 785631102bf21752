"""Each generation of the Functions worker, as far as extensions can tell it from another, in this process.

What differs is what the workers' sources do: the shape of the registry's records (azure_functions_worker/functions.py,
azure_functions_runtime/functions.py, azure_functions_runtime_v1/functions.py), who calls the official hooks
(azure_functions_worker/extension.py), how functions are collected, that sync functions run in threads of a pool
without a copy of the context, and how log records find their invocation (`correlated`). A test on the real worker is
worth more; this one is there everywhere, and quick.
"""

from __future__ import annotations

import asyncio
import importlib
import inspect
import logging
import os
import sys
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, NamedTuple

from azure.functions import FunctionApp
from azure.functions.extension import ExtensionMeta

from ext_sdk import registry, workers
from ext_sdk.testing.correlated import Correlated
from ext_sdk.testing.running import Context, Result, ended, measured, parameter_of, wants_context
from ext_sdk.testing.triggers import KINDS, TriggerValue, trigger
from ext_sdk.workers import driving

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

GENERATIONS = ("classic", "runtime", "runtime_v1", "unknown")
"""The worker of Python 3.12 and older; those of 3.13 and later, for v2 and for v1 apps; one that ext_sdk does not know,
with a v2 app."""

_FIELDS = (
    "func", "name", "directory", "function_id", "requires_context", "is_async", "has_return", "is_http_func",
    "input_types", "output_types", "return_type", "trigger_metadata",
)  # fmt: skip
_MORE = {
    "classic": ("deferred_bindings_enabled",),
    "runtime": ("deferred_bindings_enabled", "settlement_client_arg"),
    "runtime_v1": (),
}
_FLAG = "PYTHON_ENABLE_WORKER_EXTENSIONS"


class _ParamTypeInfo(NamedTuple):
    binding_name: str
    pytype: Any = None


class _Registry:
    """A worker's registry; each generation has a class of its own, as the seam is put into the class."""

    def __init__(self) -> None:
        self.functions: dict[str, Any] = {}

    def get_function(self, function_id: str) -> Any:
        return self.functions.get(function_id)


class Worker:
    """A worker of one generation with an app, made by `worker(generation)`."""

    def __init__(self, generation: str, folder: Path, pool: ThreadPoolExecutor) -> None:
        self.generation = generation
        self.folder = folder
        self._pool = pool
        self._loop = asyncio.new_event_loop()
        self._correlated = Correlated(generation)
        self._correlated.prepare(self._loop)
        self._thread = threading.Thread(target=self._loop.run_forever, name="ext_sdk-simulated-worker", daemon=True)
        self._thread.start()
        self._module = _module(generation)
        self._kinds: dict[str, TriggerValue] = {}
        self._ids: dict[str, str] = {}
        self._written: dict[str, Callable[..., Any]] = {}

    def load(self, function: Callable[..., Any], kind: str | TriggerValue = "http", *, name: str | None = None) -> str:
        """Load a function, as the worker does when the host asks for it; return its name.

        Loaded again under the same name it takes the place of the first one, as after a change of the app.
        """
        name = name or getattr(function, "__name__", "")
        if not name:
            raise TypeError(f"{function!r} has no name of its own: give load(function, name=...).")
        sent = kind if isinstance(kind, TriggerValue) else trigger(kind)
        self._kinds[name] = sent
        if self.generation == "unknown":
            self._collect(function, name)
            return name
        registry = self._module.registry
        function_id = self._ids.setdefault(name, f"{len(self._ids) + 1}")
        registry.functions.pop(function_id, None)
        assert registry.get_function(function_id) is None  # the workers ask before they load one
        registry.functions[function_id] = self._record(function, sent, name, function_id)
        registry.get_function(function_id)
        if self.generation == "classic" and _flag_is_set():
            _call_official("post_function_load", name, name, str(self.folder / name))
        return name

    def invoke(
        self,
        name: str,
        *,
        trace_parent: str = "",
        trace_state: str = "",
        retry: Mapping[str, Any] | None = None,
        **facts: Any,
    ) -> Result:
        """Invoke a loaded function, and return how that ended; `facts` are those of its kind of trigger."""
        if name not in self._kinds:
            raise LookupError(f"The worker has no function {name!r}. Loaded are: {', '.join(self._kinds) or 'none'}.")
        sent = self._kinds[name]
        if facts:
            sent = trigger(_kind_of(sent), **{"name": sent.name, **facts})
        function, asked_for_context, is_async = self._found(name)
        context = Context(name, str(self.folder / name), "", trace_parent, trace_state, retry)
        if self.generation != "unknown":  # which has its own place, where nobody finds it
            context.thread_local_storage = self._correlated.storage
        args = {}
        parameter = parameter_of(function, sent)
        if parameter:
            args[parameter] = sent.value
        if asked_for_context:
            args["context"] = context
        with measured(context) as result, self._correlated.reporting(result, context.invocation_id):
            if is_async:
                work = asyncio.run_coroutine_threadsafe(self._call_async(function, args, context), self._loop)
                result.value, error = work.result()
                if error is not None:
                    raise error
            else:
                id_ = context.invocation_id
                result.value = self._pool.submit(
                    self._correlated.call, id_, self._call_sync, function, args, context
                ).result()
        return result

    def reload_environment(self, settings: Mapping[str, str]) -> None:
        """Give the process its app settings, as the host does when it gives an app to a worker that was started early.

        What was there before is gone, but for what the process needs to run.
        """
        kept = {name: os.environ[name] for name in ("PATH", "PYTHONPATH", "HOME", "TMPDIR") if name in os.environ}
        kept["AzureWebJobsScriptRoot"] = str(self.folder)
        os.environ.clear()
        os.environ.update({**kept, **settings})

    def reload(self, module: ModuleType) -> ModuleType:
        """Import a module again, as the workers do when they index an app anew."""
        return importlib.reload(module)

    def close(self) -> None:
        """Stop its threads."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def _record(self, function: Callable[..., Any], sent: TriggerValue, name: str, function_id: str) -> Any:
        fields = {
            "func": function,
            "name": name,
            "directory": str(self.folder / name),
            "function_id": function_id,
            "requires_context": wants_context(function),
            "is_async": inspect.iscoroutinefunction(function),
            "has_return": True,
            "is_http_func": sent.type == "httpTrigger",
            "input_types": {sent.name: _ParamTypeInfo(sent.type)},
            "output_types": {},
            "return_type": None,
            "trigger_metadata": {"type": sent.type, "param_name": sent.name},
        }
        info: Any = self._module.FunctionInfo
        return info(**{field: fields.get(field) for field in info._fields})

    def _collect(self, function: Callable[..., Any], name: str) -> None:
        """Have a FunctionApp collect its functions, as every worker does with a v2 app."""
        self._written[name] = function
        app = FunctionApp()  # a worker reads the app anew
        for each, written in self._written.items():
            of = self._kinds[each]
            app.function_name(each)(app.generic_trigger(of.name, of.type, **dict(of.properties))(written))
        collected = {one.get_function_name(): one.get_user_function() for one in app.get_functions()}
        self._module.collected = collected  # type: ignore[attr-defined]

    def _found(self, name: str) -> tuple[Callable[..., Any], bool, bool]:
        if self.generation == "unknown":
            function = self._module.collected[name]
            return function, wants_context(function), inspect.iscoroutinefunction(function)
        info = self._module.registry.get_function(self._ids[name])
        return info.func, info.requires_context, info.is_async

    async def _call_async(
        self, function: Callable[..., Any], args: dict[str, Any], context: Context
    ) -> tuple[Any, BaseException | None]:
        self._correlated.mark_task(context.invocation_id)
        self._call_hooks("pre_invocation", context, args)
        result, error = await ended(function(**args))
        if error is None:
            self._call_hooks("post_invocation", context, args, result)
        return result, error

    def _call_sync(self, function: Callable[..., Any], args: dict[str, Any], context: Context) -> Any:
        self._call_hooks("pre_invocation", context, args)
        result = function(**args)
        self._call_hooks("post_invocation", context, args, result)
        return result

    def _call_hooks(self, hook: str, context: Context, *args: Any) -> None:
        if self.generation == "classic" and _flag_is_set():
            _call_official(hook, context.function_name, context, *args)


@contextmanager
def worker(generation: str) -> Iterator[Worker]:
    """Simulate a worker of a generation, one of `GENERATIONS`, while the block runs; use it inside of `isolated`.

    The process looks to ext_sdk like one that the host has started: `AzureWebJobsScriptRoot` is an empty folder, and
    the flag PYTHON_ENABLE_WORKER_EXTENSIONS is 1 unless it is set. Raises ValueError for another name.
    """
    if generation not in GENERATIONS:
        raise ValueError(f"There is no generation {generation!r}: there are {', '.join(map(repr, GENERATIONS))}.")
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="app-")))
        if generation in ("runtime", "unknown"):
            (folder / "function_app.py").touch()
        before = dict(os.environ)
        stack.callback(_restore, before)
        os.environ.update({"AzureWebJobsScriptRoot": str(folder), "FUNCTIONS_WORKER_RUNTIME": "python"})
        os.environ.setdefault(_FLAG, "1")
        pool = stack.enter_context(ThreadPoolExecutor(4, thread_name_prefix="ext_sdk-simulated"))
        made = Worker(generation, folder, pool)
        stack.callback(made.close)
        stack.enter_context(made._correlated.known())
        stack.enter_context(_known(generation, made._module))
        yield made


@contextmanager
def _known(generation: str, module: ModuleType) -> Iterator[None]:
    """Have ext_sdk find the worker, and no other."""
    before = driving._workers
    package = "azure_functions_worker"
    hidden = package not in sys.modules and generation == "classic"
    sys.modules[module.__name__] = module
    if hidden:
        sys.modules[package] = ModuleType(package)
    driving._workers = [module.__name__]
    adopted = {key: one for key, one in registry._registrations.items() if key[0] == "official"}
    if generation == "classic":  # which calls their hooks itself
        for key in adopted:
            del registry._registrations[key]
    driving._seams.clear()
    driving._told.discard("strange")
    try:
        workers.install()
        yield
    finally:
        driving._workers = before
        driving._seams.clear()
        registry._registrations.update(adopted)
        del sys.modules[module.__name__]
        if hidden:
            sys.modules.pop(package, None)


def _module(generation: str) -> ModuleType:
    module = ModuleType(f"simulated_{generation}.functions")
    if generation == "unknown":
        # A registry that looks its functions up in another way.
        module.Registry = type("Registry", (), {"find": lambda _self, _function_id: None})  # type: ignore[attr-defined]
        return module
    fields = [(name, Any) for name in (*_FIELDS, *_MORE[generation])]
    module.FunctionInfo = NamedTuple("FunctionInfo", fields)  # type: ignore[attr-defined,misc]
    module.Registry = type("Registry", (_Registry,), {"get_function": _lookup})  # type: ignore[attr-defined]
    module.registry = module.Registry()  # type: ignore[attr-defined]
    return module


def _lookup(self: Any, function_id: str) -> Any:
    return self.functions.get(function_id)


def _call_official(hook: str, function: str, *args: Any) -> None:
    """Call the hooks that azure.functions has registered, as the classic worker's ExtensionManager does."""
    app_level: Any = ExtensionMeta.get_application_hooks()
    of_function: Any = ExtensionMeta._func_exts.get(function.lower())
    groups = [(app_level, f"{hook}_app_level"), (of_function, hook)]
    for hooks, name in groups:
        for one in getattr(hooks, name, ()) if hooks is not None else ():
            logger = logging.getLogger(f"azure_functions_worker.extension.{one.ext_name}")
            try:
                one.ext_impl(*args) if hook == "post_function_load" else one.ext_impl(logger, *args)
            except Exception as error:
                logger.error(error, exc_info=True)  # noqa: G201 - as the worker does


def _kind_of(sent: TriggerValue) -> str:
    return next((kind for kind, make in KINDS.items() if make().type == sent.type), "generic")


def _flag_is_set() -> bool:
    return os.environ.get(_FLAG, "").lower() in ("1", "true", "t", "yes", "y")


def _restore(environment: Mapping[str, str]) -> None:
    os.environ.clear()
    os.environ.update(environment)
