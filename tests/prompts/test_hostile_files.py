"""Whatever a catalog holds, it stays words or becomes a fault."""

import os
import tempfile
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from isekai_gen.errors import ConceptError, TemplateError
from isekai_gen.prompts.catalog import Catalog, load_catalog
from isekai_gen.prompts.marked_yaml import MAX_BYTES
from isekai_gen.prompts.templates import load_templates
from isekai_gen.workspace import Workspace, is_slug


def load_bytes(content: bytes) -> Catalog:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "concepts.yaml"
        path.write_bytes(content)
        return load_catalog(path)


def fault_of(content: bytes) -> str:
    with pytest.raises(ConceptError) as error:
        load_bytes(content)
    return str(error.value)


def catalog_with(name: str, description: str) -> dict[str, Any]:
    real = {"name": "real thing", "short": "thing", "description": "a thing"}
    fictional = {"name": name, "short": "b", "description": description, "parents": ["c"]}
    return {"schema": 1, "name": "n", "groups": [{"fictional": fictional, "real": real}]}


hostile_names = st.one_of(
    st.sampled_from(
        ["../../etc/passwd", "/root", "..", "C:\\x", "con", "a\x00b", "-rf", "~/.ssh", "{name}"]
    ),
    st.text(max_size=120),
)


@settings(max_examples=150, deadline=None)
@given(name=hostile_names, description=st.text(min_size=1, max_size=60))
def test_hostile_texts_become_safe_slugs_or_faults(name, description):
    content = yaml.safe_dump(catalog_with(name, description), allow_unicode=True)
    try:
        catalog = load_bytes(content.encode("utf-8", "surrogatepass"))
    except ConceptError:
        return
    slug = catalog.groups[0].slug
    assert is_slug(slug)
    image = Workspace(Path("/workspace")).image(slug, "0" * 20)
    assert image.parent.parent == Path("/workspace/images")
    assert catalog.groups[0].fictional.description == " ".join(description.split())


@settings(max_examples=200, deadline=None)
@given(st.one_of(st.binary(max_size=200), st.text("ab:-[]{}&*!|>'\"#%@,?\n \t0").map(str.encode)))
def test_any_bytes_are_refused_with_a_line(content):
    first = fault_of(content).split("\n")[0]
    assert first.split("concepts.yaml:")[1][0].isdigit()


@pytest.mark.parametrize("tag", ["!!python/object/apply:os.system", "!!binary", "!!str", "!x"])
def test_tags_are_refused(tag):
    assert "concepts.yaml:2: YAML tag" in fault_of(f"schema: 1\nname: {tag} ab\n".encode())


def test_a_python_tag_runs_nothing(tmp_path):
    witness = tmp_path / "ran"
    fault_of(f"!!python/object/apply:os.mkdir ['{witness}']\n".encode())
    assert not witness.exists()


def test_an_alias_bomb_is_refused_at_every_alias():
    bomb = "a: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b]\n"
    assert fault_of(bomb.encode()).count("YAML alias") == 4


def test_deep_nesting_is_refused():
    assert "nested deeper than 20" in fault_of(b"[" * 100_000)


def test_a_second_document_is_refused():
    assert "concepts.yaml:2: a second YAML document" in fault_of(b"schema: 1\n---\nschema: 1\n")


def test_a_key_that_is_a_list_is_refused():
    assert "a key must be a word" in fault_of(b"? [a, b]\n: 1\n")


def test_an_oversized_file_is_refused():
    assert "more than 5 MB" in fault_of(b"#" * (MAX_BYTES + 1))


def test_a_huge_text_is_a_fault():
    content = yaml.safe_dump(catalog_with("a", "b" * 1_000_000))
    assert "'description' has 1000000 characters; at most 2000" in fault_of(content.encode())


def test_a_huge_list_is_one_fault():
    content = catalog_with("a", "b")
    content["groups"][0]["fictional"]["parents"] = [f"p{i}" for i in range(10_001)]
    assert fault_of(yaml.safe_dump(content).encode()).endswith("at most 10000 are allowed")


def test_huge_keys_and_texts_are_cut_in_messages():
    assert len(fault_of(b"? " + b"k" * 100_000 + b"\n: 1\n")) < 600


def test_bytes_that_are_not_utf8_name_their_line():
    assert "concepts.yaml:2: this is not UTF-8" in fault_of(b"schema: 1\nname: \xff\n")


def test_a_control_character_names_its_line():
    assert "concepts.yaml:2: control character '\\x07'" in fault_of(b"schema: 1\nname: a\x07\n")


def test_a_byte_order_mark_and_windows_line_ends_are_fine():
    content = yaml.safe_dump(catalog_with("a", "b c")).replace("\n", "\r\n")
    assert load_bytes(b"\xef\xbb\xbf" + content.encode()).groups[0].slug == "a"


def test_a_pipe_is_refused_instead_of_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(TemplateError, match="not a regular file"):
        load_templates(tmp_path / "pipe")
