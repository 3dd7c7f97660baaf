"""Instruction data of the kept images and of episodes, in the formats of today's trainers.

Each format has a folder in manifests/ with a file for each content and a summary, written last.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from isekai_gen.errors import InputError, ManifestError
from isekai_gen.manifests.conversation_words import EpisodeWords
from isekai_gen.manifests.instruction_files import SampleCounts, write_samples
from isekai_gen.manifests.instruction_formats import FORMATS, Content, InstructionFormat
from isekai_gen.manifests.instruction_openai_chat import with_data_urls
from isekai_gen.manifests.instruction_samples import InstructionSample
from isekai_gen.manifests.instruction_sharegpt import dataset_info
from isekai_gen.manifests.instruction_template_set import InstructionTemplates
from isekai_gen.records import SCHEMA
from isekai_gen.stages.context import StageContext
from isekai_gen.stages.instructions_sources import InstructionSources, Wording, open_sources
from isekai_gen.stages.manifest_report import ManifestReport
from isekai_gen.storage import move_all, storage_errors, write_atomically

INSTRUCTION_FORMATS: tuple[str, ...] = tuple(FORMATS)
_TAKES_DATA_URLS = "openai-chat"
_LISTED = "sharegpt"
_SUMMARY = "summary.json"


@dataclass(frozen=True)
class InstructionRequest:
    """What instruction data is made of, beside the kept images.

    Attributes:
        episodes: File of episodes; None to draw them from the kept images.
        images: Folder that the episodes' paths are relative to; None for the workspace.
        words: File of an episode's words; None for the shipped ones.
        templates: File of templates for single images; None for the shipped ones.
        images_as: "data-url" puts whole images into openai-chat; "path" names them.
    """

    episodes: Path | None = None
    images: Path | None = None
    words: Path | None = None
    templates: Path | None = None
    images_as: Literal["path", "data-url"] = "path"

    def refuse_what_cannot_be(self, formats: Sequence[str]) -> None:
        """Raise InputError if an option would have no effect."""
        contents = {content for name in formats for content in FORMATS[name].row_of}
        if self.images is not None and self.episodes is None:
            raise InputError("--images is the folder of --episodes; name a file of episodes too")
        if (self.episodes or self.words) and "episodes" not in contents:
            raise InputError(
                "--episodes and --words are for formats with episodes; "
                f"there are none in {', '.join(formats)}"
            )
        if self.templates and contents == {"episodes"}:
            raise InputError(
                "--templates is for formats with single images; "
                f"there are none in {', '.join(formats)}"
            )
        if self.images_as == "data-url" and set(formats) != {_TAKES_DATA_URLS}:
            raise InputError(
                f"--images-as data-url is for {_TAKES_DATA_URLS} only; write the others apart"
            )


def write_instructions(
    context: StageContext, formats: Sequence[str], request: InstructionRequest
) -> list[ManifestReport]:
    """Write manifests/<format>/; the caller holds the workspace's lock.

    Args:
        context: The workspace. Without a plan in it, episodes of a file are all there is.
        formats: Some of `INSTRUCTION_FORMATS`.
        request: Where episodes and words come from.

    Returns:
        One report for each file.

    Raises:
        InputError: If the files of words or templates are wrong, an option would have no effect,
            or an episode names an image that was dropped or is not there.
        ManifestError: If there is nothing to write for a format, or a text cannot be said to a
            model.
    """
    request.refuse_what_cannot_be(formats)
    wording = Wording(
        EpisodeWords.load(request.words) if request.words else EpisodeWords.shipped(),
        InstructionTemplates.load(request.templates)
        if request.templates
        else InstructionTemplates.shipped(),
        context.settings.manifest.seed,
    )
    images = request.images or context.workspace.root
    contents = {content for name in formats for content in FORMATS[name].row_of}
    sources = open_sources(context, contents, request.episodes, images)
    inlined: dict[Content, Path] = {}
    if request.images_as == "data-url":
        inlined = {"episodes": images, "images": context.workspace.root}
    writer = _Writer(context, sources, wording, inlined)
    reports = [report for name in formats for report in writer.write(FORMATS[name])]
    context.remember_settings("manifest")
    return reports


@dataclass(frozen=True)
class _Writer:
    """Writes formats of one set of sources.

    Attributes:
        context: The workspace.
        sources: What samples are made of.
        wording: What they are worded with.
        inlined: Content whose images are put into the rows, to the folder they lie in.
    """

    context: StageContext
    sources: InstructionSources
    wording: Wording
    inlined: Mapping[Content, Path]

    def write(self, made: InstructionFormat) -> list[ManifestReport]:
        """All files of one format."""
        folder = self.context.workspace.manifests / made.name
        contents = self._contents(made)
        with self.context.workspace.staging(made.name) as staged:
            counts = {
                content: write_samples(staged, made, content, self._samples(content))
                for content in contents
            }
            if made.name == _LISTED:
                info = dataset_info(made.file_name(content) for content in contents)
                _write_json(staged / "dataset_info.json", info)
            _write_json(staged / _SUMMARY, self._summary(made, counts))
            _publish(made, staged, folder)
        return [
            ManifestReport(
                name=f"{made.name} {content}",
                path=folder / made.file_name(content),
                rows=counts[content].rows,
                shots=self.sources.shots if content == "episodes" else 0,
                skipped=self.sources.skipped.get(content, {}),
            )
            for content in contents
        ]

    def _contents(self, made: InstructionFormat) -> list[Content]:
        """What can be made; the rest is told.

        Raises:
            ManifestError: If nothing can.
        """
        missing = self.sources.missing
        there = [content for content in made.row_of if content not in missing]
        for content in made.row_of:
            if content not in missing:
                continue
            if not there:
                raise ManifestError(f"{made.name}: no {content}: {missing[content]}")
            self.context.reporter.note(f"{made.name}: no {content}: {missing[content]}")
        return there

    def _samples(self, content: Content) -> Iterator[InstructionSample]:
        for sample in self.sources.samples(content, self.wording):
            folder = self.inlined.get(content)
            yield sample if folder is None else with_data_urls(sample, folder)

    def _summary(
        self, made: InstructionFormat, counts: Mapping[Content, SampleCounts]
    ) -> dict[str, Any]:
        return {
            "schema": SCHEMA,
            "format": made.name,
            "seed": self.wording.seed,
            "words": asdict(self.wording.words),
            "templates_digest": self.wording.templates.digest(),
            "files": {
                made.file_name(content): {
                    "rows": counted.rows,
                    "by_concept": dict(counted.by_concept),
                    "by_template": dict(counted.by_template),
                    "skipped": self.sources.skipped.get(content, {}),
                }
                for content, counted in counts.items()
            },
        }


def _publish(made: InstructionFormat, staged: Path, folder: Path) -> None:
    """Move a format's files to their place; without a summary, a crash left them half replaced."""
    files = sorted(staged.iterdir(), key=lambda path: (path.name == _SUMMARY, path.name))
    # A file of images that were kept earlier would contradict what is kept now.
    gone = {made.file_name(content) for content in made.row_of} - {path.name for path in files}
    with storage_errors(folder):
        for name in (_SUMMARY, *sorted(gone)):
            (folder / name).unlink(missing_ok=True)
    move_all({path: folder / path.name for path in files})


def _write_json(path: Path, value: Any) -> None:  # noqa: ANN401 - any JSON value
    text = json.dumps(value, sort_keys=True, ensure_ascii=False, indent=2)
    write_atomically(path, f"{text}\n".encode())
