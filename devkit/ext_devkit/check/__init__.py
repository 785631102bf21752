"""Whether an extension behaves in everything that happens in production: `azfunc-ext check`, and in pytest.

For pytest::

    @pytest.mark.parametrize("check", checks("my_package.MyExtension"), ids=str)
    def test_it_conforms(check):
        check()
"""

from ext_devkit.check.running import Check, CheckFailedError, checks
from ext_devkit.check.subject import NoSubjectError

__all__ = ["Check", "CheckFailedError", "NoSubjectError", "checks"]
