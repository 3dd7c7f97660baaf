"""Evaluate models on a manifest: accuracy over shots, with all answers kept on disk.

evaluations/answers/MODEL-DIGEST.jsonl   every answer, for later runs
evaluations/NAME/                        results of the last run of that name (`evaluate_files`)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from PIL import Image

from isekai_gen.errors import InputError, ModelError
from isekai_gen.evaluation.answer_clip import ClipOptions
from isekai_gen.evaluation.cache import AnswerCache
from isekai_gen.evaluation.conditions import NO_ABLATIONS, Ablations, Condition, plan_conditions
from isekai_gen.evaluation.image_files import ImageFiles
from isekai_gen.evaluation.models import (
    SERVER,
    ModelOptions,
    TransformersOptions,
    kind_of,
    open_answerer,
)
from isekai_gen.evaluation.plot import require_plots
from isekai_gen.evaluation.protocols import Answerer
from isekai_gen.evaluation.questions import Asking, images_shown, sample_rows
from isekai_gen.evaluation.results import Evaluation, ModelScores
from isekai_gen.evaluation.rows import Row, read_evaluation_set
from isekai_gen.evaluation.scores import chance_of
from isekai_gen.evaluation.shortcut import ModelShortcuts
from isekai_gen.manifests.conversation_words import EpisodeWords
from isekai_gen.models.chat_requests import ChatLimits, ChatPrices
from isekai_gen.models.spec import Device
from isekai_gen.records import Episode
from isekai_gen.stages.context import StageContext
from isekai_gen.stages.embed import encoder_spec
from isekai_gen.stages.embed_pictures_decode import UnreadablePictureError, decode
from isekai_gen.stages.evaluate_asking import Round, ask_conditions, ask_kinds
from isekai_gen.stages.evaluate_files import (
    ANSWERS,
    EvaluateReport,
    ModelCounts,
    locked_answers,
    write_results,
)
from isekai_gen.stages.reference_names import name_prompts
from isekai_gen.stages.shortcut_rows import WorkspaceKinds, read_kinds
from isekai_gen.stages.shortcuts import write_shortcuts
from isekai_gen.workspace import slug_of


@dataclass(frozen=True)
class EvaluateRequest:
    """What to ask, and whom.

    Attributes:
        manifest: ISEKAI-10, ISEKAI-pair, lcl-test, or a file of episodes.
        images: Folder that the manifest's paths begin in.
        out: Folder of evaluations; answers and results go into folders of it.
        models: As `--model` names them, at least one.
        name: Of the results' folder; None for the manifest's.
        shots: Counted over both sides; None for the paper's columns as far as they go.
        ablations: At the largest shot count.
        metrics: Names of metrics, at least one.
        seed: Of order, sample and ablations.
        limit: Rows to ask at most; None for all.
        words: File of words; None for the shipped ones.
        limits: How servers are asked.
        prices: What servers charge; None if the user did not say.
        transformers: How transformers models are run.
        plot: Whether a plot is demanded (True) or not wanted (False); None for one if possible.
        counterfactuals: Whether queries are also asked with the counterfactual samples of the
            workspace in their place, at the largest shot count; `images` is the workspace then.
    """

    manifest: Path
    images: Path
    out: Path
    models: Sequence[str]
    name: str | None = None
    shots: tuple[int, ...] | None = None
    ablations: Ablations = NO_ABLATIONS
    metrics: Sequence[str] = ("lcl", "strict")
    seed: int = 0
    limit: int | None = None
    words: Path | None = None
    limits: ChatLimits = field(default_factory=ChatLimits)
    prices: ChatPrices | None = None
    transformers: TransformersOptions = field(default_factory=TransformersOptions)
    plot: bool | None = None
    counterfactuals: bool = False


def evaluate(context: StageContext, request: EvaluateRequest) -> EvaluateReport:
    """Ask every model what the disk does not know yet, and write the results.

    Raises:
        LockedError: If another process evaluates in the same folder.
        ManifestError: If the manifest breaks its rules, or images are missing.
        InputError: If an option cannot be honored.
        ModelError: If a model cannot be found, or cannot be asked any further; answers that came
            are kept, and the results of the other models are written.
        MissingDependencyError: If a plot is demanded and matplotlib is not installed.
    """
    _check(request)
    name = _folder_of_results(request)
    asked = read_evaluation_set(request.manifest)
    rows = sample_rows(asked, request.limit, request.seed)
    conditions = plan_conditions(rows, request.shots, request.ablations)
    most = max(each.shots for each in conditions)
    words = EpisodeWords.shipped() if request.words is None else EpisodeWords.load(request.words)
    images = ImageFiles(request.images)
    images.require(images_shown(rows, most))
    kinds = read_kinds(context.workspace, rows, most) if request.counterfactuals else None
    if kinds is not None:
        images.require(each.row.query.image for each in kinds.rows)
    to_ask = _ToAsk(rows, conditions, kinds, Asking(words, images, request.seed))
    answerers = _open_models(context, request)
    with locked_answers(request.out) as folder:
        answered = _ask_models(context, request, to_ask, answerers, folder)
        evaluation = Evaluation(
            asked=asked,
            rows_asked=len(rows),
            seed=request.seed,
            words=words,
            metrics=tuple(request.metrics),
            chance=chance_of(answered.truths),
            models=answered.models,
            shortcuts=None if kinds is None else kinds.shortcuts(answered.shortcuts),
        )
        to = request.out / name
        report = write_results(context.reporter, to, evaluation, answered.counts, request.plot)
        if kinds is not None:
            report = report.with_file(write_shortcuts(context, evaluation))
    if answered.errors:
        raise ModelError(f"{answered.errors[0]} (the results of the other models are in {to})")
    return report


@dataclass(frozen=True, eq=False)
class _ToAsk:
    rows: Sequence[Row]
    conditions: Sequence[Condition]
    kinds: WorkspaceKinds | None
    asking: Asking


@dataclass(frozen=True, eq=False)
class _Answered:
    models: list[ModelScores] = field(default_factory=list)
    shortcuts: list[ModelShortcuts] = field(default_factory=list)
    counts: list[ModelCounts] = field(default_factory=list)
    errors: list[ModelError] = field(default_factory=list)

    @property
    def truths(self) -> list[Episode]:
        """Every plain question, with its right answer."""
        return [each.truth for scores in self.models[0].plain for each in scores.scored]


def _ask_models(
    context: StageContext,
    request: EvaluateRequest,
    to_ask: _ToAsk,
    answerers: list[Answerer],
    folder: Path,
) -> _Answered:
    """Ask one model after the other; raises the first one's error if none could be asked."""
    answered = _Answered()
    for model in request.models:
        answerer = answerers.pop(0)  # what it loads is free again before the next is asked
        cache = AnswerCache(folder, answerer.name, answerer.identity)
        turn = Round(answerer, cache, to_ask.asking)
        try:
            scores, count = ask_conditions(context, turn, to_ask.rows, to_ask.conditions)
            if to_ask.kinds is not None:
                found, count = ask_kinds(context, turn, to_ask.kinds, count)
                answered.shortcuts.append(found)
        except ModelError as error:  # the others' results do not depend on it
            answered.errors.append(error)
            continue
        prices = request.prices if kind_of(model) == SERVER else None
        answered.models.append(ModelScores(answerer.name, answerer.identity, scores, prices))
        answered.counts.append(count)
    if not answered.models:
        raise answered.errors[0]
    return answered


def _check(request: EvaluateRequest) -> None:
    """Refuse what can be known to be wrong before anything is read."""
    if len(set(request.models)) != len(request.models):
        raise InputError("--model names a model twice")
    if request.plot:
        require_plots()


def _folder_of_results(request: EvaluateRequest) -> str:
    given = request.manifest.stem if request.name is None else request.name
    try:
        name = slug_of(given)
    except InputError as error:
        raise InputError(
            f"results cannot be called {given!r}: no ASCII letter or digit; give another --name"
        ) from error
    if name == ANSWERS:
        raise InputError(f"results cannot be called {ANSWERS!r}; give another --name")
    return name


def _open_models(context: StageContext, request: EvaluateRequest) -> list[Answerer]:
    """All of them before the first is asked: one that is not there is said at once."""
    options = ModelOptions(
        limits=request.limits,
        transformers=request.transformers,
        clip=ClipOptions(encoder_spec, name_prompts, _open_picture),
        device=lambda: Device(context.device_names()[0]),
        tell=context.reporter.note,
    )
    answerers = [open_answerer(model, options) for model in request.models]
    names = [answerer.name for answerer in answerers]
    if len(set(names)) != len(names):
        raise InputError(f"two models have one name in {names}; evaluate them apart")
    return answerers


def _open_picture(file: Path) -> tuple[Image.Image | None, str]:
    try:
        return decode(file.read_bytes()).image, ""
    except OSError as error:
        return None, f"cannot be read ({error.strerror})"
    except UnreadablePictureError as error:
        return None, str(error)
