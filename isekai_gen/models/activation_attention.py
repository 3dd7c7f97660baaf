"""Attention weights of a tower that computes its attention in one fused step.

Fused kernels give neither the weights nor a gradient on them. While watched, each attention is
computed in plain steps instead: the same numbers up to rounding, with the weights in between as
tensors of the graph.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

from isekai_gen.errors import ModelError

if TYPE_CHECKING:
    import torch

Keep = Callable[["torch.Tensor"], "torch.Tensor"]


@contextmanager
def watched_attention(modules: Sequence[torch.nn.Module]) -> Iterator[list[torch.Tensor]]:
    """Have attention modules compute their weights where a gradient can be taken.

    Args:
        modules: torch's MultiheadAttention, or timm's attention (with `fused_attn` and
            `attn_drop`), in the order they are called.

    Yields:
        A list that each call of a module appends its weights to: float [n, heads, tokens, tokens],
        rows that add up to 1. The first ones are leaves, so that nothing before them is in the
        graph.

    Raises:
        ModelError: If a module is of another kind.
    """
    weights: list[torch.Tensor] = []

    def keep(found: torch.Tensor) -> torch.Tensor:
        tensor = found if found.requires_grad else found.requires_grad_()
        weights.append(tensor)
        return tensor

    with ExitStack() as stack:
        for module in modules:
            stack.enter_context(_watched(module, keep))
        yield weights


def require_watchable(modules: Sequence[torch.nn.Module]) -> None:
    """Raise ModelError if the weights of an attention cannot be watched."""
    for module in modules:
        if not (_is_torch(module) or _is_timm(module)):
            raise ModelError(
                f"attention of kind {type(module).__name__} does not show its weights, which "
                "relevance needs; use Grad-CAM with this encoder"
            )


def _watched(module: torch.nn.Module, keep: Keep) -> Any:  # noqa: ANN401 - a context manager
    require_watchable([module])
    return _watched_torch(module, keep) if _is_torch(module) else _watched_timm(module, keep)


def _is_torch(module: torch.nn.Module) -> bool:
    import torch

    return isinstance(module, torch.nn.MultiheadAttention)


def _is_timm(module: torch.nn.Module) -> bool:
    return hasattr(module, "fused_attn") and hasattr(module, "attn_drop")


@contextmanager
def _watched_torch(module: Any, keep: Keep) -> Iterator[None]:  # noqa: ANN401 - MultiheadAttention
    def forward(
        query: torch.Tensor,
        key: torch.Tensor,
        value: torch.Tensor,
        need_weights: bool = True,
        attn_mask: torch.Tensor | None = None,
    ) -> tuple[torch.Tensor, None]:
        if query is not key or key is not value or attn_mask is not None or need_weights:
            raise ModelError(
                "an attention of this tower is masked, or looks at more than its own tokens, which "
                "relevance does not cover; use Grad-CAM with this encoder"
            )
        tokens = query if module.batch_first else query.transpose(0, 1)
        mixed = plain_attention(module, tokens, keep)
        return (mixed if module.batch_first else mixed.transpose(0, 1)), None

    # torch's own way of showing weights returns a view, which no gradient flows through.
    module.forward = forward
    try:
        yield
    finally:
        del module.forward


def plain_attention(module: Any, tokens: torch.Tensor, keep: Keep) -> torch.Tensor:  # noqa: ANN401
    """Self-attention of torch's MultiheadAttention in plain steps (Vaswani et al. 2017, eq. 1).

    Args:
        module: In evaluation mode, with one projection for queries, keys and values.
        tokens: float [n, tokens, width].
        keep: Given the weights [n, heads, tokens, tokens]; what it returns is used.

    Returns:
        float [n, tokens, width].
    """
    import torch

    rows, count, width = tokens.shape
    heads = module.num_heads
    projected = torch.nn.functional.linear(tokens, module.in_proj_weight, module.in_proj_bias)
    split = projected.view(rows, count, 3, heads, width // heads).permute(2, 0, 3, 1, 4)
    queries, keys, values = split.unbind(0)
    scaled = queries * (width // heads) ** -0.5
    weights = keep((scaled @ keys.transpose(-2, -1)).softmax(dim=-1))
    mixed = (weights @ values).transpose(1, 2).reshape(rows, count, width)
    out: torch.Tensor = module.out_proj(mixed)
    return out


@contextmanager
def _watched_timm(module: Any, keep: Keep) -> Iterator[None]:  # noqa: ANN401 - timm's Attention
    fused = module.fused_attn
    module.fused_attn = False
    # In plain steps the weights go through the dropout, which does nothing in evaluation mode.
    watching = module.attn_drop.register_forward_hook(lambda _module, _given, made: keep(made))
    try:
        yield
    finally:
        watching.remove()
        module.fused_attn = fused
