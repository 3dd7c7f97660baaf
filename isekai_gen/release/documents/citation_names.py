"""Authors' names as bibliographies want them: given and family names, or a group's name."""

from __future__ import annotations

from dataclasses import dataclass

from isekai_gen.release.documents.answers import Author

# Words that people have in no name: one of them makes the author a group.
_GROUP_WORDS = frozenset({
    "association", "authors", "center", "centre", "collaboration", "committee", "community",
    "company", "consortium", "contributors", "corporation", "department", "developers",
    "foundation", "gmbh", "group", "inc", "institute", "lab", "laboratory", "labs", "llc", "ltd",
    "maintainers", "network", "organization", "project", "society", "team", "university",
})  # fmt: skip
# Words that begin a family name, as in "van Gogh", where they are in lower case.
_PARTICLES = frozenset({
    "af", "al", "bin", "da", "das", "de", "del", "della", "der", "di", "do", "dos", "du", "la",
    "le", "ten", "ter", "van", "von",
})  # fmt: skip


@dataclass(frozen=True)
class PersonName:
    """A person's name in its parts.

    Attributes:
        given: Given names.
        particle: Such as "van der", or "".
        family: Family names.
    """

    given: str
    particle: str
    family: str


def split_name(author: Author) -> PersonName | None:
    """The parts of a person's name, or None if the author is a group.

    "Family, Given" is taken as written. Otherwise the last word is the family name, with particles
    before it. A name of one word, or with a word such as "team", is a group's, unless it has an
    ORCID iD, which only people have; one word is then the family name.
    """
    family, comma, given = (part.strip() for part in author.name.partition(","))
    if comma and family and given and not _is_group(author):
        return PersonName(given, *_without_particle(family.split()))
    words = author.name.split()
    if _is_group(author) or (len(words) < 2 and not author.orcid):
        return None
    start = len(words) - 1
    while start > 1 and words[start - 1] in _PARTICLES:
        start -= 1
    return PersonName(" ".join(words[:start]), *_without_particle(words[start:]))


def _is_group(author: Author) -> bool:
    words = {word.strip(".,()").lower() for word in author.name.split()}
    return not author.orcid and bool(words & _GROUP_WORDS)


def _without_particle(words: list[str]) -> tuple[str, str]:
    start = 0
    while start < len(words) - 1 and words[start] in _PARTICLES:
        start += 1
    return " ".join(words[:start]), " ".join(words[start:])
