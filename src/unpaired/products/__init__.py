"""What a game leaves besides translators: samplers, classifiers, segmenters and autoencoders."""

from unpaired.products.autoencoder import Autoencoder
from unpaired.products.classifier import Classifier
from unpaired.products.sampler import Noise, Sampler
from unpaired.products.segmenter import Segmenter

__all__ = ["Autoencoder", "Classifier", "Noise", "Sampler", "Segmenter"]
