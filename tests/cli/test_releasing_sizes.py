import click
import pytest

from isekai_gen.cli.releasing_sizes import FileSize


@pytest.mark.parametrize(
    ("text", "size"),
    [("1000000", 10**6), ("400MB", 4 * 10**8), ("2 gb", 2 * 10**9), ("1500K", 1_500_000)],
)
def test_sizes_are_read_as_people_write_them(text, size):
    assert FileSize().convert(text, None, None) == size


@pytest.mark.parametrize("text", ["", "big", "-1MB", "1.5GB", "0", "999K", "5MiB"])
def test_other_texts_are_refused(text):
    with pytest.raises(click.BadParameter):
        FileSize().convert(text, None, None)
