"""What a number says about a run: paired truth, relations, distributions, modes. Every function is pure.

paired          a translation against its known truth, image by image
relation        is each translation nearest to its own truth; does an attribute survive the translation
distribution    two sets of features, or of images, as two clouds
features        the networks that turn images into features; every distribution number names its network
modes           2-D toys: which modes are reached, which collide

All but the extractors compute on the CPU, so that a number does not depend on the device that it was measured on.
"""
