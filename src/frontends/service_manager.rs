//! Tells the service manager that a long-running command is ready, as systemd's units of Type=notify expect.

use sd_notify::NotifyState;

/// Does nothing without `NOTIFY_SOCKET`.
pub(super) fn report_ready() {
    if let Err(error) = sd_notify::notify(&[NotifyState::Ready]) {
        tracing::warn!("the service manager cannot be reached: {error}");
    }
}
