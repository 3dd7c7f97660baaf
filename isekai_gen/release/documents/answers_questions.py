"""The questions of release.toml, and what it says where the authors have nothing to add.

Prefilled texts hold for every release that this program makes; what only the authors can know is
left to them as "TODO: ...", and nothing is released while one is left.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

PLACEHOLDER = "TODO"
"""How a text that is to be replaced begins."""
PLACEHOLDERS = re.compile(r"\bTODO\b|\bFIXME\b|\[More Information Needed\]")
"""What no finished text has; the last is of the Hub's own template for cards."""


@dataclass(frozen=True)
class Question:
    """A key of release.toml.

    Attributes:
        key: As in the file, and as in `Answers`.
        explanation: The comment above it: one sentence.
        prefilled: What a new file says.
        required: Whether it must not be empty.
        shape: What its text must look like.
    """

    key: str
    explanation: str
    prefilled: str
    required: bool = True
    shape: Literal["text", "url", "repository", "doi", "orcid", "email"] = "text"


QUESTIONS: tuple[Question, ...] = (
    Question(
        "description",
        "What the dataset is, in a few sentences; numbers are measured and added by the program.",
        "Generated images of things that do not exist, each beside the real thing it is most "
        "easily taken for. They ask whether a model can learn a new concept from a few examples "
        "instead of recalling it.",
    ),
    Question(
        "contact",
        "E-mail address or URL for questions and for requests to take an image down.",
        f"{PLACEHOLDER}: e-mail address or URL",
    ),
    Question(
        "purpose",
        "Why it was made: the question it is to answer, the gap it fills.",
        f"{PLACEHOLDER}: why you made this dataset",
    ),
    Question(
        "uses",
        "What it is meant for.",
        "Measuring how well multimodal models learn a new concept from a few examples in context, "
        "and other studies of few-shot recognition, of generated images and of their curation.",
    ),
    Question(
        "out_of_scope",
        "What it should not be used for.",
        "Not as a picture of the real world: no object shown was photographed. Not for training "
        "the models that are then evaluated on it. Not for passing its pictures off as "
        "photographs.",
    ),
    Question(
        "selection",
        "How people took part in selecting images; say so if nobody did.",
        "Images were kept or dropped by the automatic rules that the card tells; wherever a person "
        'decided, the list of dropped images names "person" as what dropped it.',
    ),
    Question(
        "limitations",
        "Known limits.",
        "A label says what the prompt asked for; what was drawn may differ. That a concept is new "
        "was measured, if at all, against the reference sets that the card names, not against "
        "everything there is. Generated images show artifacts that photographs lack.",
    ),
    Question(
        "biases",
        "Known biases.",
        "The images carry the biases of the generator and of what it was trained on, the prompts "
        "those of the authors' catalog and templates, and the selection those of the encoder that "
        "judged the images.",
    ),
    Question(
        "personal_information",
        "Whether there is personal or sensitive information.",
        "No photographs and no records of people were collected: every image was drawn by a "
        "generator from a text. A generator can draw people, and what resembles real people, by "
        "accident; tell the contact if you find such an image.",
    ),
    Question(
        "social_impact",
        "Effects to be expected, good and bad.",
        "Tests on things that do not exist show whether models learn or recall, and need no "
        "pictures of people. Generated pictures can be mistaken for real ones when they are "
        "passed on without their labels.",
    ),
    Question(
        "maintenance",
        "Who maintains it, for how long, and how errors are corrected.",
        f"{PLACEHOLDER}: who maintains the dataset, and how errors are corrected",
    ),
    Question("funding", "Who paid for it; may be empty.", "", required=False),
    Question("homepage", "URL of a page on it; may be empty.", "", required=False, shape="url"),
    Question(
        "repository",
        'Id on the Hugging Face Hub, such as "ada/isekai-sharks"; may be empty.',
        "",
        required=False,
        shape="repository",
    ),
    Question("doi", 'Such as "10.5281/zenodo.123"; may be empty.', "", False, "doi"),
)

AUTHOR_QUESTIONS: tuple[Question, ...] = (
    Question("name", "Given name and family name, or a group.", f"{PLACEHOLDER}: your name"),
    Question("affiliation", "May be empty.", "", required=False),
    Question("orcid", 'Such as "0000-0002-1825-0097"; may be empty.', "", False, "orcid"),
    Question("email", "May be empty.", "", required=False, shape="email"),
)

TERMS_QUESTIONS: tuple[Question, ...] = (
    Question("license", "Name of the license.", f"{PLACEHOLDER}: name of the generator's license"),
    Question("url", "Where the license is; may be empty.", "", required=False, shape="url"),
    Question(
        "restrictions",
        "What it says on the use of the pictures, in your words.",
        f"{PLACEHOLDER}: what the license says on the use of the pictures, or that it says nothing",
    ),
)
