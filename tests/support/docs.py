"""The written pages as the tests see them: which pages there are, and the fenced blocks on them."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path

from markdown_it import MarkdownIt

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"


def pages() -> list[Path]:
    """Return every page that users read: the documentation, and the README of the project and of each distribution."""
    written = (path for path in DOCS.rglob("*.md") if "_build" not in path.parts)
    readmes = [
        ROOT / "README.md",
        ROOT / "README.sdk.md",
        ROOT / "CONTRIBUTING.md",
        *ROOT.glob("extensions/*/README.md"),
        ROOT / "devkit/README.md",
    ]
    return sorted([*written, *readmes])


@dataclass(frozen=True)
class Block:
    """One fenced block: its language is all that follows the fence, its line is where its text begins."""

    page: Path
    line: int
    language: str
    text: str

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT).as_posix()}:{self.line}"

    @property
    def commands(self) -> list[list[str]]:
        """The words of each command that a reader would type, continued lines joined."""
        joined = self.text.replace("\\\n", " ").splitlines()
        return [shlex.split(line[2:], comments=True) for line in joined if line.startswith("$ ")]


def blocks(language: str) -> list[Block]:
    """Return the fenced blocks of one language, on all pages."""
    found = []
    for page in pages():
        for token in MarkdownIt().parse(page.read_text("utf-8")):
            if token.type == "fence" and token.info.strip() == language and token.map:
                found.append(Block(page, token.map[0] + 2, language, token.content))
    return found
