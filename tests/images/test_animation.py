"""Frames in, frames out: Pillow is the other side."""

import numpy as np
import PIL.Image
import pytest

from unpaired.errors import DataError, ShapeError, UnreadableImages
from unpaired.images import Original, is_animated, open_frames, read, write_frames


@pytest.fixture
def few_colours():
    """A function: T different frames uint8 [12, 9, C] of at most 60 colours each; with alpha all or nothing."""

    def make(count=4, channels=3, seed=0):
        random = np.random.default_rng(seed)
        colours = random.integers(0, 256, (count, 60, channels), dtype=np.uint8)
        if channels in (2, 4):
            colours[:, :, -1] = np.where(np.arange(60) < 20, 0, 255)
        places = random.integers(0, 60, (count, 12, 9))
        return [own[place] for own, place in zip(colours, places, strict=True)]

    return make


def save(path, frames, **how):
    pictures = [PIL.Image.fromarray(frame) for frame in frames]
    pictures[0].save(path, save_all=True, append_images=pictures[1:], **how)
    return path


def seen(path):
    """What Pillow shows of each frame, and how long."""
    with PIL.Image.open(path) as image:
        found = []
        for index in range(image.n_frames):
            image.seek(index)
            found.append((np.asarray(image.convert("RGBA")), image.info.get("duration")))
        return found, image.info.get("loop")


def visible(pixels):
    """RGBA with what is transparent black."""
    return np.where(pixels[:, :, 3:] == 0, 0, pixels)


@pytest.mark.parametrize("suffix", ["gif", "webp", "png"])
@pytest.mark.parametrize("channels", [3, 4])
def test_frames_survive_in_order_with_their_times(few_colours, tmp_path, suffix, channels):
    frames, durations = few_colours(channels=channels), [100, 250, 40, 80]
    path = tmp_path / f"moving.{suffix}"
    write_frames(path, iter(frames), durations=durations, loops=3)
    found, loops = seen(path)
    assert [duration for _, duration in found] == durations
    assert loops == 3
    for frame, (shown, _) in zip(frames, found, strict=True):
        wanted = frame if channels == 4 else np.dstack([frame, np.full((12, 9), 255, np.uint8)])
        assert np.array_equal(visible(shown), visible(wanted))
    with open_frames(path) as animation:
        assert (len(animation), list(animation.durations), animation.loops) == (4, durations, 3)
        assert (animation.original.channels, animation.original.alpha) == (channels, channels == 4)
        assert (animation.original.width, animation.original.height, animation.original.depth) == (9, 12, 8)
        for _ in range(2):  # as often as wanted
            again = list(animation)
            for frame, pixels in zip(frames, again, strict=True):
                if channels == 4:
                    pixels, frame = visible(pixels), visible(frame)
                assert np.array_equal(pixels, frame)
    assert list(tmp_path.iterdir()) == [path]


def test_grey_frames_of_a_png(few_colours, tmp_path):
    frames = [frame[:, :, 0] for frame in few_colours(channels=1)]
    path = save(tmp_path / "grey.png", frames, duration=50)
    with open_frames(path) as animation:
        assert animation.original.channels == 1
        assert all(np.array_equal(found[:, :, 0], frame) for found, frame in zip(animation, frames, strict=True))


def test_a_gif_that_does_not_say_how_often_is_shown_once(few_colours, tmp_path):
    path = save(tmp_path / "once.gif", few_colours(), duration=70)
    with open_frames(path) as animation:
        assert animation.loops is None
        write_frames(tmp_path / "again.gif", animation, durations=animation.durations, loops=animation.loops)
    assert seen(tmp_path / "again.gif")[1] is None


def test_many_colours_become_256_that_are_near(noise, tmp_path):
    across, down = np.meshgrid(np.arange(40), np.arange(30))
    frames = [np.stack([across * 6, down * 8, (across + down) * 3 + step], 2).astype(np.uint8) for step in (0, 9)]
    write_frames(tmp_path / "many.gif", frames, durations=[50, 50], loops=0)
    for frame, (shown, _) in zip(frames, seen(tmp_path / "many.gif")[0], strict=True):
        assert len(np.unique(shown.reshape(-1, 4), axis=0)) <= 256
        assert np.abs(shown[:, :, :3].astype(int) - frame).mean() < 6


def test_deep_frames_are_written_with_8_bits(tmp_path):
    frames = [np.full((3, 3, 3), level, np.uint16) for level in (257 * 7, 257 * 200)]
    write_frames(tmp_path / "deep.png", frames, durations=[10, 10], loops=0)
    assert [int(shown[0, 0, 0]) for shown, _ in seen(tmp_path / "deep.png")[0]] == [7, 200]


def test_the_picture_for_those_who_show_no_frames_is_none_of_them(few_colours, tmp_path):
    still, *frames = few_colours()
    path = save(tmp_path / "fallback.png", [still, *frames], duration=[50, 60, 70], default_image=True)
    with open_frames(path) as animation:
        assert list(animation.durations) == [50, 60, 70]
        assert all(np.array_equal(found, frame) for found, frame in zip(animation, frames, strict=True))


def test_still_images_have_no_frames(few_colours, tmp_path):
    moving = save(tmp_path / "a.gif", few_colours(), duration=50)
    assert is_animated(moving)
    assert is_animated(moving.read_bytes())
    frame = few_colours()[0]
    for name in ("b.gif", "c.png", "d.jpg", "e.webp"):
        PIL.Image.fromarray(frame).save(tmp_path / name)
        assert not is_animated(tmp_path / name)
    save(tmp_path / "pages.tif", few_colours())
    assert not is_animated(tmp_path / "pages.tif")
    np.save(tmp_path / "f.npy", frame)
    assert not is_animated(tmp_path / "f.npy")
    with pytest.raises(DataError, match=r"b\.gif has no frames; read it as an image"), open_frames(tmp_path / "b.gif"):
        pass
    (tmp_path / "notes.gif").write_text("no picture")
    with pytest.raises(UnreadableImages, match=r"notes\.gif"):
        is_animated(tmp_path / "notes.gif")


def test_a_damaged_frame_is_told(few_colours, tmp_path):
    path = save(tmp_path / "half.gif", few_colours(count=8), duration=50)
    path.write_bytes(path.read_bytes()[:-900])
    with pytest.raises(UnreadableImages, match=r"half\.gif"), open_frames(path):
        pass


def test_what_cannot_be_written_is_refused_and_leaves_nothing(few_colours, tmp_path):
    frames = few_colours()
    with pytest.raises(DataError, match=r"cannot write frames as '\.jpg'; wanted one of \.gif, \.webp, \.png"):
        write_frames(tmp_path / "a.jpg", frames, durations=[1] * 4, loops=0)
    with pytest.raises(ShapeError, match="4 frames of 1 sizes, 3 durations"):
        write_frames(tmp_path / "a.gif", frames, durations=[1] * 3, loops=0)
    with pytest.raises(ShapeError, match="2 frames of 2 sizes"):
        write_frames(tmp_path / "a.gif", [frames[0], frames[1][:5]], durations=[1, 1], loops=0)
    with pytest.raises(ShapeError, match=r"wanted \[H, W, 1 to 4\]"):
        write_frames(tmp_path / "a.gif", [np.zeros((3, 3, 5), np.uint8)] * 2, durations=[1, 1], loops=0)
    assert list(tmp_path.iterdir()) == []


def test_profile_and_exif_are_kept_where_there_is_room(few_colours, tmp_path):
    from PIL import ImageCms

    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    like = Original("PNG", 9, 12, 3, 8, icc=profile)
    for suffix in ("png", "webp", "gif"):
        write_frames(tmp_path / f"a.{suffix}", few_colours(), durations=[40] * 4, loops=0, like=like)
        with PIL.Image.open(tmp_path / f"a.{suffix}") as image:
            assert image.info.get("icc_profile") == (None if suffix == "gif" else profile)
    assert read(tmp_path / "a.gif").shape == (12, 9, 3)
