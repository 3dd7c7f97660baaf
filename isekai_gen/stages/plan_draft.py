"""A plan in the making: what is new is staged, to take its place all at once.

Nothing of it counts before it is committed, so a plan that turns out to be wrong (a prompt too
long, images lost) leaves no trace.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from isekai_gen.stages.known_plan import KnownPlan
from isekai_gen.stages.packing import Packer
from isekai_gen.stages.plan_lines import PlannedLine
from isekai_gen.storage import write_staged


@dataclass(frozen=True)
class DraftPart:
    """One staged part.

    Attributes:
        path: Where it is staged.
        digest: SHA-256 of its bytes.
        by_concept: Concept slug to images.
        micro_batches: Micro-batches that its images fill.
    """

    path: Path
    digest: str
    by_concept: Counter[str]
    micro_batches: int


class PlanDraft:
    """Takes planned images one by one, and stages parts of those that are new.

    Attributes:
        parts: Staged so far.
        planned: Images taken.
        kept: Of these, images that were known by concept and index; they stay as they were.
        changed: Of these, images that would have another id if they were planned now.
    """

    def __init__(
        self, folder: Path, known: KnownPlan, micro_batch_size: int, shard_size: int
    ) -> None:
        """Begin a draft.

        Args:
            folder: Where parts are staged.
            known: Images that are on disk already.
            micro_batch_size: Rows of a micro-batch.
            shard_size: Images of a part; rounded down to whole micro-batches, at least one.
        """
        self.parts: list[DraftPart] = []
        self.planned = 0
        self.kept = 0
        self.changed = 0
        self._folder = folder
        self._known = known
        self._packer = Packer(micro_batch_size)
        self._batches_per_part = max(1, shard_size // micro_batch_size)
        self._batches: list[list[PlannedLine]] = []
        self._ids = hashlib.sha256()

    @property
    def lost(self) -> int:
        """Known images that would not be planned now; final after `finish`."""
        return self._known.total - self.kept + self.changed

    @property
    def added(self) -> int:
        """Images taken that were not known."""
        return self.planned - self.kept

    @property
    def micro_batches(self) -> int:
        """Micro-batches that the new images fill."""
        return sum(part.micro_batches for part in self.parts)

    @property
    def fingerprint(self) -> str:
        """SHA-256 over the ids of all images taken, in order, as they would be planned now."""
        return self._ids.hexdigest()

    def add(self, planned: PlannedLine) -> bool:
        """Take the next image; returns whether it is new."""
        image_id = planned.image_id
        self.planned += 1
        self._ids.update(image_id)
        before = self._known.id_of(planned.concept, planned.number)
        if before:
            self.kept += 1
            self.changed += before != image_id
            return False
        full = self._packer.add(planned)
        if full is not None:
            self._add_batch(full)
        return True

    def finish(self) -> None:
        """Stage what is left; to be called once, after the last image."""
        for batch in self._packer.rest():
            self._add_batch(batch)
        if self._batches:
            self._stage()

    def _add_batch(self, batch: list[PlannedLine]) -> None:
        self._batches.append(batch)
        if len(self._batches) == self._batches_per_part:
            self._stage()

    def _stage(self) -> None:
        lines = [planned for batch in self._batches for planned in batch]
        content = b"".join([planned.text for planned in lines])
        path = self._folder / f"part-{len(self.parts):05d}"
        write_staged(path, content)
        by_concept = Counter([planned.concept for planned in lines])
        digest = hashlib.sha256(content).hexdigest()
        self.parts.append(DraftPart(path, digest, by_concept, len(self._batches)))
        self._batches = []
