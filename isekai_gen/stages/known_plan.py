"""What the plan on disk holds: the id of every planned image, found by concept and index."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from isekai_gen.stages.plan_lines import ID_DIGITS, PlannedHead

_NONE = bytes(ID_DIGITS)


class KnownPlan:
    """Ids by concept and index, 20 bytes each: a plan may have millions.

    Attributes:
        total: Images planned.
    """

    def __init__(self, heads: Iterable[PlannedHead] = ()) -> None:
        self.total = 0
        self._ids: dict[str, bytearray] = {}
        self.add(heads)

    @property
    def counts(self) -> Mapping[str, int]:
        """Concept slug to the number after its highest index."""
        return {slug: len(ids) // ID_DIGITS for slug, ids in self._ids.items()}

    def add(self, heads: Iterable[PlannedHead]) -> None:
        """Take the images of one more part.

        Raises:
            ValueError: If an index of a concept is planned twice.
        """
        for concept, image_id, number in heads:
            start = int(number) * ID_DIGITS
            ids = self._ids.setdefault(concept.decode(), bytearray())
            if start >= len(ids):
                # Indices in between come in a later part, or were lost when a commit was killed.
                ids.extend(bytes(start + ID_DIGITS - len(ids)))
            elif ids[start : start + ID_DIGITS] != _NONE:
                raise ValueError(f"{concept.decode()} #{int(number)} is planned twice")
            ids[start : start + ID_DIGITS] = image_id
            self.total += 1

    def id_of(self, concept: str, index: int) -> bytes:
        """20 hex digits, or b"" if no such image is planned."""
        ids = self._ids.get(concept, b"")
        image_id = bytes(ids[index * ID_DIGITS : (index + 1) * ID_DIGITS])
        return b"" if image_id == _NONE else image_id
