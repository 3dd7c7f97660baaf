"""Step caches: reuse what a transformer computed a step ago, faster and a little less alike.

Offered are those of diffusers that work on any transformer with `CacheMixin` and with their
default settings. Left out, as measured with diffusers 0.42.1 on Flux: SeaCache and TextKVCache
change nothing there, since the pipeline does not tell them the step; MagCache, FasterCache and
PyramidAttentionBroadcast need settings or callbacks of one model.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from typing import Any

from isekai_gen.errors import ModelError
from isekai_gen.models.scheduler_sources import diffusers_folder

CACHES: Mapping[str, str] = {
    # arXiv 2503.06923: extrapolates features by a fixed schedule of steps.
    "taylorseer": "TaylorSeerCacheConfig",
    # Skips a step if the first block's output changed little, on the mean over the whole batch.
    "first-block": "FirstBlockCacheConfig",
}
# Known to diffusers, and asked for, but of no effect in its pipelines.
_WITHOUT_EFFECT = frozenset({"sea", "text-kv"})
_BATCH_COUPLED = frozenset({"first-block"})


def check_cache_name(name: str, *, reproducible: bool) -> None:
    """Refuse a cache that is unknown, or lets images change each other.

    Raises:
        ModelError: Names the cache and those that can be used.
    """
    if name in _WITHOUT_EFFECT:
        raise ModelError(
            f"--cache {name!r}: has no effect in the pipelines of diffusers; "
            f"known: {', '.join(CACHES)}"
        )
    if name not in CACHES:
        close = difflib.get_close_matches(name, CACHES, n=1)
        hint = f"did you mean {close[0]!r}? " if close else ""
        raise ModelError(f"--cache {name!r}: no such cache; {hint}known: {', '.join(CACHES)}")
    if name in _BATCH_COUPLED and reproducible:
        raise ModelError(
            f"--cache {name!r}: skips steps by the mean over a whole batch, so images depend on "
            "their neighbors; use taylorseer, or accept that with --not-reproducible"
        )


def check_cacheable(name: str, transformer: str | None, label: str) -> None:
    """Refuse a cache for a model that diffusers cannot cache; read from its source.

    Args:
        name: One of `CACHES`.
        transformer: Class of the model's transformer, None if it has none.
        label: The model, for messages.

    Raises:
        ModelError: Says what would be needed.
    """
    if transformer is None or not _has_cache_mixin(transformer):
        raise ModelError(
            f"{label}: --cache {name!r} needs a transformer with step caches (Flux, Qwen-Image, "
            f"CogView4, ...), which {transformer or 'this model'} has not; leave --cache out"
        )


def _has_cache_mixin(class_name: str) -> bool:
    pattern = re.compile(rf"^class {re.escape(class_name)}\(([^)]*)\)", re.MULTILINE)
    folder = diffusers_folder() / "models" / "transformers"
    found = (pattern.search(path.read_text(encoding="utf-8")) for path in folder.glob("*.py"))
    return any(match is not None and "CacheMixin" in match[1] for match in found)


def enable_cache(pipeline: Any, name: str) -> None:  # noqa: ANN401 - a diffusers pipeline
    """Turn on a cache of `CACHES` for the transformer of a loaded pipeline."""
    import diffusers

    pipeline.transformer.enable_cache(getattr(diffusers, CACHES[name])())
