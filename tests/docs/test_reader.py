"""The reader who follows tutorials in the tests: it finds what is wrong with a page, so that a silent one is right."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.reader import Reader, clean_environment


def follow(page: str, folder: Path) -> Path:
    """Follow a page in an empty folder, and return that."""
    written = folder / "page.md"
    written.write_text(page.replace("~~~", "```"), "utf-8")
    with Reader(folder / "reader", clean_environment()) as reader:
        reader.follow(written)
    return folder / "reader"


def test_files_are_written_and_commands_typed_where_the_reader_is(tmp_path: Path):
    page = """
~~~console
$ mkdir one
$ cd one
~~~

~~~{code-block} python
:caption: two.py
print("three", 12)
~~~

~~~console
$ python3 two.py
~~~

~~~{code-block} text
three 34
~~~
"""

    folder = follow(page, tmp_path)

    assert (folder / "one" / "two.py").read_text() == 'print("three", 12)\n'


@pytest.mark.parametrize(
    ("page", "said"),
    [
        ("~~~console\n$ false\n~~~\n", r"\$ false\n\nended with status 1"),
        ("~~~console\n$ echo one\n~~~\n\n~~~{code-block} text\ntwo\n~~~\n", "'two' is not in\none"),
        ("~~~console\n$ echo 1 failed\n~~~\n\n~~~{code-block} text\n1 failed\n~~~\n", "ended with status 0"),
        ("~~~{code-block} python\n:class: part-of-/dev/null\none\n~~~\n", "This is not in /dev/null:\none"),
    ],
)
def test_a_page_that_is_wrong_is_found(page: str, said: str, tmp_path: Path):
    with pytest.raises(AssertionError, match=said):
        follow(page, tmp_path)
