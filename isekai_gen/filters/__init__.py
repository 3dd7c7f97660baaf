"""Filters: each one file that judges every image. Adding a file adds the filter."""

import importlib
import pkgutil

from isekai_gen.filters.base import (
    FilterContext,
    ImageFilter,
    Need,
    register_filter,
    registered_filters,
)


def all_filters() -> dict[str, type[ImageFilter]]:
    """Every filter of this folder by name, in their declared order."""
    for module in pkgutil.iter_modules(__path__):
        importlib.import_module(f"{__name__}.{module.name}")
    return registered_filters()


__all__ = ["FilterContext", "ImageFilter", "Need", "all_filters", "register_filter"]
