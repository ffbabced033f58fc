// A black video for players, which show previews only of a video that they can play, and manifests that join it with a storyboard.
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";

const CODECS = "avc1.42C00A";

/** Encodes the video: a frame a second, as one file and in segments of one second. */
export function writeVideo(folder, seconds) {
  const source = ["-f", "lavfi", "-i", `color=black:size=160x90:rate=1:duration=${seconds}`];
  const codec = ["-c:v", "libx264", "-profile:v", "baseline", "-level", "1.0", "-g", "1", "-bf", "0", "-pix_fmt", "yuv420p"];
  const segments = ["-f", "hls", "-hls_time", "1", "-hls_list_size", "0", "-hls_segment_type", "fmp4", "-start_number", "0"];
  const outputs = [
    [...codec, "-movflags", "+faststart", "video.mp4"],
    [...codec, ...segments, "-hls_playlist_type", "vod", "-hls_segment_filename", "video-%d.m4s", "video.m3u8"],
  ];
  execFileSync("ffmpeg", ["-v", "error", "-nostdin", ...source, ...outputs.flat()], { cwd: folder });
}

/** A Multivariant Playlist of the video with the lines of storyboard.m3u8, for a path in the storyboard's folder. */
export function multivariant(storyboard) {
  const lines = readFileSync(join(storyboard, "storyboard.m3u8"), "utf8");
  return `${lines}#EXT-X-STREAM-INF:BANDWIDTH=100000,RESOLUTION=160x90,CODECS="${CODECS}"\n/video/video.m3u8\n`;
}

/** thumbnails.mpd with the video in each Period. Periods have to start at whole seconds. */
export function manifest(storyboard) {
  const mpd = readFileSync(join(storyboard, "thumbnails.mpd"), "utf8");
  return mpd.replaceAll(/<Period [^>]*start="PT([\d.]+)S">/g, (period, start) => {
    const template = `media="/video/video-$Number$.m4s" initialization="/video/init.mp4" timescale="1" duration="1"`;
    return `${period}
    <AdaptationSet contentType="video" mimeType="video/mp4" codecs="${CODECS}">
      <SegmentTemplate ${template} startNumber="${start}" presentationTimeOffset="${start}"/>
      <Representation id="video" bandwidth="100000" width="160" height="90"/>
    </AdaptationSet>`;
  });
}
