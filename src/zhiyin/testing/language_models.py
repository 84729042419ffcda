"""Tiny causal language models with random weights, as transformers writes them: for tests, without a network."""

from __future__ import annotations

from pathlib import Path
from typing import Any

LINES = (
    "The capital of France is Paris. The wandering earth is a film.",
    "Science fiction, slow and thoughtful; a shampoo for dry hair, 250 ml.",
    '{"topic": "films", "topics": ["science", "hair"], "year": 1999, "liked": true}',
    "我喜欢看科幻电影，最近看了《星际穿越》和《流浪地球》。",
    "新闻标题：股市上涨；房价下跌；国足出线；教育改革。",
)
FAMILIES = ("gpt2", "llama", "qwen2", "gemma3", "mistral")
WINDOW = 12
"""How far back the sliding layers of ``gemma3`` and ``mistral`` look here."""


def make_language_model(folder: Path, family: str, chat: bool = False, seed: int = 0) -> Path:
    """Write a model of ``family`` (one of ``FAMILIES``) with its tokenizer into ``folder``. With ``chat`` it has a chat
    template."""
    import torch
    import transformers

    loader: Any = transformers.AutoModelForCausalLM
    tokenizer = make_tokenizer(chat)
    torch.manual_seed(seed)
    model = loader.from_config(_config(family, len(tokenizer)))
    # Larger than at birth, so that the options differ clearly.
    with torch.no_grad():
        for weight in model.parameters():
            if weight.dim() > 1:
                weight.mul_(8)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def make_tokenizer(chat: bool) -> Any:
    """Byte-level BPE, so every text has tokens; it puts a beginning before a text."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
    from transformers import PreTrainedTokenizerFast

    wrapper: Any = PreTrainedTokenizerFast

    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=400,
        special_tokens=["<s>", "</s>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    made.train_from_iterator(LINES * 4, trainer)
    made.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 0)])
    tokenizer = wrapper(tokenizer_object=made, bos_token="<s>", eos_token="</s>", pad_token="</s>")
    if chat:
        tokenizer.chat_template = (
            "{{ bos_token }}{% for message in messages %}[{{ message['role'] }}]{{ message['content'] }}\n{% endfor %}"
            "{% if add_generation_prompt %}[assistant]{% endif %}"
        )
    return tokenizer


def _config(family: str, vocabulary: int) -> Any:
    from transformers import GPT2Config, LlamaConfig, MistralConfig, Qwen2Config
    from transformers.models.gemma3 import Gemma3TextConfig

    ends: dict[str, Any] = {"vocab_size": vocabulary, "bos_token_id": 0, "eos_token_id": 1, "pad_token_id": 1}
    if family == "gpt2":
        return GPT2Config(n_embd=32, n_layer=2, n_head=4, n_positions=256, **ends)
    shape: dict[str, Any] = {
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "max_position_embeddings": 256,
    }
    if family == "llama":
        return LlamaConfig(**shape, **ends)
    if family == "qwen2":
        return Qwen2Config(**shape, **ends)
    if family == "mistral":
        return MistralConfig(sliding_window=WINDOW, **shape, **ends)
    kinds = ["sliding_attention", "full_attention"]
    return Gemma3TextConfig(head_dim=8, sliding_window=WINDOW, layer_types=kinds, **shape, **ends)
