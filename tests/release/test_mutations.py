"""Whatever is changed in a release, verification finds it and names the file."""

import shutil
from pathlib import Path

import pytest

from isekai_gen.release.verification.verify import verify_release
from tests.release.mutations import (
    byte_mutations,
    edit_json,
    edit_rows,
    edit_table,
    edit_tar,
    names,
    relist,
)

PROFILES = ("built", "built_files", "built_tars")
TEN, PAIR = "lcl/ISEKAI-10.json", "lcl/ISEKAI-pair.json"
METADATA, CONCEPTS, PROMPTS = "metadata.jsonl", "concepts.jsonl", "prompts/prompts.jsonl"
REJECTED, LABELS, INDEX = "rejected.jsonl", "lcl/labels.jsonl", "release.json"
OVERLAP, CHANGELOG, CARD = "reports/overlap.json", "CHANGELOG.md", "README.md"
IMAGES, PAIRS = "data/test-00000-of-00001.parquet", "pairs/test-00000-of-00001.parquet"
NEIGHBORS, NEAREST = "neighbors/test-00000-of-00001.parquet", "neighbors/nearest.jsonl"
TAR, SHARDS = "shards/isekai-test-test-000000.tar", "shards/shards.json"


@pytest.fixture(params=PROFILES)
def release(request, tmp_path):
    """A release of each profile, to break."""
    return Path(shutil.copytree(request.getfixturevalue(request.param), tmp_path / "release"))


def found_after(folder, mutation):
    """What verification finds in a release while a mutation lasts."""
    before = {name: (folder / name).read_bytes() for name in names(folder)}
    mutation.apply(folder)
    found = verify_release(folder)
    for name in names(folder):
        if name not in before:
            (folder / name).unlink()
        elif (folder / name).read_bytes() != before[name]:
            (folder / name).write_bytes(before[name])
    for name in before.keys() - set(names(folder)):
        (folder / name).write_bytes(before[name])
    return found


def assert_all_found(folder, mutations):
    for mutation in mutations:
        found = {finding.file for finding in found_after(folder, mutation)}
        assert found & mutation.named, (mutation.title, found)
    assert verify_release(folder) == []


@pytest.mark.slow
def test_seventy_seeded_changes_of_bytes_and_names_are_found_and_named(release):
    assert_all_found(release, byte_mutations(release, 70, seed=6))


@pytest.mark.long
@pytest.mark.parametrize("seed", range(2))
def test_hundreds_more_are_found_and_named(release, seed):
    assert_all_found(release, byte_mutations(release, 250, seed=100 + seed))


def rows(name, number=0, /, **fields):
    """Set fields of one row of a JSON-lines file."""
    return name, lambda folder: edit_rows(
        folder, name, lambda all_rows: all_rows[number].update(fields)
    )


def table(name, number=0, /, **fields):
    """Set columns of one row of a Parquet file."""
    return name, lambda folder: edit_table(folder / name, lambda each: each[number].update(fields))


def table_rows(name, change):
    """Change the list of rows of a Parquet file."""
    return name, lambda folder: edit_table(folder / name, change)


def member(number, name=None, content=lambda old: old):
    """Change a member of the tar shard."""

    def change(members):
        old_name, old = members[number]
        members[number] = (name or old_name, content(old))

    return TAR, lambda folder: edit_tar(folder / TAR, change)


def document(name, change):
    """Change a JSON document."""
    return name, lambda folder: edit_json(folder, name, change)


def lines(name, change):
    """Change the list of rows of a JSON-lines file."""
    return name, lambda folder: edit_rows(folder, name, change)


def text(name, old, new):
    """Replace words of a document."""

    def change(folder):
        content = (folder / name).read_text()
        assert old in content
        (folder / name).write_text(content.replace(old, new, 1))

    return name, change


def swap_bytes(one, other):
    """Let two files change places."""

    def change(folder):
        first = (folder / one).read_bytes()
        (folder / one).write_bytes((folder / other).read_bytes())
        (folder / other).write_bytes(first)

    return one, change


IMAGE, OTHER_IMAGE = "images/cactihog/cactihog-0001.png", "images/icemic/icemic-0001.png"
EVERYWHERE = {
    "another seed": rows(METADATA, seed=7),
    "another prompt": rows(PROMPTS, 1, prompt="a bee"),
    "another template": rows(METADATA, template="fancy"),
    "another label": rows(METADATA, label=1),
    "label beyond the catalog": rows(METADATA, label=99),
    "label below zero": rows(METADATA, label=-1),
    "another concept": rows(METADATA, concept="icemic"),
    "another name": rows(METADATA, name="Cactihog"),
    "another group": rows(METADATA, group="sweet"),
    "another kind": rows(METADATA, kind="real"),
    "another split": rows(METADATA, split="train"),
    "another path": rows(METADATA, file_name="images/cactihog/cactihog-0009.png"),
    "escaping path": rows(METADATA, file_name="../../etc/passwd"),
    "another digest": rows(METADATA, sha256="0" * 64),
    "another size": rows(METADATA, bytes=5),
    "another width": rows(METADATA, width=17),
    "another pixel digest": rows(METADATA, pixel_sha256="0" * 64),
    "another source type": rows(METADATA, digital_source_type="photo"),
    "number for text": rows(METADATA, prompt=7),
    "text for number": rows(METADATA, max_similarity="high"),
    "true for a number": rows(METADATA, seed=True),
    "huge number": rows(METADATA, seed=2**70),
    "lone surrogate": rows(METADATA, template="\ud800"),
    "a column more": rows(METADATA, extra=1),
    "a row less": lines(METADATA, lambda all_rows: all_rows.pop()),
    "a row twice": lines(METADATA, lambda all_rows: all_rows.append(all_rows[0])),
    "concept counts": rows(CONCEPTS, images=9),
    "concept splits": rows(CONCEPTS, images_by_split={"train": 3}),
    "concept renamed": rows(CONCEPTS, name="hedgehoglet"),
    "concept label": rows(CONCEPTS, label=2),
    "concepts swapped": lines(CONCEPTS, lambda all_rows: all_rows.reverse()),
    "concept lost": lines(CONCEPTS, lambda all_rows: all_rows.pop()),
    "prompt lost": lines(PROMPTS, lambda all_rows: all_rows.pop()),
    "prompt twice": lines(PROMPTS, lambda all_rows: all_rows.append(all_rows[0])),
    "failure hidden": rows(PROMPTS, 4, failure=""),
    "rejection lost": lines(REJECTED, lambda all_rows: all_rows.pop()),
    "rejection twice": lines(REJECTED, lambda all_rows: all_rows.append(all_rows[0])),
    "rejected by another": rows(REJECTED, by="person"),
    "witness elsewhere": rows(REJECTED, 0, witness="0" * 20, tier="person"),
    "reason lost": rows(REJECTED, reason=""),
    "rejected concept": rows(REJECTED, concept="bee"),
    "label list": rows(LABELS, label="bee"),
    "query of another": rows(TEN, image_name="images/icemic/icemic-0001.png"),
    "unknown query": rows(TEN, image_name="images/cactihog/cactihog-0099.png"),
    "document as query": rows(TEN, image_name="README.md"),
    "answer turned round": rows(TEN, label_name="hedgehog"),
    "label unlike the images": rows(TEN, positive_promt="catihog", label_name="catihog"),
    "lists swapped": lines(
        TEN,
        lambda all_rows: all_rows[0].update(
            positive_list=all_rows[0]["negative_list"], negative_list=all_rows[0]["positive_list"]
        ),
    ),
    "manifest of an odd number": lines(TEN, lambda all_rows: all_rows.pop()),
    "manifest cut": lines(PAIR, lambda all_rows: all_rows.clear()),
    "rows left out": document(INDEX, lambda value: value["manifests"].update({TEN: 2})),
    "another title": document(INDEX, lambda value: value.update(title="Bees")),
    "another version": document(INDEX, lambda value: value.update(version="2.0.0")),
    "another license": document(INDEX, lambda value: value.update(license="mit")),
    "another profile": document(INDEX, lambda value: value.update(profile="boxes")),
    "another division": document(INDEX, lambda value: value.update(split_by="luck")),
    "other splits": document(INDEX, lambda value: value.update(splits={"test": 1})),
    "kept miscounted": document(INDEX, lambda value: value["counts"].update(kept=99)),
    "overlap unsaid": document(OVERLAP, lambda value: value.pop("copies_measured")),
    "overlap of another form": document(OVERLAP, lambda value: value.update(schema=9)),
    "duplicates unsaid": document("reports/duplicates.json", lambda value: value.pop("measured")),
    "changelog of another version": text(CHANGELOG, "1.0.0", "0.9.0"),
    "placeholder": text("DATASHEET.md", "## ", "## TODO: "),
    "placeholder of the Hub": text(CARD, "Isekai test", "[More Information Needed]"),
    "card lists more": text(CARD, "num_examples: ", "num_examples: 1"),
    "card of another license": text(CARD, "license: ", "license: not-"),
    "citation of another version": text("CITATION.cff", "1.0.0", "1.0.1"),
    "citation without authors": text("CITATION.cff", "authors:", "writers:"),
    "no synthetic pictures": text("croissant.json", "rai:hasSyntheticData", "rai:x"),
}  # fmt: skip
LOOSE = {
    "pictures swapped": swap_bytes(IMAGE, OTHER_IMAGE),
    "no picture": (IMAGE, lambda folder: (folder / IMAGE).write_bytes(b"GIF89a")),
}
IN_TABLES = {
    "row of the table": table(IMAGES, seed=7),
    "row of the table only": table(IMAGES, 3, model="grand"),
    "picture of the table": table(IMAGES, image={"bytes": b"GIF89a", "path": "cactihog-0001.png"}),
    "path in the table": table(IMAGES, image={"bytes": b"", "path": "/etc/cactihog-0001.png"}),
    "table cut": table_rows(IMAGES, lambda each: each.pop()),
    "table doubled": table_rows(IMAGES, lambda each: each.append(each[0])),
    "metadata alone": rows(METADATA, model="grand"),
    "pair turned round": table(PAIRS, label="hedgehog"),
    "pair shows another": table(PAIRS, query={"bytes": b"GIF89a", "path": "cactihog-0001.png"}),
    "pair lost": table_rows(PAIRS, lambda each: each.pop()),
    "neighbor farther": table(NEIGHBORS, similarity=0.125),
    "neighbor lost": table_rows(NEIGHBORS, lambda each: each.pop()),
    "neighbors reversed": table_rows(NEIGHBORS, lambda each: each.reverse()),
    "neighbors as text": rows(NEAREST, similarity=0.125),
    "neighbors as CSV": text("neighbors/nearest.csv", "cactihog", "hedgehog"),
}  # fmt: skip
IN_TARS = {
    "label in a tar": member(0, content=lambda _: b"3"),
    "row in a tar": member(1, content=lambda old: old.replace(b'"seed": ', b'"seed": 1')),
    "picture in a tar": member(2, content=lambda _: b"GIF89a"),
    "picture renamed": member(2, name="../x.png"),
    "sample lost": (TAR, lambda f: edit_tar(f / TAR, lambda each: each.__delitem__(slice(0, 3)))),
    "shards miscounted": document(SHARDS, lambda value: value["shardlist"][0].update(nsamples=1)),
    "shards of another": document(SHARDS, lambda value: value.update(name="bees")),
}  # fmt: skip
HIDDEN = {
    "built": EVERYWHERE | LOOSE | IN_TABLES,
    "built_files": EVERYWHERE | LOOSE,
    "built_tars": EVERYWHERE | IN_TARS,
}


def test_there_are_two_hundred_changes_at_least():
    assert sum(map(len, HIDDEN.values())) >= 200


@pytest.mark.slow
@pytest.mark.parametrize("profile", PROFILES)
def test_a_change_that_all_lists_were_made_to_hide_is_found_and_named(profile, request, tmp_path):
    folder = Path(shutil.copytree(request.getfixturevalue(profile), tmp_path / "release"))
    missed = {}
    for title, (named, change) in HIDDEN[profile].items():

        def hidden(copy, change=change):
            change(copy)
            relist(copy)

        found = found_after(folder, Hidden(hidden))
        # Where two files do not agree, it is reported of one and names the other.
        if not any(named in (each.file, *each.message.split()) for each in found):
            missed[title] = sorted({(each.file, each.rule) for each in found})
    assert missed == {}
    relist(folder)
    assert verify_release(folder) == []


class Hidden:
    """A mutation that is only applied."""

    def __init__(self, apply):
        self.apply = apply
