"""configure(...), else the app setting, else the default; and errors that teach."""

from __future__ import annotations

import traceback
from dataclasses import dataclass, field, make_dataclass
from typing import Any, Literal

import pytest

from ext_sdk import AppExtension, ExtensionError, FuncExtension, SettingsError, settings


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
        "SampleExtension: unknown setting 'slow'. Did you mean 'slow_ms'? Known: slow_ms, count, on, mode, names, extra, anything."
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
            "Allowed: a list of texts (in an app setting: separated by commas). "
            "Put it into brackets, also if it is the only one: [...].",
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


def test_what_a_function_level_extension_calls_its_settings_is_its_own_affair():
    """It is given to `__init__` or not at all, so no app setting has to be able to stand for it."""

    class AuditExtension(FuncExtension):
        class Settings:
            def __init__(self, key):
                self.key = key

    assert AuditExtension.Settings("x").key == "x"


def test_an_abstract_extension_cannot_be_configured():
    class Base(AppExtension, abstract=True):
        pass

    with pytest.raises(ExtensionError) as caught:
        Base.configure()
    assert str(caught.value).endswith("Base is abstract and never active. Use one that subclasses it.")


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


def test_a_setting_unlike_any_other_gets_no_guess(sample):
    with pytest.raises(SettingsError) as caught:
        sample.configure(zzz=1)
    assert str(caught.value) == (
        "SampleExtension: unknown setting 'zzz'. Known: slow_ms, count, on, mode, names, extra, anything."
    )


def test_a_long_value_is_quoted_in_part(sample):
    with pytest.raises(SettingsError) as caught:
        sample.configure(count="x" * 600)
    assert str(caught.value) == (
        f"SampleExtension: setting 'count' is '{'x' * 499}... (602 characters). Allowed: a whole number."
    )


@pytest.mark.parametrize("value", [10**5000, type("Shy", (), {"__repr__": lambda self: 1 / 0})()], ids=["int", "Shy"])
def test_a_value_that_cannot_be_written_out_is_named_by_its_type(sample, value):
    with pytest.raises(SettingsError) as caught:
        sample.configure(on=value)
    assert str(caught.value) == (f"SampleExtension: setting 'on' is <{type(value).__name__}>. Allowed: true or false.")


def test_an_app_setting_of_blanks_is_none_at_all(sample, monkeypatch):
    monkeypatch.setenv("EXT_SAMPLE_COUNT", "  ")
    assert sample.settings().count == 3


def test_extensions_of_one_name_share_their_app_settings(monkeypatch):
    def make(kind):
        class TwinExtension(AppExtension):
            __qualname__ = f"{kind}.TwinExtension"

            @dataclass(frozen=True)
            class Settings:
                count: int = 0

        return TwinExtension

    monkeypatch.setenv("EXT_TWIN_COUNT", "2")
    assert [make(kind).settings().count for kind in ("a", "b")] == [2, 2]


# Secrets


@dataclass(frozen=True)
class Secretive:
    api_key: int = 0
    connection_string: float = 0
    sas: int = 0
    accessToken: int = 0
    innocent: int = field(default=0, repr=False)
    passwords: tuple[int, ...] = ()
    token: dict[str, int] | None = None
    max_tokens_a: int = 0
    keyboard: int = 0
    disaster: int = 0


@pytest.fixture
def secretive():
    class VaultExtension(AppExtension):
        Settings = Secretive

    return VaultExtension


@pytest.mark.parametrize(
    ("given_", "said"),
    [
        ({"api_key": "hunter2"}, "setting 'api_key' is *** (7 characters). Allowed: a whole number."),
        ({"connection_string": "hunter2"}, "setting 'connection_string' is *** (7 characters). Allowed: a number."),
        ({"sas": 1.5}, "setting 'sas' is *** (of type float). Allowed: a whole number."),
        ({"accessToken": "hunter2"}, "setting 'accessToken' is *** (7 characters). Allowed: a whole number."),
        ({"innocent": "hunter2"}, "setting 'innocent' is *** (7 characters). Allowed: a whole number."),
        (
            {"passwords": "hunter2"},
            "setting 'passwords' is *** (7 characters). Allowed: a list of whole numbers "
            "(in an app setting: separated by commas). Put it into brackets, also if it is the only one: [...].",
        ),
        (
            {"token": {"hunter2": "hunter2"}},
            "setting 'token' has *** (7 characters) at key *** (7 characters). "
            "Allowed: a mapping to whole numbers (in an app setting: JSON) or None.",
        ),
        ({"keyboard": "qwerty"}, "setting 'keyboard' is 'qwerty'. Allowed: a whole number."),
        ({"disaster": "qwerty"}, "setting 'disaster' is 'qwerty'. Allowed: a whole number."),
    ],
)
def test_a_value_that_may_be_a_secret_is_not_shown(secretive, given_, said):
    """The setting's name tells, or `repr=False`."""
    with pytest.raises(SettingsError) as caught:
        secretive.configure(**given_)
    assert str(caught.value) == f"VaultExtension: {said}"


@pytest.mark.parametrize(
    "name", ["headers", "otlp_headers", "auth", "basic_auth", "conn_str", "cookie", "jwt", "pat", "db_pass"]
)
def test_names_that_often_hold_a_secret_are_known(name):
    declared = make_dataclass("Settings", [(name, int, 0)])
    with pytest.raises(SettingsError) as caught:
        settings.resolve(AppExtension, declared, {name: "hunter2"})
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("name", ["path", "author", "pattern", "compass", "passes"])
def test_names_that_only_begin_or_end_like_them_are_not(name):
    declared = make_dataclass("Settings", [(name, int, 0)])
    with pytest.raises(SettingsError) as caught:
        settings.resolve(AppExtension, declared, {name: "plain"})
    assert "'plain'" in str(caught.value)


@pytest.mark.parametrize("secret", ["hunter2", "it's\\2"])
def test_a_secret_that_the_dataclass_quotes_in_its_own_check_is_not_shown(secret):
    class VaultExtension(AppExtension):
        @dataclass(frozen=True)
        class Settings:
            password: str = ""

            def __post_init__(self):
                if self.password:
                    int(self.password)

    with pytest.raises(SettingsError) as caught:
        VaultExtension.configure(password=secret)
    assert str(caught.value) == "VaultExtension: invalid literal for int() with base 10: '***'"
    assert caught.value.__context__ is None


@pytest.mark.parametrize("name", ["API_KEY", "CONNECTION_STRING", "PASSWORDS", "TOKEN"])
def test_a_secret_is_in_no_part_of_a_traceback(secretive, monkeypatch, name):
    """Not in an error that was the cause, either."""
    monkeypatch.setenv(f"EXT_VAULT_{name}", "hunter2")
    with pytest.raises(SettingsError) as caught:
        secretive.configure()
    assert caught.value.__context__ is None
    assert "hunter2" not in "".join(traceback.format_exception_only(caught.value))
    assert f"EXT_VAULT_{name} " in str(caught.value)


# Misspelt app settings


def warnings_of(caplog):
    return [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]


@pytest.mark.parametrize("variable", ["EXT_SAMPLE_SLOWMS", "EXT_SAMPLE_SLOW_SM", "EXT_SAMPLE_slow_ms"])
def test_a_misspelt_app_setting_is_told_once(sample, monkeypatch, caplog, variable):
    monkeypatch.setattr(settings, "_warned", set())
    monkeypatch.setenv(variable, "5")
    sample.configure()
    sample.configure()
    assert warnings_of(caplog) == [f"SampleExtension: no setting is named {variable}. Did you mean EXT_SAMPLE_SLOW_MS?"]


@pytest.mark.parametrize("variable", ["EXT_SAMPLE_PLUS_SLOW_MS", "EXT_SAMPLES_COUNTS", "EXT_SAMPLE_ON"])
def test_nothing_is_said_of_an_app_setting_that_may_be_anothers(sample, monkeypatch, caplog, variable):
    """`EXT_SAMPLE_PLUS_` may be the prefix of another extension."""
    monkeypatch.setattr(settings, "_warned", set())
    monkeypatch.setenv(variable, "1")
    sample.configure()
    assert warnings_of(caplog) == []


def test_an_app_setting_that_is_like_no_other_is_told_once_with_those_there_are(sample, monkeypatch, caplog):
    monkeypatch.setattr(settings, "_warned", set())
    monkeypatch.setenv("EXT_SAMPLE_WHATEVER", "1")
    sample.configure()
    sample.configure()
    known = ["SLOW_MS", "COUNT", "ON", "MODE", "NAMES", "EXTRA", "ANYTHING"]
    assert warnings_of(caplog) == [
        f"SampleExtension: no setting is named EXT_SAMPLE_WHATEVER. Known: {', '.join('EXT_SAMPLE_' + one for one in known)}."
    ]


def test_what_a_known_extension_with_a_longer_prefix_may_read_is_left_to_it(sample, monkeypatch, caplog):
    class Sample_MoreExtension(AppExtension):
        @dataclass(frozen=True)
        class Settings:
            level: int = 1

    monkeypatch.setattr(settings, "_warned", set())
    monkeypatch.setenv("EXT_SAMPLE_MORE_LEVLE", "1")
    sample.configure()
    assert warnings_of(caplog) == []
    Sample_MoreExtension.configure()
    assert warnings_of(caplog) == [
        "Sample_MoreExtension: no setting is named EXT_SAMPLE_MORE_LEVLE. Did you mean EXT_SAMPLE_MORE_LEVEL?"
    ]


def test_an_extension_that_declares_no_setting_may_read_what_it_likes(monkeypatch, caplog):
    class PlainExtension(AppExtension):
        @dataclass(frozen=True)
        class Settings:
            pass

    monkeypatch.setattr(settings, "_warned", set())
    monkeypatch.setenv("EXT_PLAIN_OTHER", "1")
    PlainExtension.configure()
    assert warnings_of(caplog) == []


# What __post_init__ says of an app setting


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ("setting 'ratio' is 7.0. Allowed: 0 to 1.", "app setting EXT_RATIO_RATIO is 7.0. Allowed: 0 to 1."),
        ("ratio is too much", "ratio is too much (from EXT_RATIO_RATIO)"),
        ("this does not fit", "this does not fit (from EXT_RATIO_RATIO, EXT_RATIO_BASE)"),
        ("setting 'given' is 1.", "setting 'given' is 1."),
        ("given is too much", "given is too much"),
        ("ratio is more than given", "ratio is more than given (from EXT_RATIO_RATIO)"),
    ],
)
def test_an_error_names_the_app_setting_that_the_value_came_from(monkeypatch, said, message):
    class RatioExtension(AppExtension):
        @dataclass(frozen=True)
        class Settings:
            ratio: float = 1.0
            base: float = 1.0
            given: float = 0.0

            def __post_init__(self):
                if self.ratio > 1:
                    raise ValueError(said)

    monkeypatch.setenv("EXT_RATIO_RATIO", "7")
    monkeypatch.setenv("EXT_RATIO_BASE", "2")
    with pytest.raises(SettingsError) as caught:
        RatioExtension.configure(given=1)
    assert str(caught.value) == f"RatioExtension: {message}"
