"""The process of one check: `python -m ext_devkit.check.child TARGET CHECK SETTINGS`.

It prints how that ended as JSON.
"""

from __future__ import annotations

import json
import os
import sys

from ext_devkit.check import catalogue, subject
from ext_devkit.check.seen import SeenError
from ext_devkit.check.subject import NoSubjectError


def main(target: str, name: str, settings: str) -> None:
    """Run a check, and say what was seen; nothing if the extension conforms."""
    subject.settings.update(json.loads(settings))
    # Kept for the answer: what the extension prints goes where it always goes.
    answers = os.fdopen(os.dup(1), "w")
    entry = next(one for one in catalogue.ENTRIES if one.name == name)
    seen = ""
    try:
        entry.run(target)
    except SeenError as error:
        seen = str(error)
    except (NoSubjectError, ModuleNotFoundError) as error:
        seen = f"it cannot be imported: {error}"
    except BaseException as error:
        seen = f"{type(error).__name__}: {error}"
    print(json.dumps({"seen": seen}), file=answers, flush=True)
    # Not by way of the interpreter's exit, which is a check of its own.
    os._exit(0)


if __name__ == "__main__":
    main(*sys.argv[1:])
