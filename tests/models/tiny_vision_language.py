"""Tiny image-text-to-text models of two families, random weights, saved as their own loaders want.

The tokenizer knows every byte and no word, so that nothing is downloaded and nothing is unknown.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.tiny_models import seeded_and_quiet

IMAGE_PX = 32
_TURNS = "{% for message in messages %}<|{{ message['role'] }}|>"
_PARTS = (
    "{% for part in message['content'] %}"
    "{% if part['type'] == 'image' %}IMAGE{% else %}{{ part['text'] }}{% endif %}{% endfor %}"
)
_ENDS = {"bos_token": "<s>", "eos_token": "<|end|>", "pad_token": "<pad>"}
_END = "<|end|>{% endfor %}{% if add_generation_prompt %}<|assistant|>{% endif %}"
LLAVA_TEMPLATE = "<s>" + _TURNS + _PARTS.replace("IMAGE", "<image>") + _END
QWEN_TEMPLATE = (
    _TURNS + _PARTS.replace("IMAGE", "<|vision_start|><|image_pad|><|vision_end|>") + _END
)
IMAGES_FIRST_TEMPLATE = (
    _TURNS
    + "{% for part in message['content'] if part['type'] == 'image' %}<image>{% endfor %}"
    + "{% for part in message['content'] if part['type'] == 'text' %}{{ part['text'] }}{% endfor %}"
    + _END
)
NO_SYSTEM_TEMPLATE = (
    "{% if messages[0]['role'] == 'system' %}{{ raise_exception('no system') }}{% endif %}"
    + LLAVA_TEMPLATE
)
SILENT_SYSTEM_TEMPLATE = LLAVA_TEMPLATE.replace(
    "{% for message in messages %}",
    "{% for message in messages if message['role'] != 'system' %}",
)
ONE_IMAGE_TEMPLATE = (
    "{% for message in messages %}<|{{ message['role'] }}|>{% set first = loop.first %}"
    "{% for part in message['content'] %}{% if part['type'] == 'image' %}"
    "{% if first %}<image>{% endif %}{% else %}{{ part['text'] }}{% endif %}{% endfor %}" + _END
)
WORDS_ONLY_TEMPLATE = (
    _TURNS
    + "{% for part in message['content'] if part['type'] == 'text' %}{{ part['text'] }}{% endfor %}"
    + _END
)
PLAIN_STRING_TEMPLATE = _TURNS + "{{ message['content'] }}" + _END


def build_tokenizer(*special: str, begins: bool) -> Any:
    """Every byte a token, then the special ones; with `begins`, `<s>` before any text."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    bpe = Tokenizer(models.BPE(vocab={letter: n for n, letter in enumerate(letters)}, merges=[]))
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bpe.decoder = decoders.ByteLevel()
    if begins:
        bpe.add_special_tokens(["<s>"])
        bpe.post_processor = processors.TemplateProcessing(
            single="<s> $A", special_tokens=[("<s>", bpe.token_to_id("<s>"))]
        )
    return PreTrainedTokenizerFast(
        tokenizer_object=bpe,
        additional_special_tokens=["<|user|>", "<|assistant|>", "<|system|>", *special],
        **_ENDS,
    )


def _ids(tokenizer: Any) -> dict[str, int]:
    return {
        name: getattr(tokenizer, name) for name in ("bos_token_id", "eos_token_id", "pad_token_id")
    }


def build_tiny_llava(
    folder: Path,
    template: str | None = LLAVA_TEMPLATE,
    window: int = 4096,
    only_says: str | None = None,
) -> Path:
    """A tiny CLIP before a tiny Llama.

    Args:
        folder: Where to write.
        template: Chat template, if any.
        window: Tokens it takes.
        only_says: The one token that it ever writes.
    """
    from transformers import (
        CLIPImageProcessor,
        CLIPVisionConfig,
        LlamaConfig,
        LlavaConfig,
        LlavaForConditionalGeneration,
        LlavaProcessor,
    )

    tokenizer = build_tokenizer("<image>", begins=True)
    with seeded_and_quiet():
        vision = CLIPVisionConfig(
            hidden_size=32,
            intermediate_size=32,
            num_hidden_layers=2,
            num_attention_heads=2,
            image_size=IMAGE_PX,
            patch_size=8,
        )
        text = LlamaConfig(
            vocab_size=len(tokenizer),
            hidden_size=32,
            intermediate_size=32,
            num_hidden_layers=2,
            num_attention_heads=2,
            num_key_value_heads=2,
            max_position_embeddings=window,
            initializer_range=0.6,
            **_ids(tokenizer),
        )
        config = LlavaConfig(
            vision_config=vision,
            text_config=text,
            image_token_index=tokenizer.convert_tokens_to_ids("<image>"),
            vision_feature_layer=-1,
            **_ids(tokenizer),
        )
        model = LlavaForConditionalGeneration(config)
        if only_says is not None:
            said = tokenizer.convert_tokens_to_ids(only_says)
            others = [token for token in range(len(tokenizer)) if token != said]
            model.generation_config.suppress_tokens = others
        size = {"height": IMAGE_PX, "width": IMAGE_PX}
        pictures = CLIPImageProcessor(size={"shortest_edge": IMAGE_PX}, crop_size=size)
        processor = LlavaProcessor(
            pictures,
            tokenizer,
            patch_size=8,
            vision_feature_select_strategy="default",
            num_additional_image_tokens=1,
            chat_template=template,
        )
        model.save_pretrained(folder)
        processor.save_pretrained(folder)
    return folder


def build_tiny_qwen2_vl(folder: Path) -> Path:
    """Images of any size, each as many tokens as it needs; positions in three dimensions."""
    from transformers import (
        Qwen2VLConfig,
        Qwen2VLForConditionalGeneration,
        Qwen2VLImageProcessor,
        Qwen2VLProcessor,
        Qwen2VLVideoProcessor,
    )

    special = ["<|vision_start|>", "<|vision_end|>", "<|image_pad|>", "<|video_pad|>"]
    tokenizer = build_tokenizer(*special, begins=False)
    tokenizer.bos_token = None
    start, end, image, video = tokenizer.convert_tokens_to_ids(special)
    with seeded_and_quiet():
        config = Qwen2VLConfig(
            text_config={
                "vocab_size": len(tokenizer),
                "hidden_size": 32,
                "intermediate_size": 32,
                "num_hidden_layers": 2,
                "num_attention_heads": 2,
                "num_key_value_heads": 2,
                "max_position_embeddings": 4096,
                "initializer_range": 0.6,
                "rope_scaling": {"type": "mrope", "mrope_section": [2, 3, 3]},
                "bos_token_id": None,
                "eos_token_id": tokenizer.eos_token_id,
                "pad_token_id": tokenizer.pad_token_id,
            },
            vision_config={
                "embed_dim": 32,
                "hidden_size": 32,
                "depth": 2,
                "num_heads": 2,
                "mlp_ratio": 1,
                "patch_size": 8,
                "spatial_merge_size": 2,
            },
            image_token_id=image,
            video_token_id=video,
            vision_start_token_id=start,
            vision_end_token_id=end,
        )
        model = Qwen2VLForConditionalGeneration(config)
        sizes = {"patch_size": 8, "merge_size": 2, "min_pixels": 16 * 16, "max_pixels": 64 * 64}
        processor = Qwen2VLProcessor(
            Qwen2VLImageProcessor(**sizes),
            tokenizer,
            Qwen2VLVideoProcessor(**sizes),
            chat_template=QWEN_TEMPLATE,
        )
        model.save_pretrained(folder)
        processor.save_pretrained(folder)
    return folder
