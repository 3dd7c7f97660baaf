"""Instruction data of a small drawn workspace."""

import base64
import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from isekai_gen.errors import InputError, ManifestError
from isekai_gen.manifests.instruction_formats import FORMATS, check_instructions
from isekai_gen.records import Decision, Episode, NamedImage
from isekai_gen.shards import encode_lines
from isekai_gen.stages.instructions import (
    INSTRUCTION_FORMATS,
    InstructionRequest,
    write_instructions,
)
from isekai_gen.stages.selection import select
from tests.small_jobs import digests, make_context
from tests.stages.curated_jobs import curation_context, draw_workspace, in_this_process

IMAGES = 3


@pytest.fixture(scope="module")
def root(tiny_generator, tmp_path_factory):
    """Twelve images of four concepts."""
    return draw_workspace(tmp_path_factory.mktemp("instructions"), tiny_generator, IMAGES)


@pytest.fixture
def context(root, tiny_generator, tiny_encoder):
    with in_this_process():
        yield curation_context(root, tiny_generator, tiny_encoder)


def rows_of(report):
    text = report.path.read_text("utf-8")
    if report.path.suffix == ".json":
        return json.loads(text)
    return [json.loads(line) for line in text.splitlines()]


def kept_paths(context):
    return {image.path for images in select(context).kept_by_concept().values() for image in images}


def write_some_episodes(context, path, count=4):
    a, b = sorted(kept_paths(context))[:2]
    names = [NamedImage(a, "x", "dax"), NamedImage(b, "y", "wug")]
    shown = [
        Episode(f"e{number}", (names[1],), names[0], ("dax", "wug")) for number in range(count)
    ]
    path.write_bytes(encode_lines(each.to_json() for each in shown))
    return path


def test_every_format_is_written_keeps_its_rules_and_reports_what_it_holds(context):
    reports = write_instructions(context, INSTRUCTION_FORMATS, InstructionRequest())

    assert [report.name for report in reports] == [
        f"{name} {content}" for name, made in FORMATS.items() for content in made.row_of
    ]
    for report in reports:
        rows = rows_of(report)
        assert len(rows) == report.rows > 0
        assert list(check_instructions(report.name.split()[0], rows)) == []


def test_each_kept_image_is_asked_about_once_in_each_way_and_no_other_is_named(context):
    (report,) = write_instructions(context, ["triplets"], InstructionRequest())

    rows = rows_of(report)
    assert {row["image"] for row in rows} == kept_paths(context)
    assert set(Counter((row["image"], row["id"].rpartition("/")[2]) for row in rows).values()) == {
        1
    }
    assert len(rows) == 5 * len(kept_paths(context))


def test_yes_and_no_are_balanced_for_every_concept(context):
    (report,) = write_instructions(context, ["triplets"], InstructionRequest())

    asked = Counter((row["concept"], row["template"].partition("/")[0]) for row in rows_of(report))
    for concept in {concept for concept, _ in asked}:
        assert asked[concept, "yes"] == asked[concept, "no"] == IMAGES


def test_counts_of_the_summary_add_up(context):
    reports = write_instructions(context, INSTRUCTION_FORMATS, InstructionRequest())

    for report in reports:
        summary = json.loads((report.path.parent / "summary.json").read_text("utf-8"))
        counts = summary["files"][report.path.name]
        assert counts["rows"] == report.rows
        assert sum(counts["by_concept"].values()) == report.rows
        assert sum(counts["by_template"].values()) == report.rows
        assert counts["skipped"] == report.skipped


def test_concepts_without_parents_have_no_reasons_and_are_named(context):
    (report,) = write_instructions(context, ["chain-of-thought"], InstructionRequest())

    assert {row["concept"] for row in rows_of(report)} == {"cactihog", "mushroom-haven"}
    assert report.skipped.keys() == {"hedgehog", "house"}
    assert report.rows == 2 * IMAGES


def test_episodes_are_drawn_of_kept_images_with_the_query_never_among_its_examples(context):
    (report,) = write_instructions(context, ["interleaved"], InstructionRequest())

    assert report.shots == IMAGES - 1
    rows = rows_of(report)
    assert len(rows) == len(kept_paths(context))
    for row in rows:
        images = [image for image in row["images"] if image]
        assert len(set(images)) == len(images) == 2 * report.shots + 1
        assert set(images) <= kept_paths(context)


def test_shots_that_were_asked_for_are_given_or_refused(context):
    def with_shots(shots):
        manifest = context.settings.manifest.model_copy(update={"shots": shots})
        return replace(context, settings=context.settings.model_copy(update={"manifest": manifest}))

    (report,) = write_instructions(with_shots(1), ["interleaved"], InstructionRequest())
    assert report.shots == 1
    with pytest.raises(ManifestError, match="shots"):
        write_instructions(with_shots(9), ["qwen-vl"], InstructionRequest())


def test_the_same_again_gives_the_same_bytes_and_another_seed_others(context):
    write_instructions(context, INSTRUCTION_FORMATS, InstructionRequest())
    first = digests(context.workspace.root, ["manifests"])
    write_instructions(context, INSTRUCTION_FORMATS, InstructionRequest())
    assert digests(context.workspace.root, ["manifests"]) == first

    manifest = context.settings.manifest.model_copy(update={"seed": 1})
    other = replace(context, settings=context.settings.model_copy(update={"manifest": manifest}))
    write_instructions(other, INSTRUCTION_FORMATS, InstructionRequest())
    now = digests(context.workspace.root, ["manifests"])
    assert all(now[name] != first[name] for name in first if "dataset_info" not in name)


def test_an_image_that_was_dropped_changes_no_row_of_another(
    tiny_generator, tiny_encoder, tmp_path
):
    root = draw_workspace(tmp_path, tiny_generator, IMAGES)
    with in_this_process():
        context = curation_context(root, tiny_generator, tiny_encoder)
        (report,) = write_instructions(context, ["triplets"], InstructionRequest())
        before = rows_of(report)
        dropped = before[0]["id"].split("/")[1]
        decision = Decision((dropped,), "drop", "anna")
        context.workspace.decisions_file.write_bytes(encode_lines([decision.to_json()]))

        (report,) = write_instructions(context, ["triplets"], InstructionRequest())

    assert rows_of(report) == [row for row in before if dropped not in row["id"]]


def test_episodes_of_a_file_are_written_in_their_own_labels(context, tmp_path):
    episodes = write_some_episodes(context, tmp_path / "e.jsonl")

    reports = write_instructions(context, ["sharegpt"], InstructionRequest(episodes=episodes))

    shown = rows_of(reports[0])
    assert [row["id"] for row in shown] == ["e0", "e1", "e2", "e3"]
    assert all(row["messages"][-1]["content"] == 'there is "dax" in the image.' for row in shown)
    listed = json.loads((reports[0].path.parent / "dataset_info.json").read_text())
    assert {each["file_name"] for each in listed.values()} == {r.path.name for r in reports}


def test_an_episode_of_a_dropped_image_is_refused(tiny_generator, tiny_encoder, tmp_path):
    root = draw_workspace(tmp_path, tiny_generator, IMAGES)
    with in_this_process():
        context = curation_context(root, tiny_generator, tiny_encoder)
        episodes = write_some_episodes(context, tmp_path / "e.jsonl")
        dropped = sorted(kept_paths(context))[0].rpartition("/")[2].removesuffix(".png")
        decision = Decision((dropped,), "drop", "anna")
        context.workspace.decisions_file.write_bytes(encode_lines([decision.to_json()]))

        with pytest.raises(ManifestError, match=r"e\.jsonl:1: episode e0: .* is not kept any more"):
            write_instructions(context, ["llava"], InstructionRequest(episodes=episodes))


def test_episodes_of_other_images_need_no_plan(root, tiny_generator, tmp_path):
    image = next((root / "images").rglob("*.png"))
    (tmp_path / "train").mkdir()
    for name in ("1.png", "2.png"):
        (tmp_path / "train" / name).write_bytes(image.read_bytes())
    shown = Episode(
        "e",
        (NamedImage("train/1.png", "k", "kit fox"),),
        NamedImage("train/2.png", "k", "kit fox"),
        ("kit fox",),
    )
    episodes = tmp_path / "e.jsonl"
    episodes.write_bytes(encode_lines([shown.to_json()]))
    empty = make_context(tmp_path / "empty", tiny_generator)

    (report,) = write_instructions(
        empty,
        ["openai-chat"],
        InstructionRequest(episodes=episodes, images=tmp_path, images_as="data-url"),
    )

    url = rows_of(report)[0]["messages"][1]["content"][0]["image_url"]["url"]
    assert url.startswith("data:image/png;base64,")
    with pytest.raises(
        ManifestError, match=r"train/1\.png is not in .* name its folder with --images"
    ):
        write_instructions(empty, ["llava"], InstructionRequest(episodes=episodes))


def test_a_concept_with_too_few_images_for_episodes_is_named_and_has_no_query(
    tiny_generator, tiny_encoder, tmp_path
):
    root = draw_workspace(tmp_path, tiny_generator, IMAGES)
    with in_this_process():
        context = curation_context(root, tiny_generator, tiny_encoder)
        *dropped, _ = select(context).kept_by_concept()["house"]
        decisions = [Decision((image.image_id,), "drop", "anna") for image in dropped]
        context.workspace.decisions_file.write_bytes(encode_lines(d.to_json() for d in decisions))

        (report,) = write_instructions(context, ["interleaved"], InstructionRequest())

    assert list(report.skipped) == ["house"]
    assert report.shots == IMAGES - 1
    assert not any("images/house/" in str(row["images"]) for row in rows_of(report))


def test_episodes_may_see_the_images_of_the_workspace_from_another_folder(
    tiny_generator, tiny_encoder, tmp_path
):
    root = draw_workspace(tmp_path, tiny_generator, IMAGES)
    with in_this_process():
        context = curation_context(root, tiny_generator, tiny_encoder)
        dropped = sorted(kept_paths(context))[0].removeprefix("images/")
        shown = Episode("e", (), NamedImage(dropped, "k", "fox"), ("fox",))
        (tmp_path / "e.jsonl").write_bytes(encode_lines([shown.to_json()]))
        decision = Decision((Path(dropped).stem,), "drop", "anna")
        context.workspace.decisions_file.write_bytes(encode_lines([decision.to_json()]))

        with pytest.raises(ManifestError, match="is not kept any more"):
            write_instructions(
                context, ["qwen-vl"], InstructionRequest(tmp_path / "e.jsonl", root / "images")
            )


def write_one_episode(folder, image):
    shown = Episode("e", (), NamedImage(image, "k", "fox"), ("fox",))
    (folder / "e.jsonl").write_bytes(encode_lines([shown.to_json()]))
    return InstructionRequest(folder / "e.jsonl", folder / "pictures", images_as="data-url")


def test_a_link_out_of_the_folder_is_not_put_into_rows(tiny_generator, tmp_path):
    (tmp_path / "pictures").mkdir()
    Image.new("RGB", (8, 8)).save(tmp_path / "secret.png")
    (tmp_path / "pictures/1.png").symlink_to(tmp_path / "secret.png")
    request = write_one_episode(tmp_path, "1.png")

    with pytest.raises(ManifestError, match=r"1\.png: is a symbolic link out of"):
        write_instructions(make_context(tmp_path / "ws", tiny_generator), ["openai-chat"], request)
    assert not (tmp_path / "ws/manifests/openai-chat").exists()


def test_the_kind_of_an_image_within_a_row_is_that_of_its_bytes(tiny_generator, tmp_path):
    (tmp_path / "pictures").mkdir()
    Image.new("RGB", (8, 8)).save(tmp_path / "pictures/1.png", "JPEG")
    request = write_one_episode(tmp_path, "1.png")
    context = make_context(tmp_path / "ws", tiny_generator)

    (report,) = write_instructions(context, ["openai-chat"], request)

    assert '"data:image/jpeg;base64,' in report.path.read_text()
    (tmp_path / "pictures/1.png").write_bytes(b"no picture")
    with pytest.raises(ManifestError, match=r"1\.png: chat services take image/png, .* only"):
        write_instructions(context, ["openai-chat"], request)
    with (tmp_path / "pictures/1.png").open("wb") as file:
        file.truncate(50_000_001)
    with pytest.raises(ManifestError, match=r"1\.png: its 50000001 bytes are more than"):
        write_instructions(context, ["openai-chat"], request)


def test_a_name_too_long_for_any_file_is_told_with_its_line(tiny_generator, tmp_path):
    (tmp_path / "pictures").mkdir()
    request = write_one_episode(tmp_path, "a" * 5000 + ".png")

    with pytest.raises(ManifestError, match=r"e\.jsonl:1: .* cannot be looked for"):
        write_instructions(make_context(tmp_path / "ws", tiny_generator), ["openai-chat"], request)


def test_a_refused_format_leaves_its_files_and_their_summary_as_they_are(context, tmp_path):
    write_instructions(context, ["sharegpt"], InstructionRequest())
    before = digests(context.workspace.root, ["manifests"])
    words = tmp_path / "w.yaml"
    words.write_text('schema: 1\ndemonstration_answer: "{label}"\n')
    spoiled = Episode("e", (), NamedImage(min(kept_paths(context)), "k", "<image>"), ("<image>",))
    (tmp_path / "e.jsonl").write_bytes(encode_lines([spoiled.to_json()]))

    with pytest.raises(ManifestError, match="episode e: "):
        write_instructions(
            context, ["sharegpt"], InstructionRequest(tmp_path / "e.jsonl", words=words)
        )

    assert digests(context.workspace.root, ["manifests"]) == before


def test_images_within_rows_are_those_of_the_workspace_beside_episodes_of_another_folder(
    context, tmp_path
):
    Image.new("RGB", (8, 8), "red").save(tmp_path / "1.png")
    shown = Episode("e", (), NamedImage("1.png", "k", "fox"), ("fox",))
    (tmp_path / "e.jsonl").write_bytes(encode_lines([shown.to_json()]))
    request = InstructionRequest(tmp_path / "e.jsonl", tmp_path, images_as="data-url")

    episodes, images = write_instructions(context, ["openai-chat"], request)

    assert (episodes.rows, images.rows) == (1, 5 * len(kept_paths(context)))
    url = rows_of(images)[0]["messages"][0]["content"][0]["image_url"]["url"]
    first = context.workspace.root / min(kept_paths(context))
    assert base64.b64decode(url.partition(",")[2]) == first.read_bytes()


def test_too_few_images_for_episodes_leave_them_out_and_say_so(
    tiny_generator, tiny_encoder, tmp_path
):
    root = draw_workspace(tmp_path, tiny_generator, 1)
    with in_this_process():
        context = curation_context(root, tiny_generator, tiny_encoder)
        stale = context.workspace.manifests / "qwen-vl" / "episodes.jsonl"
        stale.parent.mkdir(parents=True)
        stale.touch()

        (report,) = write_instructions(context, ["qwen-vl"], InstructionRequest())

        assert report.path.name == "images.jsonl"
        assert not stale.exists()
        assert any("qwen-vl: no episodes" in note for note in context.reporter.notes)
        with pytest.raises(ManifestError, match="interleaved: no episodes"):
            write_instructions(context, ["interleaved"], InstructionRequest())


def test_a_users_words_and_templates_are_used(context, tmp_path):
    words, templates = tmp_path / "w.yaml", tmp_path / "t.yaml"
    words.write_text('schema: 1\ndemonstration_answer: "eine {label}"\nlayout: one-turn\n')
    templates.write_text(
        'schema: 1\nnaming:\n  - {id: q, instruction: "Was?", response: "{name}!"}\n'
    )

    shown, asked = write_instructions(
        context, ["qwen-vl"], InstructionRequest(words=words, templates=templates)
    )

    row = rows_of(shown)[0]
    assert [message["role"] for message in row["messages"]] == ["system", "user", "assistant"]
    assert row["messages"][-1]["content"][0]["text"].startswith("eine ")
    named = [row for row in rows_of(asked) if row["id"].endswith("/naming")]
    assert {row["messages"][0]["content"][1]["text"] for row in named} == {"Was?"}


@pytest.mark.parametrize(
    ("formats", "option", "fault"),
    [
        (["llava", "openai-chat"], {"images_as": "data-url"}, "for openai-chat only"),
        (["llava"], {"images_as": "data-url"}, "for openai-chat only"),
        (["triplets"], {"episodes": Path("e.jsonl")}, "there are none in triplets"),
        (["chain-of-thought"], {"words": Path("w.yaml")}, "there are none in chain-of-thought"),
        (["interleaved"], {"templates": Path("t.yaml")}, "there are none in interleaved"),
        (["llava"], {"images": Path("d")}, "--images is the folder of --episodes"),
    ],
)
def test_an_option_without_effect_is_refused(context, formats, option, fault):
    with pytest.raises(InputError, match=fault):
        write_instructions(context, formats, InstructionRequest(**option))


def test_a_catalog_with_commands_of_models_is_refused(tiny_generator, tiny_encoder, tmp_path):
    root = draw_workspace(tmp_path, tiny_generator, 1)
    with in_this_process():
        context = curation_context(root, tiny_generator, tiny_encoder)
        catalog = context.workspace.catalog_file
        catalog.write_text(
            catalog.read_text().replace(
                "description: a plain house", "description: an <image> of it"
            )
        )

        with pytest.raises(ManifestError, match="house: description has '<image>'"):
            write_instructions(context, ["triplets"], InstructionRequest())
