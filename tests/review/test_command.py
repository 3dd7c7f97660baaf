"""`isekai-gen review` as a process, over a workspace."""

import getpass
import json
import re
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import pytest
from PIL import Image

from isekai_gen.review.serving import listening
from tests.review.running import SECONDS, exchange
from tests.small_jobs import command, environment, run_cli
from tests.stages.review_jobs import write_workspace

WITHOUT_EXTRA = """
import sys
sys.modules["starlette"] = None
from isekai_gen.cli import main
main()
"""


@pytest.fixture
def workspace(tmp_path):
    made = write_workspace(tmp_path / "dataset", {"ant": 2, "cat": 2})
    for image_id, concept in concept_by_id(made).items():
        path = made.image(concept, image_id)
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (64, 64), "teal").save(path)
    return made


def concept_by_id(workspace):
    lines = [
        json.loads(line)["planned"]
        for part in workspace.parts("records")
        for line in workspace.part("records", part).read_text().splitlines()
    ]
    return {planned["image_id"]: planned["concept"] for planned in lines}


class Started:
    """A server process, and a browser that opened its address."""

    def __init__(self, process):
        self.process = process
        self.address = process.stdout.readline().strip()
        found = re.fullmatch(r"http://127\.0\.0\.1:(\d+)(/\?token=([\w-]{43}))", self.address)
        assert found, self.address
        self.port = int(found[1])
        self.cookie = ""
        entered = self.ask(f"GET {found[2]}")
        assert entered.status == 303
        self.cookie = entered.headers["set-cookie"].partition(";")[0]

    def ask(self, what, body=b""):
        host = f"127.0.0.1:{self.port}"
        head = (
            f"{what} HTTP/1.1\r\nHost: {host}\r\nCookie: {self.cookie}\r\n"
            f"Origin: http://{host}\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        )
        return exchange(self.port, head.encode() + body)

    def drop(self, image_id):
        saying = {"sayings": [{"images": [image_id], "choice": "drop"}]}
        answer = self.ask("POST /api/decisions", body=json.dumps(saying).encode())
        assert answer.status == 200, answer.body
        return answer.json()

    def end(self, number):
        self.process.send_signal(number)
        rest, told = self.process.communicate(timeout=SECONDS)
        return self.process.returncode, rest, told


@contextmanager
def started(workspace, *options, **variables):
    process = subprocess.Popen(
        command(["review", "-w", workspace.root, "--quiet", *options]),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment() | variables,
    )
    try:
        yield Started(process)
    finally:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_opens_takes_decisions_and_ends_in_good_order(workspace, number):
    image_id, *_ = concept_by_id(workspace)
    with started(workspace) as server:
        assert server.ask("GET /").status == 200
        assert server.ask(f"GET /thumb/{image_id}").headers["content-type"] == "image/webp"
        assert server.drop(image_id)["version"].startswith("1-")
        assert "torch" not in Path(f"/proc/{server.process.pid}/maps").read_text()
        code, rest, told = server.end(number)
    assert (code, told) == (0, "")
    assert rest == f"1 decision(s) made; decisions are in {workspace.decisions_file}\n"
    [line] = workspace.decisions_file.read_text().splitlines()
    assert json.loads(line)["by"] == getpass.getuser()


def test_a_killed_server_loses_nothing_and_starts_again_at_its_port(workspace):
    image_id, *_ = concept_by_id(workspace)
    with started(workspace, "--by", "ada") as server:
        server.drop(image_id)
        server.end(signal.SIGKILL)
    with started(workspace, "--port", str(server.port)) as again:
        found = again.ask(f"GET /api/image/{image_id}").json()
        assert again.ask("GET /api/summary").json()["version"].startswith("1-")
        assert again.address != server.address
    assert (found["image"]["verdict"], found["image"]["by"]) == ("dropped", "person")
    assert found["decisions"][0]["by"] == "ada"


def test_decisions_that_another_command_appends_are_told(workspace):
    image_id, *_ = concept_by_id(workspace)
    with started(workspace) as server, started(workspace) as other:
        before = server.ask("GET /api/summary").json()["version"]
        other.drop(image_id)
        told = server.ask(f"GET /api/changes?since={before}").json()
        assert told == {"version": other.ask("GET /api/summary").json()["version"]}
        assert told != {"version": before}


def test_it_opens_the_browser_of_this_machine(workspace, tmp_path):
    browser = tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\nprintf %s "$1" > {tmp_path}/opened.tmp\n'
                       f"mv {tmp_path}/opened.tmp {tmp_path}/opened\n")  # fmt: skip
    browser.chmod(0o755)
    with started(workspace, "--open", BROWSER=f"{browser} %s") as server:
        end = time.monotonic() + SECONDS
        while not (tmp_path / "opened").exists() and time.monotonic() < end:
            time.sleep(0.05)
        assert (tmp_path / "opened").read_text() == server.address


def test_only_this_machine_can_reach_it():
    with listening(0) as listener:
        assert listener.getsockname()[0] == "127.0.0.1"


def test_a_port_that_is_taken_is_one_line(workspace):
    with listening(0) as taken:
        port = taken.getsockname()[1]
        done = run_cli(["review", "-w", workspace.root, "--port", str(port), "--quiet"])
    assert done.returncode == 2
    assert done.stderr == (
        f"Error: port {port} of 127.0.0.1 cannot be had (Address already in use); name another "
        "with --port, or 0 for a free one\n"
    )


def test_without_the_extra_it_says_what_to_install(workspace):
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_EXTRA, "review", "-w", str(workspace.root)],
        capture_output=True,
        text=True,
        env=environment(),
        check=False,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "Error: starlette is not installed; run: pip install 'isekai-gen[review]'\n"
    )


@pytest.mark.parametrize("given", ["sharks", "=.", "sharks=", "sharks=/no/such/folder"])
def test_a_reference_folder_has_a_name_and_is_there(workspace, given):
    done = run_cli(["review", "-w", workspace.root, "--reference-images", given])
    assert done.returncode == 2
    assert "write the name of a reference set, =, and a folder that is there" in done.stderr


def test_a_folder_without_images_is_no_dataset(tmp_path):
    done = run_cli(["review", "-w", tmp_path])
    assert (done.returncode, done.stdout) == (2, "")
    assert "is no workspace with images yet" in done.stderr
