"""Names of test classes that upstream's metric can look up.

ImageNetTest100Metrics finds a row's counterpart by name: two classes of one name collide (ImageNet
has two each called crane and maillot), and since it strips quotes and full stops from the answer
but not from the name, "jack-o'-lantern" would be a KeyError. So test rows carry labels, and the
display names stay beside them, in classes.jsonl.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from isekai_gen.errors import ManifestError
from isekai_gen.manifests.lcl_split import LclClass
from isekai_gen.manifests.names import check_label, check_label_pair, normalize_label

_SHOWN = 5


def label_classes(classes: Sequence[LclClass]) -> dict[str, str]:
    """Key of every class to its label: its normalized name, if need be with its key behind.

    The key is added when another class normalizes to the same name, or when the metric could not
    use the name alone (such as "image", which is in every answer). A label may still be unusable:
    `pair_classes` refuses it.

    Args:
        classes: All classes of the dataset, so that a label does not depend on the split.
    """
    names = {each.key: normalize_label(each.name) for each in classes}
    times = Counter(names.values())
    return {
        key: name
        if times[name] == 1 and not check_label(name)
        else normalize_label(f"{name} {key}")
        for key, name in names.items()
    }


def pair_classes(
    test: Sequence[LclClass], labels: Mapping[str, str]
) -> list[tuple[LclClass, LclClass]]:
    """Each class with the first later one that the metric can tell from it.

    Upstream takes rows 2k and 2k + 1 as each other's negative, and looks for names by substring:
    "shark" and "tiger shark" must not meet. Where only such are left, they change partners with
    an earlier pair.

    Args:
        test: The test classes, even in number.
        labels: Key to label.

    Raises:
        ManifestError: If the metric cannot use a label, or a class fits to no other that is left.
    """
    _refuse_bad_labels(test, labels)
    rest = list(test)
    pairs = []
    while rest:
        first = rest.pop(0)
        place = next((k for k, each in enumerate(rest) if _fit(first, each, labels)), None)
        if place is not None:
            pairs.append((first, rest.pop(place)))
        elif not _change_partners(first, rest, pairs, labels):
            shown = ", ".join(repr(labels[each.key]) for each in rest[:_SHOWN])
            raise ManifestError(
                f"test class {labels[first.key]!r} can be paired with none of the {len(rest)} "
                f"that are left ({shown}): one name contains the other; "
                "choose another --manifest-seed, or rename the folders"
            )
    return pairs


def _change_partners(
    first: LclClass,
    rest: list[LclClass],
    pairs: list[tuple[LclClass, LclClass]],
    labels: Mapping[str, str],
) -> bool:
    """Pair `first` and one of `rest` with the two of an earlier pair; False if none fits."""
    for last in rest:
        for number, (a, b) in enumerate(pairs):
            for mine, other in ((a, b), (b, a)):
                if _fit(mine, first, labels) and _fit(other, last, labels):
                    pairs[number] = (mine, first)
                    pairs.append((other, last))
                    rest.remove(last)
                    return True
    return False


def _fit(a: LclClass, b: LclClass, labels: Mapping[str, str]) -> bool:
    return not check_label_pair(labels[a.key], labels[b.key])


def _refuse_bad_labels(test: Sequence[LclClass], labels: Mapping[str, str]) -> None:
    chosen = {each.key: labels[each.key] for each in test}
    times = Counter(chosen.values())
    faults = [f"{key}: {fault}" for key, label in chosen.items() for fault in check_label(label)]
    faults += [
        f"{key}: label {label!r} is that of another test class, too"
        for key, label in chosen.items()
        if times[label] > 1
    ]
    if faults:
        raise ManifestError(
            "the metric of lcl-test cannot use these names; rename the folders: "
            + "; ".join(faults[:_SHOWN])
            + (f"; and {len(faults) - _SHOWN} more" if len(faults) > _SHOWN else "")
        )
