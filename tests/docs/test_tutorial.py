"""The first tutorial, followed to the letter: its files in an empty folder, its commands, its requests."""

import json
import re
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from tests.support.docs import DOCS
from tests.support.processes import command

FILE = re.compile(r'```\{code-block\} \w+\n:caption: ["`]*([\w./]+)["`]*\n(.*?)```', re.DOTALL)


@pytest.fixture
def app(tmp_path: Path) -> Path:
    """Return a folder with the files that the tutorial has the reader write."""
    folder = tmp_path / "first-app"
    for name, text in FILE.findall((DOCS / "tutorial" / "first-traces.md").read_text("utf-8")):
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, "utf-8")
    return folder


def test_the_tutorial_ends_with_the_two_operations_that_it_promises(app: Path, tmp_path: Path):
    """One that has the marked part in it, and one that failed with its exception."""
    with command("insights", "--json", "--port", "0", "--db", "i.db", folder=tmp_path) as insights:
        url = json.loads(insights.wait_for("}\n").splitlines()[-1])["url"]
        with command("run", str(app), "--port", "0", "--insights", url, folder=tmp_path) as host:
            address = re.search(r"http://localhost:(\d+)/", host.wait_for("Press Ctrl-C"))
            assert address is not None, host.text
            base = f"http://127.0.0.1:{address.group(1)}/api/greet"
            with urllib.request.urlopen(f"{base}/ada", timeout=30) as answer:
                assert answer.read() == b"Good morning, ada!"
            with pytest.raises(urllib.error.HTTPError, match="500") as failed:
                urllib.request.urlopen(f"{base}/linus", timeout=30)
            failed.value.close()
            host.signal(15)
            assert host.wait() == 0, host.text

        operations = transactions(tmp_path)
        trees = [transactions(tmp_path, operation["operation_Id"])["tree"] for operation in operations]

    assert [operation["success"] for operation in operations] == [False, True]
    assert shape(trees[1]) == [(0, "request", None), (1, "dependency", "look up the greeting")]
    assert {kind for _, kind, _ in shape(trees[0])} == {"request", "dependency", "exception"}
    assert "KeyError" in {item.get("type") for item in trees[0]}


def transactions(folder: Path, *arguments: str):
    with command("transactions", *arguments, "--json", "--db", "i.db", folder=folder) as listing:
        assert listing.wait() == 0, listing.text
        return json.loads(listing.text)


def shape(tree: list[dict]) -> list[tuple[int, str, str | None]]:
    return [(item["depth"], item["itemType"], item.get("name") if item["depth"] else None) for item in tree]
