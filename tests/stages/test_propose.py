"""The loop of `concepts propose`: asked, judged, recorded, resumed, killed."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
import yaml

from isekai_gen.errors import ChecksumError, InputError, LockedError, StaleShardError
from isekai_gen.prompts.catalog import load_catalog
from isekai_gen.proposals.parent_records import ParentChoice
from isekai_gen.proposals.records import Finding
from isekai_gen.stages.propose import Makers, propose_catalog
from isekai_gen.stages.propose_engines import LazyTexts, Sources
from isekai_gen.stages.propose_files import open_log
from isekai_gen.stages.propose_request import ProposeRequest
from tests.proposals.scripted import ScriptedEngine, group
from tests.small_jobs import environment

NAMES = ["cactihog", "bad moose", "lamplamb", "bad toad", "bad crow", "icemic", "petalfin"]


def no_bad_names(proposal, others):
    """Refuses names with "bad", and advises on those with "lamp"."""
    name = proposal.fictional.name
    if "bad" in name:
        return [Finding("bad_name", "fictional", "name", f"{name!r} is bad", "another name")]
    if "lamp" in name:
        return [Finding("dim", "fictional", "name", "is dim", "brighter", refuses=False)]
    return []


def makers(engine, check=no_bad_names):
    """A scripted engine, and checks; of the real things only ImageNet's names are needed."""
    return Makers(
        sources=lambda _, imagenet: Sources(ParentChoice((), ()), imagenet, LazyTexts("starter")),
        engine=lambda *_: engine,
        check=lambda *_: check,
    )


def scripted(names=NAMES, at_once=1000):
    return ScriptedEngine([group(name) for name in names], at_once)


def propose(request, engine, check=no_bad_names):
    return propose_catalog(request, makers=makers(engine, check))


def lines(folder, name):
    return [json.loads(line) for line in (folder / name).read_text().splitlines()]


def tree(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name != ".lock"
    }


@pytest.fixture
def request_(tmp_path):
    return ProposeRequest(tmp_path / "out" / "creatures.yaml", wanted=4)


def test_what_is_refused_is_replaced_until_the_catalog_is_full(request_):
    outcome = propose(request_, scripted())
    names = [each.fictional.name for each in load_catalog(request_.file).groups]
    assert names == ["cactihog", "lamplamb", "icemic", "petalfin"]
    assert outcome.missing == 0
    assert outcome.reasons == {"bad_name": 3}
    assert len(outcome.accepted) + len(outcome.refused) == len(NAMES)


def test_the_engine_is_told_what_was_refused_and_why(request_):
    engine = scripted()
    propose(request_, engine)
    first, second = engine.asked[:2]
    assert (first.accepted, first.refused) == ((), ())
    assert [each.fictional.name for each in second.accepted] == ["cactihog", "lamplamb"]
    assert [refusal.findings[0].message for refusal in second.refused] == [
        "'bad moose' is bad",
        "'bad toad' is bad",
    ]


def test_every_group_has_its_record_with_advice_and_what_was_refused_in_its_place(request_):
    propose(request_, scripted())
    accepted = lines(request_.folder, "accepted.jsonl")
    assert [row["place"] for row in accepted] == [0, 1, 2, 3]
    assert [row["round"] for row in accepted] == [1, 1, 2, 3]
    assert accepted[0]["origin"] == {"engine": "scripted", "name": "cactihog"}
    assert [finding["code"] for finding in accepted[1]["findings"]] == ["dim"]
    before = [[each["fictional"] for each in row["refused_before"]] for row in accepted]
    assert before == [[], ["bad moose"], ["bad toad", "bad crow"], []]
    assert len(lines(request_.folder, "refused.jsonl")) == 3


def test_an_engine_that_has_no_more_leaves_a_shorter_catalog_and_says_why(request_):
    outcome = propose(request_, scripted(NAMES[:4]))
    assert outcome.missing == 2
    assert "scripted has nothing more to propose; widen --from" in outcome.stopped
    assert len(load_catalog(request_.file).groups) == 2


def test_a_short_catalog_grows_when_there_is_more_and_stays_what_it_was(request_):
    propose(request_, scripted(NAMES[:4]))
    outcome = propose(request_, scripted())
    assert [each.fictional.name for each in outcome.accepted] == [
        "cactihog",
        "lamplamb",
        "icemic",
        "petalfin",
    ]
    assert len(load_catalog(request_.file).groups) == 4


def test_nothing_found_writes_no_catalog(request_):
    outcome = propose(request_, scripted(["bad ant"]))
    assert outcome.file is None
    assert not request_.file.exists()
    assert [row["fictional"]["name"] for row in lines(request_.folder, "refused.jsonl")] == [
        "bad ant"
    ]


def test_an_engine_that_never_pleases_is_given_up(request_):
    endless = ScriptedEngine([group(f"bad {number}") for number in range(1000)])
    outcome = propose(request_, endless)
    assert len(outcome.refused) == 80
    assert "20 for each group wanted" in outcome.stopped


def test_an_engine_that_repeats_itself_is_told_so(request_):
    class Stubborn(ScriptedEngine):
        def propose(self, slate):
            return super().propose(type(slate)(slate.wanted))[: slate.missing]

    outcome = propose(request_, Stubborn([group("bad ant"), group("cactihog")]))
    assert outcome.reasons.keys() == {"bad_name", "repeated", "name_taken"}


def test_an_engine_that_proposes_too_many_is_a_fault(request_):
    class Eager(ScriptedEngine):
        def propose(self, slate):
            return [group(f"ant {n}") for n in range(slate.missing + 1)]

    with pytest.raises(ValueError, match="5 proposals for 4 places"):
        propose(request_, Eager([]))


def test_what_no_catalog_may_hold_is_refused_whatever_the_checks_say(request_):
    wrong = [
        group("Cacti hog"),
        group("cacti-hog"),  # the same slug
        group("lamplamb", short="a lamb"),  # an article
        group("!!!"),
        group("petalfin", real="petalfin"),  # one name for two concepts
    ]
    outcome = propose(request_, ScriptedEngine(wrong), check=lambda *_: [])
    assert [each.fictional.name for each in outcome.accepted] == ["Cacti hog"]
    assert outcome.reasons == {"catalog_rule": 3, "name_taken": 1}
    article = next(r for r in outcome.refused if r.findings[0].code == "catalog_rule")
    assert article.findings[0].message == "'short' begins with an article: 'a lamb'"
    assert article.findings[0].suggestion == "remove it"


def test_proposals_are_judged_where_no_temporary_file_can_be_written(request_, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", "/nowhere")
    assert propose(request_, scripted()).missing == 0


def test_templates_must_be_able_to_speak_of_every_group(request_, tmp_path):
    templates = tmp_path / "templates.yaml"
    templates.write_text(
        'schema: 1\ntemplates:\n  - id: one\n    text: "{a} {short}, {weather}, {setting}"\n'
    )
    asked = ProposeRequest(request_.file, wanted=1, templates=templates)
    outcome = propose(asked, scripted(["cactihog"]))
    assert outcome.reasons == {"template_rule": 1}
    assert "{weather}" in outcome.refused[0].findings[0].message


def test_a_second_run_finds_nothing_to_do_and_changes_nothing(request_):
    propose(request_, scripted())
    before = tree(request_.file.parent)
    engine = scripted()
    outcome = propose(request_, engine)
    assert not outcome.worked
    assert engine.asked == []
    assert tree(request_.file.parent) == before


def test_a_catalog_that_was_deleted_is_written_again_and_that_is_work(request_):
    propose(request_, scripted())
    before = tree(request_.file.parent)
    request_.file.unlink()
    assert propose(request_, scripted()).worked
    assert tree(request_.file.parent) == before


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda row: row["judged"][0]["fictional"].update(name=None), "None is no text"),
        (lambda row: row["judged"][0]["attributes"][0][1].append(7), "7 is no text"),
        (lambda row: row["judged"][0].update(place="x"), "place 'x' is no number"),
        (lambda row: row.update(kind="looked"), "place 0 was looked at and has no group"),
    ],
)
def test_a_damaged_line_of_the_log_is_named_with_the_way_out(request_, damage, said):
    propose(request_, scripted())
    log = request_.folder / "rounds.jsonl"
    first, *others = lines(request_.folder, "rounds.jsonl")
    damage(first)
    log.write_text("".join(f"{json.dumps(row)}\n" for row in (first, *others)))
    with pytest.raises(ChecksumError, match=rf"rounds\.jsonl:1: {said}.*; restore the file"):
        propose(request_, scripted())


def test_other_settings_are_refused_by_name(request_):
    propose(request_, scripted())
    other = ProposeRequest(request_.file, wanted=4, seed=7, avoid=("spiders",))
    with pytest.raises(
        StaleShardError, match=r"--avoid was not given, now \['spiders'\]; --seed was 0"
    ):
        propose(other, scripted())


def test_settings_may_change_before_anything_was_proposed(request_):
    class Broken(ScriptedEngine):
        def propose(self, slate):
            raise InputError("no server")

    with pytest.raises(InputError, match="no server"):
        propose(request_, Broken([]))
    other = ProposeRequest(request_.file, wanted=2)
    assert propose(other, scripted()).missing == 0


def test_a_file_of_somebody_else_is_never_replaced(request_):
    request_.file.parent.mkdir()
    request_.file.write_text("mine\n")
    with pytest.raises(InputError, match="exists and has no records"):
        propose(request_, scripted())
    assert request_.file.read_text() == "mine\n"
    assert not request_.folder.exists()


def test_a_catalog_that_its_author_changed_is_never_replaced(request_):
    propose(request_, scripted(NAMES[:4]))
    changed = request_.file.read_text().replace("cactihog", "cactipig")
    request_.file.write_text(changed)
    with pytest.raises(InputError, match="was changed since it was written"):
        propose(request_, scripted())
    assert request_.file.read_text() == changed


def test_a_second_process_is_told_who_works_there(request_):
    with open_log(request_), pytest.raises(LockedError, match=f"process {os.getpid()}"):
        propose(request_, scripted())


def test_groups_that_stand_are_kept_unless_a_check_refuses_them(request_, tmp_path):
    propose(request_, scripted([*NAMES[:1], "bad moose", *NAMES[2:3]]), check=lambda *_: [])
    asked = ProposeRequest(tmp_path / "second.yaml", wanted=4, start=request_.file)
    outcome = propose(asked, scripted(["icemic", "petalfin"]))
    names = [each.fictional.name for each in load_catalog(asked.file).groups]
    # The place of the refused one goes to the next that stood; new groups follow.
    assert names == ["cactihog", "lamplamb", "icemic", "petalfin"]
    assert outcome.reasons == {"bad_name": 1}
    assert lines(asked.folder, "accepted.jsonl")[0]["round"] == 0


def test_more_groups_than_wanted_cannot_stand(request_, tmp_path):
    propose(request_, scripted())
    asked = ProposeRequest(tmp_path / "second.yaml", wanted=3, start=request_.file)
    with pytest.raises(InputError, match="raise --n"):
        propose(asked, scripted())
    assert not asked.folder.exists()


def test_the_head_of_the_file_says_how_it_was_made_without_paths(request_):
    propose(request_, scripted())
    head = request_.file.read_text().partition("schema:")[0]
    assert "isekai-gen concepts propose" in head
    assert "--n 4 --seed 0" in head
    assert str(request_.file.parent) not in head
    assert yaml.safe_load(request_.file.read_text())["name"] == "creatures"


@pytest.mark.parametrize("name", ["two\nlines", "x" * 81, " ", ""])
def test_a_name_that_no_catalog_may_have_is_refused_at_once(tmp_path, name):
    asked = ProposeRequest(tmp_path / "creatures.yaml", name=name)
    with pytest.raises(InputError, match="--name"):
        propose(asked, scripted())
    assert list(tmp_path.iterdir()) == []


def test_a_file_whose_name_would_break_the_comment_at_its_head_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"'two\\nlines.yaml' is no name for a catalog"):
        propose(ProposeRequest(tmp_path / "two\nlines.yaml", name="fine"), scripted())
    assert list(tmp_path.iterdir()) == []


def test_a_file_cannot_have_the_name_of_its_records(tmp_path):
    with pytest.raises(InputError, match="its own records"):
        propose(ProposeRequest(tmp_path / "creatures.proposals"), scripted())


KILLED = """
import os, signal, sys
from pathlib import Path
from isekai_gen.stages import propose_files, propose_log
from isekai_gen.stages.propose_request import ProposeRequest
from tests.stages.test_propose import propose, scripted

def dying(write, torn):
    def until(path, *args):
        global left
        left -= 1
        if left < 0:
            if torn:
                with open(path, "ab") as file:
                    file.write(b'{"kind": "propo')
            os.kill(os.getpid(), signal.SIGKILL)
        return write(path, *args)
    return until

propose_log.append_records = dying(propose_log.append_records, True)
propose_files.write_atomically = dying(propose_files.write_atomically, False)
for left in range(20):
    file = Path(sys.argv[1]) / f"survived-{left}" / "creatures.yaml"
    if not os.fork():  # a process of its own to kill, without another start of the interpreter
        propose(ProposeRequest(file, wanted=4), scripted(at_once=2))
        os._exit(0)
    killed = os.WTERMSIG(os.wait()[1]) == signal.SIGKILL
    print(file, flush=True)
    if not killed:
        break
"""


def test_killed_anywhere_and_run_again_the_bytes_are_the_same(request_, tmp_path):
    """Killed before each write in turn, with a torn line where lines are appended."""
    propose(request_, scripted(at_once=2))
    whole = tree(request_.file.parent)
    done = subprocess.run(
        [sys.executable, "-c", KILLED, str(tmp_path)],
        env=environment(),
        check=True,
        capture_output=True,
        text=True,
    )
    *killed, lived = map(Path, done.stdout.split())
    assert len(killed) > 6
    assert tree(lived.parent) == whole
    for file in killed:
        assert tree(file.parent) != whole
        propose(ProposeRequest(file, wanted=4), scripted(at_once=2))
        assert tree(file.parent) == whole
