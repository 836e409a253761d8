"""The names of classes as their encodings are told, or left in doubt."""

import pytest

from core.system import files
from core.system.encodings import readings
from core.system.errors import InputError


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("gb18030", "划痕"),
        ("gb18030", "背景\n肿瘤\n器官"),  # more probably Korean, were it not for the background
        ("gb18030", "background\n裂纹\n破损"),
        ("gb18030", "焊缝\n虚焊\n漏焊"),
        ("gb18030", "bg\n划痕㐀"),
        ("gb18030", "α相\n珠光体"),
        ("big5hkscs", "背景\n裂縫\n刮痕"),
        ("big5hkscs", "瑕疵\n正常"),
        ("cp932", "background\n傷\n汚れ"),
        ("cp932", "キズ\nへこみ"),
        ("cp949", "배경\n긁힘"),
        ("cp949", "도로\n건물\n하늘\n사람"),
        ("cp1252", "bg\nFläche"),
        ("cp1252", "Straße\nGebäude"),
        ("cp1252", "fond\nfêlure\nébréché"),
        ("cp1252", "worker’s tool"),
        ("cp1252", "45° edge"),
        ("cp1251", "фон\nтрещина"),
        ("cp1250", "tło\npęknięcie\nrysa"),
    ],
)
@pytest.mark.parametrize("around", ["{}\n", '{{"shapes": [{{"label": "{}", "points": []}}]}}'])
def test_what_is_clear_is_read_and_told(tmp_path, encoding, text, around):
    path = tmp_path / "a.txt"
    path.write_bytes(around.format(text).encode(encoding))
    with files.noting_encodings() as noted:
        assert files.read_text(path) == around.format(text)
    assert noted == {path: encoding.upper()}


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("cp949", "background\n균열\n파손"),
        ("cp949", "세포\n핵"),
        ("gb18030", "肺\n结节"),
        ("gb18030", "_background_\n病害\n坑洞"),
        ("big5hkscs", "裂痕"),
    ],
)
def test_what_is_in_doubt_is_refused_with_both_readings(tmp_path, encoding, text):
    path = tmp_path / "a.txt"
    path.write_bytes(text.encode(encoding))
    found = readings(path.read_bytes())
    assert len(found) > 1
    assert text in [one.text for one in found]
    with pytest.raises(InputError, match=r"a\.txt is not in UTF-8, and reads as “") as caught:
        files.read_text(path)
    first = next(line for line in text.split("\n") if not line.isascii())
    assert f"“{first}” ({encoding.upper()})" in str(caught.value)


@pytest.mark.parametrize("data", [b"\xff\x01\xff", b"a\0\xe4", b"a\0b", b"a\x07\xe4\n"])
def test_what_is_no_text_is_refused(tmp_path, data):
    (tmp_path / "a.txt").write_bytes(data)
    with pytest.raises(InputError, match="is not a text file"):
        files.read_text(tmp_path / "a.txt")


def test_a_long_file_is_judged_by_its_few_foreign_words():
    text = "A" * 2_000_000 + "abc, " * 100_000 + "划痕 " * 50_000 + "凹坑"
    assert [one.encoding for one in readings(text.encode("gbk"))] == ["GB18030"]
