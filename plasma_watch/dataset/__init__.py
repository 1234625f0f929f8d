"""From reference sheets to a dataset worth training on.

    sheet ──► background ──► ink ──► figures ──► framing ──► cutting ──► pictures + captions
              what is        what is  which ink   which       the pixels
              ground?        drawn?   is whose?   crops?

It is a workshop of the command line, and the only room that loads numpy: the daemon never enters.
Whether a dataset may be trained on is `train.dataset`'s to say, and only that gate's.
"""
