"""What `build_release` is asked for."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from isekai_gen.release.content import ReleaseContent, ReleaseOptions
from isekai_gen.release.documents.answers import Answers
from isekai_gen.release.images import ReleasedImage
from isekai_gen.release.layout import Archive, Profile
from isekai_gen.release.progress import Advance
from isekai_gen.workspace import Workspace


class PictureMarker(Protocol):
    """Puts marks into the pictures that are released, such as C2PA's."""

    @property
    def identity(self) -> str:
        """Digest of all that the marks depend on, such as the certificate.

        A build that goes on after a kill must not mix the marks of two.
        """

    def mark(self, content: bytes, image: ReleasedImage) -> bytes:
        """The file with its mark; pixels are the same. Called from several threads."""


class SumsSigner(Protocol):
    """Signs SHA256SUMS, such as with ssh-keygen."""

    def sign(self, sums: Path) -> bytes:
        """The detached signature of the file, which is written beside it."""


@dataclass(frozen=True)
class BuildPlan:
    """How a release is packed.

    Attributes:
        profile: How images travel.
        loose_images: Whether the hub profile has images/ beside Parquet.
        hard_link: Whether loose images are links to the workspace's files, not copies.
        pair_shots: Support images embedded on each side of a row of the pairs table; None for 2,
            or for 0 where that would take more than a gigabyte.
        previous: An earlier version's folder, which the changes are told against, or None.
        marker: Marks pictures, or None.
        signer: Signs SHA256SUMS, or None.
        archive: What to make beside the folder, or None.
        max_shard_bytes: Of image files in one Parquet file or tar shard.
    """

    profile: Profile = "hub"
    loose_images: bool = True
    hard_link: bool = False
    pair_shots: int | None = None
    previous: Path | None = None
    marker: PictureMarker | None = None
    signer: SumsSigner | None = None
    archive: Archive | None = None
    max_shard_bytes: int = 400_000_000

    @property
    def has_loose_images(self) -> bool:
        """Whether each image is a file of the release."""
        return self.profile == "files" or (self.profile == "hub" and self.loose_images)


@dataclass(frozen=True)
class BuildRequest:
    """Everything that a release is made of.

    Attributes:
        workspace: Where images, manifests and tables lie.
        out: Folder to make; must not exist.
        options: Name, version, license.
        answers: Of the authors.
        content: Of the workspace, as plain records.
        plan: How it is packed.
        advance: Told of progress, image by image.
    """

    workspace: Workspace
    out: Path
    options: ReleaseOptions
    answers: Answers
    content: ReleaseContent
    plan: BuildPlan
    advance: Advance
