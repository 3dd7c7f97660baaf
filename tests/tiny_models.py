"""Tiny but real models, built from configurations with random weights, for tests.

Every builder writes a folder exactly as `save_pretrained` (diffusers) or OpenCLIP's own layout has
it, and seeds torch first, so that it always writes the same weights. Nothing is downloaded.
"""

from __future__ import annotations

import json
import warnings
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

WINDOW = 32
"""Tokens that the tiny CLIP text encoders see."""

_START, _END = "<|startoftext|>", "<|endoftext|>"
_CORPUS = [
    "a photo of a red hedgehog with cactus spines on a green hill",
    "a painting of an octopus vacuum cleaner, blue sky",
    "a mushroom house beside a snail at night",
]


@contextmanager
def seeded_and_quiet(seed: int = 0) -> Iterator[None]:
    """Reproducible random weights; the libraries' advice to programmers is not ours to test."""
    import diffusers.utils.logging
    import torch
    import transformers.utils.logging

    diffusers.utils.logging.disable_progress_bar()
    transformers.utils.logging.disable_progress_bar()
    torch.set_num_threads(1)
    with torch.random.fork_rng(devices=[]), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.manual_seed(seed)
        yield


def build_tiny_tokenizer() -> Any:
    """A CLIP tokenizer whose vocabulary covers every byte; <end of text> has the highest id."""
    from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, trainers
    from transformers import CLIPTokenizer

    bpe = Tokenizer(models.BPE(unk_token=_END, end_of_word_suffix="</w>"))
    bpe.normalizer = normalizers.Sequence(
        [normalizers.NFC(), normalizers.Replace(Regex(r"\s+"), " "), normalizers.Lowercase()]
    )
    words = Regex(r"'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+")
    bpe.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(words, behavior="removed", invert=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False),
        ]
    )
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    trainer = trainers.BpeTrainer(
        vocab_size=600,
        initial_alphabet=alphabet,
        end_of_word_suffix="</w>",
        show_progress=False,
    )
    bpe.train_from_iterator(_CORPUS, trainer)
    merges = [tuple(merge) for merge in json.loads(bpe.to_str())["model"]["merges"]]
    tokens = alphabet + [letter + "</w>" for letter in alphabet]
    tokens = list(dict.fromkeys([*tokens, *("".join(merge) for merge in merges), _START, _END]))
    vocabulary = {token: number for number, token in enumerate(tokens)}
    return CLIPTokenizer(vocab=vocabulary, merges=merges, model_max_length=WINDOW)


def _text_config(tokenizer: Any, width: int, activation: str = "quick_gelu") -> Any:
    from transformers import CLIPTextConfig

    return CLIPTextConfig(
        vocab_size=len(tokenizer),
        hidden_size=width,
        intermediate_size=2 * width,
        projection_dim=width,
        num_hidden_layers=2,
        num_attention_heads=4,
        max_position_embeddings=WINDOW,
        hidden_act=activation,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )


def _vae(**extra: Any) -> Any:
    from diffusers import AutoencoderKL

    return AutoencoderKL(
        block_out_channels=(16, 32),
        down_block_types=("DownEncoderBlock2D",) * 2,
        up_block_types=("UpDecoderBlock2D",) * 2,
        layers_per_block=1,
        latent_channels=4,
        norm_num_groups=8,
        sample_size=64,
        mid_block_add_attention=False,
        **extra,
    )


def _ddim() -> Any:
    from diffusers import DDIMScheduler

    return DDIMScheduler(
        beta_start=0.00085,
        beta_end=0.012,
        beta_schedule="scaled_linear",
        clip_sample=False,
        set_alpha_to_one=False,
        steps_offset=1,
    )


def _sd_parts() -> dict[str, Any]:
    from diffusers import UNet2DConditionModel
    from transformers import CLIPTextModel

    tokenizer = build_tiny_tokenizer()
    unet = UNet2DConditionModel(
        sample_size=32,
        layers_per_block=1,
        block_out_channels=(32, 64),
        down_block_types=("CrossAttnDownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "CrossAttnUpBlock2D"),
        cross_attention_dim=32,
        attention_head_dim=4,
        norm_num_groups=8,
        use_linear_projection=True,
    )
    return {
        "vae": _vae(),
        "text_encoder": CLIPTextModel(_text_config(tokenizer, 32)),
        "tokenizer": tokenizer,
        "unet": unet,
        "scheduler": _ddim(),
    }


def build_tiny_sd(folder: Path, *, variant: str | None = None, pickle: bool = False) -> Path:
    """Stable Diffusion 1.x shape; 64 x 64 by default; no safety checker.

    Args:
        folder: Where to write.
        variant: Names the weight files as this variant.
        pickle: Write .bin weights instead of safetensors.
    """
    from diffusers import StableDiffusionPipeline

    with seeded_and_quiet():
        pipeline = StableDiffusionPipeline(
            **_sd_parts(),
            safety_checker=None,
            feature_extractor=None,
            requires_safety_checker=False,
        )
        pipeline.save_pretrained(folder, variant=variant, safe_serialization=not pickle)
        if pickle:
            _pickle_weights(folder)
    return folder


def _pickle_weights(folder: Path) -> None:
    """Rewrite every safetensors file as .bin; transformers no longer writes pickles itself."""
    import torch
    from safetensors.torch import load_file

    for path in sorted(folder.rglob("*.safetensors")):
        name = "pytorch_model.bin" if path.stem == "model" else path.stem + ".bin"
        torch.save(load_file(path), path.with_name(name))
        path.unlink()


def make_it_draw_nan(folder: Path) -> None:
    """Damage a built pipeline so that every picture is made of what is not a number."""
    from safetensors.torch import load_file, save_file

    path = folder / "vae" / "diffusion_pytorch_model.safetensors"
    arrays = load_file(path)
    arrays["decoder.conv_out.bias"].fill_(float("nan"))
    save_file(arrays, path, metadata={"format": "pt"})


def build_tiny_sd_with_checker(folder: Path, *, flags_everything: bool) -> Path:
    """Stable Diffusion 1.x shape with a real safety checker that flags every picture, or none."""
    from diffusers import StableDiffusionPipeline
    from diffusers.pipelines.stable_diffusion import StableDiffusionSafetyChecker
    from transformers import CLIPConfig, CLIPImageProcessor

    with seeded_and_quiet():
        config = CLIPConfig(
            text_config={"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2},
            vision_config={
                "hidden_size": 16,
                "intermediate_size": 16,
                "num_hidden_layers": 1,
                "num_attention_heads": 2,
                "image_size": 32,
                "patch_size": 16,
            },
            projection_dim=16,
        )
        checker = StableDiffusionSafetyChecker(config)
        # A concept counts as found where its similarity exceeds its weight; similarity is <= 1.
        limit = -2.0 if flags_everything else 2.0
        checker.concept_embeds_weights.data.fill_(limit)
        checker.special_care_embeds_weights.data.fill_(limit)
        size = {"height": 32, "width": 32}
        extractor = CLIPImageProcessor(size={"shortest_edge": 32}, crop_size=size)
        pipeline = StableDiffusionPipeline(
            **_sd_parts(), safety_checker=checker, feature_extractor=extractor
        )
        pipeline.save_pretrained(folder)
    return folder


def build_tiny_sdxl(folder: Path) -> Path:
    """Stable Diffusion XL shape with two text encoders."""
    from diffusers import (
        EulerDiscreteScheduler,
        StableDiffusionXLPipeline,
        UNet2DConditionModel,
    )
    from transformers import CLIPTextModel, CLIPTextModelWithProjection

    with seeded_and_quiet():
        tokenizer = build_tiny_tokenizer()
        unet = UNet2DConditionModel(
            sample_size=32,
            layers_per_block=1,
            block_out_channels=(32, 64),
            down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
            up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
            attention_head_dim=(2, 4),
            use_linear_projection=True,
            addition_embed_type="text_time",
            addition_time_embed_dim=8,
            transformer_layers_per_block=(1, 1),
            projection_class_embeddings_input_dim=32 + 6 * 8,
            cross_attention_dim=64,
            norm_num_groups=8,
        )
        scheduler = EulerDiscreteScheduler(
            beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", steps_offset=1
        )
        StableDiffusionXLPipeline(
            vae=_vae(),
            text_encoder=CLIPTextModel(_text_config(tokenizer, 32)),
            text_encoder_2=CLIPTextModelWithProjection(_text_config(tokenizer, 32, "gelu")),
            tokenizer=tokenizer,
            tokenizer_2=tokenizer,
            unet=unet,
            scheduler=scheduler,
        ).save_pretrained(folder)
    return folder


def build_tiny_sd3(folder: Path) -> Path:
    """Stable Diffusion 3 shape, its third text encoder (T5) saved as absent."""
    from diffusers import (
        FlowMatchEulerDiscreteScheduler,
        SD3Transformer2DModel,
        StableDiffusion3Pipeline,
    )
    from transformers import CLIPTextModelWithProjection

    with seeded_and_quiet():
        tokenizer = build_tiny_tokenizer()
        transformer = SD3Transformer2DModel(
            sample_size=32,
            patch_size=2,
            in_channels=4,
            num_layers=1,
            attention_head_dim=8,
            num_attention_heads=4,
            joint_attention_dim=64,
            caption_projection_dim=32,
            pooled_projection_dim=64,
            out_channels=4,
        )
        StableDiffusion3Pipeline(
            transformer=transformer,
            scheduler=FlowMatchEulerDiscreteScheduler(),
            vae=_vae(shift_factor=0.06, use_quant_conv=False, use_post_quant_conv=False),
            text_encoder=CLIPTextModelWithProjection(_text_config(tokenizer, 32)),
            tokenizer=tokenizer,
            text_encoder_2=CLIPTextModelWithProjection(_text_config(tokenizer, 32, "gelu")),
            tokenizer_2=tokenizer,
            text_encoder_3=None,
            tokenizer_3=None,
        ).save_pretrained(folder)
    return folder


def build_tiny_flux(folder: Path, *, guidance_embeds: bool = True) -> Path:
    """Flux shape: CLIP and T5; with guidance embedded as in dev, or without as in schnell."""
    from diffusers import (
        FlowMatchEulerDiscreteScheduler,
        FluxPipeline,
        FluxTransformer2DModel,
    )
    from transformers import CLIPTextModel, T5Config, T5EncoderModel, T5Tokenizer

    with seeded_and_quiet():
        tokenizer = build_tiny_tokenizer()
        letters = [(letter, -2.0) for letter in "▁abcdefghijklmnopqrstuvwxyz "]
        pieces = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), *letters, ("▁a", -1.0)]
        t5_tokenizer = T5Tokenizer(vocab=pieces, extra_ids=0)
        t5_config = T5Config(
            vocab_size=len(t5_tokenizer) + 8, d_model=32, d_ff=37, num_heads=4, num_layers=1, d_kv=8
        )
        transformer = FluxTransformer2DModel(
            patch_size=1,
            in_channels=16,
            num_layers=1,
            num_single_layers=1,
            attention_head_dim=16,
            num_attention_heads=2,
            joint_attention_dim=32,
            pooled_projection_dim=32,
            axes_dims_rope=(4, 4, 8),
            guidance_embeds=guidance_embeds,
        )
        FluxPipeline(
            scheduler=FlowMatchEulerDiscreteScheduler(),
            vae=_vae(
                shift_factor=0.06,
                scaling_factor=1.5,
                use_quant_conv=False,
                use_post_quant_conv=False,
            ),
            text_encoder=CLIPTextModel(_text_config(tokenizer, 32)),
            tokenizer=tokenizer,
            text_encoder_2=T5EncoderModel(t5_config),
            tokenizer_2=t5_tokenizer,
            transformer=transformer,
        ).save_pretrained(folder)
    return folder


def build_tiny_openclip(folder: Path, *, image_size: int = 32, dim: int = 32) -> Path:
    """OpenCLIP's folder form: open_clip_config.json, open_clip_model.safetensors, tokenizer."""
    import open_clip
    from safetensors.torch import save_file

    with seeded_and_quiet():
        tokenizer = build_tiny_tokenizer()
        tokenizer.save_pretrained(folder)
        vision = {"image_size": image_size, "layers": 2, "width": 64, "head_width": 32}
        text = {"context_length": WINDOW, "vocab_size": len(tokenizer), "width": 64, "heads": 2}
        config = {
            "model_cfg": {
                "embed_dim": dim,
                "vision_cfg": {**vision, "patch_size": 8, "mlp_ratio": 2.0},
                "text_cfg": {
                    **text,
                    "layers": 2,
                    # Any text: in this form the folder's own tokenizer is used.
                    "hf_tokenizer_name": "./",
                    "pool_type": "eos",
                    "eos_id": tokenizer.eos_token_id,
                },
            },
            "preprocess_cfg": {
                "mean": [0.5, 0.5, 0.5],
                "std": [0.5, 0.5, 0.5],
                "interpolation": "bicubic",
                "resize_mode": "squash",
            },
        }
        (folder / "open_clip_config.json").write_text(json.dumps(config, indent=1))
        model = open_clip.create_model(f"local-dir:{folder}", load_weights=False)
        tensors = {name: tensor.contiguous() for name, tensor in model.state_dict().items()}
        save_file(tensors, folder / "open_clip_model.safetensors")
    return folder
