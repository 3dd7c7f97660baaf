"""Run an encoder's network on batches of one fixed number of rows, without waiting for a GPU."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from isekai_gen.embeddings import FloatArray, normalized
from isekai_gen.errors import ModelError
from isekai_gen.models.encoder_protocols import PendingVectors
from isekai_gen.models.quiet import quiet_libraries

if TYPE_CHECKING:
    import torch

BATCH_ROWS = {"cpu": 32, "cuda": 256}
"""Kind of device to the rows of every batch, which an embedding's bits depend on.

A GPU takes many rows at once, or it would mostly wait for the next kernel to be launched.
"""


@dataclass(frozen=True, eq=False)
class EncodedBatch:
    """Vectors of one batch on their way to the CPU (`PendingVectors`).

    Attributes:
        vectors: float32 [rows, d], on the CPU, whole once `copied` has come to pass.
        count: Rows that are no padding.
        copied: Marks the end of the copy; None if there is nothing to wait for.
    """

    vectors: torch.Tensor
    count: int
    copied: torch.cuda.Event | None

    @property
    def dim(self) -> int:
        """Length of a vector."""
        return int(self.vectors.shape[1])

    def result(self) -> FloatArray:
        """The vectors, of unit length, without the padding; waits for them."""
        if self.copied is not None:
            self.copied.synchronize()
        try:
            return normalized(self.vectors.numpy()[: self.count])
        except ValueError as error:
            raise ModelError(f"the encoder gave an embedding that is unusable: {error}") from error

    def raw(self) -> FloatArray:
        """The vectors as the encoder gave them, without the padding; waits for them."""
        self.result()  # the same faults are refused
        vectors: FloatArray = self.vectors.numpy()[: self.count]
        return vectors


def new_batch(
    device: torch.device, shape: tuple[int, ...], dtype: torch.dtype, rows: int | None = None
) -> torch.Tensor:
    """An empty batch on the CPU, from where a copy to the device need not be waited for.

    torch reuses such memory only after copies from it have ended.

    Args:
        device: Where the batch will go.
        shape: Of one row.
        dtype: Of its numbers.
        rows: How many; None for all of the device's batch.
    """
    import torch

    count = BATCH_ROWS[device.type] if rows is None else rows
    return torch.empty((count, *shape), dtype=dtype, pin_memory=device.type == "cuda")


def start_batch(
    encode: Callable[[torch.Tensor], torch.Tensor],
    batch: torch.Tensor,
    count: int,
    device: torch.device,
) -> EncodedBatch:
    """Begin to encode a batch.

    Args:
        encode: From inputs on the device to vectors [rows, d].
        batch: Inputs, padded: on the CPU, from `new_batch`, or on the device already.
        count: Rows that are no padding.
        device: Where to encode.

    Raises:
        ModelError: If the device runs out of memory, or the model cannot take the batch.
    """
    import torch

    try:
        with quiet_libraries(), torch.inference_mode():
            found = _checked(encode(batch.to(device, non_blocking=True)), len(batch)).float()
            vectors = new_batch(device, tuple(found.shape[1:]), torch.float32, len(found))
            vectors.copy_(found, non_blocking=True)
    except torch.OutOfMemoryError as error:
        raise ModelError(
            f"out of memory on {device} with {len(batch)} inputs at once; use a smaller encoder "
            "or a device with more memory"
        ) from error
    except RuntimeError as error:
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        # The last line of what TorchScript raises says what went wrong, those before it where.
        detail = lines[-1][:300] if lines else type(error).__name__
        raise ModelError(
            f"the encoder cannot take {len(batch)} inputs of shape {list(batch.shape[1:])} "
            f"({detail}); check what it was made for"
        ) from error
    copied = None
    if device.type == "cuda":
        copied = torch.cuda.Event()  # type: ignore[no-untyped-call]
        copied.record(torch.cuda.current_stream(device))
    return EncodedBatch(vectors, count, copied)


def _checked(found: object, rows: int) -> torch.Tensor:
    """What an encoder gave, if it is one vector for each input."""
    import torch

    if not isinstance(found, torch.Tensor):
        raise ModelError(
            f"the encoder gave a {type(found).__name__} and no tensor; it must give one vector for "
            "each input"
        )
    if found.ndim != 2 or len(found) != rows or not found.shape[1]:
        raise ModelError(
            f"the encoder gave a tensor of shape {list(found.shape)} for {rows} inputs; it must "
            f"be [{rows}, d], one vector for each input"
        )
    if not found.is_floating_point():
        raise ModelError(f"the encoder gave numbers of type {found.dtype}; they must be floats")
    return found


def joined_vectors(pending: Iterable[PendingVectors], dim: int) -> FloatArray:
    """The vectors of all batches; each is waited for only once the next one has been started."""
    late = LateVectors()
    for each in pending:
        late.add(each)
    return late.all(dim)


class LateVectors:
    """Collects the vectors of batches, each only once the next one has been started."""

    def __init__(self) -> None:
        self._rows: list[FloatArray] = []
        self._pending: PendingVectors | None = None

    def add(self, pending: PendingVectors) -> None:
        """Wait for the batch before this one.

        Raises:
            ModelError: If an embedding of it is unusable.
        """
        self._fetch()
        self._pending = pending

    def all(self, dim: int) -> FloatArray:
        """The vectors of all batches: float32 [n, dim].

        Raises:
            ModelError: If an embedding of the last batch is unusable.
        """
        self._fetch()
        return np.concatenate(self._rows) if self._rows else np.zeros((0, dim), dtype=np.float32)

    def _fetch(self) -> None:
        if self._pending is not None:
            self._rows.append(self._pending.result())
            self._pending = None
