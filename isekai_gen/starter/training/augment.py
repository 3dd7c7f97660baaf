"""Label-keeping changes of pictures on the device, as near-duplicates have them."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F


def _cosine_basis(device: torch.device) -> torch.Tensor:
    """The 8 x 8 basis of the discrete cosine transform that JPEG uses."""
    k = torch.arange(8, device=device)
    basis = torch.cos(math.pi / 8 * (k[None, :] + 0.5) * k[:, None]) * math.sqrt(2 / 8)
    basis[0] /= math.sqrt(2)
    return basis


def _like_jpeg(images: torch.Tensor) -> torch.Tensor:
    """Rounding of 8 x 8 cosine blocks, coarser at high frequencies; [n, 3, h, w] in [0, 1]."""
    count, channels, height, width = images.shape
    basis = _cosine_basis(images.device)
    blocks = images.reshape(count, channels, height // 8, 8, width // 8, 8)
    spectrum = torch.einsum("ui,ncyixj,vj->ncyuxv", basis, blocks, basis)
    k = torch.arange(8, device=images.device)
    coarseness = (1 + k[:, None] + k[None, :]).view(1, 1, 1, 8, 1, 8) / 100
    strength = torch.rand(count, 1, 1, 1, 1, 1, device=images.device) * 3 + 0.3
    steps = coarseness * strength
    rounded = torch.round(spectrum / steps) * steps
    return torch.einsum("ui,ncyuxv,vj->ncyixj", basis, rounded, basis).reshape(images.shape)


def _blurred(images: torch.Tensor) -> torch.Tensor:
    kernel = torch.tensor([1.0, 4.0, 6.0, 4.0, 1.0], device=images.device) / 16
    weight = kernel.view(1, 1, 1, 5).expand(3, 1, 1, 5)
    rows = F.conv2d(F.pad(images, (2, 2, 0, 0), mode="replicate"), weight, groups=3)
    weight = kernel.view(1, 1, 5, 1).expand(3, 1, 5, 1)
    return F.conv2d(F.pad(rows, (0, 0, 2, 2), mode="replicate"), weight, groups=3)


def _cropped(images: torch.Tensor) -> torch.Tensor:
    """Crop up to 12 % of each side, with a flip for every second picture."""
    count = len(images)
    device = images.device
    scale = 1 - 0.12 * torch.rand(count, device=device)
    shift_x, shift_y = ((torch.rand(2, count, device=device) * 2 - 1) * (1 - scale)).unbind()
    flip = (torch.rand(count, device=device) < 0.5).float() * -2 + 1
    zero = torch.zeros_like(scale)
    rows = [torch.stack([scale * flip, zero, shift_x], 1), torch.stack([zero, scale, shift_y], 1)]
    grid = F.affine_grid(torch.stack(rows, 1), list(images.shape), align_corners=False)
    return F.grid_sample(images, grid, padding_mode="border", align_corners=False)


def near_duplicates(images: torch.Tensor) -> torch.Tensor:
    """A random near-duplicate of each picture: crop, flip, brightness, blur, rescaling, JPEG.

    Args:
        images: float32 [n, 3, h, w] in [0, 1]; h and w multiples of 8.

    Returns:
        The same shape and range.
    """
    count, device = len(images), images.device

    def some(share: float) -> torch.Tensor:
        return torch.rand(count, 1, 1, 1, device=device) < share

    changed = torch.where(some(0.7), _cropped(images), images)
    changed = torch.where(some(0.3), _blurred(changed), changed)
    small = F.interpolate(changed, scale_factor=0.5, mode="bilinear", antialias=True)
    coarse = F.interpolate(small, size=changed.shape[-2:], mode="bilinear")
    changed = torch.where(some(0.2), coarse, changed)
    brightness = 0.75 + 0.5 * torch.rand(count, 1, 1, 1, device=device)
    changed = torch.where(some(0.6), changed * brightness, changed)
    changed = torch.where(some(0.4), _like_jpeg(changed), changed)
    return changed.clamp(0, 1)
