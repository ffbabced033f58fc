"""Prints what other people's parsers read in the documents of a storyboard, as JSON: documents.py FOLDER."""
import json
import sys
from pathlib import Path

import m3u8
import webvtt
from mpegdash.parser import MPEGDASHParser


def read_webvtt(path):
    return [{"start": cue.start, "end": cue.end, "text": cue.text} for cue in webvtt.read(str(path))]


def read_playlist(path):
    playlist = m3u8.load(str(path))
    segments = [
        {
            "uri": segment.uri,
            "duration": segment.duration,
            "discontinuity": segment.discontinuity,
            "gap": segment.gap_tag is not None,
            "byte_range": segment.byterange,
            "init": segment.init_section and segment.init_section.uri,
            "date": segment.program_date_time and segment.program_date_time.isoformat(),
        }
        for segment in playlist.segments
    ]
    return {
        "target_duration": playlist.target_duration,
        "media_sequence": playlist.media_sequence,
        "discontinuity_sequence": playlist.discontinuity_sequence,
        "is_i_frames_only": playlist.is_i_frames_only,
        "is_images_only": playlist.is_images_only,
        "is_endlist": playlist.is_endlist,
        "segments": segments,
    }


def read_multivariant(path):
    playlist = m3u8.load(str(path))

    def facts(entry, info):
        return {
            "uri": entry.uri,
            "bandwidth": info.bandwidth,
            "resolution": info.resolution,
            "codecs": info.codecs,
        }

    return {
        "images": [facts(entry, entry.image_stream_info) for entry in playlist.image_playlists],
        "i_frames": [facts(entry, entry.iframe_stream_info) for entry in playlist.iframe_playlists],
    }


def read_mpd(path):
    def period(period):
        (images,) = period.adaptation_sets
        (representation,) = images.representations
        (template,) = images.segment_templates
        (layout,) = representation.essential_properties
        return {
            "start": period.start,
            "content_type": images.content_type,
            "mime_type": images.mime_type,
            "size": [representation.width, representation.height],
            "media": template.media,
            "start_number": template.start_number,
            "sheet_seconds": template.duration and template.duration / template.timescale,
            "timeline": [
                {"t": entry.t, "d": entry.d, "r": entry.r}
                for timeline in template.segment_timelines or []
                for entry in timeline.Ss
            ],
            "layout": [layout.scheme_id_uri, layout.value],
        }

    mpd = MPEGDASHParser.parse(str(path))
    return {"type": mpd.type, "duration": mpd.media_presentation_duration, "periods": [period(each) for each in mpd.periods]}


def main():
    folder = Path(sys.argv[1])
    documents = {
        "webvtt": read_webvtt(folder / "storyboard.vtt"),
        "images": read_playlist(folder / "images.m3u8"),
        "i_frames": read_playlist(folder / "iframes.m3u8"),
        "multivariant": read_multivariant(folder / "storyboard.m3u8"),
        "mpd": read_mpd(folder / "thumbnails.mpd"),
    }
    json.dump(documents, sys.stdout)


if __name__ == "__main__":
    main()
