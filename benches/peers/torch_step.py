"""The training step in PyTorch, eager, one thread."""

import time
from collections.abc import Callable

import torch
from torch.nn.functional import softplus

from network import ADAM, LEARNING_RATE, STEPS, Network, Timed, configurations, initial_parameters

VERSION = torch.__version__


def _chain(layers: list) -> torch.nn.Sequential:
    modules: list[torch.nn.Module] = []
    for weight, bias in layers:
        linear = torch.nn.Linear(*weight.shape)
        with torch.no_grad():
            linear.weight.copy_(torch.from_numpy(weight.T))
            linear.bias.copy_(torch.from_numpy(bias))
        modules += [linear, torch.nn.Tanh()]
    return torch.nn.Sequential(*modules[:-1])


def _loss(encoder, decoder, signs, latent: int):
    code = encoder(signs)
    mean, log_scale = code[:, :latent], code[:, latent:]
    z = mean + log_scale.exp() * torch.randn_like(mean)
    distortion = softplus(-signs * decoder(z)).sum()
    rate = (0.5 * (mean.square() + (2 * log_scale).exp() - 1) - log_scale).sum()
    return (distortion + rate) / len(signs)


def _round(network: Network, data: torch.Tensor) -> Timed:
    encoder, decoder = (_chain(layers) for layers in initial_parameters(network))
    parameters = [*encoder.parameters(), *decoder.parameters()]
    # The fused Adam is the fastest of PyTorch's on the processor.
    adam = torch.optim.Adam(
        parameters, lr=LEARNING_RATE, betas=ADAM["betas"], eps=ADAM["epsilon"], fused=True
    )
    order = torch.randperm(len(data))
    total = 0.0
    for step, rows in enumerate(order.split(network.batch)):
        if step == 1:
            start = time.perf_counter()
        adam.zero_grad()
        loss = _loss(encoder, decoder, data[rows], network.latent)
        loss.backward()
        adam.step()
        total += loss.item()
    seconds = time.perf_counter() - start
    return Timed(1e3 * seconds / STEPS, -total / (STEPS + 1))


def contenders(network: Network) -> dict[str, Callable[[], Timed]]:
    """What PyTorch has to offer, by name."""
    torch.set_num_threads(1)
    data = torch.from_numpy(configurations(network, network.batch * (STEPS + 1)))
    return {"torch eager": lambda: _round(network, data)}
