//! The texts of the manual that the help does not have: variables, files, signals and examples of each command.

/// A name, and what it means.
pub(super) type Entry = (&'static str, &'static str);
/// What an example is for, and its command line.
pub(super) type Example = (&'static str, &'static str);

/// The texts of one command.
#[derive(Debug, Clone, Copy)]
pub(super) struct ManualText {
    pub environment: &'static [&'static [Entry]],
    pub files: &'static [Entry],
    pub signals: &'static [Entry],
    pub examples: &'static [Example],
}

/// The texts of the command `name`, or of the program itself.
pub(super) fn of(name: &str) -> ManualText {
    let plain = |examples| ManualText { environment: &[NETWORK, STORES, LOGS], files: &[], signals: &[], examples };
    match name {
        "sheet" => plain(SHEET),
        "storyboard" => plain(STORYBOARD),
        "series" => plain(SERIES),
        "animate" => plain(ANIMATE),
        "inspect" => plain(INSPECT),
        "batch" => plain(BATCH),
        "serve" => ManualText {
            environment: &[OPTIONS_OF_SERVE, SERVICE, NETWORK, LOGS],
            files: SERVE_FILES,
            signals: SERVE_SIGNALS,
            examples: SERVE,
        },
        "watch" => ManualText {
            environment: &[OPTIONS_OF_WATCH, SERVICE, NETWORK, STORES, LOGS],
            files: WATCH_FILES,
            signals: WATCH_SIGNALS,
            examples: WATCH,
        },
        "sign" => ManualText { environment: &[KEY], files: &[], signals: &[], examples: SIGN },
        "completions" => ManualText { environment: &[LOGS], files: &[], signals: &[], examples: COMPLETIONS },
        _ => plain(SNAP),
    }
}

const NETWORK: &[Entry] = &[(
    "http_proxy, https_proxy, all_proxy, no_proxy",
    "The proxy for each scheme, and the hosts that are contacted without one. --proxy overrides them.",
)];

const STORES: &[Entry] = &[
    (
        "AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_REGION, ...",
        "Credentials and place of outputs in s3://. Roles of containers and web identities work too.",
    ),
    ("GOOGLE_APPLICATION_CREDENTIALS", "The file with the credentials of outputs in gs://."),
    ("AZURE_STORAGE_ACCOUNT_NAME, AZURE_STORAGE_ACCOUNT_KEY", "The account of outputs in az://."),
];

const LOGS: &[Entry] = &[("NO_COLOR", "If set, the log has no colors.")];

const KEY: &[Entry] = &[("HLSNAP_KEY", "The server's key. Other processes can read a key that is given as --key.")];

const OPTIONS_OF_SERVE: &[Entry] = &[(
    "HLSNAP_ALLOW_HOST, HLSNAP_KEY, HLSNAP_JOBS, ...",
    "The options, with HLSNAP_ before the name, in capitals, with _ for -. All options but --listen and those for messages have a variable. \
     An option that may be repeated is a list there, separated by commas. An unknown variable is an error. The command line overrides variables.",
)];

const OPTIONS_OF_WATCH: &[Entry] = &[(
    "HLSNAP_STATE, HLSNAP_OUTPUT, HLSNAP_WEBHOOK, HLSNAP_TOKEN, ...",
    "The options, with HLSNAP_ before the name, in capitals, with _ for -. The options of messages, --listen, --every, and those that say when \
     a state is reported, have no variable: give them as options, or in the list. An option that may be repeated is a list there, separated \
     by commas. An unknown variable is an error. The command line overrides variables.",
)];

const SERVICE: &[Entry] = &[("NOTIFY_SOCKET", "Where to report that the program is ready. systemd sets it for units of Type=notify.")];

const SERVE_FILES: &[Entry] = &[(
    "/etc/hlsnap/serve.env",
    "With the Debian package: the variables, the address and further options of the unit hlsnap-serve.service.",
)];

const WATCH_FILES: &[Entry] = &[
    ("/etc/hlsnap/watch.env", "With the Debian package: the variables, the address and further options of the unit hlsnap-watch.service."),
    ("/etc/hlsnap/channels.toml", "With the Debian package: the list of channels of this unit."),
    ("/var/lib/hlsnap/states.json", "With the Debian package: the states that the unit has reported."),
];

const SERVE_SIGNALS: &[Entry] =
    &[("SIGTERM, SIGINT", "End after the open requests are answered, at the latest after --timeout. New ones are refused.")];

const WATCH_SIGNALS: &[Entry] = &[
    ("SIGHUP", "Read the list again. Unchanged channels go on, and a list with a mistake changes nothing."),
    ("SIGTERM, SIGINT", "End after the waiting events are delivered to webhooks, at the latest after 5 s."),
];

const SNAP: &[Example] = &[
    ("The newest picture of a live stream:", "hlsnap https://example.com/live/index.m3u8 -o now.jpg"),
    (
        "A thumbnail, 320 pixels wide, from 1:30 of a recording, from the smallest Variant that is large enough:",
        "hlsnap --at 1:30 -w 320 https://example.com/vod/index.m3u8 -o thumb.webp",
    ),
    (
        "Ten seconds before the live edge, named by the date and time of the picture:",
        "hlsnap --at -10s https://example.com/live/index.m3u8 -o 'shots/{pdt}.jpg'",
    ),
    ("A picture on stdout, and the report on stderr:", "hlsnap --json -o - -f png https://example.com/live/index.m3u8 >now.png"),
];

const SHEET: &[Example] = &[
    ("A contact sheet of a recording:", "hlsnap sheet https://example.com/vod/index.m3u8 -o sheet.jpg"),
    (
        "A tile for each minute of the second hour:",
        "hlsnap sheet --every 1m --from 1:00:00 --for 1h --columns 10 https://example.com/vod/index.m3u8 -o hour.webp",
    ),
];

const STORYBOARD: &[Example] =
    &[("Sprites and documents for a player, in a folder:", "hlsnap storyboard https://example.com/vod/index.m3u8 -o preview/")];

const SERIES: &[Example] = &[
    (
        "A picture of a live stream every 10 s, for an hour:",
        "hlsnap series --every 10s --for 1h https://example.com/live/index.m3u8 -o 'shots/{index}.jpg'",
    ),
    (
        "The pictures of a recording that differ from the previous one:",
        "hlsnap series --every 5s --only-changed https://example.com/vod/index.m3u8 -o 'scenes/{index}.jpg'",
    ),
];

const ANIMATE: &[Example] =
    &[("Three seconds as an animation:", "hlsnap animate --from 30 --for 3s -w 320 https://example.com/vod/index.m3u8 -o preview.webp")];

const INSPECT: &[Example] = &[
    ("A table of the Variants and the live edge:", "hlsnap inspect https://example.com/live/index.m3u8"),
    ("The same as JSON:", "hlsnap inspect --json https://example.com/live/index.m3u8 >stream.json"),
];

const BATCH: &[Example] = &[
    ("A picture for each line of a list:", "hlsnap batch streams.txt -w 320 -o 'shots/{id}.jpg' >results.jsonl"),
    ("The rest, after an interruption:", "hlsnap batch streams.txt -w 320 -o 'shots/{id}.jpg' --resume results.jsonl >>results.jsonl"),
];

const SERVE: &[Example] = &[
    ("Pictures of the streams on some hosts:", "hlsnap serve --listen 127.0.0.1:8080 --allow-host '*.example.com'"),
    ("Pictures for signed requests, see hlsnap-sign(1):", "HLSNAP_KEY=... hlsnap serve"),
];

const WATCH: &[Example] = &[
    ("Watch a list, with the wall at http://127.0.0.1:8090/:", "hlsnap watch channels.m3u --listen 127.0.0.1:8090 >>events.jsonl"),
    (
        "Post the events, and go on from the same states after a restart:",
        "hlsnap watch channels.m3u --webhook https://example.com/events --state states.json >>events.jsonl",
    ),
];

const SIGN: &[Example] = &[(
    "A URL that is valid for an hour:",
    "HLSNAP_KEY=... hlsnap sign 'https://thumbs.example.com/snapshot.jpg?url=https://live.example.com/master.m3u8' --expires 1h",
)];

const COMPLETIONS: &[Example] = &[
    ("Completions for your own bash:", "hlsnap completions bash >~/.local/share/bash-completion/completions/hlsnap"),
    ("Completions for your own fish:", "hlsnap completions fish >~/.config/fish/completions/hlsnap.fish"),
];
