"""Runs programs that send telemetry by clients of others, and asks the local Application Insights what it shows of it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.support.insights import ask

CLIENTS = Path(__file__).parent.parent / "clients"
NODE = CLIENTS / "node"

QUIET = {
    "APPLICATIONINSIGHTS_STATSBEAT_DISABLED_ALL": "true",
    "APPLICATIONINSIGHTS_CONTROLPLANE_DISABLED": "true",
    "APPLICATIONINSIGHTS_SDKSTATS_DISABLED": "true",
    "APPLICATION_INSIGHTS_NO_STATSBEAT": "true",
    # Without that of virtual machines, which asks the cloud's metadata service.
    "OTEL_EXPERIMENTAL_RESOURCE_DETECTORS": "azure_app_service",
}
"""What switches off all that these clients send about themselves or ask from Azure, as far as there is a switch."""


def run_python(name, *arguments, **environment):
    """Run tests/clients/programs/NAME to its end, which must not ask other machines for anything."""
    run([sys.executable, "-W", "ignore", CLIENTS / "programs" / name, *arguments], environment)


def run_node(packages, name, *arguments, **environment):
    """Run tests/clients/node/NAME with the packages of a folder; return the other machines that it was kept from."""
    command = ["node", "--require", NODE / "loopback.cjs", "--input-type=commonjs", "-", *arguments]
    # From standard input, as modules are searched from the folder of a file, but then from the working directory.
    return set(run(command, environment, cwd=packages, input=(NODE / name).read_text("utf-8")).split())


def run(command, environment, **options):
    """Run a command that may say nothing on standard error; return what it printed."""
    own = {name: value for name, value in os.environ.items() if not name.startswith(("APPLICATION", "AZURE_", "OTEL_"))}
    done = subprocess.run(
        list(map(str, command)),
        env=own | QUIET | environment,
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
        **options,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def install(folder):
    """Install what tests/clients/node/package.json names into a folder, by npm, running nothing of it."""
    folder.mkdir(parents=True)
    for name in ("package.json", "package-lock.json"):
        shutil.copy(NODE / name, folder)
    command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline", "--loglevel=error"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=280, check=False)
    assert done.returncode == 0, f"npm ci has failed:\n{done.stderr[-2000:]}"


def missing(message):
    """Skip the test, as something is not installed; in CI it fails."""
    if os.environ.get("CI") == "true":
        pytest.fail(message)
    pytest.skip(message)


def stored(server):
    """Return how many items each table has, of those that have any."""
    return {table: count for table, count in server.store.counts().items() if count}


def get(server, path):
    """Return what the API answers."""
    status, answer = ask(server, "GET", path)
    assert status == 200, answer
    return answer


def found(server, words):
    """Return the item types and titles that a search shows."""
    return sorted((row["itemType"], title(row)) for row in get(server, f"/api/search?q={quote(words)}")["items"])


def tree(server, operation):
    """Return a transaction as it is shown: depth, item type and title of each line, whatever the order of siblings."""
    answer = get(server, f"/api/transactions/{operation}")
    assert answer["left_out"] == 0
    return sorted((row["depth"], row["itemType"], title(row)) for row in answer["tree"])


def title(row):
    """Return what names an item."""
    return row.get("name") or row.get("message") or row.get("type")


def columns(row, *names):
    """Return these columns of a row, None for an empty one."""
    return tuple(row[name] for name in names)
