#!/usr/bin/env python3
"""Encodes the clips that the channels of a fleet are composed of: `tests/fleet/clips.py FOLDER [CELLS]`.

Each clip has 46 s in segments of 2 s, H.264 and AAC in transport streams, in two sizes: `FOLDER/CLIP/SIZE-N.ts`. All of it is generated.
46 s and 10 s are chosen so that a sampler sees many different frames. Existing clips are kept, so only the first run takes time.

Every clip has the same timestamps. A channel that changes from one clip to another at the same segment continues without a discontinuity.

With CELLS, writes the mean luma of 32 by 32 cells of each key frame of some clips there: `tests/fixtures/watch` has them for unit tests.
"""

import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

SECONDS = 46
SEGMENT = 2
SIZES = {"low": (320, 180, "150k", "300k"), "high": (640, 360, "500k", "1000k")}

# The noise of a camera's sensor. Stronger noise would hide small motion.
GRAIN = "noise=alls=3:allf=t"
# A still room of blurred noise
ROOM = "color=gray:s=640x360:r=25,noise=alls=90:all_seed=7,avgblur=21,eq=contrast=3"
MANDELBROT = "mandelbrot=s=640x360:r=25:end_scale=0.01:end_pts=1150"
TONE = "sine=f=330:r=48000,tremolo=f=2:d=0.8"
SILENCE = "anullsrc=r=48000:cl=mono"


def head(color, size, x, y):
    """A textured ellipse, which nods."""
    shape = f"color={color}:s={size}:r=25,format=yuva420p,noise=alls=40:all_seed=3,avgblur=5,geq=lum='lum(X,Y)':cb='cb(X,Y)':cr='cr(X,Y)':" \
            f"a='if(lt(pow((X-W/2)/(W/2),2)+pow((Y-H/2)/(H/2),2),1),255,0)',format=yuva420p"
    return shape, f"overlay=x='{x}':y='{y}'"


def talking_head():
    shape, place = head("0xb08060", "110x150", "262+5*sin(1.7*t)+2*sin(4.1*t)", "110+3*sin(2.3*t)")
    # The mouth is an overlay too, because drawbox evaluates its position only once
    lips = "color=0x602020:s=34x10:r=25"
    return f"{ROOM}[room];{shape}[head];{lips}[lips];[room][head]{place}[a];[a][lips]overlay=x='300+5*sin(1.7*t)':y='212+4*abs(sin(5*t))'," \
           f"{GRAIN}"


def credits():
    """White lines that scroll up over black, the page repeated every 11.5 s."""
    lines = ";".join(
        f"color=black:s={200 + 37 * (n * 7 % 5)}x14:r=25,drawbox=c=white:t=fill,noise=alls=100:all_seed={n}[line{n}]" for n in range(9)
    )
    chain, last = [], "base"
    for n in range(9):
        chain.append(f"[{last}][line{n}]overlay=x=(W-w)/2:y='mod({n}*60-t*47+5400\\,540)-90'[c{n}]")
        last = f"c{n}"
    return f"color=black:s=640x360:r=25[base];{lines};" + ";".join(chain) + f";[{last}]null"


def night():
    """A dark street: a few lamps, a car's lights that pass, and grain."""
    lamps = ",".join(f"drawbox=x={x}:y={y}:w=10:h=8:color=0x8a7a50:t=fill" for x, y in ((90, 80), (300, 95), (520, 70)))
    return f"color=0x0b0c10:s=640x360:r=25,noise=alls=20:all_seed=5,avgblur=3,{lamps},avgblur=3[street];" \
           f"color=0xb0a890:s=16x8:r=25[car];[street][car]overlay=x='mod(t*53,900)-60':y=250,{GRAIN}"


def slow_fade():
    """Two still scenes that dissolve into each other in 23 s."""
    return f"{ROOM}[a];color=gray:s=640x360:r=25,noise=alls=90:all_seed=99,avgblur=21,eq=contrast=3[b];" \
           f"[a][b]blend=all_expr='A*(0.5+0.5*cos(2*PI*T/46))+B*(0.5-0.5*cos(2*PI*T/46))',{GRAIN}"


# A picture of a moving scene, held
HELD = "mandelbrot=s=640x360:r=25:start_scale=0.4,select='eq(n,0)',loop=-1:1:0,setpts=N/25/TB"
SLATE = "smptehdbars=s=640x360:r=25,hue=h=40,drawbox=x=120:y=120:w=400:h=120:color=0x203060:t=fill,drawbox=x=180:y=160:w=280:h=40:color=white:t=8"

# Name: the filter graph of the picture, and of the sound (None: no audio stream)
CLIPS = {
    "moving": (f"{MANDELBROT},{GRAIN}", TONE),
    "studio": (f"testsrc2=s=640x360:r=25,{GRAIN}", TONE),
    "life": ("life=s=160x90:r=12.5:mold=10:ratio=0.12:seed=4:death_color=0x203040:life_color=0xc0d0a0,scale=640:360:flags=bilinear,fps=25", TONE),
    "head": (talking_head(), TONE),
    "night": (night(), TONE),
    "credits": (credits(), TONE),
    "dissolve": (slow_fade(), TONE),
    "frozen": (HELD, TONE),
    "slate": (SLATE, "sine=f=260:r=48000:b=4"),
    "radio": (SLATE.replace("0x203060", "0x603020"), "sine=f=220:r=48000:b=4"),
    "black": ("color=black:s=640x360:r=25", TONE),
    "dark": ("color=0x050505:s=640x360:r=25,noise=alls=3:allf=t", TONE),
    "flat": ("color=0x3060a0:s=640x360:r=25", TONE),
    "bars": ("smptebars=s=640x360:r=25", "sine=f=1000:r=48000"),
    "mute": (f"testsrc2=s=640x360:r=25,{GRAIN}", SILENCE),
    "soundless": (f"testsrc2=s=640x360:r=25,{GRAIN}", None),
}


def encode(folder, name):
    picture, sound = CLIPS[name]
    work = folder / f".{name}"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    command = ["ffmpeg", "-v", "error", "-nostdin", "-y", "-filter_complex_threads", "1"]
    labels = "".join(f"[{size}0]" for size in SIZES)
    scales = ";".join(f"[{size}0]scale={w}:{h}:flags=area,format=yuv420p[{size}]" for size, (w, h, _, _) in SIZES.items())
    graph = f"{picture},split={len(SIZES)}{labels};{scales}"
    if sound:
        graph += f";{sound},asplit={len(SIZES)}" + "".join(f"[sound-{size}]" for size in SIZES)
    command += ["-filter_complex", graph]
    for size, (_, _, rate, buffer) in SIZES.items():
        command += ["-map", f"[{size}]"] + (["-map", f"[sound-{size}]", "-c:a", "aac", "-b:a", "48k", "-ac", "1"] if sound else [])
        command += ["-c:v", "libx264", "-preset", "veryfast", "-threads", "1", "-profile:v", "main", "-b:v", rate, "-maxrate", rate, "-bufsize", buffer]
        command += ["-g", str(25 * SEGMENT), "-keyint_min", str(25 * SEGMENT), "-sc_threshold", "0", "-t", str(SECONDS)]
        command += ["-f", "hls", "-hls_time", str(SEGMENT), "-hls_list_size", "0", "-hls_segment_filename", work / f"{size}-%d.ts", work / f"{size}.m3u8"]
    subprocess.run(command, check=True)
    work.rename(folder / name)


def cells(file):
    """The mean luma of 32 by 32 cells of a segment's key frame, from 160 by 90 samples."""
    command = ["ffmpeg", "-v", "fatal", "-skip_frame", "nokey", "-i", file, "-frames:v", "1", "-vf", "scale=out_range=pc", "-pix_fmt", "gray", "-f", "rawvideo", "-"]
    luma = subprocess.run(command, check=True, capture_output=True).stdout
    rows = [luma[(2 * y + 1) * 320 + 1:(2 * y + 2) * 320:2] for y in range(90)]
    means = bytearray()
    for row in range(32):
        top, bottom = row * 90 // 32, max((row + 1) * 90 // 32, row * 90 // 32 + 1)
        for column in range(32):
            samples = [sample for line in rows[top:bottom] for sample in line[column * 5:column * 5 + 5]]
            means.append(sum(samples) // len(samples))
    return bytes(means)


def main():
    folder = Path(sys.argv[1])
    missing = [name for name in CLIPS if not (folder / name).is_dir()]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for name in pool.map(lambda name: encode(folder, name) or name, missing):
            print(f"clip {name}", file=sys.stderr)
    if len(sys.argv) > 2:
        for name in ("dissolve", "frozen", "head", "moving", "night", "slate"):
            frames = [cells(folder / name / f"low-{n}.ts") for n in range(SECONDS // SEGMENT)]
            (Path(sys.argv[2]) / f"{name}.cells").write_bytes(b"".join(frames))


if __name__ == "__main__":
    main()
