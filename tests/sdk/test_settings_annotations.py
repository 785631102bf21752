"""Each annotation that a setting can have: what `configure` takes, what an app setting may say, and what errors teach."""
# ruff: noqa: UP006, UP007, UP035, UP045 - the older spellings of annotations are tested too

import enum
import json
import sys
import types
from collections.abc import Callable, Mapping, Sequence
from dataclasses import field, make_dataclass
from datetime import timedelta
from pathlib import Path, PurePosixPath
from typing import Any, Final, List, Literal, NewType, Optional, Protocol, TypedDict, Union, runtime_checkable

import pytest

from ext_sdk import AppExtension, ExtensionError, SettingsError


class Color(enum.Enum):
    RED = "r"
    GREEN = 2


class Level(enum.IntEnum):
    low = 1
    HIGH = 2


class Mode(str, enum.Enum):
    FAST = "quick"
    SAFE = "safe"


class Right(enum.Flag):
    READ = 1
    WRITE = 2


class Client:
    pass


class Shape(TypedDict):
    a: int


class Closes(Protocol):
    def close(self): ...


@runtime_checkable
class Opens(Protocol):
    def open(self): ...


Port = NewType("Port", int)
DURATION = "a duration such as 250ms, 30s, 1h30m, 2d or 00:05:00"


def extension(hint, default=None):
    """Return an extension with one setting, `x`."""
    declared = make_dataclass("Settings", [("x", hint, field(default=default))], frozen=True)
    return type(AppExtension)("OneExtension", (AppExtension,), {"Settings": declared, "__module__": __name__})


def configured(hint, value):
    one = extension(hint)
    one.configure(x=value)
    return one.settings().x


def refusal(hint, value):
    with pytest.raises(SettingsError) as caught:
        configured(hint, value)
    return str(caught.value).removeprefix("OneExtension: setting 'x' ")


@pytest.fixture
def from_text(monkeypatch):
    def parse(hint, text):
        monkeypatch.setenv("EXT_ONE_X", text)
        return extension(hint).settings().x

    return parse


@pytest.fixture
def text_refusal(from_text):
    def refused(hint, text):
        with pytest.raises(SettingsError) as caught:
            from_text(hint, text)
        return str(caught.value).removeprefix("OneExtension: app setting EXT_ONE_X ")

    return refused


@pytest.mark.parametrize(
    ("hint", "value", "taken"),
    [
        (Color, Color.RED, Color.RED),
        (Color, "green", Color.GREEN),
        (Color, "r", Color.RED),
        (Color, 2, Color.GREEN),
        (Level, "LOW", Level.low),
        (Level, 2, Level.HIGH),
        (Mode, "quick", Mode.FAST),
        (Mode, "Fast", Mode.FAST),
        (list[int], [1, 2], [1, 2]),
        (list[int], (1,), [1]),
        (list[float], [1], [1.0]),
        (list, ["a", 1], ["a", 1]),
        (List[int], [1], [1]),
        (tuple[Color, ...], ["red", Color.GREEN], (Color.RED, Color.GREEN)),
        (tuple[int, str], [1, "a"], (1, "a")),
        (set[str], ["a", "a"], {"a"}),
        (frozenset[str], {"a"}, frozenset({"a"})),
        (Sequence[str], ["a"], ("a",)),
        (dict[str, timedelta], {"a": "5s"}, {"a": timedelta(seconds=5)}),
        (Mapping[Color, int], {"red": 1}, {Color.RED: 1}),
        (Mapping[str, int], types.MappingProxyType({"a": 1}), {"a": 1}),
        (Path, "a/b", Path("a/b")),
        (Path, PurePosixPath("a"), Path("a")),
        (PurePosixPath, "/a", PurePosixPath("/a")),
        (timedelta, timedelta(seconds=2), timedelta(seconds=2)),
        (timedelta, " 2s ", timedelta(seconds=2)),
        (timedelta, 0, timedelta(0)),
        (Optional[list[int]], None, None),
        (list[int] | None, [1], [1]),
        (Union[Literal["all"], list[str]], "all", "all"),
        (Union[Literal["all"], list[str]], ["all"], ["all"]),
        (list[Optional[int]], [1, None], [1, None]),
        (float, float("inf"), float("inf")),
        (Any, Client, Client),
        (object, True, True),
        (Port, 80, 80),
        (Final[int], 1, 1),
        (Literal[1, "a"], 1, 1),
        (Callable[[int], int], abs, abs),
        (type[Client], Client, Client),
    ],
)
def test_configure_takes(hint, value, taken):
    assert configured(hint, value) == taken
    assert type(configured(hint, value)) is type(taken)


@pytest.mark.parametrize(
    ("hint", "text", "value"),
    [
        (Color, "RED", Color.RED),
        (Color, "red", Color.RED),
        (Color, "2", Color.GREEN),
        (Level, "1", Level.low),
        (Mode, "quick", Mode.FAST),
        (Literal[1, True, Color.RED], "1", 1),
        (Literal[1, True, Color.RED], "true", True),
        (Literal[1, True, Color.RED], "RED", Color.RED),
        (list[int], "1, 2,", [1, 2]),
        (list[int], "[1, 2]", [1, 2]),
        (list[bool], "yes,off", [True, False]),
        (list[str], '["a,b"]', ["a,b"]),
        (list[str], "[]", []),
        (tuple[str, ...], ",", ()),
        (list[list[int]], "[[1], [2, 3]]", [[1], [2, 3]]),
        (list[Optional[int]], "[1, null]", [1, None]),
        (tuple[int, str], "1,a", (1, "a")),
        (tuple[int, str], '[1, "a"]', (1, "a")),
        (frozenset[Mode], "fast,safe", frozenset(Mode)),
        (list[timedelta], "5s,1m", [timedelta(seconds=5), timedelta(minutes=1)]),
        (dict[str, list[Color]], '{"a": ["red"]}', {"a": [Color.RED]}),
        (dict[int, float], '{"1": 2}', {1: 2.0}),
        (dict, '{"a": [1]}', {"a": [1]}),
        (Path, "relative/to", Path("relative/to")),
        (int | str, "5", 5),
        (int | str, "five", "five"),
        (list[int] | None, "1", [1]),
        (Any, "text", "text"),
        (Literal["a"] | Client, "a", "a"),
    ],
)
def test_an_app_setting_may_say(from_text, hint, text, value):
    assert from_text(hint, text) == value
    assert type(from_text(hint, text)) is type(value)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("250ms", timedelta(milliseconds=250)),
        ("30s", timedelta(seconds=30)),
        ("5M", timedelta(minutes=5)),
        ("1h30m", timedelta(minutes=90)),
        ("1h 30m", timedelta(minutes=90)),
        ("2 d", timedelta(days=2)),
        ("1.5s", timedelta(seconds=1.5)),
        ("0.001ms", timedelta(microseconds=1)),
        ("0", timedelta(0)),
        ("0.0", timedelta(0)),
        ("00:05:00", timedelta(minutes=5)),
        ("1:00:00", timedelta(hours=1)),
        ("00:00:01.5", timedelta(seconds=1.5)),
        ("00:00:01.5000000", timedelta(seconds=1.5)),
        ("1.02:03:04", timedelta(days=1, hours=2, minutes=3, seconds=4)),
        ("999999999d", timedelta(days=999999999)),
    ],
)
def test_a_duration_is_written_with_units_or_as_in_host_json(from_text, text, value):
    assert from_text(timedelta, text) == value


@pytest.mark.parametrize(
    ("text", "cure"),
    [
        ("30", " The unit is missing: ms, s, m, h or d."),
        ("1.5", " The unit is missing: ms, s, m, h or d."),
        ("-5s", " It cannot be negative."),
        ("1000000000d", " It is too long."),
        ("soon", ""),
        ("5 parsecs", ""),
        ("30s1m", ""),
        ("24:00:00", ""),
        ("05:00", ""),
        ("00:60:00", ""),
        ("1h00:05:00", ""),
        ("٣s", ""),
    ],
)
def test_a_text_that_is_no_duration_is_refused(text_refusal, text, cure):
    assert text_refusal(timedelta, text) == f"is {text!r}. Allowed: {DURATION}.{cure}"


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (30, f"is 30. Allowed: {DURATION}. The unit is missing: ms, s, m, h or d."),
        (-1.5, f"is -1.5. Allowed: {DURATION}. It cannot be negative."),
        (float("nan"), f"is nan. Allowed: {DURATION}. The unit is missing: ms, s, m, h or d."),
        (True, f"is True. Allowed: {DURATION}."),
        (timedelta(-1), f"is datetime.timedelta(days=-1). Allowed: {DURATION}. It cannot be negative."),
    ],
)
def test_a_value_that_is_no_duration_is_refused(value, said):
    assert refusal(timedelta, value) == said


@pytest.mark.parametrize(
    ("hint", "value", "said"),
    [
        (Color, "blue", "is 'blue'. Allowed: RED or GREEN."),
        (Level, True, "is True. Allowed: low or HIGH."),
        (Color | None, 7, "is 7. Allowed: RED or GREEN or None."),
        (Literal[1], True, "is True. Allowed: 1."),
        (list[int], [1, "x"], "has 'x' at element 2. Allowed: a list of whole numbers (in an app setting: separated by commas)."),
        (list[int], {1}, "is {1}. Allowed: a list of whole numbers (in an app setting: separated by commas)."),
        (
            list[str],
            "abc",
            "is 'abc'. Allowed: a list of texts (in an app setting: separated by commas). "
            "Put it into brackets, also if it is the only one: [...].",
        ),
        (frozenset[Path], [3], "has 3 at element 1. Allowed: a set of paths (in an app setting: separated by commas)."),
        (set[Any], [[]], "is [[]]. Allowed: a set of anything (in an app setting: separated by commas)."),
        (list[Color], ["blue"], "has 'blue' at element 1. Allowed: a list of RED or GREEN (in an app setting: separated by commas)."),
        (list[list[int]], [[1], ["x"]], "has 'x' at element 1 of element 2. Allowed: a list of lists of whole numbers (in an app setting: a JSON array)."),
        (dict[str, list[int]], {"a": [1, "x"]}, "has 'x' at element 2 of key 'a'. Allowed: a mapping to lists of whole numbers (in an app setting: JSON)."),
        (dict[str, int], {1: 1}, "has 1 at key 1. Allowed: a mapping to whole numbers (in an app setting: JSON)."),
        (tuple[int, str], [1], "is [1]. Allowed: a list of 2: a whole number, a text."),
        (tuple[int, str], [1, 2], "has 2 at element 2. Allowed: a list of 2: a whole number, a text."),
        (Path, 3, "is 3. Allowed: a path."),
        (Path, "", "is ''. Allowed: a path."),
        (Path, b"a", "is b'a'. Allowed: a path."),
        (Path, "~\0/x", "is '~\\x00/x'. Allowed: a path."),
        (Client, "x", "is 'x'. Allowed: Client."),
        (list[Client], ["x"], "has 'x' at element 1. Allowed: a list of Client."),
        (Opens, 3, "is 3. Allowed: Opens."),
        (Callable[[int], int], 3, f"is 3. Allowed: {Callable[[int], int].__name__}."),
        (int | list[int], [1, "x"], "has 'x' at element 2. Allowed: a whole number or a list of whole numbers (in an app setting: separated by commas)."),
        (timedelta | Literal["never"], 5, f"is 5. Allowed: {DURATION} or 'never'. The unit is missing: ms, s, m, h or d."),
    ],
)  # fmt: skip
def test_configure_refuses(hint, value, said):
    assert refusal(hint, value) == said


@pytest.mark.parametrize(
    ("hint", "text", "said"),
    [
        (Color, "blue", "is 'blue'. Allowed: RED or GREEN."),
        (float, "nan", "is 'nan'. Allowed: a number. An app setting must be finite."),
        (float, "1e999", "is '1e999'. Allowed: a number. An app setting must be finite."),
        (list[int], "1,x", "has 'x' at element 2. Allowed: a list of whole numbers (in an app setting: separated by commas)."),
        (
            list[str],
            "[a-z]+",
            "is '[a-z]+'. Allowed: a list of texts (in an app setting: separated by commas). "
            "As JSON it cannot be read: Expecting value at character 2.",
        ),
        (list[list[int]], "1,2", "is '1,2'. Allowed: a list of lists of whole numbers (in an app setting: a JSON array). As JSON it cannot be read: Extra data at character 2."),
        (list[float], "[1, NaN]", "is '[1, NaN]'. Allowed: a list of numbers (in an app setting: separated by commas). As JSON it cannot be read: a number is too large or not finite."),
        (dict[str, int], "[1]", "is '[1]'. Allowed: a mapping to whole numbers (in an app setting: JSON). It must be a JSON object, {...}."),
        (list[list[int]], "{}", "is '{}'. Allowed: a list of lists of whole numbers (in an app setting: a JSON array). It must be a JSON array, [...]."),
        (dict[str, int], '{"a": "x"}', "has 'x' at key 'a'. Allowed: a mapping to whole numbers (in an app setting: JSON)."),
        (tuple[int, str], "1", "is '1'. Allowed: a list of 2: a whole number, a text."),
        (Client, "x", "is 'x', but no text can stand for Client. Leave it out, and use OneExtension.configure(x=...)."),
        (list[Client], "x", "is 'x', but no text can stand for a list of Client. Leave it out, and use OneExtension.configure(x=...)."),
        (Literal["a"] | Client | None, "b", "is 'b'. Allowed: 'a'."),
    ],
)  # fmt: skip
def test_an_app_setting_is_refused(text_refusal, hint, text, said):
    assert text_refusal(hint, text) == said


def test_each_list_and_mapping_is_a_new_one():
    """What the caller does to its own afterwards changes no setting."""
    given = [[1], {"a": 1}]
    one = extension(tuple[list[int], dict[str, int]])
    one.configure(x=given)
    given[0].append(2)
    given[1]["b"] = 2
    assert one.settings().x == ([1], {"a": 1})


def test_a_name_as_it_is_written_goes_before_a_value_which_goes_before_a_name_in_another_case():
    class Crossed(enum.Enum):
        A = "B"
        B = "a"

    assert [configured(Crossed, text) for text in ("A", "B", "a", "b")] == [Crossed.A, Crossed.B, Crossed.B, Crossed.B]


def test_the_home_folder_of_a_path_is_expanded(from_text, monkeypatch):
    monkeypatch.setenv("HOME", "/a/home")
    assert from_text(Path, "~/x") == configured(Path, Path("~/x")) == Path("/a/home/x")


def test_an_alias_stands_for_its_type():
    if sys.version_info < (3, 12):
        pytest.skip("`type X = ...` is new in 3.12")
    names = {}
    exec("type Whole = list[int]", names)
    assert configured(names["Whole"], [1]) == [1]


@pytest.mark.parametrize(
    ("hint", "said"),
    [
        (Right, "Right cannot be a setting's. A Flag cannot be a setting. Use a set of a plain Enum: frozenset[...]."),
        (list[Right], None),
        (Closes, None),
        (Shape, None),
        (Literal["a"] | Shape, None),
    ],
)
def test_an_annotation_that_nothing_can_be_checked_against_is_refused_when_the_class_is_defined(hint, said):
    with pytest.raises(ExtensionError) as caught:
        extension(hint)
    assert str(caught.value).startswith("OneExtension.Settings.x: the annotation ")
    if said:
        assert str(caught.value) == f"OneExtension.Settings.x: the annotation {said}"


def test_a_protocol_that_cannot_be_checked_is_refused_with_the_cure():
    with pytest.raises(ExtensionError) as caught:
        extension(Closes)
    assert str(caught.value) == (
        "OneExtension.Settings.x: the annotation Closes cannot be a setting's. No value can be checked against it. "
        "Use Any and check in __post_init__ (for a Protocol, @runtime_checkable will do; for a TypedDict, dict[str, Any])."
    )


def test_an_annotation_that_names_nothing_is_told_with_the_cure():
    """Such as a name that is imported under TYPE_CHECKING alone. It may be defined later, so the first use tells."""
    one = extension("list[Nowhere]")
    with pytest.raises(ExtensionError) as caught:
        one.configure(x=[])
    assert str(caught.value) == (
        "OneExtension.Settings.x: the annotation list[Nowhere] cannot be read at run time (NameError: name 'Nowhere' "
        "is not defined). Check its spelling, and define or import what it names at the top of the module: "
        "not under TYPE_CHECKING, not inside a function."
    )


def test_an_annotation_that_is_no_python_is_told_when_the_class_is_defined():
    with pytest.raises(
        ExtensionError, match=r"^OneExtension\.Settings\.x: the annotation list\[ cannot be read at run time"
    ):
        extension("list[")


LATE = """
from __future__ import annotations
from dataclasses import dataclass
from ext_sdk import AppExtension

class LateExtension(AppExtension):
    @dataclass(frozen=True)
    class Settings:
        mode: Mode | None = None

from enum import Enum
class Mode(Enum):
    A = 1
"""


def test_an_annotation_may_name_what_the_module_defines_further_down(monkeypatch):
    module = types.ModuleType("late_extension")
    monkeypatch.setitem(sys.modules, "late_extension", module)
    exec(LATE, vars(module))
    module.LateExtension.configure(mode="a")
    assert module.LateExtension.settings().mode is module.Mode.A


def test_a_setting_that_a_base_class_declares_is_read_in_the_module_of_the_base_class(monkeypatch):
    module = types.ModuleType("late_extension")
    monkeypatch.setitem(sys.modules, "late_extension", module)
    exec(LATE, vars(module))

    class ChildExtension(module.LateExtension):
        pass

    declared = make_dataclass("Settings", [("more", int, 1)], bases=(module.LateExtension.Settings,), frozen=True)
    child = type(AppExtension)("ChildExtension", (AppExtension,), {"Settings": declared, "__module__": __name__})
    child.configure(mode="a", more=2)
    assert (child.settings().mode, child.settings().more) == (module.Mode.A, 2)


def test_a_type_of_the_function_that_defines_the_class_will_do():
    """As long as the annotation is no text."""

    class Local(enum.Enum):
        A = 1

    assert configured(list[Local], ["a"]) == [Local.A]


def test_json_that_is_too_deep_is_refused(text_refusal):
    assert text_refusal(list[Any], "[" * 100_000).endswith("As JSON it cannot be read: it is nested too deep.")


def test_the_text_of_json_is_never_part_of_why_it_cannot_be_read(monkeypatch):
    monkeypatch.setenv("EXT_ONE_TOKENS", json.dumps({"a": "hunter2"})[:-1])
    declared = make_dataclass("Settings", [("tokens", dict[str, str], field(default=None))])
    one = type(AppExtension)("OneExtension", (AppExtension,), {"Settings": declared, "__module__": __name__})
    with pytest.raises(SettingsError) as caught:
        one.settings()
    assert str(caught.value) == (
        "OneExtension: app setting EXT_ONE_TOKENS is *** (15 characters). Allowed: a mapping (in an app setting: JSON). "
        "As JSON it cannot be read: Expecting ',' delimiter at character 16."
    )
