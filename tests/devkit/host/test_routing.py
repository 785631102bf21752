"""Route templates: ASP.NET Core's rules, as the real host has them."""

import re
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ext_devkit.errors import DevkitError
from ext_devkit.host.constraints import PLAIN
from ext_devkit.host.routing import Template, decode_path, join_prefix
from tests.support.host import request, serving, write_app


@pytest.mark.parametrize(
    ("route", "path", "expected"),
    [
        ("api/Hello", "API/hello", {}),
        ("api/Hello", "api/hello/more", None),
        ("items/{id}", "items/5", {"id": "5"}),
        ("items/{id}", "items", None),
        ("items/{id}", "items/5/6", None),
        ("items/{id?}", "items", {}),
        ("items/{id?}", "items/5", {"id": "5"}),
        ("items/{id=7}", "items", {"id": "7"}),
        ("items/{id:int=7}", "items/8", {"id": "8"}),
        ("items/{id:int?}", "items", {}),
        ("items/{id:int?}", "items/x", None),
        ("{*rest}", "", {}),
        ("files/{*rest}", "files", {}),
        ("files/{*rest}", "files/a/b.c", {"rest": "a/b.c"}),
        ("files/{**rest}", "files/a/b", {"rest": "a/b"}),
        ("files/{name}.{kind}", "files/a.b.txt", {"name": "a.b", "kind": "txt"}),
        ("v{version:int}/x", "v12/x", {"version": "12"}),
        ("v{version:int}/x", "vNext/x", None),
        ("{a}/{b}", "1/2", {"a": "1", "b": "2"}),
        ("{{literal}}", "{literal}", {}),
        ("{a:regex(^\\d{{2}}$)}", "12", {"a": "12"}),
        ("{a:regex(^\\d{{2}}$)}", "123", None),
        ("{a:regex(^(x|y):/z$)}", "x", None),
        ("{a:minlength(2):maxlength(3)}", "abc", {"a": "abc"}),
        ("{a:minlength(2):maxlength(3)}", "abcd", None),
        ("{a:range(1,9)}/{b:length(2,3)}", "9/ab", {"a": "9", "b": "ab"}),
        ("{a:range(1,9)}/{b:length(2,3)}", "10/ab", None),
        ("", "", {}),
    ],
)
def test_a_template_takes_or_leaves_a_path(route: str, path: str, expected: dict[str, str] | None):
    assert expected == Template(route).match(path)


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("int", ["0", "-5", "2147483647"], ["2147483648", "1.0", "x", "٣"]),
        ("long", ["9223372036854775807"], ["9223372036854775808"]),
        ("bool", ["true", "FALSE"], ["1", "yes"]),
        ("alpha", ["abcXYZ"], ["a1", "ä"]),
        ("guid", ["5fcd2c9e-6f6c-4a37-9a3e-6d0f5a4f9f43", "5FCD2C9E6F6C4A379A3E6D0F5A4F9F43"], ["5fcd2c9e", "x" * 32]),
        ("guid", ["{5fcd2c9e-6f6c-4a37-9a3e-6d0f5a4f9f43}"], ["{5fcd2c9e-6f6c-4a37-9a3e-6d0f5a4f9f43)"]),
        ("decimal", ["1", "-1.5", "1,000.25", ".5"], ["1e3", ".", "x"]),
        ("double", ["1.5", "1e3"], ["x", "1_0"]),
        ("float", ["-0.5"], ["nine"]),
        ("length(3)", ["abc"], ["ab", "abcd"]),
        ("min(5)", ["5", "99"], ["4", "x"]),
        ("max(5)", ["-9", "5"], ["6"]),
        ("regex(^a.c$)", ["abc", "ABC"], ["ab"]),
        ("required", ["x"], []),
    ],
)
def test_a_constraint_takes_and_refuses(name: str, good: list[str], bad: list[str]):
    template = Template(f"{{value:{name}}}")

    assert [value for value in good if template.match(value) is None] == []
    assert [value for value in bad if template.match(value) is not None] == []


@pytest.mark.parametrize(
    ("route", "message"),
    [
        ("a//b", "route 'a//b': it has an empty segment (//)."),
        ("a/{b", "route 'a/{b': it has braces that do not match."),
        ("a/b}", "route 'a/b}': it has braces that do not match."),
        ("{}", "route '{}': {} is not a parameter. Write {name}, {name:int} or {name?}."),
        ("{a}/{A}", "route '{a}/{A}': the parameter 'a' occurs twice. Rename one."),
        ("{a}{b}", "route '{a}{b}': two parameters follow each other. Put text or a slash between them."),
        ("{*a}/b", "route '{*a}/b': a catch-all {*name} must be the whole last segment."),
        ("{a?}/b", "route '{a?}/b': only the last segment may be optional ({name?})."),
        ("x.{a?}", "route 'x.{a?}': an optional parameter must be a segment of its own here."),
        ("a?b", "route 'a?b': 'a?b' is not a literal. Write parameters as {name}."),
        ("{a:min(x)}", "route '{a:min(x)}': the constraint 'min(x)' has arguments that do not fit it."),
        ("{a:range(1)}", "route '{a:range(1)}': the constraint 'range(1)' has arguments that do not fit it."),
        ("{a:regex([)}", "route '{a:regex([)}': the constraint 'regex([)' has arguments that do not fit it."),
        (
            "{a:datetime}",
            "route '{a:datetime}': the constraint 'datetime' is not known here. Known: int, long, bool, alpha, guid, "
            "decimal, double, float, required, length(...), minlength(...), maxlength(...), min(...), max(...), "
            "range(...), regex(...).",
        ),
    ],
)
def test_a_route_that_cannot_be_served_says_why(route: str, message: str):
    with pytest.raises(DevkitError) as refused:
        Template(route)

    assert message == str(refused.value)


def test_the_most_exact_route_answers(tmp_path):
    """Literal, constrained, plain, catch-all: whatever the order of the functions."""
    routes = {"A": "{*rest}", "B": "{name}", "C": "{id:int}", "D": "ping"}
    code = "\n".join(
        f"@app.route(route={route!r})\ndef {name}(req: func.HttpRequest) -> str:\n    return {name!r}"
        for name, route in routes.items()
    )
    app = write_app(tmp_path, {"function_app.py": f"import azure.functions as func\napp = func.FunctionApp()\n{code}"})
    with serving(app) as url:
        found = [request(f"{url}/api/{path}").body.decode() for path in ("ping", "7", "seven", "a/b", "")]

    assert found == ["D", "C", "B", "A", "A"]


@pytest.mark.parametrize(
    ("prefix", "route", "expected"),
    [("api", "a", "api/a"), ("", "a", "a"), ("v1/x", "/a/", "v1/x/a"), ("api", "/{*route}", "api/{*route}")],
)
def test_the_prefix_stands_before_the_route(prefix: str, route: str, expected: str):
    assert expected == join_prefix(prefix, route)


def test_a_path_is_decoded_except_for_slashes():
    assert decode_path("/a%20b/c%2Fd/%C3%A4/") == "a b/c%2Fd/ä"


@given(st.text(string.ascii_letters + string.digits + "-._~", min_size=1), st.sampled_from(["{}", "{}/x", "x/{}"]))
def test_a_literal_template_takes_its_own_path_in_any_case(word: str, shape: str):
    route = shape.format(word)

    assert {} == Template(route).match(route.upper()) == Template(route.upper()).match(route)


@given(st.text("{}*?=:()/a1,\\.", max_size=20))
def test_any_text_is_a_template_or_a_clear_refusal(route: str):
    try:
        template = Template(route)
    except DevkitError as error:
        assert re.match(r"route '", str(error)) or re.match(r'route "', str(error))  # noqa: PT017
    else:
        template.match("a/1")


@given(st.sampled_from(sorted(PLAIN)), st.text())
def test_a_constraint_answers_for_any_text(name: str, value: str):
    assert PLAIN[name](value) in {True, False}
