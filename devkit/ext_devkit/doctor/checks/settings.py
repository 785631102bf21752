"""What is given to `configure()`, and the app settings `EXT_...`, against what the extension declares."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any

from ext_devkit.doctor.declared import declared_settings
from ext_sdk.convert import RefusedError
from ext_sdk.settings import is_confidential, nearest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ext_devkit.doctor.case import Case
    from ext_devkit.doctor.declared import Setting
    from ext_devkit.doctor.extensions import Call, Extension
    from ext_devkit.doctor.findings import Finding

_RANGES: dict[tuple[str, str], tuple[float, float, str]] = {
    ("OpenTelemetryExtension", "sampling_ratio"): (0.0, 1.0, "a number from 0 to 1"),
    ("OpenTelemetryExtension", "flush_budget"): (0.0, float("inf"), "seconds, 0 or more"),
    ("TelemetryExtension", "debug_buffer"): (0.0, float("inf"), "0 or a number of bytes"),
    ("TelemetryExtension", "flood_burst"): (0.0, float("inf"), "0 or a number of records"),
    ("TelemetryExtension", "flood_rate"): (0.0, float("inf"), "0 or a number of records a second"),
}
"""What our extensions' own checks allow beyond the type."""


def check(case: Case) -> Iterator[Finding]:
    """Yield settings that an extension will refuse, or never read."""
    for call in case.found.configured:
        declared = declared_settings(case, call.extension)
        if declared is not None:
            yield from _check_call(case, call, declared)
    prefixes = {_prefix(one) for one in case.found.extensions.values() if one.level == "app"}
    for key in case.found.active:
        extension = case.found.extensions.get(key)
        declared = declared_settings(case, extension) if extension else None
        if extension and declared:
            yield from _check_app_settings(case, extension, declared, prefixes)


def _check_call(case: Case, call: Call, declared: Mapping[str, Setting]) -> Iterator[Finding]:
    name = call.extension.name
    if call.node.args and not isinstance(call.node.args[0], ast.Starred):
        yield case.finding("unknown-setting", call.place, f"{name}.configure() takes its settings by name only.")
    for one in call.node.keywords:
        if one.arg is None:
            continue
        place = call.module.at(one.value)
        setting = declared.get(one.arg)
        if setting is None:
            yield case.finding(
                "unknown-setting", place, f"{name} has no setting {one.arg!r}. {_known(one.arg, declared)}"
            )
            continue
        try:
            value = ast.literal_eval(one.value)
        except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
            continue  # what it is turns out when the app runs
        if allowed := _refusal(call.extension, setting, value, textual=False):
            reason = f"{name}: {one.arg} is {_shown(one.arg, value)}. Allowed: {allowed}."
            yield case.finding("bad-value", place, reason)


def _check_app_settings(
    case: Case, extension: Extension, declared: Mapping[str, Setting], prefixes: set[str]
) -> Iterator[Finding]:
    start = _prefix(extension)
    names = {name.upper(): name for name in declared}
    longer = tuple(one for one in prefixes if one != start and one.startswith(start))
    for variable, text in case.settings.values.items():
        if not variable.startswith(start) or variable.startswith(longer) or not text.strip():
            continue
        place, rest = case.settings.place(variable), variable[len(start) :]
        if rest not in names:
            if names and not rest.upper().endswith(tuple(f"_{one}" for one in names)) and rest.upper() not in names:
                known = _known(rest, names, start)
                yield case.finding("unknown-app-setting", place, f"{extension.name} has no setting {variable}. {known}")
        elif not text.startswith("@Microsoft.") and (
            allowed := _refusal(extension, declared[names[rest]], text.strip(), textual=True)
        ):
            reason = f"{variable} is {_shown(names[rest], text)}. Allowed: {allowed}."
            yield case.finding("bad-app-setting", place, reason)


def _refusal(extension: Extension, setting: Setting, value: Any, *, textual: bool) -> str:
    """Return what is allowed, if a value is not; empty if it is, or if that cannot be told."""
    if setting.kind is None or (textual and not setting.kind.textual):
        return ""
    try:
        taken = setting.kind.parse(value) if textual else setting.kind.take(value)
    except RefusedError:
        return str(setting.kind.allowed_as_text if textual else setting.kind.allowed)
    low, high, allowed = _RANGES.get((extension.name, setting.name), (0.0, 0.0, ""))
    is_number = isinstance(taken, (int, float)) and not isinstance(taken, bool)
    return allowed if allowed and is_number and not low <= taken <= high else ""


def _prefix(extension: Extension) -> str:
    """Return the beginning of its app settings, as ext_sdk's `settings.prefix` makes it of the class."""
    return f"EXT_{extension.name.removesuffix('Extension').upper()}_"


def _known(name: str, known: Mapping[str, Any], start: str = "") -> str:
    near = nearest(name if start else name.lower(), known)
    if near:
        return f"Did you mean {start}{near}?"
    return f"Known: {', '.join(start + one for one in known)}." if known else "It has none."


def _shown(name: str, value: Any) -> str:
    return "***" if is_confidential(name) else repr(value)
