"""`isekai-gen report`: what it prints, what it opens, what it needs."""

import json
import os
import subprocess
import sys
import webbrowser

import pytest

from tests.small_jobs import call, environment
from tests.stages.curated_jobs import draw_workspace

NO_TORCH = """
import sys
sys.modules["torch"] = None
from isekai_gen.cli import main
main()
"""


@pytest.fixture(scope="module")
def root(tiny_generator, tmp_path_factory):
    return draw_workspace(tmp_path_factory.mktemp("drawn"), tiny_generator, 2)


def test_json_prints_the_numbers_that_the_file_has(root):
    printed = json.loads(call("report", "-w", root, "--json").stdout)
    assert printed["counts"]["planned"] == 8
    assert printed == json.loads((root / "reports" / "report.json").read_text())


def test_it_says_where_the_files_are_and_opens_the_page_if_asked(root, tmp_path, monkeypatch):
    opened = []
    monkeypatch.setattr(webbrowser, "open", lambda url: opened.append(url) is None)
    out = tmp_path / "a b.html"
    said = call("report", "-w", root, "--out", out).stdout
    assert str(out) in said
    assert str(tmp_path / "a b.json") in said
    assert opened == []
    call("report", "-w", root, "--out", out, "--open", "--quiet")
    assert opened == [out.as_uri()]


def test_a_machine_without_a_browser_is_told_what_to_open(root, monkeypatch):
    monkeypatch.setattr(webbrowser, "open", lambda _: False)
    assert "No browser was found; open " in call("report", "-w", root, "--open").stderr


def test_without_matplotlib_it_says_what_to_install(root, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    result = call("report", "-w", root, expect=2)
    assert result.stderr == (
        "Error: matplotlib is not installed; run: pip install 'isekai-gen[plots]'\n"
    )


def test_it_needs_no_torch_and_no_home_folder(root, tmp_path):
    out = tmp_path / "report.html"
    done = subprocess.run(
        [sys.executable, "-c", NO_TORCH, "report", "-w", root, "--out", out],
        capture_output=True,
        text=True,
        env={**environment(), "HOME": os.devnull},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert out.read_text().startswith("<!doctype html>")
