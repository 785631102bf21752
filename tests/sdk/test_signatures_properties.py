"""Exactly those hooks are accepted that a worker could call, whatever their parameters are."""

from __future__ import annotations

import inspect

from hypothesis import given
from hypothesis import strategies as st

from ext_sdk import AppExtension, ExtensionError, FuncExtension
from ext_sdk.signatures import check

ARGUMENTS = {
    "post_function_load": 2,
    "pre_invocation": 3,
    "post_invocation": 4,
    "invocation_failed": 4,
    "around_invocation": 1,
    "shutdown": 1,
}
BOTH = ("around_invocation", "shutdown")


@st.composite
def parameters(draw):
    """Draw a list of parameters: positional-only, positional, *args, keyword-only, **kwargs; with and without default."""
    names = iter("abcdefghij")
    plain = [next(names) for _ in range(draw(st.integers(0, 6)))]
    defaults = draw(st.integers(0, len(plain)))
    written = [name + ("=0" if at >= len(plain) - defaults else "") for at, name in enumerate(plain)]
    if plain and draw(st.booleans()):
        written.insert(draw(st.integers(1, len(plain))), "/")
    by_name = [next(names) + draw(st.sampled_from(["", "=0"])) for _ in range(draw(st.integers(0, 2)))]
    if draw(st.booleans()):
        written.append("*args")
    elif by_name:
        written.append("*")
    written += by_name
    if draw(st.booleans()):
        written.append("**kwargs")
    return ", ".join(written)


@given(
    name=st.sampled_from(sorted(ARGUMENTS)),
    app_level=st.booleans(),
    decorator=st.sampled_from([None, classmethod, staticmethod]),
    given=parameters(),
)
def test_a_hook_is_accepted_exactly_if_a_call_by_position_fits(name, app_level, decorator, given):
    """At app level a hook is taken from the class, at function level from the instance, and called."""
    names = {}
    exec(f"def hook({given}):\n    {'yield' if name == 'around_invocation' else 'return'}", names)
    raw = names["hook"] if decorator is None else decorator(names["hook"])
    hook = name if name in BOTH or not app_level else f"{name}_app_level"
    extension = type(AppExtension)("Gate", (AppExtension if app_level else FuncExtension,), {}, abstract=True)
    type.__setattr__(extension, hook, raw)
    owner = extension if app_level else object.__new__(extension)
    try:
        getattr(owner, hook)(*range(ARGUMENTS[name]))
        works = True
    except TypeError:
        works = False
    try:
        check(extension, app_level=app_level, abstract=False)
        accepted = True
    except ExtensionError:
        accepted = False
    assert accepted == works, inspect.signature(names["hook"])
