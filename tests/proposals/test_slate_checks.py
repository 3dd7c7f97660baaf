"""Groups that are too much like each other are told, whatever the order of the others."""

from dataclasses import replace

import pytest

from tests.proposals.check_entries import GOOD, OTHER, fictional, only, plain_checks, real


@pytest.fixture
def checks():
    return plain_checks()


def test_groups_that_differ_have_no_finding(checks):
    assert checks.findings(GOOD, [OTHER]) == ()
    assert checks.findings(OTHER, [GOOD]) == ()


@pytest.mark.parametrize("name", ["cactohog", "cacti hogs", "cactihogging"])
def test_a_name_that_is_nearly_another_groups_is_told(checks, name):
    codes = {found.code for found in checks.findings(fictional(OTHER, name=name), [GOOD])}
    assert "names_too_near" in codes


def test_a_name_that_makes_the_same_folder_is_told_once(checks):
    codes = [one.code for one in checks.findings(fictional(OTHER, name="Cacti-hog"), [GOOD])]
    assert codes == ["names_too_near"]  # cacti-hog is another folder than cactihog
    found = checks.findings(fictional(OTHER, name="Cactihog."), [GOOD])
    assert "name_taken" in [one.code for one in found]
    assert "names_too_near" not in [one.code for one in found]


def test_two_groups_never_share_a_counterpart(checks):
    rival = replace(OTHER, fictional=replace(OTHER.fictional, parents=("hedgehog", "snail")))
    rival = real(rival, name="hedgehog", description=OTHER.real.description)
    found = only(checks, real(rival, wnids=("n02346627",)), [GOOD])
    assert (found.code, found.part, found.field) == ("name_taken", "real", "name")
    assert "'hedgehog' of another group" in found.message
    assert "another counterpart" in found.suggestion


def test_labels_that_the_metric_cannot_tell_apart_are_told(checks):
    found = only(checks, fictional(OTHER, name="cactihog teapet"), [GOOD])
    assert (found.code, found.field) == ("labels_break_metric", "name")
    assert "'cactihog' occurs in the answer for 'cactihog teapet'" in found.message


def test_the_same_parents_by_the_same_rule_are_one_idea_too_many(checks):
    def made(group, rule):
        return replace(group, origin={"engine": "test", "rule": rule})

    twin = fictional(OTHER, parents=("cactuses", "hedgehogs"))
    twin = real(twin, name="porcupine", description="a rodent of black and white quills")
    standing = [made(real(twin, wnids=("n02346627",)), "surface")]
    found = only(checks, made(GOOD, "surface"), standing)
    assert (found.code, found.field, found.refuses) == ("same_parents", "parents", True)
    assert found.message.endswith("are both made of hedgehog and cactus by the same rule")
    found = only(checks, made(GOOD, "limbs"), standing)
    assert (found.code, found.refuses) == ("same_parents", False)


def test_descriptions_of_two_groups_that_are_alike_are_told_with_the_most_alike(checks):
    copied = fictional(OTHER, description=GOOD.fictional.description + " too")
    near = fictional(GOOD, name="spinehog", description=GOOD.fictional.description[:-6])
    found = [
        one for one in checks.findings(copied, [near, GOOD]) if one.code == "alike_descriptions"
    ]
    assert len(found) == 1
    assert "much like that of 'cactihog' (similarity 0.9" in found[0].message
    assert found[0].message.endswith("and like 1 more")


def test_a_counterpart_may_look_much_the_same_but_not_the_same(checks):
    whole = GOOD.fictional.description
    assert checks.findings(real(description=whole.replace("white spines", "flat pads"))) == ()
    found = only(checks, real(description=whole.replace("white", "pale")))
    assert (found.code, found.part) == ("alike_descriptions", "real")


def test_findings_do_not_depend_on_the_order_of_the_others(checks):
    others = [
        OTHER,
        fictional(OTHER, name="snailpots", parents=("hedgehog", "cactus")),
        fictional(name="cactohog"),
        fictional(name="cactuhog", description=GOOD.fictional.description + " too"),
    ]
    found = checks.findings(GOOD, others)
    assert len({one.code for one in found}) >= 3
    for turn in range(len(others)):
        turned = others[turn:] + others[:turn]
        assert checks.findings(GOOD, turned) == checks.findings(GOOD, turned[::-1]) == found
