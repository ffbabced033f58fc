//! The standard metrics of a process: processor time, memory, start time and open files.

use std::{fmt, fs::File, os::unix::fs::FileExt};

use chrono::Utc;
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric},
    metrics::{counter::ConstCounter, gauge::ConstGauge},
};

/// Ticks a second of times in `/proc`, on every architecture (proc(5), `USER_HZ`).
const TICKS: f64 = 100.0;
/// The buffer for `/proc/self/stat` and `status`, in bytes, which is larger than these files.
const MAX_FILE: usize = 8192;

/// Files of `/proc/self`. They stay open: the sandbox forbids opening them again. Without one of them, its families are missing.
#[derive(Debug)]
pub(super) struct ProcessMetrics {
    stat: Option<File>,
    status: Option<File>,
    open_files: Option<File>,
    /// In seconds since 1970.
    start: f64,
}

impl ProcessMetrics {
    /// Takes the current time as the start, because the program calls this first.
    pub fn open() -> Self {
        let open = |name: &str| File::open(format!("/proc/self/{name}")).ok();
        let start = Utc::now().timestamp_micros() as f64 / 1e6;
        Self { stat: open("stat"), status: open("status"), open_files: open("fd"), start }
    }

    /// User and system time in seconds: fields 14 and 15 of stat. The program's name before them may hold spaces.
    fn cpu_seconds(&self) -> Option<f64> {
        let text = text(self.stat.as_ref()?)?;
        let mut fields = text.rsplit_once(')')?.1.split_ascii_whitespace().skip(11).map(str::parse::<f64>);
        Some((fields.next()?.ok()? + fields.next()?.ok()?) / TICKS)
    }

    fn resident_bytes(&self) -> Option<u64> {
        let text = text(self.status.as_ref()?)?;
        let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
        Some(line.trim().strip_suffix(" kB")?.parse::<u64>().ok()?.saturating_mul(1024))
    }

    /// Since Linux 6.2 the size of the folder is the number of its entries; before, it is 0.
    fn open_files(&self) -> Option<u64> {
        Some(self.open_files.as_ref()?.metadata().ok()?.len()).filter(|count| *count > 0)
    }
}

/// The current content of a file of `/proc`.
fn text(file: &File) -> Option<String> {
    let mut buffer = vec![0; MAX_FILE];
    let length = file.read_at(&mut buffer, 0).ok()?;
    buffer.truncate(length);
    Some(String::from_utf8_lossy(&buffer).into_owned())
}

impl Collector for ProcessMetrics {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        if let Some(seconds) = self.cpu_seconds() {
            let counter = ConstCounter::new(seconds);
            let help = "User and system processor time in seconds";
            counter.encode(encoder.encode_descriptor("process_cpu_seconds", help, None, counter.metric_type())?)?;
        }
        let mut gauge = |name: &str, help: &str, value: f64| {
            let gauge = ConstGauge::new(value);
            gauge.encode(encoder.encode_descriptor(name, help, None, gauge.metric_type())?)
        };
        if let Some(bytes) = self.resident_bytes() {
            gauge("process_resident_memory_bytes", "Resident memory in bytes", bytes as f64)?;
        }
        if let Some(count) = self.open_files() {
            gauge("process_open_fds", "Open file descriptors", count as f64)?;
        }
        gauge("process_start_time_seconds", "Start of the process in seconds since 1970", self.start)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_process_is_measured() {
        let process = ProcessMetrics::open();
        assert!(process.cpu_seconds().is_some_and(|seconds| (0.0..3600.0).contains(&seconds)), "{:?}", process.cpu_seconds());
        assert!(process.resident_bytes().is_some_and(|bytes| (1 << 20..1 << 40).contains(&bytes)), "{:?}", process.resident_bytes());
        let before = process.resident_bytes();
        let block = std::hint::black_box(vec![1_u8; 32 << 20]);
        assert!(process.resident_bytes() > before, "the file is read again, {} bytes later", block.len());
    }
}
