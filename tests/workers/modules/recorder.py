"""Part of the apps of these tests: extensions at both levels that define every hook and write down what they see."""

from dataclasses import dataclass

from notes import note

from ext_sdk import AppExtension, FuncExtension


class Recorder(AppExtension):
    """The app's own."""

    @dataclass(frozen=True)
    class Settings:
        """Which environment holds."""

        stage: str = "none"

    @classmethod
    def post_function_load_app_level(cls, function_name, function_directory):
        note("load", function=function_name, directory=function_directory)

    @classmethod
    def pre_invocation_app_level(cls, logger, context, func_args):
        args = {name: type(value).__module__ for name, value in func_args.items()}
        note("pre", context, args=args, where=getattr(context, "function_directory", None))

    @classmethod
    def around_invocation(cls, invocation):
        note(
            "in",
            invocation.context,
            invocation=invocation.id,
            function=invocation.function_name,
            directory=invocation.function_directory,
            trigger=[invocation.trigger.name, invocation.trigger.type, invocation.trigger.binding.get("route")],
            traceparent=getattr(invocation.trace_context, "trace_parent", None),
            is_async=invocation.is_async,
            stage=cls.settings().stage,
        )
        outcome = yield
        note("out", invocation.context, ok=outcome.ok, error=repr(outcome.error))

    @classmethod
    def post_invocation_app_level(cls, logger, context, func_args, func_ret):
        note("post", context, result=type(func_ret).__name__)

    @classmethod
    def invocation_failed_app_level(cls, logger, context, func_args, error):
        note("failed", context, error=repr(error))

    @classmethod
    def shutdown(cls, timeout):
        note("shutdown", seconds=round(timeout))


class Audit(FuncExtension):
    """One function's."""

    def post_function_load(self, function_name, function_directory):
        note("audit load", function=function_name)

    def pre_invocation(self, logger, context, func_args):
        self.attributes["seen"] = [context.invocation_id]
        note("audit pre", context)

    def around_invocation(self, invocation):
        note("audit in", invocation.context)
        outcome = yield
        note("audit out", invocation.context, ok=outcome.ok, error=repr(outcome.error), own=self.attributes["seen"])

    def post_invocation(self, logger, context, func_args, func_ret):
        note("audit post", context)

    def invocation_failed(self, logger, context, func_args, error):
        note("audit failed", context, error=repr(error))


class Stop(BaseException):
    """What a function raises that no worker catches."""
