"""The engine that asks a language model: planner, maker and critic in turns.

Each round the model first plans which combinations the slate lacks, with the findings of the
checks as the words of its critic, then writes the entries, then replaces those that cannot be
taken (LLM-aided visual reasoning: a model as planner, tools as critics, several rounds). What it
answers is only text: cut out, checked and never run.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Sequence
from pathlib import Path

from isekai_gen.prompts.imagenet_names import ImageNetNames
from isekai_gen.proposals.llm_asking import BudgetSpentError, LlmAsker
from isekai_gen.proposals.llm_prompts import Brief
from isekai_gen.proposals.llm_round import Round
from isekai_gen.proposals.llm_settings import LlmLimits, LlmTotals, LlmWishes
from isekai_gen.proposals.llm_unused import UnusedRecord
from isekai_gen.proposals.records import Proposal, Slate

logger = logging.getLogger(__name__)
_EXAMPLES = 30


class LlmEngine:
    """Proposes what a language model makes up (`ProposalEngine`).

    What it asks follows from its settings and the slate alone, and what was answered once is found
    in the record: played again, the same rounds give the same proposals and cost nothing. The
    budget is no part of a request, so that a run that spent it goes on with a larger one.

    Attributes:
        name: "openai:HOST#MODEL".
        stopped: Why there are no further proposals, for people; "" as long as there may be.
    """

    def __init__(
        self,
        address: str,
        limits: LlmLimits,
        folder: Path,
        seed: int,
        wishes: LlmWishes,
        imagenet: ImageNetNames,
    ) -> None:
        """Nothing is asked yet.

        Args:
            address: "openai:BASE_URL#MODEL"; its key is taken from the environment.
            limits: How much is asked, and how.
            folder: For `calls.jsonl`, `calls-sent.jsonl` and `unusable.jsonl`; made when needed.
                The caller holds a lock on it.
            seed: Of the server's sampling and of the examples shown to the model.
            wishes: What the groups shall be made of.
            imagenet: Tells which class a real thing is.

        Raises:
            ModelError: If the address is none, or the key in the environment is no key.
            ChecksumError: If the record of earlier calls is damaged.
        """
        self._asker = LlmAsker(address, limits, folder, seed)
        self._limits = limits
        self._record = UnusedRecord(folder)
        self._seed = seed
        self._wishes = wishes
        self._imagenet = imagenet
        self.name = self._asker.name
        self.stopped = ""

    @property
    def totals(self) -> LlmTotals:
        """What was asked and answered so far, earlier runs in the folder included."""
        return self._asker.totals

    def propose(self, slate: Slate) -> Sequence[Proposal]:
        """Further proposals, `groups_per_round` at most; [] if `stopped` says why.

        Raises:
            ModelError: If the server cannot be used, or a call failed after all its tries; the
                same settings and folder go on from there.
            StorageError: If a call cannot be recorded.
        """
        self.stopped = ""
        complaints: tuple[str, ...] = ()
        for _ in range(self._limits.max_fruitless if slate.missing > 0 else 0):
            played = self._play(slate, complaints)
            if played.proposals or self.stopped:
                return played.proposals
            complaints += tuple(each.reason for each in played.unused) or ("it was empty",)
        if slate.missing > 0:
            self.stopped = (
                f"{self._limits.max_fruitless} rounds in a row gave no usable entry (the last: "
                f"{complaints[-1]}); try another model, or look at {self._record.path}"
            )
        return []

    def _play(self, slate: Slate, complaints: tuple[str, ...]) -> Round:
        brief = self._brief(slate, complaints)
        played = Round(self._asker, brief, self._imagenet, self._limits.groups_per_call)
        try:
            played.play()
        except BudgetSpentError:
            self.stopped = (
                f"the budget of {self._limits.max_calls} calls is spent; allow more and run this "
                "again to go on"
            )
        self._record.add(played.unused)
        logger.info("%s: %d proposals; %s", self.name, len(played.proposals), self.totals)
        return played

    def _brief(self, slate: Slate, complaints: tuple[str, ...]) -> Brief:
        # Other examples in each round, the same whenever the same round is played.
        standing = f"{self._seed} {len(slate.accepted)} {len(slate.refused)}"
        return Brief(
            slate=slate,
            wishes=self._wishes,
            count=min(slate.missing, self._limits.groups_per_round),
            bodies=_examples(self._wishes.bodies, f"{standing} bodies"),
            lenders=_examples(self._wishes.lenders, f"{standing} lenders"),
            complaints=complaints,
        )


def _examples(names: tuple[str, ...], seed: str) -> tuple[str, ...]:
    """Some of the names by chance, in their order."""
    if len(names) <= _EXAMPLES:
        return names
    chosen = sorted(random.Random(seed).sample(range(len(names)), _EXAMPLES))
    return tuple(names[place] for place in chosen)
