"""What a console printed, as an SVG that shows the same everywhere and fetches nothing."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from rich._export_format import CONSOLE_SVG_FORMAT

if TYPE_CHECKING:
    from pathlib import Path

    from rich.console import Console

OFFLINE_FORMAT = re.sub(r"@font-face \{\{.*?\}\}\s*", "", CONSOLE_SVG_FORMAT, flags=re.DOTALL)
"""rich's own form without the fonts that it would load from a content delivery network."""


def save_picture(console: Console, path: Path) -> None:
    """Write what a recording console has printed so far."""
    # With a fixed id, a renewed picture differs only where the output did.
    svg = console.export_svg(title="azfunc-ext demo", code_format=OFFLINE_FORMAT, unique_id="demo", clear=False)
    path.write_text(svg, "utf-8")
