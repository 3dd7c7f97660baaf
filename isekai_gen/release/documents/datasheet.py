"""DATASHEET.md: the questions of a datasheet, answered by the authors and by measured numbers.

The headings are those of Gebru et al., "Datasheets for Datasets" (arXiv:1803.09010); the questions
are ours.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from isekai_gen.release.documents.card_markdown import (
    counted,
    listed,
    paragraphs,
    plain,
    size_in_words,
)
from isekai_gen.release.documents.card_overlap import overlap_section
from isekai_gen.release.documents.card_selection import selection_section
from isekai_gen.release.documents.card_splits import splits_section
from isekai_gen.release.documents.citation import release_url
from isekai_gen.release.facts import ReleaseFacts
from isekai_gen.release.layout import (
    CHANGELOG_FILE,
    COUNTERFACTUALS_FOLDER,
    LICENSE_FILE,
    NOTICES_FILE,
    SUMS_FILE,
)

_Answered = tuple[str, str]
"""A question and its answer, Markdown."""


def write_datasheet(facts: ReleaseFacts) -> str:
    """The file's text."""
    sections = (
        ("Motivation", _motivation(facts)),
        ("Composition", _composition(facts)),
        ("Collection process", _collection(facts)),
        ("Preprocessing, cleaning, labeling", _preprocessing(facts)),
        ("Uses", _uses(facts)),
        ("Distribution", _distribution(facts)),
        ("Maintenance", _maintenance(facts)),
    )
    parts = [
        f"# Datasheet of {plain(facts.options.title)} {facts.options.version}",
        "Under the headings of [Datasheets for Datasets](https://arxiv.org/abs/1803.09010).",
    ]
    for title, answered in sections:
        parts.append(f"## {title}")
        parts += [f"**{question}**\n\n{answer}" for question, answer in answered]
    return "\n\n".join(parts) + "\n"


def _motivation(facts: ReleaseFacts) -> Iterator[_Answered]:
    answers = facts.answers
    yield "Why was it made?", paragraphs(answers.purpose)
    yield (
        "Who made it?",
        listed(
            [
                ", ".join(filter(None, (plain(author.name), plain(author.affiliation))))
                for author in answers.authors
            ]
        )
        + ".",
    )
    yield "Who paid for it?", paragraphs(answers.funding) or "Not told."


def _composition(facts: ReleaseFacts) -> Iterator[_Answered]:
    answers, counts = facts.answers, facts.counts
    kinds = Counter(concept.kind for concept in facts.content.concepts)
    yield "What is it?", paragraphs(answers.description)
    yield (
        "How much of it is there?",
        f"{counted(counts['kept'], 'image')} ({size_in_words(facts.total_bytes)}) of "
        f"{kinds['fictional']:,} fictional concepts and {kinds['real']:,} real counterparts.",
    )
    yield (
        "Is it a sample of something larger?",
        f"Of {counted(counts['generated'], 'generated image')}, {counts['kept']:,} are here: those "
        "that the selection kept. The generator could draw any number more.",
    )
    yield (
        "What belongs to an image?",
        "Its concept as a label, its prompts, seed, model and settings, its checksums, and what "
        "curation measured of it: a row of `metadata.jsonl`, whose columns the card explains.",
    )
    if facts.samples is not None:
        yield (
            "Is there anything beside the images?",
            f"{counted(facts.samples.counts['samples'], 'counterfactual sample')}: images of this "
            "dataset with the object, or all but the object, replaced. They lie apart, in "
            f"`{COUNTERFACTUALS_FOLDER}/`, and no other number here counts them; the card says how "
            "they were made and what for.",
        )
    yield "Is anything missing?", _missing(facts)
    yield "Are there recommended splits?", splits_section(facts).partition("\n\n")[2]
    yield "Are there errors, noise, repetitions?", paragraphs(answers.limitations)
    yield (
        "Is it self-contained?",
        "Its images, labels and few-shot tests are. Where there is a folder `lcl/classes/`, its "
        "rows name images of another dataset, which are not here.",
    )
    yield "Is there information on people?", paragraphs(answers.personal_information)


def _missing(facts: ReleaseFacts) -> str:
    counts = facts.counts
    if not counts["failed"] and not counts["pending"]:
        return "No: every planned image was drawn. Measures that were not taken are null."
    return (
        f"{counted(counts['failed'], 'planned image')} could not be drawn and "
        f"{counted(counts['pending'], 'planned image')} had not been drawn yet. Measures that "
        "were not taken are null."
    )


def _collection(facts: ReleaseFacts) -> Iterator[_Answered]:
    generators = listed([plain(name) for name in facts.generators()])
    yield (
        "Where do the images come from?",
        f"They were drawn by {generators} from prompts that "
        "templates put together; the card's section on how it was made has the settings. No "
        "image was collected from anywhere, and no person was asked for data.",
    )
    yield "When?", f"Released {facts.date}." if facts.date else "The date was not recorded."


def _preprocessing(facts: ReleaseFacts) -> Iterator[_Answered]:
    demoted = selection_section(facts).partition("\n\n")[2].replace("\n### ", "\n#### ")
    yield "How were images selected?", demoted
    yield "How new are the fictional concepts?", overlap_section(facts).partition("\n\n")[2]
    yield (
        "How were labels made?",
        "A label says what the prompt asked for; no person labeled images.",
    )
    yield (
        "Is the raw data saved?",
        "Dropped images are not in the release; `rejected.jsonl` says why each was dropped, and "
        "`prompts/prompts.jsonl` has what it takes to draw it again. Kept files were not "
        "re-encoded.",
    )


def _uses(facts: ReleaseFacts) -> Iterator[_Answered]:
    answers = facts.answers
    yield "What is it meant for?", paragraphs(answers.uses)
    yield "What should it not be used for?", paragraphs(answers.out_of_scope)
    yield "Which biases are known?", paragraphs(answers.biases)
    yield "Which effects are to be expected?", paragraphs(answers.social_impact)


def _distribution(facts: ReleaseFacts) -> Iterator[_Answered]:
    url = release_url(facts.answers)
    yield "Where is it?", f"<{url}>." if url else "No public place is named in this release."
    yield (
        "Under which license?",
        f"{plain(facts.options.license_name)}, see `{LICENSE_FILE}`. Terms of the image generators "
        f"are in `{NOTICES_FILE}`.",
    )
    yield "How can it be checked?", f"`{SUMS_FILE}` lists every file; the card has the commands."


def _maintenance(facts: ReleaseFacts) -> Iterator[_Answered]:
    answers = facts.answers
    yield "Who maintains it?", paragraphs(answers.maintenance)
    yield "Whom to ask, and whom to tell of errors?", paragraphs(answers.contact)
    yield (
        "How are changes told?",
        f"`{CHANGELOG_FILE}` has every version: the first number changes when images change or go, "
        "the second when some are added, the third for packaging alone.",
    )
