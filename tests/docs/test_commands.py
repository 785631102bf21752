"""Commands in the documentation exist, and commands that exist are in the documentation."""

import re
from collections.abc import Iterator

import click
import pytest

from ext_devkit.cli import COMMANDS, main
from tests.support.docs import DOCS, ROOT, Block, blocks


def command(name: str) -> click.Command:
    found = main.get_command(click.Context(main), name)
    assert found is not None, f"azfunc-ext has no command {name!r}"
    return found


def options(found: click.Command) -> set[str]:
    """Return the long options of a command, without the two that every command has."""
    own = {name for parameter in found.params for name in parameter.opts if name.startswith("--")}
    return own - {"--help", "--debug"}


@pytest.mark.parametrize("block", blocks("console"), ids=str)
def test_a_documented_command_can_be_typed(block: Block):
    """Its name exists, and so does each option with the values that it is given."""
    for words in block.commands:
        while words and re.fullmatch(r"[A-Z_]+=.*", words[0]):
            words.pop(0)
        if words[:1] == ["azfunc-ext"]:
            check(words[1:], block)
        elif words[:1] == ["make"]:
            check_target(words[1:], block)


def check(words: list[str], block: Block) -> None:
    if words[:1] in ([], ["--version"], ["--help"]):
        return
    try:
        command(words[0]).make_context(words[0], [w for w in words[1:] if w != "&"], resilient_parsing=False)
    except click.exceptions.Exit:  # --help
        return
    except click.ClickException as error:
        if "does not exist" not in error.message:  # a folder of the reader's
            pytest.fail(f"{block}: azfunc-ext {' '.join(words)}: {error.format_message()}")


def check_target(words: list[str], block: Block) -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    for target in (word for word in words if "=" not in word):
        assert re.search(rf"^{re.escape(target)}:", makefile, re.MULTILINE), f"{block}: make has no target {target!r}"


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_and_each_of_its_options_are_in_the_reference(name: str):
    """Where a page of the reference has a heading with the command's name, the options are below it."""
    section = reference_of(name)

    assert section, f"Add a heading `azfunc-ext {name}` to a page of docs/reference/ and describe the command there."
    missing = sorted(option for option in options(command(name)) if not re.search(rf"{option}(?![\w-])", section))
    assert not missing, f"Describe these options under `azfunc-ext {name}` in docs/reference/: {missing}"


def reference_of(name: str) -> str:
    """Return the text of each page of the reference from a heading that names the command to the end of its section."""
    return "\n".join(
        section
        for page in sorted((DOCS / "reference").glob("*.md"))
        for section in sections(page.read_text("utf-8"), name)
    )


def sections(text: str, name: str) -> Iterator[str]:
    for heading in re.finditer(rf"^(#+) .*azfunc-ext {name}\b.*$", text, re.MULTILINE):
        level = len(heading.group(1))
        rest = text[heading.end() :]
        end = re.search(rf"^#{{1,{level}}} ", rest, re.MULTILINE)
        yield rest[: end.start()] if end else rest
