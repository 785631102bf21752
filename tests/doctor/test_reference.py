"""docs/reference/doctor.md lists every finding, as it is, and no other; every link of a finding leads somewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ext_devkit.doctor.findings import LIST, Finding, Rule
from ext_devkit.doctor.rules import GROUPS, RULES

ROOT = Path(__file__).resolve().parents[2]
ENTRY = re.compile(r"^### (\S+)\n\n\*\*(\w+)\.\*\* (.+)\n\n(.+)$", re.MULTILINE)


def listed() -> dict[str, tuple[str, str, str]]:
    text = (ROOT / LIST).read_text("utf-8")
    return {name: (severity, what, fix) for name, severity, what, fix in ENTRY.findall(text)}


def test_the_list_is_complete():
    assert listed().keys() == RULES.keys()


def test_no_two_findings_have_one_name():
    assert len(RULES) == sum(map(len, GROUPS.values()))


@pytest.mark.parametrize("rule", RULES.values(), ids=lambda rule: rule.id)
def test_an_entry_says_what_the_finding_says(rule: Rule):
    severity, what, fix = listed()[rule.id]

    assert (severity, what) == (rule.severity, rule.what)
    assert fix.startswith(rule.fix)


@pytest.mark.parametrize("rule", RULES.values(), ids=lambda rule: rule.id)
def test_the_link_of_a_finding_leads_to_a_heading(rule: Rule):
    page, _, anchor = Finding(rule, "x", "y", "z").docs.partition("#")
    text = (ROOT / page).read_text("utf-8")

    assert not anchor or anchor in {slug(one) for one in re.findall(r"^#+ (.+)$", text, re.MULTILINE)}


def slug(heading: str) -> str:
    """Return a heading's anchor, as GitHub and MyST make it."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
