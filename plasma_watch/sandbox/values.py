"""What travels between the nodes of a graph: small frozen values in the place of tensors."""

from dataclasses import dataclass

from plasma_watch.sandbox.picture import Picture


@dataclass(frozen=True, slots=True)
class Weights:
    """A model file as it was when it was read: its name and its content."""

    name: str
    digest: str


@dataclass(frozen=True, slots=True)
class Lora:
    """A LoRA laid over a model."""

    weights: Weights
    strength: float


@dataclass(frozen=True, slots=True)
class Model:
    """A diffusion model with the LoRAs laid over it."""

    weights: Weights
    loras: tuple[Lora, ...] = ()


@dataclass(frozen=True, slots=True)
class Clip:
    """A text encoder with the LoRAs laid over it."""

    weights: Weights
    loras: tuple[Lora, ...] = ()
    last_layer: int = -1


@dataclass(frozen=True, slots=True)
class Vae:
    """What turns latents into pictures and back."""

    weights: Weights


@dataclass(frozen=True, slots=True)
class ControlNet:
    """A network that follows a picture."""

    weights: Weights


@dataclass(frozen=True, slots=True)
class Control:
    """A picture to follow, how strongly, and from where to where in the sampling."""

    net: ControlNet
    picture: Picture
    strength: float
    start: float
    end: float


@dataclass(frozen=True, slots=True)
class Conditioning:
    """Texts as encoded, and the pictures to follow."""

    texts: tuple[str, ...]
    clip: Clip
    controls: tuple[Control, ...] = ()


@dataclass(frozen=True, slots=True)
class Sampler:
    """A sampling method."""

    name: str


@dataclass(frozen=True, slots=True)
class Sigmas:
    """A noise schedule: how many steps, and how much of the picture they make anew."""

    scheduler: str
    steps: int
    denoise: float = 1.0


@dataclass(frozen=True, slots=True)
class Noise:
    """The start of a sampling; without a seed there is none."""

    seed: int | None


@dataclass(frozen=True, slots=True)
class Guider:
    """A model with what it is told to show, and not to show."""

    model: Model
    positive: Conditioning
    negative: Conditioning | None
    cfg: float


@dataclass(frozen=True, slots=True)
class Pass:
    """One sampling over a latent."""

    guider: Guider
    noise: Noise
    sampler: Sampler
    sigmas: Sigmas


@dataclass(frozen=True, slots=True)
class Latent:
    """A batch of pictures to be: what they start from, and the samplings over them."""

    width: int
    height: int
    count: int
    origins: tuple[Picture, ...] = ()
    """Encoded pictures, one for each of the batch; none for an empty latent."""
    passes: tuple[Pass, ...] = ()
