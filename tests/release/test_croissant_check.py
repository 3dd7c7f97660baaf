import copy
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isekai_gen.release.croissant.croissant import croissant_document
from isekai_gen.release.croissant.croissant_check import check_croissant
from isekai_gen.release.croissant.croissant_terms import NEURIPS_FIELDS
from tests.release.conftest import make_small
from tests.release.facts import listed_files, small_facts

PROFILES = ("hub", "files", "webdataset")


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """Profile to its document and files."""
    small = make_small(tmp_path_factory.mktemp("croissant") / "workspace")
    found = {}
    for profile in PROFILES:
        facts = small_facts(small, profile)
        document = json.loads(json.dumps(croissant_document(facts, listed_files(facts))))
        found[profile] = (document, listed_files(facts))
    return found


def faults(document, files):
    return check_croissant(
        document, {file.path: file.sha256 for file in files}, {f.path: f.size for f in files}
    )


def found(named, kind, **wanted):
    return next(
        each
        for each in named
        if each["@type"] == kind and all(each.get(key) == wanted[key] for key in wanted)
    )


@pytest.mark.parametrize("profile", PROFILES)
def test_what_is_written_has_no_faults(written, profile):
    assert faults(*written[profile]) == []


def _forget(key):
    return lambda document: document.pop(key)


def _empty(key):
    return lambda document: document.update({key: ""})


def _object(document, path="metadata.jsonl"):
    return found(document["distribution"], "cr:FileObject", contentUrl=path)


def _set(document, name="images-files"):
    return found(document["distribution"], "cr:FileSet", **{"@id": name})


def _records(document, name):
    return found(document["recordSet"], "cr:RecordSet", **{"@id": name})


def _field(document, name):
    fields = _records(document, name.partition("/")[0])["field"]
    return next(field for field in fields if field["@id"] == name)


BROKEN = {
    "name must be a text": _forget("name"),
    "license must be a text": _empty("license"),
    "url must be a text": _empty("url"),
    "@context is not Croissant 1.1's": lambda d: d["@context"].pop("rai"),
    '@type must be "sc:Dataset"': _empty("@type"),
    "conformsTo must name": lambda d: d["conformsTo"].pop(),
    "creator must be a list": _empty("creator"),
    "a creator has no name": lambda d: d["creator"][0].pop("name"),
    "distribution must be a list": _empty("distribution"),
    "rai:hasSyntheticData must be true": lambda d: d.update({"rai:hasSyntheticData": "yes"}),
    "has another SHA-256 for 'metadata.jsonl'": lambda d: _object(d).update(sha256="0" * 64),
    "has another size for 'metadata.jsonl'": lambda d: _object(d).update(contentSize="1 B"),
    "lists 'gone.txt', which is not there": lambda d: _object(d).update(contentUrl="gone.txt"),
    "does not list 'metadata.jsonl'": lambda d: d["distribution"].remove(_object(d)),
    "neither cr:FileObject nor cr:FileSet": lambda d: _object(d).update({"@type": "x"}),
    "file set 'images-files': no file is like 'd/*'": lambda d: _set(d).update(includes=["d/*"]),
    "file set 'images-files': includes must be": lambda d: _set(d).update(includes=[]),
    "recordSet must be a list": _empty("recordSet"),
    "record set splits is missing": lambda d: d["recordSet"].remove(_records(d, "splits")),
    "record set images lacks the field seed": lambda d: _records(d, "images")["field"].remove(
        _field(d, "images/seed")
    ),
    "record set pairs lacks the field query": lambda d: _records(d, "pairs")["field"].remove(
        _field(d, "pairs/query")
    ),
    "record set 'images': its key is no field": lambda d: _records(d, "images").update(
        key={"@id": "images/none"}
    ),
    "source is a file that is not listed": lambda d: _field(d, "images/seed").update(
        source={"fileSet": {"@id": "none"}, "extract": {"column": "seed"}}
    ),
    "the field seed reads another column": lambda d: _field(d, "images/seed")["source"].update(
        extract={"column": "row"}
    ),
    "references is a field that does not exist": lambda d: _field(d, "images/split").update(
        references={"field": {"@id": "splits/none"}}
    ),
    "a record set has no @id": lambda d: _records(d, "pairs").pop("@id"),
} | {
    f"{key} is missing or empty": _empty(key)
    for key in NEURIPS_FIELDS
    if key != "rai:hasSyntheticData"
}  # fmt: skip


@pytest.mark.parametrize(("fault", "break_it"), BROKEN.items(), ids=BROKEN)
def test_what_is_wrong_is_named(written, fault, break_it):
    document, files = written["hub"]
    document = copy.deepcopy(document)
    break_it(document)
    assert any(fault in each for each in faults(document, files))


def test_a_shard_that_is_not_there_is_named(written):
    document, files = written["webdataset"]
    document = copy.deepcopy(document)
    _set(document)["containedIn"].append({"@id": "shards/none.tar"})
    assert faults(document, files) == ["file set 'images-files': 'shards/none.tar' is not there"]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


def _places(value, path=()):
    """Every place in a JSON value, as the keys that lead there."""
    yield path
    if isinstance(value, dict | list):
        for key, each in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _places(each, (*path, key))


@settings(max_examples=150, deadline=None)
@given(choice=st.randoms(use_true_random=False), strange=JSON, profile=st.sampled_from(PROFILES))
def test_no_document_is_too_strange_to_be_checked(written, choice, strange, profile):
    document, files = written[profile]
    document = {"whole": copy.deepcopy(document)}
    *parents, last = choice.choice(list(_places(document))[1:])
    value = document
    for key in parents:
        value = value[key]
    value[last] = strange
    assert isinstance(faults(document["whole"], files), list)
