"""Part of the apps of these tests: extensions that stand in the function's way. `q` says which does what."""

import azure.functions as func
from notes import note

from ext_sdk import AppExtension, FuncExtension


class Witness(AppExtension):
    """Further out than the others: sees what the caller gets."""

    order = -1

    @classmethod
    def around_invocation(cls, invocation):
        outcome = yield
        note("seen", error=repr(outcome.error).partition("(")[0])


class Gate(AppExtension):
    """Whose failure is the invocation's."""

    critical = True

    @classmethod
    def pre_invocation_app_level(cls, logger, context, func_args):
        refuse_if(func_args, "pre")

    @classmethod
    def around_invocation(cls, invocation):
        refuse_if(invocation.args, "before")
        yield
        refuse_if(invocation.args, "after")

    @classmethod
    def post_invocation_app_level(cls, logger, context, func_args, func_ret):
        refuse_if(func_args, "post")


class Turnstile(FuncExtension):
    """The same for one function."""

    critical = True

    def around_invocation(self, invocation):
        refuse_if(invocation.args, "own")
        yield


class Changes(AppExtension):
    """Answers in the function's place, or changes what it answered."""

    @classmethod
    def around_invocation(cls, invocation):
        wish = invocation.args["req"].params["q"]
        if wish == "respond":
            invocation.respond(func.HttpResponse("instead", status_code=203))
        outcome = yield
        if wish == "result":
            outcome.force_result(func.HttpResponse("forced", status_code=202))
        if wish == "exception":
            outcome.force_exception(LookupError("forced"))


def refuse_if(args, where):
    if where in args["req"].params["q"].split("+"):
        raise PermissionError(where)
