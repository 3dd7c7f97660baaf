"""Train a tiny network on episodes: it learns to put a query next to the right demonstrations.

    isekai-gen episodes -w WORKSPACE --shots 4 --n 400 --out WORKSPACE/episodes/train.jsonl
    python examples/train_on_episodes.py WORKSPACE/episodes/train.jsonl WORKSPACE

The network makes a vector of every picture. A label's prototype is the mean vector of its
demonstrations, and the query should lie nearest to the prototype of the right label (Snell et al.,
"Prototypical Networks for Few-shot Learning", 2017). It stands in for your model: put the images of
an episode, its labels and its right answer into your own training loop in the same way.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click
import numpy as np
from PIL import Image

from isekai_gen.errors import IsekaiGenError
from isekai_gen.manifests.episode_dataset import EpisodeDataset, OpenedEpisode
from isekai_gen.records import Episode
from isekai_gen.shards import read_records

if TYPE_CHECKING:
    import torch

SIDE = 16
EPISODES_A_STEP = 8


def small_pixels(picture: Image.Image) -> torch.Tensor:
    """float32 [3 * SIDE * SIDE], in -1..1."""
    import torch

    pixels = np.asarray(picture.resize((SIDE, SIDE)), dtype=np.float32)
    return torch.from_numpy(pixels / 127.5 - 1).flatten()


def loss_of(network: torch.nn.Module, opened: OpenedEpisode[torch.Tensor]) -> torch.Tensor:
    """Cross-entropy over similarities (negative squared distances) to the labels' prototypes."""
    import torch

    vectors = network(torch.stack([*opened.support, opened.query]))
    support, query = vectors[:-1], vectors[-1]
    labels = torch.tensor(opened.support_labels)
    ways = range(len(opened.episode.labels))
    prototypes = torch.stack([support[labels == way].mean(dim=0) for way in ways])
    similarities = -(prototypes - query).square().mean(dim=1)
    return torch.nn.functional.cross_entropy(similarities, torch.tensor(opened.query_label))


def train(episodes: list[Episode], image_folder: Path, epochs: int) -> list[float]:
    """Mean loss of each epoch."""
    import torch
    from torch.utils.data import DataLoader

    torch.manual_seed(0)
    network = torch.nn.Sequential(
        torch.nn.Linear(3 * SIDE * SIDE, 64), torch.nn.ReLU(), torch.nn.Linear(64, 16)
    )
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-3)
    dataset = EpisodeDataset(episodes, image_folder, small_pixels)
    # batch_size=None: a sample is an episode, and episodes may have any number of images.
    loader: DataLoader[OpenedEpisode[torch.Tensor]] = DataLoader(
        dataset,  # type: ignore[arg-type]  # torch takes any object with a length and samples
        batch_size=None,
        shuffle=True,
    )
    losses = []
    for _ in range(epochs):
        total = 0.0
        for number, opened in enumerate(loader, start=1):
            loss = loss_of(network, opened)
            loss.backward()
            total += loss.item()
            if number % EPISODES_A_STEP == 0 or number == len(dataset):
                optimizer.step()
                optimizer.zero_grad()
        losses.append(total / len(dataset))
    return losses


@click.command()
@click.argument("episodes", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.argument("image_folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--epochs", default=5, show_default=True, type=click.IntRange(min=1))
def main(episodes: Path, image_folder: Path, epochs: int) -> None:
    """Train on the file EPISODES, whose paths are relative to IMAGE_FOLDER."""
    try:
        read = read_records(episodes, Episode)
        if not read or not all(episode.support for episode in read):
            raise click.UsageError(f"{episodes}: prototypes need episodes with demonstrations")
        losses = train(read, image_folder, epochs)
    except IsekaiGenError as error:
        raise click.ClickException(str(error)) from error
    for epoch, loss in enumerate(losses, start=1):
        click.echo(f"epoch {epoch}: loss {loss:.4f}")


if __name__ == "__main__":
    main()
