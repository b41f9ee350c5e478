"""The training step in JAX, compiled, one thread: all steps in one scan, or one a call."""

import functools
import time
from collections.abc import Callable

import jax
import numpy
from jax import numpy as jnp

from network import ADAM, LEARNING_RATE, STEPS, Network, Timed, configurations, initial_parameters

VERSION = jax.__version__


def _forward(layers, values):
    for weight, bias in layers[:-1]:
        values = jnp.tanh(values @ weight + bias)
    weight, bias = layers[-1]
    return values @ weight + bias


def _loss(parameters, signs, noise):
    encoder, decoder = parameters
    mean, log_scale = jnp.split(_forward(encoder, signs), 2, axis=1)
    logits = _forward(decoder, mean + jnp.exp(log_scale) * noise)
    distortion = jax.nn.softplus(-signs * logits).sum()
    rate = (0.5 * (mean**2 + jnp.exp(2 * log_scale) - 1) - log_scale).sum()
    return (distortion + rate) / len(signs)


def _adam(state, gradient):
    (parameters, first, second, count), (beta1, beta2) = state, ADAM["betas"]
    count = count + 1
    first = jax.tree.map(lambda m, g: beta1 * m + (1 - beta1) * g, first, gradient)
    second = jax.tree.map(lambda v, g: beta2 * v + (1 - beta2) * g * g, second, gradient)
    rate, correction = LEARNING_RATE / (1 - beta1**count), 1 / (1 - beta2**count)
    parameters = jax.tree.map(
        lambda p, m, v: p - rate * m / (jnp.sqrt(v * correction) + ADAM["epsilon"]),
        parameters,
        first,
        second,
    )
    return parameters, first, second, count


def _step(network: Network, data, carry, rows):
    state, key = carry
    key, drawn = jax.random.split(key)
    noise = jax.random.normal(drawn, (network.batch, network.latent))
    loss, gradient = jax.value_and_grad(_loss)(state[0], data[rows], noise)
    return (_adam(state, gradient), key), loss


def _start(network: Network):
    parameters = jax.tree.map(jnp.asarray, initial_parameters(network))
    zeros = jax.tree.map(jnp.zeros_like, parameters)
    state = (parameters, zeros, jax.tree.map(jnp.copy, zeros), jnp.float32(0))
    return state, jax.random.key(3)


def contenders(network: Network) -> dict[str, Callable[[], Timed]]:
    """What JAX has to offer, by name, compiled and warm."""
    data = jnp.asarray(configurations(network, network.batch * (STEPS + 1)))
    order = jnp.asarray(numpy.random.default_rng(4).permutation(len(data)))
    batches = list(order.reshape(STEPS + 1, network.batch))
    one = jax.jit(functools.partial(_step, network), donate_argnums=1)
    every = jax.jit(
        lambda data, carry, order: jax.lax.scan(functools.partial(_step, network, data), carry, order),
        donate_argnums=1,
    )
    rest = jnp.stack(batches[1:])

    def timed(run) -> Timed:
        carry, first = one(data, _start(network), batches[0])
        jax.block_until_ready(carry)
        start = time.perf_counter()
        carry, losses = run(carry)
        jax.block_until_ready((carry, losses))
        seconds = time.perf_counter() - start
        total = float(first) + float(jnp.sum(jnp.asarray(losses)))
        return Timed(1e3 * seconds / STEPS, -total / (STEPS + 1))

    def stepwise(carry):
        losses = []
        for rows in batches[1:]:
            carry, loss = one(data, carry, rows)
            losses.append(loss)
        return carry, losses

    runs = {"jax scan": lambda carry: every(data, carry, rest), "jax step": stepwise}
    for run in runs.values():
        timed(run)  # compiles
    return {name: functools.partial(timed, run) for name, run in runs.items()}
