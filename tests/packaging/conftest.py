"""What is built once for all tests here, and installed once for each Python."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.packaging import build, pythons
from tests.packaging.build import Built
from tests.packaging.pythons import Installer
from tests.packaging.views import Pool
from tests.support.snapshots import SAMPLES

DEVKIT_NEEDS = ("click", "rich", "starlette", "uvicorn")


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Built]:
    """All distributions, built."""
    return build.build_all(tmp_path_factory.mktemp("built"))


@pytest.fixture(scope="session", params=pythons.wanted())
def installer(request, built, tmp_path_factory) -> Iterator[Installer]:
    """What installs for one Python; all that will be wanted is started, so that it goes on beside the first tests."""
    version = request.param
    if not pythons.find(version):
        pytest.skip(f"this machine has no Python {version}")
    wheels = next(iter(built.values())).wheel.parent
    one = Installer(version, tmp_path_factory.mktemp(f"python{version}"), wheels)
    one.venv("bare")
    for requirements in sorted({text_of(sample) for sample in SAMPLES.iterdir() if requires(sample)}):
        one.into(requirements)
    one.into("azfunc-ext-opentelemetry\n")
    yield one
    one.close()


def requires(sample: Path) -> bool:
    return (sample / "requirements.txt").is_file()


def text_of(sample: Path) -> str:
    return (sample / "requirements.txt").read_text("utf-8")


@pytest.fixture(scope="session")
def pool(installer: Installer) -> Pool:
    """Everything at once, from which views are made."""
    return Pool(installer)


@pytest.fixture(scope="session")
def kind(installer: Installer) -> str:
    """The kind of worker (tests/workers/README.md) that runs apps on this Python."""
    if installer.version not in ("3.10", "3.11", "3.12"):
        return "runtime"
    given = Path(os.environ.get("AZURE_FUNCTIONS_WORKER", "")) / "azure_functions_worker" / "protos"
    return "classic" if given.is_dir() else "devkit"


@pytest.fixture(scope="session")
def worker(installer: Installer, kind: str, built: dict[str, Built]) -> str:
    """The interpreter of an environment with such a worker and what that needs, and nothing that an app may need."""
    python = installer.venv("worker")
    if kind == "runtime":
        installer.pip(python, "azure-functions-runtime", "azure-functions-runtime-v1")
    elif kind == "classic":
        installer.pip(python, "grpcio", "protobuf", "python-dateutil", "azurefunctions-extensions-base")
    else:
        installer.pip(python, *DEVKIT_NEEDS)
        installer.pip(python, "--no-deps", str(built["ext_devkit"].wheel))
    return python
