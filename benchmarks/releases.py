"""How fast releases are built, beside the speed at which the same disk copies one large file.

    python benchmarks/releases.py --images 100000

Makes a workspace of noise pictures (PNG, about 32 KB each) with records written directly, then
builds a release of each profile in a process of its own, and in the same run measures

* the sequential copy of one file of as many bytes as that release has, in blocks of 1 MB, as
  written (what a build does, too) and with fsync at the end;
* `cp -r` of the images.

Everything is read from the page cache as far as it fits: the pictures have just been written, and
the large file as well. Prints bytes written per second, the share of the copy speed without and
with fsync, and the peak resident memory of the build's process.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from isekai_gen.hashing import digest_of, file_sha256, pixel_sha256
from isekai_gen.records import Concept, ImageRecord, PlannedImage, Provenance
from isekai_gen.release.building.build import build_release
from isekai_gen.release.building.request import BuildPlan, BuildRequest
from isekai_gen.release.content import ReleaseContent, ReleaseOptions
from isekai_gen.release.documents.answers import Answers, Author, GeneratorTerms
from isekai_gen.release.images import ImageMeasures
from isekai_gen.release.layout import DUPLICATES_FILE, OVERLAP_FILE
from isekai_gen.workspace import Workspace

_PER_CONCEPT = 500
# Leaves room for the other files below what hubs take; beyond it the hub profile has Parquet alone.
_MOST_LOOSE = 99_000
_BLOCK = 1 << 20
_PROFILES = ("hub", "files", "webdataset")
_WORDS = "Noise, to measure with."


def main() -> None:
    """Measure every profile, or (in a child process) build one."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=100_000)
    parser.add_argument("--side", type=int, default=104, help="pixels; 370 gives 410 KB a picture")
    parser.add_argument("--folder", type=Path, default=None, help="on the disk to measure")
    parser.add_argument("--profiles", nargs="+", choices=_PROFILES, default=_PROFILES)
    parser.add_argument("--build", choices=_PROFILES, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.build:
        _build(options.folder, options.build)
        return
    folder = options.folder or Path(tempfile.mkdtemp(prefix="isekai-gen-releases-"))
    _make_workspace(folder / "workspace", options.images, options.side)
    _tell("cp -r of the images", *_copy_tree(folder))
    for profile in options.profiles:
        _measure(folder, profile)
    if options.folder is None:
        shutil.rmtree(folder)


def _measure(folder: Path, profile: str) -> None:
    command = [sys.executable, __file__, "--folder", folder, "--build", profile]
    done = subprocess.run([str(part) for part in command], check=True, capture_output=True)
    told = json.loads(done.stdout)
    size = told["size"]
    shutil.rmtree(folder / profile)
    copied = _copy_file(folder, size, sync=False)
    synced = _copy_file(folder, size, sync=True)
    _tell(f"{profile}: build, {told['files']} files", size, told["seconds"])
    _tell(f"{profile}: copy of one file", size, copied)
    _tell(f"{profile}: copy of one file, with fsync", size, synced)
    share, synced_share = copied / told["seconds"], synced / told["seconds"]
    peak = told["peak_kib"] / 2**20
    print(
        f"{profile}: {share:.0%} of the copy speed, {synced_share:.0%} of that with fsync, "
        f"peak memory {peak:.2f} GiB",
        flush=True,
    )


def _tell(what: str, size: int, seconds: float) -> None:
    rate = size / seconds / 1e6
    print(f"{what}: {size / 1e9:.2f} GB in {seconds:.1f} s, {rate:.0f} MB/s", flush=True)


def _copy_tree(folder: Path) -> tuple[int, float]:
    images, copy = folder / "workspace/images", folder / "copy"
    size = sum(path.stat().st_size for path in images.rglob("*") if path.is_file())
    started = time.perf_counter()
    subprocess.run(["cp", "-r", str(images), str(copy)], check=True)  # noqa: S607
    seconds = time.perf_counter() - started
    shutil.rmtree(copy)
    return size, seconds


def _copy_file(folder: Path, size: int, *, sync: bool) -> float:
    source, copy = folder / "one.bin", folder / "other.bin"
    block = os.urandom(_BLOCK)
    with source.open("wb") as file:
        for start in range(0, size, _BLOCK):
            file.write(block[: min(_BLOCK, size - start)])
    started = time.perf_counter()
    with source.open("rb") as taken, copy.open("wb") as given:
        shutil.copyfileobj(taken, given, _BLOCK)
        given.flush()
        if sync:
            os.fsync(given.fileno())
    seconds = time.perf_counter() - started
    source.unlink()
    copy.unlink()
    return seconds


def _build(folder: Path, profile: str) -> None:
    workspace = Workspace(folder / "workspace")
    content = _content(workspace)
    started = time.perf_counter()
    summary = build_release(
        BuildRequest(
            workspace=workspace,
            out=folder / profile,
            options=ReleaseOptions(name="noise", version="1.0.0", title="Noise"),
            answers=_answers(),
            content=content,
            plan=BuildPlan(
                profile=profile,  # type: ignore[arg-type] # argparse checked it
                loose_images=len(content.kept) < _MOST_LOOSE,
            ),
            advance=lambda _images: None,
        )
    )
    told = {
        "seconds": time.perf_counter() - started,
        "size": summary.size,
        "files": summary.files,
        "peak_kib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss,
    }
    print(json.dumps(told))


def _concepts(images: int) -> list[Concept]:
    groups = max(1, images // (2 * _PER_CONCEPT))
    return [
        Concept(f"{kind}-{n}", f"{kind} {n}", kind, f"fictional-{n}", "noise", "Noise | real.")
        for n in range(groups)
        for kind in ("fictional", "real")
    ]


def _make_workspace(root: Path, images: int, side: int) -> None:
    """Pictures and one file of records."""
    workspace = Workspace(root)
    concepts = _concepts(images)
    rows = []
    for number in range(images):
        concept = concepts[number % len(concepts)]
        rows.append(_record(workspace, concept, number, side).to_json())
    (root / "records").mkdir()
    with (root / "records" / "all.jsonl").open("w") as file:
        file.writelines(f"{json.dumps(row)}\n" for row in rows)


def _record(workspace: Workspace, concept: Concept, number: int, side: int) -> ImageRecord:
    pixels = np.random.default_rng(number).integers(0, 256, (side, side, 3), np.uint8)
    image_id = digest_of([concept.slug, number])[:20]
    path = workspace.image(concept.slug, image_id)
    path.parent.mkdir(parents=True, exist_ok=True)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG", compress_level=1)
    path.write_bytes(buffer.getvalue())
    planned = PlannedImage(
        image_id, concept.slug, number, "photo", {"scene": "a field", "light": "dusk"},
        f"a photo of a {concept.name} in a field at dusk, sharp, high detail",
        "blurry, watermark, text", number, number % 4,
    )  # fmt: skip
    provenance = Provenance(
        model="noise", revision="", model_digest="d" * 64, pipeline="StableDiffusionPipeline",
        scheduler="DDIMScheduler", scheduler_config_digest="c" * 64, num_inference_steps=25,
        guidance_scale=7.5, width=side, height=side, dtype="float32", micro_batch_size=4,
        profile="p" * 64,
    )  # fmt: skip
    relative = path.relative_to(workspace.root).as_posix()
    return ImageRecord(
        planned, provenance, "", relative, file_sha256(path), pixel_sha256(pixels), False
    )


def _content(workspace: Workspace) -> ReleaseContent:
    with (workspace.root / "records" / "all.jsonl").open() as file:
        records = [ImageRecord.from_json(json.loads(line)) for line in file]
    kept = [record.image_id for record in records]
    concepts = _concepts(len(records))
    return ReleaseContent(
        concepts=concepts,
        planned=_planned(records, concepts),
        records=records,
        kept=kept,
        dropped={},
        templates="templates: []\n",
        settings={},
        environment={},
        measures={key: ImageMeasures(key, 0.1, "imagenet/1", -0.2) for key in kept},
        splits=dict.fromkeys(kept, "test"),
        split_by="group",
        reports={
            DUPLICATES_FILE: {"schema": 1, "measured": False},
            OVERLAP_FILE: {
                "schema": 1,
                "measured": False,
                "copies_measured": False,
                "nearest_classes": {},
            },
        },
        encoder="",
        vectors=None,
    )


def _planned(records: Sequence[ImageRecord], concepts: Sequence[Concept]) -> dict[str, int]:
    counts = {concept.slug: 0 for concept in concepts}
    for record in records:
        counts[record.concept] += 1
    return counts


def _answers() -> Answers:
    return Answers(
        description=_WORDS,
        authors=(Author("Ada Lovelace"),),
        contact="ada@example.org",
        purpose=_WORDS,
        uses=_WORDS,
        out_of_scope=_WORDS,
        selection=_WORDS,
        limitations=_WORDS,
        biases=_WORDS,
        personal_information=_WORDS,
        social_impact=_WORDS,
        maintenance=_WORDS,
        generators={"noise": GeneratorTerms("CC0-1.0", "", "None.")},
    )


if __name__ == "__main__":
    main()
