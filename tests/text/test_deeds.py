"""What is asked for by a noun, as captions say it."""

import pytest

from dimo.text.asking import as_caption


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("backwards walk cycle, neutral posture", "a person walks backward, neutral posture"),
        ("slow sarcastic clap", "a person claps slowly"),
        ("an angry walk", "an angry person walks"),
        ("short respectful bow before a judo match", "a person bows before a judo match"),
        ("left leg roundhouse kick, combat stance", "a person kicks with their left leg, combat stance"),
        ("left hand wave", "a person waves with their left hand"),
        ("left turn", "a person turns left"),
        ("head scratch, right hand", "a person scratches their head, right hand"),
        ("a quick about-face", "a person turns around quickly"),
        ("standing long jump by an athlete", "a person jumps forward by an athlete"),
        ("idle", "a person stands still"),
        ("death animation", "a person falls down"),
        ("walk cycle", "a person walks"),
        ("sitting idle", "a person sits"),
        ("swim idle", "a person swims"),
        ("angry idle", "an angry person stands still"),
        ("jump attack", "a person attacks with a sword while jumping"),
        ("dodge roll to the right", "a person does a somersault to the right"),
        ("hit reaction", "a person gets punched in the face"),
        ("victory pose", "a person cheers with both arms up"),
        ("looping jumping jack exercise for a workout app", "a person does jumping jacks for a workout app"),
    ],
)
def test_nouns_for_what_is_done(asked, said):
    assert as_caption(asked) == said


@pytest.mark.parametrize(
    "asked", ["two people dance", "a waving hand", "stock market news", "a person", "wooden kick drum", ""]
)
def test_other_nouns_stay(asked):
    assert as_caption(asked) == asked
