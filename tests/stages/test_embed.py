"""`embed`: what its results depend on, and how it takes encoders of every kind."""

import shutil

import pytest

from isekai_gen.errors import ModelError, StaleShardError
from isekai_gen.models.encoder_batches import BATCH_ROWS
from isekai_gen.stages.embed import embed, encoder_spec, load_embeddings, main_encoder_spec
from tests.encoder_models import build_tiny_torchscript
from tests.stages.curated_jobs import curation_context, in_this_process


@pytest.fixture
def context(drawn, tmp_path, tiny_generator, tiny_encoder):
    root = shutil.copytree(drawn, tmp_path / "ws")
    with in_this_process():
        yield curation_context(root, tiny_generator, tiny_encoder)


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    return build_tiny_torchscript(tmp_path_factory.mktemp("programs") / "detector.v2.pt")


def test_other_batches_are_another_way_of_embedding(context, monkeypatch):
    assert embed(context).worked
    assert not embed(context).worked
    monkeypatch.setitem(BATCH_ROWS, "cpu", 8)
    with pytest.raises(StaleShardError):
        embed(context)


def test_an_encoder_of_pictures_leaves_the_main_one_alone(context, program):
    main = embed(context)
    settings = (context.workspace.root / "isekai.toml").read_text()
    extra = embed(context, str(program))
    assert (extra.encoder, extra.embedded) == ("detector.v2", main.embedded)
    assert not embed(context, str(program)).worked
    assert not embed(context).worked
    assert (context.workspace.root / "isekai.toml").read_text() == settings
    assert not load_embeddings(context, extra).alignment
    assert set(load_embeddings(context, main).alignment) == set(
        load_embeddings(context, extra).table.ids
    )


def test_an_image_that_is_gone_is_said_and_embedded_later(context, program):
    image = sorted(context.workspace.root.glob("images/*/*.png"))[0]
    content = image.read_bytes()
    image.unlink()
    report = embed(context, str(program))
    assert list(report.failures) == [image.stem]
    assert "cannot be read" in report.failures[image.stem]
    assert image.stem not in load_embeddings(context, report).table.ids
    image.write_bytes(content)
    again = embed(context, str(program))
    assert (again.worked, again.embedded, dict(again.failures)) == (True, report.embedded + 1, {})


def test_the_main_encoder_has_to_read_text(program, tiny_encoder):
    assert main_encoder_spec(str(tiny_encoder)) == encoder_spec(str(tiny_encoder))
    with pytest.raises(ModelError, match="give this one with --extra-encoder"):
        main_encoder_spec(str(program))


def test_the_home_of_an_unknown_user_is_a_path_where_nothing_lies():
    with pytest.raises(ModelError, match="~nobody-9/x: no such file or folder"):
        main_encoder_spec("~nobody-9/x")
