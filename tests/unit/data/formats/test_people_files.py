"""Each reader with files that tools and people really write: what is faulty costs only itself."""

from __future__ import annotations

import json

import numpy as np
import pytest
from format_samples import MASK, save_image, save_mask
from PIL import Image

from core.data.formats import coco, cvat, eiseg, labelme, paddlex_seg, registry, voc, yolo
from core.data.formats.detection import detect_format
from core.project import Project

WIDTH, HEIGHT = 64, 48
POLYGON = [10, 8, 30, 8, 30, 28, 10, 28]
FAR = [40, 20, 60, 20, 60, 40, 40, 40]
BOX = np.zeros((HEIGHT, WIDTH), np.uint8)
BOX[8:28, 10:30] = 1
BOTH = BOX.copy()
BOTH[20:40, 40:60] = 1
YOLO_LINE = " ".join(
    str((value + 0.5) / (WIDTH, HEIGHT)[place % 2])
    for place, value in enumerate((10, 8, 29, 8, 29, 27, 10, 27))
)


def picture(folder, *names):
    for name in names:
        save_image(folder / name, size=(HEIGHT, WIDTH))


def told(result):
    return " | ".join(str(text) for text in result.report.messages)


def by_name(result):
    return {item.image_path.name: item for item in result.items}


def write_coco(folder, annotations, *, images=("a.png",), categories=None, **more):
    picture(folder, *images)
    data = {
        "images": [
            {"id": number, "file_name": name, "width": WIDTH, "height": HEIGHT}
            for number, name in enumerate(images, 1)
        ],
        "annotations": annotations,
        "categories": categories or [{"id": 1, "name": "a"}],
        **more,
    }
    path = folder / "instances.json"
    path.write_text(json.dumps({key: value for key, value in data.items() if value is not None}))
    return folder


def segment(segmentation, *, image=1, category=1):
    return {"image_id": image, "category_id": category, "segmentation": segmentation}


class TestCoco:
    def test_good_parts_stay_and_a_flat_list_is_a_polygon(self, tmp_path):
        parts = [POLYGON, [], [5, 5], [float("nan")] * 6, FAR, None]
        result = coco.read(write_coco(tmp_path / "parts", [segment(parts)]))
        np.testing.assert_array_equal(result.items[0].mask(), BOTH)
        assert "1 image has annotations with parts that are no outlines" in told(result)
        result = coco.read(write_coco(tmp_path / "flat", [segment(POLYGON)]))
        np.testing.assert_array_equal(result.items[0].mask(), BOX)
        assert told(result) == ""

    @pytest.mark.parametrize(
        "annotations",
        [
            [{"image_id": 1, "caption": "a crack"}],
            [{"image_id": 1, "category_id": 1, "bbox": [1, 1, 5, 5], "segmentation": []}],
            [{"image_id": 1, "category_id": 1, "keypoints": [5, 5, 2]}],
            [segment([[1, 2]])],
            None,
        ],
        ids=["captions", "boxes", "key points", "damaged", "image info"],
    )
    def test_images_without_any_outline_are_unlabelled(self, tmp_path, annotations):
        folder = write_coco(tmp_path, annotations, images=("a.png", "b.png"))
        assert detect_format(folder) == "coco"
        result = registry.read("coco", folder)
        assert [item.mask for item in result.items] == [None, None]
        assert "holds no outlines of objects: its 2 images stay unlabelled" in told(result)
        with Project.create(tmp_path / "p") as project:
            report = project.import_result(result)
            assert (report.added, report.masks) == (2, 0)
            assert {row.state for row in project.images()} == {"unlabelled"}

    def test_an_image_with_boxes_only_is_unlabelled_and_an_empty_one_background(self, tmp_path):
        images = ("a.png", "b.png", "c.png")
        annotations = [segment([POLYGON]), segment([], image=2)]
        items = by_name(coco.read(write_coco(tmp_path, annotations, images=images)))
        assert items["a.png"].mask().any()
        assert items["b.png"].mask is None
        assert not items["c.png"].mask().any()

    def test_a_category_without_a_name_costs_only_its_annotations(self, tmp_path):
        categories = [{"id": 1, "name": "a"}, {"id": 2, "name": None}]
        annotations = [segment([POLYGON]), segment([FAR], category=2)]
        result = coco.read(write_coco(tmp_path, annotations, categories=categories))
        np.testing.assert_array_equal(result.items[0].mask(), BOX)
        assert "1 category of" in told(result)
        assert "1 annotation of" in told(result)

    def test_what_was_drawn_on_the_stored_photograph_is_turned(self, tmp_path):
        folder = write_coco(tmp_path, [segment([POLYGON])], images=("a.jpg",))
        image = Image.new("RGB", (WIDTH, HEIGHT))
        exif = image.getexif()
        exif[274] = 6
        image.save(folder / "a.jpg", exif=exif)
        result = coco.read(folder)
        np.testing.assert_array_equal(result.items[0].mask(), np.rot90(BOX, -1))
        assert "turned upright as the camera says (EXIF orientation" in told(result)

    def test_a_linked_folder_of_images_is_followed(self, tmp_path):
        picture(tmp_path / "target", "a.png")
        folder = write_coco(tmp_path / "set", [segment([POLYGON])])
        (folder / "a.png").unlink()
        (folder / "images").symlink_to("../target", target_is_directory=True)
        np.testing.assert_array_equal(coco.read(folder).items[0].mask(), BOX)


def write_labelme(folder, name, image, shapes, **more):
    data = {"shapes": shapes, "imagePath": image, "imageData": None, **more}
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(data))
    return path


def shape(label="a", points=((10, 8), (29, 27))):
    return {"label": label, "points": list(points), "shape_type": "rectangle"}


class TestLabelme:
    @pytest.mark.parametrize("label", [None, "", " "])
    def test_a_shape_without_a_label_costs_only_itself(self, tmp_path, label):
        picture(tmp_path, "a.png")
        write_labelme(tmp_path, "a.json", "a.png", [shape(), shape(label)])
        result = labelme.read(tmp_path)
        np.testing.assert_array_equal(result.items[0].mask(), BOX)
        assert "Shape 2 of" in told(result)

    def test_two_files_of_one_image_are_told(self, tmp_path):
        picture(tmp_path, "a.png")
        write_labelme(tmp_path, "a.json", "a.png", [shape()])
        write_labelme(tmp_path, "a_copy.json", "a.png", [shape("b")])
        result = labelme.read(tmp_path)
        assert len(result.items) == 1
        assert "a_copy.json is about a.png, as a.json is" in told(result)

    @pytest.mark.parametrize("where", ["a.png", "../images/a.png", "C:\\Users\\me\\a.png"])
    def test_images_in_another_folder_are_found(self, tmp_path, where):
        picture(tmp_path, "images/a.png")
        write_labelme(tmp_path, "labels/a.json", where, [shape()])
        (item,) = labelme.read(tmp_path).items
        assert item.image_path == tmp_path / "images/a.png"

    def test_the_embedded_image_counts_before_another_of_its_name(self, tmp_path):
        import base64

        picture(tmp_path, "other/a.png")
        picture(tmp_path, "x.png")
        bright = np.full((HEIGHT, WIDTH, 3), 200, np.uint8)
        Image.fromarray(bright).save(tmp_path / "x.png")
        data = base64.b64encode((tmp_path / "x.png").read_bytes()).decode()
        (tmp_path / "x.png").unlink()
        write_labelme(tmp_path, "one/a.json", "a.png", [shape()], imageData=data)
        result = labelme.read(tmp_path, extract_to=tmp_path.parent / f"{tmp_path.name} taken out")
        assert np.asarray(Image.open(result.items[0].image_path)).min() == 200

    def test_a_source_with_dots_is_the_folder_it_means(self, tmp_path, monkeypatch):
        picture(tmp_path / "data", "a.png")
        write_labelme(tmp_path / "data", "a.json", "a.png", [shape()])
        (tmp_path / "here").mkdir()
        monkeypatch.chdir(tmp_path / "here")
        result = registry.read("labelme", "../data")
        assert [item.image_path for item in result.items] == [tmp_path / "data/a.png"]


class TestYolo:
    def write(self, folder, line, *, yaml="names: [a, b]\n", name="data.yaml"):
        picture(folder, "images/a.png")
        (folder / "labels").mkdir(exist_ok=True)
        (folder / "labels/a.txt").write_text(line)
        if yaml:
            (folder / name).write_text(yaml)
        return folder

    @pytest.mark.parametrize(
        ("name", "text"),
        [
            ("data.yaml", "names: [a, b]\n"),
            ("data.yaml", "names: {'0': a, '1': b}\n"),
            ("mine.yaml", "path: ../x\nnames: {0: a, 1: b}\n"),
            ("classes.txt", "a\nb\n"),
            ("labels/classes.txt", "a\nb\n"),
        ],
    )
    def test_names_from_wherever_they_are(self, tmp_path, name, text):
        folder = self.write(tmp_path, f"0.0 {YOLO_LINE}\n", yaml=None)
        (folder / name).write_text(text)
        assert detect_format(folder) == "yolo"
        result = yolo.read(folder)
        assert result.labels == ["background", "a", "b"]
        np.testing.assert_array_equal(result.items[0].mask(), BOX)

    def test_a_class_beyond_the_names_costs_only_its_outlines(self, tmp_path):
        folder = self.write(tmp_path, f"0 {YOLO_LINE}\n7 0.5 0.5 0.9 0.5 0.9 0.9\n")
        result = yolo.read(folder)
        np.testing.assert_array_equal(result.items[0].mask(), BOX)
        assert "names the class 7, which data.yaml does not have; 1 outlines" in told(result)

    def test_images_without_text_are_background_where_others_have_one(self, tmp_path):
        folder = self.write(tmp_path, f"0 {YOLO_LINE}\n")
        picture(folder, "images/b.png", "images/c.png", "images/test/d.png")
        items = by_name(result := yolo.read(folder))
        assert not items["b.png"].mask().any()
        assert items["d.png"].mask is None
        assert "2 images have no text file and are taken as background" in told(result)
        assert "1 image has no annotation" in told(result)

    def test_letter_case_and_normal_form_do_not_part_image_and_text(self, tmp_path):
        folder = self.write(tmp_path, f"0 {YOLO_LINE}\n")
        (folder / "images/a.png").rename(folder / "images/IMG_\u00e9.PNG")
        (folder / "labels/a.txt").rename(folder / "labels/img_e\u0301.txt")
        (folder / "images").rename(folder / "Images")
        np.testing.assert_array_equal(yolo.read(folder).items[0].mask(), BOX)


def write_cvat(folder, *images):
    folder.mkdir(parents=True, exist_ok=True)
    text = "".join(
        f'<image id="{n}" width="{WIDTH}" height="{HEIGHT}" {attributes}>{shapes}</image>'
        for n, (attributes, shapes) in enumerate(images)
    )
    (folder / "annotations.xml").write_text(f"<annotations>{text}</annotations>")
    return folder


CVAT_BOX = '<polygon label="a" points="10,8;30,8;30,28;10,28"/>'


class TestCvat:
    def test_the_subset_picks_the_folder(self, tmp_path):
        picture(tmp_path, "images/Train/0.png", "images/Test/0.png")
        far = CVAT_BOX.replace("10,8", "11,8")
        write_cvat(
            tmp_path,
            ('name="0.png" subset="Train"', CVAT_BOX),
            ('name="0.png" subset="Test"', far),
        )
        result = cvat.read(tmp_path)
        assert {item.image_path.parent.name: item.subset for item in result.items} == {
            "Train": "train",
            "Test": "test",
        }
        (train,) = [item for item in result.items if item.subset == "train"]
        np.testing.assert_array_equal(train.mask(), BOX)

    def test_an_image_with_lines_only_is_unlabelled(self, tmp_path):
        picture(tmp_path, "a.png", "b.png")
        lines = '<polyline label="a" points="1,1;5,5"/>'
        write_cvat(tmp_path, ('name="a.png"', lines), ('name="b.png"', ""))
        items = by_name(cvat.read(tmp_path))
        assert items["a.png"].mask is None
        assert not items["b.png"].mask().any()


class TestVoc:
    def test_images_of_one_name_in_subfolders(self, tmp_path):
        other = np.flip(MASK, 1).copy()
        for folder, mask in (("x", MASK), ("y", other)):
            save_image(tmp_path / "JPEGImages" / folder / "a.jpg")
            save_mask(tmp_path / "SegmentationClass" / folder / "a.png", mask)
        lists = tmp_path / "ImageSets/Segmentation"
        lists.mkdir(parents=True)
        (lists / "train.txt").write_text("x/a\n")
        (lists / "val.txt").write_text("D:\\voc\\JPEGImages\\y\\a.jpg\ny/a 1\n")
        result = voc.read(tmp_path)
        masks = {item.image_path.parent.name: item for item in result.items}
        np.testing.assert_array_equal(masks["x"].mask(), MASK)
        np.testing.assert_array_equal(masks["y"].mask(), other)
        assert (masks["x"].subset, masks["y"].subset) == ("train", "val")

    def test_palette_and_colours_in_one_folder(self, tmp_path):
        for stem in ("a", "b"):
            save_image(tmp_path / f"JPEGImages/{stem}.jpg")
        mask = np.where(MASK == 1, 1, 0).astype(np.uint8)
        save_mask(tmp_path / "SegmentationClass/a.png", mask)
        colors = np.zeros((*mask.shape, 3), np.uint8)
        colors[mask == 1] = (128, 0, 0)
        Image.fromarray(colors).save(tmp_path / "SegmentationClass/b.png")
        for item in voc.read(tmp_path).items:
            np.testing.assert_array_equal(item.mask(), mask)


class TestSeg:
    def test_the_lists_of_paddleseg(self, tmp_path):
        for stem in ("a 1", "b", "c"):
            save_image(tmp_path / f"images/{stem}.jpg")
            save_mask(tmp_path / f"annotations/{stem}.png")
        (tmp_path / "train.txt").write_text("images/a 1.jpg\tannotations/a 1.png\r\n")
        (tmp_path / "val.txt").write_text("./images/b.jpg ./annotations/b.png\r\n")
        (tmp_path / "test.txt").write_text("images/c.jpg\r\n")
        assert detect_format(tmp_path) == "seg"
        result = paddlex_seg.read(tmp_path)
        assert {item.image_path.stem: item.subset for item in result.items} == {
            "a 1": "train",
            "b": "val",
            "c": "test",
        }
        assert all(item.mask is not None for item in result.items)

    def test_lists_of_another_computer(self, tmp_path):
        for stem in ("a", "b", "c"):
            save_image(tmp_path / f"JPEGImages/{stem}.png")
            save_mask(tmp_path / f"Annotations/{stem}.png")
        (tmp_path / "train_list.txt").write_text(
            "D:\\data\\JPEGImages\\a.png D:\\data\\Annotations\\a.png\n"
            "/mnt/old disk/JPEGImages/b.png\t/mnt/old disk/Annotations/b.png\n"
            "../old/JPEGImages/C.PNG ../old/Annotations/c.PNG\n"
        )
        result = paddlex_seg.read(tmp_path)
        assert [item.image_path.name for item in result.items] == ["a.png", "b.png", "c.png"]
        for item in result.items:
            assert item.image_path.parent.name == "JPEGImages"
            np.testing.assert_array_equal(item.mask(), MASK)
        assert "are not where the annotations say" in told(result)

    def test_an_image_that_is_missing_is_not_replaced_by_its_mask(self, tmp_path):
        for stem in ("a", "b"):
            save_image(tmp_path / f"JPEGImages/{stem}.png")
            save_mask(tmp_path / f"Annotations/{stem}.png")
        (tmp_path / "JPEGImages/a.png").unlink()
        (tmp_path / "train_list.txt").write_text(
            "".join(f"JPEGImages/{stem}.png Annotations/{stem}.png\n" for stem in "ab")
        )
        result = paddlex_seg.read(tmp_path)
        assert [item.image_path.name for item in result.items] == ["b.png"]


def test_a_damaged_polygon_of_eiseg_costs_only_itself(tmp_path):
    picture(tmp_path, "a.png")
    (tmp_path / "label").mkdir()
    corners = [[10, 8], [29, 8], [29, 27], [10, 27]]
    good = {"name": "a", "labelIdx": 1, "color": [1, 2, 3], "points": corners}
    path = tmp_path / "label/a.json"
    path.write_text(json.dumps([good, {**good, "points": [["x", 1]]}]))
    result = eiseg.read(tmp_path)
    np.testing.assert_array_equal(result.items[0].mask(), BOX)
    assert "Shape 2 of" in told(result)


def test_what_masks_have_to_say_is_in_the_projects_report(tmp_path):
    image = Image.new("RGB", (4, 3))
    exif = image.getexif()
    exif[274] = 6
    (tmp_path / "images").mkdir()
    image.save(tmp_path / "images/a.jpg", exif=exif)
    save_mask(tmp_path / "masks/a.png")
    (tmp_path / "labels.txt").write_text("bg\na\nb\n")
    with Project.create(tmp_path / "p") as project:
        report = project.import_result(registry.read("masks", tmp_path))
        assert report.masks == 1
        np.testing.assert_array_equal(
            project.label_map(next(iter(project.images())).id), np.rot90(MASK, -1)
        )
    assert ["EXIF orientation" in str(text) for text in report.lost] == [True]
