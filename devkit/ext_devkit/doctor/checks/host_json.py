"""host.json, as far as it decides on telemetry."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ext_devkit.doctor.configuration import is_above_information

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ext_devkit.doctor.case import Case
    from ext_devkit.doctor.findings import Finding

_MODES = ("opentelemetry", "applicationinsights")
_RESULTS = "Host.Results"


def check(case: Case) -> Iterator[Finding]:
    """Yield what is wrong with host.json."""
    host = case.host
    if not host.readable:
        return
    if str(host.get("version")) != "2.0":
        said = f"Its version is {host.get('version')!r}." if host.get("version") else "It has no version."
        yield case.finding("host-json-version", host.at("version"), said)
    mode = host.get("telemetryMode")
    if mode is not None and str(mode).strip().lower() not in _MODES:
        yield case.finding("telemetry-mode-unknown", host.at("telemetryMode"), f"It is {mode!r}.")
    if not case.of_opentelemetry:
        yield from _check_sampling(case)
        level, key = host.level_of(_RESULTS)
        if is_above_information(level):
            reason = f"{_RESULTS} is logged from {level.capitalize()} on, by the level of {key!r}."
            yield case.finding("requests-not-stored", host.at(key), reason)


def _check_sampling(case: Case) -> Iterator[Finding]:
    sampling = case.host.get("logging", "applicationInsights", "samplingSettings")
    if not isinstance(sampling, dict) or str(sampling.get("isEnabled", True)).lower() == "false":
        return
    excluded, included = (_types(sampling.get(name)) for name in ("excludedTypes", "includedTypes"))
    if "request" not in excluded and (not included or "request" in included):
        place = case.host.at("samplingSettings")
        yield case.finding("sampling-drops-requests", place, "Requests are not in excludedTypes.")


def _types(value: object) -> list[str]:
    return [one.strip().lower() for one in value.split(";")] if isinstance(value, str) else []
