"""From a picture's target to what the image tower looked at.

* Grad-CAM (Selvaraju et al., ICCV 2017, eq. 1 and 2): maps of the last layer, each weighed by the
  mean of the target's gradient over it, added up; what is negative speaks against the target.
* Element by element: the same maps times the gradient at each place, with what is negative left
  out before the sum (a form of LayerCAM, Jiang et al., TIP 2021, for maps with both signs). The
  class token of a transformer picks its patches in the last block, so that the gradient is where
  the object is; its mean over all places, which Grad-CAM takes, no longer says where.
* Relevance (Chefer et al., ICCV 2021, "Generic Attention-model Explainability", eq. 5 and 6): from
  the first block to the last, R <- R + mean over heads of relu(gradient * attention) times R.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from isekai_gen.errors import ModelError
from isekai_gen.models.activation_attention import require_watchable, watched_attention
from isekai_gen.models.activation_towers import Tower

if TYPE_CHECKING:
    import torch

Targets = Callable[[], "torch.Tensor"]
"""Runs the encoder on a batch: one number for each picture, float [n]."""


def grad_cam(tower: Tower, targets: Targets) -> torch.Tensor:
    """Grad-CAM at the tower's last layer, before normalization.

    Args:
        tower: Where to look.
        targets: Runs the tower; called once.

    Returns:
        float [n, grid_height, grid_width], at least 0, detached.
    """
    maps, slopes = _last_maps(tower, targets)
    return (maps * slopes.mean(dim=(2, 3), keepdim=True)).sum(dim=1).clamp_(min=0)


def grad_cam_elementwise(tower: Tower, targets: Targets) -> torch.Tensor:
    """As `grad_cam`, but each place is weighed by its own gradient."""
    maps, slopes = _last_maps(tower, targets)
    return (maps * slopes).clamp_(min=0).sum(dim=1)


def _last_maps(tower: Tower, targets: Targets) -> tuple[torch.Tensor, torch.Tensor]:
    """Maps of the last layer and the gradient on them: [n, channels, grid_height, grid_width]."""
    import torch

    kept: list[torch.Tensor] = []

    def begin_graph(_module: Any, _given: Any, made: torch.Tensor) -> torch.Tensor:  # noqa: ANN401
        # A leaf: layers before this one are run without a graph, which saves its memory.
        kept.append(made.detach().requires_grad_())
        return kept[-1]

    watching = tower.last.register_forward_hook(begin_graph)
    try:
        total = targets().sum()
    finally:
        watching.remove()
    (activation,) = kept
    (gradient,) = torch.autograd.grad(total, [activation])
    return tower.to_grid(activation.detach()), tower.to_grid(gradient)


def relevance(tower: Tower, targets: Targets) -> torch.Tensor:
    """Attention relevance of each patch, rolled through all blocks, before normalization.

    Args:
        tower: Of a transformer whose embedding is its class token, or the mean of its patches.
        targets: Runs the tower; called once.

    Returns:
        float [n, grid_height, grid_width], at least 0, detached.

    Raises:
        ModelError: If the tower has no attention that shows its weights, or pools its tokens in
            another way.
    """
    import torch

    require_relevance(tower)
    with watched_attention(tower.attentions) as weights:
        total = targets().sum()
    gradients = torch.autograd.grad(total, weights)
    rolled = _rolled([each.detach() for each in weights], gradients)
    # That a patch begins as itself is no relevance of its own; seen from the mean of all patches it
    # would lift every place alike. A class token's row holds nothing of it.
    learned = rolled - torch.eye(rolled.shape[1], dtype=rolled.dtype, device=rolled.device)
    patches = learned[:, :, tower.prefix :]
    rows = patches[:, 0] if tower.pooling == "class token" else patches[:, tower.prefix :].mean(1)
    return rows.reshape(len(rows), *tower.grid)


def require_relevance(tower: Tower) -> None:
    """Raise ModelError if relevance is not defined for a tower."""
    if not tower.attentions:
        raise ModelError(
            "relevance is rolled through blocks of attention, and this encoder's image tower has "
            "none; use Grad-CAM with it"
        )
    if tower.pooling == "other":
        raise ModelError(
            "relevance follows the class token or the mean of the patches, and this encoder pools "
            "them in another way; use Grad-CAM with it"
        )
    require_watchable(tower.attentions)


def _rolled(weights: list[torch.Tensor], gradients: tuple[torch.Tensor, ...]) -> torch.Tensor:
    """R after the last block: float [n, tokens, tokens]."""
    import torch

    rows, _, tokens, _ = weights[0].shape
    rolled = torch.eye(tokens, dtype=weights[0].dtype, device=weights[0].device)
    rolled = rolled.expand(rows, tokens, tokens)
    for weight, gradient in zip(weights, gradients, strict=True):
        rolled = rolled + (gradient * weight).clamp(min=0).mean(dim=1) @ rolled
    return rolled
