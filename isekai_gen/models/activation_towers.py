"""Where an image tower of OpenCLIP shows what it looks at: its last maps and its attentions."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from isekai_gen.errors import ModelError

if TYPE_CHECKING:
    import torch

Pooling = Literal["class token", "mean", "other"]


@dataclass(frozen=True, eq=False)
class Tower:
    """An image tower.

    Attributes:
        last: The module whose output Grad-CAM weighs: the first layer norm of the last block of a
            transformer, the last stage of a convolutional network.
        to_grid: From that output to float [n, channels, grid_height, grid_width].
        attentions: Of all blocks, the first one first; empty for a convolutional network.
        prefix: Tokens before those of patches, the class token first.
        grid: (height, width) in patches; (0, 0) for a convolutional network, which may take any.
        pooling: Which tokens become the embedding.
    """

    last: torch.nn.Module
    to_grid: Callable[[torch.Tensor], torch.Tensor]
    attentions: tuple[torch.nn.Module, ...] = ()
    prefix: int = 0
    grid: tuple[int, int] = (0, 0)
    pooling: Pooling = "other"


def find_tower(visual: Any) -> Tower:  # noqa: ANN401 - a module of OpenCLIP
    """The tower behind OpenCLIP's `model.visual`.

    Raises:
        ModelError: If it is of a kind that has neither blocks nor stages.
    """
    if hasattr(visual, "transformer") and hasattr(visual.transformer, "resblocks"):
        return _open_clip_transformer(visual)
    if hasattr(visual, "layer4"):
        return Tower(visual.layer4, _as_maps)
    trunk = getattr(visual, "trunk", None)
    if trunk is not None and hasattr(trunk, "blocks") and hasattr(trunk, "patch_embed"):
        return _timm_transformer(trunk)
    if trunk is not None and getattr(trunk, "feature_info", None):
        last = str(trunk.feature_info[-1]["module"])
        channels_last = getattr(trunk, "output_fmt", "NCHW") == "NHWC"
        to_grid = _channels_first if channels_last else _as_maps
        return Tower(trunk.get_submodule(last), to_grid)
    raise ModelError(
        f"no activation maps for image towers of kind {type(trunk or visual).__name__}; use an "
        "encoder with a vision transformer or a residual network"
    )


def _open_clip_transformer(visual: Any) -> Tower:  # noqa: ANN401
    blocks = visual.transformer.resblocks
    height, width = visual.grid_size
    pooling: Pooling = "other"
    if visual.attn_pool is None:
        by_name: dict[str, Pooling] = {"tok": "class token", "avg": "mean"}
        pooling = by_name.get(visual.pool_type, "other")
    return Tower(
        last=blocks[-1].ln_1,
        to_grid=_token_maps(1, (height, width)),
        attentions=tuple(block.attn for block in blocks),
        prefix=1,
        grid=(height, width),
        pooling=pooling,
    )


def _timm_transformer(trunk: Any) -> Tower:  # noqa: ANN401
    last = trunk.blocks[-1]
    if not (hasattr(last, "norm1") and hasattr(last, "attn")):
        raise ModelError(
            f"no activation maps for image towers of kind {type(trunk).__name__}; use an encoder "
            "with a plain vision transformer or a residual network"
        )
    prefix = int(trunk.num_prefix_tokens)
    height, width = trunk.patch_embed.grid_size
    by_name: dict[str, Pooling] = {"token": "class token", "avg": "mean"}
    return Tower(
        last=last.norm1,
        to_grid=_token_maps(prefix, (height, width)),
        attentions=tuple(block.attn for block in trunk.blocks),
        prefix=prefix,
        grid=(height, width),
        pooling=by_name.get(str(trunk.global_pool), "other"),
    )


def _token_maps(prefix: int, grid: tuple[int, int]) -> Callable[[torch.Tensor], torch.Tensor]:
    def to_grid(tokens: torch.Tensor) -> torch.Tensor:
        patches = tokens[:, prefix:]
        if patches.ndim != 3 or patches.shape[1] != math.prod(grid):
            raise ModelError(
                f"the image tower gave tokens of shape {list(tokens.shape)} for a grid of "
                f"{grid[0]} x {grid[1]} patches; use another encoder"
            )
        return patches.transpose(1, 2).reshape(len(patches), -1, *grid)

    return to_grid


def _channels_first(found: torch.Tensor) -> torch.Tensor:
    """As Swin transformers give their maps: [n, height, width, channels]."""
    return _as_maps(found).permute(0, 3, 1, 2)


def _as_maps(found: torch.Tensor) -> torch.Tensor:
    if found.ndim != 4:
        raise ModelError(
            f"the last stage of the image tower gave a tensor of shape {list(found.shape)}, not "
            "[n, channels, height, width]; use another encoder"
        )
    return found
