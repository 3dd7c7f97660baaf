"""Planning must not wait for torch: some modules never import it."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = ("torch", "diffusers", "transformers", "open_clip")


def heavy_modules_after(code: str) -> set[str]:
    report = f"import sys\n{code}\nprint(*[name for name in {HEAVY} if name in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", report], check=True, capture_output=True, text=True
    )
    return set(done.stdout.split())


@pytest.mark.parametrize(
    "module",
    ["spec", "identity", "sources", "families", "loading", "drawing", "encoders", "profile"],
)
def test_importing_loads_nothing_heavy(module):
    assert heavy_modules_after(f"import isekai_gen.models.{module}") == set()


def test_identifying_a_model_loads_nothing_heavy(tiny_folder):
    assert (
        heavy_modules_after(
            "from isekai_gen.models.identity import identify_generator as identify; "
            "from isekai_gen.models.spec import GeneratorSpec; "
            f"identify(GeneratorSpec({str(tiny_folder('sd'))!r}, 'tiny'))"
        )
        == set()
    )


@pytest.mark.parametrize(
    "changes",
    [
        "dtype='float8'",
        "scheduler='eulr'",
        "scheduler='flow-euler'",
        "scheduler='DPMSolverSDEScheduler'",
        "cache='taylorseer'",
        "vae='./missing'",
        "vae='owner/missing'",
        "loras=(LoraSpec('missing.safetensors'),)",
        "loras=(LoraSpec('owner/missing'),)",
    ],
)
def test_refusing_a_setting_of_the_model_loads_nothing_heavy(changes, tiny_folder):
    refused = (
        "from isekai_gen.errors import ModelError; "
        "from isekai_gen.models.identity import identify_generator as identify; "
        "from isekai_gen.models.spec import GeneratorSpec, LoraSpec\n"
        f"spec = GeneratorSpec({str(tiny_folder('sd'))!r}, 'tiny', {changes})\n"
        "try: identify(spec)\n"
        "except ModelError: print('refused')"
    )
    assert heavy_modules_after(refused) == {"refused"}


def test_identifying_a_local_encoder_loads_nothing_heavy(tiny_encoder_folder):
    assert (
        heavy_modules_after(
            "from isekai_gen.models.encoders import identify_encoder as identify; "
            "from isekai_gen.models.spec import EncoderSpec; "
            f"identify(EncoderSpec({str(tiny_encoder_folder)!r}, 'tiny'))"
        )
        == set()
    )


def test_this_check_can_fail():
    assert heavy_modules_after("import torch") >= {"torch"}
