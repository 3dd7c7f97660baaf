"""A small Hugging Face Hub on loopback, for what `release push` asks of it.

It speaks the HTTP of huggingface_hub 2.4 without hf_xet: repositories, branches, tags, trees by
pages, the choice of upload mode, the LFS batch with basic uploads, and commits as JSON lines. It
keeps bytes, computes every digest from them, and refuses what does not fit. Not here: the Xet
protocol (its storage servers are not public), multipart LFS (for files over 5 GB) and pull
requests.
"""

from __future__ import annotations

import base64
import hashlib
import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

WRITE_TOKEN = "hf_write"  # noqa: S105 - opens nothing but this
READ_TOKEN = "hf_read"  # noqa: S105 - the same
# As in the .gitattributes that the Hub puts into a new dataset, cut to what releases hold.
LFS_SUFFIXES = (".png", ".webp", ".jpg", ".parquet", ".npy", ".tar")
ATTRIBUTES = "".join(f"*{suffix} filter=lfs\n" for suffix in LFS_SUFFIXES).encode()
_REPOSITORY = r"(?P<repository>[^/]+/[^/]+)"


class Refused(Exception):
    def __init__(self, status: int, message: str, code: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.code = code


@dataclass(frozen=True)
class Stored:
    content: bytes
    is_lfs: bool

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.content).hexdigest()

    @property
    def blob_id(self) -> str:
        blob = self.content
        if self.is_lfs:
            blob = (
                "version https://git-lfs.github.com/spec/v1\n"
                f"oid sha256:{self.sha256}\nsize {len(self.content)}\n"
            ).encode()
        return hashlib.sha1(b"blob %d\0" % len(blob) + blob).hexdigest()  # noqa: S324 - as Git does

    @property
    def oid(self) -> str:
        return self.sha256 if self.is_lfs else self.blob_id


@dataclass
class Repository:
    private: bool
    commits: dict[str, dict[str, Stored]] = field(default_factory=dict)
    messages: list[str] = field(default_factory=list)
    branches: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)

    def commit_of(self, revision: str) -> str:
        found = self.branches.get(revision) or self.tags.get(revision)
        if found or revision in self.commits:
            return found or revision
        raise Refused(404, "no such revision", "RevisionNotFound")

    def add_commit(self, branch: str, tree: dict[str, Stored], message: str) -> str:
        told = [
            branch,
            message,
            len(self.messages),
            {name: tree[name].oid for name in sorted(tree)},
        ]
        commit = hashlib.sha1(json.dumps(told).encode()).hexdigest()  # noqa: S324 - as Git does
        self.commits[commit] = tree
        self.messages.append(message)
        self.branches[branch] = commit
        return commit


@dataclass
class Fault:
    method: str
    path: str
    status: int
    times: int


@dataclass
class Hub:
    """What the stand-in holds, and what it shall do wrong."""

    url: str = ""
    page_size: int = 4
    lfs_suffixes: tuple[str, ...] = LFS_SUFFIXES
    repositories: dict[str, Repository] = field(default_factory=dict)
    objects: dict[str, bytes] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    damaged: set[str] = field(default_factory=set)
    requests: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def fail(self, method: str, path: str, status: int, times: int = 1) -> None:
        """Answer the next requests whose path matches the expression with an error."""
        self.faults.append(Fault(method, path, status, times))

    def files(self, repository: str, revision: str = "main") -> dict[str, bytes]:
        """Path to content, without .gitattributes."""
        found = self.repositories[repository]
        tree = found.commits[found.commit_of(revision)]
        return {path: each.content for path, each in tree.items() if path != ".gitattributes"}

    def uploads(self) -> int:
        return sum(line.startswith("PUT /storage/") for line in self.requests)

    def create(self, repository: str, private: bool = False) -> Repository:
        made = Repository(private)
        made.add_commit("main", {".gitattributes": Stored(ATTRIBUTES, False)}, "initial commit")
        self.repositories[repository] = made
        return made

    def find(self, repository: str, token: str | None) -> Repository:
        found = self.repositories.get(repository)
        if found is None or (found.private and token is None):
            raise Refused(404, "Repository not found", "RepoNotFound")
        return found

    def is_lfs(self, path: str) -> bool:
        return path.endswith(self.lfs_suffixes)


@dataclass
class Call:
    """One request, read."""

    hub: Hub
    token: str | None
    query: Mapping[str, list[str]]
    body: bytes
    revision: str = ""
    repository: str = ""
    path: str = ""

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def repo(self) -> Repository:
        return self.hub.find(self.repository, self.token)


def create_repository(call: Call) -> Any:
    asked = call.json
    repository = f"{asked['organization']}/{asked['name']}"
    assert asked["type"] == "dataset"
    if repository in call.hub.repositories:
        url = f"{call.hub.url}/datasets/{repository}"
        raise Refused(409, json.dumps({"error": "You already created this repo", "url": url}))
    call.hub.create(repository, asked.get("visibility") == "private")
    return {"url": f"{call.hub.url}/datasets/{repository}"}


def describe_repository(call: Call) -> Any:
    commit = call.repo.commit_of(call.revision or "main")
    siblings = [{"rfilename": path} for path in sorted(call.repo.commits[commit])]
    private = call.repo.private
    return {"id": call.repository, "private": private, "sha": commit, "siblings": siblings}


def list_refs(call: Call) -> Any:
    def refs(kind: str, found: Mapping[str, str]) -> list[dict[str, str]]:
        return [
            {"name": name, "ref": f"refs/{kind}/{name}", "targetCommit": commit}
            for name, commit in found.items()
        ]

    return {
        "branches": refs("heads", call.repo.branches),
        "tags": refs("tags", call.repo.tags),
        "converts": [],
    }


def list_tree(call: Call) -> Any:
    tree = call.repo.commits[call.repo.commit_of(call.revision)]
    entries: list[dict[str, Any]] = [
        {"type": "directory", "path": folder, "size": 0, "oid": "0" * 40}
        for folder in sorted({path.rpartition("/")[0] for path in tree if "/" in path})
    ]
    for path, each in sorted(tree.items()):
        entry = {"type": "file", "path": path, "size": len(each.content), "oid": each.blob_id}
        if each.is_lfs:
            entry["lfs"] = {"oid": each.sha256, "size": len(each.content), "pointerSize": 130}
        entries.append(entry)
    return entries


def create_branch(call: Call) -> Any:
    if call.revision in call.repo.branches:
        raise Refused(409, "Reference already exists")
    call.repo.branches[call.revision] = call.repo.branches["main"]
    return {}


def create_tag(call: Call) -> Any:
    tag = call.json["tag"]
    if tag in call.repo.tags:
        raise Refused(409, "Tag reference exists already")
    call.repo.tags[tag] = call.repo.commit_of(call.revision)
    return {}


def validate_card(call: Call) -> Any:
    header = call.json["content"].split("---\n")
    try:
        assert len(header) >= 3
        assert isinstance(yaml.safe_load(header[1]), dict)
    except (AssertionError, yaml.YAMLError) as error:
        errors = [{"message": f"the header is no YAML: {type(error).__name__}"}]
        raise Refused(400, json.dumps({"errors": errors, "warnings": []})) from error
    return {"errors": [], "warnings": []}


def choose_modes(call: Call) -> Any:
    tree = call.repo.commits[call.repo.commit_of(call.revision)]
    assert len(call.json["files"]) <= 256
    return {
        "files": [
            {
                "path": file["path"],
                "uploadMode": "lfs" if call.hub.is_lfs(file["path"]) else "regular",
                "shouldIgnore": False,
                "oid": tree[file["path"]].oid if file["path"] in tree else None,
            }
            for file in call.json["files"]
        ]
    }


def lfs_batch(call: Call) -> Any:
    assert call.json["operation"] == "upload"
    found = []
    for each in call.json["objects"]:
        answer = {"oid": each["oid"], "size": each["size"]}
        if each["oid"] not in call.hub.objects:
            answer["actions"] = {
                "upload": {"href": f"{call.hub.url}/storage/{each['oid']}"},
                "verify": {"href": f"{call.hub.url}/verify"},
            }
        found.append(answer)
    return {"transfer": "basic", "objects": found}


def store(call: Call) -> Any:
    if hashlib.sha256(call.body).hexdigest() != call.path:
        raise Refused(400, "the body is not what its name says")
    call.hub.objects[call.path] = call.body
    return {}


def verify_stored(call: Call) -> Any:
    content = call.hub.objects.get(call.json["oid"])
    if content is None or len(content) != call.json["size"]:
        raise Refused(404, "no such object")
    return {}


def commit(call: Call) -> Any:
    lines = [json.loads(line) for line in call.body.splitlines()]
    assert lines[0]["key"] == "header"
    if call.revision not in call.repo.branches:
        raise Refused(404, "no such branch", "RevisionNotFound")
    tree = dict(call.repo.commits[call.repo.branches[call.revision]])
    for line in lines[1:]:
        value, path = line["value"], line["value"]["path"]
        if line["key"] == "deletedFile":
            if tree.pop(path, None) is None:
                raise Refused(404, "A file with this name doesn't exist", "EntryNotFound")
        elif line["key"] == "file":
            tree[path] = Stored(base64.b64decode(value["content"]), False)
        elif line["key"] == "lfsFile" and value["oid"] in call.hub.objects:
            tree[path] = Stored(call.hub.objects[value["oid"]], True)
        else:
            raise Refused(400, f"cannot commit {line['key']} of {path}")
        if path in call.hub.damaged:
            tree[path] = Stored(tree[path].content[:-1] + b"?", tree[path].is_lfs)
    made = call.repo.add_commit(call.revision, tree, lines[0]["value"]["summary"])
    url = f"{call.hub.url}/datasets/{call.repository}/commit/{made}"
    return {"success": True, "commitOid": made, "commitUrl": url}


ROUTES = [
    ("POST", r"/api/repos/create", create_repository),
    ("POST", r"/api/validate-yaml", validate_card),
    ("GET", rf"/api/datasets/{_REPOSITORY}/refs", list_refs),
    ("GET", rf"/api/datasets/{_REPOSITORY}/tree/(?P<revision>[^/]+)", list_tree),
    ("GET", rf"/api/datasets/{_REPOSITORY}(/revision/(?P<revision>[^/]+))?", describe_repository),
    ("POST", rf"/api/datasets/{_REPOSITORY}/branch/(?P<revision>[^/]+)", create_branch),
    ("POST", rf"/api/datasets/{_REPOSITORY}/tag/(?P<revision>[^/]+)", create_tag),
    ("POST", rf"/api/datasets/{_REPOSITORY}/preupload/(?P<revision>[^/]+)", choose_modes),
    ("POST", rf"/api/datasets/{_REPOSITORY}/commit/(?P<revision>[^/]+)", commit),
    ("POST", rf"/datasets/{_REPOSITORY}\.git/info/lfs/objects/batch", lfs_batch),
    ("PUT", r"/storage/(?P<path>[0-9a-f]{64})", store),
    ("POST", r"/verify", verify_stored),
]
