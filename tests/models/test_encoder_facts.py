"""What was measured of an encoder lies beside its weights."""

from __future__ import annotations

import shutil

import pytest

from isekai_gen.errors import ModelError
from isekai_gen.models.encoder_facts import FACTS_FILE, measured_object_limit
from isekai_gen.models.encoder_files import identify_encoder
from isekai_gen.models.spec import EncoderSpec, starter_folder


def spec_of(folder) -> EncoderSpec:
    return EncoderSpec(str(folder), "an encoder")


def test_the_starter_has_its_measured_limit():
    assert measured_object_limit(spec_of(starter_folder("encoder"))) == 0.1


def test_facts_are_no_part_of_what_an_encoder_is(tmp_path):
    folder = tmp_path / "encoder"
    shutil.copytree(starter_folder("encoder"), folder)
    before = identify_encoder(spec_of(folder))
    (folder / FACTS_FILE).write_text("object_limit = 0.7\n")
    assert measured_object_limit(spec_of(folder)) == 0.7
    assert identify_encoder(spec_of(folder)) == before


def test_an_encoder_that_nobody_measured_has_none(tmp_path):
    assert measured_object_limit(spec_of(tmp_path)) is None
    for source in ("ViT-B-32/laion2b_s34b_b79k", "~nobody-9/folder"):
        assert measured_object_limit(spec_of(source)) is None
    (tmp_path / FACTS_FILE).write_text("")
    assert measured_object_limit(spec_of(tmp_path)) is None


@pytest.mark.parametrize(
    "text",
    ["object_limit = 1.0", "object_limit = -0.1", "object_limit = true", "object_limit = 'low'",
     "limit = 0.1", "object_limit =", "object_limit = nan", "a = " + "[" * 9999],
    ids=["one", "negative", "no number", "text", "unknown", "no TOML", "nan", "too deep"],
)  # fmt: skip
def test_a_file_that_says_anything_else_is_refused_in_one_line(tmp_path, text):
    (tmp_path / FACTS_FILE).write_text(text)
    with pytest.raises(ModelError, match=FACTS_FILE) as found:
        measured_object_limit(spec_of(tmp_path))
    assert "\n" not in str(found.value)
