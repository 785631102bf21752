"""Whatever extensions do, entries and exits pair up, and the function's own outcome stands."""

from __future__ import annotations

import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ext_sdk import AppExtension, registry
from tests.support.lifecycle import invoke


@pytest.fixture(autouse=True, scope="module")
def quiet():
    log = logging.getLogger("ext_sdk")
    log.setLevel(logging.CRITICAL)
    yield
    log.setLevel(logging.NOTSET)


POINTS = ["before yield", "after yield", "pre", "post", "failed", "nowhere", "skips", "twice"]


class Own(Exception):
    """The function's own error."""


def extension(number, point, seen):
    def act(here):
        if point == here:
            raise RuntimeError(here)

    def around(cls, invocation):
        if point == "skips":
            return
        act("before yield")
        seen.append(("in", number))
        outcome = yield
        seen.append(("out", number, outcome.ok))
        act("after yield")
        if point == "twice":
            yield

    def pre(cls, logger, context, func_args):
        seen.append(("pre", number))
        act("pre")

    def post(cls, logger, context, func_args, func_ret):
        seen.append(("post", number))
        act("post")

    def failed(cls, logger, context, func_args, error):
        seen.append(("failed", number))
        act("failed")

    hooks = {
        "around_invocation": around,
        "pre_invocation_app_level": pre,
        "post_invocation_app_level": post,
        "invocation_failed_app_level": failed,
    }
    return type(f"E{number}", (AppExtension,), {name: classmethod(hook) for name, hook in hooks.items()})


@given(points=st.lists(st.sampled_from(POINTS), max_size=6), raises=st.booleans(), is_async=st.booleans())
def test_entries_and_exits_pair_up_in_reverse_and_the_outcome_is_the_functions_own(points, raises, is_async):
    registry._registrations.clear()
    seen = []
    for number, point in enumerate(points):
        extension(number, point, seen)
    error, result = Own(), object()

    def call():
        seen.append("function")
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
    assert seen.count("function") == 1
    middle = seen.index("function")
    entered = [one[1] for one in seen[:middle] if one[0] == "in"]
    left = [one[1] for one in seen[middle + 1 :] if one[0] == "out"]
    assert left == entered[::-1]
    assert [one[1] for one in seen[:middle] if one[0] == "pre"] == list(range(len(points)))
    last = "failed" if raises else "post"
    assert [one[1] for one in seen[middle + 1 :] if one[0] == last] == list(range(len(points)))[::-1]
    assert all(one[2] is not raises for one in seen if one[0] == "out")
