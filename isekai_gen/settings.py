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
from typing import Annotated, Any, Literal, Self

import tomli_w
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from isekai_gen.errors import InputError

STARTER = "starter"


class _Default(enum.Enum):
    DEFAULT = enum.auto()


DEFAULT = _Default.DEFAULT
"""Among overrides: back to the default of a key, whatever isekai.toml says."""

Share = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[int, Field(gt=0)]


class _Section(BaseModel):
    """A frozen table of isekai.toml that knows its keys."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        populate_by_name=True,
        protected_namespaces=(),
        allow_inf_nan=False,
    )


class GenerateSettings(_Section):
    """[generate]: which model draws what.

    Attributes:
        model: "starter", a Hub id, a diffusers folder or a .safetensors file.
        revision: Branch, tag or commit of a Hub model.
        variant: Weights variant, such as "fp16".
        dtype: "auto" is float32 on the CPU; "bfloat16,vae=float32" names components apart.
        config_folder: Pipeline configuration of a single file (key `model_config`).
        vae: Folder or Hub id of a VAE that takes the place of the model's own.
        loras: LoRA adapters, each PATH_OR_ID or PATH_OR_ID:WEIGHT.
        scheduler: NAME or NAME:KEY=VALUE,... in place of the model's own scheduler.
        cache: Name of a diffusers step cache, which trades likeness for speed.
        safety_checker: Whether a model's own safety checker looks at the images.
        compiled: Whether the networks are compiled (key `compile`); other last bits.
        reproducible: Whether schedulers and caches that break reproducibility are refused.
        images_per_concept: Images planned for each concept.
        seed: Seed of the dataset; every image's own seed follows from it.
        sampling: Order in which prompts are taken from the space of a concept.
        wildcards: Folder of wildcard files; None for the workspace's own, if there is one.
        num_inference_steps: Denoising steps.
        guidance_scale: Classifier-free guidance scale.
        width: Pixels.
        height: Pixels.
        micro_batch_size: Fixed batch shape; images drawn with another size differ in their bits.
        shard_size: Images a part file holds; None for a size that follows from the plan's.
        allow_truncation: Whether prompts may be longer than the model can read.
        image_format: Format of image files; WebP is lossless, JPEG is not.
        prompt_metadata: Whether image files carry what tells their label, such as the prompt.
    """

    model: str = STARTER
    revision: str | None = None
    variant: str | None = None
    dtype: str = "auto"
    config_folder: str | None = Field(default=None, alias="model_config")
    vae: str | None = None
    loras: tuple[str, ...] = ()
    scheduler: str | None = None
    cache: str | None = None
    safety_checker: bool = True
    compiled: bool = Field(default=False, alias="compile")
    reproducible: bool = True
    images_per_concept: Positive = 12
    seed: Annotated[int, Field(ge=0, lt=2**63)] = 0
    sampling: Literal["stratified", "permuted", "exhaustive", "random"] = "stratified"
    wildcards: str | None = None
    num_inference_steps: Positive | None = None
    guidance_scale: Annotated[float, Field(ge=0)] | None = None
    width: Positive | None = None
    height: Positive | None = None
    micro_batch_size: Positive = 4
    shard_size: Positive | None = None
    allow_truncation: bool = False
    image_format: Literal["png", "webp", "jpeg"] = "png"
    prompt_metadata: bool = True


class EmbedSettings(_Section):
    """[embed]: which encoder looks at the images.

    Attributes:
        encoder: "starter", ARCH/TAG of OpenCLIP, or a local folder.
    """

    encoder: str = STARTER


class ClassOverlapSettings(_Section):
    """[class_overlap]: when a fictional image shows a real class.

    Attributes:
        reference: Reference set in references/, or a folder; None for the encoder's default.
        max_margin: Highest excess of a class's similarity over the concept's own.
        own_quantile: Quantile of the class's own images that an overlapping image must reach.
    """

    reference: str | None = None
    max_margin: float = 0.0
    own_quantile: Share = 0.25


class NearDuplicateSettings(_Section):
    """[near_duplicate]: how alike two kept images may be.

    Attributes:
        max_similarity: Kept images are pairwise at or below this cosine similarity; None for
            the encoder's own default.
        within: Which pairs are compared.
        search: "blocks" (numpy) or "faiss"; both find the same pairs.
    """

    max_similarity: Annotated[float, Field(ge=-1, le=1)] | None = None
    within: Literal["concept", "group", "all"] = "all"
    search: Literal["blocks", "faiss"] = "blocks"


class NeighborSettings(_Section):
    """[neighbors]: size of the neighbor tables.

    Attributes:
        nearest: Classes in the nearest table, per concept.
        bins: Ranks in the rank-stratified table, per concept.
    """

    nearest: Positive = 10
    bins: Positive = 10


class ManifestSettings(_Section):
    """[manifest]: few-shot manifests.

    Attributes:
        shots: Support images per side; None for the most that every group can give, up to 8.
        seed: Seed of the support sets.
    """

    shots: Positive | None = None
    seed: Annotated[int, Field(ge=0, lt=2**63)] = 0


class ReleaseSettings(_Section):
    """[release]: how the package is called.

    Attributes:
        name: Name of the dataset; None for that of the catalog.
        version: Version of the dataset.
        license: Identifier of the dataset's license, as the Hugging Face Hub writes it.
        license_file: Full text of a license that is not shipped here.
    """

    name: str | None = None
    version: str = "1.0.0"
    license: str = "cc0-1.0"
    license_file: str | None = None


class Settings(_Section):
    """The whole tree of isekai.toml."""

    generate: GenerateSettings = GenerateSettings()
    embed: EmbedSettings = EmbedSettings()
    class_overlap: ClassOverlapSettings = ClassOverlapSettings()
    near_duplicate: NearDuplicateSettings = NearDuplicateSettings()
    neighbors: NeighborSettings = NeighborSettings()
    manifest: ManifestSettings = ManifestSettings()
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
        InputError: If it is no TOML, or has unknown keys or values out of range; every fault
            with file:line, unknown keys with a suggestion.
    """
    if not path.exists():
        return Settings()
    try:
        text = path.read_text(encoding="utf-8")
        return Settings.model_validate(tomllib.loads(text))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
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
    return "must be a table" if kind == "model_type" else message


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
