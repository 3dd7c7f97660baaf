"""Number formats as text: parsed in one place, canonical, and honored by each component."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isekai_gen.errors import ModelError
from isekai_gen.models.dtypes import DtypeSpec, parse_dtype, resolve_dtypes
from isekai_gen.models.identity import identify_generator
from isekai_gen.models.loading import load_generator
from isekai_gen.models.profile import DTYPES
from isekai_gen.models.spec import GeneratorSpec
from tests.models.conftest import CPU, draw_one, one_line
from tests.models.single_file_checkpoints import build_tiny_single_file

formats = st.sampled_from(DTYPES)


@given(formats, st.dictionaries(st.sampled_from(["vae", "unet", "text_encoder"]), formats))
def test_the_canonical_text_reads_back_as_the_same_formats(base, by_component):
    spec = DtypeSpec(base, by_component)
    assert parse_dtype(spec.canonical()) == spec
    assert parse_dtype(spec.canonical()).canonical() == spec.canonical()


def test_auto_is_resolved_and_what_is_like_the_base_left_out():
    assert resolve_dtypes("auto", CPU) == "float32"
    assert resolve_dtypes(" bfloat16 , vae = float32 ", CPU) == "bfloat16,vae=float32"
    assert resolve_dtypes("auto,vae=float32,unet=float16", CPU) == "float32,unet=float16"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("float8", "unknown dtype 'float8'; known: auto, float32"),
        ("", "unknown dtype ''"),
        ("bfloat16,vae", "'vae' is not COMPONENT=DTYPE"),
        ("bfloat16,=float32", "is not COMPONENT=DTYPE"),
        ("bfloat16,vae=auto", "unknown dtype 'auto'"),
        ("bfloat16,vae=float32,vae=float16", "names 'vae' twice"),
    ],
)
def test_what_is_no_format_is_refused(text, said):
    with pytest.raises(ModelError) as error:
        parse_dtype(text)
    assert said in one_line(error)


def test_an_unknown_component_is_refused_with_those_that_there_are(tiny_folder):
    spec = GeneratorSpec(str(tiny_folder("sd")), "tiny", dtype="float32,vea=bfloat16")
    with pytest.raises(ModelError) as error:
        identify_generator(spec)
    assert "did you mean 'vae'? it has text_encoder, unet, vae" in one_line(error)


@pytest.mark.parametrize(
    ("family", "text"),
    [
        ("sd", "bfloat16,vae=float32"),
        ("sd", "bfloat16,text_encoder=float32"),
        ("sdxl", "float32,unet=bfloat16"),
        ("sd3", "bfloat16,vae=float32"),
        ("flux", "float32,transformer=bfloat16"),
    ],
)
def test_components_of_different_formats_draw_together(family, text, tiny_folder):
    generator = load_generator(GeneratorSpec(str(tiny_folder(family)), family, dtype=text), CPU)
    dtypes = parse_dtype(text)
    for name, part in generator._pipeline.components.items():
        if hasattr(part, "dtype"):
            wanted = dtypes.by_component.get(name, dtypes.base)
            assert str(part.dtype) == f"torch.{wanted}", name
    assert draw_one(generator).failure == ""


def test_a_single_file_is_brought_to_the_formats_from_full_precision(tmp_path):
    import torch

    folder, file = build_tiny_single_file(tmp_path)
    text = "float16,vae=float32"
    spec = GeneratorSpec(str(file), "single", dtype=text, config=str(folder))
    parts = load_generator(spec, CPU)._pipeline.components
    assert (parts["unet"].dtype, parts["vae"].dtype) == (torch.float16, torch.float32)
    whole = load_generator(GeneratorSpec(str(folder), "folder"), CPU)._pipeline.vae.state_dict()
    for name, tensor in parts["vae"].state_dict().items():
        assert torch.equal(tensor, whole[name]), name
