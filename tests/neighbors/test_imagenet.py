import pytest

from isekai_gen.neighbors.imagenet import imagenet_classes, imagenet_prompts


@pytest.mark.slow
def test_classes_are_keyed_by_wnid_in_torchvision_order():
    classes = imagenet_classes()
    assert len({entry.key for entry in classes}) == len(classes) == 1000
    assert (classes[0].wnid, classes[0].name) == ("n01440764", "tench")
    assert (classes[134].wnid, classes[134].name) == ("n02012849", "crane bird")
    assert classes[999].wnid == "n15075141"


@pytest.mark.slow
def test_prompts_are_the_eighty_templates():
    prompts = imagenet_prompts("tench")
    assert len(set(prompts)) == 80
    assert prompts[0] == "a bad photo of a tench."
