"""The forms of a model's answers: a plan, and entries; each element checked by itself."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from isekai_gen.prompts.faults import squeezed
from isekai_gen.proposals.llm_json import UnreadableAnswerError, object_in

MAX_ELEMENTS = 60
_MAX_PROBLEMS = 12
# Braces, brackets and bars mean something in templates and wildcards; no description needs them.
_FORBIDDEN = re.compile(r"[{}\[\]<>|\\^~`*#$]|__")
_ARTICLE = re.compile(r"(a|an|the)\s+", re.IGNORECASE)
# Servers that enforce a schema know its shape; many refuse lengths.
_NOT_SENT = frozenset({"title", "minLength", "maxLength"})


def _plain(text: str) -> str:
    words = squeezed(text)
    if not words:
        raise ValueError("is empty; write some words")
    if not words.isprintable():
        raise ValueError("has characters that cannot be shown; write plain text")
    found = _FORBIDDEN.search(words)
    if found:
        raise ValueError(f"has {found[0]!r}; write plain words")
    return words


def _without_article(text: str) -> str:
    return _ARTICLE.sub("", text, count=1) if _ARTICLE.match(text) else text


Name = Annotated[str, Field(max_length=60), AfterValidator(_plain)]
Short = Annotated[
    str, Field(max_length=100), AfterValidator(_plain), AfterValidator(_without_article)
]
Description = Annotated[str, Field(max_length=400), AfterValidator(_plain)]
Values = Annotated[list[Short], Field(min_length=2, max_length=8)]


class _Form(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class PlannedSlot(_Form):
    """A place of the slate: which real things are combined there, and how."""

    domain: Name
    body: Name
    lender: Name
    part: Literal["surface", "limbs", "head", "material", "habitat", "build"]
    idea: Description


class WrittenFictional(_Form):
    """The invented thing of an entry."""

    name: Name
    short: Short
    description: Description
    parents: Annotated[list[Name], Field(min_length=2, max_length=4)]


class WrittenReal(_Form):
    """The real look-alike of an entry."""

    name: Name
    short: Short
    description: Description


class WrittenEntry(_Form):
    """A group as the model writes it, for one place of its plan."""

    slot: Annotated[int, Field(ge=1, le=MAX_ELEMENTS)]
    fictional: WrittenFictional
    real: WrittenReal
    poses: Values
    settings: Values


Element = TypeVar("Element", bound=_Form)


@dataclass(frozen=True)
class AnswerForm(Generic[Element]):
    """What an answer must look like: an object with one list.

    Attributes:
        key: Of the list.
        element: Form of its elements.
    """

    key: str
    element: type[Element]

    def schema(self, *, for_server: bool) -> dict[str, Any]:
        """JSON schema of an answer.

        Args:
            for_server: Without what servers that enforce a schema may not know: lengths of texts.
        """
        element = self.element.model_json_schema()
        named = element.pop("$defs", {})
        top: dict[str, Any] = {
            "type": "object",
            "properties": {self.key: {"type": "array", "items": element}},
            "required": [self.key],
            "additionalProperties": False,
        }
        if named:
            top["$defs"] = named
        unwanted = _NOT_SENT if for_server else frozenset({"title"})
        cleaned: dict[str, Any] = _without_keys(top, unwanted)
        return cleaned


PLAN = AnswerForm("slots", PlannedSlot)
ENTRIES = AnswerForm("entries", WrittenEntry)


@dataclass(frozen=True)
class Reading(Generic[Element]):
    """What could be read from an answer.

    Attributes:
        found: Elements in the right form, in order.
        problems: What is wrong with the others, or with the whole; empty if nothing is.
    """

    found: tuple[Element, ...]
    problems: tuple[str, ...]


def read_answer(text: str, form: AnswerForm[Element]) -> Reading[Element]:
    """Cut the object out of an answer and check every element of its list by itself."""
    try:
        answer = object_in(text)
    except UnreadableAnswerError as error:
        return Reading((), (str(error),))
    elements = answer.get(form.key)
    if answer.keys() != {form.key} or not isinstance(elements, list):
        keys = ", ".join(repr(key[:40]) for key in list(answer)[:5]) or "none"
        problem = f"the object must have one key, {form.key!r}, with a list; it has keys: {keys}"
        return Reading((), (problem,))
    if not 1 <= len(elements) <= MAX_ELEMENTS:
        problem = f"{form.key!r} must hold 1 to {MAX_ELEMENTS} elements, it holds {len(elements)}"
        return Reading((), (problem,))
    found: list[Element] = []
    problems: list[str] = []
    for place, element in enumerate(elements, start=1):
        try:
            found.append(form.element.model_validate(element))
        except ValidationError as error:
            problems += _problems(error, f"{form.key} {place}")
    return Reading(tuple(found), _shortened(problems))


def _problems(error: ValidationError, where: str) -> list[str]:
    return [
        f"{where}: {'.'.join(str(step)[:40] for step in fault['loc']) or 'the whole'}: "
        f"{fault['msg']}"
        for fault in error.errors(include_url=False, include_context=False, include_input=False)
    ]


def _shortened(problems: list[str]) -> tuple[str, ...]:
    more = len(problems) - _MAX_PROBLEMS
    said = [f"and {more} more of this kind"] if more > 0 else []
    return (*problems[:_MAX_PROBLEMS], *said)


def _without_keys(value: Any, unwanted: frozenset[str]) -> Any:  # noqa: ANN401 - any JSON value
    """Without those keys of a schema; names of properties are no such keys."""
    if isinstance(value, list):
        return [_without_keys(each, unwanted) for each in value]
    if not isinstance(value, dict):
        return value
    return {
        key: {name: _without_keys(each, unwanted) for name, each in inner.items()}
        if key in ("properties", "$defs")
        else _without_keys(inner, unwanted)
        for key, inner in value.items()
        if key not in unwanted
    }
