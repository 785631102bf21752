"""The console script `azfunc-ext`: a group of commands, each in a module of its own, imported when it is called."""

from __future__ import annotations

import importlib
import traceback
from typing import Any

import click

from ext_devkit.errors import DevkitError

COMMANDS = {
    "run": "Serve a function app on this machine.",
    "insights": "Run the local Application Insights.",
    "transactions": "Show recent operations, or one of them as a tree.",
    "query": "Select from the stored items with SQL.",
    "tail": "Print items as they arrive.",
    "export": "Write stored items as lines of JSON.",
    "import": "Store items that are lines of JSON.",
    "new": "Write a package with an extension of your own.",
    "check": "Check how an extension behaves in production.",
    "doctor": "Say what is wrong with a function app, and what to do.",
    "demo": "See it all: a function app, its requests, its telemetry.",
}
"""Name of each command, which is also the name of its module here, and its one-line help."""

MODULES = {"import": "import_"}
"""Modules that cannot have the name of their command."""

SOFTWARE_ERROR = 70
"""Exit status of a failure that is ours, not the user's (sysexits.h, EX_SOFTWARE)."""


class Commands(click.Group):
    """Imports a command when it is wanted, and turns failures into one line and an exit status.

    Exit status: 0 done, 1 a failure that the printed line explains, 2 wrong usage, 70 a fault of azfunc-ext itself.
    `--debug` (before or after the command's name) adds the traceback.
    """

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """Return the names in the order of COMMANDS."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Import the module of a command and return its `command`, with `--debug` added."""
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = importlib.import_module(f"ext_devkit.cli.{MODULES.get(cmd_name, cmd_name)}").command
        if not any(parameter.name == "debug" for parameter in command.params):
            command.params.append(debug_option())
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """List the commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; print a failure as one line on standard error."""
        try:
            return super().invoke(ctx)
        except (click.exceptions.Exit, click.ClickException, click.Abort, BrokenPipeError):
            raise  # click itself says nothing when nobody reads on, as after `| head`, and exits with 1
        except DevkitError as error:
            self._explain(ctx, f"Error: {error}")
            ctx.exit(1)
        except Exception as error:
            self._explain(ctx, f"Error: unexpected {type(error).__name__}: {error}. Add --debug for the traceback.")
            ctx.exit(SOFTWARE_ERROR)

    @staticmethod
    def _explain(ctx: click.Context, line: str) -> None:
        if ctx.find_root().meta.get("ext_devkit.debug"):
            click.echo(traceback.format_exc(), err=True)
        click.echo(line, err=True)


def debug_option() -> click.Option:
    """Return the `--debug` option that the group and every command take."""

    def remember(ctx: click.Context, _param: click.Parameter, value: bool) -> None:
        if value:
            ctx.find_root().meta["ext_devkit.debug"] = True

    return click.Option(
        ["--debug"], is_flag=True, expose_value=False, callback=remember, help="Show tracebacks of failures."
    )


@click.group(cls=Commands, params=[debug_option()], context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="azfunc-ext-devkit", prog_name="azfunc-ext")
def main() -> None:
    """Run Azure Functions in Python and see their telemetry, on this machine alone."""
