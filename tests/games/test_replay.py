"""The history of generated images: what it returns, what it keeps, and that a resumed run has the same one."""

import torch

from unpaired.games.replay import Replay


def numbers(*values):
    return torch.tensor([float(value) for value in values]).view(-1, 1, 1, 1)


def test_while_there_is_room_images_are_stored_and_returned():
    replay = Replay(3, (1, 1, 1))
    for batch in (numbers(1, 2), numbers(3)):
        assert torch.equal(replay.swap(batch), batch)
    assert replay.images.flatten().tolist() == [1, 2, 3]
    assert replay.count == 3


def test_a_batch_may_straddle_the_end_of_the_room():
    torch.manual_seed(0)
    replay = Replay(1, (1, 1, 1))
    first, second = replay.swap(numbers(1, 2)).flatten().tolist()
    assert first == 1
    assert second == (1 if replay.images.item() == 2 else 2)


def test_then_half_are_exchanged_for_older_ones_and_none_is_lost_or_doubled():
    torch.manual_seed(0)
    replay = Replay(50, (1, 1, 1))
    replay.swap(numbers(*range(50)))
    answers = [replay.swap(numbers(50 + n)).item() for n in range(2000)]
    returned_new = sum(answer == 50 + n for n, answer in enumerate(answers))
    assert 900 < returned_new < 1100
    # Every image is either still in the history or was returned exactly once.
    assert sorted(answers + replay.images.flatten().tolist()) == list(range(2050))
    # An exchanged image lay in the history for 100 steps on average (50 places, a coin).
    ages = [50 + n - answer for n, answer in enumerate(answers) if answer not in (50 + n, *range(50))]
    assert 80 < sum(ages) / len(ages) < 120


def test_gradients_stop():
    x = numbers(1).requires_grad_()
    for capacity in (0, 2):
        assert not Replay(capacity, (1, 1, 1)).swap(x).requires_grad


def test_without_capacity_images_pass_and_no_state_is_left():
    replay = Replay(0, (1, 1, 1))
    assert torch.equal(replay.swap(numbers(1, 2)), numbers(1, 2))
    assert not replay.state_dict()


def test_state_is_all_there_is():
    replay, again = Replay(4, (1, 1, 1)), Replay(4, (1, 1, 1))
    replay.swap(numbers(*range(6)))
    again.load_state_dict(replay.state_dict())
    for copy in (replay, again):
        torch.manual_seed(5)
        copy.answers = [copy.swap(numbers(n, n + 1)).flatten().tolist() for n in range(10, 20)]
    assert replay.answers == again.answers
    assert torch.equal(replay.images, again.images)
