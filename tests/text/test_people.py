"""Who is somebody: people, and not things and animals of the same endings."""

import pytest

from dimo.text.people import is_name, is_person


@pytest.mark.parametrize(
    "noun", "man nurse gardener sailor violinist fisherman librarian engineer trainee goblin anna king".split()
)
def test_people(noun):
    assert is_person(noun)


@pytest.mark.parametrize(
    "noun", "cat horse river tower computer tree spider door market sun ladder ball water coffee chair time".split()
)
def test_things_and_animals(noun):
    assert not is_person(noun)


def test_names_stand_without_an_article():
    assert is_name("anna")
    assert not is_name("nurse")
