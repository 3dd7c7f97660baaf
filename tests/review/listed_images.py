"""A small dataset to review: pictures in a folder, decisions appended to decisions.jsonl."""

from __future__ import annotations

import json
import shutil
import threading
from dataclasses import asdict
from pathlib import Path

from PIL import Image

from isekai_gen.errors import InputError


class ListedImages:
    """A review source without curation; remembers what it was asked for."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._lock = threading.Lock()
        self.restore()

    def restore(self) -> None:
        """As it was in the beginning: four pictures, nothing said, nothing asked."""
        shutil.rmtree(self.root, ignore_errors=True)
        (self.root / "images").mkdir(parents=True)
        self.asked: list[object] = []
        self.references: dict[str, Path] = {}
        self.pictures: dict[str, Path] = {}
        for index in range(4):
            image_id = f"{index:020x}"
            self.pictures[image_id] = self.root / "images" / f"{image_id}.png"
            Image.new("RGB", (400, 200), (index, 90, 180)).save(self.pictures[image_id])

    @property
    def decisions_file(self) -> Path:
        return self.root / "decisions.jsonl"

    def lines(self) -> list[dict]:
        if not self.decisions_file.exists():
            return []
        return [json.loads(line) for line in self.decisions_file.read_text().splitlines()]

    def version(self):
        return str(len(self.lines()))

    def summary(self):
        return {"version": self.version(), "counts": {"generated": len(self.pictures)}}

    def queue(self, name, after, limit):
        self.asked.append((name, after, limit))
        return {"version": self.version(), "entries": [], "next": "", "left": 0, "decided": 0}

    def images(self, query):
        self.asked.append(query)
        return {"version": self.version(), "total": 0, "images": []}

    def image(self, image_id):
        return {"image": {"id": image_id}} if image_id in self.pictures else None

    def picture(self, image_id):
        return self.pictures.get(image_id)

    def reference_picture(self, key):
        return self.references.get(key)

    def say(self, sayings, sender):
        self.asked.append(sender)
        unknown = [one for saying in sayings for one in saying.images if one not in self.pictures]
        if unknown:
            raise ValueError(f"there is no image {unknown[0]}")
        known = self.lines()
        rows = [{**asdict(saying), "images": list(saying.images)} for saying in sayings]
        said = [row for row in rows if row not in known]
        self._append(said)
        answers = sum(bool(row["question"]) for row in said)
        recorded = {"decisions": len(said) - answers, "answers": answers}
        return {**self.summary(), "recorded": recorded}

    def undo(self, sender):
        self.asked.append(sender)
        last = self.lines()[-1:]
        self._append([one | {"choice": "undecided"} for one in last])
        return {"undone": last, "left": [], "summary": self.summary()}

    def search(self, text, picture, limit):
        self.asked.append((text, picture, limit))
        raise InputError(f"{self.root.resolve()}/embeddings/starter: no encoder; run embed")

    def _append(self, rows):
        with self._lock, self.decisions_file.open("a") as file:
            file.writelines(json.dumps(row) + "\n" for row in rows)
