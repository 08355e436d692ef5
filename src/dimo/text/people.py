"""Who may be the subject of a motion: whether a noun is somebody with two arms and two legs."""

from __future__ import annotations

_NOUNS = frozenset(
    "person someone somebody man woman human figure individual subject character guy lad lady gentleman boy girl kid teen adult "
    "youth people "
    # relatives and friends
    "mother father mom mum dad brother sister son daughter uncle aunt cousin nephew niece grandmother grandfather grandma "
    "grandpa husband wife bride groom friend neighbour neighbor colleague mate fan guest host stranger crowd "
    # work
    "chef cook nurse clerk guard guide judge police cop captain general sergeant cadet recruit soldier marine agent spy scout "
    "pilot mechanic coach athlete gymnast champion referee umpire student pupil athlete model monk priest nun rabbi bishop "
    "pope king queen prince princess duke duchess lord baron knight squire servant maid butler janitor waitress hostess actress "
    "hero heroine villain protagonist thief bandit pirate ninja samurai viking cowboy gladiator mascot clown mime magician "
    "wizard witch mage paladin rogue cleric bard druid assassin orc elf dwarf goblin troll giant monster alien cyborg android "
    "npc avatar mannequin dummy sim actor performer boss chief president mayor senator patient victim passenger pedestrian "
    "commuter tourist civilian citizen peasant merchant bachelor doctor professor astronaut ballerina "
    "enemy opponent rival ally customer client employee employer executive secretary assistant intern trainee bartender "
    "barista acrobat burglar detective veteran sentry scholar warlord servant peasant monarch emperor empress gent bloke dude "
    "infant toddler newborn hobo santa elder senior expert pro novice beginner beggar sheriff marshal "
    "surgeon granny lumberjack commando lifeguard yogi superhero fella lass idol dj baby everyone bodybuilder "
    "drummer goalie pitcher batter striker quarterback boxer fighter dancer runner jogger".split()
)
_NAMES = frozenset(
    "adam alan alex alice amy andrew anna anne anthony barbara ben betty bob brian carl carol charles charlie chris christina "
    "clara claire daniel david diana donna dorothy edward elena elizabeth ella emily emma eric eva fiona frank fred george grace "
    "hannah harry helen henry ian isabel jack jacob james jane jason jeff jennifer jessica jim joe john jonas jordan joseph "
    "julia karen kate kevin kim laura leo lily linda lisa liz louis lucas lucy luis luke maria marie mario mark martin mary "
    "matthew max maya mia michael mike mila nancy nick nina noah nora olivia oscar pablo patricia paul peter philip rachel "
    "rebecca richard rob robert robin roger rosa ruth ryan sam samuel sandra sara sarah scott simon sofia sophia sophie stefan "
    "stephen steve steven susan thomas tim tina tom tony vera victor walter will william yuki zoe".split()
)
_ENDINGS = ("er", "or", "ist", "man", "woman", "ian", "boy", "girl", "eer", "ee", "mate", "child")
_THINGS = frozenset(
    "river tower flower computer printer hammer water weather paper letter number corner tiger panther spider copter helicopter "
    "door floor mirror motor reactor tractor elevator escalator color butter power fever layer server router finger shoulder "
    "copper silver summer winter feather ladder hamster beaver oyster lobster poster trailer scooter thunder shower sewer tree "
    "bee coffee knee committee degree toffee meter metre razor sensor monitor projector generator radiator calculator "
    "refrigerator ventilator propeller roller cooler heater burner rocker cracker sticker sweater slipper zipper counter drawer "
    "timer buffer adapter transformer transistor capacitor crater glacier river cider barrier frontier quarter semester chapter "
    "order border folder ruler sugar vinegar pepper ginger tumor anchor harbor harbour labor vapor meteor error horror terror "
    "factor sector vector indicator processor "
    "roger other another rather brother-in-law either neither never ever over under after later together however whether "
    "right-hander left-hander matter manner dinner supper banner".split()
)


def is_person(noun: str) -> bool:
    """Whether a noun in lower case names somebody: by lists of people and first names, and by endings such as -er and -ist."""
    return noun in _NOUNS or noun in _NAMES or (noun.endswith(_ENDINGS) and noun not in _THINGS)


def is_known(noun: str) -> bool:
    """Whether it is on the lists, and not only of such an ending."""
    return noun in _NOUNS or noun in _NAMES


def is_name(noun: str) -> bool:
    """Whether it is a first name, which stands without an article."""
    return noun in _NAMES
