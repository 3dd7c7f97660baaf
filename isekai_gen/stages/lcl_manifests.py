"""lcl-train and lcl-test of a folder-per-class dataset, such as ImageNet; no catalog is needed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from isekai_gen.errors import ManifestError
from isekai_gen.hashing import digest_of
from isekai_gen.manifests.lcl_files import (
    FILE_PATTERNS,
    SUMMARY_FILE,
    SUMMARY_SCHEMA,
    read_summary,
    refuse_shared_classes,
    remove_files_of,
    write_descriptions,
    write_test_files,
    write_train_files,
)
from isekai_gen.manifests.lcl_labels import label_classes
from isekai_gen.manifests.lcl_split import LclClass, LclNumbers, LclSplit, split_classes
from isekai_gen.manifests.lcl_test_rows import build_test_rows
from isekai_gen.manifests.lcl_train_rows import (
    build_train_rows,
    check_neighbor_count,
    refuse_bad_names,
)
from isekai_gen.neighbors.class_features import ClassFeatures
from isekai_gen.neighbors.class_ranks import ranked_classes
from isekai_gen.stages.class_embeddings import class_features
from isekai_gen.stages.class_folders import ClassFolder, open_class_folder, tell_unused
from isekai_gen.stages.context import StageContext
from isekai_gen.stages.manifest_report import ManifestReport
from isekai_gen.storage import move_all, storage_errors

LCL_FORMATS = ("lcl-train", "lcl-test")
_SHOWN = 3


@dataclass(frozen=True)
class LclRequest:
    """Which dataset to make manifests of.

    Attributes:
        root: A folder with a folder of images for each class, or ImageNet's with train/.
        class_map: ImageNet's map_clsloc.txt, for its ids; None to look for one in `root`.
        strict: Refuse if a class has too few images, rather than leave it out.
    """

    root: Path
    class_map: Path | None = None
    strict: bool = False


@dataclass(frozen=True, eq=False)
class _Plan:
    """What the files are made of.

    Attributes:
        folder: The dataset.
        class_ids: Which ids the files have: "ilsvrc", or "position" in the order of keys, from 1.
        classes: All classes, sorted by key.
        labels: Key to the label in test rows.
        numbers: How much of what.
        split: Which classes are trained on, and which are tested.
    """

    folder: ClassFolder
    class_ids: str
    classes: Sequence[LclClass]
    labels: Mapping[str, str]
    numbers: LclNumbers
    split: LclSplit


def write_lcl_manifests(
    context: StageContext, formats: Sequence[str], request: LclRequest
) -> list[ManifestReport]:
    """Write manifests/lcl/; the caller holds the workspace's lock.

    Both formats have one split. Files of the other format that are of another split are removed:
    a class to train on there could be one to test here.

    Args:
        context: The workspace; it may be empty. lcl-train embeds up to 100 images of each class.
        formats: Of `LCL_FORMATS`.
        request: What to read.

    Raises:
        ManifestError: If classes or images are too few for the numbers asked for.
        InputError: If the folder is no such dataset.
        ModelError: If the encoder of lcl-train cannot be loaded, or reads no text.
    """
    plan = _plan(context, request)
    wanted = [name.removeprefix("lcl-") for name in LCL_FORMATS if name in formats]
    if "train" in wanted:  # before hours of embedding
        check_neighbor_count(len(plan.split.train), plan.numbers.neighbors)
        refuse_bad_names(plan.split.train)
    place = context.workspace.manifests / "lcl"
    before = read_summary(place)
    summary = _summary(plan)
    if before.get("split") == summary["split"]:
        there = [part for part in FILE_PATTERNS if (place / _file_name(before, part)).is_file()]
        summary.update({part: before[part] for part in there})
    with context.workspace.staging("lcl") as staged:
        for part in sorted(wanted):  # "test" first: it may refuse names, and embeds nothing
            write = _write_train if part == "train" else _write_test
            summary[part] = write(context, plan, staged)
        write_descriptions(staged, _class_rows(plan), summary)
        _refuse_shared(staged, place, summary)
        _publish(context, staged, place, summary)
    context.remember_settings("manifest")
    return [_report(place, summary[part], plan.split) for part in wanted]


def _plan(context: StageContext, request: LclRequest) -> _Plan:
    settings = context.settings.manifest
    numbers = LclNumbers(
        settings.samples,
        settings.neighbors,
        settings.context,
        settings.test_classes,
        settings.seed,
    )
    folder = open_class_folder(request.root, request.class_map)
    tell_unused(context.reporter, folder)
    class_ids, classes = _named_classes(folder)
    split = split_classes(classes, numbers)
    if request.strict and split.left_out:
        reasons = [f"{key} has {reason}" for key, reason in split.left_out.items()]
        more = f", and {len(reasons) - _SHOWN} more" if len(reasons) > _SHOWN else ""
        raise ManifestError(
            f"--strict: {'; '.join(reasons[:_SHOWN])}{more}; "
            "lower --samples or --context, or go without --strict to leave such classes out"
        )
    return _Plan(folder, class_ids, classes, label_classes(classes), numbers, split)


def _named_classes(folder: ClassFolder) -> tuple[str, list[LclClass]]:
    """Which ids these are, and the classes under them, sorted by key."""
    ordered = sorted(folder.classes, key=lambda each: each.key)
    known = all(each.ilsvrc_id is not None for each in ordered)
    classes = [
        LclClass(
            class_id=str(each.ilsvrc_id if known else position),
            key=each.key,
            name=" ".join(each.name.replace("_", " ").split()),
            images=folder.images[each.key],
        )
        for position, each in enumerate(ordered, start=1)
    ]
    return "ilsvrc" if known else "position", classes


def _write_train(context: StageContext, plan: _Plan, staged: Path) -> dict[str, Any]:
    train, numbers, encoder = plan.split.train, plan.numbers, context.settings.embed.encoder
    features = class_features(context, plan.folder, similarity="lcl")
    _require_all(train, features)
    ranked = ((each.key, each.keys_by_rank) for each in ranked_classes(features, "lcl"))
    name, rows = write_train_files(staged, train, build_train_rows(train, ranked, numbers))
    return {
        "file": name,
        "rows": rows,
        "seed": numbers.seed,
        "samples": numbers.samples,
        "neighbors": numbers.neighbors,
        "similarity": "lcl",
        "encoder": Path(encoder).name if Path(encoder).is_absolute() else encoder,
        "encoder_digest": features.encoder,
    }


def _require_all(train: Sequence[LclClass], features: ClassFeatures) -> None:
    embedded = {each.key for each in features.classes}
    missing = [each.key for each in train if each.key not in embedded]
    if missing:
        raise ManifestError(
            f"no image of {', '.join(missing[:_SHOWN])} can be opened "
            f"({len(missing)} training classes); repair or remove these folders"
        )


def _write_test(_context: StageContext, plan: _Plan, staged: Path) -> dict[str, Any]:
    test, numbers = plan.split.test, plan.numbers
    rows = build_test_rows(test, plan.labels, numbers)
    return {
        "file": write_test_files(staged, test, rows),
        "rows": len(rows),
        "seed": numbers.seed,
        "context": numbers.context,
    }


def _summary(plan: _Plan) -> dict[str, Any]:
    split = plan.split
    parts = {"train": split.train, "test": split.test}
    return {
        "schema": SUMMARY_SCHEMA,
        "split": digest_of({part: list(map(asdict, chosen)) for part, chosen in parts.items()}),
        "class_ids": plan.class_ids,
        "classes": {
            "found": len(plan.classes),
            "train": len(split.train),
            "test": len(split.test),
            "left_out": len(split.left_out),
        },
        "left_out": dict(split.left_out),
    }


def _class_rows(plan: _Plan) -> Iterator[dict[str, Any]]:
    split_of = {
        **{each.key: "train" for each in plan.split.train},
        **{each.key: "test" for each in plan.split.test},
    }
    known = {each.key: each for each in plan.folder.classes}
    for each in plan.classes:
        yield {
            "class_id": each.class_id,
            "key": each.key,
            "wnid": known[each.key].wnid,
            "ilsvrc_id": known[each.key].ilsvrc_id,
            "class_index": known[each.key].class_index,
            "name": each.name,
            "label": plan.labels[each.key],
            "images": len(each.images),
            "split": split_of.get(each.key, "left out"),
        }


def _file_name(summary: Mapping[str, Any], part: str) -> str:
    """Name of a split's rows; "" if there are none."""
    return str(summary.get(part, {}).get("file", ""))


def _refuse_shared(staged: Path, place: Path, summary: Mapping[str, Any]) -> None:
    names = [_file_name(summary, part) for part in FILE_PATTERNS]
    if all(names):
        refuse_shared_classes(
            *(path if (path := staged / name).is_file() else place / name for name in names)
        )


def _publish(context: StageContext, staged: Path, place: Path, summary: Mapping[str, Any]) -> None:
    """Move the files to their place; without a summary, what a crash leaves counts for nothing."""
    with storage_errors(place):
        (place / SUMMARY_FILE).unlink(missing_ok=True)
    for part in FILE_PATTERNS:
        with storage_errors(place):
            removed = remove_files_of(place, part, _file_name(summary, part))
        if removed and part not in summary:
            context.reporter.note(
                f"Removed {', '.join(removed)}: of another split, or of a run that was killed; "
                f"write them anew with --format lcl-{part}"
            )
    made = sorted(staged.iterdir(), key=lambda path: (path.name == SUMMARY_FILE, path.name))
    move_all({path: place / path.name for path in made})


def _report(place: Path, section: Mapping[str, Any], split: LclSplit) -> ManifestReport:
    name = str(section["file"])
    return ManifestReport(
        name=name.removesuffix(".jsonl"),
        path=place / name,
        rows=section["rows"],
        shots=section.get("context", 0),
        skipped=split.left_out,
    )
