"""Which words a run uses, and that the workspace keeps enough to plan again alone."""

import shutil
from dataclasses import replace

import pytest

from isekai_gen.errors import InputError, TemplateError
from isekai_gen.models.spec import GeneratorSpec
from isekai_gen.prompts.expansion import expand_prompts
from isekai_gen.records import PlannedImage
from isekai_gen.settings import GenerateSettings
from isekai_gen.stages.words import check_prompt_lengths, read_words
from isekai_gen.workspace import Workspace
from tests.tiny_models import WINDOW

PLANNED = PlannedImage("0" * 20, "cat", 0, "t", {}, "a cat", "", 0, 0)


@pytest.fixture
def wild(job):
    """The job with a wildcard of two files in a folder of its own, and one that is not used."""
    folder = job.folder / "wild"
    (folder / "in").mkdir(parents=True)
    (folder / "place.txt").write_text("in __in/room__\n# no\non a hill\n")
    (folder / "in" / "room.txt").write_text("a room\na hall\n")
    (folder / "unused.txt").write_text("{")
    text = "schema: 1\ntemplates:\n  - id: t\n    text: '{a} {short} __place__'\n"
    job.templates.write_text(text)
    return folder


def first_texts(words):
    concept = words.catalog.concepts[0]
    return [prompt.text for prompt in expand_prompts(words.templates, concept, range(3), 0)]


def test_the_workspace_alone_can_plan_again(job, wild, tmp_path):
    workspace = Workspace(tmp_path / "ws")
    settings = GenerateSettings(wildcards=str(wild))
    words = read_words(workspace, settings, job.catalog, job.templates)
    words.copy_into(workspace)
    copied = sorted(path.relative_to(workspace.root) for path in workspace.root.rglob("*.txt"))
    assert [path.as_posix() for path in copied] == ["wildcards/in/room.txt", "wildcards/place.txt"]
    again = read_words(workspace, GenerateSettings(), None, workspace.templates_file)
    assert first_texts(again) == first_texts(words)
    assert len(set(first_texts(words))) == 3
    shutil.rmtree(wild)
    gone = read_words(workspace, settings, None, workspace.templates_file)
    assert first_texts(gone) == first_texts(words)


def test_a_named_folder_goes_before_the_workspaces_own(job, wild, tmp_path):
    workspace = Workspace(tmp_path / "ws")
    settings = GenerateSettings(wildcards=str(wild))
    read_words(workspace, settings, job.catalog, job.templates).copy_into(workspace)
    (wild / "in" / "room.txt").write_text("a cave\n")
    words = read_words(workspace, settings, None, workspace.templates_file)
    assert any("a cave" in text for text in first_texts(words))


@pytest.mark.parametrize("missing", ["no", "~nobody-of-that-name/no"])
def test_a_folder_that_is_nowhere_is_told(job, tmp_path, missing):
    settings = GenerateSettings(wildcards=missing)
    with pytest.raises(InputError, match="no is no folder; name the wildcards folder"):
        read_words(Workspace(tmp_path / "ws"), settings, job.catalog, job.templates)


def test_a_wildcard_without_any_folder_names_the_option(job, wild, tmp_path):
    with pytest.raises(TemplateError, match=r"templates.yaml:4:24: .*--wildcards"):
        read_words(Workspace(tmp_path / "ws"), GenerateSettings(), job.catalog, job.templates)


def test_prompts_that_are_too_long_are_listed_once_each(tiny_generator):
    long = "a " * WINDOW
    images = [
        replace(PLANNED, index=index, prompt=f"{long}{index % 15}", negative_prompt=negative)
        for index, negative in enumerate(["", "ugly", f"{long}red"] * 10)
    ]
    with pytest.raises(InputError) as error:
        check_prompt_lengths(GeneratorSpec(str(tiny_generator), "tiny"), iter([PLANNED, *images]))
    lines = str(error.value).splitlines()
    assert lines[0] == "16 prompt(s) are too long for tiny:"
    assert lines[1].startswith(f"cat #0 (template 't'): {WINDOW + 3} tokens, the model reads")
    assert "cat #2 (template 't'), negative prompt:" in lines[4]
    assert lines[4].endswith("cut off: 'a a red'")
    assert lines[-2] == "... and 6 more"
    assert "--allow-truncation" in lines[-1]


def test_images_are_read_once_and_need_no_tokenizer_if_there_are_none(tmp_path):
    check_prompt_lengths(GeneratorSpec(str(tmp_path / "no model"), "none"), iter([]))
