"""What maps are made of: attention in plain steps, relevance, and what the encoder sees."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image
from torchvision.transforms import CenterCrop, InterpolationMode, Resize

from isekai_gen.errors import ModelError
from isekai_gen.models.activation_attention import watched_attention
from isekai_gen.models.activation_methods import grad_cam, grad_cam_elementwise, relevance
from isekai_gen.models.activation_towers import Tower, find_tower
from isekai_gen.models.activation_view import PictureView, view_of
from isekai_gen.models.encoder_pictures import Preparation

if TYPE_CHECKING:
    import torch

WIDTH, HEADS, TOKENS = 12, 3, 5


def attention_of(kind: str) -> torch.nn.Module:
    import torch

    torch.manual_seed(1)
    if kind == "timm":
        from timm.layers import Attention

        return Attention(WIDTH, HEADS, qkv_bias=True).eval()
    return torch.nn.MultiheadAttention(WIDTH, HEADS, batch_first=kind == "batch first").eval()


def called(module: torch.nn.Module, tokens: torch.Tensor) -> torch.Tensor:
    """The module's output as its towers call it, batch first."""
    import torch

    if not isinstance(module, torch.nn.MultiheadAttention):
        return module(tokens)
    given = tokens if module.batch_first else tokens.transpose(0, 1)
    made = module(given, given, given, need_weights=False)[0]
    return made if module.batch_first else made.transpose(0, 1)


@pytest.mark.parametrize("kind", ["batch first", "tokens first", "timm"])
def test_watched_attention_computes_what_the_fused_one_does(kind):
    import torch

    module = attention_of(kind)
    tokens = torch.randn(2, TOKENS, WIDTH)
    with torch.inference_mode():
        fused = called(module, tokens)
    with watched_attention([module]) as weights:
        watched = called(module, tokens)
    assert torch.allclose(watched, fused, atol=1e-6)
    assert weights[0].shape == (2, HEADS, TOKENS, TOKENS)
    assert torch.allclose(weights[0].sum(dim=-1), torch.ones(2, HEADS, TOKENS), atol=1e-6)
    with torch.inference_mode():
        assert torch.equal(called(module, tokens), fused)


def test_watched_weights_are_those_that_torch_shows():
    import torch

    module = attention_of("batch first")
    tokens = torch.randn(2, TOKENS, WIDTH)
    _, expected = module(tokens, tokens, tokens, need_weights=True, average_attn_weights=False)
    with watched_attention([module]) as weights:
        called(module, tokens)
    assert torch.allclose(weights[0], expected, atol=1e-6)


@pytest.mark.parametrize("kind", ["batch first", "timm"])
def test_the_gradient_of_a_weight_is_what_changing_it_does(kind):
    import torch

    module, tokens = attention_of(kind).double(), torch.randn(1, TOKENS, WIDTH).double()

    def total() -> torch.Tensor:
        return called(module, tokens)[0, 0].sum()

    with watched_attention([module]) as weights:
        (gradient,) = torch.autograd.grad(total(), weights)
    if kind == "timm":
        queries_keys_values = module.qkv(tokens)
        out = module.proj.weight
    else:
        queries_keys_values = tokens @ module.in_proj_weight.T + module.in_proj_bias
        out = module.out_proj.weight
    values = queries_keys_values[0, :, 2 * WIDTH :].view(TOKENS, HEADS, WIDTH // HEADS)
    columns = out.sum(dim=0).view(HEADS, WIDTH // HEADS)
    expected = torch.einsum("thd,hd->ht", values, columns)
    assert torch.allclose(gradient[0, :, 0], expected, atol=1e-9)


def test_an_attention_of_an_unknown_kind_is_refused():
    import torch

    odd = watched_attention([torch.nn.Linear(2, 2)])
    with pytest.raises(ModelError, match="Linear does not show its weights"), odd:
        pass


def class_token_after(blocks: list[torch.nn.Module], tokens: torch.Tensor) -> torch.Tensor:
    """A tower of attention alone, so that relevance can be computed by hand."""
    for block in blocks:
        tokens = tokens + called(block, tokens)
    return tokens[:, 0].sum(dim=-1)


def test_relevance_is_rolled_through_the_blocks_as_in_the_paper():
    import torch

    blocks = [attention_of("batch first").double() for _ in range(2)]
    tokens = torch.randn(2, TOKENS, WIDTH).double()
    tower = Tower(blocks[0], lambda made: made, tuple(blocks), 1, (2, 2), "class token")
    found = relevance(tower, lambda: class_token_after(blocks, tokens))
    expected = []
    for row in tokens:
        with watched_attention(blocks) as weights:
            total = class_token_after(blocks, row[None]).sum()
        gradients = torch.autograd.grad(total, weights)
        rolled = np.eye(TOKENS)
        for weight, gradient in zip(weights, gradients, strict=True):
            product = (weight * gradient)[0].detach().numpy()
            rolled = rolled + np.maximum(product, 0).mean(axis=0) @ rolled
        expected.append(rolled[0, 1:].reshape(2, 2))
    assert np.allclose(found.numpy(), expected, atol=1e-12)


def test_relevance_of_a_mean_of_patches_is_the_mean_of_theirs_without_what_they_began_as():
    import torch

    block = attention_of("batch first").double()
    tokens = torch.randn(1, TOKENS, WIDTH).double()
    tower = Tower(block, lambda made: made, (block,), 1, (2, 2), "mean")

    def total() -> torch.Tensor:
        return called(block, tokens)[:, 1:].mean(dim=1).sum(dim=-1)

    found = relevance(tower, total)
    with watched_attention([block]) as weights:
        summed = total().sum()
    (gradient,) = torch.autograd.grad(summed, weights)
    one_block = (weights[0] * gradient)[0].clamp(min=0).mean(dim=0).detach()
    assert torch.allclose(found[0], one_block[1:, 1:].mean(dim=0).reshape(2, 2), atol=1e-12)


def test_grad_cam_weighs_maps_by_the_mean_of_their_gradient():
    import torch

    layer = torch.nn.Identity()
    maps = torch.randn(2, 3, 4, 4).double()
    slopes = torch.randn(2, 3, 4, 4).double()
    tower = Tower(layer, lambda made: made)

    def targets() -> torch.Tensor:
        return (layer(maps) * slopes).sum(dim=(1, 2, 3))

    weights = slopes.mean(dim=(2, 3))
    expected = torch.einsum("nc,nchw->nhw", weights, maps).clamp(min=0)
    assert torch.allclose(grad_cam(tower, targets), expected)
    by_element = (maps * slopes).clamp(min=0).sum(dim=1)
    assert torch.allclose(grad_cam_elementwise(tower, targets), by_element)


def test_a_tower_with_channels_last_has_its_grid_and_no_other():
    import timm
    import torch

    trunk = timm.create_model(
        "swin_tiny_patch4_window7_224", embed_dim=8, depths=(1, 1, 1, 1), num_heads=(1, 1, 1, 1),
        img_size=64, window_size=2,
    ).eval()  # fmt: skip
    tower = find_tower(SimpleNamespace(trunk=trunk))
    made = grad_cam_elementwise(tower, lambda: trunk(torch.ones(3, 3, 64, 64)).square().sum(dim=1))
    assert made.shape == (3, 2, 2)


def test_a_tower_without_blocks_or_stages_is_refused():
    import torch

    with pytest.raises(ModelError, match="kind Linear"):
        find_tower(torch.nn.Linear(2, 2))


def preparation(*steps) -> Preparation:
    return Preparation(steps, (0.5,) * 3, (0.5,) * 3)


@pytest.mark.parametrize("mode", [InterpolationMode.BICUBIC, InterpolationMode.BILINEAR])
@settings(deadline=None, max_examples=30)
@given(st.integers(24, 300), st.integers(24, 300), st.integers(16, 96))
@example(256, 256, 224)
def test_a_squashing_encoder_sees_the_whole_picture(mode, width, height, side):
    view = view_of(preparation(Resize((side, side), mode)), width, height)
    assert np.allclose(
        [view.left, view.top, view.right, view.bottom], [0, 0, width, height], atol=0.2
    )


@settings(deadline=None, max_examples=30)
@given(st.integers(24, 300), st.integers(24, 300))
def test_a_cropping_encoder_sees_the_square_in_the_middle(width, height):
    view = view_of(
        preparation(Resize(32, InterpolationMode.BICUBIC), CenterCrop(32)), width, height
    )
    side = min(width, height)
    expected = []
    for length in (width, height):
        resized = 32 if length == side else int(32 * length / side)
        cut = round((resized - 32) / 2)
        expected += [cut * length / resized, (cut + 32) * length / resized]
    assert np.allclose([view.left, view.right, view.top, view.bottom], expected, atol=0.1)


def test_a_padding_encoder_sees_more_than_the_picture():
    from open_clip.transform import CenterCropOrPad, ResizeKeepRatio

    steps = preparation(ResizeKeepRatio((32, 32), longest=1), CenterCropOrPad((32, 32)))
    view = view_of(steps, 64, 32)
    assert np.allclose([view.left, view.right], [0, 64], atol=0.1)
    assert np.allclose([view.top, view.bottom], [-16, 48], atol=0.1)


def test_an_encoder_that_turns_pictures_is_refused():
    turned = preparation(lambda image: image.transpose(Image.Transpose.ROTATE_180))
    with pytest.raises(ModelError, match="more to pictures than resize"):
        view_of(turned, 40, 40)


def test_a_view_without_area_is_refused():
    with pytest.raises(ValueError, match="must have an area"):
        PictureView(1, 0, 1, 5)
