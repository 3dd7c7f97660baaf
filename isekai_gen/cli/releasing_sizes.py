"""Sizes of files as people write them."""

from __future__ import annotations

import re

import click

_SIZE = re.compile(r"(\d+)\s*([KMG]?B?)", re.IGNORECASE)
_FACTORS = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9}
# Below it a Parquet file would hold hardly an image.
_LEAST = 10**6


class FileSize(click.ParamType[int]):
    """A number of bytes, as in 400MB; units are powers of 1000."""

    name = "size"

    def convert(
        self,
        value: str | int,
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> int:
        """The bytes that `value` says, at least a megabyte."""
        if isinstance(value, int):
            return value
        found = _SIZE.fullmatch(value.strip())
        if found is None:
            self.fail(f"{value!r} is no size; write it as in 400MB", param, ctx)
        size = int(found[1]) * _FACTORS[found[2].upper().removesuffix("B")]
        if size < _LEAST:
            self.fail(f"{value!r} is under 1MB", param, ctx)
        return size
