"""What was measured of an encoder and lies beside its weights, in `isekai_gen.toml`.

Nothing that embeddings depend on: the file is no part of the encoder's digest.
"""

from __future__ import annotations

import tomllib

from isekai_gen.errors import ModelError
from isekai_gen.models.paths import local_path
from isekai_gen.models.spec import EncoderSpec

FACTS_FILE = "isekai_gen.toml"
_OBJECT_LIMIT = "object_limit"


def measured_object_limit(spec: EncoderSpec) -> float | None:
    """The activation above which a place belongs to the object, in [0, 1); None if nobody says.

    Raises:
        ModelError: If the encoder's folder has a file of facts that is not one.
    """
    path = local_path(spec.source) / FACTS_FILE
    if not path.is_file():
        return None
    try:
        facts = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ModelError(f"{path}: not valid TOML: {error}; correct it, or delete it") from error
    unknown = sorted(facts.keys() - {_OBJECT_LIMIT})
    limit = facts.get(_OBJECT_LIMIT)
    if unknown or (limit is not None and not _is_limit(limit)):
        raise ModelError(
            f"{path}: must have nothing but {_OBJECT_LIMIT}, a number in [0, 1); correct it, or "
            "delete it"
        )
    return None if limit is None else float(limit)


def _is_limit(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 1
