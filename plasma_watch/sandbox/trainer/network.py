"""The LoRA that is trained: which modules it has, and what stands in them after so many steps."""

from argparse import Namespace
from collections.abc import Iterator
from dataclasses import dataclass

from plasma_watch.sandbox.trainer import modules, tensors, values
from plasma_watch.sandbox.trainer.console import Console
from plasma_watch.sandbox.trainer.tensors import Tensor
from plasma_watch.sandbox.trainer.values import Format

DEFAULT_DIM = 4
BLOCKS = (
    *("CrossAttnDownBlock2D",) * 3,
    "DownBlock2D",
    "UNetMidBlock2DCrossAttn",
    "UpBlock2D",
    *("CrossAttnUpBlock2D",) * 3,
)


@dataclass(frozen=True, slots=True)
class Learned:
    """How far a LoRA has come."""

    steps: int = 0
    """Over all runs, whatever the bar says."""
    is_nan: bool = False
    is_zero: bool = False


@dataclass(frozen=True, slots=True)
class Network:
    """A LoRA of one rank over some modules."""

    dim: int
    alpha: float
    seed: int
    modules: tuple[modules.Module, ...]

    def weights(self, learned: Learned, form: Format) -> list[Tensor]:
        """Write down what was learned."""
        drawn = values.drawn(self.seed, learned.steps, form)
        known = values.nothing(form) if learned.is_nan else drawn
        shapes = [item for module in self.modules for item in module.shapes(self.dim).items()]
        return [
            Tensor(name, form.name, shape, self._data(name, index, shape, learned, known))
            for index, (name, shape) in enumerate(shapes)
        ]

    def parameters(self) -> list[int]:
        """Count the numbers of each tensor that is trained."""
        shapes = [shape for one in self.modules for shape in one.shapes(self.dim).values()]
        return [tensors.count(shape) for shape in shapes if shape]

    def _data(
        self, name: str, index: int, shape: list[int], learned: Learned, known: values.Values
    ) -> bytes:
        if not shape:
            return known.number(self.alpha)
        if learned.is_zero and ".lora_up." in name:
            return values.zeros(tensors.count(shape), known.format)
        return known.stretch(index, tensors.count(shape))


def create(options: Namespace, console: Console) -> Network:
    """Make the LoRA that the options ask for, and tell of it."""
    if options.network_module != "networks.lora":
        raise ModuleNotFoundError(f"No module named '{options.network_module}'")
    dim = DEFAULT_DIM if options.network_dim is None else options.network_dim
    text, unet = tuple(modules.text_encoder()), tuple(modules.unet())
    for where, line in _told(options, dim, len(text), len(unet)):
        console.info(where, line)
    trained: tuple[modules.Module, ...] = ()
    if not options.network_train_unet_only:
        console.info("lora.py:1084", f"enable LoRA for text encoder: {len(text)} modules")
        trained += text
    if not options.network_train_text_encoder_only:
        console.info("lora.py:1089", f"enable LoRA for U-Net: {len(unet)} modules")
        trained += unet
    for block in BLOCKS if options.gradient_checkpointing else ():
        console.info("original_unet.py:1529", f"{block} False -> True")
    return Network(dim, float(options.network_alpha), options.seed, trained)


def _told(options: Namespace, dim: int, text: int, unet: int) -> Iterator[tuple[str, str]]:
    alpha, dropout = options.network_alpha, options.network_dropout
    yield "lora.py:935", f"create LoRA network. base dim (rank): {dim}, alpha: {alpha}"
    yield (
        "lora.py:936",
        f"neuron dropout: p={dropout}, rank dropout: p=None, module dropout: p=None",
    )
    yield "lora.py:1030", "create LoRA for Text Encoder:"
    yield "lora.py:1035", f"create LoRA for Text Encoder: {text} modules."
    yield "lora.py:1043", f"create LoRA for U-Net: {unet} modules."
