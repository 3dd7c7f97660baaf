"""How episodes are drawn: the training strategies of Link-Context Learning, and its ablations.

The strategies are those of Tai et al., "Link-Context Learning for Multimodal LLMs", CVPR 2024.
Shots are images per label, as in the paper's code; the paper's text counts both sides, so its
"16-shot" evaluation is `shots=8` of two ways here, and its training with 16 shots is taken as in
the code: 16 a label.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from decimal import ROUND_HALF_UP, Decimal, localcontext
from functools import cached_property
from typing import Any, Literal, get_args

from isekai_gen.errors import ManifestError

Strategy = Literal["2-way", "2-way-random", "2-way-weight", "mix"]
Relabel = Literal["positive", "all", "none"]
STRATEGIES: tuple[Strategy, ...] = get_args(Strategy)
RELABELS: tuple[Relabel, ...] = get_args(Relabel)
LEAST_SHOTS = 2
"""The fewest shots where a strategy varies them."""
_VARIED = ("2-way-random", "2-way-weight")
_FIXED_EPOCHS, _VARIED_EPOCHS = 1, 10
_WEIGHT_SCALE = 1 << 53


@dataclass(frozen=True)
class EpisodePlan:
    """What every episode follows from, beside its source and its number.

    Attributes:
        strategy: "2-way" and "mix" always have `shots` shots; "2-way-random" and "2-way-weight"
            have them in the first epochs, and then 2 to `shots`: each number as likely as the
            others, or the number k in proportion to e^k.
        episodes: How many; > 0.
        seed: Of all draws; >= 0.
        ways: Classes in an episode, >= 2: the positive one, and negatives from its neighbors.
        shots: Support images per label, >= 0.
        relabel: Whose names are replaced by random words, so that they can be learned from the
            support set only: those of the positive class (as in the paper's code), all, or none.
        fixed_epochs: First epochs, all with `shots` shots; for strategies that vary them; None
            for 1.
        varied_epochs: Epochs after those, with 2 to `shots` shots; None for the paper's 10. Both
            together are all episodes: an epoch is an equal part of them, to within one episode.
        false_labels: Share of an episode's support images that get another way's label, in [0, 1].
        flip_position: 1-based place in the support set whose image gets another way's label; None
            for no such place.
    """

    strategy: Strategy
    episodes: int
    seed: int = 0
    ways: int = 2
    shots: int = 16
    relabel: Relabel = "positive"
    fixed_epochs: int | None = None
    varied_epochs: int | None = None
    false_labels: float = 0.0
    flip_position: int | None = None

    def __post_init__(self) -> None:
        fault = self._fault_of_numbers() or self._fault_of_epochs() or self._fault_of_ablation()
        if fault:
            raise ManifestError(f"strategy {self.strategy!r}: {fault}")

    @property
    def varies_shots(self) -> bool:
        """Whether later epochs have fewer shots."""
        return self.strategy in _VARIED

    @property
    def least_shots(self) -> int:
        """The fewest shots that an episode has."""
        return LEAST_SHOTS if self.varies_shots and self._varied else self.shots

    def has_fixed_shots(self, index: int) -> bool:
        """Whether the episode is in one of the first epochs."""
        if not self.varies_shots:
            return True
        return index * (self._fixed + self._varied) // self.episodes < self._fixed

    @cached_property
    def shot_weights(self) -> tuple[int, ...]:
        """How likely 2, 3, ... `shots` shots are, where they vary, as whole numbers."""
        numbers = range(LEAST_SHOTS, self.shots + 1)
        if self.strategy == "2-way-random":
            return (1,) * len(numbers)
        # Decimal's exponential is rounded correctly, so it is the same on every machine.
        with localcontext() as exact:
            exact.prec = 40
            return tuple(int(Decimal(k - self.shots).exp() * _WEIGHT_SCALE) for k in numbers)

    def false_count(self, support: int) -> int:
        """How many of `support` images get a false label: their share, halves rounded up."""
        if self.flip_position is not None:
            return 1
        share = Decimal(str(self.false_labels)) * support
        return int(share.quantize(Decimal(1), rounding=ROUND_HALF_UP))

    def to_json(self) -> dict[str, Any]:
        """Its fields, and what epochs they come to; `EpisodePlan(**fields)` is the plan again."""
        return {
            **asdict(self),
            "fixed_epochs": self._fixed if self.varies_shots else None,
            "varied_epochs": self._varied if self.varies_shots else None,
        }

    @property
    def _fixed(self) -> int:
        return _FIXED_EPOCHS if self.fixed_epochs is None else self.fixed_epochs

    @property
    def _varied(self) -> int:
        return _VARIED_EPOCHS if self.varied_epochs is None else self.varied_epochs

    def _fault_of_numbers(self) -> str:
        if self.strategy not in STRATEGIES:
            return f"is unknown; choose one of {', '.join(STRATEGIES)}"
        if self.relabel not in RELABELS:
            return f"relabel {self.relabel!r} is unknown; choose one of {', '.join(RELABELS)}"
        for name, least in (("episodes", 1), ("seed", 0), ("ways", 2), ("shots", 0)):
            if getattr(self, name) < least:
                return f"{name} must be at least {least}, not {getattr(self, name)}"
        if self.varies_shots and self.shots < LEAST_SHOTS:
            return f"shots vary from {LEAST_SHOTS} upwards; raise --shots from {self.shots}"
        return ""

    def _fault_of_epochs(self) -> str:
        given = [self.fixed_epochs, self.varied_epochs]
        if not self.varies_shots:
            return (
                "has no epochs; leave out --fixed-epochs and --varied-epochs"
                if any(number is not None for number in given)
                else ""
            )
        if min(self._fixed, self._varied) < 0 or self._fixed + self._varied < 1:
            return f"epochs must be at least 0, and 1 together, not {self._fixed}, {self._varied}"
        return ""

    def _fault_of_ablation(self) -> str:
        if not 0 <= self.false_labels <= 1:
            return f"the share of false labels must be in [0, 1], not {self.false_labels}"
        if self.false_labels and self.flip_position is not None:
            return "choose one of --false-labels and --flip-position"
        support = self.ways * self.least_shots
        if self.false_labels and not support:
            return "zero shots have no labels that could be false; leave out --false-labels"
        if self.flip_position is not None and not 1 <= self.flip_position <= support:
            return (
                f"--flip-position {self.flip_position} is not in every support set: the smallest "
                f"has {support} images ({self.ways} ways, {self.least_shots} shots)"
            )
        return ""
