//! Webhooks: events reach receivers that fail, hang, come late or refuse, in the order of each channel, and signed so that the reference
//! library verifies them.

use std::{
    collections::HashMap,
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    process::{Command, Stdio},
    sync::{Arc, Mutex},
    time::Duration,
};

use hlsnap::{
    NetworkPolicy,
    internals::{
        fetch::Poster,
        watch::{SigningKey, Webhook, WebhookConfig, WebhookCounts, WebhookSender},
    },
};
use serde_json::{Value, json};

const KEY: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// A message that a receiver got.
#[derive(Debug, Clone)]
struct Message {
    headers: HashMap<String, String>,
    body: String,
}

impl Message {
    fn id(&self) -> &str {
        self.headers.get("webhook-id").expect("an ID")
    }
}

/// What a receiver does with a message.
enum Answer {
    Status(u16, &'static str),
    /// Nothing, until the client closes the connection.
    Hang,
}

/// A receiver of webhooks. It listens until the test ends.
struct Receiver {
    address: SocketAddr,
    messages: Arc<Mutex<Vec<Message>>>,
}

impl Receiver {
    /// `answer` gets each message, and the number of those before it.
    fn start(answer: impl Fn(usize, &Message) -> Answer + Send + Sync + 'static) -> Self {
        Self::on(TcpListener::bind("127.0.0.1:0").expect("a port"), answer)
    }

    fn on(listener: TcpListener, answer: impl Fn(usize, &Message) -> Answer + Send + Sync + 'static) -> Self {
        let (address, messages) = (listener.local_addr().expect("an address"), Arc::<Mutex<Vec<Message>>>::default());
        let (received, answer) = (Arc::clone(&messages), Arc::new(answer));
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (received, answer) = (Arc::clone(&received), Arc::clone(&answer));
                std::thread::spawn(move || serve(&stream, &received, &*answer));
            }
        });
        Self { address, messages }
    }

    fn url(&self) -> String {
        format!("http://{}/hook", self.address)
    }

    fn messages(&self) -> Vec<Message> {
        self.messages.lock().expect("no panic").clone()
    }

    fn bodies(&self) -> Vec<String> {
        self.messages().into_iter().map(|message| message.body).collect()
    }
}

fn serve(mut stream: &TcpStream, received: &Mutex<Vec<Message>>, answer: &dyn Fn(usize, &Message) -> Answer) {
    let mut reader = BufReader::new(stream);
    while let Some(message) = read_message(&mut reader) {
        let number = {
            let mut messages = received.lock().expect("no panic");
            messages.push(message.clone());
            messages.len() - 1
        };
        let Answer::Status(status, header) = answer(number, &message) else {
            // Ends when the client gives up
            let _ = reader.read(&mut [0]);
            return;
        };
        let head = format!("HTTP/1.1 {status} Status\r\n{header}Content-Length: 2\r\n\r\nok");
        if stream.write_all(head.as_bytes()).is_err() {
            return;
        }
    }
}

fn read_message(reader: &mut BufReader<&TcpStream>) -> Option<Message> {
    let mut lines = std::iter::from_fn(|| {
        let mut line = String::new();
        reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
        Some(line.trim_end().to_owned()).filter(|line| !line.is_empty())
    });
    assert_eq!(lines.next()?, "POST /hook HTTP/1.1");
    let headers: HashMap<_, _> =
        lines.filter_map(|line| line.split_once(": ").map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))).collect();
    let mut body = vec![0; headers.get("content-length")?.parse().expect("a number")];
    reader.read_exact(&mut body).ok()?;
    Some(Message { headers, body: String::from_utf8(body).expect("UTF-8") })
}

/// Short waits.
fn config(urls: &[String], change: impl FnOnce(&mut WebhookConfig)) -> WebhookConfig {
    let urls = urls.iter().map(|url| url.parse().expect("a URL")).collect();
    let mut config = WebhookConfig::new(urls, Some(KEY.parse::<SigningKey>().expect("a key")));
    config.timing.first_wait = Duration::from_millis(20);
    config.timing.longest_wait = Duration::from_millis(100);
    change(&mut config);
    config
}

fn run<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime").block_on(work)
}

fn start(config: &WebhookConfig) -> (Webhook, WebhookSender) {
    let webhook = Webhook::start(config, &Poster::new(&NetworkPolicy::default()).expect("a client"));
    let sender = webhook.sender();
    (webhook, sender)
}

fn send(sender: &WebhookSender, channel: &str, body: &str) {
    sender.send(channel, &body.to_owned().into());
}

/// Waits until the counts are reached.
async fn until(sender: &WebhookSender, is_reached: impl Fn(WebhookCounts) -> bool) -> WebhookCounts {
    for _ in 0..3000 {
        if is_reached(sender.counts()) {
            return sender.counts();
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("still {:?}", sender.counts());
}

#[test]
fn the_reference_library_verifies_each_attempt() {
    let receiver = Receiver::start(|number, _| Answer::Status(if number == 0 { 503 } else { 204 }, ""));
    run(async {
        let (_webhook, sender) = start(&config(&[receiver.url()], |_| {}));
        send(&sender, "a", r#"{"channel": "a", "name": "Ä"}"#);
        until(&sender, |counts| counts.delivered == 1).await;
    });
    let messages: Vec<Value> =
        receiver.messages().iter().map(|message| json!({"headers": message.headers, "body": message.body})).collect();
    assert_eq!(messages.len(), 2);
    let python = Command::new("script/python").arg("webhooks").output().expect("script/python runs");
    assert!(python.status.success(), "{}", String::from_utf8_lossy(&python.stderr));
    let python = String::from_utf8(python.stdout).expect("a path");
    let mut child = Command::new(python.trim())
        .args(["tests/webhooks/verify.py", KEY])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("Python runs");
    child.stdin.take().expect("a pipe").write_all(json!(messages).to_string().as_bytes()).expect("Python reads");
    let output = child.wait_with_output().expect("Python ends");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "2 verified, 2 with another body refused, 2 with another key refused\n");
}

#[test]
fn a_failed_event_is_sent_again_with_the_same_id() {
    let receiver = Receiver::start(|number, _| Answer::Status(if number < 2 { 500 } else { 200 }, ""));
    let counts = run(async {
        let (_webhook, sender) = start(&config(&[receiver.url()], |_| {}));
        send(&sender, "a", "1");
        let counts = until(&sender, |counts| counts.delivered == 1).await;
        send(&sender, "a", "2");
        until(&sender, |counts| counts.delivered == 2).await;
        counts
    });
    assert_eq!(counts, WebhookCounts { delivered: 1, retried: 2, dropped: 0, queued: 0 });
    let messages = receiver.messages();
    assert_eq!(receiver.bodies(), ["1", "1", "1", "2"]);
    assert!(messages[..3].iter().all(|message| message.id() == messages[0].id()));
    assert_ne!(messages[3].id(), messages[0].id());
    assert_eq!(messages[0].headers["content-type"], "application/json");
}

#[test]
fn a_refused_event_is_dropped_and_the_next_one_is_sent() {
    // Nor is a redirect followed
    for status in [410, 404, 400, 307] {
        let receiver = Receiver::start(move |number, _| Answer::Status(if number == 0 { status } else { 200 }, "Location: /hook\r\n"));
        let counts = run(async {
            let (_webhook, sender) = start(&config(&[receiver.url()], |_| {}));
            send(&sender, "a", "1");
            send(&sender, "a", "2");
            until(&sender, |counts| counts.delivered == 1).await
        });
        assert_eq!(counts, WebhookCounts { delivered: 1, retried: 0, dropped: 1, queued: 0 }, "{status}");
        assert_eq!(receiver.bodies(), ["1", "2"], "{status}");
    }
}

#[test]
fn a_receiver_that_hangs_delays_only_its_own_channel() {
    let receiver =
        Receiver::start(|number, message| if message.body == "a1" && number < 3 { Answer::Hang } else { Answer::Status(200, "") });
    let counts = run(async {
        let (_webhook, sender) = start(&config(&[receiver.url()], |config| config.timing.attempt = Duration::from_millis(300)));
        for (channel, body) in [("a", "a1"), ("a", "a2"), ("b", "b1"), ("c", "c1")] {
            send(&sender, channel, body);
        }
        until(&sender, |counts| counts.delivered == 4).await
    });
    assert!(counts.retried >= 1 && counts.dropped == 0, "{counts:?}");
    let bodies = receiver.bodies();
    let place = |body: &str| bodies.iter().rposition(|other| other == body).expect(body);
    assert!(place("b1") < place("a1") && place("c1") < place("a1") && place("a1") < place("a2"), "{bodies:?}");
}

#[test]
fn events_wait_for_a_receiver_that_is_not_up_yet() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    drop(listener);
    let bodies = run(async {
        let (_webhook, sender) = start(&config(&[format!("http://{address}/hook")], |_| {}));
        (0..5).for_each(|number| send(&sender, "a", &number.to_string()));
        until(&sender, |counts| counts.retried >= 2).await;
        let receiver = Receiver::on(TcpListener::bind(address).expect("the same port"), |_, _| Answer::Status(200, ""));
        let counts = until(&sender, |counts| counts.delivered == 5).await;
        assert_eq!((counts.dropped, counts.queued), (0, 0));
        receiver.bodies()
    });
    assert_eq!(bodies, ["0", "1", "2", "3", "4"]);
}

#[test]
fn each_channel_keeps_its_order_while_attempts_fail() {
    // Every third message fails
    let receiver = Receiver::start(|number, _| Answer::Status(if number % 3 == 2 { 502 } else { 200 }, ""));
    run(async {
        let (_webhook, sender) = start(&config(&[receiver.url()], |_| {}));
        for number in 0..20 {
            for channel in ["a", "b", "c"] {
                send(&sender, channel, &format!("{channel}{number:02}"));
            }
        }
        let counts = until(&sender, |counts| counts.delivered == 60).await;
        assert_eq!(counts.retried + 60, receiver.messages().len() as u64);
    });
    for channel in ["a", "b", "c"] {
        let mut of_channel: Vec<_> = receiver.bodies().into_iter().filter(|body| body.starts_with(channel)).collect();
        assert!(of_channel.is_sorted(), "{of_channel:?}");
        of_channel.dedup();
        assert_eq!(of_channel.len(), 20);
    }
}

#[test]
fn a_full_queue_drops_the_oldest_events_and_counts_them() {
    let receiver = Receiver::start(|_, _| Answer::Hang);
    run(async {
        let (webhook, sender) = start(&config(&[receiver.url()], |config| config.capacity = 10));
        (0..30).for_each(|number| send(&sender, "a", &number.to_string()));
        let counts = until(&sender, |counts| counts.queued == 10).await;
        assert_eq!((counts.delivered, counts.dropped), (0, 20));
        assert_eq!(webhook.shutdown(Duration::from_millis(100)).await, 10);
    });
}

#[test]
fn the_end_of_the_program_delivers_events_that_wait_for_a_retry() {
    let receiver = Receiver::start(|number, _| Answer::Status(if number == 0 { 503 } else { 200 }, "Retry-After: 600\r\n"));
    run(async {
        let (webhook, sender) = start(&config(&[receiver.url()], |_| {}));
        send(&sender, "a", "1");
        while receiver.messages().is_empty() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        assert_eq!(webhook.shutdown(Duration::from_secs(20)).await, 0);
        assert_eq!(sender.counts(), WebhookCounts { delivered: 1, retried: 1, dropped: 0, queued: 0 });
    });
}

#[test]
fn an_event_is_dropped_once_it_is_too_old() {
    let receiver = Receiver::start(|_, _| Answer::Status(503, ""));
    run(async {
        let (_webhook, sender) = start(&config(&[receiver.url()], |config| config.timing.give_up_after = Duration::from_millis(300)));
        send(&sender, "a", "1");
        let counts = until(&sender, |counts| counts.dropped == 1).await;
        assert!(counts.retried >= 1 && counts.queued == 0, "{counts:?}");
    });
}

#[test]
fn every_receiver_gets_every_event_and_one_failure_delays_no_other() {
    let [good, bad] = [200, 500].map(|status| Receiver::start(move |_, _| Answer::Status(status, "")));
    run(async {
        let (webhook, sender) = start(&config(&[bad.url(), good.url()], |config| config.key = None));
        (0..5).for_each(|number| send(&sender, "a", &number.to_string()));
        until(&sender, |counts| counts.delivered == 5).await;
        assert_eq!(webhook.shutdown(Duration::ZERO).await, 5);
    });
    assert_eq!(good.bodies(), ["0", "1", "2", "3", "4"]);
    let id = good.messages()[0].id().to_owned();
    assert!(bad.messages().iter().all(|message| message.id() == id && !message.headers.contains_key("webhook-signature")));
}
