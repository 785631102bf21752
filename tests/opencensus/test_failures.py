"""How spans that others made have failed: by OpenCensus's own stack, or by the attributes of its integrations."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from opencensus.trace.stack_trace import StackTrace
from opencensus.trace.status import Status

from ext_opencensus.failures import of_attributes, of_stack


def test_the_stack_of_opencensus_begins_where_it_was_raised():
    def inner():
        raise ValueError("bad")

    def outer():
        inner()

    with pytest.raises(ValueError, match="bad") as caught:
        outer()
    stack = StackTrace.from_traceback(caught.tb)

    (told,) = of_stack(SimpleNamespace(stack_trace=stack, status=Status(2, "bad")))

    assert (told["typeName"], told["message"], told["hasFullStack"]) == ("Exception", "bad", True)
    assert [(one["level"], one["method"]) for one in told["parsedStack"]] == [
        (0, "inner"), (1, "outer"), (2, "test_the_stack_of_opencensus_begins_where_it_was_raised"),
    ]  # fmt: skip
    assert {one["fileName"] for one in told["parsedStack"]} == {__file__}
    assert told["parsedStack"][0]["line"] == caught.tb.tb_next.tb_next.tb_lineno


@pytest.mark.parametrize(
    ("stack", "told"),
    [
        ("Traceback ...", {"hasFullStack": False, "stack": "Traceback ..."}),
        ([{"level": 0, "method": "main"}], {"hasFullStack": True, "parsedStack": [{"level": 0, "method": "main"}]}),
        (["main"], {"hasFullStack": False}),
        (None, {"hasFullStack": False}),
    ],
)
def test_what_an_integration_notes_of_a_stack_is_told_as_it_is(stack, told):
    span = SimpleNamespace(attributes={"error.name": "shop.Error", "error.message": "no", "stacktrace": stack})

    assert of_attributes(span) == [{"typeName": "shop.Error", "message": "no", **told}]
