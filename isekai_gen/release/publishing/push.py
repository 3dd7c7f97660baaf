"""Publish a release on the Hugging Face Hub: upload, compare checksums, tag.

Afterwards the branch holds the files of the release and no others (.gitattributes aside), and the
tag names that commit. A tag is never moved. With hf_xet (it comes with huggingface_hub) large
folders travel in several commits; the tag is set when all have arrived. What was sent before an
interruption is not sent twice.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from isekai_gen.errors import ReleaseError
from isekai_gen.optional import require
from isekai_gen.release.layout import INDEX_FILE
from isekai_gen.release.publishing.push_errors import hub_errors
from isekai_gen.release.verification.findings import findings_in_brief
from isekai_gen.release.verification.received import walk_release
from isekai_gen.release.verification.verify import verify_release

MAIN_BRANCH = "main"
# The Hub makes it with the repository and needs it.
KEPT_FILE = ".gitattributes"
_REPO_TYPE = "dataset"
_NAME = r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?"
_REPOSITORY = re.compile(rf"{_NAME}/{_NAME}", re.ASCII)
_REF = re.compile(_NAME, re.ASCII)
_SHOWN = 3


@dataclass(frozen=True)
class PushRequest:
    """Where a release goes.

    Attributes:
        repository: "owner/name".
        branch: Made if it is not there.
        private: Whether only the owner may see the repository; a public one is then refused.
        tag: Name of the tag; None for "v" and the version.
        message: Of the commit; None for name and version.
    """

    repository: str
    branch: str = MAIN_BRANCH
    private: bool = False
    tag: str | None = None
    message: str | None = None

    def __post_init__(self) -> None:
        if not _REPOSITORY.fullmatch(self.repository):
            raise ReleaseError(
                f"{self.repository!a} is no repository; write owner/name, such as ada/isekai-sharks"
            )
        for what, name in (("branch", self.branch), ("tag", self.tag)):
            if name is not None and not _REF.fullmatch(name):
                raise ReleaseError(
                    f"{what} {name!a} must be of letters, digits, dots, dashes and underscores"
                )


@dataclass(frozen=True)
class PushFile:
    """A file to send.

    Attributes:
        path: Relative to the release and to the repository.
        size: Bytes.
    """

    path: str
    size: int


@dataclass(frozen=True)
class PushPlan:
    """A verified release and where it goes.

    Attributes:
        folder: The release.
        repository: "owner/name".
        branch: To commit to.
        private: Whether the repository must be private.
        tag: To set.
        message: Of the commit.
        files: All files of the release, sorted.
    """

    folder: Path
    repository: str
    branch: str
    private: bool
    tag: str
    message: str
    files: tuple[PushFile, ...]

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(file.size for file in self.files)


@dataclass(frozen=True)
class PushSummary:
    """What was done.

    Attributes:
        url: Of the dataset at the tag.
        commit: That the tag names.
        tag: Its name.
        files: Compared by checksum with the Hub's.
        is_new: False if the tag was there already with these files, so that nothing was sent.
    """

    url: str
    commit: str
    tag: str
    files: int
    is_new: bool


def plan_push(folder: Path, request: PushRequest) -> PushPlan:
    """Verify a release and list what would go, without the network.

    Raises:
        ReleaseError: If it does not verify.
    """
    findings = verify_release(folder)
    if findings:
        raise ReleaseError(
            f"{folder} does not verify {findings_in_brief(findings)}; isekai-gen release verify "
            f"{folder} lists them all"
        )
    tree = walk_release(folder)
    index = tree.read_json(INDEX_FILE)
    files = (PushFile(name, path.stat().st_size) for name, path in sorted(tree.files.items()))
    return PushPlan(
        folder=folder,
        repository=request.repository,
        branch=request.branch,
        private=request.private,
        tag=request.tag or f"v{index['version']}",
        message=request.message or f"{index['name']} {index['version']}",
        files=tuple(files),
    )


def push_release(plan: PushPlan, *, show_progress: bool) -> PushSummary:
    """Send a release, compare the Hub's checksums with its files, and tag the commit.

    Files of the branch that are not in the release are deleted. The token is found by
    huggingface_hub: the environment's HF_TOKEN, or a login.

    Args:
        plan: From `plan_push`.
        show_progress: Whether huggingface_hub shows its bars on stderr.

    Raises:
        ReleaseError: If there is no token, the Hub cannot be reached or refuses, the repository is
            public though a private one was asked for, the tag names other files, or what arrived
            differs. The tag is not set then; running again continues.
        MissingDependencyError: If huggingface_hub is not installed.
    """
    hub = require("huggingface_hub", "pip install 'isekai-gen[hub]'")
    if not show_progress:
        hub.utils.disable_progress_bars()
    api = hub.HfApi()
    with hub_errors(plan.repository, api.endpoint):
        if hub.get_token() is None:
            raise ReleaseError(
                "no Hugging Face token is here; run `hf auth login`, or set HF_TOKEN to one that "
                f"may write to {plan.repository}"
            )
        _prepare_repository(api, plan)
        tagged = _tagged_commit(api, plan)
        commit = tagged or _upload(api, plan)
        if tagged is None:
            api.create_tag(plan.repository, tag=plan.tag, revision=commit, repo_type=_REPO_TYPE)
    return PushSummary(
        url=f"{api.endpoint}/datasets/{plan.repository}/tree/{plan.tag}",
        commit=commit,
        tag=plan.tag,
        files=len(plan.files),
        is_new=tagged is None,
    )


def _prepare_repository(api: Any, plan: PushPlan) -> None:  # noqa: ANN401 - HfApi, loaded late
    # None leaves it to the owner's default, as `private=False` would override an organization's.
    private = True if plan.private else None
    api.create_repo(plan.repository, repo_type=_REPO_TYPE, private=private, exist_ok=True)
    if plan.private and not api.repo_info(plan.repository, repo_type=_REPO_TYPE).private:
        raise ReleaseError(
            f"{plan.repository} is there and public, so nothing was sent; make it private on the "
            "Hub, or push without --private"
        )


def _tagged_commit(api: Any, plan: PushPlan) -> str | None:  # noqa: ANN401 - HfApi
    """The commit that the tag names already, if it holds just these files; None if no tag."""
    tags = api.list_repo_refs(plan.repository, repo_type=_REPO_TYPE).tags
    commits = [tag.target_commit for tag in tags if tag.name == plan.tag]
    if not commits:
        return None
    differing = _differing_files(api, plan, commits[0])
    if differing:
        raise ReleaseError(
            f"{plan.repository} has a tag {plan.tag} already, whose files differ "
            f"({_some(differing)}); a tag is never moved: raise the version, or give another --tag"
        )
    return str(commits[0])


def _upload(api: Any, plan: PushPlan) -> str:  # noqa: ANN401 - HfApi
    """Send all files and compare what arrived; returns the commit."""
    if plan.branch != MAIN_BRANCH:
        api.create_branch(plan.repository, branch=plan.branch, repo_type=_REPO_TYPE, exist_ok=True)
    commit: str = api.upload_folder(
        repo_id=plan.repository,
        repo_type=_REPO_TYPE,
        folder_path=plan.folder,
        revision=plan.branch,
        commit_message=plan.message,
        delete_patterns="*",
    ).oid
    differing = _differing_files(api, plan, commit)
    if differing:
        raise ReleaseError(
            f"{plan.repository} does not hold what was sent: {_some(differing)}; the tag "
            f"{plan.tag} was not set; run the same command again"
        )
    return commit


def _differing_files(api: Any, plan: PushPlan, revision: str) -> list[str]:  # noqa: ANN401 - HfApi
    """Paths whose files differ between release and revision, or that only one of them has."""
    found = api.verify_repo_checksums(
        plan.repository, repo_type=_REPO_TYPE, revision=revision, local_dir=plan.folder
    )
    changed = {mismatch["path"] for mismatch in found.mismatches}
    return sorted((changed | set(found.missing_paths) | set(found.extra_paths)) - {KEPT_FILE})


def _some(paths: list[str]) -> str:
    more = f" and {len(paths) - _SHOWN} more" if len(paths) > _SHOWN else ""
    return ", ".join(paths[:_SHOWN]) + more
