import pytest

from isekai_gen.errors import ReleaseError
from isekai_gen.prompts import shipped_catalog_path
from isekai_gen.prompts.catalog import load_catalog
from isekai_gen.settings import Settings
from isekai_gen.stages.context import StageContext
from isekai_gen.stages.release_answers import (
    answers_file,
    ensure_answers_file,
    generators_of,
    known_facts,
    load_answers,
    write_demo_answers,
)
from isekai_gen.workspace import Workspace
from tests.release.conftest import make_small


@pytest.fixture
def context(tmp_path):
    return StageContext(Workspace(tmp_path), Settings())


@pytest.fixture
def catalog():
    return load_catalog(shipped_catalog_path())


def test_before_anything_is_drawn_the_model_of_the_settings_is_asked_about(context, catalog):
    known = known_facts(context, catalog)
    assert (known.fictional, known.real, known.images) == (20, 20, 0)
    assert known.generators == ["starter"]
    assert known.title == catalog.name


def test_the_file_is_begun_once_and_then_left_to_its_authors(context, catalog):
    assert ensure_answers_file(context, catalog) == 4
    path = answers_file(context.workspace)
    path.write_text(path.read_text().replace('"TODO: your name"', '"Ada Lovelace"'))
    before = path.read_bytes()
    assert ensure_answers_file(context, catalog) == 3
    assert path.read_bytes() == before


def test_the_demo_has_complete_answers(context):
    write_demo_answers(context.workspace)
    answers = load_answers(context.workspace, [])
    assert answers.authors[0].name == "The isekai-gen authors"
    assert "starter" in answers.generators


def test_the_demo_leaves_own_answers_alone(context):
    path = answers_file(context.workspace)
    path.write_text("# mine\n")
    write_demo_answers(context.workspace)
    assert path.read_text() == "# mine\n"


def test_terms_of_every_generator_that_drew_are_asked_for(context, tmp_path):
    records = make_small(tmp_path / "small").content.records
    assert generators_of(records) == ["tiny"]
    write_demo_answers(context.workspace)
    with pytest.raises(ReleaseError, match=r"release.toml:\d+: images were drawn by 'tiny'"):
        load_answers(context.workspace, records)


def test_a_missing_file_is_said_with_its_remedy(context):
    with pytest.raises(ReleaseError, match="isekai-gen release init"):
        load_answers(context.workspace, [])
