"""A small OpenAI-compatible server that answers by looking at the images.

`python -m tests.evaluation.chat_server --port 0` prints its address and serves until it is stopped.
It reads a question as any server must: roles, texts and data URLs, nothing else. The starter
encoder embeds the images; a name's prototype is the mean of the images that were called so.
"""

from __future__ import annotations

import argparse
import base64
import io
import json
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import numpy as np
from PIL import Image

MODEL = "looker"
_QUOTED = re.compile(r'"(\w[^"]*)"')


@dataclass(frozen=True)
class Response:
    """What a server sends.

    Attributes:
        status: Of HTTP.
        body: Bytes.
        headers: Beside Content-Length.
        wait_seconds: Before the first byte.
        pieces: Sent in so many parts with a wait before each; 1 for all at once.
        cut_off: Whether the connection is closed instead of sending the second half.
    """

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=lambda: {"Content-Type": "application/json"})
    wait_seconds: float = 0.0
    pieces: int = 1
    cut_off: bool = False


@dataclass(frozen=True)
class Received:
    """A request as it came.

    Attributes:
        at: Seconds of a monotonic clock.
        path: Of the request line.
        headers: In lower case.
        body: As JSON.
    """

    at: float
    path: str
    headers: Mapping[str, str]
    body: Any


Answering = Callable[[Received], Response]


class ChatServer(ThreadingHTTPServer):
    """Serves on loopback and remembers what came.

    Attributes:
        received: Every request, in the order they came.
        most_at_once: Requests that were under way together, at most.
    """

    daemon_threads = True

    def __init__(self, answering: Answering, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.answering = answering
        self.received: list[Received] = []
        self.most_at_once = 0
        self._under_way = 0
        self._lock = threading.Lock()

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/v1"

    @contextmanager
    def counted(self, received: Received) -> Iterator[None]:
        """Count a request while it is under way."""
        with self._lock:
            self.received.append(received)
            self._under_way += 1
            self.most_at_once = max(self.most_at_once, self._under_way)
        try:
            yield
        finally:
            with self._lock:
                self._under_way -= 1

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that go away in the middle are part of the tests."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: ChatServer

    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length", 0))
        received = Received(
            time.monotonic(),
            self.path,
            {name.lower(): value for name, value in self.headers.items()},
            json.loads(self.rfile.read(length)),
        )
        with self.server.counted(received):
            self._send(self.server.answering(received))

    def _send(self, response: Response) -> None:
        time.sleep(response.wait_seconds)
        self.send_response(response.status)
        for name, value in response.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(response.body)))
        self.end_headers()
        body = response.body
        if response.cut_off:
            self.wfile.write(body[: len(body) // 2])
            self.close_connection = True
            return
        step = max(1, -(-len(body) // response.pieces))
        for start in range(0, len(body), step):
            self.wfile.write(body[start : start + step])
            if response.pieces > 1:
                time.sleep(response.wait_seconds)

    def log_message(self, *_: object) -> None:
        """Nothing is printed."""


@contextmanager
def serving(answering: Answering) -> Iterator[ChatServer]:
    """A server in a thread of its own."""
    with ChatServer(answering) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def answered(text: str | None, finish: str = "stop", **message: Any) -> Response:
    """An answer as servers give it; 100 tokens read and 7 written."""
    choice = {
        "index": 0,
        "message": {"role": "assistant", "content": text, **message},
        "finish_reason": finish,
    }
    usage = {"prompt_tokens": 100, "completion_tokens": 7, "total_tokens": 107}
    body = {"object": "chat.completion", "model": MODEL, "choices": [choice], "usage": usage}
    return Response(body=json.dumps(body).encode())


def refused(status: int, message: str, **more: Any) -> Response:
    """An error as OpenAI words it."""
    error = {"message": message, "type": None, "code": None, "param": None, **more}
    return Response(status, json.dumps({"error": error}).encode())


@dataclass(frozen=True)
class Shown:
    """What a conversation shows.

    Attributes:
        examples: Image bytes and what they were called, in order.
        query: The last image's bytes.
        choices: Names in quotes behind the last image.
    """

    examples: list[tuple[bytes, str]]
    query: bytes
    choices: list[str]


def read_messages(messages: list[dict[str, Any]]) -> Shown:
    """Pair every image with the name in quotes that follows it."""
    images: list[bytes] = []
    names: list[list[str]] = []
    for message in messages:
        content = message["content"]
        parts = [{"type": "text", "text": content}] if isinstance(content, str) else content
        for part in parts if message["role"] != "system" else []:
            if part["type"] == "image_url":
                images.append(_decoded(part["image_url"]["url"]))
                names.append([])
            elif names:
                names[-1] += _QUOTED.findall(part["text"])
    examples = [(image, said[0]) for image, said in zip(images[:-1], names[:-1], strict=True)]
    return Shown(examples, images[-1], names[-1])


def _decoded(url: str) -> bytes:
    head, _, content = url.partition(",")
    media_type = re.fullmatch(r"data:image/(png|jpeg|webp);base64", head)
    image = base64.b64decode(content, validate=True)
    with Image.open(io.BytesIO(image)) as picture:
        if media_type is None or picture.format is None or picture.format.lower() != media_type[1]:
            raise ValueError(f"{head} is not what the bytes are")
    return image


class Looker:
    """Answers with the name whose examples look most like the query (`Answering`)."""

    def __init__(self) -> None:
        from isekai_gen.models.encoders import load_text_encoder
        from isekai_gen.models.spec import Device, EncoderSpec, starter_folder

        spec = EncoderSpec(str(starter_folder("encoder")), "starter")
        self._encoder = load_text_encoder(spec, Device("cpu"))
        self._vector_by_image: dict[bytes, Any] = {}
        self._lock = threading.Lock()

    def __call__(self, received: Received) -> Response:
        try:
            shown = read_messages(received.body["messages"])
        except (KeyError, TypeError, ValueError, OSError, IndexError) as error:
            return refused(400, f"cannot be read: {error}")
        with self._lock:
            name = self._nearest(shown)
        return answered(f'there is "{name}" in the image.')

    def _nearest(self, shown: Shown) -> str:
        query = self._vectors([shown.query])[0]
        if not shown.examples:
            names = shown.choices
            prototypes = self._encoder.encode_texts([f"a {name}" for name in names])
        else:
            names = sorted({name for _, name in shown.examples})
            vectors = self._vectors([image for image, _ in shown.examples])
            called = np.array([name for _, name in shown.examples])
            means = np.stack([vectors[called == name].mean(axis=0) for name in names])
            prototypes = means / np.linalg.norm(means, axis=1, keepdims=True)
        return names[int(np.argmax(prototypes @ query))]

    def _vectors(self, images: list[bytes]) -> Any:
        new = [image for image in dict.fromkeys(images) if image not in self._vector_by_image]
        pictures = [Image.open(io.BytesIO(image)).convert("RGB") for image in new]
        vectors = self._encoder.encode_images(pictures)
        self._vector_by_image.update(zip(new, vectors, strict=True))
        return np.stack([self._vector_by_image[image] for image in images])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 takes any free one")
    with ChatServer(Looker(), parser.parse_args().port) as server:
        print(f"{server.base_url}#{MODEL}", flush=True)  # noqa: T201
        server.serve_forever()


if __name__ == "__main__":
    main()
