"""What `concepts propose` is asked, which of it makes two runs the same, and what it comes to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from isekai_gen.hashing import file_sha256
from isekai_gen.proposals.llm_settings import LlmLimits
from isekai_gen.proposals.records import Proposal, Refusal
from isekai_gen.settings import STARTER

MIN_IMAGES = 4
"""Fewest images of a concept for a look: with fewer, chance alone could explain any difference."""


@dataclass(frozen=True)
class LlmRequest:
    """A language model that proposes.

    Attributes:
        address: "openai:BASE_URL#MODEL".
        limits: How much it is asked, and how.
    """

    address: str
    limits: LlmLimits = field(default_factory=LlmLimits)

    def identity(self) -> dict[str, Any]:
        """What its answers depend on, JSON-ready."""
        return {
            "llm": self.address,
            "answer-format": self.limits.answer_format,
            "groups-per-call": self.limits.groups_per_call,
            "groups-per-round": self.limits.groups_per_round,
            "temperature": self.limits.chat.temperature,
            "max-tokens": self.limits.chat.max_tokens,
            "leave-out": self.limits.left_out,
        }


@dataclass(frozen=True)
class LookRequest:
    """How proposed groups are drawn and looked at.

    Attributes:
        model: Image generator, as `generate` takes it.
        images_per_concept: Drawn of each concept; >= `MIN_IMAGES`.
        rounds: How often new groups are drawn and judged at most; > 0.
        num_inference_steps: Denoising steps; None for the model's own.
        devices: Device names to draw on; () for all there are.
    """

    model: str = STARTER
    images_per_concept: int = 4
    rounds: int = 3
    num_inference_steps: int | None = None
    devices: tuple[str, ...] = ()

    def identity(self) -> dict[str, Any]:
        """What its images depend on, JSON-ready; `devices` only as far as profiles do."""
        return {
            "look": True,
            "model": _named(self.model),
            "images-per-concept": self.images_per_concept,
            "num-inference-steps": self.num_inference_steps,
        }


@dataclass(frozen=True)
class ProposeRequest:
    """What the user asked of `concepts propose`.

    Attributes:
        file: The catalog to write.
        wanted: Groups it shall have; > 0.
        from_: Domains or names that bodies come from; () for all.
        with_: Domains or names that lend parts; () for all.
        avoid: Names or domains that take no part.
        parents: The user's own list of real things; None for ImageNet's.
        seed: Of everything random.
        encoder: Whose text embeddings tell what is alike, as `embed` takes it.
        name: Of the catalog; None for the file's.
        start: A catalog whose groups stand already; None to begin with nothing.
        templates: Prompt templates that prompts are measured and drawn with; None for those
            shipped for the model.
        llm: The language model that proposes; None for the offline engine.
        look: Whether and how groups are drawn and looked at; None for not.
    """

    file: Path
    wanted: int = 20
    from_: tuple[str, ...] = ()
    with_: tuple[str, ...] = ()
    avoid: tuple[str, ...] = ()
    parents: Path | None = None
    seed: int = 0
    encoder: str = STARTER
    name: str | None = None
    start: Path | None = None
    templates: Path | None = None
    llm: LlmRequest | None = None
    look: LookRequest | None = None

    @property
    def folder(self) -> Path:
        """Where the records lie: the file without its suffix, and ".proposals"."""
        return self.file.with_name(f"{self.file.stem}.proposals")

    @property
    def catalog_name(self) -> str:
        """The catalog's name."""
        return self.file.stem if self.name is None else self.name

    def identity(self) -> dict[str, Any]:
        """All that the result depends on, JSON-ready: runs with the same may continue each other.

        Budgets (calls, looks) are left out: a run that stopped at one goes on with a larger one.
        So are paths: files count by their content.
        """
        return {
            "name": self.catalog_name,
            "n": self.wanted,
            "from": list(self.from_),
            "with": list(self.with_),
            "avoid": list(self.avoid),
            "parents": _digest(self.parents),
            "seed": self.seed,
            "encoder": _named(self.encoder),
            "start": _digest(self.start),
            "templates": _digest(self.templates),
            **({"llm": None} if self.llm is None else self.llm.identity()),
            **({"look": False} if self.look is None else self.look.identity()),
        }


def _named(model: str) -> str:
    """A model's name; that of a local one without the folders of this machine."""
    return Path(model).name if Path(model).exists() else model


def _digest(path: Path | None) -> str | None:
    return None if path is None else file_sha256(path)


@dataclass(frozen=True)
class ProposeOutcome:
    """What came of it; proposed = accepted + refused.

    Attributes:
        file: The catalog; None if not one group was found.
        folder: The records.
        wanted: Groups asked for.
        accepted: Groups of the catalog, in its order.
        refused: Proposals that were not taken, in the order they were refused.
        rounds: How often the engine was asked.
        looks: How often groups were drawn and looked at.
        stopped: Why groups are missing, and what to do; "" if none is.
        spent: What a language model was asked and what that cost; empty for the offline engine.
        worked: Whether anything was left to do.
    """

    file: Path | None
    folder: Path
    wanted: int
    accepted: Sequence[Proposal]
    refused: Sequence[Refusal]
    rounds: int
    looks: int
    stopped: str
    spent: Mapping[str, Any]
    worked: bool

    @property
    def missing(self) -> int:
        """Groups that were not found."""
        return self.wanted - len(self.accepted)

    @property
    def reasons(self) -> dict[str, int]:
        """Code to how many proposals it refused, most first; each counts under its first."""
        first = (next(f.code for f in refusal.findings if f.refuses) for refusal in self.refused)
        return dict(sorted(Counter(first).items(), key=lambda entry: (-entry[1], entry[0])))

    def to_json(self) -> dict[str, Any]:
        """A JSON-ready dict."""
        return {
            "file": None if self.file is None else str(self.file),
            "folder": str(self.folder),
            "wanted": self.wanted,
            "proposed": len(self.accepted) + len(self.refused),
            "accepted": len(self.accepted),
            "refused": len(self.refused),
            "refused_by": self.reasons,
            "missing": self.missing,
            "rounds": self.rounds,
            "looks": self.looks,
            "stopped": self.stopped,
            "spent": dict(self.spent),
            "groups": [
                {"fictional": asdict(each.fictional), "real": asdict(each.real)}
                for each in self.accepted
            ],
        }
