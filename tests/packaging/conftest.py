"""What is built once for all tests here, and installed once for each Python."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.packaging import pythons
from tests.packaging.pythons import Installer
from tests.packaging.views import Pool
from tests.support.built import Built
from tests.support.once import shared_folder


@pytest.fixture(scope="session", params=pythons.wanted())
def installer(request, built, tmp_path_factory) -> Installer:
    """What installs for one Python."""
    if not pythons.find(request.param):
        pytest.skip(f"this machine has no Python {request.param}")
    folder = shared_folder(tmp_path_factory) / f"python{request.param}"
    return Installer(request.param, folder, built["ext_sdk"].wheel.parent)


@pytest.fixture(scope="session")
def pool(installer: Installer, tmp_path_factory) -> Pool:
    """Everything at once, from which views are made."""
    return Pool(installer, tmp_path_factory.mktemp("views"))


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
    installs = {
        "runtime": [["azure-functions-runtime", "azure-functions-runtime-v1"]],
        "classic": [["grpcio", "protobuf", "python-dateutil", "azurefunctions-extensions-base"]],
        "devkit": [["click", "rich", "starlette", "uvicorn"], ["--no-deps", str(built["ext_devkit"].wheel)]],
    }
    return installer.environment(f"with-{kind}", *installs[kind])
