"""`azfunc-ext` itself: its help, its exit status, and what a failure looks like."""

from __future__ import annotations

import errno
import subprocess
import sys
import sysconfig
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

import ext_devkit.cli
from ext_devkit.cli import COMMANDS, main
from ext_devkit.errors import DevkitError


@pytest.fixture
def broken(monkeypatch):
    """Make `azfunc-ext run` raise what the test sets."""

    def set_error(error):
        @click.command()
        def command():
            raise error

        monkeypatch.setattr(
            ext_devkit.cli.importlib, "import_module", lambda _: type("module", (), {"command": command})
        )

    return set_error


def run(*arguments):
    return CliRunner().invoke(main, arguments)


def test_help_lists_each_command_without_importing_it():
    program = (
        "import sys; from ext_devkit.cli import main; main(['--help'], standalone_mode=False); print(*sys.modules)"
    )
    shown = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    for name, summary in COMMANDS.items():
        assert f"  {name}" in shown
        assert summary in shown
        assert f"ext_devkit.cli.{name}" not in shown


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_has_help_and_takes_debug(name):
    result = run(name, "--help")
    assert result.exit_code == 0
    assert "--debug" in result.output


def test_the_console_script_and_the_module_are_the_same():
    script = Path(sysconfig.get_path("scripts")) / "azfunc-ext"
    ways = ([str(script)], [sys.executable, "-m", "ext_devkit"])
    first, second = (
        subprocess.run([*way, "--version"], capture_output=True, text=True, check=True).stdout for way in ways
    )
    assert first == second == "azfunc-ext, version 0.1.0\n"


def test_an_unknown_command_is_wrong_usage():
    result = run("rnu")
    assert result.exit_code == 2
    assert "No such command 'rnu'" in result.output


def test_a_users_mistake_is_one_line_and_status_1(broken):
    broken(DevkitError("port 1 is busy. Choose another."))
    result = run("run")
    assert (result.exit_code, result.output) == (1, "Error: port 1 is busy. Choose another.\n")


def test_a_fault_of_ours_is_one_line_and_status_70(broken):
    broken(KeyError("x"))
    result = run("run")
    assert (result.exit_code, result.output) == (
        70,
        "Error: unexpected KeyError: 'x'. Add --debug for the traceback.\n",
    )


@pytest.mark.parametrize("arguments", [("--debug", "run"), ("run", "--debug")])
def test_debug_before_or_after_the_command_adds_the_traceback(broken, arguments):
    broken(DevkitError("no"))
    result = run(*arguments)
    assert result.output.startswith("Traceback (most recent call last):")
    assert result.output.endswith("Error: no\n")


def test_a_reader_who_has_gone_is_nobodys_fault(broken):
    """`azfunc-ext transactions --json | head -1` ends without a word."""
    broken(BrokenPipeError(errno.EPIPE, "Broken pipe"))
    result = run("run")
    assert (result.exit_code, result.output) == (1, "")
