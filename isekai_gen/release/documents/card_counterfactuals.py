"""The part of the card about counterfactual samples: how they were made, and what for."""

from __future__ import annotations

from collections import Counter

from isekai_gen.release.documents.card_markdown import bullets, code, counted, listed, table
from isekai_gen.release.facts import ReleaseFacts, SampleFacts
from isekai_gen.release.layout import COUNTERFACTUALS_FILE

_FOR = """They measure what a model goes by: whether it still finds the object without its
surroundings, and whether it still claims the object where only the surroundings are left. They
show nothing new, and where the object is gone the concept is the wrong answer: **they are in no
split, table or test of the images above**, and are not meant to be added to them."""
_JUDGED = """`source` and `fillers` are ids of images of this release, all of the sample's split.
Samples that cannot be read, are useless pictures, or look the same as another picture, by pixels
and perceptual hashes, were dropped; none was dropped for what an encoder sees in it."""
_LOADING = """```python
from pathlib import Path
from datasets import load_dataset

folder = str(Path.cwd() / "counterfactuals")
samples = load_dataset("imagefolder", data_dir=folder, split="train")
print(samples[0]["image"], samples[0]["answer"])
```"""


def counterfactuals_section(facts: ReleaseFacts) -> str:
    """How many samples of which kind; "" if there are none."""
    found = facts.samples
    if found is None:
        return ""
    kinds = Counter((each.kept, each.refill, each.method) for each in found.samples)
    loaded = found.config in facts.configs
    parts = [
        "## Counterfactual samples",
        f"{counted(len(found.samples), 'picture')} of the images above with the object, or all "
        f"but the object, replaced: {_where(found, loaded=loaded)}.",
        table(
            ("kept", "refill", "found by", "right answer", "samples:"),
            [
                (kept, refill, code(method), _answer(kept), f"{number:,}")
                for (kept, refill, method), number in sorted(kinds.items())
            ],
        ),
        _FOR,
        bullets(_making(found)),
        _JUDGED,
    ]
    return "\n\n".join(parts if loaded else [*parts, _LOADING])


def _where(found: SampleFacts, *, loaded: bool) -> str:
    rows = f"with a row for each in `{COUNTERFACTUALS_FILE}`"
    return f"config `{found.config.name}`, {rows}" if loaded else f"loose files, {rows}"


def _answer(kept: str) -> str:
    return "the concept" if kept == "object" else "not the concept"


def _making(found: SampleFacts) -> list[str]:
    methods = sorted({each.method for each in found.samples})
    limits = sorted({each.limit for each in found.samples})
    rates = [each.mask_rate for each in found.samples]
    lines = [
        f"the object is where {listed([code(each) for each in methods if each != 'random'])} gave "
        f"an activation above {listed([f'{each:g}' for each in limits])}"
        if methods != ["random"]
        else "places to replace were drawn at random",
        f"{sum(rates) / len(rates):.0%} of a picture was replaced on average",
    ]
    if "random" in methods and len(methods) > 1:
        lines.append("`random` is a control: a mask of the same area at random places")
    return lines
