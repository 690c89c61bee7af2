"""What a game leaves besides translators: samplers, classifiers and autoencoders."""

from unpaired.products.autoencoder import Autoencoder
from unpaired.products.classifier import Classifier
from unpaired.products.sampler import Noise, Sampler

__all__ = ["Autoencoder", "Classifier", "Noise", "Sampler"]
