//! The streams and programs of an open container (`AVFormatContext`).

use ffmpeg_sys_next as ffi;

use super::stream::video_pixels;

/// A context that `avformat_open_input` opened. Dropping it closes it. Only its owner, through `&mut`, has libavformat read or probe.
pub(super) struct FormatContext(*mut ffi::AVFormatContext);

impl FormatContext {
    /// # Safety
    ///
    /// `context` is open, and nobody else closes it.
    pub unsafe fn from_open(context: *mut ffi::AVFormatContext) -> Self {
        Self(context)
    }

    pub fn as_mut_ptr(&mut self) -> *mut ffi::AVFormatContext {
        self.0
    }

    /// The streams that libavformat knows.
    pub fn streams(&self) -> &[*mut ffi::AVStream] {
        // SAFETY: `streams` points to `nb_streams` pointers while the context is open; both change only in calls that take `as_mut_ptr`.
        unsafe {
            let (streams, count) = ((*self.0).streams, (*self.0).nb_streams as usize);
            if streams.is_null() || count == 0 { &[] } else { std::slice::from_raw_parts(streams, count) }
        }
    }

    /// Whether a stream is video, cover images excepted.
    pub fn is_video(&self, index: usize) -> bool {
        self.streams().get(index).is_some_and(|stream| video_pixels(*stream).is_some())
    }

    /// The PIDs of the program map tables (ISO/IEC 13818-1, 2.4.4.8), and how many of them libavformat has read.
    pub fn program_tables(&self) -> (Vec<u16>, usize) {
        // SAFETY: `programs` points to `nb_programs` pointers to programs while the context is open.
        let programs: Vec<(i32, bool)> = unsafe {
            let (programs, count) = ((*self.0).programs, (*self.0).nb_programs as usize);
            let programs = if programs.is_null() || count == 0 { &[] } else { std::slice::from_raw_parts(programs, count) };
            programs.iter().map(|program| ((**program).pmt_pid, (**program).nb_stream_indexes > 0)).collect()
        };
        let read = programs.iter().filter(|(_, has_streams)| *has_streams).count();
        (programs.into_iter().filter_map(|(pid, _)| pid.try_into().ok()).collect(), read)
    }
}

impl Drop for FormatContext {
    fn drop(&mut self) {
        // SAFETY: the context is open and closed once; with AVFMT_FLAG_CUSTOM_IO its `pb` stays for its owner to free.
        unsafe { ffi::avformat_close_input(&raw mut self.0) };
    }
}
