"""The sandbox trainer: it does as `train_network.py` of sd-scripts 0.10.1 does, and learns nothing.

It stands in where there is no GPU, and in the tests. It is a process of its own, met only through
its command line, its two streams, its files and its exit code, as the real one is.

    __main__      the process, run as a module or by its path
    surroundings  what the environment says: how fast, and what shall go wrong
    faults        the words for what goes wrong; mischief: does it
    options       the command line over the TOML (options.json: every option there is)
    console       the two streams; refusals: what the real one dies of
    run           the story: data, model, network, steps, end
    blueprint     what is to be trained on (schema: is it of the right form?)
    dataset       what is found of it (folder: pictures and captions; gathered; listing)
    buckets       which picture is trained at which size
    model         the base model; optimizer: its name; network: the LoRA (modules: its layers)
    schedule      how many steps, and from where
    loop, losses  the steps, and a loss that falls
    saving        what is kept, and when (names: under which names; metadata: with which words)
    state         what a training goes on from
    tensors       `.safetensors`; archive: files of torch's shape; values: the numbers in them

All files are of the right size and form, and load where real ones do; what they hold is chance,
the same for the same seed and step. Every one says `plasma_sandbox = "true"`.

Faults are asked for in `PLASMA_SANDBOX_TRAINER_FAULT` (the grammar is in `faults`), the speed in
`PLASMA_SANDBOX_SECONDS_PER_STEP`. With `PLASMA_SANDBOX_TRAINER_SPENT=FILE` a fault strikes once
over all runs, not once in each.

Not imitated: sample pictures, validation, TensorBoard, latents on disk, metadata files, merging
of base weights, data loader workers, several GPUs, SD 2 and SDXL, formats other than
`.safetensors`, optimizers that are not torch's own, and every silence: nothing takes time here but
the steps. A tokenizer that no folder is named for counts as fetched.
"""
