"""Number formats as the user writes them: "bfloat16", or "bfloat16,vae=float32".

The first word is the base, in which everything is loaded that is not named after it.
"""

from __future__ import annotations

import difflib
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from isekai_gen.errors import ModelError
from isekai_gen.models.profile import DTYPES, resolve_dtype
from isekai_gen.models.spec import Device

_EXAMPLE = "write such as bfloat16 or bfloat16,vae=float32"


@dataclass(frozen=True)
class DtypeSpec:
    """Number formats of a pipeline.

    Attributes:
        base: "auto", "float32", "float16" or "bfloat16".
        by_component: Component ("vae") to its format, where it is named apart; never "auto".
    """

    base: str
    by_component: Mapping[str, str]

    def check_components(self, networks: Collection[str], label: str) -> None:
        """Refuse names that are no network of the model `label`.

        Raises:
            ModelError: Names the networks that there are.
        """
        for name in self.by_component:
            if name not in networks:
                close = difflib.get_close_matches(name, networks, n=1)
                hint = f"did you mean {close[0]!r}? " if close else ""
                raise ModelError(
                    f"--dtype: {label} has no component {name!r}; {hint}"
                    f"it has {', '.join(sorted(networks))}"
                )

    def resolved(self, device: Device) -> DtypeSpec:
        """The formats used on a device: "auto" replaced, components like the base left out."""
        base = resolve_dtype(self.base, device)
        apart = {name: dtype for name, dtype in self.by_component.items() if dtype != base}
        return DtypeSpec(base, apart)

    def canonical(self) -> str:
        """The text that recipes and provenance store, components sorted by name."""
        apart = (f"{name}={dtype}" for name, dtype in sorted(self.by_component.items()))
        return ",".join((self.base, *apart))


def parse_dtype(text: str) -> DtypeSpec:
    """Number formats from "BASE[,COMPONENT=DTYPE...]".

    Raises:
        ModelError: If a format is unknown, or a component is malformed or named twice.
    """
    base, *apart = (part.strip() for part in text.split(","))
    _check(base, ("auto", *DTYPES), text)
    by_component: dict[str, str] = {}
    for part in apart:
        name, equals, dtype = (piece.strip() for piece in part.partition("="))
        if not equals or not name:
            raise ModelError(f"--dtype {text!r}: {part!r} is not COMPONENT=DTYPE; {_EXAMPLE}")
        if name in by_component:
            raise ModelError(f"--dtype {text!r}: names {name!r} twice; leave one out")
        _check(dtype, DTYPES, text)
        by_component[name] = dtype
    return DtypeSpec(base, by_component)


def resolve_dtypes(text: str, device: Device) -> str:
    """Canonical text of the formats used on a device, such as "bfloat16,vae=float32".

    Raises:
        ModelError: As `parse_dtype`.
    """
    return parse_dtype(text).resolved(device).canonical()


def _check(dtype: str, known: Collection[str], text: str) -> None:
    if dtype not in known:
        raise ModelError(f"--dtype {text!r}: unknown dtype {dtype!r}; known: {', '.join(known)}")
