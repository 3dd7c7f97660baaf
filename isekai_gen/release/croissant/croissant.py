"""croissant.json: the release in Croissant 1.1, with RAI 1.0 and PROV, for machines.

Files are FileObjects with size and SHA-256, so that a changed one is refused by whoever loads it.
Loose images are the exception: there may be 100,000, so they are a FileSet, and their digests are
in metadata.jsonl and SHA256SUMS. Left out are the file itself and what is written after it: the
lists of files and their signature. Written without any library; `mlcroissant validate` and
`mlcroissant load` take it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from isekai_gen.release.croissant.croissant_files import distribution
from isekai_gen.release.croissant.croissant_provenance import provenance
from isekai_gen.release.croissant.croissant_rai import responsible_ai
from isekai_gen.release.croissant.croissant_records import record_sets
from isekai_gen.release.croissant.croissant_terms import CONFORMS_TO, CONTEXT
from isekai_gen.release.documents.answers import Author
from isekai_gen.release.documents.citation import (
    KEYWORDS,
    bibtex,
    orcid_url,
    release_url,
    repository_url,
    unwrapped,
)
from isekai_gen.release.documents.citation_licenses import license_url
from isekai_gen.release.documents.citation_names import split_name
from isekai_gen.release.facts import ReleaseFacts
from isekai_gen.release.index import ListedFile


def croissant_document(facts: ReleaseFacts, listed: Sequence[ListedFile]) -> dict[str, Any]:
    """The value of croissant.json.

    Args:
        facts: Of the release.
        listed: Every file of the release so far.
    """
    options, answers = facts.options, facts.answers
    document = {
        "@context": CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": list(CONFORMS_TO),
        "name": options.name,
        "alternateName": options.title,
        "description": unwrapped(answers.description),
        "version": options.version,
        # SPDX's address, or the file for a license that has none.
        "license": license_url(options.license_id) or f"{options.license_id} (see LICENSE)",
        "url": release_url(answers),
        "sameAs": repository_url(answers),
        "creator": [_creator(author) for author in answers.authors],
        "datePublished": facts.date,
        "citeAs": bibtex(facts),
        "keywords": list(KEYWORDS),
        "inLanguage": "en",
        "isLiveDataset": False,
        "distribution": distribution(facts, listed),
        "recordSet": record_sets(facts),
        **responsible_ai(facts),
        **provenance(facts),
    }
    return {key: value for key, value in document.items() if value not in ("", None)}


def _creator(author: Author) -> dict[str, Any]:
    person = split_name(author) is not None
    fields = {
        "@type": "sc:Person" if person else "sc:Organization",
        "name": author.name.strip(),
        "email": author.email,
        "sameAs": orcid_url(author.orcid),
    }
    creator: dict[str, Any] = {key: value for key, value in fields.items() if value}
    if author.affiliation and person:
        creator["affiliation"] = {"@type": "sc:Organization", "name": author.affiliation}
    return creator
