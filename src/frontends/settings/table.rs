//! The table of settings: the operator's options, as flags of the command line and as `HLSNAP_` variables.

use url::Url;
use wildmatch::WildMatch;

use super::values::Settings;
use crate::{
    error::Error,
    request::{
        MAX_PICTURES,
        options::{
            ACCESS, Commands, LIMITS,
            OptionKind::{Bool, Integer, Path, Repeatable, Switch, Value},
            OptionSpec, Section,
        },
    },
};

const SERVE: Section = Section { heading: None, commands: Commands::SERVE, is_in_queries: false };
/// Options of lists of channels.
const FLEET: Section = Section { heading: Some("List"), commands: Commands::BATCH.and(Commands::WATCH), is_in_queries: false };
const WATCH: Section = Section { heading: Some("Watching"), commands: Commands::WATCH, is_in_queries: false };
const VARIABLES: Section = Section { heading: None, commands: Commands::NONE, is_in_queries: false };
const MAX_JOBS: u32 = 1000;

type Row = OptionSpec<Settings>;

/// The settings, in the order of the help. In each setter `s` is the [`Settings`] and `v` the value.
pub(in crate::frontends) static SETTINGS: &[Row] = &[
    Row::new(ACCESS, "proxy", Value, "URL", "A proxy, http:// or socks5:// [default: from the usual environment variables]", |s, v| {
        v.text().map(|url| s.network.proxy = Some(url))
    })
    .after("decryption-key"),
    Row::new(ACCESS, "cacert", Path, "FILE", "A PEM file with additional root certificates", |s, v| {
        s.network.cacert = Some(v.path()).filter(|path| !path.as_os_str().is_empty()).or(s.network.cacert.take());
        Ok(())
    })
    .after("decryption-key"),
    Row::new(ACCESS, "insecure", Switch, "", "Do not verify certificates", |s, v| v.flag().map(|on| s.network.insecure = on))
        .after("decryption-key"),
    Row::new(ACCESS, "allow-private", Bool, "BOOL", "Allow private, loopback and link-local addresses [default: true]", |s, v| {
        v.flag().map(|on| s.network.allow_private = on)
    })
    .after("decryption-key"),
    Row::new(ACCESS, "allow-downgrade", Switch, "", "Follow redirects from https: to http:", |s, v| {
        v.flag().map(|on| s.network.allow_downgrade = on)
    })
    .after("decryption-key"),
    Row::new(
        LIMITS,
        "sandbox",
        Bool,
        "BOOL",
        "Give up access to files, programs and other processes before untrusted media is read (Linux) [default: false; for serve true]",
        |s, v| v.flag().map(|on| s.sandbox = Some(on)),
    )
    .after("max-playlist-bytes"),
    Row::new(
        SERVE,
        "allow-host",
        Repeatable,
        "GLOB",
        "A host that may be contacted, such as *.example.com, for playlists, segments and redirects alike (repeatable)",
        |s, v| v.parse().map(|pattern| s.network.allow_hosts.push(pattern)),
    ),
    Row::new(
        SERVE,
        "key",
        Value,
        "KEY",
        "Answer requests that are signed with this key: sig=, the HMAC-SHA256 of path and query (better as HLSNAP_KEY)",
        |s, v| {
            s.key = Some(v.text()?).filter(|key| !key.is_empty()).or(s.key.take());
            Ok(())
        },
    )
    .only_for(Commands::SERVE.and(Commands::WATCH)),
    Row::new(
        WATCH,
        "state",
        Path,
        "FILE",
        "Keep the reported states in this file, so that the next watch goes on from them and reports only changes",
        |s, v| {
            s.watching.state = Some(v.path()).filter(|path| !path.as_os_str().is_empty());
            Ok(())
        },
    ),
    Row::new(WATCH, "token", Value, "TOKEN", "Require this token to see the wall (better as HLSNAP_TOKEN)", |s, v| {
        s.watching.token = Some(v.text()?).filter(|token| !token.is_empty()).or(s.watching.token.take());
        Ok(())
    }),
    Row::new(WATCH, "webhook", Repeatable, "URL", "Post each event to this URL, as JSON (repeatable)", |s, v| {
        let url = Url::parse(&v.text()?).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
        s.watching.webhooks.push(url.ok_or_else(|| Error::usage("--webhook is not a URL", "give an http:// or https:// URL"))?);
        Ok(())
    }),
    Row::new(
        WATCH,
        "webhook-key",
        Value,
        "KEY",
        "Sign events with this key, as Standard Webhooks describes (better as HLSNAP_WEBHOOK_KEY)",
        |s, v| {
            s.watching.webhook_key = Some(v.text()?).filter(|key| !key.is_empty()).or(s.watching.webhook_key.take());
            Ok(())
        },
    ),
    Row::new(SERVE, "allow-any", Switch, "", "Answer requests for any public host", |s, v| v.flag().map(|on| s.allow_any = on)),
    Row::new(
        FLEET,
        "jobs",
        Integer(1, MAX_JOBS),
        "N",
        "How many pictures are made at a time [default: serve: 8; batch and watch: 4 for each processor]",
        |s, v| v.integer().map(|jobs| s.jobs = Some(jobs)),
    )
    .only_for(Commands::SERVE.and(Commands::BATCH).and(Commands::WATCH)),
    Row::new(FLEET, "per-host", Integer(1, MAX_JOBS), "N", "How many of these come from one host [default: 4]", |s, v| {
        v.integer().map(|jobs| s.per_host = Some(jobs))
    }),
    Row::new(FLEET, "rate", Value, "N", "How many pictures are started in a second, such as 10 or 0.5 [default: no limit]", |s, v| {
        let rate = v.text()?.parse::<f64>().ok().filter(|rate| rate.is_finite() && *rate > 0.0);
        s.rate = Some(rate.ok_or_else(|| Error::usage("--rate is not a positive number", "give pictures a second, such as 10 or 0.5"))?);
        Ok(())
    }),
    #[cfg(feature = "fleet")]
    Row::new(FLEET, "shard", Value, "I/N", "Only the I-th of N parts of the list, by a hash of the channel's id", |s, v| {
        v.parse().map(|shard| s.shard = Some(shard))
    }),
    Row::new(FLEET, "resume", Path, "FILE", "The results of an interrupted run: skip lines that have a picture in them", |s, v| {
        s.resume = Some(v.path());
        Ok(())
    })
    .only_for(Commands::BATCH),
    Row::new(
        SERVE,
        "max-pictures",
        Integer(1, MAX_PICTURES),
        "N",
        "The pictures that one sheet, storyboard or animation may have [default: 400; for Lambda's events 2000]",
        |s, v| v.integer().map(|count| s.max_pictures = Some(count)),
    ),
    Row::new(SERVE, "cors", Repeatable, "ORIGIN", "A web origin whose pages may read answers, or * for any (repeatable)", |s, v| {
        v.text().map(|origin| s.serving.cors.push(origin))
    }),
    Row::new(SERVE, "rate-limit", Value, "N[/s|/m]", "How many requests one client may send in a second, or in a minute", |s, v| {
        v.text().map(|rate| s.serving.rate_limit = Some(rate))
    }),
    Row::new(
        SERVE,
        "trusted-proxies",
        Repeatable,
        "CIDR",
        "Proxies whose X-Forwarded-For names the client, such as 10.0.0.0/8 (repeatable)",
        |s, v| v.text().map(|network| s.serving.trusted_proxies.push(network)),
    ),
    Row::new(SERVE, "access-log", Switch, "", "Write one JSON object per request to stderr", |s, v| {
        v.flag().map(|on| s.serving.access_log = on)
    }),
    Row::new(
        SERVE,
        "cache-bytes",
        Value,
        "N",
        "How much memory keeps pictures, frames and playlists for further requests; 0 keeps nothing [default: 256M]",
        |s, v| {
            let is_off = v.text().is_ok_and(|text| text == "0");
            if is_off { Ok(0) } else { v.bytes() }.map(|bytes| s.cache_bytes = Some(bytes))
        },
    ),
    Row::new(VARIABLES, "allow-output", Repeatable, "GLOB", "Outputs that events may name", |s, v| {
        v.text().map(|pattern| s.allow_outputs.push(WildMatch::new(&pattern)))
    }),
    Row::new(VARIABLES, "drop-permanent", Switch, "", "Drop queued messages that fail the same way every time", |s, v| {
        v.flag().map(|on| s.drop_permanent = on)
    }),
    Row::new(VARIABLES, "log", Value, "LEVEL", "The log level: error, warn, info, debug", |s, v| {
        s.log = v.text()?.parse().map_err(|_| Error::usage("the log level is not known", "use error, warn, info or debug"))?;
        Ok(())
    }),
];
