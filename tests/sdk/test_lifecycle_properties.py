"""Whatever extensions do at whatever point: entries and exits pair up, each hook runs once, and the outcome is right.

What is right is said by `expected`, a model of the contract: the function's own outcome, unless someone used `respond`,
`force_result`, `force_exception` or is critical.
"""

from __future__ import annotations

import logging
from collections import Counter
from dataclasses import dataclass

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ext_sdk import AppExtension, ExtensionError, registry
from tests.support.lifecycle import invoke


@pytest.fixture(autouse=True, scope="module")
def quiet():
    log = logging.getLogger("ext_sdk")
    log.setLevel(logging.CRITICAL)
    yield
    log.setLevel(logging.NOTSET)


class Own(Exception):
    """The function's own error."""


class Forced(Exception):
    """What an extension forces."""


WHERE = ["pre", "in", "out", "post", "failed"]
WHAT = ["nothing", "raises", "recurses", "responds", "forces a result", "forces an error", "skips", "yields twice"]


@dataclass(frozen=True)
class Does:
    """What one extension does, and in which of its hooks."""

    where: str
    what: str
    critical: bool

    def at(self, where: str, *what: str) -> bool:
        return self.where == where and self.what in what

    @property
    def is_in(self) -> bool:
        """Whether it is there when the function has ended."""
        return not self.at("in", "raises", "skips", "responds")


DOES = st.builds(Does, st.sampled_from(WHERE), st.sampled_from(WHAT), st.booleans())


def expected(number, does, own):
    """Return how the invocation ends, seen from outside of extension `number`: kind and who it was."""
    if number == len(does):
        return own
    me = does[number]
    if me.critical and (me.at("pre", "raises") or me.at("in", "raises")):
        outcome = ("gate", number)
    elif me.at("in", "responds"):
        outcome = ("result", number)
    else:
        outcome = expected(number + 1, does, own)
    if me.at("out", "forces a result") and _reaches_around(me):
        outcome = ("result", number)
    if me.at("out", "forces an error") and _reaches_around(me):
        outcome = ("error", number)
    if not me.critical or outcome[0] not in {"own result", "result"}:
        return outcome
    fails = me.at("out", "raises") or me.at("post", "raises") or (me.what == "yields twice" and me.is_in)
    return ("gate", number) if fails else outcome


def _reaches_around(me):
    return me.is_in and not (me.critical and me.at("pre", "raises"))


def extension(number, me, seen):
    def act(where, invocation=None, outcome=None):
        if me.at(where, "raises"):
            raise RuntimeError(where)
        if me.at(where, "recurses"):
            invoke(lambda: None, name="Another")
        if where == "in" and me.at(where, "responds"):
            invocation.respond(("result", number))
        if where == "out" and me.at(where, "forces a result"):
            outcome.force_result(("result", number))
        if where == "out" and me.at(where, "forces an error"):
            outcome.force_exception(Forced(number))

    def mine(name):
        return name == "HttpTrigger"

    def around(cls, invocation):
        if me.at("in", "skips"):
            return
        if not mine(invocation.function_name):
            seen.append(("nested", number))
            yield
            return
        act("in", invocation)
        if me.at("in", "responds"):
            return
        seen.append(("in", number))
        outcome = yield
        seen.append(("out", number))
        act("out", invocation, outcome)
        if me.what == "yields twice":
            yield

    def hook(name):
        def run(cls, logger, context, *_):
            if mine(context.function_name):
                seen.append((name, number))
                act(name)

        return classmethod(run)

    hooks = {
        "around_invocation": classmethod(around),
        "pre_invocation_app_level": hook("pre"),
        "post_invocation_app_level": hook("post"),
        "invocation_failed_app_level": hook("failed"),
    }
    return type(f"E{number}", (AppExtension,), {"critical": me.critical, **hooks})


def ended(call):
    """Make the call and return how it ended, in the words of `expected`."""
    try:
        result = invoke(call)
    except Own:
        return ("own error",)
    except Forced as error:
        return ("error", error.args[0])
    except ExtensionError as error:
        return ("gate", int(str(error).partition(".")[0][1:]))
    return ("own result",) if result == "own" else result


@given(does=st.lists(DOES, max_size=6), raises=st.booleans(), is_async=st.booleans())
@example(does=[Does("in", "recurses", False), Does("out", "recurses", False)], raises=False, is_async=False)
@example(does=[Does("out", "raises", True), Does("in", "responds", False)], raises=True, is_async=True)
def test_entries_and_exits_pair_up_in_reverse_and_the_outcome_is_what_the_contract_says(does, raises, is_async):
    registry._registrations.clear()
    seen = []
    for number, me in enumerate(does):
        extension(number, me, seen)

    def call():
        seen.append(("function", -1))
        if raises:
            raise Own
        return "own"

    async def call_async():
        return call()

    how = ended(call_async if is_async else call)

    assert how == expected(0, does, ("own error",) if raises else ("own result",))
    mine = [one for one in seen if one[0] != "nested"]
    assert max(Counter(mine).values()) == 1
    entered = [number for name, number in mine if name == "in"]
    assert [number for name, number in mine if name == "out"] == entered[::-1]
    started = [number for name, number in mine if name == "pre"]
    assert started == list(range(len(started)))
    assert [number for name, number in mine if name in {"post", "failed"}] == started[::-1]
    stopped = any(
        me.at("in", "responds") or (me.critical and (me.at("pre", "raises") or me.at("in", "raises"))) for me in does
    )
    assert (("function", -1) in mine) is not stopped


@given(does=st.lists(DOES, max_size=6), raises=st.booleans(), is_async=st.booleans())
def test_extensions_that_only_fail_or_recurse_change_nothing(does, raises, is_async):
    harmless = {"nothing", "raises", "recurses", "skips", "yields twice"}
    chosen = [Does(me.where, me.what if me.what in harmless else "raises", critical=False) for me in does]
    registry._registrations.clear()
    for number, me in enumerate(chosen):
        extension(number, me, [])
    error, result = Own(), object()

    def call():
        if raises:
            raise error
        return result

    async def call_async():
        return call()

    try:
        got = invoke(call_async if is_async else call)
    except Own as caught:
        got = caught
    assert got is (error if raises else result)
    assert error.__context__ is None
    assert error.__cause__ is None
