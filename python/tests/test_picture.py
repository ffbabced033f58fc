"""Pictures: their bytes, their pixels, their report, and files."""

from __future__ import annotations

import base64
import datetime
import json
import os
import pickle
import subprocess
from pathlib import Path

import numpy
import PIL.Image
import pytest
from conftest import BINARIES, FIXTURES, FaultyOrigin, Origin
from frames import decoded, largest_error, number

import hlsnap


def test_a_picture_is_the_frame_of_its_moment(origin: Origin) -> None:
    for path in ("/vod-ts/master.m3u8", "/vod-fmp4/master.m3u8"):
        picture = hlsnap.snapshot(origin.url(path), at=3.2)
        assert (picture.format, picture.media_type, picture.width, picture.height) == ("jpeg", "image/jpeg", 640, 360)
        pixels = decoded(picture.bytes)
        assert pixels.shape == (360, 640, 3)
        assert number(pixels) == 80
        assert largest_error(pixels) <= 6


def test_the_array_is_the_png_whatever_the_format(origin: Origin) -> None:
    url = origin.url("/vod-ts/master.m3u8")
    for options in ({}, {"width": 320}, {"height": 100, "width": 100, "fit": "pad"}, {"crop": "0.25,0,0.5,1"}):
        png = decoded(hlsnap.snapshot(url, at=2, format="png", **options).bytes)
        for format in ("jpeg", "webp", "png"):
            array = hlsnap.snapshot(url, at=2, format=format, **options).array()
            assert array.dtype == numpy.uint8 and array.flags.writeable
            assert numpy.array_equal(array, png), (format, options)


@pytest.mark.parametrize("name", ["hdr/pq.mp4", "hdr/hlg.mp4", "shape", "fields", "av1/chart.mp4"])
def test_the_array_of_difficult_frames_is_the_png_too(name: str) -> None:
    path = FIXTURES / name
    files = [path] if path.is_file() else sorted(one for one in path.iterdir() if one.suffix in (".ts", ".mp4"))[:4]
    assert files
    for file in files:
        # Debug builds take seconds for HDR
        png = decoded(hlsnap.snapshot(file, format="png", timeout=300).bytes)
        assert numpy.array_equal(hlsnap.snapshot(file, timeout=300).array(), png), file


def test_each_array_belongs_to_the_caller(origin: Origin) -> None:
    picture = hlsnap.snapshot(origin.url("/vod-ts/master.m3u8"))
    first = picture.array()
    first[:] = 0
    assert picture.array().any()
    assert numpy.asarray(picture, dtype=numpy.float32).shape == (360, 640, 3)


def test_the_picture_is_that_of_the_command_line(origin: Origin, tmp_path: Path) -> None:
    url = origin.url("/vod-ts/master.m3u8")
    picture = hlsnap.snapshot(url, at=3, width=320, quality=70)
    command = [BINARIES / "hlsnap", url, "--at", "3", "-w", "320", "-q", "70", "--json", "-o", tmp_path / "a.jpg"]
    report = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    assert (tmp_path / "a.jpg").read_bytes() == picture.bytes
    assert report.keys() == picture.report.keys()
    for key in report.keys() - {"cost", "timing_ms", "output"}:
        assert report[key] == picture.report[key], key


def test_pillow_opens_it(origin: Origin) -> None:
    for format in ("jpeg", "png", "webp"):
        picture = hlsnap.snapshot(origin.url("/vod-ts/master.m3u8"), format=format, width=100)
        image = picture.image()
        assert isinstance(image, PIL.Image.Image)
        assert (image.size, image.format) == ((picture.width, picture.height), format.upper())


def test_notebooks_show_it(origin: Origin) -> None:
    url = origin.url("/vod-ts/master.m3u8")
    jpeg, png, webp = (hlsnap.snapshot(url, width=64, format=format) for format in ("jpeg", "png", "webp"))
    assert base64.b64decode(jpeg._repr_mimebundle_()["image/jpeg"]) == jpeg.bytes == jpeg._repr_jpeg_()
    assert base64.b64decode(png._repr_mimebundle_()["image/png"]) == png.bytes == png._repr_png_()
    assert (jpeg._repr_png_(), png._repr_jpeg_()) == (None, None)
    assert webp._repr_mimebundle_()["text/html"].startswith('<img src="data:image/webp;base64,')
    assert repr(jpeg) == f"<hlsnap.Picture jpeg 64x36, {len(jpeg.bytes)} bytes>"


def test_moments_have_python_types(origin: Origin) -> None:
    url = origin.url("/vod-ts/master.m3u8")
    back = datetime.timedelta(seconds=-2.8)
    for at in ("3.2", 3.2, numpy.float32(3.2), datetime.timedelta(seconds=3.2), back, "-2.8s", -2.8):
        assert number(hlsnap.snapshot(url, at=at, variant="small").array()) == 80, at
    live = origin.url("/live/master.m3u8")
    newest = hlsnap.snapshot(live).report["frame"]["program_date_time"]
    date = datetime.datetime.fromisoformat(newest.replace("Z", "+00:00")) - datetime.timedelta(seconds=1)
    found = hlsnap.snapshot(live, at=date).report["frame"]["program_date_time"]
    assert datetime.datetime.fromisoformat(found.replace("Z", "+00:00")) == date
    with pytest.raises(hlsnap.UsageError, match="no time zone"):
        hlsnap.snapshot(live, at=datetime.datetime(2026, 1, 31))


def test_headers_reach_the_origin(faulty: FaultyOrigin) -> None:
    url = faulty.url("/ladder-ts/master.m3u8")
    client = hlsnap.Client(user_agent="tests/1", header={"X-Default": "1"})
    for header in ({"X-One": "a", "X-Two": "b"}, ["X-One: a", "X-Two: b"]):
        client.snapshot(url, header=header, cookie="c=d", width=64)
        sent = {name: faulty.headers.get(name) for name in ("user-agent", "x-default", "x-one", "x-two", "cookie")}
        assert sent == {"user-agent": "tests/1", "x-default": "1", "x-one": "a", "x-two": "b", "cookie": "c=d"}


def test_connections_stay_open(faulty: FaultyOrigin) -> None:
    client = hlsnap.Client()
    for _ in range(5):
        client.snapshot(faulty.url("/ladder-ts/v2.m3u8"))
    assert len(faulty.requests) == 10
    assert len(faulty.clients) < 5, "each picture would otherwise need a connection"


def test_compare_takes_pictures_files_and_hashes(origin: Origin, tmp_path: Path) -> None:
    url = origin.url("/vod-ts/master.m3u8")
    first, same, other = (hlsnap.snapshot(url, at=at, variant="small") for at in (1, 1, 4))
    first.save(tmp_path / "first.jpg")
    for earlier in (first, first.bytes, tmp_path / "first.jpg", str(tmp_path / "first.jpg"), first.report["verdict"]["hash"]):
        assert hlsnap.snapshot(url, at=1, variant="small", compare=earlier).report["verdict"]["frozen"] is True
    assert hlsnap.snapshot(url, at=4, variant="small", compare=first.bytes).report["verdict"]["frozen"] is False
    assert same.bytes == first.bytes != other.bytes
    with pytest.raises(hlsnap.UsageError, match="not a picture"):
        hlsnap.snapshot(url, compare=b"nonsense")


def test_save_writes_the_whole_file_or_none(origin: Origin, tmp_path: Path) -> None:
    picture = hlsnap.snapshot(origin.url("/vod-ts/master.m3u8"), width=64)
    picture.save(tmp_path / "a.jpg")
    picture.save(str(tmp_path / "a.jpg"))
    assert (tmp_path / "a.jpg").read_bytes() == picture.bytes
    mask = os.umask(0)
    os.umask(mask)
    assert (tmp_path / "a.jpg").stat().st_mode & 0o777 == 0o666 & ~mask
    (tmp_path / "folder.jpg").mkdir()
    for name in ("no/such/folder.jpg", "folder.jpg"):
        with pytest.raises(hlsnap.OutputError) as raised:
            picture.save(tmp_path / name)
        assert isinstance(raised.value, OSError)
    with pytest.raises(hlsnap.UsageError, match="format='png'"):
        picture.save(tmp_path / "a.png")
    assert sorted(one.name for one in tmp_path.iterdir()) == ["a.jpg", "folder.jpg"]


def test_pictures_travel_between_processes_without_their_frame(origin: Origin) -> None:
    picture = hlsnap.snapshot(origin.url("/vod-ts/master.m3u8"), width=64)
    copy = pickle.loads(pickle.dumps(picture))
    assert (copy.bytes, copy.report, copy.format, copy.width) == (picture.bytes, picture.report, "jpeg", 64)
    assert copy.image().size == (64, 36)
    with pytest.raises(hlsnap.UnsupportedError, match="call array\\(\\) there"):
        copy.array()


def test_inspect_reads_playlists_alone(faulty: FaultyOrigin) -> None:
    inspection = hlsnap.inspect(faulty.url("/ladder-ts/master.m3u8"))
    assert [variant["name"] for variant in inspection["multivariant"]["variants"]] == ["middle", "large", "small"]
    assert all(path.endswith(".m3u8") for path in faulty.requests)


def test_the_program_comes_with_the_package(origin: Origin, tmp_path: Path) -> None:
    program = Path(os.environ["HLSNAP_TEST_SCRIPTS"]) / "hlsnap"
    assert program.read_bytes()[:4] == b"\x7fELF"
    version = subprocess.run([program, "--version"], check=True, capture_output=True, text=True).stdout
    assert hlsnap.__version__ in version
    command = [program, origin.url("/vod-ts/master.m3u8"), "-o", tmp_path / "a.png", "-w", "64"]
    subprocess.run(command, check=True, capture_output=True)
    assert PIL.Image.open(tmp_path / "a.png").size == (64, 36)
