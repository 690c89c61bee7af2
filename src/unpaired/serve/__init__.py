"""What answers in a browser.

The human Turing test: a person says of each picture, shown for a moment, whether it is real or generated.

    options   how a test is laid out; no torch
    trials    which picture comes when: real, fake and control pictures in blocks
    pictures  tensors and files as PNGs that look alike; scrambled pictures for control
    session   a folder that holds a test: its pictures, and each answer as it is given
    verdict   what the answers say, with intervals; answers.csv
    judge     the server

`judge.html`, `judge.css` and `judge.js` are the page as it stands. The server is the standard library's: one person on one
machine asks for one picture a second, and `unpaired judge` then needs nothing that `unpaired` does not bring already.
"""
