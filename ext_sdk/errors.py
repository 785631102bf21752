"""What an extension's author or an app's author did wrong.

ExtensionError
└── SettingsError     a setting that `configure` or an app setting got wrong
"""


class ExtensionError(Exception):
    """An extension was written or used in a way that cannot work. The message names it, and the cure."""


class SettingsError(ExtensionError):
    """A setting is unknown or its value is not allowed. The message names them, and what is allowed."""


def said(error: BaseException) -> str:
    """Return type and text of an error, whatever its `__str__` does."""
    try:
        return f"{type(error).__name__}: {error}"
    except Exception:
        return type(error).__name__
