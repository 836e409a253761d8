"""Folders in PaddleX's SEG layout, and the dataset that training reads from them.

A folder holds ``labels.txt`` (line number = class index), ``train_list.txt``, ``val_list.txt`` and
``test_list.txt`` (lines ``image mask``; or PaddleSeg's ``train.txt`` …), and perhaps ``colors.txt``
(lines ``red green blue``).
"""

from core.datasets.class_files import COLORS_FILE, LABELS_FILE, read_colors, read_labels
from core.datasets.file_lists import (
    FileList,
    Item,
    check_exist,
    check_exists,
    list_lines,
    list_text,
    read_list,
    resolve_listed,
    respelt_remark,
)
from core.datasets.seg_dataset import SegDataset, unknown_values_error
from core.datasets.seg_folder import (
    SUBSETS,
    DataFolder,
    Subset,
    find_list,
    list_file,
    open_data_folder,
    write_data_folder,
)

__all__ = [
    "COLORS_FILE",
    "LABELS_FILE",
    "SUBSETS",
    "DataFolder",
    "FileList",
    "Item",
    "SegDataset",
    "Subset",
    "check_exist",
    "check_exists",
    "find_list",
    "list_file",
    "list_lines",
    "list_text",
    "open_data_folder",
    "read_colors",
    "read_labels",
    "read_list",
    "resolve_listed",
    "respelt_remark",
    "unknown_values_error",
    "write_data_folder",
]
