"""Measures the review page's server over 100,000 images, as a browser would ask it.

    isekai-gen demo
    python benchmarks/review.py isekai-demo /tmp/large

Prints JSON: seconds for the index, from start to the first screen, per request, and the memory of
the server (VmRSS and its peak, VmHWM) after 5,000 thumbnails. Bars: first screen 1 s, 500 MB.
"""

from __future__ import annotations

import argparse
import http.client
import json
import random
import re
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from threading import local
from typing import Any

from review_workspace import enlarge

THUMBS = 5_000
REPEATS = 20
# As many as a browser opens to one host.
CONNECTIONS = 6


class Page:
    """Asks the server over connections that stay open, as a browser does."""

    def __init__(self, address: str) -> None:
        found = re.fullmatch(r"http://127\.0\.0\.1:(\d+)(/\?token=.+)", address)
        if found is None:
            raise ValueError(f"no address of a review server: {address!r}")
        self.port, self._own = int(found[1]), local()
        self._headers = {"Host": f"127.0.0.1:{self.port}"}
        cookie = self.answer("GET", found[2]).getheader("Set-Cookie") or ""
        self._headers |= {
            "Cookie": cookie.partition(";")[0],
            "Origin": f"http://127.0.0.1:{self.port}",
            "Content-Type": "application/json",
        }

    def answer(self, method: str, path: str, body: str | None = None) -> http.client.HTTPResponse:
        """The answer, its body read."""
        if not hasattr(self._own, "connection"):
            self._own.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=300)
        connection: http.client.HTTPConnection = self._own.connection
        connection.request(method, path, body, self._headers)
        answer = connection.getresponse()
        self._own.body = answer.read()
        if answer.status >= http.HTTPStatus.BAD_REQUEST:
            raise ValueError(f"{method} {path}: {answer.status} {self._own.body!r}")
        return answer

    def json(self, path: str, value: Any = None) -> Any:
        """What it says; with a value, a change."""
        if value is None:
            self.answer("GET", path)
        else:
            self.answer("POST", path, json.dumps(value))
        return json.loads(self._own.body)

    def seconds(self, path: str, value: Any = None) -> float:
        """How long an answer takes."""
        begun = time.perf_counter()
        self.json(path, value) if path.startswith("/api") else self.answer("GET", path)
        return time.perf_counter() - begun

    def median(self, *paths: str) -> float:
        """Of several askings."""
        return statistics.median(self.seconds(path) for path in paths)


@contextmanager
def serving(workspace: Path) -> Iterator[tuple[Page, int, float]]:
    """The page, the server's process id, and the seconds until its address was printed."""
    command = [sys.executable, "-m", "isekai_gen", "review", "-w", str(workspace), "--quiet"]
    begun = time.perf_counter()
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert server.stdout is not None
    address = server.stdout.readline().strip()
    until = time.perf_counter() - begun
    try:
        yield Page(address), server.pid, until
    finally:
        server.send_signal(signal.SIGINT)
        server.wait(30)


def memory_mb(pid: int) -> dict[str, float]:
    """Resident memory of a process now, and at its peak."""
    status = Path(f"/proc/{pid}/status").read_text()
    found = {
        name: int(re.findall(rf"{name}:\s+(\d+) kB", status)[0]) for name in ("VmRSS", "VmHWM")
    }
    return {name: round(kilobytes / 1024, 1) for name, kilobytes in found.items()}


def measure_answers(page: Page, ids: list[str]) -> dict[str, float]:
    """Seconds of the requests that views are made of."""
    offsets = random.Random(1).sample(range(len(ids) - 200), REPEATS)
    some = random.Random(2).sample(ids, REPEATS)
    saying = {"sayings": [{"images": [ids[7]], "choice": "drop", "reason": "benchmark"}]}
    return {
        "first images": page.seconds("/api/images?limit=200"),
        "images anywhere": page.median(*[f"/api/images?offset={n}&limit=200" for n in offsets]),
        "images closest first": page.median(
            *[f"/api/images?order=closest&verdict=kept&offset={n}&limit=200" for n in offsets[:5]]
        ),
        "queue of duplicates": page.median(*["/api/queue/duplicates?limit=20"] * 5),
        "queue of consistency": page.median(*["/api/queue/consistency?limit=2"] * 5),
        "queue of overlap": page.median(*["/api/queue/overlap?limit=20"] * 5),
        "one image": page.median(*[f"/api/image/{key}" for key in some]),
        "picture": page.median(*[f"/picture/{key}" for key in some]),
        "summary": page.median(*["/api/summary"] * REPEATS),
        "decision": page.seconds("/api/decisions", saying),
        "undo": page.seconds("/api/undo", {}),
    }


def measure_thumbs(page: Page, ids: list[str]) -> dict[str, float]:
    """Seconds of one thumbnail, and of many over several connections: made now, then kept."""
    some = random.Random(3).sample(ids, min(THUMBS + 1, len(ids)))
    one, *rest = [f"/thumb/{key}?size=160" for key in some]
    found = {"thumb made": page.seconds(one), "thumb kept": page.median(*[one] * REPEATS)}
    for name in ("made", "kept"):
        begun = time.perf_counter()
        with ThreadPoolExecutor(CONNECTIONS) as pool:
            list(pool.map(page.seconds, rest))
        found[f"{len(rest)} thumbs {name}"] = time.perf_counter() - begun
    return found


def measure(workspace: Path, ids: list[str]) -> dict[str, Any]:
    """All of it; the index is made with the first start."""
    with serving(workspace) as (page, pid, seconds):
        found: dict[str, Any] = {"start, index made": seconds, "memory, index made": memory_mb(pid)}
    begun = time.perf_counter()
    with serving(workspace) as (page, pid, seconds):
        summary = page.seconds("/api/summary")
        found |= {"start, index there": seconds, "first summary": summary}
        page.seconds("/api/images?limit=200")
        found["start to first screen"] = time.perf_counter() - begun
        found["page asked to first screen"] = found["start to first screen"] - seconds
        found |= measure_answers(page, ids) | measure_thumbs(page, ids)
        found["memory at the end"] = memory_mb(pid)
    return found


def main() -> None:
    """Make the workspace, unless it is there, and measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("small", type=Path, help="finished workspace, such as of the demo")
    parser.add_argument("large", type=Path, help="folder to make, on the same disk")
    parser.add_argument("--images", type=int, default=100_000)
    asked = parser.parse_args()
    ids = enlarge(asked.small, asked.large, asked.images)
    found = {"images": len(ids), **measure(asked.large, ids)}
    rounded = {key: round(v, 4) if isinstance(v, float) else v for key, v in found.items()}
    print(json.dumps(rounded, indent=2))


if __name__ == "__main__":
    main()
