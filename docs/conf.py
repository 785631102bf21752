"""Sphinx settings. Everything the pages need comes from this repository: building and reading them is possible offline."""

from importlib.metadata import version as installed_version

project = "azfunc-ext-sdk"
author = "The azfunc-ext-sdk authors"
copyright = author
release = installed_version("azfunc-ext-sdk")
version = release

extensions = ["myst_parser", "sphinx.ext.autodoc"]
source_suffix = {".md": "markdown"}
exclude_patterns = ["_build"]
suppress_warnings: list[str] = []

myst_enable_extensions = ["colon_fence", "deflist", "fieldlist"]
myst_heading_anchors = 3

# A word in single backticks, as the docstrings have them, is code.
default_role = "code"
# Quotes only: two hyphens are the beginning of an option, which readers copy.
smartquotes_action = "q"

# Reference pages are made from docstrings. A name in a docstring or a page which does not exist fails the build.
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
autodoc_preserve_defaults = True
python_use_unqualified_type_names = True
maximum_signature_line_length = 90
nitpicky = True
nitpick_ignore_regex = [
    # Other projects' objects. Resolving them means fetching those projects' inventories, and a build needs no network.
    (r"py:.*", r"(azure|collections|concurrent|contextlib|contextvars|dataclasses|datetime|email|http|logging|os)\..*"),
    (r"py:.*", r"(opentelemetry|pathlib|re|requests|sqlite3|threading|types|typing|typing_extensions|uuid)\..*"),
    # The same, imported for the type checker only, so that they reach the page without their module.
    (r"py:class", r"(Callable|Context|Generator|Iterable|Iterator|Logger|Mapping|Path|Sequence|TracebackType)"),
    (
        r"py:class",
        r"(ReadableSpan|SpanExportResult|MetricsData|MetricExportResult|ReadableLogRecord|LogRecordExportResult|SeverityNumber)",
    ),
    # Aliases of plain types, in ext_appinsights, ext_telemetry and the devkit: Sphinx lists them as data, and looks for classes.
    (r"py:class", r"(Details|Envelope|Item|Kind|Measurements|Moment|Properties|Row|Seconds|Tags)"),
    # Type variables have no page of their own.
    (r"py:(class|obj)", r".*\b(E|F|T|P|R)(\.args|\.kwargs)?"),
]

html_theme = "furo"
html_title = f"azfunc-ext-sdk {release}"
html_static_path = ["_static"]
html_css_files = ["tables.css"]
html_show_sourcelink = False
html_copy_source = False
html_theme_options = {
    # The system's own fonts: nothing is fetched from elsewhere when a page is read.
    "light_css_variables": {"font-stack": "system-ui, sans-serif", "font-stack--monospace": "ui-monospace, monospace"},
}
