"""The words and numbers that an engineer may not know, one sentence each.

The one source of the window's hints (``app.look.term_finding``), of its page of words, and of
``docs/guide/glossary.md`` (``scripts/write_glossary.py``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from core.system.messages import Message, message


@dataclass(frozen=True, slots=True)
class Term:
    """One entry.

    Attributes:
        key: its anchor.
        name: what it is called.
        text: what it is, in one sentence.
        words: how it is spelt in English texts; capitals count where there are some.
        chinese: how it is spelt in Chinese ones, besides ``words``.
        page: the guide's page about it, without ``.md``.
    """

    key: str
    name: Message
    text: Message
    words: tuple[str, ...]
    chinese: tuple[str, ...] = ()
    page: str = ""


TERMS: Final[tuple[Term, ...]] = (
    Term(
        "accuracy",
        message("Accuracy"),
        message(
            "Share of all pixels that are right; it flatters where most of an image is background."
        ),
        ("accuracy",),
        ("准确率",),
        "inspecting",
    ),
    Term(
        "adamw",
        message("AdamW"),
        message(
            "An optimizer that finds its own step for each weight; its learning rates are a tenth "
            "of those of momentum or less."
        ),
        ("AdamW",),
        (),
        "training",
    ),
    Term(
        "agreement",
        message("Agreement"),
        message(
            "Share of pixels on which a smaller or exported model says what the original one says."
        ),
        ("agreement",),
        ("一致率", "一致程度"),
        "compressing",
    ),
    Term(
        "auc",
        message("AUC"),
        message(
            "How well the images' scores tell defective parts from good ones, whatever the "
            "threshold: 1 always, 0.5 no better than chance."
        ),
        ("AUC",),
        (),
        "inspecting",
    ),
    Term(
        "augmentation",
        message("Augmentation"),
        message(
            "Random changes to training images, such as flips, cut-outs or other brightness: the "
            "network sees more variety than there is, and masks follow."
        ),
        ("augmentation", "augmentations", "augmented"),
        ("数据增强", "增强"),
        "training",
    ),
    Term(
        "backbone",
        message("Backbone"),
        message("The part of a network that finds edges, textures and shapes; others build on it."),
        ("backbone",),
        ("骨干网络",),
        "training",
    ),
    Term(
        "batch",
        message("Batch"),
        message(
            "How many images are looked at before the weights change once: more are steadier and "
            "take more memory."
        ),
        ("batch", "batches", "batch size"),
        ("批大小",),
        "training",
    ),
    Term(
        "calibration",
        message("Calibration"),
        message(
            "Some images run through the network, to learn which range its numbers have before "
            "they are rounded to int8."
        ),
        ("calibration", "calibrate", "calibrated"),
        ("校准",),
        "compressing",
    ),
    Term(
        "checkpoint",
        message("Checkpoint"),
        message("What a training saves as it goes, so that it can go on from there."),
        (
            "checkpoint",
            "checkpoints",
        ),
        ("检查点",),
        "training",
    ),
    Term(
        "class_weights",
        message("Class weights"),
        message(
            "How much the errors of each class count in training; balanced ones lift classes with "
            "few pixels."
        ),
        ("class weights",),
        ("类别权重",),
        "training",
    ),
    Term(
        "confusion",
        message("Confusion"),
        message(
            "One class is taken for another; the confusion matrix counts for each true class "
            "(row) what was predicted (column)."
        ),
        ("confusion", "confusions", "confused", "confusion matrix"),
        ("混淆矩阵", "混淆"),
        "inspecting",
    ),
    Term(
        "cross_entropy",
        message("Cross entropy"),
        message("The usual loss: it grows the less probable the network finds the right class."),
        ("cross entropy",),
        ("交叉熵",),
        "training",
    ),
    Term(
        "dice",
        message("Dice"),
        message("A loss that measures overlap, so that small defects count as much as large ones."),
        ("Dice",),
        (),
        "training",
    ),
    Term(
        "early_stop",
        message("Early stop"),
        message("A training ends before its time once its score has not risen for a while."),
        ("early stop", "stopped early"),
        ("提前停止",),
        "training",
    ),
    Term(
        "ema",
        message("EMA"),
        message(
            "A running mean of the weights of the last steps, which is usually a little better "
            "than the newest weights."
        ),
        ("EMA",),
        (),
        "training",
    ),
    Term(
        "entropy",
        message("Entropy"),
        message(
            "How undecided the model is between classes: 0 is sure; label the images with the most "
            "of it first."
        ),
        ("entropy",),
        ("熵",),
        "labelling-with-a-model",
    ),
    Term(
        "epoch",
        message("Epoch"),
        message("One round through the training images."),
        (
            "epoch",
            "epochs",
        ),
        ("训练轮数", "轮次"),
        "training",
    ),
    Term(
        "f1",
        message("F1"),
        message("Precision and recall in one number, the harmonic mean of both; 1 is perfect."),
        ("F1",),
        (),
        "inspecting",
    ),
    Term(
        "false_alarm",
        message("False alarm"),
        message(
            "The model claims a defect where there is none of that class; their rate is the share "
            "of good images in which it happens."
        ),
        ("false alarm", "false alarms", "false alarm rate"),
        ("误检率", "误检", "误报"),
        "inspecting",
    ),
    Term(
        "fine_tuning",
        message("Fine-tuning"),
        message(
            "A short training after weights were removed or rounded, which wins back most of what "
            "was lost."
        ),
        ("fine-tuning", "fine-tune", "fine-tuned"),
        ("微调",),
        "compressing",
    ),
    Term(
        "flops",
        message("FLOPs"),
        message(
            "Multiplications and additions for one image: half of them is about half the time."
        ),
        ("FLOPs",),
        ("运算量",),
        "compressing",
    ),
    Term(
        "ground_truth",
        message("Ground truth"),
        message("What is really in the image, as people labelled it: models are measured by it."),
        ("ground truth",),
        ("真值",),
        "inspecting",
    ),
    Term(
        "ignored",
        message("Ignored pixels"),
        message(
            "Pixels with the value 255: nobody says what they are, so they are neither learnt from "
            "nor measured."
        ),
        ("ignored", "ignore"),
        ("忽略",),
        "labelling",
    ),
    Term(
        "inconclusive",
        message("Inconclusive"),
        message(
            "Neither good nor bad enough to say: between two limits, a person looks at the part."
        ),
        ("inconclusive",),
        ("待定", "无法判定"),
        "judging",
    ),
    Term(
        "int8",
        message("int8"),
        message(
            "Numbers of 8 bits instead of 32: files of a quarter of the size that many processors "
            "compute two to four times as fast."
        ),
        ("int8",),
        (),
        "compressing",
    ),
    Term(
        "iou",
        message("IoU"),
        message(
            "Intersection over union: the pixels that prediction and mask share, of those that "
            "either has; 1 is a perfect match, above 0.5 a defect counts as found."
        ),
        ("IoU", "intersection over union"),
        ("交并比",),
        "inspecting",
    ),
    Term(
        "kappa",
        message("Kappa"),
        message(
            "Agreement with the masks beyond what chance would give: 0 is chance, 1 is perfect."
        ),
        ("kappa",),
        (),
        "inspecting",
    ),
    Term(
        "latency",
        message("Latency"),
        message("Time from an image to its result, in milliseconds."),
        ("latency",),
        ("延迟",),
        "benchmark",
    ),
    Term(
        "learning_curve",
        message("Learning curve"),
        message(
            "How the score grows with the number of labelled images, and so what more of them "
            "would bring."
        ),
        ("learning curve",),
        ("学习曲线",),
        "inspecting",
    ),
    Term(
        "learning_rate",
        message("Learning rate"),
        message(
            "How far each step changes the weights: too much and the training diverges, too little "
            "and it takes for ever."
        ),
        ("learning rate",),
        ("学习率",),
        "training",
    ),
    Term(
        "loss",
        message("Loss"),
        message("How wrong the network is on training images; training makes it smaller."),
        ("loss", "losses"),
        ("损失函数", "损失"),
        "training",
    ),
    Term(
        "lovasz",
        message("Lovász"),
        message("A loss that follows the IoU directly, added to another one."),
        ("Lovász",),
        (),
        "training",
    ),
    Term(
        "margin",
        message("Margin"),
        message(
            "How far the most probable class is ahead of the second one: small where the model "
            "nearly said something else."
        ),
        ("margin",),
        ("间隔",),
        "labelling-with-a-model",
    ),
    Term(
        "miou",
        message("mIoU"),
        message(
            "The IoU averaged over the classes, background included: 1 is perfect, 0.7 is usual "
            "for small defects."
        ),
        ("mIoU",),
        ("平均交并比",),
        "inspecting",
    ),
    Term(
        "missed",
        message("Missed"),
        message("A labelled defect that the model does not find."),
        ("missed",),
        ("漏检",),
        "inspecting",
    ),
    Term(
        "momentum",
        message("Momentum"),
        message(
            "An optimizer that keeps the direction of earlier steps, as a rolling ball does; also "
            "called SGD."
        ),
        ("Momentum", "SGD"),
        (),
        "training",
    ),
    Term(
        "onnx",
        message("ONNX"),
        message(
            "A file format for trained networks that most programs and languages can run, in ONNX "
            "Runtime for example."
        ),
        ("ONNX", "ONNX Runtime"),
        (),
        "formats",
    ),
    Term(
        "openvino",
        message("OpenVINO"),
        message("Intel's program that runs networks on its processors, and its file format."),
        ("OpenVINO",),
        (),
        "formats",
    ),
    Term(
        "optimizer",
        message("Optimizer"),
        message("The rule by which each step of a training changes the weights."),
        ("optimizer",),
        ("优化器",),
        "training",
    ),
    Term(
        "p95",
        message("95 % within"),
        message(
            "The time within which 95 of 100 images are done: what a line has to reckon with, "
            "where the median is the usual time."
        ),
        ("p95", "95 % within", "percentile"),
        ("95% 不超过", "百分位数"),
        "benchmark",
    ),
    Term(
        "parameters",
        message("Parameters"),
        message(
            "The numbers that a network learns, its weights: more can tell more, and are slower."
        ),
        ("million parameters",),
        ("百万参数",),
        "training",
    ),
    Term(
        "precision",
        message("Precision"),
        message("Of what the model claims, the share that is right."),
        ("precision",),
        ("精确率",),
        "inspecting",
    ),
    Term(
        "pruning",
        message("Pruning"),
        message("Taking channels out of a network that matter least, to make it faster."),
        ("prune", "pruned", "pruning"),
        ("剪枝", "剪裁"),
        "compressing",
    ),
    Term(
        "quantisation",
        message("Quantisation"),
        message("Rounding a network's numbers from 32 bits to 8, to make it smaller and faster."),
        ("quantise", "quantised", "quantising", "quantisation"),
        ("量化",),
        "compressing",
    ),
    Term(
        "recall",
        message("Recall"),
        message("Of what is labelled, the share that the model finds."),
        ("recall",),
        ("召回率",),
        "inspecting",
    ),
    Term(
        "scale",
        message("Scale of the images"),
        message(
            "Pixels that the network sees for each pixel of an image: above 1 small defects are "
            "enlarged, below 1 it is faster."
        ),
        ("scale of the images",),
        ("图像缩放",),
        "training",
    ),
    Term(
        "score",
        message("Score"),
        message("How sure the model is, from 0 to 1: of an object, the mean over its pixels."),
        ("low score", "score", "scores"),
        ("得分", "分数"),
        "judging",
    ),
    Term(
        "seed",
        message("Seed"),
        message("The number that chance begins with: the same one repeats a training."),
        ("seed",),
        ("随机种子",),
        "training",
    ),
    Term(
        "sensitivity",
        message("Sensitivity"),
        message(
            "What the model loses when channels are taken out of one layer at a time: it tells "
            "where pruning is cheap."
        ),
        ("sensitivity",),
        ("敏感度",),
        "compressing",
    ),
    Term(
        "subset",
        message("Subset"),
        message(
            "Images are divided into three: training images to learn from, validation images to "
            "choose the best model by, test images that nothing was chosen by."
        ),
        ("subset", "subsets", "validation", "Validation", "test set"),
        ("子集", "验证集", "验证", "训练集", "测试集"),
        "data-format",
    ),
    Term(
        "superpixels",
        message("Superpixels"),
        message("Small areas of even colour: a click labels a whole one up to its edge."),
        (
            "superpixel",
            "superpixels",
        ),
        ("超像素",),
        "labelling",
    ),
    Term(
        "tensorrt",
        message("TensorRT"),
        message("NVIDIA's program that runs networks on its cards."),
        ("TensorRT",),
        (),
        "formats",
    ),
    Term(
        "threshold",
        message("Threshold"),
        message(
            "How probable a class must be for a pixel to get it: a lower one finds more, with more "
            "false alarms."
        ),
        (
            "threshold",
            "thresholds",
        ),
        ("阈值",),
        "inspecting",
    ),
    Term(
        "visualdl",
        message("VisualDL"),
        message("A program that shows the curves of trainings in the browser."),
        ("VisualDL",),
        (),
        "training",
    ),
    Term(
        "weights",
        message("Weights"),
        message(
            "The numbers that a network learns; to start from those of another training saves time "
            "and images."
        ),
        ("weights",),
        ("初始权重", "权重"),
        "pretrained",
    ),
)
