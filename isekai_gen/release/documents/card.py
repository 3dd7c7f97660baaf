"""README.md of a release: a Hugging Face card whose numbers are measured, not typed."""

from __future__ import annotations

from collections import Counter

from isekai_gen.release.documents.card_columns import tables_section
from isekai_gen.release.documents.card_concepts import concepts_section
from isekai_gen.release.documents.card_counterfactuals import counterfactuals_section
from isekai_gen.release.documents.card_header import card_header
from isekai_gen.release.documents.card_loading import loading_section
from isekai_gen.release.documents.card_making import making_section
from isekai_gen.release.documents.card_markdown import (
    bullets,
    code,
    paragraphs,
    plain,
    size_in_words,
    table,
)
from isekai_gen.release.documents.card_overlap import overlap_section
from isekai_gen.release.documents.card_selection import selection_section
from isekai_gen.release.documents.card_splits import splits_section
from isekai_gen.release.documents.citation import bibtex, orcid_url, release_url
from isekai_gen.release.documents.notices import terms_table
from isekai_gen.release.facts import ReleaseFacts
from isekai_gen.release.layout import (
    CHANGELOG_FILE,
    CITATION_FILE,
    DATASHEET_FILE,
    LICENSE_FILE,
    NOTICES_FILE,
    SHEET_FILE,
    SIGNATURE_FILE,
    SUMS_FILE,
)
from isekai_gen.tool_version import tool_version

_PAPER = """@inproceedings{tai2024link,
  title = {Link-Context Learning for Multimodal {LLMs}},
  author = {Tai, Yan and Fan, Weichen and Zhang, Zhao and Liu, Ziwei},
  booktitle = {CVPR},
  year = {2024}
}"""


def write_card(facts: ReleaseFacts) -> str:
    """The card's text: YAML header and Markdown."""
    sections = [
        card_header(facts),
        f"# {plain(facts.options.title)}",
        _at_first_sight(facts),
        loading_section(facts),
        concepts_section(facts),
        making_section(facts),
        selection_section(facts),
        overlap_section(facts),
        splits_section(facts),
        counterfactuals_section(facts),
        tables_section(facts),
        _marks(facts),
        _checks(),
        _answers(facts),
        _changes(facts),
        _licenses(facts),
        _citation(facts),
        _contact(facts),
    ]
    return "\n\n".join(section.strip() for section in sections if section) + "\n"


def _at_first_sight(facts: ReleaseFacts) -> str:
    sheets = [path for path in facts.previews if path.startswith(SHEET_FILE.removesuffix(".jpg"))]
    parts = [
        "> **Entirely AI-generated.** Every picture was drawn by a model; none is a photograph.",
        paragraphs(facts.answers.description),
        f"![Fictional concepts beside their real counterparts]({SHEET_FILE})",
    ]
    if len(sheets) > 1:
        links = " · ".join(f"[{number}]({path})" for number, path in enumerate(sheets[1:], start=2))
        parts.append(f"More sheets: {links}")
    first, *others = _numbers(facts)
    return "\n\n".join([*parts, table(first, others)])


def _numbers(facts: ReleaseFacts) -> list[tuple[str, str]]:
    counts = facts.counts
    kinds = Counter(concept.kind for concept in facts.content.concepts)
    pixels = Counter(
        (image.record.provenance.width, image.record.provenance.height) for image in facts.images
    )
    sizes = ", ".join(f"{width} x {height}" for (width, height), _ in pixels.most_common(3))
    formats = sorted({image.record.suffix.removeprefix(".").upper() for image in facts.images})
    rows = [
        ("version", " · ".join(filter(None, (facts.options.version, facts.date)))),
        ("concepts", f"{kinds['fictional']:,} fictional, {kinds['real']:,} real counterparts"),
        ("images", f"{counts['kept']:,} kept of {counts['generated']:,} generated"),
        ("splits", ", ".join(f"{split}: {number:,}" for split, number in facts.splits().items())),
        (
            "pictures",
            f"{' and '.join(formats)}, {sizes}{' and others' if len(pixels) > 3 else ''} pixels, "
            f"{size_in_words(facts.total_bytes)} together",
        ),
        ("drawn by", ", ".join(map(code, facts.generators()))),
        ("license", f"{plain(facts.options.license_name)}; [three licenses](#licenses) matter"),
        ("authors", ", ".join(plain(author.name) for author in facts.answers.authors)),
    ]
    url = release_url(facts.answers)
    return [*rows, ("home", f"<{url}>")] if url else rows


def _marks(facts: ReleaseFacts) -> str:
    marks = [
        "every picture file carries XMP with IPTC's digital source type `trainedAlgorithmicMedia`, "
        "and which model drew it; `metadata.jsonl` says so of every image",
        "marks that a generator puts into pixels were left as they are",
    ]
    if facts.signed_pictures:
        marks.append(
            "every picture file carries a signed [C2PA](https://c2pa.org/) manifest that says so "
            "too: any C2PA reader shows it, and a change of the file breaks it"
        )
    else:
        marks.append("pictures carry no signed C2PA manifest")
    return f"""## Provenance and marks

This dataset is entirely AI-generated, and says so:

{bullets(marks)}

`provenance/` has the settings and the versions of everything that took part; every row of
`metadata.jsonl` names prompt, seed, model, weights and settings."""


def _checks() -> str:
    return f"""## Check what you received

```shell
sha256sum --check --strict --quiet {SUMS_FILE}
isekai-gen release verify .
```

The first compares every file; the second, which needs no network, also reads every table, manifest
and picture and compares them with each other (`pip install isekai-gen`). If there is a
`{SIGNATURE_FILE}`, and you have the signers' public keys in a file:

```shell
isekai-gen release verify . --allowed-signers FILE
```"""


def _answers(facts: ReleaseFacts) -> str:
    answers = facts.answers
    parts = (
        ("## Purpose and uses", answers.purpose),
        ("### Meant for", answers.uses),
        ("### Not meant for", answers.out_of_scope),
        ("## Limits and biases", answers.limitations),
        ("### Biases", answers.biases),
        ("### Personal and sensitive information", answers.personal_information),
        ("### Social impact", answers.social_impact),
    )
    return "\n\n".join(f"{title}\n\n{paragraphs(text)}" for title, text in parts)


def _changes(facts: ReleaseFacts) -> str:
    return (
        f"## Changes in {facts.options.version}\n\n{facts.changes.strip()}\n\n"
        f"All versions: [{CHANGELOG_FILE}]({CHANGELOG_FILE})."
    )


def _licenses(facts: ReleaseFacts) -> str:
    return f"""## Licenses

* **The dataset**: {plain(facts.options.license_name)}, see [{LICENSE_FILE}]({LICENSE_FILE}).
* **The image generators** have terms of their own, which hold beside it; see
  [{NOTICES_FILE}]({NOTICES_FILE}).
* **The program** that made it, isekai-gen ({tool_version()}): Apache-2.0.

{terms_table(facts)}"""


def _citation(facts: ReleaseFacts) -> str:
    return f"""## Citation

```bibtex
{bibtex(facts).strip()}
```

The task, the formats and the name ISEKAI are from:

```bibtex
{_PAPER}
```

`{CITATION_FILE}` has the same for programs."""


def _contact(facts: ReleaseFacts) -> str:
    answers = facts.answers
    people = bullets(
        ", ".join(
            filter(
                None,
                (
                    plain(author.name),
                    plain(author.affiliation),
                    f"<{author.email}>" if author.email else "",
                    f"<{orcid_url(author.orcid)}>" if author.orcid else "",
                ),
            )
        )
        for author in answers.authors
    )
    funding = f"\n\n**Funding.** {paragraphs(answers.funding)}" if answers.funding else ""
    return f"""## Contact and maintenance

{paragraphs(answers.contact)}

{people}

{paragraphs(answers.maintenance)}{funding}

[{DATASHEET_FILE}]({DATASHEET_FILE}) answers the questions of a datasheet:
from motivation to maintenance."""
