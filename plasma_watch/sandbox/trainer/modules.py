"""The parts of Stable Diffusion 1.5 that a LoRA changes: their names and their sizes."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

TEXT_LAYERS = 12
TEXT_WIDTH = 768
BLOCKS = (
    ("down_blocks_0", 320, 2),
    ("down_blocks_1", 640, 2),
    ("down_blocks_2", 1280, 2),
    ("mid_block", 1280, 1),
    ("up_blocks_1", 1280, 3),
    ("up_blocks_2", 640, 3),
    ("up_blocks_3", 320, 3),
)
"""Where there is attention, how wide it is, and how often."""


@dataclass(frozen=True, slots=True)
class Module:
    """One layer that a LoRA changes."""

    name: str
    inputs: int
    outputs: int
    is_convolution: bool = False

    def shapes(self, dim: int) -> dict[str, list[int]]:
        """Name the tensors of a LoRA of this rank, with their shapes."""
        tail = [1, 1] if self.is_convolution else []
        return {
            f"{self.name}.alpha": [],
            f"{self.name}.lora_down.weight": [dim, self.inputs, *tail],
            f"{self.name}.lora_up.weight": [self.outputs, dim, *tail],
        }


def text_encoder() -> Iterator[Module]:
    """List the layers of the text encoder: 72."""
    for layer in range(TEXT_LAYERS):
        stem = f"lora_te_text_model_encoder_layers_{layer}"
        for name in ("k_proj", "v_proj", "q_proj", "out_proj"):
            yield Module(f"{stem}_self_attn_{name}", TEXT_WIDTH, TEXT_WIDTH)
        yield Module(f"{stem}_mlp_fc1", TEXT_WIDTH, 4 * TEXT_WIDTH)
        yield Module(f"{stem}_mlp_fc2", 4 * TEXT_WIDTH, TEXT_WIDTH)


def unet() -> Iterator[Module]:
    """List the layers of the U-Net: 192."""
    for block, width, count in BLOCKS:
        for index in range(count):
            yield from _attention(f"lora_unet_{block}_attentions_{index}", width)


def _attention(stem: str, width: int) -> Iterator[Module]:
    yield Module(f"{stem}_proj_in", width, width, is_convolution=True)
    inner = f"{stem}_transformer_blocks_0"
    for attention, name in product(("attn1", "attn2"), ("to_q", "to_k", "to_v", "to_out_0")):
        reads_text = attention == "attn2" and name in {"to_k", "to_v"}
        yield Module(f"{inner}_{attention}_{name}", TEXT_WIDTH if reads_text else width, width)
    yield Module(f"{inner}_ff_net_0_proj", width, 8 * width)
    yield Module(f"{inner}_ff_net_2", 4 * width, width)
    yield Module(f"{stem}_proj_out", width, width, is_convolution=True)
