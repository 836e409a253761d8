"""How well a model did on single images, remembered with the images."""

from __future__ import annotations

from core.prediction.inspection import Evaluation
from core.project import Project


def remember_scores(project: Project, evaluation: Evaluation) -> None:
    """Keep each image's mIoU of a measurement in the project; of images that it still has."""
    found = {project.find_image(score.image): score.miou for score in evaluation.images}
    project.set_scores({id_: miou for id_, miou in found.items() if id_ is not None})
