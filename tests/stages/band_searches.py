"""One search in bands, as a process of its own that may run on a cluster or be killed.

python -m tests.stages.band_searches FOLDER OUT [RAY_ADDRESS]
"""

import sys
import time
from pathlib import Path

import numpy as np

from isekai_gen.executors import LOCAL, EngineChoice
from isekai_gen.neighbors.bands import BandFolder
from isekai_gen.neighbors.search import SearchOptions
from isekai_gen.neighbors.vectors import open_vectors
from isekai_gen.settings import Settings
from isekai_gen.stages import tile_search
from isekai_gen.stages.context import StageContext
from isekai_gen.stages.tile_search import KeptBands, search_in_bands
from isekai_gen.workspace import Workspace

BAND_ROWS = 256
FLOOR = 0.6


def write_rows(path, count=2500, dimensions=24, seed=0):
    """Clusters of rows, with some exact copies."""
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(count // 5, dimensions))[rng.integers(0, count // 5, count)]
    rows += rng.choice([0.0, 0.1, 0.5], size=(count, 1)) * rng.normal(size=rows.shape)
    np.save(path, rows.astype(np.float32))
    return path


def search_file(folder, engine=LOCAL, *, devices=("cpu",), advance=lambda _: None):
    """Search rows.npy of a folder, with itself or with other.npy if that is there."""
    other = folder / "other.npy"
    workspace = Workspace(folder / "ws")
    with workspace.lock():
        return search_in_bands(
            StageContext(workspace, Settings(), engine=engine, devices=devices),
            open_vectors(folder / "rows.npy"),
            SearchOptions(FLOOR),
            KeptBands(workspace.root / "bands", lambda: "inputs"),
            against=open_vectors(other) if other.exists() else None,
            advance=advance,
        )


def band_files(folder):
    return sorted((folder / "ws/bands").glob("band-*.npz"))


def main(folder, out, address=""):
    tile_search._LONG_ON_CPU = 0.0
    tile_search.BAND_ROWS = BAND_ROWS
    save = BandFolder.save

    def save_three_while_held(*args):
        save(*args)
        while (Path(folder) / "held").exists() and len(band_files(Path(folder))) >= 3:
            time.sleep(0.05)

    BandFolder.save = save_three_while_held
    pairs, _ = search_file(Path(folder), EngineChoice("ray", address) if address else LOCAL)
    np.savez(out, row_a=pairs.row_a, row_b=pairs.row_b, similarity=pairs.similarity)


if __name__ == "__main__":
    main(*sys.argv[1:])
