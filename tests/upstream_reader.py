"""How the code of Link-Context Learning reads its files and measures, written anew from its rules.

An oracle for our manifests that imports nothing of ours. What upstream enforces fails here as it
fails there (AssertionError, KeyError, IndexError, an image that does not open); what it enforces
nowhere but relies on (no query in its own support, names that its metric can tell apart) is
asserted, or shows in the accuracy of a perfect model.
"""

from __future__ import annotations

import csv
import functools
import math
import os
import random
import string
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import jsonlines
from PIL import Image

FAILURES = (AssertionError, LookupError, ValueError, TypeError, UnboundLocalError, OSError)
"""What a broken rule ends in."""
ANSWER = 'there is "{}" in the image.'
MOST_SHOTS = 16
SYSTEM = "You should find the causal relationship of the examples and answer the [FINAL QUESTION]."
SHOWN = "[BEGIN EXAMPLE] What is in the image <image>?"
ASKED = "Based on the previous examples, what is in the image <image>?"


@dataclass(frozen=True)
class Prompt:
    """One query with its demonstrations.

    Attributes:
        text: With "<image>" where an image goes.
        images: In the order of the text.
        names: The two labels, the positive one first.
        target: What should be answered, as it stands in the text.
    """

    text: str
    images: Sequence[Image.Image]
    names: tuple[str, str]
    target: str


Model = Callable[[Prompt], str]


def perfect(prompt: Prompt) -> str:
    return prompt.target.split("ASSISTANT: ")[1].split("</s>")[0]


def always_positive(prompt: Prompt) -> str:
    return ANSWER.format(prompt.names[0])


def always_wrong(prompt: Prompt) -> str:
    right = perfect(prompt)
    (wrong,) = (name for name in prompt.names if ANSWER.format(name) != right)
    return ANSWER.format(wrong)


def stripped(text: str) -> str:
    """What the metrics make of an answer."""
    answer = text.split("ASSISTANT:")[-1].split("</s>")[0]
    for part in ("The answer is", "there is", "in the image", '"', "'", "."):
        answer = answer.replace(part, "")
    return answer.strip().lower()


def other_name(names: Sequence[str], target: str) -> str:
    """The name that is not the target, as the metric finds it."""
    other = None
    for name in names:
        if name != target:
            other = name
    if other is None:
        raise UnboundLocalError("upstream has no name for the wrong answer here")
    return other


class _Folder:
    """Images by the paths that rows give."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._opened = functools.cache(self._open)

    def image(self, path: str) -> Image.Image:
        assert not os.path.isabs(path), "an absolute path silently ignores the folder"  # noqa: PTH117
        return self._opened(os.path.join(self._root, path))  # noqa: PTH118

    def _open(self, path: str) -> Image.Image:
        assert Path(os.path.normpath(path)).is_relative_to(os.path.normpath(self._root))
        with Image.open(path) as image:
            return image.convert("RGB")


def _read_lines(path: Path) -> list:
    with jsonlines.open(path) as reader:
        return list(reader)


def _prompt(
    shown: list[tuple[Image.Image, str]],
    asked: tuple[Image.Image, str],
    names: tuple[str, str],
    rng: random.Random,
) -> Prompt:
    rng.shuffle(shown)
    parts = [
        f"USER: {SHOWN} ASSISTANT: {ANSWER.format(name)} [END EXAMPLE]</s>" for _, name in shown
    ]
    target = f" ASSISTANT: {ANSWER.format(asked[1])}</s>"
    text = " ".join((SYSTEM, *parts, f"[FINAL QUESTION]:  USER: {ASKED}")) + target
    images = [image for image, _ in shown] + [asked[0]]
    # A name with one of these tokens would move every image and example behind it.
    assert text.count("<image>") == len(images)
    assert text.count("[END EXAMPLE]") == text.count("[BEGIN EXAMPLE]") == len(shown)
    assert text.count("</s>") == len(images)
    assert text.count("[FINAL QUESTION]") == 2
    return Prompt(text, images, names, target)


class IsekaiReader:
    """ISEKAI-10.json or ISEKAI-pair.json: class ISEKAIEval2Way, metric ISEKAIMetrics."""

    def __init__(self, path: Path, image_folder: Path) -> None:
        self._images = _Folder(image_folder)
        self.rows = _read_lines(path)
        assert self.rows
        assert len(self.rows) % 2 == 0
        for first, second in zip(self.rows[::2], self.rows[1::2], strict=True):
            names = {(row["positive_promt"], row["negative_promt"]) for row in (first, second)}
            assert len(names) == 1
            assert {row["label_name"] for row in (first, second)} == set(*names)

    def prompt(self, index: int, shot: int, rng: random.Random) -> Prompt:
        row = self.rows[index]
        names = (row["positive_promt"], row["negative_promt"])
        lists = (row["positive_list"], row["negative_list"])
        asked = (self._images.image(row["image_name"]), row["label_name"])
        shown = [
            (self._images.image(paths[place]), name)
            for paths, name in zip(lists, names, strict=True)
            for place in range(shot)
        ]
        support = [*lists[0], *lists[1]]
        assert len(set(support)) == len(support)
        assert row["image_name"] not in support
        assert row["label_name"] in names
        assert len(row) == 6
        return _prompt(shown, asked, names, rng)

    def accuracy(self, model: Model, shot: int, rng: random.Random) -> float:
        correct = 0
        for index, row in enumerate(self.rows):
            prompt = self.prompt(index, shot, rng)
            # By row number; only the metric's own copy of the names is lower-cased.
            names = [row["positive_promt"].lower(), row["negative_promt"].lower()]
            target = stripped(prompt.target)
            other = other_name(names, target)
            answer = model(prompt)
            correct += target in answer and other not in answer
        return correct / len(self.rows)


class TestReader:
    """test<M>_pairs.jsonl: class ImageNetTest100Eval2Way, metric ImageNetTest100Metrics."""

    __test__ = False

    def __init__(self, path: Path, image_folder: Path, sample_per_class: int = 50) -> None:
        self._images = _Folder(image_folder)
        self.rows = _read_lines(path)
        assert self.rows
        assert len(self.rows) % 2 == 0
        self.map = [
            (row_index, sample)
            for row_index, row in enumerate(self.rows)
            for sample in range(len(row["test_samples"]))
            if sample_per_class == 0 or sample < sample_per_class
        ]
        names = [row["class_name"].lower() for row in self.rows]
        assert len(set(names)) == len(names), "the metric finds a row by its name"
        self._other = {
            name: names[index + 1 if index % 2 == 0 else index - 1]
            for index, name in enumerate(names)
        }
        ids = [row["class_id"] for row in self.rows]
        assert all(isinstance(each, str) for each in ids)
        assert len(set(ids)) == len(ids)

    def prompt(self, index: int, shot: int, rng: random.Random) -> Prompt:
        row_index, sample = self.map[index]
        row = self.rows[row_index]
        other = self.rows[row_index + 1 if row_index % 2 == 0 else row_index - 1]
        names = (row["class_name"].lower(), other["class_name"].lower())
        asked = (self._images.image(row["test_samples"][sample]), names[0])
        shown = [
            (self._images.image(each["context_samples"][place]), name)
            for each, name in zip((row, other), names, strict=True)
            for place in range(shot)
        ]
        context = [*row["context_samples"], *other["context_samples"]]
        tested = [*row["test_samples"], *other["test_samples"]]
        assert len(set(context)) == len(context)
        assert len(set(tested)) == len(tested)
        assert not set(context) & set(tested)
        assert len(row) == 4
        first_of_pair = names if row_index % 2 == 0 else names[::-1]
        return _prompt(shown, asked, first_of_pair, rng)

    def accuracy(self, model: Model, shot: int, rng: random.Random) -> float:
        correct = 0
        for index in range(len(self.map)):
            prompt = self.prompt(index, shot, rng)
            target = stripped(prompt.target)
            other = self._other[target]
            answer = model(prompt)
            correct += target in answer and other not in answer
        return correct / len(self.map)


class TrainReader:
    """train<N>_pairs.jsonl: class ImageNet1kDatasetTrain."""

    def __init__(self, path: Path, image_folder: Path) -> None:
        self._images = _Folder(image_folder)
        self.rows = _read_lines(path)
        assert self.rows
        ids = [row["class_id"] for row in self.rows]
        assert all(isinstance(each, str) and each for each in ids)
        assert len(set(ids)) == len(ids), "class id conflict"
        self._place = {class_id: place for place, class_id in enumerate(ids)}
        lengths = {(len(row["samples"]), len(row["neighbors"])) for row in self.rows}
        assert len(lengths) == 1
        shown_in: dict[str, str] = {}
        for row in self.rows:
            self._check_row(row, shown_in)
        for row in self.rows:
            for class_id, _, path in row["neighbors"]:
                assert shown_in.get(path, class_id) == class_id

    def _check_row(self, row: dict, shown_in: dict[str, str]) -> None:
        assert row.keys() == {"class_id", "class_name", "samples", "neighbors"}
        assert row["class_name"] == row["class_name"].strip()
        assert "_" not in row["class_name"]
        assert len(set(row["samples"])) == len(row["samples"]) > 0
        for path in row["samples"]:
            assert shown_in.setdefault(path, row["class_id"]) == row["class_id"]
        ids = [class_id for class_id, _, _ in row["neighbors"]]
        assert len(set(ids)) == len(ids) > 0
        assert row["class_id"] not in ids
        for class_id, name, path in row["neighbors"]:
            assert self.rows[self._place[class_id]]["class_name"] == name
            assert path not in row["samples"]

    def prompt(self, index: int, shot: int, rng: random.Random) -> Prompt:
        """The policy "2way_weight": more shots and nearer neighbors are more likely."""
        shots = range(1, shot + 1)
        (count,) = rng.choices(shots, [math.exp(n / 2) for n in shots])
        neighbors = self.rows[index]["neighbors"]
        (neighbor,) = rng.choices(neighbors, weights=range(len(neighbors), 0, -1))
        return self.prompt_beside(index, neighbor, count, rng)

    def prompt_beside(
        self, index: int, neighbor: Sequence[str], count: int, rng: random.Random
    ) -> Prompt:
        """The class under an invented name, beside one of its neighbors."""
        own = self.rows[index]["samples"]
        invented = "".join(rng.choices(string.ascii_uppercase, k=rng.randint(1, 10))).lower()
        class_id, name, path = neighbor[0], neighbor[1].lower(), neighbor[2]
        others = self.rows[self._place[class_id]]["samples"]
        shown = [(self._images.image(rng.choice(own)), invented) for _ in range(count)]
        shown.append((self._images.image(path), name))
        shown += [(self._images.image(rng.choice(others)), name) for _ in range(count - 1)]
        samples, label = rng.choice([(own, invented), (others, name)])
        asked = (self._images.image(rng.choice(samples)), label)
        return _prompt(shown, asked, (invented, name), rng)


def read_class_order(path: Path) -> dict[str, list[str]]:
    """cls_sort.csv as upstream's tool reads it: id to all ids, most similar first."""
    with path.open(newline="") as file:
        lines = list(csv.reader(file))
    assert lines[0] == ["cls_id\\sort_idx", *map(str, range(1, 81))]
    order = {line[0].strip(): [each.strip() for each in line[1:]] for line in lines[1:]}
    for own, ids in order.items():
        assert ids[0] == own
        assert sorted(ids) == sorted(order)
    return order


def check_bins(rows: Sequence[dict], order: dict[str, list[str]]) -> None:
    """Assert that the rows' neighbors are what upstream's tool could have drawn."""
    assert {row["class_id"] for row in rows} == set(order)
    for row in rows:
        ids = order[row["class_id"]]
        size = math.ceil(len(ids) / len(row["neighbors"]))
        for number, (class_id, _, _) in enumerate(row["neighbors"]):
            assert class_id in ids[max(1, number * size) : (number + 1) * size]


def measure_isekai(path: Path, image_folder: Path, most: int = MOST_SHOTS) -> None:
    """Assert a manifest right at every shot count up to `most`."""
    reader = IsekaiReader(path, image_folder)
    for shot in range(most + 1):
        rng = random.Random(shot)
        assert reader.accuracy(perfect, shot, rng) == 1.0
        assert reader.accuracy(always_positive, shot, rng) == 0.5
        assert reader.accuracy(always_wrong, shot, rng) == 0.0


def measure_test(path: Path, image_folder: Path, per_class: int, most: int = MOST_SHOTS) -> None:
    """Assert a file of test classes right at every shot count up to `most`."""
    reader = TestReader(path, image_folder, per_class)
    for shot in range(most + 1):
        rng = random.Random(shot)
        assert reader.accuracy(perfect, shot, rng) == 1.0
        assert reader.accuracy(always_positive, shot, rng) == 0.5
        assert reader.accuracy(always_wrong, shot, rng) == 0.0


def read_train(path: Path, image_folder: Path, most: int = MOST_SHOTS) -> None:
    """Assert a file of training classes right at every shot count from 1 to `most`."""
    reader = TrainReader(path, image_folder)
    for shot in range(1, most + 1):
        rng = random.Random(shot)
        for index in range(len(reader.rows)):
            prompt = reader.prompt(index, shot, rng)
            assert perfect(prompt) in (ANSWER.format(name) for name in prompt.names)
    # Every image and every neighbor, not only those that were drawn.
    folder = _Folder(image_folder)
    for index, row in enumerate(reader.rows):
        for image in row["samples"]:
            folder.image(image)
        for neighbor in row["neighbors"]:
            reader.prompt_beside(index, neighbor, 1, random.Random(0))
