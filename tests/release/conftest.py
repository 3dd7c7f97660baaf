"""A small real workspace: two groups, sixteen images, some dropped, one failed, one pending."""

from __future__ import annotations

import io
import shutil
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
from PIL import Image

from isekai_gen.embeddings import EmbeddingTable, normalized
from isekai_gen.hashing import digest_of, file_sha256, pixel_sha256
from isekai_gen.manifests.class_similarity import ConceptEmbeddings
from isekai_gen.manifests.files import write_manifest
from isekai_gen.manifests.isekai import (
    KeptImage,
    ManifestRequest,
    build_isekai_10,
    build_isekai_pair,
)
from isekai_gen.manifests.neighbor_tables import (
    TableSize,
    build_neighbor_tables,
    write_neighbor_tables,
)
from isekai_gen.neighbors.class_features import features_of_reference
from isekai_gen.neighbors.reference import ReferenceClass, build_reference
from isekai_gen.records import (
    IMAGE_FORMATS,
    Concept,
    ImageRecord,
    PlannedImage,
    Provenance,
    Verdict,
)
from isekai_gen.release.building.request import BuildPlan, BuildRequest
from isekai_gen.release.content import ReleaseContent, ReleaseOptions
from isekai_gen.release.documents.answers import Answers, Author, GeneratorTerms
from isekai_gen.release.images import ImageMeasures
from isekai_gen.release.layout import DUPLICATES_FILE, OVERLAP_FILE, Profile
from isekai_gen.workspace import Workspace

OPTIONS = ReleaseOptions(name="isekai-test", version="1.0.0", title="Isekai test")
CONCEPTS = tuple(
    Concept(name.replace(" ", "-"), name, kind, group, f"a {name}", f"A | {name}.")
    for group, fictional, real in (
        ("prickly", "cactihog", "hedgehog"),
        ("sweet", "icemic", "teapot"),
    )
    for name, kind in ((fictional, "fictional"), (real, "real"))
)
PROVENANCE = Provenance(
    model="tiny",
    revision="",
    model_digest="d" * 64,
    pipeline="StableDiffusionPipeline",
    scheduler="DDIMScheduler",
    scheduler_config_digest="c" * 64,
    num_inference_steps=4,
    guidance_scale=1.5,
    width=16,
    height=16,
    dtype="float32",
    micro_batch_size=4,
    profile="p" * 64,
)


ANSWERS = Answers(
    description="Pictures of **things that do not exist**, beside their real look-alikes.",
    authors=(Author("Ada Lovelace", "Analytical Society", "0000-0002-1825-0097"),),
    contact="ada@example.org",
    purpose="To test how the package is built.",
    uses="Tests of few-shot recognition.",
    out_of_scope="Training models that are sold.",
    selection="One person looked at every image.",
    limitations="There are only two groups.",
    biases="The generator has seen more hedgehogs than cactihogs.",
    personal_information="None: no people are shown.",
    social_impact="None is expected.",
    maintenance="Errors are corrected in a new version.",
    generators={
        "tiny": GeneratorTerms("CC0-1.0", "https://example.org/tiny", "There are none."),
    },
)


@dataclass(frozen=True)
class SmallWorkspace:
    """A workspace, what was read of it, and how to ask for its release."""

    workspace: Workspace
    content: ReleaseContent
    answers: Answers = field(default=ANSWERS)

    def request(
        self,
        out: Path,
        plan: BuildPlan | None = None,
        options: ReleaseOptions = OPTIONS,
        **changes: Any,
    ) -> BuildRequest:
        """What `build_release` takes; `changes` are of the content."""
        return BuildRequest(
            workspace=self.workspace,
            out=out,
            options=options,
            answers=self.answers,
            content=replace(self.content, **changes),
            plan=plan or BuildPlan(),
            advance=lambda _images: None,
        )

    def divided(self) -> dict[str, str]:
        """Splits of two catalog groups, which nothing joins."""
        group = {concept.slug: concept.group for concept in CONCEPTS}
        return {
            record.image_id: "train" if group[record.concept] == "prickly" else "test"
            for record in self.content.kept_records()
        }


def _record(
    workspace: Workspace, concept: Concept, index: int, suffix: str, failure: str = ""
) -> ImageRecord:
    image_id = digest_of([concept.slug, index])[:20]
    planned = PlannedImage(
        image_id, concept.slug, index, "plain", {"scene": "a bee"}, "a thing", "", index, index % 4
    )
    if failure:
        return ImageRecord(planned, PROVENANCE, failure, "", "", "", None)
    path = workspace.image(concept.slug, image_id, suffix)
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(int(image_id[:8], 16)).integers(0, 256, (16, 16, 3), np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, IMAGE_FORMATS[suffix], lossless=True)
    path.write_bytes(buffer.getvalue())
    relative = path.relative_to(workspace.root).as_posix()
    return ImageRecord(
        planned, PROVENANCE, "", relative, file_sha256(path), pixel_sha256(pixels), False
    )


def make_small(root: Path, suffix: str = ".png") -> SmallWorkspace:
    """Four images a concept; one near-duplicate, one overlap, one failure, one pending."""
    workspace = Workspace(root)
    records = [_record(workspace, each, index, suffix) for each in CONCEPTS for index in range(4)]
    records.append(_record(workspace, CONCEPTS[0], 4, suffix, failure="constant picture"))
    duplicate, witness, overlapping = records[0], records[1], records[9]
    dropped = {
        duplicate.image_id: Verdict(
            duplicate.image_id, "near_duplicate", False, "similar_to_kept", 0.97, 0.95,
            witness=witness.image_id, tier="semantic",
        ),
        overlapping.image_id: Verdict(
            overlapping.image_id, "class_overlap", False, "too_real", 0.4, 0.3, reference="n01"
        ),
    }  # fmt: skip
    kept = [each.image_id for each in records if each.generated and each.image_id not in dropped]
    content = ReleaseContent(
        concepts=CONCEPTS,
        planned={"cactihog": 6, "hedgehog": 4, "icemic": 4, "teapot": 4},
        records=records,
        kept=kept,
        dropped=dropped,
        templates="templates: []\n",
        settings={"release": {"split_by": "group"}},
        environment={"python": "3"},
        measures={image_id: _measures(image_id, number) for number, image_id in enumerate(kept)},
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
        encoder="tiny",
        vectors=None,
    )
    _write_manifests(workspace, content)
    _write_neighbors(workspace)
    return SmallWorkspace(workspace, content)


def _measures(image_id: str, number: int) -> ImageMeasures:
    if number % 3 == 2:
        return ImageMeasures(image_id)  # nothing was measured
    return ImageMeasures(
        duplicate_group=image_id,
        alignment=0.125 * (number % 5),
        nearest_class="three/1",
        class_margin=-0.25,
        nearest_reference="photos/a.png",
        reference_similarity=0.5,
        max_similarity=0.75,
    )


def _write_manifests(workspace: Workspace, content: ReleaseContent) -> None:
    kept: dict[str, list[KeptImage]] = {}
    for record in content.kept_records():
        image = KeptImage(record.image_id, record.concept, record.path)
        kept.setdefault(record.concept, []).append(image)
    groups = [(CONCEPTS[0], CONCEPTS[1]), (CONCEPTS[2], CONCEPTS[3])]
    request = ManifestRequest(kept, groups, shots=2, seed=0)
    for build in (build_isekai_10, build_isekai_pair):
        write_manifest(workspace.manifests, build(request))


def _write_neighbors(workspace: Workspace) -> None:
    def table(ids: list[str]) -> EmbeddingTable:
        vectors = normalized(np.random.default_rng(len(ids)).normal(size=(len(ids), 8)))
        return EmbeddingTable(tuple(ids), vectors, "tiny")

    classes = [ReferenceClass(str(n), f"class {n}", "") for n in range(3)]
    reference = build_reference("three", "tiny", classes, table(["0", "1", "2"]).vectors, {})
    text = table([concept.slug for concept in CONCEPTS])
    classes = features_of_reference(reference)
    concepts = ConceptEmbeddings(text, None)
    tables = build_neighbor_tables(CONCEPTS, concepts, classes, "lcl", TableSize(2, 2))
    write_neighbor_tables(workspace.neighbors, tables)


@pytest.fixture
def small(tmp_path: Path) -> SmallWorkspace:
    return make_small(tmp_path / "workspace")


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A verified release of the hub profile; never change it, copy it."""
    return _build(tmp_path_factory.mktemp("built"), BuildPlan())


@pytest.fixture(scope="session")
def built_files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A verified release of the profile files; never change it, copy it."""
    return _build(tmp_path_factory.mktemp("files"), BuildPlan(profile="files"))


@pytest.fixture(scope="session")
def built_tars(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A verified release of the profile webdataset; never change it, copy it."""
    return _build(tmp_path_factory.mktemp("tars"), BuildPlan(profile="webdataset"))


def _build(folder: Path, plan: BuildPlan) -> Path:
    from isekai_gen.release.building.build import build_release

    small = make_small(folder / "workspace")
    return build_release(small.request(folder / "release", plan)).folder


@pytest.fixture(scope="session")
def sampled_releases(tmp_path_factory):
    """A verified release of each profile with samples; never change one, copy it."""
    from tests.release.sampled import release_each  # which imports this file

    return release_each(tmp_path_factory)


@pytest.fixture(params=get_args(Profile))
def profile(request):
    return request.param


@pytest.fixture
def sampled(sampled_releases, profile, tmp_path):
    """One with samples, to break."""
    return Path(shutil.copytree(sampled_releases[profile], tmp_path / "release"))
