"""What a console printed, as an SVG that shows the same everywhere and fetches nothing."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from rich.console import Console

FONT_FACE = re.compile(r"\s*@font-face \{.*?\}", re.DOTALL)
"""Where rich has the reader's browser load a font from a content delivery network."""


def save_picture(console: Console, path: Path) -> None:
    """Write what a recording console has printed so far."""
    # With a fixed id, a renewed picture differs only where the output did.
    svg = console.export_svg(title="azfunc-ext demo", unique_id="demo", clear=False)
    path.write_text(FONT_FACE.sub("", svg), "utf-8")
