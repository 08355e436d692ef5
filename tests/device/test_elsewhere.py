"""The device that is not there does what one does that is, and refuses what it would."""

import numpy as np
import pytest
import torch
from elsewhere import AWAY, Elsewhere, Far, Refused
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence


@pytest.fixture(autouse=True)
def there():
    with Elsewhere():
        yield


def test_values_and_turns_are_those_of_the_cpu():
    x = torch.arange(6, device=AWAY).view(2, 3)
    x[:, [0, 2]] = 7
    x[x == 4] += 1
    assert isinstance(x, Far)
    assert x.device == AWAY
    assert x.tolist() == [[7, 1, 7], [7, 5, 7]]
    assert int(x.sum()) == 34
    assert bool((x > 0).all())
    assert torch.tensor([1, 2], device=AWAY).cpu().tolist() == [1, 2]
    assert (x * torch.tensor(2)).tolist() == [[14, 2, 14], [14, 10, 14]]  # a single number may come from the CPU


def test_gradients_are_those_of_the_cpu():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1))
    x = torch.randn(5, 3)
    model(x).sum().backward()
    near = [p.grad.clone() for p in model.parameters() if p.grad is not None]
    model.zero_grad()
    model.to(AWAY)(x.to(AWAY)).sum().backward()
    far = [p.grad for p in model.parameters() if p.grad is not None]
    assert len(near) == len(far) == 4
    assert all(isinstance(b, Far) and torch.equal(a, b.cpu()) for a, b in zip(near, far, strict=True))


def test_packed_sequences_have_their_lengths_on_the_cpu():
    gru = nn.GRU(3, 4, batch_first=True).to(AWAY)
    packed = pack_padded_sequence(torch.ones(2, 5, 3).to(AWAY), torch.tensor([2, 5]), True, enforce_sorted=False)
    assert gru(packed)[1].shape == (1, 2, 4)


REFUSED = {
    "sum": lambda x, here: x + torch.zeros(4),
    "product": lambda x, here: x @ here.T,
    "index on the CPU": lambda x, here: x[torch.tensor([0, 1])],
    "index away": lambda x, here: here[torch.tensor([0, 1], device=AWAY)],
    "mask": lambda x, here: x.masked_fill_(here > 0, 0),
    "assignment": lambda x, here: x.__setitem__(x > 0, torch.zeros(12)),
    "joined": lambda x, here: torch.cat([x, here]),
    "stacked numbers": lambda x, here: torch.stack([x.sum(), torch.tensor(0.0)]),
    "module": lambda x, here: nn.Linear(4, 2)(x),
    "numpy": lambda x, here: x.numpy(),
    "array": lambda x, here: np.asarray(x),
    "double": lambda x, here: x.double(),
    "drawn": lambda x, here: torch.randn(3, device=AWAY),
    "drawn alike": lambda x, here: torch.rand_like(x),
    "drawn into": lambda x, here: x.exponential_(),
    "generator of the CPU": lambda x, here: x.uniform_(generator=torch.Generator()),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_a_gpu_refuses_is_refused(what):
    with pytest.raises(Refused):
        REFUSED[what](torch.ones(3, 4, device=AWAY), torch.ones(3, 4))
