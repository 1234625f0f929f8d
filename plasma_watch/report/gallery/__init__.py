"""The gallery: pages to look at all pictures with, in the output folder, without a server.

    update      everything once: pictures, trainings, failures
    build       the pictures: what is new among them, or what is known to be
    entry       what is kept of one picture (pure)
    cabinet     the data of all pictures, as scripts that a page loads from a file
    thumbs      a small picture for each content
    pages       the frames of HTML; `assets/` holds them, the style, and the one script
    failures    what failed lately, with its requests
    trainings   a page a LoRA (story: what it tells; curves: what is drawn in it)
"""
