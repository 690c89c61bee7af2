"""Tiny labelled data sets for real trainings."""

import csv

import numpy as np
from PIL import Image

COLOURS = {"dark": (40, 40, 60), "blond": (220, 200, 90), "red": (190, 70, 40)}


def painted(number, *, hair, glasses):
    """Noise about the colour of the hair, 20 px, with a black bar for glasses."""
    noise = np.random.default_rng(number).integers(-40, 40, (20, 20, 3))
    pixels = (noise + COLOURS[hair]).clip(0, 255).astype(np.uint8)
    if glasses == "on":
        pixels[8:12] = 0
    return pixels


def write_labelled(folder, *, columns=("hair", "glasses"), train=24, test=20, truths=("glasses=on",), first=0):
    """A labelled data set: attributes.csv with these columns, train/, test/ and truth/NAME=VALUE/."""
    rows = []
    for number in range(first, first + train + test):
        values = {"hair": list(COLOURS)[number % 3], "glasses": ("off", "on")[number % 2]}
        split = "train" if number - first < train else "test"
        file = folder / split / f"{number}.png"
        rows.append([f"{split}/{number}.png", split, *(values[column] for column in columns)])
        pictures = {file: values}
        if split == "test":
            for truth in truths:
                name, value = truth.split("=")
                pictures[folder / "truth" / truth / f"{number}.png"] = values | {name: value}
        for path, seen in pictures.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(painted(number, **seen)).save(path)
    with (folder / "attributes.csv").open("w", newline="") as stream:
        csv.writer(stream).writerows([["file", "split", *columns], *rows])
    return str(folder)
