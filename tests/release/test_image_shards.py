from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from isekai_gen.release.building.image_shards import plan_shards
from isekai_gen.release.containers.image_containers import IMAGE_CONTAINERS, container_name
from tests.release.conftest import make_small

SIZES = st.lists(st.integers(1, 50), min_size=14, max_size=14)
SPLITS = st.lists(st.sampled_from(["train", "test"]), min_size=14, max_size=14)


def images_of(tmp_path_factory, cache=[]):  # noqa: B006 - one workspace for all examples
    if not cache:
        small = make_small(tmp_path_factory.mktemp("shards"))
        cache.extend(small.content.released_images())
    return cache


@settings(max_examples=60, deadline=None)
@given(sizes=SIZES, splits=SPLITS, most=st.integers(1, 120))
def test_every_image_is_in_one_shard_of_its_split_within_the_size(
    tmp_path_factory, sizes, splits, most
):
    images = [
        replace(image, split=split)
        for image, split in zip(images_of(tmp_path_factory), splits, strict=True)
    ]
    size = {image.record.image_id: n for image, n in zip(images, sizes, strict=True)}
    shards = plan_shards(images, size, most)
    assert sorted(image.path for shard in shards for image in shard.images) == sorted(
        image.path for image in images
    )
    for shard in shards:
        assert {image.split for image in shard.images} == {shard.split}
        filled = sum(size[image.record.image_id] for image in shard.images)
        assert filled <= most or len(shard.images) == 1
    for split in set(splits):
        own = [shard for shard in shards if shard.split == split]
        assert [(shard.number, shard.of) for shard in own] == [
            (number, len(own)) for number in range(len(own))
        ]
        told = [image for shard in own for image in shard.images]
        assert told == [image for image in images if image.split == split]


def test_shards_are_named_as_the_readers_of_each_profile_expect(tmp_path_factory):
    images = images_of(tmp_path_factory)
    shard = plan_shards(images, {image.record.image_id: 1 for image in images}, 5)[1]
    assert container_name("hub", "sharks", shard) == "data/test-00001-of-00003.parquet"
    assert container_name("webdataset", "sharks", shard) == "shards/sharks-test-000001.tar"
    assert container_name("files", "sharks", shard) is None


def test_what_is_written_is_found_again_by_its_name(tmp_path_factory):
    images = images_of(tmp_path_factory)
    shard = plan_shards(images, {image.record.image_id: 1 for image in images}, 5)[1]
    for container in IMAGE_CONTAINERS:
        name = container_name(container.profile, "ice-sharks-2", shard)
        found = container.match(name)
        assert container.has(name)
        assert (container.split_of(name), int(found["number"])) == (shard.split, shard.number)
        assert int(found["of"] or shard.of) == shard.of
