"""Function apps in tests: a real app, loaded as the local host loads it, and invoked function by function."""

from ext_devkit.apptest.answer import Answer
from ext_devkit.apptest.app import AppUnderTest

__all__ = ["Answer", "AppUnderTest"]
