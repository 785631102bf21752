"""What a new package may be called, and what it says of other names: each message tells what to do."""

from __future__ import annotations

import pytest

from ext_devkit.errors import DevkitError
from ext_devkit.scaffold import Names

SPELLING = "small letters of English, digits and single dashes, a letter first."


def refusal(name: str) -> str:
    with pytest.raises(DevkitError) as refused:
        Names(name)
    return str(refused.value)


def test_the_names_that_follow():
    names = Names("my-extension")

    assert (names.package, names.extension, names.function_extension, names.prefix, names.title) == (
        "my_extension", "MyExtension", "MyFunctionExtension", "EXT_MY_", "My extension",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("name", "package", "extension"),
    [
        ("audit", "audit", "AuditExtension"),
        ("order-audit", "order_audit", "OrderAuditExtension"),
        ("order.audit_2", "order_audit_2", "OrderAudit2Extension"),
        ("azure-audit", "azure_audit", "AzureAuditExtension"),
        ("match", "match", "MatchExtension"),  # a word of the language only in its place
    ],
)
def test_other_names(name: str, package: str, extension: str):
    assert (Names(name).package, Names(name).extension) == (package, extension)


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("MyExtension", "my-extension"),
        ("my extension", "my-extension"),
        ("Ünïcode", "unicode"),
        ("my--extension", "my-extension"),
        ("3d-prints", "d-prints"),
        ("../up", "up"),
        ("-x", "x"),
        ("x-", "x"),
        ("x\n", "x"),
    ],
)
def test_a_name_that_is_spelt_wrong_is_refused_with_one_that_is_near(name: str, near: str):
    assert refusal(name) == f"{name!r} cannot be the name of a package. Take {near}: {SPELLING}"


def test_a_name_of_which_nothing_can_be_kept():
    said = refusal("расширение")

    assert said == f"'расширение' cannot be the name of a package. Take one such as my-extension: {SPELLING}"


def test_no_name():
    assert refusal(" ") == "The name is empty. Take one such as my-extension."


def test_a_name_that_is_too_long():
    assert refusal("a" * 41) == f"The name '{'a' * 41}' has 41 characters. Take at most 40."


@pytest.mark.parametrize(
    ("name", "why", "other"),
    [
        ("class", "it is a word of the language Python, so nobody could import it", "class-watch"),
        ("none", "it is a word of the language Python, so nobody could import it", "none-watch"),
        ("json", "it would hide the module json of Python's standard library", "json-watch"),
        ("azure", "it would hide Azure's own packages", "my-extension"),
        ("tests", "folders of most projects are called that", "my-extension"),
        ("function-app", "function apps have a module of that name", "my-extension"),
        ("app", "its class would be called AppExtension, as the one of ext_sdk that it is made from", "my-extension"),
        ("func-extension", "its class would be called FuncExtension, as the one of ext_sdk that it is made from", "my-extension"),
        ("ext-sdk", "it is one of the names of the SDK itself", "my-extension"),
        ("azfunc-ext-timing", "it is one of the names of the SDK itself", "my-extension"),
    ],
)  # fmt: skip
def test_a_name_that_is_taken_is_refused_with_the_reason(name: str, why: str, other: str):
    assert refusal(name) == f"The name {name!r} is taken: {why}. Take another, such as {other}."


def test_a_name_of_a_package_that_another_distribution_has_here_is_refused():
    assert refusal("yaml") == (
        "The name 'yaml' is taken: PyYAML, which is installed here, has a package yaml. Take another, such as yaml-watch."
    )
