"""How faults are asked for, and what is said of one that cannot be understood."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ext_devkit.errors import DevkitError
from ext_devkit.insights.fault_specs import Fault, parse_fault
from ext_devkit.insights.faults import Plan

UNDERSTOOD = {
    "status=429,retry_after=2,rate=0.1": {"kind": "status", "status": 429, "retry_after": 2.0, "rate": 0.1},
    " rate = 0.5 , status = 503 ": {"kind": "status", "status": 503, "rate": 0.5},
    "status=402,times=3,path=/v2.1/track": {"kind": "status", "status": 402, "times": 3, "path": "/v2.1/track"},
    "hang": {"kind": "hang", "seconds": None},
    "hang=1.5": {"kind": "hang", "seconds": 1.5},
    "reset,rate=1": {"kind": "reset"},
    "redirect=http://127.0.0.1:1": {"kind": "redirect", "url": "http://127.0.0.1:1", "status": 307},
    "status=308,redirect=https://x/y": {"kind": "redirect", "url": "https://x/y", "status": 308},
    "partial": {"kind": "partial", "share": 0.5, "status": 500},
    "partial=0.25,status=429": {"kind": "partial", "share": 0.25, "status": 429},
    "slow=2": {"kind": "slow", "seconds": 2.0},
    "empty": {"kind": "empty"},
}


@pytest.mark.parametrize("text", UNDERSTOOD)
def test_a_fault_is_understood(text):
    assert parse_fault(text) == Fault(text=text, **UNDERSTOOD[text])


KINDS = "status, hang, reset, redirect, partial, slow, empty"
WRONG = {
    "": "there is nothing before a comma or an equals sign",
    "status=429,": "there is nothing before a comma or an equals sign",
    "explode": f"'explode' is no kind of fault. A fault is one of {KINDS}",
    "rate=0.1": f"'rate' is no kind of fault. A fault is one of {KINDS}",
    "hang,reset": f"it names hang and reset. A fault is one of {KINDS}",
    "status": "status must be a number from 400 to 599, not ''",
    "status=200": "status must be a number from 400 to 599, not 200",
    "status=4290": "status must be a number from 400 to 599, not '4290'",
    "status=429,status=500": "status stands there twice",
    "status=429,retry_after=soon": "retry_after must be seconds from 0 to 3600, not 'soon'",
    "status=429,rate": "rate must be a share above 0 and up to 1, not ''",
    "status=429,rate=0": "rate must be a share above 0 and up to 1, not '0'",
    "status=429,rate=nan": "rate must be a share above 0 and up to 1, not 'nan'",
    "status=429,times=0": "times must be a whole number from 1 to 1000000000, not '0'",
    "status=429,path=/api/query": "path must be one of /v2/track, /v2.1/track, /v1/traces, /v1/logs, /v1/metrics, not '/api/query'",
    "status=429,color=red": "status has no option 'color'. It has retry_after, rate, times, path",
    "hang,retry_after=2": "hang has no option 'retry_after'. It has rate, times, path",
    "reset=1": "reset takes no value",
    "slow": "slow must be seconds from 0 to 3600, not ''",
    "slow=1e9": "slow must be seconds from 0 to 3600, not '1e9'",
    "partial=2": "partial must be a share above 0 and up to 1, not '2'",
    "redirect": "redirect must be a URL that begins with http:// or https://, not ''",
    "redirect=ftp://x": "redirect must be a URL that begins with http:// or https://, not 'ftp://x'",
    "redirect=http://x,status=302": "status must be a number from 307 to 308, not 302",
}  # fmt: skip


@pytest.mark.parametrize("text", WRONG)
def test_what_is_wrong_with_a_fault_is_named(text):
    with pytest.raises(DevkitError) as caught:
        parse_fault(text)

    assert str(caught.value) == (
        f"The fault {text!r} cannot be understood: {WRONG[text]}. "
        "Write, for example, 'status=429,retry_after=2,rate=0.1'."
    )


names = st.sampled_from(["status", "hang", "reset", "redirect", "partial", "slow", "empty", "rate", "times", "path"])
values = st.text(max_size=20) | st.integers().map(str) | st.floats().map(str) | st.just("http://x")
options = st.tuples(names | st.text(max_size=5), st.none() | values)


@given(st.lists(options, max_size=5).map(lambda some: ",".join(k if v is None else f"{k}={v}" for k, v in some)))
@example("\0")
@example("status=\N{SUPERSCRIPT TWO}00")
def test_any_text_is_a_fault_or_explained(text):
    try:
        fault = parse_fault(text)
    except DevkitError as error:
        fault = error

    if isinstance(fault, DevkitError):
        assert str(fault).startswith("The fault ")
        assert len(str(fault)) < 700
    else:
        assert 0 < fault.rate <= 1
        assert fault.status == 0 or 300 < fault.status < 600


def hits(plan, count):
    return [hit[0].kind if (hit := plan.next("/v2/track")) else "" for _ in range(count)]


def test_the_same_requests_are_hit_for_the_same_seed():
    faults = ["status=429,rate=0.3", "reset,rate=0.2"]

    first, again, other = (hits(Plan(faults, seed), 200) for seed in (7, 7, 8))

    assert first == again != other
    assert 30 < first.count("status") < 90
    assert 10 < first.count("reset") < 60


def test_a_fault_does_not_change_which_requests_another_one_hits():
    alone = hits(Plan(["status=429,rate=0.3"]), 200)

    beside = hits(Plan(["status=429,rate=0.3", "hang,rate=0.5"]), 200)

    assert [kind if kind == "status" else "" for kind in beside] == alone


def test_a_fault_may_end_after_some_times():
    assert hits(Plan(["status=500,times=2", "empty,times=1"]), 4) == ["status", "status", "empty", ""]


def test_a_fault_may_be_for_one_path_only():
    plan = Plan(["empty,path=/v1/logs"])

    assert plan.next("/v2/track") is None
    assert plan.next("/v1/logs") is not None
