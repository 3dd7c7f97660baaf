"""An evaluation as a whole, and results.json: everything that the tables and the plot are made of.

Nothing in it tells the time or the machine, so that a run that was killed and went on, or one that
found all answers in the cache, gives the same bytes as one that went through.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from isekai_gen.evaluation.conditions import Condition
from isekai_gen.evaluation.metrics import METRICS_VERSION
from isekai_gen.evaluation.published import SOURCE, PublishedTable, published_table
from isekai_gen.evaluation.rows import EvaluationSet
from isekai_gen.evaluation.scores import Chance, ConditionScores, TokenCounts
from isekai_gen.evaluation.shortcut import Shortcuts
from isekai_gen.manifests.conversation_words import EpisodeWords
from isekai_gen.models.chat_requests import ChatPrices
from isekai_gen.records import SCHEMA
from isekai_gen.tool_version import tool_version


@dataclass(frozen=True, eq=False)
class ModelScores:
    """One model's answers.

    Attributes:
        name: Such as "clip:starter".
        identity: Names all that its answers depend on.
        conditions: In the order they were asked.
        prices: What its server charges, if the user said.
    """

    name: str
    identity: str
    conditions: Sequence[ConditionScores]
    prices: ChatPrices | None = None

    @property
    def plain(self) -> list[ConditionScores]:
        """Those without ablation: the accuracy over shots."""
        return [scores for scores in self.conditions if scores.condition.is_plain]

    @property
    def ablations(self) -> list[ConditionScores]:
        """The others."""
        return [scores for scores in self.conditions if not scores.condition.is_plain]

    @property
    def tokens(self) -> TokenCounts:
        """What all answers took, each counted once."""
        return TokenCounts.of(each for scores in self.conditions for each in scores.scored)

    @property
    def cost(self) -> float | None:
        """Price of the tokens, in the currency of the prices; None if either is not known."""
        tokens = self.tokens
        if self.prices is None or tokens.prompt_tokens is None:
            return None
        return self.prices.cost(tokens.prompt_tokens, tokens.completion_tokens or 0)

    def to_json(self, metrics: Sequence[str]) -> dict[str, Any]:
        """What results.json says of this model."""
        return {
            "name": self.name,
            "identity": self.identity,
            **asdict(self.tokens),
            "cost": self.cost,
            "conditions": [each.to_json(metrics) for each in self.conditions],
        }


@dataclass(frozen=True, eq=False)
class Evaluation:
    """One or more models on one manifest, all asked the same.

    Attributes:
        asked: The manifest.
        rows_asked: Rows of it that were asked, at every shot count.
        seed: Of order, sample and ablations.
        words: How episodes were put in words.
        metrics: Names of metrics, at least one.
        chance: What answers reach that look at nothing.
        models: At least one.
        shortcuts: What was found with counterfactual samples; None if none were asked.
    """

    asked: EvaluationSet
    rows_asked: int
    seed: int
    words: EpisodeWords
    metrics: Sequence[str]
    chance: Chance
    models: Sequence[ModelScores]
    shortcuts: Shortcuts | None = None

    @property
    def conditions(self) -> list[Condition]:
        """The conditions that every model was asked under."""
        return [scores.condition for scores in self.models[0].conditions]

    @property
    def shots(self) -> list[int]:
        """Columns of the tables."""
        return [condition.shots for condition in self.conditions if condition.is_plain]

    @property
    def published(self) -> PublishedTable | None:
        """The paper's table for such a manifest, if there is one."""
        return published_table(self.asked)

    def to_json(self) -> dict[str, Any]:
        """The content of results.json."""
        published, shortcuts = self.published, self.shortcuts
        return {
            "schema": SCHEMA,
            "manifest": {
                "name": self.asked.name,
                "format": self.asked.format,
                "sha256": self.asked.digest,
                "rows": len(self.asked.rows),
                "rows_asked": self.rows_asked,
                "concepts": dict(self.asked.concept_names),
            },
            "seed": self.seed,
            "words": asdict(self.words),
            "metrics": list(self.metrics),
            "chance": asdict(self.chance),
            "versions": {"isekai-gen": tool_version(), "metrics": METRICS_VERSION},
            "models": [model.to_json(self.metrics) for model in self.models],
            "published": None if published is None else {"source": SOURCE, **asdict(published)},
            **({} if shortcuts is None else {"shortcuts": shortcuts.to_json(self.metrics)}),
        }
