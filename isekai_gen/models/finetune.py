"""Fine-tune an image tower on labeled pictures, with or without a frozen tower to stay close to.

The head begins as a zero-shot one: the embeddings of the classes' texts, times the encoder's own
scale of similarities (Wortsman et al., CVPR 2022, "Robust fine-tuning of zero-shot models"). Tower
and head are trained together. The loss is that of arXiv 2303.03052: cross-entropy on clean
pictures, plus a weight times the squared difference between the features that the trained and the
frozen tower give for other pictures, the *anchors*. The paper takes the mean over components of a
feature; here features have unit length and components are added up, 2 - 2 * similarity, so that a
weight means the same whatever a feature's width and length.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from isekai_gen.embeddings import FloatArray
from isekai_gen.errors import ModelError
from isekai_gen.models.finetune_tower import PictureRows, TunableTower, out_of_memory
from isekai_gen.models.quiet import quiet_libraries

if TYPE_CHECKING:
    import torch

_WARM_UP = 0.1
"""Share of the steps in which the learning rate rises from 0, before it falls along a cosine."""
_WEIGHT_DECAY = 0.1
_MOST_GRADIENT = 1.0
_ORDER, _ANCHORS = 0, 1


@dataclass(frozen=True)
class TuneSettings:
    """How long and how fast.

    Attributes:
        epochs: Times that every picture is shown.
        batch: Pictures per step.
        learning_rate: The highest.
        distill_weight: Of the difference of features beside the cross-entropy.
    """

    epochs: int
    batch: int
    learning_rate: float
    distill_weight: float

    def __post_init__(self) -> None:
        if min(self.epochs, self.batch) < 1 or self.learning_rate <= 0 or self.distill_weight < 0:
            raise ValueError(f"epochs, batch and rates must be over 0, got {self}")

    def steps(self, count: int) -> int:
        """Steps that `count` pictures make."""
        return self.epochs * math.ceil(count / self.batch)


@dataclass(frozen=True, eq=False)
class Anchors:
    """Pictures on which the tower is to stay as it was.

    Attributes:
        pictures: By number; None for the labeled pictures themselves.
        frozen: What the frozen tower gives for each, float32 [m, d], of length 1.
        of_picture: Numbers of the anchors of each labeled picture; may be empty.
    """

    pictures: PictureRows | None
    frozen: FloatArray
    of_picture: Sequence[Sequence[int]]


@dataclass(frozen=True, eq=False)
class Lesson:
    """What to learn, and what to stay near to meanwhile.

    Attributes:
        pictures: By number.
        labels: Class of each, int64 [n].
        anchors: Or None for cross-entropy alone.
    """

    pictures: PictureRows
    labels: npt.NDArray[np.int64]
    anchors: Anchors | None = None


@dataclass(frozen=True, eq=False)
class Batch:
    """One batch: numbers of labeled pictures, and of one anchor for each that has any."""

    pictures: list[int]
    anchors: list[int]


def zero_shot_head(tower: TunableTower, texts: FloatArray) -> FloatArray:
    """The head to begin with: float32 [classes, d].

    Args:
        tower: Whose scale is used.
        texts: float32 [classes, d], unit rows: one for each class.
    """
    head: FloatArray = (texts * np.float32(tower.logit_scale)).astype(np.float32)
    return head


def fine_tune(
    tower: TunableTower,
    head: FloatArray,
    lesson: Lesson,
    settings: TuneSettings,
    *,
    seed: int,
    advance: Callable[[int], None],
) -> FloatArray:
    """Train the tower, in place, and a head.

    Which pictures are in which batch depends on the seed and their number alone, so that runs with
    other anchors, or none, see the same batches.

    Args:
        tower: With the weights to begin with.
        head: To begin with, float32 [classes, d].
        lesson: What to learn.
        settings: How long and how fast.
        seed: Of the batches, at least 0.
        advance: Told after each step.

    Returns:
        The trained head, float32 [classes, d].

    Raises:
        ModelError: If the device runs out of memory or the loss is no longer a number.
    """
    import torch

    trained = torch.nn.Parameter(torch.from_numpy(head).to(tower.device))
    weights = [*tower.trainable(), trained]
    optimizer = torch.optim.AdamW(weights, lr=0.0, weight_decay=_WEIGHT_DECAY)
    count = len(lesson.labels)
    total = settings.steps(count)
    with quiet_libraries():
        for number, step in enumerate(batches(count, lesson.anchors, settings, seed)):
            rate = settings.learning_rate * rate_share(number, total)
            for group in optimizer.param_groups:
                group["lr"] = rate
            loss = _loss(tower, trained, lesson, step, settings.distill_weight)
            if not math.isfinite(float(loss)):
                raise ModelError(
                    f"fine-tuning diverged at step {number + 1} of {total}; lower --learning-rate"
                )
            _descend(optimizer, loss, weights, tower, settings.batch)
            advance(1)
    found: FloatArray = trained.detach().cpu().numpy()
    return found


def rate_share(step: int, total: int) -> float:
    """Share of the highest learning rate at a step, in (0, 1]: up a line, down half a cosine."""
    rising = max(1, round(total * _WARM_UP))
    if step < rising:
        return (step + 1) / rising
    return 0.5 * (1 + math.cos(math.pi * (step - rising) / max(1, total - rising)))


def batches(
    count: int, anchors: Anchors | None, settings: TuneSettings, seed: int
) -> Iterator[Batch]:
    """The batches of all epochs, every picture once in each.

    Args:
        count: Labeled pictures.
        anchors: Or None for none.
        settings: How many epochs, and how many pictures a batch.
        seed: Of the order and of who is whose anchor, at least 0.
    """
    for epoch in range(settings.epochs):
        order = np.random.default_rng([seed, epoch, _ORDER]).permutation(count).tolist()
        places = np.random.default_rng([seed, epoch, _ANCHORS]).random(count)
        for start in range(0, count, settings.batch):
            rows = order[start : start + settings.batch]
            of_row = {} if anchors is None else {row: anchors.of_picture[row] for row in rows}
            chosen = [each[int(places[row] * len(each))] for row, each in of_row.items() if each]
            yield Batch(rows, chosen)


def _loss(
    tower: TunableTower,
    head: torch.Tensor,
    lesson: Lesson,
    step: Batch,
    weight: float,
) -> torch.Tensor:
    import torch

    features = tower.unit_features(lesson.pictures(step.pictures))
    labels = torch.from_numpy(lesson.labels[step.pictures]).to(tower.device)
    loss = torch.nn.functional.cross_entropy(features @ head.T, labels)
    anchors = lesson.anchors
    if anchors is None or not step.anchors:
        return loss
    now = (
        features
        if anchors.pictures is None
        else tower.unit_features(anchors.pictures(step.anchors))
    )
    before = torch.from_numpy(anchors.frozen[step.anchors]).to(tower.device)
    return loss + weight * (now - before).square().sum(dim=1).mean()


def _descend(
    optimizer: Any,  # noqa: ANN401 - of torch
    loss: torch.Tensor,
    weights: list[torch.nn.Parameter],
    tower: TunableTower,
    batch: int,
) -> None:
    import torch

    try:
        optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(weights, _MOST_GRADIENT)
        optimizer.step()
    except torch.OutOfMemoryError as error:
        raise out_of_memory(tower.device, batch) from error
