"""Template files of instructions: what is read, and how faults are told."""

import pytest

from isekai_gen.errors import TemplateError
from isekai_gen.manifests.instruction_template_set import InstructionTemplates

NAMING = 'naming:\n  - {id: ask, instruction: "Qué es esto?", response: "{name}"}\n'


def written(tmp_path, text):
    path = tmp_path / "templates.yaml"
    path.write_text(f"schema: 1\n{text}", "utf-8")
    return path


def test_a_list_replaces_the_shipped_one_and_the_others_stay(tmp_path):
    loaded, shipped = (
        InstructionTemplates.load(written(tmp_path, NAMING)),
        InstructionTemplates.shipped(),
    )

    (template,) = loaded.tasks["naming"]
    assert (template.id, template.texts["instruction"]) == ("ask", "Qué es esto?")
    assert {**loaded.tasks, "naming": ()} == {**shipped.tasks, "naming": ()}
    assert loaded.rationale == shipped.rationale


def test_slots_of_a_template_are_known(tmp_path):
    text = NAMING + '  - {id: where, instruction: "What is {slots.place}?", response: "{name}"}\n'

    loaded = InstructionTemplates.load(written(tmp_path, text))

    assert [template.slots for template in loaded.tasks["naming"]] == [set(), {"place"}]


def test_reasons_may_be_replaced_one_kind_at_a_time(tmp_path):
    loaded = InstructionTemplates.load(written(tmp_path, "rationale:\n  parents: ['{parents}!']\n"))

    assert loaded.rationale["parents"] == ("{parents}!",)
    assert (
        loaded.rationale["counterpart"] == InstructionTemplates.shipped().rationale["counterpart"]
    )


def entry(task, **texts):
    lines = [f"{task}:", "  - id: x"] + [f"    {key}: '{text}'" for key, text in texts.items()]
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize(
    ("text", "line", "fault"),
    [
        (entry("naming", instruction="What?"), 3, "lacks the key 'response'"),
        (entry("naming", instruction="What?", response="this"), 5, "must have {name} or {a_name}"),
        (
            entry("naming", instruction="Is it {name}?", response="{name}"),
            4,
            "unknown placeholder {name}; allowed here: none",
        ),
        (
            entry("telling-apart", instruction="{first}?", response="{name}"),
            4,
            "must have {second} or {a_second}",
        ),
        (entry("yes-no", instruction="{asked}?", yes="Yes"), 3, "lacks the key 'no'"),
        (
            entry("yes-no", instruction="Is it?", yes="Yes", no="No"),
            4,
            "must have {asked} or {a_asked}",
        ),
        (
            entry("describing", instruction="Describe.", response="{name}"),
            5,
            "must have {short} or",
        ),
        (
            entry("reasoning", instruction="Why?", response="{name}"),
            5,
            "must have {rationale} exactly once",
        ),
        (entry("naming", instruction="<image> What?", response="{name}"), 4, "a command of models"),
        (
            entry("naming", instruction="What{?", response="{name}"),
            4,
            "a brace that belongs to no placeholder",
        ),
        (
            entry("naming", instruction="What is {slots.x}?", response="{name}"),
            3,
            "add one without {slots.X}",
        ),
        (
            entry("naming", instruction="What is {slots.}?", response="{name}"),
            4,
            "unknown placeholder {slots.}",
        ),
        (NAMING.replace("ask", "No Id"), 3, "'No Id' is no id"),
        (
            NAMING + '  - {id: ask, instruction: "b", response: "{name}"}\n',
            4,
            "the id 'ask' is twice",
        ),
        ("naming: []\n", 2, "is an empty list"),
        ("colors: []\n", 2, "unknown key 'colors'"),
        ("rationale:\n  parents: [combined]\n", 3, "must have {parents} exactly once"),
        ("rationale:\n  attribute: ['{value}']\n", 3, "must have {counterpart_value} exactly once"),
        (
            "rationale:\n  attribute: ['{slots.x} {value} {counterpart_value}']\n",
            3,
            "unknown placeholder {slots.x}",
        ),
        ("rationale:\n  looks: [a]\n", 3, "unknown key 'looks'"),
        (
            "rationale:\n  counterpart: ['{counterpart_description}']\n",
            3,
            "must have {counterpart} or",
        ),
    ],
)
def test_a_fault_is_told_with_its_line(tmp_path, text, line, fault):
    path = written(tmp_path, text)

    with pytest.raises(TemplateError) as told:
        InstructionTemplates.load(path)

    assert fault in str(told.value)
    assert any(
        each.startswith(f"{path}:{line}: ") and fault in each
        for each in str(told.value).splitlines()
    )


def test_every_fault_is_told_at_once(tmp_path):
    path = written(tmp_path, entry("naming", instruction="{x}", response="this"))

    with pytest.raises(TemplateError) as told:
        InstructionTemplates.load(path)

    assert len(str(told.value).splitlines()) == 2
