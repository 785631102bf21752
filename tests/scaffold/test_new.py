"""`azfunc-ext new`: what it asks, what it says, what it refuses, and that it leaves nothing behind when it fails."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from datetime import datetime, timezone
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from ext_devkit.cli import main
from ext_devkit.scaffold import write

NAMED = ("--author", "Ada Lovelace", "--email", "ada@example.com")


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in an empty folder, where git knows nobody."""
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    for name in ("HOME", "XDG_CONFIG_HOME"):
        monkeypatch.setenv(name, str(tmp_path))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    return folder


def new(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["new", *arguments])


def refusal(*arguments: str) -> str:
    result = new(*arguments)
    assert (result.exit_code, result.stdout) == (1, ""), result.output
    return result.stderr.removeprefix("Error: ").removesuffix("\n")


def files(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_it_writes_a_package_into_a_folder_of_its_name(here: Path):
    result = new("my-extension", *NAMED)

    assert result.exit_code == 0, result.output
    assert files(here) == {
        f"my-extension/{path}"
        for path in (
            ".github/workflows/ci.yml", ".gitignore", "LICENSE", "README.md", "pyproject.toml",
            "src/my_extension/__init__.py", "src/my_extension/extension.py", "src/my_extension/py.typed",
            "tests/test_extension.py", "tests/test_sample_app.py", "sample_app/.funcignore", "sample_app/function_app.py",
            "sample_app/host.json", "sample_app/local.settings.json", "sample_app/requirements.txt",
        )
    }  # fmt: skip


def test_it_says_what_to_do_next():
    assert (
        new("my-extension", "--level", "both", "--output", "a folder").output
        == """\
a folder holds the package my_extension with MyExtension and MyFunctionExtension.

  cd 'a folder'
  pip install --editable ".[dev]"
  pytest
  azfunc-ext check my_extension.MyExtension
  azfunc-ext check my_extension.MyFunctionExtension
  azfunc-ext run sample_app --insights off
"""
    )


def test_a_script_gets_json(here: Path):
    said = json.loads(new("my-extension", "--json", "--level", "function").stdout)

    assert set(said.pop("files")) == files(here / "my-extension")
    assert said == {
        "folder": str(here / "my-extension"),
        "distribution": "my-extension",
        "package": "my_extension",
        "level": "function",
        "extensions": ["my_extension.MyExtension"],
    }


def test_author_and_year_are_in_the_licence_and_the_author_in_the_metadata(here: Path):
    new("my-extension", "--author", 'Ada "L" Løvelace', "--email", "ada@example.com")

    assert f'Copyright (c) {datetime.now(timezone.utc).year} Ada "L" Løvelace' in text(here, "LICENSE")
    assert r'authors = [{ name = "Ada \"L\" Løvelace", email = "ada@example.com" }]' in text(here, "pyproject.toml")


def text(here: Path, name: str) -> str:
    return (here / "my-extension" / name).read_text("utf-8")


@pytest.mark.parametrize(
    ("licence", "begins", "expression"),
    [
        ("mit", "MIT License", "MIT"),
        ("Apache-2.0", "Apache License", "Apache-2.0"),
        ("bsd-3-clause", "BSD 3-Clause License", "BSD-3-Clause"),
        ("LicenseRef-Proprietary", "Copyright (c)", "LicenseRef-Proprietary"),
    ],
)
def test_each_licence_has_its_text_and_its_expression(here: Path, licence: str, begins: str, expression: str):
    assert new("my-extension", "--license", licence, *NAMED).exit_code == 0

    assert text(here, "LICENSE").strip().startswith(begins)
    assert "Ada Lovelace" in text(here, "LICENSE")
    assert f'license = "{expression}"' in text(here, "pyproject.toml")


def test_the_author_is_by_default_who_git_knows(here: Path, tmp_path: Path):
    (tmp_path / ".gitconfig").write_text("[user]\nname = Grace Hopper\nemail = grace@example.com\n")

    new("my-extension")

    assert '{ name = "Grace Hopper", email = "grace@example.com" }' in text(here, "pyproject.toml")


def test_without_git_nobody_is_named(here: Path):
    new("my-extension")

    assert 'authors = [{ name = "The authors" }]' in text(here, "pyproject.toml")


def test_a_folder_with_something_in_it_is_left_alone(here: Path):
    (here / "my-extension").mkdir()
    for name in "abcd":
        (here / "my-extension" / name).touch()

    said = refusal("my-extension")

    assert said == (
        "my-extension has a, b, c and more in it, and nothing is written over. Name another folder with --output."
    )
    assert files(here / "my-extension") == set("abcd")


def test_a_file_is_left_alone(here: Path):
    (here / "my-extension").write_text("mine")

    said = refusal("my-extension")

    assert said == "my-extension exists and is no folder. Name another with --output, or take it away."
    assert (here / "my-extension").read_text() == "mine"


def test_a_new_repository_is_taken(here: Path):
    (here / ".git").mkdir()

    assert new("my-extension", "--output", ".").exit_code == 0
    assert (here / "pyproject.toml").is_file()


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        ("--author", "", "The author is ''. Give one line of text with --author."),
        ("--author", "a\nb", r"The author is 'a\nb'. Give one line of text with --author."),
        ("--description", "a\nb", r"The description is 'a\nb'. Give one line of text with --description."),
        ("--email", "ada", "The e-mail address is 'ada'. Write it as ada@example.com, or leave it out."),
    ],
)
def test_a_value_that_cannot_stand_in_the_files_is_refused(here: Path, option: str, value: str, said: str):
    assert refusal("my-extension", option, value) == said
    assert not files(here)


def test_an_unknown_level_is_wrong_usage():
    result = new("my-extension", "--level", "none")

    assert result.exit_code == 2
    assert "'none' is not one of 'app', 'function', 'both'" in result.stderr


def test_nothing_is_left_behind_when_it_fails_half_way(here: Path):
    """A file of the package is in the way of its last folder, which nobody knew before."""
    with pytest.raises(Exception, match=r"blocked cannot be written: .*Nothing was left behind"):
        write({"a/b/one": "1", "two": "2", "blocked": "3", "blocked/four": "4"}, here / "new" / "deep")

    assert not list(here.iterdir())


def test_what_was_there_before_stays_when_it_fails(here: Path):
    (here / "deep").mkdir()

    with pytest.raises(Exception, match="Nothing was left behind"):
        write({"one": "1", "one/two": "2"}, here / "deep")

    assert not list((here / "deep").iterdir())


def test_a_folder_that_cannot_be_made_is_named(here: Path):
    (here / "file").touch()

    said = refusal("my-extension", "--output", "file/new")

    assert said == "file cannot be written: File exists. Nothing was left behind; name another folder with --output."


def test_without_a_name_and_a_terminal_it_is_wrong_usage(here: Path):
    result = new()

    assert result.exit_code == 2
    assert "Missing argument 'NAME', and there is no terminal to ask for it." in result.stderr
    assert not files(here)


def on_a_terminal(typed: str, *arguments: str) -> tuple[int, str, str]:
    """Run it with a terminal as its standard input; return status, standard output and standard error."""
    ours, its = pty.openpty()
    os.write(ours, typed.encode())
    try:
        done = subprocess.run(
            [sys.executable, "-m", "ext_devkit", "new", *arguments],
            stdin=its, capture_output=True, text=True, check=False, timeout=50,
        )  # fmt: skip
    finally:
        os.close(its)
        os.close(ours)
    return done.returncode, done.stdout, done.stderr


def test_on_a_terminal_it_asks_and_asks_again(here: Path):
    typed = "class\nmy-extension\nboth\n\nAda\nada\nada@example.com\nMIT\n"

    status, out, err = on_a_terminal(typed, "--json")

    assert status == 0, err
    assert [line.split(" [")[0] for line in err.split(": ")[:1]] == ["Name"]
    assert "The name 'class' is taken" in err
    assert "The e-mail address is 'ada'" in err
    assert json.loads(out)["level"] == "both"
    assert 'authors = [{ name = "Ada", email = "ada@example.com" }]' in text(here, "pyproject.toml")


def test_on_a_terminal_it_says_at_once_that_there_is_such_a_folder(here: Path):
    """Not after all the questions, whose answers would be lost."""
    (here / "my-extension").mkdir()
    (here / "my-extension" / "mine.txt").touch()

    status, _, err = on_a_terminal("my-extension\nmy-other\napp\n\n\n\n\n")

    assert status == 0, err
    assert "my-extension has mine.txt in it, and nothing is written over" in err
    assert files(here) > {"my-extension/mine.txt", "my-other/pyproject.toml"}
    assert on_a_terminal("", "--output", "my-extension")[0] == 1, "another name would not help here"


def test_on_a_terminal_nothing_is_asked_that_an_option_says():
    status, out, err = on_a_terminal("my-extension\n\n\n", "--level", "app", *NAMED)

    assert status == 0, err
    assert "Level" not in err
    assert "Author" not in err
    assert "my_extension" in out


def test_with_a_name_nothing_is_asked():
    status, _, err = on_a_terminal("", "my-extension")

    assert (status, err) == (0, "")


def test_nothing_is_written_when_the_terminal_is_left_in_the_middle(here: Path):
    status, _, err = on_a_terminal("my-extension\nboth\n\x04", *NAMED)

    assert (status, err[-9:]) == (1, "Aborted!\n")
    assert not files(here)
