"""Plan requests for tests: a catalog of any size, without a model."""

from __future__ import annotations

from isekai_gen.models.spec import DrawSettings, GeneratorIdentity, GeneratorSpec
from isekai_gen.prompts.catalog import Catalog, Group
from isekai_gen.records import Concept
from isekai_gen.stages.recipe import Recipe

IDENTITY = GeneratorIdentity(
    label="tiny",
    revision="",
    digest="d" * 64,
    pipeline="StableDiffusionPipeline",
    scheduler="DDIMScheduler",
    scheduler_config_digest="c" * 64,
    default_size=(64, 64),
    default_steps=2,
    default_guidance=3.0,
    accepts_negative_prompt=True,
    size_multiple=8,
)
DRAW = DrawSettings(64, 64, 2, 3.0, 4)


def make_recipe(draw=DRAW, identity=IDENTITY, dtype="float32") -> Recipe:
    return Recipe(GeneratorSpec("tiny", "tiny"), identity, draw, dtype)


def make_group(name: str) -> Group:
    fictional = Concept(name, name, "fictional", name, f"a {name}", f"a {name}", ("a", "b"))
    real = Concept(f"real-{name}", f"real {name}", "real", name, f"a plain {name}", f"a {name}")
    return Group(name, fictional, real)


def make_catalog(*names: str) -> Catalog:
    return Catalog("made for a test", tuple(make_group(name) for name in names))
