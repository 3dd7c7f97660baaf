"""Builders of small real records; no image is needed to judge one."""

import numpy as np
import pytest

from isekai_gen.embeddings import EmbeddingTable, normalized
from isekai_gen.neighbors.edges import find_edges
from isekai_gen.neighbors.search import SearchOptions
from isekai_gen.records import Concept, ImageRecord, PlannedImage, Provenance

PROVENANCE = Provenance(
    model="starter",
    revision="",
    model_digest="0" * 64,
    pipeline="StableDiffusionPipeline",
    scheduler="DDIMScheduler",
    scheduler_config_digest="0" * 64,
    num_inference_steps=2,
    guidance_scale=3.0,
    width=128,
    height=128,
    dtype="float32",
    micro_batch_size=4,
    profile="0" * 64,
)


def _make_image(image_id, concept="cactihog", failure="", file_sha256="", pixel_sha256=""):
    planned = PlannedImage(image_id, concept, 0, "photo", {}, "a photo", "", 1, 0)
    path = "" if failure else f"images/{concept}/{image_id}.png"
    return ImageRecord(planned, PROVENANCE, failure, path, file_sha256, pixel_sha256, None)


def _make_concept(slug, kind="fictional", group="g"):
    return Concept(slug, slug, kind, group, short="a thing", description="A thing.")


def _make_fan(degrees, floor=-1.0):
    """Images a, b, ... as unit vectors at the given angles, with their edges."""
    angles = np.radians(degrees)
    ids = tuple("abcdefghijklmnop"[: len(degrees)])
    vectors = normalized(np.stack([np.cos(angles), np.sin(angles)], axis=1))
    table = EmbeddingTable(ids, vectors, "tiny")
    edges, _ = find_edges(table, SearchOptions(floor=floor))
    return table, edges


@pytest.fixture(scope="session")
def make_image():
    return _make_image


@pytest.fixture(scope="session")
def make_concept():
    return _make_concept


@pytest.fixture(scope="session")
def make_fan():
    return _make_fan
