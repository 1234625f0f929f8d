"""What lay in the labs in which the real trainer was recorded, as small as it can be made again."""

from pathlib import Path

from plasma_watch.sandbox import weights

from .lab import BUCKETS, UNET, Lab, furnished

TINY = weights.standin("tiny", UNET)
TOKENIZER = "openai_clip-vit-large-patch14/vocab.json"
SIX = "kohya-assets/data64/train/10_spyke character"


def as_recorded(root: Path) -> Lab:
    """Make a lab in which all is that the recorded trainers found in theirs."""
    lab = furnished(root)
    _furnish_old(lab)
    _furnish_new(lab)
    return lab


def _furnish_old(lab: Lab) -> None:
    assets = "kohya-assets"
    lab.write(f"{assets}/models/sd15-random-fp16.safetensors", TINY)
    lab.write(f"{assets}/tokenizer_cache/{TOKENIZER}", "{}")
    lab.write(
        f"{assets}/demo.toml",
        f"""
        pretrained_model_name_or_path = "{lab.root}/{assets}/models/sd15-random-fp16.safetensors"
        tokenizer_cache_dir = "{lab.root}/{assets}/tokenizer_cache"
        dataset_config = "{lab.root}/{assets}/data64/dataset.toml"
        network_module = "networks.lora"
        network_dim = 4
        network_alpha = 4.0
        """,
    )
    for index in range(6):
        lab.picture(f"{SIX}/img{index:02}.png", caption="spyke, character")
    for index in range(4):
        lab.picture(f"{assets}/data64/reg/1_character/img{index:02}.png", caption="character")
        lab.picture(f"runs/fix/nocap/5_spyke/img{index:02}.png", caption="spyke" * (index == 3))
    lab.configure(
        f"{assets}/data64/dataset.toml",
        f'image_dir = "{lab.root}/{SIX}"\nkeep_tokens = 1\nclass_tokens = "spyke character"',
    )
    for index in range(3):
        lab.picture(f"runs/fix/badimg/5_spyke/img{index:02}.png", caption="spyke")
    lab.write("runs/fix/badimg/5_spyke/img99.png", "no picture")
    lab.write("runs/fix/badimg/5_spyke/img99.txt", "spyke")
    (lab.root / "runs" / "fix" / "nothing").mkdir()


def _furnish_new(lab: Lab) -> None:
    lab.write("full-sd15.safetensors", TINY)
    lab.write(f"tokenizer/{TOKENIZER}", "{}")
    base = f"""
        [model]
        pretrained_model_name_or_path = "{lab.root}/full-sd15.safetensors"
        tokenizer_cache_dir = "{lab.root}/tokenizer"
        [network]
        network_module = "networks.lora"
        network_dim = 4
        network_alpha = 2.0
        [training]
        seed = 42
        training_comment = "plasma_watch REQ-1"
        no_such_option = 3
    """
    fast = ("cache_latents", "network_train_unet_only", "gradient_checkpointing", "sdpa")
    lab.write("base2.toml", base)
    lab.write("base.toml", base + "".join(f"{option} = true\n" for option in fast))
    _furnish_data(lab)
    _configure(lab)


def _furnish_data(lab: Lab) -> None:
    for name in ("data/reg/r0.png", "data/reg/r1.png"):
        lab.picture(name)
    for index in range(3):
        lab.picture(f"data/folders/2_spyke kid/a{index}.jpg", (80, 64), "spyke, a")
    for index in range(9):
        lab.picture(f"data/manyreg/p{index}.png")
        if index < 7:
            lab.picture(f"data/odd/p{index}.png")
    lab.picture("data/folders/loose.png")
    lab.picture("data/folders/noprefix/x.png")
    for name in ("a.png", "b.PNG", "c.Png"):
        lab.picture(f"data/nocap/{name}")
    lab.picture("data/large/a.png", (200, 100), "spyke")
    for folder, caption in (("emptycap", b""), ("latin", b"caf\xe9"), ("notimage", b"spyke")):
        lab.picture(f"data/{folder}/a.png")
        lab.write(f"data/{folder}/a.txt", caption)
    lab.write("data/notimage/a.png", "no")
    (lab.root / "data" / "empty").mkdir()


def _configure(lab: Lab) -> None:
    spyke = f'image_dir = "{lab.root}/data/spyke"'
    reg = f'image_dir = "{lab.root}/data/reg"\nis_reg = true\nclass_tokens = "man"'
    lab.configure(
        "ds_reg.toml",
        f"{spyke}\nnum_repeats = 2",
        reg,
        dataset=f"resolution = [64, 64]\nbatch_size = 3\n{BUCKETS}",
    )
    for name in ("nocap", "empty", "notimage", "emptycap", "latin"):
        lab.configure(f"ds_{name}.toml", f'image_dir = "{lab.root}/data/{name}"')
    lab.configure("ds_missing.toml", f'image_dir = "{lab.root}/data/nope"')
    lab.configure("ds_badkey.toml", spyke, dataset="resolution = 64\nbatch_sizee = 1")
    lab.configure("ds_badtype.toml", f'{spyke}\nnum_repeats = "two"')
    lab.configure("ds_nodir.toml", "num_repeats = 1")
    lab.configure("ds_nores.toml", spyke, dataset="batch_size = 1")
    lab.configure("ds_minreso.toml", spyke, dataset="resolution = 64\nenable_bucket = true")
    lab.configure(
        "ds_steps32.toml", spyke, dataset=f"resolution = 64\n{BUCKETS}bucket_reso_steps = 32"
    )
    odd = f'image_dir = "{lab.root}/data/odd"'
    lab.configure(
        "ds_odd.toml",
        f'{odd}\nclass_tokens = "spyke"',
        odd,
        reg.replace("data/reg", "data/manyreg") + "\nflip_aug = true",
        dataset="resolution = 128\nenable_bucket = true\nmin_bucket_reso = 100\n"
        'max_bucket_reso = 250\ncaption_extension = ".caption"',
    )
    lab.write("ds_syntax.toml", "[general\n")
    lab.write("ds_large2.toml", _two(lab, "large", ""))
    lab.write("ds_two.toml", _two(lab, "spyke", "enable_bucket = true\nmin_bucket_reso = 64\n"))


def _two(lab: Lab, first_folder: str, buckets: str) -> str:
    return f"""
        [[datasets]]
        resolution = 64
        {buckets}
        caption_extension = ".txt"
        [[datasets.subsets]]
        image_dir = "{lab.root}/data/{first_folder}"
        [[datasets.subsets]]
        image_dir = "{lab.root}/data/nope"
        [[datasets]]
        resolution = 128
        batch_size = 2
        bucket_no_upscale = true
        {BUCKETS}
        [[datasets.subsets]]
        image_dir = "{lab.root}/data/spyke"
        num_repeats = 2
        [[datasets.subsets]]
        image_dir = "{lab.root}/data/reg"
        num_repeats = 0
        caption_extension = ".txt"
    """
