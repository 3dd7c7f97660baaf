"""The documents of a release, all written from the same facts."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from isekai_gen.release.building.draft import ReleaseDraft
from isekai_gen.release.changes.changelog import Changes, changelog_text, describe_changes
from isekai_gen.release.croissant.croissant import croissant_document
from isekai_gen.release.documents.card import write_card
from isekai_gen.release.documents.citation import citation_cff
from isekai_gen.release.documents.datasheet import write_datasheet
from isekai_gen.release.documents.notices import write_notices
from isekai_gen.release.facts import ReleaseFacts
from isekai_gen.release.layout import (
    CARD_FILE,
    CHANGELOG_FILE,
    CHANGES_FILE,
    CITATION_FILE,
    CROISSANT_FILE,
    DATASHEET_FILE,
    LICENSE_FILE,
    NOTICES_FILE,
)


def write_documents(draft: ReleaseDraft, previous: Path | None, facts: ReleaseFacts) -> None:
    """Write card, datasheet, licenses, citation, changelog and Croissant.

    Args:
        draft: Has every other file but the lists of files.
        previous: Folder of the release before, or None.
        facts: What to tell; its `changes` are filled in here.

    Raises:
        ReleaseError: If the version does not say how much changed since `previous`.
    """
    options = facts.options
    changes = _changes(draft, previous, facts)
    changes.refuse_low_version()
    told = replace(facts, changes=changes.markdown())
    listed_changes = changes.to_json()
    if listed_changes is not None:
        draft.write_json(CHANGES_FILE, listed_changes)
    documents = {
        CHANGELOG_FILE: changelog_text(previous, options.version, facts.date, changes),
        LICENSE_FILE: options.full_license(),
        NOTICES_FILE: write_notices(told),
        CITATION_FILE: citation_cff(told),
        DATASHEET_FILE: write_datasheet(told),
        CARD_FILE: write_card(told),
    }
    for name, text in documents.items():
        draft.write(name, text.encode())
    draft.write_json(CROISSANT_FILE, croissant_document(told, draft.listed()))


def _changes(draft: ReleaseDraft, previous: Path | None, facts: ReleaseFacts) -> Changes:
    if previous is None:  # nothing to compare, so nothing to read back
        return Changes(len(facts.images), len(facts.content.concepts), None)
    options = facts.options
    return describe_changes(previous, draft.folder, options.name, options.version, draft.listed())
