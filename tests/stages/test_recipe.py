"""From the settings of a workspace to the recipe that all its images share."""

from __future__ import annotations

import pytest

from isekai_gen.settings import Settings
from isekai_gen.stages.recipe import generator_spec, resolve_recipe
from tests import tiny_models


@pytest.fixture(scope="module")
def flux(tmp_path_factory):
    return tiny_models.build_tiny_flux(tmp_path_factory.mktemp("models") / "flux")


@pytest.fixture
def recipe_of(flux):
    def recipe(**changes):
        settings = Settings().with_overrides({"generate": {"model": str(flux), **changes}})
        return resolve_recipe(settings.generate, lambda: ["cpu"])

    return recipe


def test_number_formats_are_told_resolved(recipe_of):
    assert recipe_of().dtype == "float32"
    recipe = recipe_of(dtype="bfloat16, vae=float32, transformer=bfloat16")
    assert recipe.canonical()["dtype"] == "bfloat16,vae=float32"
    assert recipe.provenance("p").dtype == "bfloat16,vae=float32"


def test_a_cache_is_part_of_the_recipe_and_its_absence_is_not(recipe_of):
    assert "cache" not in recipe_of().canonical()
    assert recipe_of(cache="taylorseer").canonical()["cache"] == "taylorseer"


def test_a_scheduler_in_place_of_the_own_is_told(recipe_of):
    recipe = recipe_of(scheduler="flow-unipc:solver_order=3")
    assert recipe.provenance("p").scheduler == "UniPCMultistepScheduler"
    digests = {
        recipe_of(scheduler=text).canonical()["scheduler_config"]
        for text in (None, "flow-unipc", "flow-unipc:solver_order=3")
    }
    assert len(digests) == 3


def test_compiling_changes_the_profile_and_not_the_recipe(recipe_of):
    assert recipe_of(compile=True).canonical() == recipe_of().canonical()


def test_records_tell_the_vae_and_whether_images_can_be_drawn_again(recipe_of, flux):
    told = recipe_of(vae=str(flux / "vae"), reproducible=False).provenance("p")
    assert told.adapters[0].startswith("vae@vae#")
    assert told.reproducible is False


def test_adapters_reach_the_generator_in_their_order():
    settings = Settings().with_overrides(
        {"generate": {"loras": ("owner/one:0.5", "owner/two"), "model": "owner/model"}}
    )
    loras = generator_spec(settings.generate).loras
    assert [(lora.source, lora.weight) for lora in loras] == [("owner/one", 0.5), ("owner/two", 1)]
