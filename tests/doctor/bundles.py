"""Small function apps as test data, each in one text file: what it shows, what is found in it, and its files.

The first line says what the app is there for. Until the first file follow what is asked (`python 3.13`,
`settings FILE`), which of the usual files it lacks (`without host.json`), and each finding that is expected, as
`severity id place`. A file begins with `--- path`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

APPS = Path(__file__).parent / "apps"

USUAL = {
    "host.json": '{"version": "2.0"}',
    "local.settings.json": '{"Values": {"FUNCTIONS_WORKER_RUNTIME": "python", "PYTHON_ENABLE_WORKER_EXTENSIONS": "1"}}',
    "requirements.txt": "azure-functions\n",
}


@dataclass
class Bundle:
    """One app, its question and the answer."""

    name: str
    python: tuple[int, int] = (3, 11)
    settings: str | None = None
    expected: list[tuple[str, ...]] = field(default_factory=list)
    files: dict[str, str] = field(default_factory=dict)

    def write(self, folder: Path) -> Path:
        """Write the files, and return the app's folder."""
        app = folder / self.name
        for name, text in self.files.items():
            (app / name).parent.mkdir(parents=True, exist_ok=True)
            (app / name).write_text(text, "utf-8")
        return app

    @property
    def asks_files_for_python(self) -> bool:
        """Whether the app itself says which Python it is for."""
        return bool({"Dockerfile", ".python-version"} & self.files.keys())


def read(path: Path) -> Bundle:
    """Read one text file."""
    head, *parts = ("\n" + path.read_text("utf-8")).split("\n--- ")
    bundle = Bundle(path.stem, files=dict(USUAL))
    for line in head.strip().splitlines()[1:]:
        words = tuple(line.split())
        if words[0] == "python":
            major, minor = words[1].split(".")
            bundle.python = (int(major), int(minor))
        elif words[0] == "settings":
            bundle.settings = words[1]
        elif words[0] == "without":
            del bundle.files[words[1]]
        else:
            bundle.expected.append(words)
    for part in parts:
        name, _, text = part.partition("\n")
        bundle.files[name] = text + "\n"
    return bundle


def bundles() -> list[Bundle]:
    """Return every app."""
    return [read(path) for path in sorted(APPS.glob("*.txt"))]
