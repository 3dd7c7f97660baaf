"""Under which conditions a manifest is asked: shot counts, and ablations of the labels shown.

Shots are counted over all labels, as in the paper's tables: 2 shots are 1 of each side. Upstream's
code, and the option `--shots` of `manifest`, count one side.

Ablations as in the paper's (Tai et al., Link-Context Learning, CVPR 2024): a share of the labels
shown is false, or the label at one position. They are asked at the largest shot count.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from isekai_gen.errors import InputError
from isekai_gen.evaluation.rows import Row, SupportRow
from isekai_gen.manifests.upstream_draws import draw
from isekai_gen.records import Episode, NamedImage

MOST_SHOTS = 16
"""Without --shots: every count up to this, the paper's last column."""
FALSE_SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)
_STEP = "..."


@dataclass(frozen=True)
class Condition:
    """How the questions of one column or ablation are asked.

    Attributes:
        shots: Demonstrations, counted over all labels.
        false_labels: Share of them with a false label; None outside that ablation.
        false_position: 1-based place of the one with a false label; None outside that ablation.
    """

    shots: int
    false_labels: float | None = None
    false_position: int | None = None

    @property
    def is_plain(self) -> bool:
        """Whether all labels shown are as the manifest says."""
        return self.false_labels is None and self.false_position is None

    @property
    def title(self) -> str:
        """Such as "16 shots, false label at 3"."""
        title = f"{self.shots} shots"
        if self.false_labels is not None:
            title += f", {100 * self.false_labels:g} % false labels"
        if self.false_position is not None:
            title += f", false label at {self.false_position}"
        return title

    def applied(self, episode: Episode, seed: int) -> Episode:
        """The episode with the labels that this condition shows; the right answer stays."""
        count = len(episode.support)
        if self.false_labels is not None:
            # Half up; a larger share changes those of a smaller one, and more.
            changed = math.floor(self.false_labels * count + 0.5)
            places = draw(seed, f"false labels {episode.key}", range(count), changed)
        else:
            places = [] if self.false_position is None else [self.false_position - 1]
        support = list(episode.support)
        for place in places:
            support[place] = _renamed(support[place], episode, seed, place)
        return replace(episode, support=tuple(support))


def _renamed(shown: NamedImage, episode: Episode, seed: int, place: int) -> NamedImage:
    others = [label for label in episode.labels if label != shown.label]
    (label,) = draw(seed, f"false label {episode.key} {place}", others, 1)
    return replace(shown, label=label)


@dataclass(frozen=True)
class Ablations:
    """Which ablations are asked for.

    Attributes:
        false_shares: Shares of false labels, in [0, 1].
        positions: Whether a false label is shown at each position in turn.
    """

    false_shares: tuple[float, ...] = ()
    positions: bool = False


NO_ABLATIONS = Ablations()


def parse_shots(text: str) -> tuple[int, ...]:
    """Shot counts, ascending: "0,2,8", or with a gap to fill, "0,2,...,16".

    Raises:
        InputError: If it is no such list.
    """
    parts = [part.strip() for part in text.split(",")]
    shots: list[int] = []
    for place, part in enumerate(parts):
        if part == _STEP:
            shots += _gap(parts, place, text)
        elif re.fullmatch(r"\d{1,4}", part):
            shots.append(int(part))
        else:
            raise InputError(
                f"--shots {text!r}: {part!r} is no shot count; give them as in 0,2,4 or 0,2,...,16"
            )
    return tuple(sorted(set(shots)))


def _gap(parts: Sequence[str], place: int, text: str) -> range:
    around = [*parts[max(0, place - 2) : place], *parts[place + 1 : place + 2]]
    if len(around) == 3 and all(re.fullmatch(r"\d{1,4}", part) for part in around):
        before, start, stop = map(int, around)
        step = start - before
        if step > 0 and stop > start and (stop - start) % step == 0:
            return range(start + step, stop, step)
    raise InputError(
        f"--shots {text!r}: '...' must stand behind two rising counts and before one that their "
        "step reaches, as in 0,2,...,16"
    )


def parse_ablations(texts: Sequence[str]) -> Ablations:
    """Ablations as the option names them: "position", "false-labels", "false-labels=0,0.5,1".

    Raises:
        InputError: If one is unknown or a share is not in [0, 1].
    """
    shares: list[float] = []
    positions = False
    for text in texts:
        name, equals, values = text.partition("=")
        if name == "position" and not equals:
            positions = True
        elif name == "false-labels":
            shares += (
                [_share(value, text) for value in values.split(",")] if equals else FALSE_SHARES
            )
        else:
            raise InputError(
                f"--ablation {text!r} is unknown; there are position, false-labels and, with "
                "shares of your own, false-labels=0,0.5,1"
            )
    return Ablations(tuple(sorted(set(shares))), positions)


def _share(value: str, text: str) -> float:
    if re.fullmatch(r"\s*\d*\.?\d+\s*", value) and 0 <= float(value) <= 1:
        return float(value)
    raise InputError(f"--ablation {text!r}: {value!r} is no share from 0 to 1")


def plan_conditions(
    rows: Sequence[Row], shots: Sequence[int] | None, ablations: Ablations
) -> list[Condition]:
    """Every condition, in the order they are asked: by shots, then the ablations.

    Args:
        rows: Those that are asked, at least one.
        shots: As the user wants them; None for the paper's columns as far as the manifest goes.
            Episodes have theirs already.
        ablations: At the largest shot count.

    Raises:
        InputError: If the manifest cannot give a shot count, or there is nothing to ablate.
    """
    counts = _shot_counts(rows, shots)
    plain = [Condition(count) for count in counts]
    most = max(counts)
    if (ablations.false_shares or ablations.positions) and most == 0:
        raise InputError("--ablation changes labels of demonstrations; 0 shots have none")
    shares = [Condition(most, false_labels=share) for share in ablations.false_shares]
    places = range(1, most + 1) if ablations.positions else ()
    return [*plain, *shares, *(Condition(most, false_position=place) for place in places)]


def _shot_counts(rows: Sequence[Row], shots: Sequence[int] | None) -> list[int]:
    support_rows = [row for row in rows if isinstance(row, SupportRow)]
    if not support_rows:
        if shots is not None:
            raise InputError("the manifest holds episodes, with shots of their own; omit --shots")
        return sorted({len(row.support) for row in rows if isinstance(row, Episode)})
    # Two labels each: neither ISEKAI nor lcl-test has more.
    most = min(row.most_shots for row in support_rows)
    if shots is None:
        return list(range(0, min(most, MOST_SHOTS) + 1, 2))
    for count in shots:
        if count % 2:
            raise InputError(
                f"--shots {count}: shots count both sides, as in the paper (2 are 1 + 1), so "
                f"they are even; did you mean {2 * count}?"
            )
        if count > most:
            raise InputError(
                f"--shots {count}: the manifest can give {most} ({most // 2} of each side) at "
                "most; write it again with more"
            )
    return list(shots)
