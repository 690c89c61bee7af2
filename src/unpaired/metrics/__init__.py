"""What a number says about a run: paired truth, relations, distributions, modes. Every function is pure.

paired          a translation against its known truth, image by image
relation        is each translation nearest to its own truth; does an attribute survive the translation
distribution    two sets of features, or of images, as two clouds
features        the networks that turn images into features; every distribution number names its network
segmentation    label maps against label maps
flicker         does a translated sequence flicker where its input stands still
modes           2-D toys: which modes are reached, which collide
stacked         stacked MNIST: how many of its 1000 modes are reached
neighbours      the nearest training images; does a generator copy them
diversity       how alike the images of one class are
discriminability  are classes told apart better at a finer resolution
likelihood      of images under a generator: annealed importance sampling, Parzen window
detection       how well somebody tells fakes from reals

All but the extractors compute on the CPU, so that a number does not depend on the device that it was measured on.
"""
