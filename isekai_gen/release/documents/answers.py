"""release.toml: what only the authors of a dataset can say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Author:
    """Who made the dataset.

    Attributes:
        name: "Given Family", or the name of a group.
        affiliation: Or "".
        orcid: "0000-0000-0000-0000", or "".
        email: Or "".
    """

    name: str
    affiliation: str = ""
    orcid: str = ""
    email: str = ""


@dataclass(frozen=True)
class GeneratorTerms:
    """Under which terms an image generator was used.

    Attributes:
        license: Name of its license, such as "CreativeML Open RAIL-M".
        url: Where the license is, or "".
        restrictions: What the terms say on the use of its pictures, in the authors' words.
    """

    license: str
    url: str
    restrictions: str


@dataclass(frozen=True)
class Answers:
    """release.toml, complete: without placeholders.

    All texts are Markdown paragraphs for the card and the datasheet, and go into Croissant too.

    Attributes:
        description: What the dataset is, in a few sentences.
        authors: Who made it; at least one.
        contact: E-mail address or URL for questions and take-down requests.
        purpose: Why it was made.
        uses: What it is meant for.
        out_of_scope: What it should not be used for.
        selection: How people took part in selecting images.
        limitations: Known limits.
        biases: Known biases.
        personal_information: Whether there is personal or sensitive information.
        social_impact: Expected effects, good and bad.
        maintenance: Who maintains it, and how errors are corrected.
        funding: Who paid for it, or "".
        homepage: URL, or "".
        repository: Hub id such as "ada/isekai-sharks", or "".
        doi: Such as "10.5281/zenodo.123", without an address, or "".
        generators: Image generator, as records name it, to its terms; every one used is there.
    """

    description: str
    authors: tuple[Author, ...]
    contact: str
    purpose: str
    uses: str
    out_of_scope: str
    selection: str
    limitations: str
    biases: str
    personal_information: str
    social_impact: str
    maintenance: str
    generators: Mapping[str, GeneratorTerms]
    funding: str = ""
    homepage: str = ""
    repository: str = ""
    doi: str = ""
