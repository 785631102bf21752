"""What holds for every value and every text: a value written out reads back, and no text does worse than be refused."""

import enum
import json
import math
import string
from collections.abc import Callable
from dataclasses import field, make_dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal
from unittest import mock

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ext_sdk import SettingsError
from ext_sdk.settings import resolve


class Color(enum.Enum):
    RED = "r"
    Green = 2
    blue = "sky blue"


class WildExtension:
    """Its settings are resolved directly; to be active takes nothing away."""


ENVIRONMENT_TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=("Cs",)))
"""What a process can be given as an app setting."""


def parsed(hint: Any, text: str) -> Any:
    declared = make_dataclass("Settings", [("x", hint, field(default=None))])
    with mock.patch.dict("os.environ", {"EXT_WILD_X": text}):
        return resolve(WildExtension, declared, {}).x


def with_units(value: timedelta) -> str:
    seconds, microseconds = value.seconds, value.microseconds
    parts = {"d": value.days, "h": seconds // 3600, "m": seconds // 60 % 60, "s": seconds % 60}
    written = "".join(f"{number}{unit}" for unit, number in parts.items() if number)
    if microseconds or not written:
        written += f"{microseconds // 1000}.{microseconds % 1000:03}ms"
    return written


def as_in_host_json(value: timedelta) -> str:
    hours, minutes, seconds = value.seconds // 3600, value.seconds // 60 % 60, value.seconds % 60
    return f"{value.days}.{hours:02}:{minutes:02}:{seconds:02}.{value.microseconds:06}"


@given(st.booleans(), st.sampled_from([str, str.lower, str.upper]))
def test_a_truth_value_reads_back(value, case):
    assert parsed(bool, case(str(value))) is value


@given(st.integers())
def test_a_whole_number_reads_back(value):
    assert parsed(int, f" {value} ") == value


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_reads_back(value):
    read = parsed(float, repr(value))
    assert (read, math.copysign(1, read)) == (value, math.copysign(1, value))


@given(st.text().filter(lambda text: text.strip() and "\0" not in text and text.isprintable()))
def test_a_text_reads_back_without_the_blanks_around_it(value):
    assert parsed(str, value) == value.strip()


@given(st.sampled_from(Color), st.sampled_from([str, str.lower, str.upper, str.swapcase]))
def test_a_member_reads_back_by_its_name_in_any_case(member, case):
    assert parsed(Color, case(member.name)) is member


@given(st.sampled_from(Color))
def test_a_member_reads_back_by_its_value(member):
    assert parsed(Color, str(member.value)) is member


@given(st.timedeltas(min_value=timedelta(0)))
def test_a_duration_reads_back(value):
    assert parsed(timedelta, with_units(value)) == parsed(timedelta, as_in_host_json(value)) == value


@given(st.lists(st.integers(), min_size=1))
def test_a_list_reads_back_from_commas_and_from_json(value):
    assert parsed(list[int], ", ".join(map(str, value))) == parsed(list[int], json.dumps(value)) == value


@given(st.lists(st.text()))
def test_any_list_of_texts_reads_back_from_json(value):
    assert parsed(list[str], json.dumps(value)) == value


@given(st.dictionaries(st.text(), st.lists(st.integers())))
def test_a_mapping_reads_back_from_json(value):
    assert parsed(dict[str, list[int]], json.dumps(value)) == value


PATHS = st.lists(st.text(string.ascii_letters + string.digits + "._- ~", min_size=1), min_size=1).map("/".join)


@given(PATHS.map(str.strip).filter(lambda text: text and not text.startswith("~")))
def test_a_path_reads_back(text):
    assert parsed(Path, text) == Path(text)


def refusal_of(action: Callable[[], Any]) -> SettingsError | None:
    """Return how the action was refused, if it was; any other error goes on."""
    try:
        action()
    except SettingsError as error:
        return error
    return None


HINTS = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    Color: "RED or Green or blue",
    Literal["a", 1]: "'a' or 1",
    timedelta: "a duration such as 250ms, 30s, 1h30m, 2d or 00:05:00",
    list[int]: "a list of whole numbers (in an app setting: separated by commas)",
    frozenset[Color]: "a set of RED or Green or blue (in an app setting: separated by commas)",
    tuple[int, float]: "a list of 2: a whole number, a number",
    dict[str, int]: "a mapping to whole numbers (in an app setting: JSON)",
    int | list[timedelta] | None: "a whole number or a list of durations such as 250ms, 30s, 1h30m, 2d or 00:05:00 "
    "(in an app setting: separated by commas)",
}
NEAR_MISSES = st.text("0123456789.:,-+eE[]{}\"' dhmstrueRDnafi", max_size=30)


@pytest.mark.parametrize("hint", HINTS, ids=str)
@given(text=ENVIRONMENT_TEXT | NEAR_MISSES)
@example(text="9" * 5000)
@example(text="[" + "9" * 5000 + "]")
@example(text="9999999999d")
@example(text=" " * 1000 + "1d")
@example(text="1d" + " " * 1000 + "1")
def test_no_text_does_worse_than_be_refused(hint, text):
    """The message names the extension, the variable and what is allowed."""
    error = refusal_of(lambda: parsed(hint, text))
    if error:
        assert str(error).startswith("WildExtension: app setting EXT_WILD_X ")
        assert f". Allowed: {HINTS[hint]}." in str(error)
        assert error.__context__ is None


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary() | st.timedeltas(),
    lambda inner: st.lists(inner) | st.tuples(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)


@pytest.mark.parametrize("hint", [*HINTS, Path, str], ids=str)
@given(value=VALUES)
def test_no_value_does_worse_than_be_refused(hint, value):
    """The message names the extension, the setting and what is allowed."""
    declared = make_dataclass("Settings", [("x", hint, field(default=None))])
    error = refusal_of(lambda: resolve(WildExtension, declared, {"x": value}))
    if error:
        assert str(error).startswith("WildExtension: setting 'x' ")
        assert ". Allowed: " in str(error)


@given(ENVIRONMENT_TEXT, st.sampled_from(["password", "api_key", "storage_connection_string", "sas"]))
def test_no_secret_is_shown(text, name):
    declared = make_dataclass("Settings", [(name, dict[int, int], field(default=None))])
    secret = f"[{text}hunter2"
    with mock.patch.dict("os.environ", {f"EXT_WILD_{name.upper()}": secret}), pytest.raises(SettingsError) as caught:
        resolve(WildExtension, declared, {})
    assert "hunter2" not in str(caught.value)
