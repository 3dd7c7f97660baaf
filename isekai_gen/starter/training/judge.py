"""A small classifier of the 40 categories, trained on renders only, used for evaluation only.

It is not shipped and shares nothing with the shipped models; it never sees a generated picture
while training. Light blur and noise keep it from depending on perfectly sharp outlines.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

from isekai_gen.starter.training.augment import near_duplicates
from isekai_gen.starter.training.clock import StageClock
from isekai_gen.starter.training.renders import CATEGORIES
from isekai_gen.starter.training.settings import TrainingSettings

_PEAK_RATE = 2e-3


def _block(inputs: int, outputs: int, stride: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU()
    )


class Judge(nn.Module):
    """A plain convolutional network: [n, 3, 64, 64] in [0, 1] to [n, 40] logits."""

    def __init__(self) -> None:
        super().__init__()
        widths = (32, 48, 64, 96, 128, 160)
        strides = (1, 2, 1, 2, 2, 2)
        layers: list[nn.Module] = []
        inputs = 3
        for width, stride in zip(widths, strides, strict=True):
            layers += [_block(inputs, width, stride), _block(width, width, 1)]
            inputs = width
        self.body = nn.Sequential(*layers)
        self.head = nn.Linear(inputs, len(CATEGORIES))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Logits over `CATEGORIES`."""
        features = self.body(images * 2 - 1).mean((2, 3))
        return self.head(features)  # type: ignore[no-any-return]


def judge_input(pictures: torch.Tensor) -> torch.Tensor:
    """uint8 [n, 128, 128, 3] to float32 [n, 3, 64, 64] in [0, 1]."""
    images = pictures.permute(0, 3, 1, 2).float() / 255
    return F.interpolate(images, size=(64, 64), mode="area")


def train_judge(settings: TrainingSettings, pictures: torch.Tensor) -> tuple[Judge, StageClock]:
    """Train on uint8 pictures [n, 128, 128, 3] whose category is their number modulo 40."""
    device = pictures.device
    torch.manual_seed(settings.seed + 4)
    judge = Judge().to(device)
    parameters = list(judge.parameters())
    optimizer = torch.optim.AdamW(parameters, lr=_PEAK_RATE, weight_decay=0.05)
    clock = StageClock(settings.judge_seconds)
    clock.start()
    while clock.share < 1:
        rows = torch.randint(len(pictures), (settings.judge_batch,), device=device)
        images = near_duplicates(judge_input(pictures[rows]))
        images = images + 0.03 * torch.rand(len(rows), 1, 1, 1, device=device) * torch.randn_like(
            images
        )
        for group in optimizer.param_groups:
            group["lr"] = clock.rate(_PEAK_RATE, warm_up_steps=50)
        with torch.autocast(device.type, torch.bfloat16):
            logits = judge(images)
        loss = F.cross_entropy(logits.float(), rows % len(CATEGORIES), label_smoothing=0.05)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        clock.step += 1
        if clock.step % 100 == 0:
            clock.note(loss.detach(), "judge")
    return judge.eval(), clock


@torch.no_grad()
def judged_categories(judge: Judge, pictures: torch.Tensor, batch: int = 256) -> torch.Tensor:
    """The judge's category, int64 [n], of uint8 pictures [n, 128, 128, 3]."""
    answers = [
        judge(judge_input(pictures[start : start + batch])).argmax(1)
        for start in range(0, len(pictures), batch)
    ]
    return torch.cat(answers)
