"""What each class of node does, by the name it has in a graph."""

from collections.abc import Callable

from plasma_watch.sandbox.bench import Made
from plasma_watch.sandbox.nodes import conditioning, images, latents, loaders, sampling

NODES: dict[str, Callable[..., Made]] = {
    "BasicGuider": sampling.basic_guider,
    "BasicScheduler": sampling.basic_scheduler,
    "CFGGuider": sampling.cfg_guider,
    "CLIPSetLastLayer": conditioning.set_last_layer,
    "CLIPTextEncode": conditioning.encode_text,
    "CheckpointLoaderSimple": loaders.load_checkpoint,
    "ConditioningCombine": conditioning.combine,
    "ControlNetApply": conditioning.apply_control,
    "ControlNetApplyAdvanced": conditioning.apply_control_to_both,
    "ControlNetLoader": loaders.load_control_net,
    "DisableNoise": sampling.no_noise,
    "EmptyImage": images.empty,
    "EmptyLatentImage": latents.empty,
    "ImageScale": images.scale,
    "ImageScaleBy": images.scale_by,
    "KSampler": sampling.ksampler,
    "KSamplerAdvanced": sampling.ksampler_advanced,
    "KSamplerSelect": sampling.select_sampler,
    "KarrasScheduler": sampling.karras_scheduler,
    "LatentUpscale": latents.upscale,
    "LatentUpscaleBy": latents.upscale_by,
    "LoadImage": images.load,
    "LoadImageMask": images.load_mask,
    "LoraLoader": loaders.load_lora,
    "LoraLoaderModelOnly": loaders.load_lora_for_model,
    "PreviewImage": images.preview,
    "RandomNoise": sampling.random_noise,
    "SamplerCustom": sampling.sample_custom,
    "SamplerCustomAdvanced": sampling.sample_guided,
    "SaveImage": images.save,
    "VAEDecode": latents.decode,
    "VAEDecodeTiled": latents.decode_tiled,
    "VAEEncode": latents.encode,
    "VAELoader": loaders.load_vae,
}
