"""CITATION.cff and BibTeX: how to cite a release.

CITATION.cff follows the Citation File Format 1.2.0. What is not known, such as the date of a build
without SOURCE_DATE_EPOCH, is left out and not made up.
"""

from __future__ import annotations

import re
from typing import Any

import yaml

from isekai_gen.release.documents.answers import Answers, Author
from isekai_gen.release.documents.citation_licenses import spdx_id
from isekai_gen.release.documents.citation_names import split_name
from isekai_gen.release.facts import ReleaseFacts
from isekai_gen.tool_version import tool_version

CFF_VERSION = "1.2.0"
KEYWORDS = ("synthetic data", "in-context learning", "unseen concepts", "image classification")
_ORCID = "https://orcid.org/"
_DOI = "https://doi.org/"
# Whose file formats and task the release follows.
_LCL_PAPER: dict[str, Any] = {
    "type": "conference-paper",
    "title": "Link-Context Learning for Multimodal LLMs",
    "authors": [
        {"family-names": "Tai", "given-names": "Yan"},
        {"family-names": "Fan", "given-names": "Weichen"},
        {"family-names": "Zhang", "given-names": "Zhao"},
        {"family-names": "Liu", "given-names": "Ziwei"},
    ],
    "conference": {"name": "IEEE/CVF Conference on Computer Vision and Pattern Recognition (CVPR)"},
    "year": 2024,
    "identifiers": [{"type": "other", "value": "arXiv:2308.07891"}],
    "url": "https://arxiv.org/abs/2308.07891",
}
# A line break within a paragraph: none before an empty line, a list, a heading, a table or code.
_WRAP = re.compile(r"(?<!\n)\n(?![\s*+#>|`\d-])")
_BIBTEX_ESCAPES = str.maketrans(
    {
        "\\": r"\textbackslash{}",
        "{": r"\{",
        "}": r"\}",
        "&": r"\&",
        "%": r"\%",
        "$": r"\$",
        "#": r"\#",
        "_": r"\_",
        "~": r"\textasciitilde{}",
        "^": r"\textasciicircum{}",
    }
)


def citation_cff(facts: ReleaseFacts) -> str:
    """The text of CITATION.cff, which `cffconvert --validate` takes."""
    options, answers = facts.options, facts.answers
    document = {
        "cff-version": CFF_VERSION,
        "message": "If you use this dataset, please cite it as below.",
        "type": "dataset",
        "title": options.title,
        "abstract": unwrapped(answers.description),
        "authors": [_cff_author(author) for author in answers.authors],
        "version": options.version,
        "date-released": facts.date,
        # Other licenses have no place here: the format takes SPDX's list or a web address only.
        "license": spdx_id(options.license_id),
        "doi": answers.doi,
        "url": answers.homepage,
        "repository": repository_url(answers),
        "keywords": list(KEYWORDS),
        "references": [_LCL_PAPER, _software()],
    }
    known = {key: value for key, value in document.items() if value}
    return yaml.safe_dump(known, sort_keys=False, allow_unicode=True, width=100)


def bibtex(facts: ReleaseFacts) -> str:
    """A BibTeX entry for the release, of the type that every style knows."""
    options, answers = facts.options, facts.answers
    url = release_url(answers)
    fields = {
        "title": f"{{{escape_bibtex(options.title)}}}",
        "author": " and ".join(_bibtex_author(author) for author in answers.authors),
        "year": facts.date[:4] if facts.date else "",
        "version": options.version,
        "note": f"Dataset, version {options.version}",
        "howpublished": f"\\url{{{_escape_url(url)}}}" if url else "",
        "doi": _escape_url(answers.doi),
    }
    lines = [f"  {name} = {{{value}}}" for name, value in fields.items() if value]
    return f"@misc{{{options.name}-{options.version},\n" + ",\n".join(lines) + "\n}\n"


def unwrapped(markdown: str) -> str:
    """Markdown without the line breaks that only keep its lines short."""
    return _WRAP.sub(" ", markdown.strip())


def repository_url(answers: Answers) -> str:
    """Where the Hugging Face Hub has the dataset, or "" if no repository was named."""
    name = answers.repository
    return f"https://huggingface.co/datasets/{name}" if name else ""


def release_url(answers: Answers) -> str:
    """Where to find the release: its DOI, else its homepage, else its repository, else ""."""
    return f"{_DOI}{answers.doi}" if answers.doi else answers.homepage or repository_url(answers)


def orcid_url(orcid: str) -> str:
    """An ORCID iD as an address; "" for ""."""
    return f"{_ORCID}{orcid}" if orcid else ""


def escape_bibtex(text: str) -> str:
    """Text on one line, with what TeX would read as a command made harmless."""
    return " ".join(text.split()).translate(_BIBTEX_ESCAPES)


def _escape_url(url: str) -> str:
    return "".join(f"%{ord(char):02X}" if char in "{}\\" else char for char in url)


def _cff_author(author: Author) -> dict[str, str]:
    name = split_name(author)
    if name is None:
        fields = {"name": author.name.strip(), "email": author.email}
    else:
        fields = {
            "given-names": name.given,
            "name-particle": name.particle,
            "family-names": name.family,
            "affiliation": author.affiliation,
            "email": author.email,
            "orcid": orcid_url(author.orcid),
        }
    return {key: value for key, value in fields.items() if value}


def _bibtex_author(author: Author) -> str:
    name = split_name(author)
    if name is None:
        return f"{{{escape_bibtex(author.name)}}}"
    family = escape_bibtex(f"{name.particle} {name.family}")
    return f"{family}, {escape_bibtex(name.given)}" if name.given else f"{{{family}}}"


def _software() -> dict[str, Any]:
    return {
        "type": "software",
        "title": "isekai-gen",
        "abstract": f"What the dataset was built with. Version: {tool_version()}.",
        "authors": [{"name": "The isekai-gen authors"}],
    }
