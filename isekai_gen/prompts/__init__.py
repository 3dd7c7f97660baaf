"""Words only: catalogs of concepts, prompt templates, and their expansion to prompts."""

from pathlib import Path
from typing import Literal

_SHIPPED = Path(__file__).parent / "shipped"


def shipped_catalog_path() -> Path:
    """The catalog that comes with the package: 20 groups, 40 concepts."""
    return _SHIPPED / "concepts.yaml"


def shipped_templates_path(which: Literal["starter", "photo"]) -> Path:
    """Templates that come with the package.

    Args:
        which: "starter" speaks only the starter model's vocabulary; "photo" is for models of the
            size of SDXL, which understand a concept's description.
    """
    return _SHIPPED / f"templates-{which}.yaml"
