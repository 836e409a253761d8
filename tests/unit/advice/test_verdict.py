"""What is said of a model, from what it predicted."""

from __future__ import annotations

import numpy as np
import pytest

from core.advice.verdict import judge, with_steps
from core.models.model_verdict import Level
from core.prediction.choosing import Choice
from core.prediction.figures import Figures
from core.prediction.metrics import ConfusionMatrix

LABELS = ("background", "Crack", "Break")
SIDE = 40


def said(*scenes, labels=LABELS):
    """The verdict on images: each (predicted squares, labelled squares) as {(x, y): class}."""
    figures, matrix, rows = Figures(labels), ConfusionMatrix(len(labels)), []
    for index, (predicted, labelled) in enumerate(scenes):
        label_map, mask = drawn(predicted), drawn(labelled)
        defect = np.where(label_map == 0, np.uint8(1), label_map)
        odds = np.where(label_map == 0, 100, 180).astype(np.uint8)
        one = figures.update(Choice(label_map, defect, odds), mask)
        matrix.update(label_map, mask)
        rows.append((f"/data/image {index}.png", one))
    verdict = judge(labels, matrix.matrix, figures.to_dict(), rows)
    return verdict, [str(sentence) for sentence in verdict.sentences]


def drawn(squares):
    area = np.zeros((SIDE, SIDE), np.uint8)
    for (x, y), class_id in squares.items():
        area[y : y + 4, x : x + 4] = class_id
    return area


CRACK, BREAK, BOTH = {(0, 0): 1}, {(20, 20): 2}, {(0, 0): 1, (20, 20): 2}


def test_what_is_found_and_what_is_not_is_said_of_each_class():
    scenes = [(CRACK, BOTH)] * 2 + [(CRACK, CRACK), ({(9, 9): 1}, {}), ({}, BREAK)]
    verdict, sentences = said(*scenes)
    assert verdict.level is Level.PARTLY
    assert sentences[0] == "Partly usable: not good enough for Break."
    assert sentences[1] == "Crack: finds 3 of 3, 1 false alarm in 5 images."
    assert sentences[2] == (
        "Break: finds none of 3: label at least 5 more, like these: image 0.png, image 1.png, "
        "image 4.png."
    )
    assert sentences[3] == "Whole images: it marks 3 of 4 defective ones, and 1 of 1 good one."
    assert verdict.examples["Break"][0] == "/data/image 0.png"
    assert not verdict.is_warning


def test_a_model_that_had_no_time_is_trained_before_more_is_labelled():
    verdict, _ = said(({}, CRACK), ({}, BREAK))
    short = [str(one) for one in with_steps(verdict, 12).sentences]
    assert short[0] == str(verdict.summary)
    assert short[1].startswith("There was time for about 12 steps of training")
    assert with_steps(verdict, 400) is verdict
    usable, _ = said((CRACK, CRACK))
    assert with_steps(usable, 12) is usable  # whatever it took


def test_background_only_is_not_usable():
    verdict, sentences = said(({}, CRACK), ({}, BREAK), ({}, {}))
    assert (verdict.level, verdict.is_warning) == (Level.NOT_USABLE, True)
    assert sentences[0] == "It says “background” everywhere: not usable."
    assert sentences[1].startswith("Crack: finds none of 1: label at least 5 more")


def test_marks_that_hit_nothing_are_not_usable():
    verdict, sentences = said(({(30, 30): 1}, CRACK), ({}, CRACK))
    assert verdict.level is Level.NOT_USABLE
    assert sentences[0] == "It finds nothing: not usable."


def test_one_in_twenty_is_hardly_anything_and_noise_is_not_usable():
    verdict, sentences = said((CRACK, CRACK), *[({}, CRACK)] * 19)
    assert verdict.level is Level.NOT_USABLE
    assert sentences[0] == "It finds hardly anything: not usable."
    noise = {(x, y): 1 for x in range(0, 36, 6) for y in range(0, 36, 6)}
    verdict, sentences = said((noise, CRACK))
    assert sentences[0] == "Nearly all that it marks is wrong: not usable."
    assert sentences[1] == "Crack: finds 1 of 1 in one image, false alarms: 35."


def test_everything_found_is_usable():
    verdict, sentences = said(*[(BOTH, BOTH)] * 3, ({}, {}))
    assert verdict.level is Level.USABLE
    assert sentences == [
        "Usable: it finds most of what it should.",
        "Crack: finds 3 of 3, no false alarm in 4 images.",
        "Break: finds 3 of 3, no false alarm in 4 images.",
        "Whole images: it marks 3 of 3 defective ones, and 0 of 1 good one.",
    ]


def test_few_found_and_many_false_alarms_bring_advice():
    few = [(CRACK, CRACK)] + [({}, CRACK)] * 3
    noisy = [({**BREAK, (0, 30): 2, (8, 30): 2}, BREAK)]
    verdict, sentences = said(*few, *noisy)
    assert "Crack: label more like these: image 1.png, image 2.png, image 3.png." in sentences
    assert any(one.startswith("To get rid of false alarms (Break)") for one in sentences)
    assert verdict.level is Level.PARTLY


def test_specks_are_told_with_the_area_that_leaves_them_out():
    large = {(x, y): 1 for x in (0, 4) for y in (0, 4)}
    specks = {(x, 34): 1 for x in range(0, 30, 6)}
    verdict, sentences = said(({**large, **specks}, large), ({}, {}))
    (told,) = [one for one in sentences if one.startswith("Many false alarms are specks")]
    assert told.endswith("Crack 17 px² (5/5).")
    # More images would not help against what a minimum area leaves out.
    assert not any(one.startswith("To get rid of false alarms") for one in sentences)
    assert verdict.level is Level.PARTLY
    everywhere = {(x, y): 1 for x in range(0, 36, 6) for y in range(10, 36, 6)}
    verdict, _ = said(({**large, **everywhere}, large))
    assert verdict.level is Level.PARTLY  # as noise of the same size as what is real would not be
    few = {(0, 34): 1, (6, 34): 1}
    _, sentences = said(({**large, **few}, large), ({}, {}))
    assert not any("specks" in one for one in sentences)


def test_where_there_is_nothing_to_find_nothing_is_claimed():
    verdict, sentences = said(({}, {}), (CRACK, {}))
    assert verdict.level is Level.UNKNOWN
    assert not verdict.is_warning
    assert sentences[1].startswith("Crack: does not occur in these images, and is claimed")
    assert sentences[2] == "Break: does not occur in these images, so it was not measured."


SCENE = ("sky", "road", "car")


@pytest.mark.parametrize(
    ("predicted", "level", "summary"),
    [
        (BOTH, Level.USABLE, "Usable: it recognises every class that occurs."),
        (CRACK, Level.PARTLY, "Partly usable: not good enough for car."),
        ({}, Level.NOT_USABLE, "It says “sky” everywhere: not usable."),
    ],
)
def test_without_a_background_classes_are_judged_by_their_pixels(predicted, level, summary):
    verdict, sentences = said((predicted, BOTH), labels=SCENE)
    assert verdict.level is level
    assert sentences[0] == summary
    assert sentences[1] == "sky: recognises 100 % of its pixels."
