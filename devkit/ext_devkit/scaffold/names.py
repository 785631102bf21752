"""What the name of a new package may be, and the names that follow from it."""

from __future__ import annotations

import importlib.metadata
import keyword
import re
import sys
import unicodedata
from dataclasses import dataclass

from ext_devkit.errors import DevkitError

LONGEST = 40
"""The most characters of a name: with more, the lines that have it in them would be too long for the formatter."""

_RESERVED = {
    "app": "its class would be called AppExtension, as the one of ext_sdk that it is made from",
    "func": "its class would be called FuncExtension, as the one of ext_sdk that it is made from",
    "extension": "no name would be left for the prefix of its app settings",
    "function_app": "function apps have a module of that name",
    "azure": "it would hide Azure's own packages",
    "src": "folders of most projects are called that",
    "test": "folders of most projects are called that",
    "tests": "folders of most projects are called that",
    "sample_app": "the folder of its sample is called that",
}
_RESERVED |= {f"{name}_extension": _RESERVED[name] for name in ("app", "func")}
_OURS = re.compile(r"ext_(sdk|devkit|appinsights|opentelemetry|opencensus|timing|telemetry)|azfunc_ext_.*")


@dataclass(frozen=True)
class Names:
    """The names of a package: `my-extension` -> `my_extension`, `MyExtension`, `MyFunctionExtension`, `EXT_MY_`."""

    distribution: str

    def __post_init__(self) -> None:
        """Raise DevkitError, which says what to do, if the name cannot be that of a new package."""
        _check_spelling(self.distribution)
        _check_free(self.distribution, self.package)

    @property
    def package(self) -> str:
        """What users import."""
        return re.sub("[-._]+", "_", self.distribution)

    @property
    def extension(self) -> str:
        """The class; of two that at app level."""
        return f"{self._stem}Extension"

    @property
    def function_extension(self) -> str:
        """The class at function level, where there are two."""
        return f"{self._stem}FunctionExtension"

    @property
    def title(self) -> str:
        """The name in words."""
        return self.package.replace("_", " ").capitalize()

    @property
    def prefix(self) -> str:
        """What its app settings begin with."""
        return f"EXT_{self._stem.upper()}_"

    @property
    def _stem(self) -> str:
        return "".join(word.capitalize() for word in self.package.removesuffix("_extension").split("_"))


def _check_spelling(name: str) -> None:
    if re.fullmatch(r"[a-z]([a-z0-9]|[-._](?=[a-z0-9]))*", name):
        if len(name) > LONGEST:
            raise DevkitError(f"The name {name!r} has {len(name)} characters. Take at most {LONGEST}.")
        return
    if not name.strip():
        raise DevkitError("The name is empty. Take one such as my-extension.")
    near = _similar(name)
    such = f"Take {near}" if near else "Take one such as my-extension"
    raise DevkitError(
        f"{name!r} cannot be the name of a package. {such}: "
        "small letters of English, digits and single dashes, a letter first."
    )


def _similar(name: str) -> str:
    """Return what can be kept of a name that is not allowed; nothing if that is no name either."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    words = re.sub(r"([a-z0-9])([A-Z])", r"\1-\2", plain).lower()
    return re.sub(r"[^a-z0-9]+", "-", words).lstrip("-0123456789")[:LONGEST].rstrip("-")


def _check_free(name: str, package: str) -> None:
    if keyword.iskeyword(package) or package in ("none", "true", "false"):
        why = "it is a word of the language Python, so nobody could import it"
    elif package in sys.stdlib_module_names:
        why = f"it would hide the module {package} of Python's standard library"
    elif package in _RESERVED:
        why = _RESERVED[package]
    elif _OURS.fullmatch(package):
        why = "it is one of the names of the SDK itself"
    elif other := _installed(package, name):
        why = f"{other}, which is installed here, has a package {package}"
    else:
        return
    raise DevkitError(f"The name {name!r} is taken: {why}. Take another, such as {_another(package)}.")


def _another(package: str) -> str:
    return "my-extension" if package in _RESERVED or _OURS.fullmatch(package) else f"{package.replace('_', '-')}-watch"


def _installed(package: str, name: str) -> str:
    """Return the name of another distribution that has a package of this name; nothing if there is none."""
    same = re.sub("[-._]+", "-", name)
    found = importlib.metadata.packages_distributions().get(package, ())
    return next((one for one in found if re.sub("[-._]+", "-", one).lower() != same), "")
