"""Headers of safetensors files are read without trusting them."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import save, save_file

from isekai_gen.errors import ModelError
from isekai_gen.models.headers import read_tensor_shapes

WHOLE = save({"a": np.zeros((2, 3), np.float32), "b": np.ones(5, np.float16)})


@given(
    st.dictionaries(
        st.text("abc.", min_size=1), st.lists(st.integers(0, 4), max_size=3), max_size=4
    )
)
def test_shapes_are_those_that_were_saved(tmp_path_factory, shapes):
    path = tmp_path_factory.mktemp("headers") / "a.safetensors"
    save_file({name: np.zeros(shape, np.float32) for name, shape in shapes.items()}, path)
    assert read_tensor_shapes(path) == {name: tuple(shape) for name, shape in shapes.items()}


@given(st.integers(0, len(WHOLE) - 1))
def test_every_truncation_is_noticed(tmp_path_factory, length):
    path = tmp_path_factory.mktemp("headers") / "a.safetensors"
    path.write_bytes(WHOLE[:length])
    with pytest.raises(ModelError, match="weights cannot be read"):
        read_tensor_shapes(path)


@given(st.binary(max_size=64))
def test_no_bytes_cause_anything_but_a_clear_error(tmp_path_factory, content):
    path = tmp_path_factory.mktemp("headers") / "a.safetensors"
    path.write_bytes(content)
    with pytest.raises(ModelError, match="weights cannot be read"):
        read_tensor_shapes(path)


@pytest.mark.parametrize(
    "header",
    [
        [],
        {"a": 1},
        {"a": {"shape": 3, "data_offsets": [0, 0]}},
        {"a": {"shape": [1], "data_offsets": [0]}},
        {"a": {"shape": ["x"], "data_offsets": [0, 4]}},
    ],
)
def test_a_malformed_header_is_said(tmp_path, header):
    content = json.dumps(header).encode()
    path = tmp_path / "a.safetensors"
    path.write_bytes(len(content).to_bytes(8, "little") + content)
    with pytest.raises(ModelError, match="malformed"):
        read_tensor_shapes(path)
