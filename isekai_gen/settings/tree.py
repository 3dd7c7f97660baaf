"""The settings of one dataset: a frozen tree, read from isekai.toml and changed by options.

Precedence: defaults <- isekai.toml <- environment <- options. The commands hand environment and
options over as one set of overrides; what was used is written back, so that a later command in the
same workspace starts from there. None means "the model's own default".
"""

from __future__ import annotations

import difflib
import enum
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import tomli_w
from pydantic import BaseModel, ValidationError

from isekai_gen.errors import InputError
from isekai_gen.settings.counterfactuals import CounterfactualSettings
from isekai_gen.settings.curation import (
    AlignmentSettings,
    ClassOverlapSettings,
    EmbedSettings,
    NameOverlapSettings,
    NearDuplicateSettings,
    PictureCheckSettings,
    ReferenceCopySettings,
)
from isekai_gen.settings.generation import GenerateSettings
from isekai_gen.settings.packaging import (
    EpisodeSettings,
    ManifestSettings,
    NeighborSettings,
    ReleaseSettings,
)
from isekai_gen.settings.section import Section


class _Default(enum.Enum):
    DEFAULT = enum.auto()


DEFAULT = _Default.DEFAULT
"""Among overrides: back to the default of a key, whatever isekai.toml says."""


class Settings(Section):
    """The whole tree of isekai.toml."""

    generate: GenerateSettings = GenerateSettings()
    embed: EmbedSettings = EmbedSettings()
    picture_check: PictureCheckSettings = PictureCheckSettings()
    name_overlap: NameOverlapSettings = NameOverlapSettings()
    reference_copy: ReferenceCopySettings = ReferenceCopySettings()
    class_overlap: ClassOverlapSettings = ClassOverlapSettings()
    alignment: AlignmentSettings = AlignmentSettings()
    near_duplicate: NearDuplicateSettings = NearDuplicateSettings()
    neighbors: NeighborSettings = NeighborSettings()
    manifest: ManifestSettings = ManifestSettings()
    episodes: EpisodeSettings = EpisodeSettings()
    counterfactuals: CounterfactualSettings = CounterfactualSettings()
    release: ReleaseSettings = ReleaseSettings()

    def with_overrides(self, overrides: Mapping[str, Mapping[str, Any]]) -> Self:
        """These settings with what options and environment say.

        Args:
            overrides: Section to key to value; None leaves a value alone, `DEFAULT` resets it.

        Raises:
            InputError: If a value is out of range; names the section and key.
        """
        tree = self.model_dump(by_alias=True)
        for section, values in overrides.items():
            said = {key: value for key, value in values.items() if value is not None}
            merged = {**tree[section], **said}
            tree[section] = {key: value for key, value in merged.items() if value is not DEFAULT}
        try:
            return type(self).model_validate(tree)
        except ValidationError as error:
            raise InputError(_faults(error, "settings", "")) from error

    def to_toml(self) -> bytes:
        """The content of isekai.toml; keys that are None are left out."""
        tree = self.model_dump(by_alias=True, exclude_none=True)
        return tomli_w.dumps(tree).encode()


def read_settings(path: Path) -> Settings:
    """The settings in `path`, or the defaults if there is no such file.

    Raises:
        InputError: If it is no file or no TOML, or has unknown keys or values out of range; every
            fault with file:line, unknown keys with a suggestion.
    """
    if not path.exists():
        return Settings()
    if not path.is_file():  # a pipe or a device may never end
        raise InputError(f"{path}: is no regular file; remove it, or restore the file")
    try:
        text = path.read_text(encoding="utf-8")
        return Settings.model_validate(tomllib.loads(text))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InputError(f"{path}: not valid TOML: {error}") from error
    except ValidationError as error:
        raise InputError(_faults(error, str(path), text)) from error


def _faults(error: ValidationError, where: str, text: str) -> str:
    """Every fault on its own line, with file:line where the text is known."""
    lines = []
    for fault in error.errors():
        location = tuple(str(part) for part in fault["loc"])
        number = _line_of(text, location)
        place = f"{where}:{number}" if number else where
        lines.append(f"{place}: {'.'.join(location)}: {_explain(fault['type'], fault['msg'])}")
        if fault["type"] == "extra_forbidden":
            lines[-1] = f"{place}: {_unknown(location)}"
    return "\n".join(lines)


def _explain(kind: str, message: str) -> str:
    return "must be a table" if kind == "model_type" else message.removeprefix("Value error, ")


def _unknown(location: tuple[str, ...]) -> str:
    """Say that a key is not known, and which one was probably meant."""
    known = _keys(Settings)
    if len(location) > 1:
        known = _keys(type(getattr(Settings(), location[0])))
    close = difflib.get_close_matches(location[-1], known, n=1)
    hint = f"did you mean {close[0]!r}?" if close else f"known: {', '.join(known)}"
    return f"unknown key {'.'.join(location)!r}; {hint}"


def _keys(section: type[BaseModel]) -> list[str]:
    return [field.alias or name for name, field in section.model_fields.items()]


def _line_of(text: str, location: tuple[str, ...]) -> int:
    """1-based line of a key in TOML text, 0 if it is not found."""
    section = ""
    for number, line in enumerate(text.splitlines(), start=1):
        header = re.match(r"\s*\[([^\[\]]+)\]", line)
        if header:
            section = header.group(1).strip()
            if location == (section,):
                return number
        key = re.match(r"\s*[\"']?([\w-]+)[\"']?\s*=", line)
        if key and (*filter(None, [section]), key.group(1)) == location:
            return number
    return 0
