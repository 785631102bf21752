"""configure(...), else the app setting, else the default; and errors that teach."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ext_sdk import AppExtension, ExtensionError, SettingsError


@pytest.fixture
def sample():
    class SampleExtension(AppExtension):
        @dataclass(frozen=True)
        class Settings:
            slow_ms: float | None = None
            count: int = 3
            on: bool = True
            mode: Literal["fast", "safe"] = "safe"
            names: tuple[str, ...] = ("requests",)
            extra: dict[str, str] | None = None
            anything: Any = None

    return SampleExtension


def test_defaults_are_in_force_when_nothing_is_said(sample):
    assert sample.settings() == sample.Settings()


def test_configure_wins_over_the_app_setting_which_wins_over_the_default(sample, monkeypatch):
    monkeypatch.setenv("EXT_SAMPLE_COUNT", "5")
    monkeypatch.setenv("EXT_SAMPLE_MODE", "fast")
    sample.configure(count=7)
    assert (sample.settings().count, sample.settings().mode, sample.settings().on) == (7, "fast", True)


def test_the_last_call_wins_whole(sample):
    sample.configure(count=7, on=False)
    sample.configure(count=8)
    assert sample.settings() == sample.Settings(count=8)


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("ON", "off", False),
        ("ON", "TRUE", True),
        ("SLOW_MS", "1.5", 1.5),
        ("NAMES", "requests, urllib3", ("requests", "urllib3")),
        ("EXTRA", '{"a": "b"}', {"a": "b"}),
        ("ANYTHING", "text", "text"),
    ],
)
def test_the_text_of_an_app_setting_is_converted(sample, monkeypatch, name, text, value):
    monkeypatch.setenv(f"EXT_SAMPLE_{name}", text)
    assert getattr(sample.settings(), name.lower()) == value


def test_an_empty_app_setting_is_none_at_all(sample, monkeypatch):
    monkeypatch.setenv("EXT_SAMPLE_COUNT", "")
    assert sample.settings().count == 3


def test_a_whole_number_stands_for_a_number_and_a_list_for_a_tuple(sample):
    sample.configure(slow_ms=100, names=["a"])
    assert (sample.settings().slow_ms, sample.settings().names) == (100.0, ("a",))


def test_an_unknown_setting_is_refused_with_the_known_ones(sample):
    with pytest.raises(SettingsError) as caught:
        sample.configure(slow=1)
    assert str(caught.value) == (
        "SampleExtension: unknown setting 'slow'. Known: slow_ms, count, on, mode, names, extra, anything."
    )


def test_an_extension_without_settings_says_so():
    class BareExtension(AppExtension):
        pass

    with pytest.raises(SettingsError) as caught:
        BareExtension.configure(x=1)
    assert str(caught.value) == "BareExtension: unknown setting 'x'. It has none."


@pytest.mark.parametrize(
    ("given_", "said"),
    [
        ({"count": "5"}, "SampleExtension: setting 'count' is '5'. Allowed: a whole number."),
        ({"count": True}, "SampleExtension: setting 'count' is True. Allowed: a whole number."),
        ({"on": 1}, "SampleExtension: setting 'on' is 1. Allowed: true or false."),
        ({"slow_ms": "x"}, "SampleExtension: setting 'slow_ms' is 'x'. Allowed: a number or None."),
        ({"mode": "slow"}, "SampleExtension: setting 'mode' is 'slow'. Allowed: 'fast' or 'safe'."),
        (
            {"names": "requests"},
            "SampleExtension: setting 'names' is 'requests'. "
            "Allowed: a list of texts (in an app setting: separated by commas).",
        ),
        ({"extra": 1}, "SampleExtension: setting 'extra' is 1. Allowed: a mapping (in an app setting: JSON) or None."),
    ],
)
def test_a_bad_value_is_refused_with_what_is_allowed(sample, given_, said):
    with pytest.raises(SettingsError) as caught:
        sample.configure(**given_)
    assert str(caught.value) == said


def test_a_bad_app_setting_is_refused_by_its_own_name(sample, monkeypatch):
    monkeypatch.setenv("EXT_SAMPLE_COUNT", "many")
    with pytest.raises(SettingsError) as caught:
        sample.configure()
    assert str(caught.value) == "SampleExtension: app setting EXT_SAMPLE_COUNT is 'many'. Allowed: a whole number."


def test_a_refused_value_leaves_the_settings_as_they_were(sample):
    sample.configure(count=7)
    with pytest.raises(SettingsError):
        sample.configure(count="x")
    assert sample.settings().count == 7


def test_the_dataclass_may_check_what_types_cannot_say():
    class RatioExtension(AppExtension):
        @dataclass(frozen=True)
        class Settings:
            ratio: float = 1.0

            def __post_init__(self):
                if not 0 <= self.ratio <= 1:
                    raise ValueError(f"setting 'ratio' is {self.ratio}. Allowed: 0 to 1.")

    with pytest.raises(SettingsError) as caught:
        RatioExtension.configure(ratio=2.0)
    assert str(caught.value) == "RatioExtension: setting 'ratio' is 2.0. Allowed: 0 to 1."


def test_settings_that_are_no_dataclass_are_refused_when_the_class_is_defined():
    with pytest.raises(ExtensionError) as caught:

        class PlainExtension(AppExtension):
            class Settings:
                x = 1

    assert str(caught.value).endswith("PlainExtension.Settings must be a dataclass: put @dataclass(frozen=True) on it.")


def test_a_setting_without_a_default_is_refused_when_the_class_is_defined():
    with pytest.raises(ExtensionError) as caught:

        class NeedyExtension(AppExtension):
            @dataclass
            class Settings:
                key: str

    assert str(caught.value).endswith(
        "NeedyExtension.Settings.key has no default. An extension is active as soon as it is imported, "
        "so each setting needs one."
    )


def test_an_abstract_extension_cannot_be_configured():
    class Base(AppExtension, abstract=True):
        pass

    with pytest.raises(ExtensionError) as caught:
        Base.configure()
    assert str(caught.value).endswith("Base is not active: it is abstract, or its init() failed.")


@given(st.integers())
def test_a_number_survives_the_way_through_an_app_setting(number):
    from ext_sdk.settings import _parsed

    assert _parsed(f" {number} ", int, "x") == number


@given(st.text())
def test_no_text_of_an_app_setting_raises_anything_but_a_settings_error(text):
    from ext_sdk.settings import _parsed

    for hint in (int, float, bool, Literal["a"], tuple[str, ...], dict[str, str]):
        try:
            _parsed(text, hint, "x")
        except SettingsError:
            pass


def test_none_is_not_offered_where_an_app_setting_cannot_say_it(sample, monkeypatch):
    monkeypatch.setenv("EXT_SAMPLE_SLOW_MS", "None")
    with pytest.raises(SettingsError) as caught:
        sample.configure()
    assert str(caught.value) == "SampleExtension: app setting EXT_SAMPLE_SLOW_MS is 'None'. Allowed: a number."


def test_a_whole_number_too_large_for_a_number_is_refused(sample):
    with pytest.raises(SettingsError) as caught:
        sample.configure(slow_ms=10**400)
    assert str(caught.value) == f"SampleExtension: setting 'slow_ms' is {10**400!r}. Allowed: a number or None."


def test_a_mapping_nested_too_deep_is_refused(sample, monkeypatch):
    monkeypatch.setenv("EXT_SAMPLE_EXTRA", "[" * 100_000)
    with pytest.raises(SettingsError, match="EXT_SAMPLE_EXTRA is "):
        sample.configure()
