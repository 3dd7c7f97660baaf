"""Episodes as torch's loaders take them."""

import pickle
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from isekai_gen.errors import InputError
from isekai_gen.manifests.episode_dataset import EpisodeDataset
from isekai_gen.manifests.episode_plan import EpisodePlan
from isekai_gen.manifests.episodes import EpisodeSampler
from isekai_gen.records import Episode, NamedImage
from tests.manifests.episode_sources import ring
from tests.small_jobs import environment


def color_of(path: str) -> tuple[int, int, int]:
    folder, name = path.split("/")
    return 40 * int(folder[1:]), 20 * int(name.split(".")[0]), 7


def mean_color(picture: Image.Image) -> tuple[int, ...]:
    assert picture.mode == "RGB"
    return tuple(int(value) for value in np.asarray(picture).mean(axis=(0, 1)))


@pytest.fixture
def dataset(tmp_path):
    source = ring(4, 5)
    for pool in source.pools.values():
        for path in pool.images:
            (tmp_path / path).parent.mkdir(exist_ok=True)
            Image.new("RGB", (6, 4), color_of(path)).convert("RGBA").save(tmp_path / path)
    sampler = EpisodeSampler(source, EpisodePlan("2-way-random", 12, shots=3))
    return EpisodeDataset(sampler, tmp_path, mean_color)


def assert_shows(opened, episode):
    assert opened.episode == episode
    assert opened.query == color_of(episode.query.image)
    assert opened.support == tuple(color_of(shown.image) for shown in episode.support)
    labels = episode.labels
    assert labels[opened.query_label] == episode.query.label
    assert [labels[n] for n in opened.support_labels] == [s.label for s in episode.support]


def test_images_are_opened_in_their_order_with_their_labels(dataset):
    assert len(dataset) == 12
    sampler = EpisodeSampler(ring(4, 5), EpisodePlan("2-way-random", 12, shots=3))
    for number, episode in enumerate(sampler):
        assert_shows(dataset[number], episode)


# Python 3.12 warns of forks beside other tests' threads; the workers here use none of them.
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_loader_workers_give_the_same_as_this_process(dataset):
    from torch.utils.data import DataLoader, Subset

    chosen = [7, 2, 9]
    loader = DataLoader(
        Subset(dataset, chosen), batch_size=None, num_workers=2, multiprocessing_context="fork"
    )
    assert list(loader) == [dataset[number] for number in chosen]


def test_workers_that_are_not_forked_can_be_handed_it(dataset):
    handed = pickle.loads(pickle.dumps(dataset))  # noqa: S301
    assert [handed[number] for number in range(12)] == [dataset[number] for number in range(12)]


def test_a_loader_may_shuffle_all_of_them(dataset):
    from torch.utils.data import DataLoader

    loader = DataLoader(dataset, batch_size=4, shuffle=True, collate_fn=list)
    keys = [opened.episode.key for batch in loader for opened in batch]
    assert sorted(keys) == [dataset[number].episode.key for number in range(12)]


def test_pictures_are_turned_as_their_camera_says(dataset, tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # orientation: turn by 90 degrees
    Image.new("RGB", (6, 4)).save(tmp_path / "c0" / "turned.jpg", exif=exif)
    episode = Episode("one", (), NamedImage("c0/turned.jpg", "c0", "a"), ("a", "b"))
    opened = EpisodeDataset([episode], tmp_path, lambda picture: picture.size)[0]
    assert opened.query == (4, 6)


def test_importing_it_leaves_torch_alone():
    code = "import sys, isekai_gen.manifests.episode_dataset; print('torch' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment(), capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "False"


@pytest.mark.parametrize(
    ("image", "said"),
    [
        ("../secret.png", "episodes name images below"),
        ("/etc/passwd", "must be relative"),
        ("c0/missing.png", "missing.png: is no picture"),
        ("c0/text.png", "text.png: is no picture"),
        ("c0/out.png", "out.png: leads out of"),
    ],
)
def test_an_image_that_cannot_be_shown_is_named(dataset, tmp_path, image, said):
    (tmp_path / "c0" / "text.png").write_text("no picture")
    (tmp_path / "c0" / "out.png").symlink_to("/etc/passwd")
    episode = Episode("one", (), NamedImage(image, "c0", "a"), ("a", "b"))
    with pytest.raises(InputError, match=said):
        EpisodeDataset([episode], tmp_path, mean_color)[0]


def test_a_label_that_is_none_of_the_episodes_is_named(dataset, tmp_path):
    shown = NamedImage("c0/0.png", "c0", "c")
    episode = Episode("one", (shown,), NamedImage("c0/1.png", "c0", "a"), ("a", "b"))
    with pytest.raises(InputError, match="episode one: 'c' is none of its labels"):
        EpisodeDataset([episode], tmp_path, mean_color)[0]
