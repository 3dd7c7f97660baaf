"""Which shards wait, which are redone, and what is counted: the same for every engine."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from isekai_gen.executors.contract import OnProgress, ShardResult, WorkerError

# A shard that ended three workers is at fault itself, or the machine is.
MAX_REDONE = 2
_CONTINUE = "finished work is safe: run again to continue"


@dataclass
class _Counted:
    """Images and failures of one shard: in this attempt, and told to the caller in all."""

    images: int = 0
    failed: int = 0
    told_images: int = 0
    told_failed: int = 0

    def untold(self) -> tuple[int, int]:
        """What to tell now; what an earlier attempt told already is not told twice."""
        images = max(0, self.images - self.told_images)
        failed = max(0, self.failed - self.told_failed)
        self.told_images += images
        self.told_failed += failed
        return images, failed


@dataclass
class ShardQueue:
    """Hands out shards, takes back those of lost workers, and collects results.

    Attributes:
        parts: Numbers of the shards, in the order to hand them out.
        on_progress: Told of images done.
    """

    parts: Sequence[int]
    on_progress: OnProgress
    _waiting: deque[int] = field(init=False)
    _results: dict[int, ShardResult] = field(default_factory=dict)
    _counted: dict[int, _Counted] = field(default_factory=dict)
    _losses: dict[int, list[str]] = field(default_factory=dict)
    _failed_starts: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self._waiting = deque(self.parts)

    @property
    def finished(self) -> bool:
        """Whether every shard has its result."""
        return len(self._results) == len(self.parts)

    def take(self) -> int | None:
        """The next shard to work on, or None if none waits now."""
        return self._waiting.popleft() if self._waiting else None

    def advance(self, part: int, images: int, failed: int, device: str) -> None:
        """Pass on what a worker reports, unless an earlier worker reported it already."""
        counted = self._counted.setdefault(part, _Counted())
        counted.images += images
        counted.failed += failed
        new_images, new_failed = counted.untold()
        if new_images or new_failed:
            self.on_progress(new_images, new_failed, device)

    def finish(self, result: ShardResult) -> None:
        """Note a result, with what happened to the shard before."""
        losses = tuple(
            f"shard {result.part}: {how}; a fresh worker did it"
            for how in self._losses.pop(result.part, [])
        )
        self._results[result.part] = replace(result, messages=(*losses, *result.messages))

    def give_back(self, part: int, how: str) -> None:
        """Have the shard of a lost worker done by another.

        Args:
            part: The shard it had in hand.
            how: What became of the worker.

        Raises:
            WorkerError: If the shard was redone `MAX_REDONE` times already.
        """
        losses = self._losses.setdefault(part, [])
        losses.append(how)
        if len(losses) > MAX_REDONE:
            raise WorkerError(
                f"shard {part} lost {len(losses)} workers, the last: {how}; {_CONTINUE}"
            )
        counted = self._counted.setdefault(part, _Counted())
        counted.images = counted.failed = 0
        self._waiting.appendleft(part)

    def start_failed(self, device: str, how: str) -> None:
        """Note a worker that was lost before it could take a shard.

        Raises:
            WorkerError: If that happened on this device `MAX_REDONE` times in a row already.
        """
        self._failed_starts[device] += 1
        if self._failed_starts[device] > MAX_REDONE:
            raise WorkerError(f"{how} while it was starting, for the third time; {_CONTINUE}")

    def started(self, device: str) -> None:
        """Note a worker that is ready for its first shard."""
        self._failed_starts[device] = 0

    def results(self) -> list[ShardResult]:
        """All results, in the order of `parts`."""
        return [self._results[part] for part in self.parts]
