"""The engines and checks of `concepts propose`, as the options name them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from isekai_gen.embeddings import FloatArray
from isekai_gen.models.encoder_protocols import TextEncoder
from isekai_gen.models.spec import Device
from isekai_gen.models.tokens import TokenCounter
from isekai_gen.prompts import shipped_templates_path
from isekai_gen.prompts.imagenet_names import ImageNetNames
from isekai_gen.prompts.templates import load_templates
from isekai_gen.proposals.checks import EntryChecks
from isekai_gen.proposals.constraints import choose_parents
from isekai_gen.proposals.engine import EmbedTexts, ProposalEngine
from isekai_gen.proposals.length_checks import PromptLengths, TextWindow
from isekai_gen.proposals.llm import LlmEngine
from isekai_gen.proposals.llm_settings import LlmWishes, parse_llm_address
from isekai_gen.proposals.offline import OfflineEngine
from isekai_gen.proposals.parent_records import ParentChoice
from isekai_gen.proposals.parents import read_parents
from isekai_gen.proposals.records import Finding, Proposal, Slate
from isekai_gen.settings import STARTER, GenerateSettings
from isekai_gen.stages.embed import main_encoder_spec
from isekai_gen.stages.propose_loop import Check
from isekai_gen.stages.propose_request import LlmRequest, ProposeRequest
from isekai_gen.stages.recipe import generator_spec


class LazyTexts:
    """Embeds texts with an encoder that is loaded when it is first needed (`EmbedTexts`)."""

    def __init__(self, encoder: str) -> None:
        """Remember an encoder.

        Raises:
            ModelError: If it reads no text, or is a path where none lies.
        """
        self._spec = main_encoder_spec(encoder)
        self._encoder: TextEncoder | None = None

    def __call__(self, texts: Sequence[str]) -> FloatArray:
        """float32 [n, dim], unit rows."""
        if self._encoder is None:
            from isekai_gen.models.encoders import load_text_encoder

            # On every machine alike: last bits must not decide which of two groups is proposed.
            self._encoder = load_text_encoder(self._spec, Device("cpu"))
        return self._encoder.encode_texts(list(texts))


@dataclass(frozen=True, eq=False)
class Sources:
    """What proposals are made of, checked before anything is written.

    Attributes:
        choice: Which real things take part.
        imagenet: ImageNet's names.
        embed: Embeddings of texts.
    """

    choice: ParentChoice
    imagenet: ImageNetNames
    embed: EmbedTexts


def read_sources(request: ProposeRequest, imagenet: ImageNetNames) -> Sources:
    """Read the parents and choose among them.

    Raises:
        InputError: If a constraint matches nothing, the parents' file is wrong, or the language
            model's address is none.
        ModelError: If the encoder reads no text.
    """
    if request.llm is not None:
        parse_llm_address(request.llm.address)
    parents = read_parents(request.parents, imagenet)
    choice = choose_parents(parents, request.from_, request.with_, request.avoid)
    return Sources(choice, imagenet, LazyTexts(request.encoder))


def open_engine(request: ProposeRequest, sources: Sources) -> ProposalEngine:
    """The engine; the caller holds the lock of its folder.

    Raises:
        ModelError: If a server cannot be used.
    """
    if request.llm is not None:
        return _llm_engine(request, request.llm, sources)
    return OfflineEngine(sources.choice, request.seed, sources.embed, sources.imagenet)


class OpenedLater:
    """An engine that is opened when it is first asked: where all is found, nobody waits for it.

    Attributes:
        name: The engine's own; "" before it was asked.
        opened: The engine (`ProposalEngine`); None before it was asked.
    """

    def __init__(self, open_it: Callable[[], ProposalEngine]) -> None:
        self._open_it = open_it
        self.name = ""
        self.opened: ProposalEngine | None = None

    def propose(self, slate: Slate) -> Sequence[Proposal]:
        """See `ProposalEngine`."""
        if self.opened is None:
            self.opened = self._open_it()
            self.name = self.opened.name
        return self.opened.propose(slate)


def open_checks(request: ProposeRequest, sources: Sources) -> Check:
    """The checks that proposals must stand.

    Raises:
        TemplateError: If the templates that prompts are measured with are wrong.
        ModelError: If the image generator of a look is not there, or has no tokenizer.
    """
    templates = None if request.templates is None else load_templates(request.templates)
    vouched = [parent.name for parent in sources.choice.bodies]
    checks = EntryChecks(sources.imagenet, sources.embed, templates=templates, vouched=vouched)
    path = templates_path(request)
    if request.look is None or path is None:
        return checks.findings
    lengths = PromptLengths(load_templates(path), _window_of(request.look.model))

    def findings(proposal: Proposal, others: Sequence[Proposal]) -> tuple[Finding, ...]:
        found = checks.findings(proposal, others)
        # What other checks refuse need not be whole, and is not drawn.
        refused = any(finding.refuses for finding in found)
        return found if refused else (*found, *lengths.findings(proposal))

    return findings


def templates_path(request: ProposeRequest) -> Path | None:
    """The templates that must be able to speak of every group; None for no demand."""
    if request.templates is None and request.look is not None:
        return shipped_templates_path("starter" if request.look.model == STARTER else "photo")
    return request.templates


def _window_of(model: str) -> TextWindow:
    """What the image generator of a look reads: it draws no prompt that it would cut."""
    spec = generator_spec(GenerateSettings(model=model))
    counter = TokenCounter(spec)
    return TextWindow(spec.label, counter.limit, lambda text: counter.count([text])[0].used)


def _llm_engine(request: ProposeRequest, llm: LlmRequest, sources: Sources) -> LlmEngine:
    wishes = LlmWishes(
        from_=request.from_,
        with_=request.with_,
        avoid=request.avoid,
        bodies=tuple(parent.name for parent in sources.choice.bodies),
        lenders=tuple(parent.name for parent in sources.choice.lenders),
    )
    return LlmEngine(
        llm.address, llm.limits, request.folder, request.seed, wishes, sources.imagenet
    )


def spent_by(engine: ProposalEngine | None) -> dict[str, Any]:
    """What a language model was asked; {} for the offline engine, or if nobody was asked."""
    return asdict(engine.totals) if isinstance(engine, LlmEngine) else {}


def stopped_by(engine: ProposalEngine | None, reason: str) -> str:
    """Why groups are missing, in the engine's own words where it has some."""
    said = engine.stopped if isinstance(engine, LlmEngine) else ""
    return said if reason and said else reason
