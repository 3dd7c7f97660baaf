import json
from dataclasses import replace

import pytest

from isekai_gen.release.columns import METADATA_COLUMNS
from isekai_gen.release.croissant.croissant import croissant_document
from isekai_gen.release.croissant.croissant_terms import NEURIPS_FIELDS
from isekai_gen.release.index import ListedFile
from tests.release.conftest import ANSWERS, OPTIONS
from tests.release.facts import listed_files, small_facts

PROFILES = ("hub", "files", "webdataset")


@pytest.fixture
def facts(small):
    return small_facts(small)


def document_of(facts):
    return croissant_document(facts, listed_files(facts))


def fields_of(document, record_set):
    (found,) = (each for each in document["recordSet"] if each["@id"] == record_set)
    return {field["name"]: field for field in found["field"]}


@pytest.mark.parametrize("profile", PROFILES)
def test_every_file_but_loose_images_and_lists_is_an_object_with_its_digest(small, profile):
    facts = small_facts(small, profile)
    later = [
        ListedFile(name, 1, "0" * 64, "index")
        for name in ("croissant.json", "release.json", "SHA256SUMS", "SHA256SUMS.sig")
    ]
    document = croissant_document(facts, [*listed_files(facts), *later])
    objects = {
        each["contentUrl"]: (each["sha256"], each["contentSize"])
        for each in document["distribution"]
        if each["@type"] == "cr:FileObject"
    }
    assert objects == {
        file.path: (file.sha256, f"{file.size} B")
        for file in listed_files(facts)
        if not file.path.startswith("images/")
    }


def test_media_types_are_those_of_what_files_hold(facts):
    formats = {each["@id"]: each["encodingFormat"] for each in document_of(facts)["distribution"]}
    assert formats["lcl/ISEKAI-10.json"] == "application/jsonlines"
    assert formats["metadata.jsonl"] == "application/jsonlines"
    assert formats["LICENSE"] == "text/plain"
    assert formats["loose-images"] == ["image/png"]


@pytest.mark.parametrize("profile", PROFILES)
def test_every_column_of_the_metadata_is_a_described_field_of_images(small, profile):
    fields = fields_of(document_of(small_facts(small, profile)), "images")
    assert "image" in fields
    for column in METADATA_COLUMNS:
        assert fields[column.name]["description"] == column.description


def test_tables_without_pictures_files_lack_no_field(facts):
    document = document_of(facts)
    assert fields_of(document, "pairs")["positive_images"]["repeated"] is True
    assert fields_of(document, "neighbors")["similarity"]["dataType"] == "sc:Float"


def test_labels_are_marked_as_labels(facts):
    assert fields_of(document_of(facts), "images")["label"]["dataType"] == [
        "sc:Integer",
        "cr:Label",
    ]


@pytest.mark.parametrize("profile", PROFILES)
def test_no_record_set_has_two_references_which_readers_could_not_follow(small, profile):
    for record_set in document_of(small_facts(small, profile))["recordSet"]:
        assert sum("references" in field for field in record_set["field"]) <= 1


def test_splits_are_listed_with_their_numbers_of_images(facts):
    (splits,) = (each for each in document_of(facts)["recordSet"] if each["@id"] == "splits")
    assert {row["splits/name"]: row["splits/images"] for row in splits["data"]} == facts.splits()
    assert len(facts.splits()) == 2


def test_answers_of_the_authors_are_told_where_neurips_looks_for_them(facts):
    document = document_of(facts)
    assert all(document[key] for key in NEURIPS_FIELDS)
    assert document["rai:dataLimitations"] == ANSWERS.limitations
    assert document["rai:dataBiases"] == ANSWERS.biases
    assert document["rai:personalSensitiveInformation"] == ANSWERS.personal_information
    assert document["rai:dataUseCases"][0] == ANSWERS.uses
    assert ANSWERS.out_of_scope in document["rai:dataUseCases"][1]
    assert document["rai:dataSocialImpact"] == ANSWERS.social_impact
    assert document["rai:hasSyntheticData"] is True


def test_numbers_of_the_selection_are_those_of_the_counts(facts):
    said = document_of(facts)["rai:dataPreprocessingProtocol"]
    assert said[0] == (
        "Of 16 generated images, 14 were kept and 2 dropped: 1 by class_overlap, "
        "1 by near_duplicate."
    )
    assert said[1] == ANSWERS.selection


def test_generators_are_told_with_revision_digest_and_license(small):
    (record, *rest) = small.content.records
    adapted = replace(
        record,
        provenance=replace(
            record.provenance, revision="abc123", adapters=("ink@0.8#0123456789ab",)
        ),
    )
    facts = small_facts(small)
    facts = replace(facts, content=replace(facts.content, records=[adapted, *rest]))
    document = document_of(facts)
    plain, pinned, adapter = document["prov:wasDerivedFrom"]
    assert (plain["name"], plain["identifier"]) == ("tiny", f"sha256:{'d' * 64}")
    assert plain["license"] == "https://example.org/tiny"
    assert pinned["version"] == "abc123"
    assert pinned["url"] == "https://huggingface.co/tiny/tree/abc123"
    assert (adapter["name"], adapter["identifier"]) == ("ink@0.8", "sha256:0123456789ab")
    used = document["prov:wasGeneratedBy"][1]["prov:used"]
    assert [each["@id"] for each in used] == [
        each["@id"] for each in document["prov:wasDerivedFrom"]
    ]


def test_people_are_told_of_only_where_they_dropped_an_image(facts):
    def people(told):
        return "prov:Person" in json.dumps(document_of(told)["prov:wasGeneratedBy"])

    assert not people(facts)
    assert people(replace(facts, counts={**facts.counts, "dropped": {"person": 2}}))


def test_a_release_without_manifests_names_no_pairing(facts):
    names = [each["name"] for each in document_of(facts)["prov:wasGeneratedBy"]]
    without = document_of(replace(facts, manifests={}))["prov:wasGeneratedBy"]
    assert names[-1] == "Pairing"
    assert [each["name"] for each in without] == names[:-1]


def test_what_is_not_known_is_left_out(facts):
    known = replace(
        facts, answers=replace(ANSWERS, doi="10.5281/zenodo.1", repository="ada/isekai-test")
    )
    told = document_of(known)
    assert told["url"] == "https://doi.org/10.5281/zenodo.1"
    assert told["sameAs"] == "https://huggingface.co/datasets/ada/isekai-test"
    assert told["datePublished"] == "2026-01-31"
    untold = document_of(replace(facts, date=None))
    assert not {"url", "sameAs", "datePublished"} & untold.keys()


def test_a_license_is_an_address_or_the_file_that_has_it(facts):
    assert document_of(facts)["license"] == "https://spdx.org/licenses/CC0-1.0.html"
    own = replace(OPTIONS, license_id="our-license", license_text="Be kind.")
    assert document_of(replace(facts, options=own))["license"] == "our-license (see LICENSE)"


def test_loose_images_of_the_hub_profile_are_told_only_if_they_are_there(facts):
    def names(told):
        return {each["@id"] for each in document_of(told)["distribution"]}

    assert names(facts) - names(replace(facts, loose_images=False)) == {"loose-images"}


def test_the_order_of_files_does_not_matter(facts):
    files = listed_files(facts)
    assert croissant_document(facts, files) == croissant_document(facts, files[::-1])
