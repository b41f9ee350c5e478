"""What the contenders share: networks, configurations, starting parameters.

They follow `benches/training_step.rs`: same shapes, batch, number of steps,
distribution of the configurations and of the starting parameters.
"""

from dataclasses import dataclass

import numpy

STEPS = 100
LEARNING_RATE = 1e-3
ADAM = {"betas": (0.9, 0.999), "epsilon": 1e-8}


@dataclass(frozen=True)
class Network:
    """A VAE with tanh layers, independent units and a standard normal prior."""

    sites: int
    hidden: tuple[int, ...]
    latent: int
    batch: int = 256

    def widths(self) -> tuple[list[int], list[int]]:
        """Widths of the encoder's and of the decoder's layers, inputs first."""
        encoder = [self.sites, *self.hidden, 2 * self.latent]
        decoder = [self.latent, *self.hidden, self.sites]
        return encoder, decoder


NETWORKS = {
    "wide": Network(sites=160, hidden=(128, 128), latent=2),
    "narrow": Network(sites=100, hidden=(64, 64), latent=1),
}


@dataclass(frozen=True)
class Timed:
    """One round: milliseconds a step; mean ELBO, nats per configuration."""

    milliseconds: float
    elbo: float


def configurations(network: Network, rows: int) -> numpy.ndarray:
    """Ferromagnets as -1 and +1: all sites follow one sign, one in five not."""
    generator = numpy.random.default_rng(1)
    rates = numpy.where(generator.random((rows, 1)) < 0.5, 0.2, 0.8)
    up = generator.random((rows, network.sites)) < rates
    return numpy.where(up, 1.0, -1.0).astype(numpy.float32)


def initial_parameters(network: Network) -> tuple[list, list]:
    """Weights (`inputs x outputs`) and biases of encoder and decoder."""
    generator = numpy.random.default_rng(2)

    def chain(widths: list[int]) -> list:
        return [
            (
                generator.normal(0.0, inputs**-0.5, (inputs, outputs)).astype(numpy.float32),
                numpy.zeros(outputs, numpy.float32),
            )
            for inputs, outputs in zip(widths, widths[1:])
        ]

    encoder, decoder = (chain(widths) for widths in network.widths())
    weight, bias = encoder[-1]
    weight *= 0.5
    bias[network.latent :] = -1.0
    return encoder, decoder
