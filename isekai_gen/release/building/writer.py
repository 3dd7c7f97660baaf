"""Write the files of a release into a staged folder, images first, lists of files last."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from isekai_gen.release.building.build_counterfactuals import write_samples
from isekai_gen.release.building.build_documents import write_documents
from isekai_gen.release.building.build_images import ImagePacking, PackedImages
from isekai_gen.release.building.build_tables import (
    PictureTables,
    images_config,
    write_shards_index,
)
from isekai_gen.release.building.draft import ReleaseDraft
from isekai_gen.release.building.lcl_files import write_lcl
from isekai_gen.release.building.neighbor_files import write_neighbors
from isekai_gen.release.building.request import BuildRequest
from isekai_gen.release.building.staging import Staging
from isekai_gen.release.building.vectors import write_vectors
from isekai_gen.release.counts import count_images
from isekai_gen.release.documents.previews import write_previews
from isekai_gen.release.facts import ReleaseFacts, TableConfig
from isekai_gen.release.index import (
    INDEX_SCHEMA,
    ListedFile,
    files_as_json,
    release_date,
    sums_text,
)
from isekai_gen.release.layout import (
    CONCEPTS_FILE,
    ENVIRONMENT_FILE,
    INDEX_FILE,
    METADATA_FILE,
    PROMPTS_FILE,
    REJECTED_FILE,
    SETTINGS_FILE,
    SIGNATURE_FILE,
    STATS_FILE,
    SUMS_FILE,
    TEMPLATES_FILE,
)
from isekai_gen.release.tables import concept_rows, prompt_rows, rejected_rows
from isekai_gen.release.verification.received import RULES
from isekai_gen.tool_version import tool_version


class ReleaseWriter:
    """Writes one release; `write_all` once.

    Attributes:
        draft: Takes the files.
        counts: The conservation numbers.
        manifests: Path of each manifest in the release to its number of rows.
    """

    def __init__(self, request: BuildRequest, staging: Staging) -> None:
        self._request = request
        self._images = request.content.released_images()
        self.draft = ReleaseDraft(staging.tree)
        self._packing = ImagePacking(request, staging, self.draft)
        self.counts = count_images(request.content)
        self.manifests: dict[str, int] = {}

    def write_all(self) -> None:
        """Write every file."""
        request, draft, images = self._request, self.draft, self._images
        packed = self._packing.pack(images)
        draft.write_encoded(METADATA_FILE, self._packing.lines(images))
        self._write_tables()
        self.manifests = write_lcl(draft, request.workspace, images)
        neighbor_files = write_neighbors(draft, request.workspace)
        write_vectors(draft, request.content)
        previews = write_previews(draft, images, self._packing.read)
        configs = self._write_configs(packed)
        self._packing.remove_unlisted()
        samples = write_samples(request, draft, images)
        if samples is not None and request.plan.profile != "webdataset":
            configs.append(samples.config)  # `datasets` loads configs of one format only
        facts = ReleaseFacts(
            options=request.options,
            answers=request.answers,
            content=request.content,
            profile=request.plan.profile,
            loose_images=request.plan.has_loose_images,
            images=images,
            counts=self.counts,
            configs=configs,
            manifests=self.manifests,
            previews=previews,
            neighbor_files=neighbor_files,
            total_bytes=sum(packed.size_by_path.values()),
            signed_pictures=request.plan.marker is not None,
            date=release_date(),
            changes="",
            samples=samples,
        )
        write_documents(draft, request.plan.previous, facts)
        self._write_lists(facts)

    def _write_configs(self, packed: PackedImages) -> list[TableConfig]:
        plan, images = self._request.plan, self._images
        configs = [images_config(plan, images, packed)]
        if plan.profile == "hub":
            tables = PictureTables(self.draft, images, packed, self._packing.read)
            configs += filter(
                None, [tables.write_pairs(plan), tables.write_neighbors(self._request.workspace)]
            )
        if plan.profile == "webdataset":
            write_shards_index(self.draft, self._request.options.name, packed)
        return configs

    def _write_tables(self) -> None:
        draft, content = self.draft, self._request.content
        draft.write_lines(CONCEPTS_FILE, concept_rows(content, self.counts))
        draft.write(TEMPLATES_FILE, content.templates.encode())
        draft.write_lines(PROMPTS_FILE, prompt_rows(content, self._images))
        draft.write_lines(REJECTED_FILE, rejected_rows(content, self._images))
        draft.write_json(SETTINGS_FILE, content.settings)
        draft.write_json(ENVIRONMENT_FILE, content.environment)
        for name, report in {STATS_FILE: self.counts, **content.reports}.items():
            draft.write_json(name, report)

    def _write_lists(self, facts: ReleaseFacts) -> None:
        draft = self.draft
        listed = draft.listed()
        draft.write_json(INDEX_FILE, _index(facts, listed))
        sums = {file.path: file.sha256 for file in draft.listed()}
        draft.write(SUMS_FILE, sums_text(sums).encode())
        signer = self._request.plan.signer
        if signer is not None:
            draft.write(SIGNATURE_FILE, signer.sign(draft.folder / SUMS_FILE))


def _index(facts: ReleaseFacts, listed: list[ListedFile]) -> Mapping[str, Any]:
    """The content of release.json."""
    samples = {} if facts.samples is None else {"counterfactuals": facts.samples.counts}
    return {
        "schema": INDEX_SCHEMA,
        "name": facts.options.name,
        "version": facts.options.version,
        "title": facts.options.title,
        "license": facts.options.license_id,
        "date": facts.date,
        "tool": {"name": "isekai-gen", "version": tool_version()},
        "profile": facts.profile,
        "loose_images": facts.loose_images,
        "signed_pictures": facts.signed_pictures,
        "split_by": facts.content.split_by,
        "splits": facts.splits(),
        "counts": facts.counts,
        **samples,
        "manifests": facts.manifests,
        # `build_release` puts a release in place only if verification broke none of these.
        "checks": list(RULES),
        "files": files_as_json(listed),
    }
