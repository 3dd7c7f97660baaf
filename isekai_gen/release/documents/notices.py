"""LICENSE-NOTICES.md: under which terms others' work took part."""

from __future__ import annotations

from isekai_gen.records import Provenance
from isekai_gen.release.documents.card_markdown import (
    bullets,
    code,
    counted,
    paragraphs,
    plain,
    table,
)
from isekai_gen.release.facts import ReleaseFacts
from isekai_gen.release.layout import LICENSE_FILE
from isekai_gen.tool_version import tool_version


def write_notices(facts: ReleaseFacts) -> str:
    """The file's text."""
    parts = [
        f"# License notices of {plain(facts.options.title)} {facts.options.version}",
        f"The dataset itself: {plain(facts.options.license_name)}, see `{LICENSE_FILE}`. What "
        "follows are the terms of others. The summaries are the authors', not legal advice: read "
        "the licenses themselves.",
        "## Image generators",
        *(_generator(name, facts) for name in _used(facts)),
        "## Programs",
        f"Made with isekai-gen ({tool_version()}), Apache-2.0. Its license covers the program, not "
        "the images. No code of the program and no weights of a model are in this release.",
        "## What the concepts are compared with",
        "Names of real classes in the tables are facts on the reference sets they name; no image "
        "of a reference set is in this release.",
    ]
    return "\n\n".join(parts) + "\n"


def terms_table(facts: ReleaseFacts) -> str:
    """A row for each image generator of the release: license and restrictions."""
    rows = []
    for name in _used(facts):
        terms = facts.answers.generators[name]
        shown = plain(terms.license)
        linked = f"[{shown}]({terms.url})" if terms.url else shown
        rows.append((code(name), linked, plain(terms.restrictions)))
    return table(("generator", "license", "what it says on the pictures"), rows)


def _used(facts: ReleaseFacts) -> list[str]:
    """Generators of released images, and of those that were drawn and dropped."""
    return sorted({each.provenance.model for each in facts.content.records if each.generated})


def _generator(name: str, facts: ReleaseFacts) -> str:
    terms = facts.answers.generators[name]
    ways = {
        each.provenance
        for each in facts.content.records
        if each.generated and each.provenance.model == name
    }
    kept = sum(image.record.provenance.model == name for image in facts.images)
    lines = [
        f"License: {plain(terms.license)}" + (f", <{terms.url}>" if terms.url else ""),
        f"Used for {counted(kept, 'image')} of this release",
        *sorted({_identity(way) for way in ways}),
    ]
    return f"### {plain(name)}\n\n{bullets(lines)}\n\n{paragraphs(terms.restrictions)}"


def _identity(way: Provenance) -> str:
    revision = f", revision {code(way.revision)}" if way.revision else ""
    adapters = f", with {', '.join(map(code, way.adapters))}" if way.adapters else ""
    digest = code(way.model_digest)
    return f"{plain(way.pipeline)}{revision}, SHA-256 over its files {digest}{adapters}"
