"""Which pack brings a node that this ComfyUI lacks: the packs that manga workflows use most. Pure.

Only what is told in a hint hangs on it. A slot map's own word, under `[requires]`, comes first.
"""

from __future__ import annotations

_AUX = "comfyui_controlnet_aux"
_IMPACT = "ComfyUI-Impact-Pack"
_IP_ADAPTER = "ComfyUI_IPAdapter_plus"
_EFFICIENCY = "efficiency-nodes-comfyui"
_WAS = "was-node-suite-comfyui"
_GGUF = "ComfyUI-GGUF"

PACKS: dict[str, str] = {
    "DWPreprocessor": _AUX,
    "OpenposePreprocessor": _AUX,
    "CannyEdgePreprocessor": _AUX,
    "LineArtPreprocessor": _AUX,
    "AnimeLineArtPreprocessor": _AUX,
    "Manga2Anime_LineArt_Preprocessor": _AUX,
    "LineartStandardPreprocessor": _AUX,
    "MiDaS-DepthMapPreprocessor": _AUX,
    "MiDaS-NormalMapPreprocessor": _AUX,
    "Zoe-DepthMapPreprocessor": _AUX,
    "LeReS-DepthMapPreprocessor": _AUX,
    "DepthAnythingPreprocessor": _AUX,
    "DepthAnythingV2Preprocessor": _AUX,
    "BAE-NormalMapPreprocessor": _AUX,
    "HEDPreprocessor": _AUX,
    "PiDiNetPreprocessor": _AUX,
    "ScribblePreprocessor": _AUX,
    "FakeScribblePreprocessor": _AUX,
    "M-LSDPreprocessor": _AUX,
    "TilePreprocessor": _AUX,
    "ColorPreprocessor": _AUX,
    "MediaPipe-FaceMeshPreprocessor": _AUX,
    "AIO_Preprocessor": _AUX,
    "FaceDetailer": _IMPACT,
    "FaceDetailerPipe": _IMPACT,
    "DetailerForEach": _IMPACT,
    "SAMLoader": _IMPACT,
    "BboxDetectorSEGS": _IMPACT,
    "ToDetailerPipe": _IMPACT,
    "UltralyticsDetectorProvider": "ComfyUI-Impact-Subpack",
    "IPAdapter": _IP_ADAPTER,
    "IPAdapterAdvanced": _IP_ADAPTER,
    "IPAdapterApply": _IP_ADAPTER,
    "IPAdapterModelLoader": _IP_ADAPTER,
    "IPAdapterUnifiedLoader": _IP_ADAPTER,
    "PrepImageForClipVision": _IP_ADAPTER,
    "KSampler (Efficient)": _EFFICIENCY,
    "KSampler Adv. (Efficient)": _EFFICIENCY,
    "Efficient Loader": _EFFICIENCY,
    "LoRA Stacker": _EFFICIENCY,
    "Image Save": _WAS,
    "Image Resize": _WAS,
    "Load Image Batch": _WAS,
    "Text Multiline": _WAS,
    "Text Concatenate": _WAS,
    "CLIPTextEncode (NSP)": _WAS,
    "UltimateSDUpscale": "ComfyUI_UltimateSDUpscale",
    "UltimateSDUpscaleNoUpscale": "ComfyUI_UltimateSDUpscale",
    "ControlNetLoaderAdvanced": "ComfyUI-Advanced-ControlNet",
    "BNK_CLIPTextEncodeAdvanced": "ComfyUI_ADV_CLIP_emb",
    "DynamicThresholdingFull": "sd-dynamic-thresholding",
    "DynamicThresholdingSimple": "sd-dynamic-thresholding",
    "UnetLoaderGGUF": _GGUF,
    "CLIPLoaderGGUF": _GGUF,
    "DualCLIPLoaderGGUF": _GGUF,
    "ApplyInstantID": "ComfyUI_InstantID",
    "InstantIDModelLoader": "ComfyUI_InstantID",
    "ReActorFaceSwap": "ComfyUI-ReActor",
    "WD14Tagger|pysssss": "ComfyUI-WD14-Tagger",
    "ImageResizeKJ": "ComfyUI-KJNodes",
    "ColorMatch": "ComfyUI-KJNodes",
}

_BEGINNINGS: dict[str, str] = {
    "Impact": _IMPACT,
    "ACN_": "ComfyUI-Advanced-ControlNet",
    "ADE_": "ComfyUI-AnimateDiff-Evolved",
    "VHS_": "ComfyUI-VideoHelperSuite",
    "CR ": "ComfyUI_Comfyroll_CustomNodes",
    "ttN ": "ComfyUI_tinyterraNodes",
    "easy ": "ComfyUI-Easy-Use",
    "INPAINT_": "comfyui-inpaint-nodes",
    "ETN_": "comfyui-tooling-nodes",
    "LayerUtility: ": "ComfyUI_LayerStyle",
    "LayerMask: ": "ComfyUI_LayerStyle",
    "LayerStyle: ": "ComfyUI_LayerStyle",
}
_ENDINGS: dict[str, str] = {
    "(rgthree)": "rgthree-comfy",
    "|pysssss": "ComfyUI-Custom-Scripts",
    "(Efficient)": _EFFICIENCY,
    "+": "ComfyUI_essentials",
}


def pack_of(node_class: str) -> str:
    """Return the pack that brings a node class, or an empty string."""
    if node_class in PACKS:
        return PACKS[node_class]
    starts = (pack for start, pack in _BEGINNINGS.items() if node_class.startswith(start))
    ends = (pack for end, pack in _ENDINGS.items() if node_class.endswith(end))
    return next(starts, next(ends, ""))
