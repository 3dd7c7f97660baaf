"""The commands of the card that load a release; tests run every one of them."""

from __future__ import annotations

from pathlib import PurePosixPath

from isekai_gen.release.documents.card_markdown import bullets, code, counted, table
from isekai_gen.release.facts import ReleaseFacts, TableConfig

_PILLOW = """With Pillow alone, from the loose files:

```python
import json
from PIL import Image

with open("metadata.jsonl", encoding="utf-8") as file:
    rows = [json.loads(line) for line in file]
with Image.open(rows[0]["file_name"]) as picture:
    print(picture.size, rows[0]["name"])
```"""

_CROISSANT = """With [mlcroissant](https://docs.mlcommons.org/croissant/), which checks every file
that it opens (`pip install mlcroissant`):

```python
import mlcroissant

records = mlcroissant.Dataset(jsonld="croissant.json").records("images")
first = next(iter(records))
print(first["images/name"], first["images/image"])
```"""

_UNPACKED = """`isekai-gen release unpack . --out FOLDER` restores every image as a file, at its
`file_name`."""


def loading_section(facts: ReleaseFacts) -> str:
    """How to load the images in three ecosystems, then the manifests."""
    parts = ["## Load it", "Run in the folder of this file.", _datasets(facts)]
    if facts.profile == "webdataset":
        parts.append(_webdataset(facts))
    if facts.loose_images:
        parts.append(_PILLOW)
    parts.append(_CROISSANT)
    if not facts.loose_images:
        parts.append(_UNPACKED)
    if facts.manifests:
        parts.append(_evaluation(facts))
    return "\n\n".join(parts)


def _datasets(facts: ReleaseFacts) -> str:
    split = next(iter(facts.splits()), "test")
    where = facts.answers.repository
    hub = f'; from the Hub, `release = "{where}"`' if where else ""
    others = [config for config in facts.configs if config.name != "images"]
    lines = [
        "from pathlib import Path",
        "from datasets import load_dataset",
        "",
        # `datasets` names what it loads after the folder, and fails for ".", which has no name.
        "release = str(Path.cwd())",
        f'images = load_dataset(release, split="{split}")',
        _first_row(facts),
        *(f'{each.name} = load_dataset(release, "{each.name}")' for each in others),
    ]
    body = "\n".join(lines)
    tables = table(
        ("config", "rows:", "what it holds"),
        [(code(each.name), _rows(each), each.description) for each in facts.configs],
    )
    return (
        "With [datasets](https://huggingface.co/docs/datasets) (`pip install datasets pillow`"
        f"{hub}):\n\n```python\n{body}\n```\n\n{tables}"
    )


def _first_row(facts: ReleaseFacts) -> str:
    if facts.profile == "webdataset":
        return f'print(images[0]["{_picture_field(facts)}"], images[0]["json"]["name"])'
    return 'print(images[0]["image"], images[0]["name"])'


def _rows(config: TableConfig) -> str:
    return ", ".join(f"{number:,} {split}" for split, number in config.rows.items())


def _picture_field(facts: ReleaseFacts) -> str:
    """What a reader of tar shards calls the picture: the suffix of the first file."""
    suffix = PurePosixPath(facts.images[0].path).suffix if facts.images else ".png"
    return suffix.removeprefix(".")


def _webdataset(facts: ReleaseFacts) -> str:
    split = next(iter(facts.splits()), "test")
    field = _picture_field(facts)
    return f"""With [webdataset](https://github.com/webdataset/webdataset)
(`pip install webdataset pillow`); `shards/shards.json` lists the shards with their sizes:

```python
from glob import glob
import webdataset

shards = sorted(glob("shards/{facts.options.name}-{split}-*.tar"))
samples = webdataset.WebDataset(shards, shardshuffle=False).decode("pil")
for picture, label, row in samples.to_tuple("{field}", "cls", "json"):
    print(row["name"], label, picture.size)
    break
```"""


def _evaluation(facts: ReleaseFacts) -> str:
    listed = bullets(
        f"`{path}`: {counted(rows, 'query', 'queries')}" for path, rows in facts.manifests.items()
    )
    first = next(iter(facts.manifests))
    images = "." if facts.loose_images else "FOLDER"
    return f"""### Few-shot tests

{listed}

Each query names its support images of either side, in the order to show them; they are fixed in
the file. `shot` counts each side, the paper counts both. They are in the form of
[Link-Context Learning](https://arxiv.org/abs/2308.07891): `lcl/README.md` has the commands for its
code. The same tests for other models, here the small one that comes with the program:

```shell
isekai-gen evaluate --manifest {first} --images {images} --out ../results --model clip:starter
```"""
